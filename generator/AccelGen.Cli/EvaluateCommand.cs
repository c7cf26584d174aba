using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using AccelGen.Config;
using AccelGen.Network.Dynamic;
using AccelGen.Sim;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace AccelGen.Cli;

/// <summary><c>accelgen evaluate</c>: accuracy of paths by the golden model alone.</summary>
internal static class EvaluateCommand
{
    public static Command Create()
    {
        Option<string> config = Cli.ConfigOption();
        Option<string[]> set = Cli.SetOption();
        Option<bool> floats = new("--float")
        {
            Description = "Runs the float network on every path as well.",
            DefaultValueFactory = _ => false,
        };
        OutputOption json = Cli.JsonOption();
        var command = new Command(
            "evaluate",
            "Accuracy of every path on images by the golden model, which the RTL equals bit for bit. A run that was "
                + "stopped goes on where it was."
        );
        var options = new ModelOptions(command, ModelOptions.Takes(", a file that 'quantize' wrote"));
        var imageOptions = new ImageOptions(command);
        var pathOptions = new PathOptions(command);
        foreach (Option option in new Option[] { config, set, floats, json })
            command.Add(option);
        command.SetAction(
            (result, cancellation) =>
            {
                var wall = Stopwatch.StartNew();
                using ILoggerFactory logging = Cli.Logging();
                ILogger log = logging.CreateLogger("accelgen");
                AcceleratorConfig loaded = Cli.Load(result.GetValue(config)!, result.GetValue(set)!);
                int? first = imageOptions.FirstClass(result);
                Sample sample = imageOptions.Load(result, options, drawn: false);
                LoadedModel model = options.Load(result, log, cancellation, pathOptions.Subnets(result));
                DynamicNetwork prepared = pathOptions.Prepare(result, model, loaded, log, cancellation);
                // Labels and masks that do not go with the network are found before the work.
                _ = Truth.Of(model.Quantized, sample.Images, imageOptions.Masks(result), first);
                var evaluation = new Evaluation(model, prepared, result.GetValue(floats), first);
                IReadOnlyList<PathScore> scores = evaluation.Run(sample, options.Seed(result), log, cancellation);
                Report(prepared, evaluation, scores, wall, loaded, result.GetValue(json));
                return Task.FromResult(ExitCode.Success);
            }
        );
        return command;
    }

    private static void Report(
        DynamicNetwork prepared,
        Evaluation evaluation,
        IReadOnlyList<PathScore> scores,
        Stopwatch wall,
        AcceleratorConfig config,
        string? json
    )
    {
        var table = new Table().AddColumns("path", "MACs", "saved", $"{evaluation.Metric} int8", $"{evaluation.Metric} float");
        if (evaluation.IsSegmentation)
            table.AddColumns("pixel accuracy int8");
        foreach (int column in Enumerable.Range(1, table.Columns.Count - 1))
            table.Columns[column].RightAligned();
        var rows = new List<object>();
        for (int p = 0; p < scores.Count; p++)
        {
            PathScore score = scores[p];
            (long whole, long executed) = Workload.Macs(prepared.Network, prepared.Paths[p]);
            double? accuracy = evaluation.Accuracy(score.Whole),
                real = score.Float is null ? null : evaluation.Accuracy(score.Float);
            string[] cells =
            [
                Printable.Cell(prepared.Paths[p].Name),
                $"{executed:N0}",
                whole == 0 ? string.Empty : $"{1 - ((double)executed / whole):P1}",
                $"{accuracy:P2}",
                $"{real:P2}",
            ];
            table.AddRow(evaluation.IsSegmentation ? [.. cells, $"{score.Whole.Accuracy:P2}"] : cells);
            rows.Add(
                new
                {
                    prepared.Paths[p].Name,
                    macs = executed,
                    macsWhole = whole,
                    cyclesModel = (long?)null,
                    cyclesRtl = (long?)null,
                    mismatches = (long?)null,
                    cycleDifferences = (long?)null,
                    accuracy,
                    floatAccuracy = real,
                    pixelAccuracy = evaluation.IsSegmentation ? score.Whole.Accuracy : null,
                    iou = evaluation.IsSegmentation
                        ? Enumerable.Range(0, score.Whole.Classes).Select(score.Whole.IntersectionOverUnion).ToArray()
                        : null,
                    score.Images,
                }
            );
        }

        Cli.Output().Write(table);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{scores[0].Images} images on {scores.Count} paths by the golden model, {wall.Elapsed.TotalSeconds:F1} s"
            )
        );
        Cli.WriteJson(
            json,
            new
            {
                metric = evaluation.Metric,
                config = config.Name,
                configHash = config.Hash.Hex,
                paths = rows,
            }
        );
    }
}
