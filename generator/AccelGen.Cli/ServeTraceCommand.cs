using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
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
using Spectre.Console;
using Command = System.CommandLine.Command;

namespace AccelGen.Cli;

/// <summary><c>accelgen serve-trace</c>: frames with changing budgets, by checkpoints, by a host's table and by one path for all.</summary>
internal static class ServeTraceCommand
{
    private const int DefaultFrames = 500,
        ShownFrames = 20;

    // What the command line asks for besides the network.
    private sealed record Plan(string? File, string? Kind, int Frames, int Rtl, int Jobs, int Seed, MemoryTiming Timing, double Slack);

    // All that is reported of a trace.
    private sealed record Outcome(
        Plan Plan,
        CompiledProgram Program,
        IReadOnlyList<FrameDemand> Frames,
        IReadOnlyList<ExecutionPath> Paths,
        IReadOnlyList<int> Rows,
        IReadOnlyList<long> Macs,
        IReadOnlyList<double?> Accuracies,
        string? Metric,
        int Images,
        TraceModel Model,
        HostTable Table,
        TraceReport Report,
        IReadOnlyList<RtlFrame> Rtl
    );

    public static Command Create()
    {
        Option<string> config = Cli.ConfigOption();
        Option<string[]> set = Cli.SetOption();
        Option<int> latency = Cli.MemoryLatencyOption();
        Option<int> interval = Cli.MemoryIntervalOption();
        Option<string?> trace = new("--trace")
        {
            Description =
                "CSV of frames: budget in cycles and, where another tenant slows the memory down, cycles per beat (interval) and latency.",
        };
        Option<string?> generate = new("--generate")
        {
            Description = $"Draws the trace by --seed: {string.Join(", ", BudgetTrace.Kinds)}.",
        };
        Option<int> frames = new("--frames") { Description = "Frames drawn.", DefaultValueFactory = _ => DefaultFrames };
        Option<int> rtl = new("--rtl")
        {
            Description = "Frames, evenly spaced, that run through the RTL as well: bits, cycles and choices compared.",
            DefaultValueFactory = _ => 0,
        };
        Option<int> jobs = new("--jobs")
        {
            Description = "Copies of the design that run at a time.",
            DefaultValueFactory = _ => Environment.ProcessorCount,
        };
        OutputOption output = new("--out") { Description = "Writes the trace as a file for --trace." };
        OutputOption json = Cli.JsonOption();
        var command = new Command(
            "serve-trace",
            "Frames with changing budgets through the exact model: deadlines missed and accuracy delivered by "
                + "checkpoints, by a table of the host, and by the best single path."
        );
        var options = new ModelOptions(command, ModelOptions.Takes(", a file that 'quantize' wrote"));
        var imageOptions = new ImageOptions(command);
        var pathOptions = new PathOptions(command);
        var budgetOptions = new BudgetOptions(command, budgets: false);
        foreach (Option option in new Option[] { config, set, latency, interval, trace, generate, frames, rtl, jobs, output, json })
            command.Add(option);
        command.SetAction(
            async (result, cancellation) =>
            {
                var wall = Stopwatch.StartNew();
                using ILoggerFactory logging = Cli.Logging();
                ILogger log = logging.CreateLogger("accelgen");
                AcceleratorConfig loaded = Cli.Load(result.GetValue(config)!, result.GetValue(set)!);
                var plan = new Plan(
                    result.GetValue(trace),
                    result.GetValue(generate),
                    Cli.Range("--frames", result.GetValue(frames), 1, BudgetTrace.MostFrames),
                    Cli.Range("--rtl", result.GetValue(rtl), 0, BudgetTrace.MostFrames),
                    Cli.Range("--jobs", result.GetValue(jobs), 1, 1024),
                    options.Seed(result),
                    Cli.Timing(result.GetValue(latency), result.GetValue(interval)),
                    budgetOptions.Slack(result)
                );
                IReadOnlyList<FrameDemand>? given = Given(plan, result.GetResult(frames) is { Implicit: false });
                int? first = imageOptions.FirstClass(result);
                Sample? labelled = imageOptions.Given(result) ? imageOptions.Load(result, options, drawn: false) : null;
                Sample? sample = labelled ?? (plan.Rtl > 0 ? imageOptions.Load(result, options) : null);

                LoadedModel model = options.Load(result, log, cancellation);
                DynamicNetwork prepared = pathOptions.Prepare(
                    result,
                    model,
                    loaded,
                    log,
                    cancellation,
                    DefaultLadder.Create(
                        model.Quantized,
                        ChannelCuts.Find(model.Quantized),
                        loaded.Array.VectorWidth,
                        loaded.Control.DynamicRegisters
                    )
                );
                if (labelled is not null)
                    _ = Truth.Of(model.Quantized, labelled.Images, imageOptions.Masks(result), first);
                CompiledProgram plain = new NetworkCompiler(loaded, plan.Timing).Compile(prepared.Network);
                Evaluation? evaluation = labelled is null ? null : new Evaluation(model, prepared, floats: false, first);
                IReadOnlyList<PathScore>? scores = evaluation?.Run(labelled!, plan.Seed, log, cancellation);
                double?[] accuracies = [.. prepared.Paths.Select((_, p) => scores is null ? null : evaluation!.Accuracy(scores[p].Whole))];
                long[] macs = [.. prepared.Paths.Select(p => Workload.Macs(prepared.Network, p).Executed)];
                double[] worth = [.. prepared.Paths.Select((_, p) => accuracies[p] ?? macs[p])];

                HostTable table = Table(prepared, plain, plan, accuracies, worth);
                int[] rows = Rows(prepared, table, loaded);
                CompiledProgram program = budgetOptions.Insert(
                    result,
                    plain,
                    [.. rows.Select(r => prepared.Paths[r])],
                    plan.Timing,
                    [.. rows.Select(r => worth[r])]
                );
                var traceModel = new TraceModel(program, rows, [.. Networks(model, prepared, plain, plan)]);
                void Predict(IEnumerable<MemoryTiming> timings)
                {
                    var predicting = new Progress(log, "cycle model", "predictions", traceModel.Missing(timings));
                    traceModel.Predict(timings, () => predicting.Add(1), cancellation);
                }

                // The memory of the table too, whether or not a frame has it.
                Predict([plan.Timing, .. given?.Select(f => f.Timing) ?? []]);
                IReadOnlyList<FrameDemand> all =
                    given
                    ?? BudgetTrace.Generate(
                        plan.Kind!,
                        plan.Frames,
                        plan.Seed,
                        timing =>
                        {
                            Predict([timing]);
                            return traceModel.Range(timing);
                        },
                        plan.Timing
                    );
                if (result.GetValue(output) is string file)
                    OutputFile.Write(file, BudgetTrace.Write(all));
                Predict(all.Select(f => f.Timing));
                var report = TraceReport.Create(all, traceModel, worth, table, plan.Slack);

                IReadOnlyList<RtlFrame> verified = [];
                if (plan.Rtl > 0)
                {
                    int[] chosen = TraceFrames.Spread(Math.Min(plan.Rtl, all.Count), all.Count);
                    BuiltModel built = await new ModelBuild(logger: log)
                        .BuildAsync(loaded, cancellation: cancellation)
                        .ConfigureAwait(false);
                    QuantizedTensor input = model.Quantized.Tensors[model.Quantized.Inputs[0]];
                    // Frames take the images in turn.
                    sbyte[][] inputs = [.. sample!.Images.Select(i => Quantizer.QuantizeValues(input, sample.Pixels(model, i, plan.Seed)))];
                    var simulating = new Progress(log, "simulation", "frames", chosen.Length);
                    string? Replay(int frame, int image) =>
                        !pathOptions.Given(result)
                            ? null
                            : $"accelgen run {options.Arguments(result)} {sample.Argument(sample.Images[image])} "
                                + $"--config {result.GetValue(config)}{string.Concat(result.GetValue(set)!.Select(s => $" --set {s}"))}"
                                + $" --memory-latency {all[frame].Timing.ReadLatency} --memory-interval "
                                + $"{all[frame].Timing.ReadInterval}{pathOptions.Arguments(result)} "
                                + $"{pathOptions.Argument(result, prepared.Paths[report.Dynamic.Frames[frame].Path])}";
                    verified = TraceFrames.Run(
                        program,
                        built.Library,
                        all,
                        report.Dynamic.Frames,
                        rows,
                        chosen,
                        inputs,
                        plan.Jobs,
                        () => simulating.Add(1),
                        Replay,
                        cancellation
                    );
                }

                var outcome = new Outcome(
                    plan,
                    program,
                    all,
                    prepared.Paths,
                    rows,
                    macs,
                    accuracies,
                    evaluation?.Metric,
                    scores?[0].Images ?? 0,
                    traceModel,
                    table,
                    report,
                    verified
                );
                Print(outcome, sample, wall);
                Cli.WriteJson(result.GetValue(json), Json(outcome, sample, wall));
                return verified.All(f => f.Differences.Count == 0) ? ExitCode.Success : ExitCode.Mismatch;
            }
        );
        return command;
    }

