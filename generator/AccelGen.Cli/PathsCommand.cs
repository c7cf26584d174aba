using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Emit;
using AccelGen.Files;
using AccelGen.Isa;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using AccelGen.Sim;
using Microsoft.Extensions.Logging;
using Spectre.Console;
using Command = System.CommandLine.Command;

namespace AccelGen.Cli;

/// <summary><c>accelgen paths</c>: what the paths of a network cost, exactly, and what they are worth.</summary>
internal static class PathsCommand
{
    public static Command Create()
    {
        Option<string> config = Cli.ConfigOption();
        Option<string[]> set = Cli.SetOption();
        Option<int> latency = Cli.MemoryLatencyOption();
        Option<int> interval = Cli.MemoryIntervalOption();
        OutputOption output = new("--out") { Description = "Writes the paths as a file for --paths." };
        OutputOption table = new("--table")
        {
            Description =
                "Writes the table of a host that chooses the path of a frame by a budget: the Pareto set with what is "
                + "written to the path table, as JSON.",
        };
        OutputOption header = new("--header")
        {
            Description = "Writes the same table as a C header with a function that looks up a budget.",
        };
        Option<bool> only = new("--default") { Description = "Only makes the default ladder, for --out or the standard output." };
        Option<bool> search = new("--search")
        {
            Description =
                "Searches for paths on the calibration images instead of taking the default ladder: each part alone, "
                + "then combined greedily.",
        };
        Option<int> searchImages = new("--search-images")
        {
            Description = "Calibration images that the search uses.",
            DefaultValueFactory = _ => 4,
        };
        Option<int> count = new("--count") { Description = "Most paths that the search proposes.", DefaultValueFactory = _ => 16 };
        Option<int> rtl = new("--rtl")
        {
            Description = "Paths that are run through the RTL as well, on one image, spread evenly over what they cost.",
            DefaultValueFactory = _ => 0,
        };
        OutputOption html = new("--html")
        {
            Description = "Writes a page: accuracy over cycles, images at three operating points, cycles by class of layer.",
        };
        OutputOption json = Cli.JsonOption();
        var command = new Command(
            "paths",
            "What the paths of a network cost by the exact model, and how well they do by the golden model; without "
                + "--paths those of a default ladder."
        );
        var options = new ModelOptions(command, ModelOptions.Takes(", a file that 'quantize' wrote"));
        var imageOptions = new ImageOptions(command);
        var pathOptions = new PathOptions(command);
        foreach (
            Option option in new Option[]
            {
                config,
                set,
                latency,
                interval,
                only,
                search,
                searchImages,
                count,
                rtl,
                output,
                html,
                table,
                header,
                json,
            }
        )
            command.Add(option);
        command.SetAction(
            async (result, cancellation) =>
            {
                var wall = Stopwatch.StartNew();
                using ILoggerFactory logging = Cli.Logging();
                ILogger log = logging.CreateLogger("accelgen");
                AcceleratorConfig loaded = Cli.Load(result.GetValue(config)!, result.GetValue(set)!);
                MemoryTiming timing = Cli.Timing(result.GetValue(latency), result.GetValue(interval));
                if (
                    pathOptions.Subnets(result).Count > 0
                    && (
                        result.GetValue(only) ? only.Name
                        : result.GetValue(search) ? search.Name
                        : result.GetValue(output) is null ? null
                        : output.Name
                    )
                        is { } without
                )
                    throw new FormatException($"--subnet: the paths are the files; leave out {without}");
                if (result.GetValue(only))
                {
                    foreach (OutputOption of in new[] { table, header, json, html }.Where(o => result.GetValue(o) is not null))
                        throw new FormatException(
                            $"{of.Name} takes what the paths cost, which --default does not find out; leave out --default"
                        );
                    QuantizedNetwork shape = options.LoadForSchedule(result, log, cancellation);
                    WriteLadder(shape, loaded, result.GetValue(output));
                    return ExitCode.Success;
                }

                int? first = imageOptions.FirstClass(result);
                int proven = Cli.Range("--rtl", result.GetValue(rtl), 0, 1000);
                Sample? sample = imageOptions.Given(result) ? imageOptions.Load(result, options, drawn: false) : null;
                LoadedModel model = options.Load(result, log, cancellation, pathOptions.Subnets(result));
                IReadOnlyList<ChannelCut> cuts = ChannelCuts.Find(model.Quantized);
                IReadOnlyList<PathPlan> ladder = result.GetValue(search)
                    ? pathOptions.Search(
                        result,
                        model,
                        loaded,
                        Cli.Range("--count", result.GetValue(count), 2, DynamicNetwork.MostVariants),
                        Cli.Range("--search-images", result.GetValue(searchImages), 1, 1024),
                        log,
                        cancellation
                    )
                    : DefaultLadder.Create(model.Quantized, cuts, loaded.Array.VectorWidth, loaded.Control.DynamicRegisters);
                DynamicNetwork prepared = pathOptions.Prepare(result, model, loaded, log, cancellation, ladder);
                if (sample is not null)
                    _ = Truth.Of(model.Quantized, sample.Images, imageOptions.Masks(result), first);
                CompiledProgram program = new NetworkCompiler(loaded, timing).Compile(prepared.Network);
                PathCost[] costs = PathCost.Of(program, timing, prepared.Paths);
                Evaluation? evaluation = sample is null ? null : new Evaluation(model, prepared, floats: false, first);
                if (evaluation?.Run(sample!, options.Seed(result), log, cancellation) is { } scores)
                    costs =
                    [
                        .. costs.Select((c, i) => c with { Accuracy = evaluation.Accuracy(scores[i].Whole), Images = scores[i].Images }),
                    ];
                costs = PathCost.WithPareto(costs);
                if (proven > 0)
                    costs = await ProveAsync(costs, proven, program, timing, model, sample, options.Seed(result), log, cancellation)
                        .ConfigureAwait(false);
                WriteTable(program, costs, evaluation?.Metric, result.GetValue(table), result.GetValue(header));
                if (result.GetValue(output) is string file)
                    OutputFile.Write(file, PathFile.Write(model.Quantized, cuts, prepared.Plans));
                PathCost.Print(prepared, costs, evaluation?.Metric);
                if (result.GetValue(html) is string page)
                {
                    double? real =
                        sample is null || model.Float is null
                            ? null
                            : FloatAccuracy(model, prepared, first, sample, options.Seed(result), log, cancellation);
                    PathPageWriter.Write(
                        page,
                        PathPageWriter.Build(
                            program,
                            timing,
                            costs,
                            model,
                            evaluation,
                            sample,
                            real,
                            Path.GetFileNameWithoutExtension(options.Model(result)),
                            Line(result),
                            options.Seed(result),
                            first
                        )
                    );
                }

                Console.WriteLine(PathCost.Summary(program, costs, wall.Elapsed));
                Cli.WriteJson(result.GetValue(json), PathCost.Json(program, prepared, costs, evaluation?.Metric));
                string[] differences = [.. costs.SelectMany(c => c.Rtl?.Differences ?? [])];
                foreach (string difference in differences.Take(20))
                    Console.Error.WriteLine($"error: {difference}");
                return differences.Length == 0 ? ExitCode.Success : ExitCode.Mismatch;
            }
        );
        return command;
    }

