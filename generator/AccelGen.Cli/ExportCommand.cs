using System.CommandLine;
using AccelGen.Cli.Results;
using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Onnx;
using Microsoft.Extensions.Logging;

namespace AccelGen.Cli;

/// <summary><c>accelgen export</c>: the int8 network as ONNX in QDQ form, for checks by any ONNX runtime.</summary>
internal static class ExportCommand
{
    private const string Int8Note =
        "note: on x64 processors without VNNI ONNX Runtime adds products of int8 weights in 16 bits that saturate, "
        + "and results are wrong (up to 100 steps seen); there use --type uint8, or open the file with graph optimisations off";

    private static readonly Dictionary<string, QdqType> Types = new() { ["uint8"] = QdqType.UInt8, ["int8"] = QdqType.Int8 };

    public static Command Create()
    {
        OutputOption output = new("--out") { Description = "ONNX file to write.", Required = true };
        Option<string?> skip = new("--skip") { Description = "Blocks left out, by index, range or name: \"3\", \"0,4-6\", \"layer1.2\"." };
        Option<string> type = new("--type")
        {
            Description =
                "Type of activations and weights: uint8 (weights with zero point 128), which ONNX Runtime computes exactly on every "
                + "processor, or int8 (with zero point 0), for tools that take no other.",
            DefaultValueFactory = _ => "uint8",
        };
        OutputOption json = Cli.JsonOption();
        var command = new Command("export", "Writes a network, quantised to int8, as ONNX with QuantizeLinear and DequantizeLinear.");
        var options = new ModelOptions(command, ModelOptions.Takes(", a file that 'quantize' wrote"));
        foreach (Option option in new Option[] { output, skip, type, json })
            command.Add(option);
        command.SetAction(
            (result, cancellation) =>
            {
                string target = result.GetValue(output)!;
                string asked = result.GetValue(type)!;
                if (!Types.TryGetValue(asked, out QdqType counts))
                    throw new InputException(
                        FaultCodes.IllegalOption,
                        string.Empty,
                        $"--type '{asked}' is unknown",
                        $"{string.Join(" and ", Types.Keys)} are"
                    );
                using ILoggerFactory logging = Cli.Logging();
                QuantizedNetwork network = options.Load(result, logging.CreateLogger("accelgen"), cancellation).Quantized;
                ExecutionPath? path = result.GetValue(skip) is string text
                    ? BlockList.Parse(ResidualBlocks.Expand(text, network.Blocks), network.Blocks)
                    : null;
                byte[] model = QdqExporter.Export(network, path, counts);
                OutputFile.Write(target, stream => stream.Write(model));
                int layers = network.Layers.Count(l => l.Block is not int b || path?.SkippedBlocks.Contains(b) != true);
                long bytes = model.Length;
                Console.WriteLine($"{target}: {layers} layers, {asked}, opset {QdqExporter.OpsetVersion}, {bytes:N0} bytes");
                if (counts == QdqType.Int8)
                    Console.WriteLine(Int8Note);
                int[]? skipped = path is null ? null : [.. path.SkippedBlocks.Order()];
                Cli.WriteJson(result.GetValue(json), new ExportResult(target, asked, QdqExporter.OpsetVersion, layers, bytes, skipped));
                return Task.FromResult(ExitCode.Success);
            }
        );
        return command;
    }
}