    private static IReadOnlyList<FrameDemand>? Given(Plan plan, bool framesNamed)
    {
        if ((plan.File is null) == (plan.Kind is null))
            throw new FormatException(
                $"{(plan.File is null ? "there is no trace" : "--trace and --generate are two traces")}: give --trace "
                    + $"FILE, or --generate {string.Join(", ", BudgetTrace.Kinds)}"
            );
        if (plan.Kind is not null)
            return BudgetTrace.Kinds.Contains(plan.Kind)
                ? null
                : throw new FormatException($"--generate is '{plan.Kind}'; legal are {string.Join(", ", BudgetTrace.Kinds)}");
        return framesNamed
            ? throw new FormatException("--frames goes with --generate; a file has the frames that it has")
            : BudgetTrace.Load(plan.File!, plan.Timing);
    }

    // A host that chooses before the frame runs the program without checkpoints.
    private static HostTable Table(DynamicNetwork prepared, CompiledProgram plain, Plan plan, double?[] accuracies, double[] worth)
    {
        var cycles = new CycleModel(plain.Config, plan.Timing);
        return HostTable.Create([
            .. prepared.Paths.Select(
                (path, p) =>
                {
                    PathRow row = plain.Row(path);
                    return new HostCandidate(
                        path.Name,
                        cycles.Predict(plain.Commands, plain.ProgramAddress, row).TotalCycles,
                        worth[p],
                        accuracies[p],
                        row
                    );
                }
            ),
        ]);
    }

