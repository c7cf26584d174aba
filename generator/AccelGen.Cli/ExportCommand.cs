using System.CommandLine;
using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Network.Onnx;
using AccelGen.Network.Quantized;
using Microsoft.Extensions.Logging;

namespace AccelGen.Cli;

/// <summary><c>accelgen export</c>: the int8 network as ONNX in QDQ form, for checks by any ONNX runtime.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        OutputOption output = new("--out") { Description = "ONNX file to write.", Required = true };
        Option<string?> skip = new("--skip") { Description = "Blocks left out, by index, range or name: \"3\", \"0,4-6\", \"layer1.2\"." };
        OutputOption json = Cli.JsonOption();
        var command = new Command("export", "Writes a network, quantised to int8, as ONNX with QuantizeLinear and DequantizeLinear.");
        var options = new ModelOptions(command, ModelOptions.Takes(", a file that 'quantize' wrote"));
        foreach (Option option in new Option[] { output, skip, json })
            command.Add(option);
        command.SetAction((result, cancellation) =>
        {
            string target = result.GetValue(output)!;
            using ILoggerFactory logging = Cli.Logging();
            QuantizedNetwork network = options.Load(result, logging.CreateLogger("accelgen"), cancellation).Quantized;
            ExecutionPath? path = result.GetValue(skip) is string text ? BlockList.Parse(ResidualBlocks.Expand(text, network.Blocks), network.Blocks) : null;
            byte[] model = QdqExporter.Export(network, path);
            OutputFile.Write(target, stream => stream.Write(model));
            int layers = network.Layers.Count(l => l.Block is not int b || path?.SkippedBlocks.Contains(b) != true);
            long bytes = model.Length;
            Console.WriteLine($"{target}: {layers} layers, opset {QdqExporter.OpsetVersion}, {bytes:N0} bytes");
            Cli.WriteJson(result.GetValue(json), new { file = target, opset = QdqExporter.OpsetVersion, layers, bytes, skipped = path?.SkippedBlocks.Order() });
            return Task.FromResult(ExitCode.Success);
        });
        return command;
    }
}
