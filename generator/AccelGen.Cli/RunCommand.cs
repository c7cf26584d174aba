using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using AccelGen.Sim;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace AccelGen.Cli;

/// <summary><c>accelgen run</c>: a network on real images through the RTL, on any paths of one program.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        Option<string> config = Cli.ConfigOption();
        Option<string[]> set = Cli.SetOption();
        OutputOption json = Cli.JsonOption();
        Option<int> latency = Cli.MemoryLatencyOption();
        Option<int> interval = Cli.MemoryIntervalOption();
        Option<int> jobs = new("--jobs")
        {
            Description = "Copies of the design that run at a time.",
            DefaultValueFactory = _ => Environment.ProcessorCount,
        };
        OutputOption waveform = new("--waveform") { Description = "FST file of the first path on one image; builds a slower model." };
        Option<string?> window = Cli.WaveformWindowOption();
        var command = new Command("run", "Runs a network on images through the RTL: outputs, cycles, accuracy.");
        var options = new ModelOptions(command, ModelOptions.Takes(", a file that 'quantize' wrote"));
        var imageOptions = new ImageOptions(command);
        var pathOptions = new PathOptions(command);
        var budgetOptions = new BudgetOptions(command);
        foreach (Option option in new Option[] { config, set, latency, interval, jobs, waveform, window, json })
            command.Add(option);
        command.SetAction(
            async (result, cancellation) =>
            {
                var wall = Stopwatch.StartNew();
                using ILoggerFactory logging = Cli.Logging();
                ILogger log = logging.CreateLogger("accelgen");
                AcceleratorConfig loaded = Cli.Load(result.GetValue(config)!, result.GetValue(set)!);
                MemoryTiming timing = Cli.Timing(result.GetValue(latency), result.GetValue(interval));
                int copies = Cli.Range("--jobs", result.GetValue(jobs), 1, 1024),
                    seed = options.Seed(result);
                int? first = imageOptions.FirstClass(result);
                Sample sample = imageOptions.Load(result, options);
                (string File, long From, long To)? wave = Cli.Waveform(result.GetValue(waveform), result.GetValue(window));
                if (wave is not null && sample.Images.Count != 1)
                    throw new FormatException($"--waveform goes with one image; {sample.Images.Count} are to run: choose one with --image");
                uint[] budgets = budgetOptions.Budgets(result);
                IReadOnlyList<string> subnets = pathOptions.Subnets(result);
                if (budgets.Length > 0 && subnets.Count > 0)
                    throw new FormatException(
                        "--budget changes the path within a frame, and layers of one subnet behind those of another "
                            + "are no network of any file; leave out one of the two"
                    );
                LoadedModel model = options.Load(result, log, cancellation, subnets);
                DynamicNetwork prepared = pathOptions.Prepare(result, model, loaded, log, cancellation);
                IReadOnlyList<ExecutionPath> paths = prepared.Paths;
                var truth = Truth.Of(model.Quantized, sample.Images, imageOptions.Masks(result), first);
                if (sample.Folder is null)
                    Console.WriteLine($"images: {sample.Images.Count} synthetic of seed {seed}; --images DIR runs real ones");
                CompiledProgram program = new NetworkCompiler(loaded, timing).Compile(prepared.Network);
                if (budgets.Length > 0)
                    program = budgetOptions.Insert(result, program, prepared.Paths, timing);
                BuiltModel built = await new ModelBuild(logger: log)
                    .BuildAsync(loaded, wave is not null, cancellation: cancellation)
                    .ConfigureAwait(false);
                float[][] pixels = [.. sample.Images.Select(i => sample.Pixels(model, i, seed))];
                int input = model.Quantized.Inputs[0];
                sbyte[][] inputs = [.. pixels.Select(p => Quantizer.QuantizeValues(model.Quantized.Tensors[input], p))];
                var progress = new Progress(
                    log,
                    "simulation",
                    "runs",
                    (long)inputs.Length * (budgets.Length > 0 ? budgets.Length : paths.Count)
                );
                IReadOnlyList<PathRun> runs =
                    budgets.Length > 0
                        ? NetworkRun.RunBudgets(
                            program,
                            built.Library,
                            timing,
                            budgets,
                            inputs,
                            copies,
                            _ => progress.Add(1),
                            (image, cycles) => Command(image) + pathOptions.Named(result) + budgetOptions.Arguments(result, cycles),
                            wave,
                            cancellation
                        )
                        : NetworkRun.Run(
                            program,
                            built.Library,
                            timing,
                            paths,
                            inputs,
                            copies,
                            _ => progress.Add(1),
                            (image, path) => $"{Command(image)} {pathOptions.Argument(result, path)}",
                            wave,
                            cancellation
                        );
                double?[] floatAccuracy =
                [
                    .. runs.Select(r =>
                        model.Float is null ? null : FloatAccuracy(model.Float, prepared, pixels, truth, r.Path, log, cancellation)
                    ),
                ];
                string verilator = await ModelBuild.VerilatorVersionAsync(cancellation).ConfigureAwait(false);
                string Command(int image) =>
                    $"accelgen run {options.Arguments(result)} {sample.Argument(sample.Images[image])} --config {result.GetValue(config)}"
                    + string.Concat(result.GetValue(set)!.Select(s => $" --set {s}"))
                    + $" --memory-latency {timing.ReadLatency} --memory-interval {timing.ReadInterval}{pathOptions.Arguments(result)}";
                return Report(
                    program,
                    timing,
                    runs,
                    truth,
                    floatAccuracy,
                    model.Quantization,
                    seed,
                    wall,
                    built.Seconds,
                    verilator,
                    result.GetValue(json)
                );
            }
        );
        return command;
    }

    private static double? FloatAccuracy(
        FloatNetwork network,
        DynamicNetwork prepared,
        float[][] pixels,
        Truth truth,
        ExecutionPath path,
        ILogger log,
        CancellationToken cancellation
    )
    {
        if (truth.Images == 0)
            return null;
        var progress = new Progress(log, $"float network, path {path.Name}", "images", pixels.Length);
        int index = prepared.Paths.ToList().IndexOf(path);
        var scores = new (long Right, long All)[pixels.Length];
        Parallel.For(
            0,
            pixels.Length,
            new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount },
            i =>
            {
                scores[i] = truth.Score(i, FloatPaths.Run(network, prepared, index, pixels[i]));
                progress.Add(1);
            }
        );
        return Truth.Accuracy(scores);
    }

    private static double? Accuracy(PathRun run, Truth truth) => Truth.Accuracy(run.Outputs.Select((o, i) => truth.Score(i, o)));

    private static int Report(
        CompiledProgram program,
        MemoryTiming timing,
        IReadOnlyList<PathRun> runs,
        Truth truth,
        double?[] floatAccuracy,
        Quantization? quantization,
        int seed,
        Stopwatch wall,
        double buildSeconds,
        string verilator,
        string? json
    )
    {
        AcceleratorConfig config = program.Config;
        PathRun first = runs[0];
        int images = first.Outputs.Count;
        // The whole network is what savings are measured against, whether or not it was run.
        long whole =
            runs.FirstOrDefault(r => r.MacsSkipped == 0 && r.Path.SkippedBlocks.Count == 0)?.CyclesRtl
            ?? new CycleModel(config, timing)
                .Predict(program.Commands, program.ProgramAddress, program.Row(ExecutionPath.Whole))
                .TotalCycles;
        double Use(PathRun r) => (double)(r.Macs - r.MacsSkipped) / r.CyclesRtl / config.Derived.PeakMacsPerCycle;

        var table = new Table()
            .Title($"path {Printable.Cell(first.Path.Name)}: cycles of one image, mismatches of {images}")
            .AddColumns("layer", "op", "MACs", "skipped", "RTL cycles", "model cycles", "mismatches", "utilization", "read", "written");
        foreach (int column in Enumerable.Range(2, 8))
            table.Columns[column].RightAligned();
        foreach (LayerResult r in first.Layers)
            table.AddRow(
                Printable.Cell(r.Name),
                r.Op,
                $"{r.Macs:N0}",
                $"{r.MacsSkipped:N0}",
                $"{r.CyclesRtl:N0}",
                $"{r.CyclesModel:N0}",
                $"{r.Mismatches}",
                $"{r.Utilization:P1}",
                $"{r.BytesRead:N0}",
                $"{r.BytesWritten:N0}"
            );
        Cli.Output().Write(table);

        var summary = new Table().AddColumns(
            "path",
            "blocks skipped",
            $"{truth.Metric} RTL",
            $"{truth.Metric} float",
            "MACs saved",
            "cycles saved",
            "saved cycles/MACs",
            "RTL cycles",
            "model cycles",
            "mismatches",
            "utilization"
        );
        foreach (int column in Enumerable.Range(1, 10))
            summary.Columns[column].RightAligned();
        var pathRows = new List<object>();
        for (int i = 0; i < runs.Count; i++)
        {
            PathRun r = runs[i];
            // A network may have no multiply-accumulates at all.
            double? macsSaved = r.Macs == 0 ? null : (double)r.MacsSkipped / r.Macs;
            double cyclesSaved = 1 - ((double)r.CyclesRtl / whole);
            double? accuracy = Accuracy(r, truth),
                reference = floatAccuracy[i];
            summary.AddRow(
                Printable.Cell(r.Path.Name),
                $"{r.Path.SkippedBlocks.Count}",
                $"{accuracy:P1}",
                $"{reference:P1}",
                $"{macsSaved:P2}",
                $"{cyclesSaved:P2}",
                macsSaved is null or 0 ? string.Empty : $"{cyclesSaved / macsSaved:F3}",
                $"{r.CyclesRtl:N0}",
                $"{r.CyclesModel:N0}",
                $"{r.Mismatches}",
                $"{Use(r):P1}"
            );
            pathRows.Add(
                new
                {
                    r.Path.Name,
                    blocksSkipped = r.Path.SkippedBlocks.Order(),
                    registers = r.Path.Extents,
                    r.Path.Variant,
                    accuracy,
                    floatAccuracy = reference,
                    r.Macs,
                    r.MacsSkipped,
                    r.CyclesRtl,
                    r.CyclesModel,
                    r.Mismatches,
                    macsSaved,
                    cyclesSaved,
                    utilization = Use(r),
                    differences = r.Differences.Count,
                    r.Budget,
                    met = r.Budget is { } budget ? r.CyclesRtl <= budget : (bool?)null,
                    r.Decisions,
                }
            );
        }

        Cli.Output().Write(summary);
        if (program.Budget is not null)
            BudgetOptions.Print(program, runs);
        CycleBreakdown[] breakdowns = [.. runs.Select(r => CycleBreakdown.Of(program, timing, r.Path))];
        foreach (CycleBreakdown breakdown in breakdowns)
            Cli.Output().Write(BreakdownTable.Of(breakdown));
        foreach (string difference in runs.SelectMany(r => r.Differences).Take(20))
            Console.Error.WriteLine($"error: {difference}");
        int differing = runs.Sum(r => r.Differences.Count);
        if (differing > 20)
            Console.Error.WriteLine($"error: and {differing - 20} further differences");

        double simulated = runs.Sum(r => r.SimulationSeconds);
        long executed = runs.Sum(r => (r.Macs - r.MacsSkipped) * images);
        var total = new
        {
            name = "total",
            op = "total",
            path = first.Path.Name,
            images,
            macs = first.Macs,
            macsSkipped = first.MacsSkipped,
            cyclesRtl = first.CyclesRtl,
            cyclesModel = first.CyclesModel,
            mismatches = runs.Sum(r => r.Mismatches),
            utilization = Use(first),
            bytesRead = first.Layers.Sum(l => l.BytesRead),
            bytesWritten = first.Layers.Sum(l => l.BytesWritten),
            accuracy = Accuracy(first, truth),
            floatAccuracy = floatAccuracy[0],
            metric = truth.Metric,
            imagesWithTruth = truth.Images,
            quantization,
            config = config.Name,
            configHash = config.Hash.Hex,
            seed,
            wallSeconds = wall.Elapsed.TotalSeconds,
            buildSeconds,
            simulationSeconds = simulated,
            macsPerSecond = executed / simulated,
            tools = new
            {
                accelgen = typeof(RunCommand).Assembly.GetName().Version?.ToString(3),
                verilator,
                dotnet = Environment.Version.ToString(),
            },
        };
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{config.Name} ({config.Hash.Hex}): {images} images on {runs.Count} "
                    + $"{(program.Budget is null ? "paths" : "budgets")}, {total.mismatches} mismatches, {differing} "
                    + $"differences; {total.macsPerSecond / 1e9:F2} GMAC/s simulated per core, {total.wallSeconds:F1} s"
            )
        );
        Cli.WriteJson(
            json,
            new
            {
                layers = first.Layers,
                total,
                paths = pathRows,
                budget = BudgetOptions.Json(program),
                cycles = breakdowns,
            }
        );
        return differing == 0 ? ExitCode.Success : ExitCode.Mismatch;
    }
}
