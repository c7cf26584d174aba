using System.CommandLine;
using System.Diagnostics;
using AccelGen.Cli.Results;
using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Files;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using AccelGen.Sim;
using Microsoft.Extensions.Logging;

namespace AccelGen.Cli;

/// <summary><c>accelgen run</c>: a network on real images through the RTL, on any paths of one program.</summary>
internal sealed class RunCommand
{
    private readonly Option<int> jobs = new("--jobs")
    {
        Description = "Copies of the design that run at a time.",
        DefaultValueFactory = _ => Environment.ProcessorCount,
    };
    private readonly OutputOption waveform = new("--waveform")
    {
        Description = "FST file of the first path on one image; builds a slower model.",
    };
    private readonly Option<string?> window = Cli.WaveformWindowOption();
    private readonly OutputOption json = Cli.JsonOption();
    private readonly ModelOptions options;
    private readonly ImageOptions imageOptions;
    private readonly PathOptions pathOptions;
    private readonly BudgetOptions budgetOptions;
    private readonly AcceleratorOptions accelerator;

    private RunCommand(Command command)
    {
        options = new ModelOptions(command, ModelOptions.Takes(", a file that 'quantize' wrote"));
        imageOptions = new ImageOptions(command);
        pathOptions = new PathOptions(command);
        budgetOptions = new BudgetOptions(command);
        accelerator = new AcceleratorOptions(command);
        foreach (Option option in new Option[] { jobs, waveform, window, json })
            command.Add(option);
        command.SetAction(RunAsync);
    }

    // What ran on the images, besides the network.
    private sealed record Setup(
        CompiledProgram Program,
        BuiltModel Built,
        MemoryTiming Timing,
        Sample Sample,
        float[][] Pixels,
        int Jobs,
        uint[] Budgets,
        (string File, long From, long To)? Waveform
    );

    public static Command Create()
    {
        var command = new Command("run", "Runs a network on images through the RTL: outputs, cycles, accuracy.");
        _ = new RunCommand(command);
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancellation)
    {
        var wall = Stopwatch.StartNew();
        using ILoggerFactory logging = Cli.Logging();
        ILogger log = logging.CreateLogger("accelgen");
        AcceleratorConfig config = accelerator.Config(result);
        MemoryTiming timing = accelerator.Timing(result);
        int copies = Cli.Range("--jobs", result.GetValue(jobs), 1, 1024),
            seed = options.Seed(result);
        int? first = imageOptions.FirstClass(result);
        Sample sample = imageOptions.Load(result, options);
        (string File, long From, long To)? wave = Cli.Waveform(result.GetValue(waveform), result.GetValue(window));
        if (wave is not null && sample.Images.Count != 1)
            throw new InputException(
                FaultCodes.OptionsExclude,
                string.Empty,
                "--waveform goes with one image",
                $"{sample.Images.Count} are to run: choose one with --image"
            );
        uint[] budgets = budgetOptions.Budgets(result);
        IReadOnlyList<string> subnets = pathOptions.Subnets(result);
        if (budgets.Length > 0 && subnets.Count > 0)
            throw new InputException(
                FaultCodes.OptionsExclude,
                string.Empty,
                "--budget changes the path within a frame, and layers of one subnet behind those of another are no "
                    + "network of any file",
                "leave out one of the two"
            );
        LoadedModel model = options.Load(result, log, cancellation, subnets);
        DynamicNetwork prepared = pathOptions.Prepare(result, model, config, log, cancellation);
        var truth = Truth.Of(model.Quantized, sample.Images, imageOptions.Masks(result), first);
        if (sample.Folder is null)
            Console.WriteLine($"images: {sample.Images.Count} synthetic of seed {seed}; --images DIR runs real ones");
        CompiledProgram program = new NetworkCompiler(config, timing).Compile(prepared.Network);
        if (budgets.Length > 0)
            program = budgetOptions.Insert(result, program, prepared.Paths, timing);
        BuiltModel built = await new ModelBuild(logger: log)
            .BuildAsync(config, wave is not null, cancellation: cancellation)
            .ConfigureAwait(false);
        float[][] pixels = [.. sample.Images.Select(i => sample.Pixels(model, i, seed))];
        var setup = new Setup(program, built, timing, sample, pixels, copies, budgets, wave);
        IReadOnlyList<PathRun> runs = Simulate(result, setup, model, prepared, log, cancellation);
        double?[] floatAccuracy = [.. runs.Select(r => FloatAccuracy(model, prepared, pixels, truth, r.Path, log, cancellation))];
        string verilator = await ModelBuild.VerilatorVersionAsync(cancellation).ConfigureAwait(false);

        RunPath[] paths = Paths(setup, runs, truth, floatAccuracy);
        var found = new NetworkResult(
            runs[0].Layers,
            Total(setup, runs, paths, truth, model.Quantization, seed, wall, verilator),
            paths,
            BudgetResult.Of(program),
            [.. runs.Select(r => CycleBreakdown.Of(program, timing, r.Path))]
        );
        NetworkTables.Print(found);
        Differences.Print([.. runs.SelectMany(r => r.Differences)]);
        Console.WriteLine(NetworkTables.Summary(found));
        Cli.WriteJson(result.GetValue(json), found);
        return runs.All(r => r.Differences.Count == 0) ? ExitCode.Success : ExitCode.Mismatch;
    }

