using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using AccelGen.Cli.Results;
using AccelGen.Config;
using AccelGen.Network.Dynamic;
using Microsoft.Extensions.Logging;

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
                EvaluateResult found = Result(prepared, evaluation, scores, loaded);
                EvaluateTable.Print(found);
                Console.WriteLine(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{scores[0].Images} images on {scores.Count} paths by the golden model, {wall.Elapsed.TotalSeconds:F1} s"
                    )
                );
                Cli.WriteJson(result.GetValue(json), found);
                return Task.FromResult(ExitCode.Success);
            }
        );
        return command;
    }

    private static EvaluateResult Result(
        DynamicNetwork prepared,
        Evaluation evaluation,
        IReadOnlyList<PathScore> scores,
        AcceleratorConfig config
    ) => new(evaluation.Metric, config.Name, config.Hash.Hex, [.. scores.Select((s, p) => Row(prepared, evaluation, s, p))]);

    private static EvaluatedPath Row(DynamicNetwork prepared, Evaluation evaluation, PathScore score, int path)
    {
        (long whole, long executed) = prepared.Network.Macs(prepared.Paths[path]);
        return new EvaluatedPath(
            prepared.Paths[path].Name,
            executed,
            whole,
            null,
            null,
            null,
            null,
            evaluation.Accuracy(score.Whole),
            score.Float is null ? null : evaluation.Accuracy(score.Float),
            evaluation.IsSegmentation ? score.Whole.Accuracy : null,
            evaluation.IsSegmentation ? [.. Enumerable.Range(0, score.Whole.Classes).Select(score.Whole.IntersectionOverUnion)] : null,
            score.Images
        );
    }
}
