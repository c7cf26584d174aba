using System.CommandLine;
using System.Diagnostics;
using AccelGen.Cli.Results;
using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Files;
using AccelGen.Isa;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using AccelGen.Sim;
using AccelGen.Sim.Traces;
using Microsoft.Extensions.Logging;
using Command = System.CommandLine.Command;

namespace AccelGen.Cli;

/// <summary><c>accelgen serve-trace</c>: frames with changing budgets, by checkpoints, by a host's table and by one path for all.</summary>
internal sealed class ServeTraceCommand
{
    private const int DefaultFrames = 500;

    private readonly Option<string?> trace = new("--trace")
    {
        Description =
            "CSV of frames: budget in cycles and, where another tenant slows the memory down, cycles per beat (interval) and latency.",
    };
    private readonly Option<string?> generate = new("--generate")
    {
        Description = $"Draws the trace by --seed: {string.Join(", ", BudgetTrace.Kinds)}.",
    };
    private readonly Option<int> frames = new("--frames") { Description = "Frames drawn.", DefaultValueFactory = _ => DefaultFrames };
    private readonly Option<int> rtl = new("--rtl")
    {
        Description = "Frames, evenly spaced, that run through the RTL as well: bits, cycles and choices compared.",
        DefaultValueFactory = _ => 0,
    };
    private readonly Option<int> jobs = new("--jobs")
    {
        Description = "Copies of the design that run at a time.",
        DefaultValueFactory = _ => Environment.ProcessorCount,
    };
    private readonly OutputOption output = new("--out") { Description = "Writes the trace as a file for --trace." };
    private readonly OutputOption json = Cli.JsonOption();
    private readonly ModelOptions options;
    private readonly ImageOptions imageOptions;
    private readonly PathOptions pathOptions;
    private readonly BudgetOptions budgetOptions;
    private readonly AcceleratorOptions accelerator;

    private ServeTraceCommand(Command command)
    {
        options = new ModelOptions(command, ModelOptions.Takes(", a file that 'quantize' wrote"));
        imageOptions = new ImageOptions(command);
        pathOptions = new PathOptions(command);
        budgetOptions = new BudgetOptions(command, budgets: false);
        accelerator = new AcceleratorOptions(command);
        foreach (Option option in new Option[] { trace, generate, frames, rtl, jobs, output, json })
            command.Add(option);
        command.SetAction(RunAsync);
    }

    public static Command Create()
    {
        var command = new Command(
            "serve-trace",
            "Frames with changing budgets through the exact model: deadlines missed and accuracy delivered by "
                + "checkpoints, by a table of the host, and by the best single path."
        );
        _ = new ServeTraceCommand(command);
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancellation)
    {
        var wall = Stopwatch.StartNew();
        using ILoggerFactory logging = Cli.Logging();
        ILogger log = logging.CreateLogger("accelgen");
        AcceleratorConfig config = accelerator.Config(result);
        var plan = new TracePlan(
            result.GetValue(trace),
            result.GetValue(generate),
            Cli.Range("--frames", result.GetValue(frames), 1, BudgetTrace.MostFrames),
            Cli.Range("--rtl", result.GetValue(rtl), 0, BudgetTrace.MostFrames),
            Cli.Range("--jobs", result.GetValue(jobs), 1, 1024),
            options.Seed(result),
            accelerator.Timing(result),
            budgetOptions.Slack(result)
        );
        IReadOnlyList<FrameDemand>? given = Given(plan, result.GetResult(frames) is { Implicit: false });
        int? first = imageOptions.FirstClass(result);
        Sample? labelled = imageOptions.Labelled(result, options);
        Sample? sample = labelled ?? (plan.Rtl > 0 ? imageOptions.Load(result, options) : null);

        LoadedModel model = options.Load(result, log, cancellation, pathOptions.Subnets(result));
        IReadOnlyList<PathPlan> ladder = PathStudy.Ladder(model.Quantized, config);
        DynamicNetwork prepared = pathOptions.Prepare(result, model, config, log, cancellation, ladder);
        PathStudy study = PathStudy.Of(
            model,
            prepared,
            config,
            plan.Timing,
            labelled,
            imageOptions.Masks(result),
            first,
            plan.Seed,
            log,
            cancellation
        );
        HostTable table = PathCost.TableOf(study.Program, study.Costs);
        int[] rows = Rows(study, table);
        PathCost[] chosen = [.. rows.Select(r => study.Costs[r])];
        CompiledProgram program = budgetOptions.Insert(
            result,
            study.Program,
            [.. chosen.Select(c => c.Path)],
            plan.Timing,
            [.. chosen.Select(c => c.Worth)],
            [.. chosen.Select(c => c.Cycles)]
        );
        var traceModel = new TraceModel(program, rows, [.. Networks(study)]);
        IReadOnlyList<FrameDemand> all = Frames(plan, given, traceModel, log, cancellation);
        if (result.GetValue(output) is string file)
            OutputFile.Write(file, BudgetTrace.Write(all));
        Predict(traceModel, all.Select(f => f.Timing), log, cancellation);
        var report = TraceReport.Create(all, traceModel, [.. study.Costs.Select(c => c.Worth)], table, plan.Slack);
        var served = new ServedTrace(plan, study, program, all, rows, traceModel, report);
        IReadOnlyList<RtlFrame> verified =
            plan.Rtl == 0 ? [] : await VerifyAsync(result, served, sample!, log, cancellation).ConfigureAwait(false);

        ServeTraceResult found = served.Result(verified, sample, wall);
        TraceTables.Print(found, config.Control.Paths);
        Cli.WriteJson(result.GetValue(json), found);
        return verified.All(f => f.Differences.Count == 0) ? ExitCode.Success : ExitCode.Mismatch;
    }