    // All paths where the path table has a row for each, or those that no other one excels.
    private static int[] Rows(DynamicNetwork prepared, HostTable table, AcceleratorConfig config) =>
        prepared.Paths.Count <= config.Control.Paths
            ? [.. Enumerable.Range(0, prepared.Paths.Count)]
            : [.. table.Entries.Select(e => e.Candidate).Order()];

    private static IEnumerable<StaticNetwork> Networks(LoadedModel model, DynamicNetwork prepared, CompiledProgram plain, Plan plan)
    {
        for (int p = 0; p < prepared.Paths.Count; p++)
            yield return new StaticNetwork(prepared.Paths[p].Name, p, plain, plain.Row(prepared.Paths[p]));
        // The whole network needs no paths at all, and is faster where layers whose channels can be limited are not joined.
        int whole = prepared
            .Plans.ToList()
            .FindIndex(p => p.SkippedBlocks.Count == 0 && prepared.Cuts.All(c => p.KeptOf(c.Cut) == c.Cut.Channels));
        if (whole < 0 || prepared.Cuts.Count == 0)
            yield break;
        CompiledProgram alone = new NetworkCompiler(plain.Config, plan.Timing).Compile(model.Quantized);
        yield return new StaticNetwork($"{prepared.Paths[whole].Name}, compiled alone", whole, alone, alone.Row(ExecutionPath.Whole));
    }

