using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using AccelGen.Cli.Results;
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
using Command = System.CommandLine.Command;

namespace AccelGen.Cli;

/// <summary><c>accelgen paths</c>: what the paths of a network cost, exactly, and what they are worth.</summary>
internal sealed class PathsCommand
{
    private readonly Option<bool> only = new("--default")
    {
        Description = "Only makes the default ladder, for --out or the standard output.",
    };
    private readonly Option<bool> search = new("--search")
    {
        Description =
            "Searches for paths on the calibration images instead of taking the default ladder: each part alone, then combined greedily.",
    };
    private readonly Option<int> searchImages = new("--search-images")
    {
        Description = "Calibration images that the search uses.",
        DefaultValueFactory = _ => 4,
    };
    private readonly Option<int> count = new("--count")
    {
        Description = "Most paths that the search proposes.",
        DefaultValueFactory = _ => 16,
    };
    private readonly Option<int> rtl = new("--rtl")
    {
        Description = "Paths that are run through the RTL as well, on one image, spread evenly over what they cost.",
        DefaultValueFactory = _ => 0,
    };
    private readonly OutputOption output = new("--out") { Description = "Writes the paths as a file for --paths." };
    private readonly OutputOption html = new("--html")
    {
        Description = "Writes a page: accuracy over cycles, images at three operating points, cycles by class of layer.",
    };
    private readonly OutputOption table = new("--table")
    {
        Description =
            "Writes the table of a host that chooses the path of a frame by a budget: the Pareto set with what is "
            + "written to the path table, as JSON.",
    };
    private readonly OutputOption header = new("--header")
    {
        Description = "Writes the same table as a C header with a function that looks up a budget.",
    };
    private readonly OutputOption json = Cli.JsonOption();
    private readonly ModelOptions options;
    private readonly ImageOptions imageOptions;
    private readonly PathOptions pathOptions;
    private readonly AcceleratorOptions accelerator;

    private PathsCommand(Command command)
    {
        options = new ModelOptions(command, ModelOptions.Takes(", a file that 'quantize' wrote"));
        imageOptions = new ImageOptions(command);
        pathOptions = new PathOptions(command);
        accelerator = new AcceleratorOptions(command);
        foreach (Option option in new Option[] { only, search, searchImages, count, rtl, output, html, table, header, json })
            command.Add(option);
        command.SetAction(RunAsync);
    }

    public static Command Create()
    {
        var command = new Command(
            "paths",
            "What the paths of a network cost by the exact model, and how well they do by the golden model; without "
                + "--paths those of a default ladder."
        );
        _ = new PathsCommand(command);
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancellation)
    {
        var wall = Stopwatch.StartNew();
        using ILoggerFactory logging = Cli.Logging();
        ILogger log = logging.CreateLogger("accelgen");
        AcceleratorConfig config = accelerator.Config(result);
        MemoryTiming timing = accelerator.Timing(result);
        CheckTogether(result);
        if (result.GetValue(only))
        {
            WriteLadder(options.LoadForSchedule(result, log, cancellation), config, result.GetValue(output));
            return ExitCode.Success;
        }

        int? first = imageOptions.FirstClass(result);
        int proven = Cli.Range("--rtl", result.GetValue(rtl), 0, 1000),
            seed = options.Seed(result);
        Sample? sample = imageOptions.Labelled(result, options);
        LoadedModel model = options.Load(result, log, cancellation, pathOptions.Subnets(result));
        IReadOnlyList<PathPlan> ladder = result.GetValue(search)
            ? Search(result, model, config, log, cancellation)
            : PathStudy.Ladder(model.Quantized, config);
        DynamicNetwork prepared = pathOptions.Prepare(result, model, config, log, cancellation, ladder);
        PathStudy study = PathStudy.Of(model, prepared, config, timing, sample, imageOptions.Masks(result), first, seed, log, cancellation);
        if (proven > 0)
            study = study with { Costs = await ProveAsync(study, proven, sample, seed, log, cancellation).ConfigureAwait(false) };
        WriteTable(study, result.GetValue(table), result.GetValue(header));
        if (result.GetValue(output) is string file)
            OutputFile.Write(file, PathFile.Write(model.Quantized, ChannelCuts.Find(model.Quantized), prepared.Plans));
        PathsResult found = Result(study);
        PathTable.Print(found);
        if (result.GetValue(html) is string page)
            WritePage(page, result, study, sample, first, log, cancellation);
        Console.WriteLine(PathTable.Summary(found, wall.Elapsed));
        Cli.WriteJson(result.GetValue(json), found);
        string[] differences = [.. study.Costs.SelectMany(c => c.Rtl?.Differences ?? [])];
        Differences.Print(differences);
        return differences.Length == 0 ? ExitCode.Success : ExitCode.Mismatch;
    }

    // Options that contradict each other.
    private void CheckTogether(ParseResult result)
    {
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
            throw new InputException(FaultCodes.OptionsExclude, "--subnet", "the paths are the files", $"leave out {without}");
        OutputOption[] costs = [.. new[] { table, header, json, html }.Where(o => result.GetValue(o) is not null)];
        if (result.GetValue(only) && costs.Length > 0)
            throw new InputException(
                FaultCodes.OptionsExclude,
                string.Empty,
                $"{costs[0].Name} takes what the paths cost, which --default does not find out",
                "leave out --default"
            );
    }