    private IReadOnlyList<PathRun> Simulate(
        ParseResult result,
        Setup setup,
        LoadedModel model,
        DynamicNetwork prepared,
        ILogger log,
        CancellationToken cancellation
    )
    {
        QuantizedTensor input = model.Quantized.Tensors[model.Quantized.Inputs[0]];
        sbyte[][] inputs = [.. setup.Pixels.Select(p => Quantizer.QuantizeValues(input, p))];
        bool budgeted = setup.Budgets.Length > 0;
        long runs = (long)inputs.Length * (budgeted ? setup.Budgets.Length : prepared.Paths.Count);
        var progress = new Progress(log, "simulation", "runs", runs);
        return budgeted
            ? NetworkRun.RunBudgets(
                setup.Program,
                setup.Built.Library,
                setup.Timing,
                setup.Budgets,
                inputs,
                setup.Jobs,
                _ => progress.Add(1),
                (image, cycles) => Line(image) + pathOptions.Named(result) + budgetOptions.Arguments(result, cycles),
                setup.Waveform,
                cancellation
            )
            : NetworkRun.Run(
                setup.Program,
                setup.Built.Library,
                setup.Timing,
                prepared.Paths,
                inputs,
                setup.Jobs,
                _ => progress.Add(1),
                (image, path) => $"{Line(image)} {pathOptions.Argument(result, path)}",
                setup.Waveform,
                cancellation
            );

        string Line(int image) =>
            $"accelgen run {options.Arguments(result)} {setup.Sample.Argument(setup.Sample.Images[image])} "
            + $"{accelerator.Arguments(result, setup.Timing)}{pathOptions.Arguments(result)}";
    }

    private static double? FloatAccuracy(
        LoadedModel model,
        DynamicNetwork prepared,
        float[][] pixels,
        Truth truth,
        ExecutionPath path,
        ILogger log,
        CancellationToken cancellation
    )
    {
        if (model.Float is null || truth.Images == 0)
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
                scores[i] = truth.Score(i, FloatPaths.Run(model.Float, prepared, index, pixels[i]));
                progress.Add(1);
            }
        );
        return Truth.Accuracy(scores);
    }

    private static RunPath[] Paths(Setup setup, IReadOnlyList<PathRun> runs, Truth truth, double?[] floatAccuracy)
    {
        // The whole network is what savings are measured against, whether or not it was run.
        CompiledProgram program = setup.Program;
        long whole =
            runs.FirstOrDefault(r => r.MacsSkipped == 0 && r.Path.SkippedBlocks.Count == 0)?.CyclesRtl
            ?? new CycleModel(program.Config, setup.Timing)
                .Predict(program.Commands, program.ProgramAddress, program.Row(ExecutionPath.Whole))
                .TotalCycles;
        return
        [
            .. runs.Select(
                (r, i) =>
                    new RunPath(
                        r.Path.Name,
                        [.. r.Path.SkippedBlocks.Order()],
                        r.Path.Extents,
                        r.Path.Variant,
                        Truth.Accuracy(r.Outputs.Select((o, image) => truth.Score(image, o))),
                        floatAccuracy[i],
                        r.Macs,
                        r.MacsSkipped,
                        r.CyclesRtl,
                        r.CyclesModel,
                        r.Mismatches,
                        // A network may have no multiply-accumulates at all.
                        r.Macs == 0
                            ? null
                            : (double)r.MacsSkipped / r.Macs,
                        1 - ((double)r.CyclesRtl / whole),
                        (double)(r.Macs - r.MacsSkipped) / r.CyclesRtl / program.Config.Derived.PeakMacsPerCycle,
                        r.Differences.Count,
                        r.Budget,
                        r.Budget is { } budget ? r.CyclesRtl <= budget : null,
                        r.Decisions
                    )
            ),
        ];
    }

    private static NetworkTotal Total(
        Setup setup,
        IReadOnlyList<PathRun> runs,
        RunPath[] paths,
        Truth truth,
        Quantization? quantization,
        int seed,
        Stopwatch wall,
        string verilator
    )
    {
        PathRun first = runs[0];
        AcceleratorConfig config = setup.Program.Config;
        int images = first.Outputs.Count;
        double simulated = runs.Sum(r => r.SimulationSeconds);
        long executed = runs.Sum(r => (r.Macs - r.MacsSkipped) * images);
        return new NetworkTotal(
            "total",
            "total",
            first.Path.Name,
            images,
            first.Macs,
            first.MacsSkipped,
            first.CyclesRtl,
            first.CyclesModel,
            runs.Sum(r => r.Mismatches),
            paths[0].Utilization,
            first.Layers.Sum(l => l.BytesRead),
            first.Layers.Sum(l => l.BytesWritten),
            paths[0].Accuracy,
            paths[0].FloatAccuracy,
            truth.Metric,
            truth.Images,
            quantization,
            config.Name,
            config.Hash.Hex,
            seed,
            wall.Elapsed.TotalSeconds,
            setup.Built.Seconds,
            simulated,
            executed / simulated,
            ToolVersions.With(verilator)
        );
    }
}