    private static void Print(Outcome o, Sample? sample, Stopwatch wall)
    {
        TraceReport report = o.Report;
        bool measured = o.Metric is not null;
        string? Worth(double value) => measured ? $"{value:P2}" : $"{value:N0}";
        string late = measured ? $"{o.Metric} delivered" : "MACs delivered";
        var policies = new Table().AddColumns("chosen", "paths used", "missed", late, "late ones counted", "cycles of a frame");
        foreach (int column in Enumerable.Range(2, 4))
            policies.Columns[column].RightAligned();
        foreach ((string how, PolicyOutcome policy, int? network) in Policies(report))
        {
            int used = policy.Frames.Select(f => f.Path).Distinct().Count();
            policies.AddRow(
                how,
                Printable.Cell(network is null ? $"{used} of {o.Paths.Count}" : policy.Name),
                $"{policy.Misses:N0}",
                $"{Worth(policy.Delivered)}",
                $"{Worth(policy.DeliveredLate)}",
                $"{policy.MeanCycles:N0}"
            );
        }

        var table = new Table()
            .Title("one path for all frames; frames that ended on it by checkpoints and by the host's table")
            .AddColumns("path", "cycles", o.Metric ?? "accuracy", "missed", late, "checkpoints", "host table");
        foreach (int column in Enumerable.Range(1, 6))
            table.Columns[column].RightAligned();
        for (int n = 0; n < o.Model.Networks.Count; n++)
        {
            StaticNetwork network = o.Model.Networks[n];
            string Ended(PolicyOutcome policy) =>
                n < o.Paths.Count ? $"{policy.Frames.Count(f => f.Path == network.Path):N0}" : string.Empty;
            table.AddRow(
                Printable.Cell(network.Name),
                $"{Nominal(o, n):N0}",
                $"{o.Accuracies[network.Path]:P2}",
                $"{report.Statics[n].Misses:N0}",
                $"{Worth(report.Statics[n].Delivered)}",
                Ended(report.Dynamic),
                Ended(report.Host)
            );
        }

        Cli.Output().Write(table);
        Cli.Output().Write(policies);
        if (o.Rtl.Count > 0)
        {
            var frames = new Table()
                .Title(o.Rtl.Count > ShownFrames ? $"frames in the RTL, {ShownFrames} of {o.Rtl.Count}" : "frames in the RTL")
                .AddColumns(
                    "frame",
                    "image",
                    "budget",
                    "cycles per beat",
                    "choices (checkpoint at cycle: path)",
                    "RTL cycles",
                    "model cycles",
                    "mismatches",
                    "met"
                );
            foreach (int column in new[] { 0, 2, 3, 5, 6, 7 })
                frames.Columns[column].RightAligned();
            foreach (RtlFrame f in TraceFrames.Spread(Math.Min(o.Rtl.Count, ShownFrames), o.Rtl.Count).Select(i => o.Rtl[i]))
            {
                FrameDemand demand = o.Frames[f.Frame];
                string choices = string.Join(
                    ", ",
                    f.Decisions.Select(d =>
                        $"{d.Number} at {d.Elapsed:N0}: {o.Paths[o.Rows[d.After]].Name}{(d.Fits ? string.Empty : " (nothing fits)")}"
                    )
                );
                frames.AddRow(
                    $"{f.Frame}",
                    Printable.Cell(sample!.Name(sample.Images[f.Input])),
                    $"{demand.Budget:N0}",
                    $"{demand.Timing.ReadInterval}",
                    Printable.Cell(choices),
                    $"{f.CyclesRtl:N0}",
                    $"{report.Dynamic.Frames[f.Frame].Cycles:N0}",
                    $"{f.Mismatches}",
                    f.CyclesRtl <= demand.Budget ? "yes" : "no"
                );
            }

            Cli.Output().Write(frames);
        }

        if (!measured)
            Console.WriteLine(
                "accuracy: not measured; --images names a folder of images with labels or masks. Paths are taken to "
                    + "be worth what they compute"
            );
        if (report.BestStatic is null)
            Console.WriteLine(
                $"no single path misses as few frames as the checkpoints: {report.Statics.MinBy(s => s.Misses)!.Name} "
                    + $"misses {report.Statics.Min(s => s.Misses):N0}"
            );
        if (o.Rows.Count < o.Paths.Count)
            Console.WriteLine(
                $"the checkpoints choose among the {o.Rows.Count} of {o.Paths.Count} paths that no other one excels: "
                    + $"the path table of {o.Program.Config.Name} has {o.Program.Config.Control.Paths} rows"
            );
        string[] differences = [.. o.Rtl.SelectMany(f => f.Differences.Select(d => $"frame {f.Frame}: {d}"))];
        foreach (string difference in differences.Take(20))
            Console.Error.WriteLine($"error: {difference}");
        if (differences.Length > 20)
            Console.Error.WriteLine($"error: and {differences.Length - 20} further differences");
        string timings = string.Join(
            ", ",
            o.Frames.GroupBy(f => f.Timing.ReadInterval)
                .OrderBy(g => g.Key)
                .Select(g => string.Create(CultureInfo.InvariantCulture, $"{g.Count():N0} at {g.Key} cycles per beat"))
        );
        string source = o.Plan.File is null
            ? string.Create(CultureInfo.InvariantCulture, $"{o.Plan.Kind} of seed {o.Plan.Seed}")
            : Printable.Line(o.Plan.File);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{source}: {o.Frames.Count:N0} frames, budgets {o.Frames.Min(f => f.Budget):N0} to "
                    + $"{o.Frames.Max(f => f.Budget):N0}; {timings}"
            )
        );
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{o.Program.Config.Name} ({o.Program.Config.Hash.Hex}): {o.Frames.Count:N0} frames on "
                    + $"{o.Paths.Count} paths of one program, {o.Rtl.Count} in the RTL, "
                    + $"{o.Rtl.Sum(f => f.Mismatches)} mismatches, {differences.Length} differences; {wall.Elapsed.TotalSeconds:F1} s"
            )
        );
    }

    private static IEnumerable<(string How, PolicyOutcome Policy, int? Network)> Policies(TraceReport report)
    {
        yield return ("by checkpoints", report.Dynamic, null);
        yield return ("by the host's table", report.Host, null);
        if (report.BestStatic is int best)
            yield return ("best single path that misses no more", report.Statics[best], best);
        yield return ("in hindsight", report.Hindsight, null);
    }

    private static long Nominal(Outcome o, int network) => o.Model.Static(network, new FrameDemand(uint.MaxValue, o.Plan.Timing)).Cycles;

    private static object Json(Outcome o, Sample? sample, Stopwatch wall)
    {
        TraceReport report = o.Report;
        object Policy(PolicyOutcome p) =>
            new
            {
                p.Misses,
                delivered = o.Metric is null ? (double?)null : p.Delivered,
                deliveredLate = o.Metric is null ? (double?)null : p.DeliveredLate,
                p.MeanCycles,
                meanMacs = p.Frames.Average(f => (double)o.Macs[f.Path]),
            };
        object Static(int n) =>
            new
            {
                o.Model.Networks[n].Name,
                path = o.Paths[o.Model.Networks[n].Path].Name,
                cyclesModel = Nominal(o, n),
                accuracy = o.Accuracies[o.Model.Networks[n].Path],
                outcome = Policy(report.Statics[n]),
            };
        return new
        {
            metric = o.Metric,
            config = o.Program.Config.Name,
            configHash = o.Program.Config.Hash.Hex,
            images = o.Images,
            slack = o.Plan.Slack,
            trace = new
            {
                file = o.Plan.File,
                generated = o.Plan.Kind,
                o.Plan.Seed,
                frames = o.Frames.Count,
            },
            checkpoints = Policy(report.Dynamic),
            hostTable = Policy(report.Host),
            hindsight = Policy(report.Hindsight),
            bestStatic = report.BestStatic is int best ? Static(best) : null,
            statics = Enumerable.Range(0, report.Statics.Count).Select(Static),
            paths = o.Paths.Select(
                (p, i) =>
                    new
                    {
                        p.Name,
                        macs = o.Macs[i],
                        accuracy = o.Accuracies[i],
                        row = o.Rows.ToList().IndexOf(i) is >= 0 and var row ? row : (int?)null,
                    }
            ),
            budget = BudgetOptions.Json(o.Program),
            frames = o.Frames.Select(
                (f, i) =>
                    new
                    {
                        f.Budget,
                        interval = f.Timing.ReadInterval,
                        latency = f.Timing.ReadLatency,
                        path = o.Paths[report.Dynamic.Frames[i].Path].Name,
                        report.Dynamic.Frames[i].Cycles,
                        report.Dynamic.Frames[i].Met,
                        report.Dynamic.Frames[i].Decisions,
                        hostPath = o.Paths[report.Host.Frames[i].Path].Name,
                        hostCycles = report.Host.Frames[i].Cycles,
                        hostMet = report.Host.Frames[i].Met,
                    }
            ),
            rtl = o.Rtl.Select(f => new
            {
                f.Frame,
                image = sample!.Name(sample.Images[f.Input]),
                f.CyclesRtl,
                cyclesModel = report.Dynamic.Frames[f.Frame].Cycles,
                f.Mismatches,
                f.Decisions,
                f.Differences,
            }),
            mismatches = o.Rtl.Count == 0 ? (long?)null : o.Rtl.Sum(f => f.Mismatches),
            differences = o.Rtl.Count == 0 ? (int?)null : o.Rtl.Sum(f => f.Differences.Count),
            wallSeconds = wall.Elapsed.TotalSeconds,
        };
    }
}