    private IReadOnlyList<PathPlan> Search(
        ParseResult result,
        LoadedModel model,
        AcceleratorConfig config,
        ILogger log,
        CancellationToken cancellation
    ) =>
        pathOptions.Search(
            result,
            model,
            config,
            Cli.Range("--count", result.GetValue(count), 2, DynamicNetwork.MostVariants),
            Cli.Range("--search-images", result.GetValue(searchImages), 1, 1024),
            log,
            cancellation
        );

    private static void WriteLadder(QuantizedNetwork network, AcceleratorConfig config, string? output)
    {
        IReadOnlyList<ChannelCut> cuts = ChannelCuts.Find(network);
        IReadOnlyList<PathPlan> ladder = PathStudy.Ladder(network, config);
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

    private static void WriteTable(PathStudy study, string? json, string? header)
    {
        if (json is null && header is null)
            return;
        HostTable table = PathCost.TableOf(study.Program, study.Costs);
        AcceleratorConfig config = study.Program.Config;
        if (table.Entries.Count > config.Control.Paths)
            throw new InputException(
                FaultCodes.PathTable,
                string.Empty,
                $"the table of a host has {table.Entries.Count} paths",
                $"the path table of {config.Name} has {config.Control.Paths} rows (control.paths, at most 32): name "
                    + "fewer paths in a file for --paths, or take more rows"
            );
        if (header is not null)
            OutputFile.Write(header, HostTableHeader.Render(config, study.Metric, table));
        Cli.WriteJson(
            json,
            new HostTableResult(
                study.Metric,
                config.Name,
                config.Hash.Hex,
                [
                    .. table.Entries.Select(e => new HostTableEntry(
                        e.Name,
                        e.Row,
                        e.Cycles,
                        e.Accuracy,
                        (uint)e.Words.Keep,
                        (uint)(e.Words.Keep >> 32),
                        e.Words.Variant,
                        e.Words.Extents
                    )),
                ]
            )
        );
    }

    private static PathsResult Result(PathStudy study)
    {
        DynamicNetwork prepared = study.Prepared;
        return new PathsResult(
            study.Metric,
            study.Program.Config.Name,
            study.Program.Config.Hash.Hex,
            [
                .. study.Costs.Select(
                    (c, i) =>
                        new CostedPath(
                            c.Path.Name,
                            c.Macs,
                            c.Cycles,
                            c.Rtl?.CyclesRtl,
                            c.Rtl?.Mismatches,
                            c.Rtl?.Differences.Count,
                            c.Accuracy,
                            c.Images,
                            prepared.Plans.Count == 0 ? null : prepared.Plans[i].TakesMeansOf(prepared.Cuts),
                            c.Skip.Value,
                            c.Skip.Layers
                        )
                        {
                            IsPareto = c.IsPareto,
                        }
                ),
            ],
            [.. study.Costs.Where(c => c.IsPareto).Select(c => c.Path.Name)],
            study.Costs.Min(c => c.Skip.Value)
        )
        {
            WholeCycles = study.Costs[0].WholeCycles,
            WholeMacs = prepared.Network.Macs(ExecutionPath.Whole).Whole,
            Dropped = [.. prepared.Cuts.Select(Dropped)],
        };

        string Dropped(OrderedCut c)
        {
            IEnumerable<int> layers = c.Cut.Parts.SelectMany(p => p.Layers).Concat(c.Cut.HeadLayers).Order();
            return $"{PathFile.NameOf(prepared.Network, c.Cut)}: {string.Join(", ", layers.Select(l => prepared.Network.Layers[l].Name))}";
        }
    }

    // Runs some paths through the RTL: on the first image, or without images on the first that the network was calibrated on.
    private static async Task<PathCost[]> ProveAsync(
        PathStudy study,
        int count,
        Sample? sample,
        int seed,
        ILogger log,
        CancellationToken cancellation
    )
    {
        LoadedModel model = study.Model;
        CompiledProgram program = study.Program;
        float[] pixels =
            sample is not null ? sample.Pixels(model, sample.Images[0], seed)
            : model.Calibration.Length > 0 ? model.Calibration[0]
            : model.Draw(seed, 0);
        int[] chosen = PathCost.Spread(study.Costs, count);
        BuiltModel built = await new ModelBuild(logger: log)
            .BuildAsync(program.Config, false, cancellation: cancellation)
            .ConfigureAwait(false);
        var progress = new Progress(log, "simulation", "paths", chosen.Length);
        sbyte[] input = Quantizer.QuantizeValues(program.Network.Tensors[program.Network.Inputs[0]], pixels);
        IReadOnlyList<PathRun> runs = NetworkRun.Run(
            program,
            built.Library,
            study.Timing,
            [.. chosen.Select(c => study.Costs[c].Path)],
            [input],
            1,
            _ => progress.Add(1),
            cancellation: cancellation
        );
        return [.. study.Costs.Select((c, i) => Array.IndexOf(chosen, i) is var at and >= 0 ? c with { Rtl = runs[at] } : c)];
    }

    private void WritePage(
        string file,
        ParseResult result,
        PathStudy study,
        Sample? sample,
        int? first,
        ILogger log,
        CancellationToken cancellation
    )
    {
        int seed = options.Seed(result);
        double? real =
            sample is null || study.Model.Float is null
                ? null
                : FloatAccuracy(study.Model, study.Prepared, first, sample, seed, log, cancellation);
        PathPageWriter.Write(
            file,
            PathPageWriter.Build(study, sample, real, Path.GetFileNameWithoutExtension(options.Model(result)), Line(result), seed, first)
        );
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
        if (prepared.Whole is not int whole)
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
