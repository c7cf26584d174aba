using System.CommandLine;
using AccelGen.Cli.Results;
using AccelGen.Files;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace AccelGen.Cli;

/// <summary><c>accelgen quantize</c>: ONNX to an int8 network file.</summary>
internal static class QuantizeCommand
{
    private const int ReportImages = 8;

    public static Command Create()
    {
        OutputOption output = new("--out") { Description = "Quantised network to write (JSON).", Required = true };
        Option<bool> report = new("--report")
        {
            Description = $"Signal to quantisation noise of every layer, the worst first, on up to {ReportImages} calibration images.",
        };
        OutputOption json = Cli.JsonOption();
        var command = new Command("quantize", "Quantises a network to int8 by calibration images.");
        var options = new ModelOptions(command, ModelOptions.Takes());
        command.Add(output);
        command.Add(report);
        command.Add(json);
        command.SetAction(
            (result, cancellation) =>
            {
                using ILoggerFactory logging = Cli.Logging();
                LoadedModel model = options.Load(result, logging.CreateLogger("accelgen"), cancellation);
                if (model.Float is null)
                    throw new InputException(
                        FaultCodes.QuantisedAlready,
                        string.Empty,
                        $"{options.Model(result)} is quantised already",
                        "give the ONNX file"
                    );
                string target = result.GetValue(output)!;
                QuantizedNetworkFile.Save(target, model.Quantized);
                float[][] inputs = model.Calibration[..Math.Min(ReportImages, model.Calibration.Length)];
                LayerError[]? errors = result.GetValue(report)
                    ? [.. QuantizationReport.Layers(model.Float, model.Quantized, inputs, cancellation).OrderBy(e => e.OwnSignalToNoise)]
                    : null;
                QuantizeResult found = Result(target, model, errors);
                Cli.Output().Write(Tensors(found.Tensors));
                if (found.Layers is not null)
                    Cli.Output().Write(Report(found.Layers, inputs.Length));
                Console.WriteLine($"{target}: {model.Quantized.Layers.Count} layers, {model.Quantized.Blocks.Count} skippable blocks");
                Cli.WriteJson(result.GetValue(json), found);
                return Task.FromResult(ExitCode.Success);
            }
        );
        return command;
    }

    private static QuantizeResult Result(string target, LoadedModel model, LayerError[]? errors) =>
        new(
            target,
            model.Quantization,
            [
                .. model.Quantized.Tensors.Select(t => new TensorRange(
                    t.Name,
                    t.Shape.ToString(),
                    model.Ranges![t.Id].Low,
                    model.Ranges[t.Id].High,
                    t.Scale,
                    t.ZeroPoint
                )),
            ],
            errors is null ? null : [.. errors.Select(e => new LayerNoise(e.Layer, e.OwnSignalToNoise, e.SignalToNoise, e.Saturated))]
        );

    private static Table Tensors(IReadOnlyList<TensorRange> tensors)
    {
        Table table = new Table().AddColumns("tensor", "shape", "low", "high", "scale", "zero point");
        foreach (int column in Enumerable.Range(2, 4))
            table.Columns[column].RightAligned();
        foreach (TensorRange t in tensors)
            table.AddRow(Printable.Cell(t.Name), t.Shape, $"{t.Low:G5}", $"{t.High:G5}", $"{t.Scale:G5}", $"{t.ZeroPoint}");
        return table;
    }

    private static Table Report(IReadOnlyList<LayerNoise> errors, int images)
    {
        var table = new Table()
            .Title($"signal to quantisation noise on {images} images: what a layer loses alone, and with all before it")
            .AddColumns("layer", "alone, dB", "with all before, dB", "saturated");
        foreach (int column in Enumerable.Range(1, 3))
            table.Columns[column].RightAligned();
        foreach (LayerNoise e in errors)
            table.AddRow(Printable.Cell(e.Layer), Decibel(e.OwnSignalToNoiseDb), Decibel(e.SignalToNoiseDb), $"{e.Saturated:P3}");
        return table;

        static string Decibel(double value) => double.IsPositiveInfinity(value) ? "exact" : $"{value:F1}";
    }
}