    private static void WriteLadder(QuantizedNetwork network, AcceleratorConfig config, string? output)
    {
        IReadOnlyList<ChannelCut> cuts = ChannelCuts.Find(network);
        IReadOnlyList<PathPlan> ladder = DefaultLadder.Create(network, cuts, config.Array.VectorWidth, config.Control.DynamicRegisters);
        string text = PathFile.Write(network, cuts, ladder);
        if (output is null)
        {
            Console.Write(text);
            return;
        }

        OutputFile.Write(output, text);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{output}: {ladder.Count} paths of {cuts.Count} layers that can read fewer channels and "
                    + $"{network.Blocks.Count} skippable blocks, in vectors of {config.Array.VectorWidth}"
            )
        );
    }

    private static void WriteTable(CompiledProgram program, PathCost[] costs, string? metric, string? json, string? header)
    {
        if (json is null && header is null)
            return;
        var table = HostTable.Create([
            .. costs.Select(r => new HostCandidate(r.Path.Name, r.Cycles, r.Accuracy ?? r.Macs, r.Accuracy, program.Row(r.Path))),
        ]);
        AcceleratorConfig config = program.Config;
        if (table.Entries.Count > config.Control.Paths)
            throw new FormatException(
                $"the table of a host has {table.Entries.Count} paths; the path table of {config.Name} has "
                    + $"{config.Control.Paths} rows (control.paths, at most 32): name fewer paths in a file for --paths, or take more rows"
            );
        if (header is not null)
            OutputFile.Write(header, HostTableHeader.Render(config, metric, table));
        Cli.WriteJson(
            json,
            new
            {
                metric,
                config = config.Name,
                configHash = config.Hash.Hex,
                entries = table.Entries.Select(e => new
                {
                    e.Name,
                    e.Row,
                    e.Cycles,
                    e.Accuracy,
                    keepLow = (uint)e.Words.Keep,
                    keepHigh = (uint)(e.Words.Keep >> 32),
                    e.Words.Variant,
                    e.Words.Extents,
                }),
            }
        );
    }

    // Runs some paths through the RTL: on the first image, or without images on the first that the network was calibrated on.
    private static async Task<PathCost[]> ProveAsync(
        PathCost[] costs,
        int count,
        CompiledProgram program,
        MemoryTiming timing,
        LoadedModel model,
        Sample? sample,
        int seed,
        ILogger log,
        CancellationToken cancellation
    )
    {
        float[] pixels =
            sample is not null ? sample.Pixels(model, sample.Images[0], seed)
            : model.Calibration.Length > 0 ? model.Calibration[0]
            : model.Draw(seed, 0);
        int[] chosen = PathCost.Spread(costs, count);
        BuiltModel built = await new ModelBuild(logger: log)
            .BuildAsync(program.Config, false, cancellation: cancellation)
            .ConfigureAwait(false);
        var progress = new Progress(log, "simulation", "paths", chosen.Length);
        sbyte[] input = Quantizer.QuantizeValues(program.Network.Tensors[program.Network.Inputs[0]], pixels);
        IReadOnlyList<PathRun> runs = NetworkRun.Run(
            program,
            built.Library,
            timing,
            [.. chosen.Select(c => costs[c].Path)],
            [input],
            1,
            _ => progress.Add(1),
            cancellation: cancellation
        );
        return [.. costs.Select((c, i) => Array.IndexOf(chosen, i) is var at and >= 0 ? c with { Rtl = runs[at] } : c)];
    }

    private static double? FloatAccuracy(
        LoadedModel model,
        DynamicNetwork prepared,
        int? first,
        Sample sample,
        int seed,
        ILogger log,
        CancellationToken cancellation
    )
    {
        int whole = prepared.Plans.ToList().FindIndex(p => p.SkippedBlocks.Count == 0 && p.Kept.Count == 0);
        if (whole < 0)
            return null;
        var alone = new Evaluation(
            model,
            prepared with
            {
                Paths = [prepared.Paths[whole]],
                Plans = [prepared.Plans[whole]],
            },
            floats: true,
            first
        );
        return alone.Run(sample, seed, log, cancellation)[0].Float is { } found ? alone.Accuracy(found) : null;
    }

    // The command as it was given, for the page.
    private static string Line(ParseResult result) =>
        string.Join(
            ' ',
            result.Tokens.Select(t => t.Value).Select(v => v.Contains(' ', StringComparison.Ordinal) ? $"'{v}'" : v).Prepend("accelgen")
        );
}
