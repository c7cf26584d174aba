using System.CommandLine;
using AccelGen.Network.Quantized;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace AccelGen.Cli;

/// <summary><c>accelgen quantize</c>: ONNX to an int8 network file.</summary>
internal static class QuantizeCommand
{
    public static Command Create()
    {
        Option<string> output = new("--out") { Description = "Quantised network to write (JSON).", Required = true };
        Option<string?> json = Cli.JsonOption();
        var command = new Command("quantize", "Quantises an ONNX network to int8 by calibration images.");
        var options = new ModelOptions(command, "ONNX file, opset 9 to 21, float.");
        command.Add(output);
        command.Add(json);
        command.SetAction((result, cancellation) => Cli.GuardAsync(() =>
        {
            using ILoggerFactory logging = Cli.Logging();
            LoadedModel model = options.Load(result, logging.CreateLogger("accelgen"), cancellation);
            if (model.Float is null)
                throw new FormatException($"{options.Model(result)} is quantised already; give the ONNX file");
            string target = result.GetValue(output)!;
            QuantizedNetworkFile.Save(target, model.Quantized);
            var table = new Table().AddColumns("tensor", "shape", "low", "high", "scale", "zero point");
            foreach (int column in Enumerable.Range(2, 4))
                table.Columns[column].RightAligned();
            foreach (QuantizedTensor t in model.Quantized.Tensors)
                table.AddRow(Markup.Escape(t.Name), t.Shape.ToString(), $"{model.Ranges![t.Id].Low:G5}", $"{model.Ranges[t.Id].High:G5}", $"{t.Scale:G5}", $"{t.ZeroPoint}");
            Cli.Output().Write(table);
            Console.WriteLine($"{target}: {model.Quantized.Layers.Count} layers, {model.Quantized.Blocks.Count} skippable blocks");
            Cli.WriteJson(result.GetValue(json), new
            {
                network = target,
                tensors = model.Quantized.Tensors.Select(t => new { t.Name, shape = t.Shape.ToString(), low = model.Ranges![t.Id].Low, high = model.Ranges[t.Id].High, t.Scale, t.ZeroPoint }),
            });
            return Task.FromResult(ExitCode.Success);
        }));
        return command;
    }
}