    private static IReadOnlyList<FrameDemand>? Given(TracePlan plan, bool framesNamed)
    {
        if ((plan.File is null) == (plan.Kind is null))
            throw new InputException(
                FaultCodes.MissingOption,
                string.Empty,
                $"{(plan.File is null ? "there is no trace" : "--trace and --generate are two traces")}",
                $"give --trace FILE, or --generate {string.Join(", ", BudgetTrace.Kinds)}"
            );
        if (plan.Kind is not null)
            return BudgetTrace.Kinds.Contains(plan.Kind)
                ? null
                : throw new InputException(
                    FaultCodes.IllegalOption,
                    string.Empty,
                    $"--generate is '{plan.Kind}'",
                    $"legal are {string.Join(", ", BudgetTrace.Kinds)}"
                );
        return framesNamed
            ? throw new InputException(
                FaultCodes.MissingOption,
                string.Empty,
                "--frames goes with --generate",
                "a file has the frames that it has"
            )
            : BudgetTrace.Load(plan.File!, plan.Timing);
    }

    // All paths where the path table has a row for each, or those that no other one excels.
    private static int[] Rows(PathStudy study, HostTable table)
    {
        int all = study.Costs.Length,
            rows = study.Program.Config.Control.Paths;
        if (all <= rows)
            return [.. Enumerable.Range(0, all)];
        int[] best = [.. table.Entries.Select(e => e.Candidate).Order()];
        return best.Length > 1
            ? best
            : throw new InputException(
                FaultCodes.NothingToChoose,
                string.Empty,
                $"path {study.Costs[best[0]].Path.Name} excels the other {all - 1}: none is better or cheaper, so "
                    + "that a budget has nothing to choose",
                $"name at most {rows} paths, for which the path table has a row each (control.paths)"
            );
    }

    private static IEnumerable<StaticNetwork> Networks(PathStudy study)
    {
        CompiledProgram plain = study.Program;
        for (int p = 0; p < study.Costs.Length; p++)
            yield return new StaticNetwork(study.Costs[p].Path.Name, p, plain, plain.Row(study.Costs[p].Path))
            {
                Known = (study.Timing, study.Costs[p].Cycles),
            };
        // The whole network needs no paths at all: it is one choice more, compiled alone.
        if (study.Prepared.Whole is not int whole || study.Prepared.Cuts.Count == 0)
            yield break;
        CompiledProgram alone = new NetworkCompiler(plain.Config, study.Timing).Compile(study.Model.Quantized);
        yield return new StaticNetwork($"{study.Costs[whole].Path.Name}, compiled alone", whole, alone, alone.Row(ExecutionPath.Whole));
    }

    // The frames of the file, or drawn in the range of what the paths take.
    private static IReadOnlyList<FrameDemand> Frames(
        TracePlan plan,
        IReadOnlyList<FrameDemand>? given,
        TraceModel model,
        ILogger log,
        CancellationToken cancellation
    )
    {
        // The memory of the table too, whether or not a frame has it.
        Predict(model, [plan.Timing, .. given?.Select(f => f.Timing) ?? []], log, cancellation);
        return given
            ?? BudgetTrace.Generate(
                plan.Kind!,
                plan.Frames,
                plan.Seed,
                timing =>
                {
                    Predict(model, [timing], log, cancellation);
                    return model.Range(timing);
                },
                plan.Timing
            );
    }

    private static void Predict(TraceModel model, IEnumerable<MemoryTiming> timings, ILogger log, CancellationToken cancellation)
    {
        var predicting = new Progress(log, "cycle model", "predictions", model.Missing(timings));
        model.Predict(timings, () => predicting.Add(1), cancellation);
    }

    private async Task<IReadOnlyList<RtlFrame>> VerifyAsync(
        ParseResult result,
        ServedTrace served,
        Sample sample,
        ILogger log,
        CancellationToken cancellation
    )
    {
        (TracePlan plan, IReadOnlyList<FrameDemand> all) = (served.Plan, served.Frames);
        LoadedModel model = served.Study.Model;
        int[] chosen = TraceFrames.Spread(Math.Min(plan.Rtl, all.Count), all.Count);
        BuiltModel built = await new ModelBuild(logger: log)
            .BuildAsync(served.Program.Config, cancellation: cancellation)
            .ConfigureAwait(false);
        QuantizedTensor input = model.Quantized.Tensors[model.Quantized.Inputs[0]];
        // Frames take the images in turn.
        sbyte[][] inputs = [.. sample.Images.Select(i => Quantizer.QuantizeValues(input, sample.Pixels(model, i, plan.Seed)))];
        var simulating = new Progress(log, "simulation", "frames", chosen.Length);
        return TraceFrames.Run(
            served.Program,
            built.Library,
            all,
            served.Report.Dynamic.Frames,
            served.Rows,
            chosen,
            inputs,
            plan.Jobs,
            () => simulating.Add(1),
            Replay,
            cancellation
        );

        string? Replay(int frame, int image) =>
            !pathOptions.Given(result)
                ? null
                : $"accelgen run {options.Arguments(result)} {sample.Argument(sample.Images[image])} "
                    + $"{accelerator.Arguments(result, all[frame].Timing)}{pathOptions.Arguments(result)} "
                    + $"{pathOptions.Argument(result, served.Study.Costs[served.Report.Dynamic.Frames[frame].Path].Path)}";
    }
}
