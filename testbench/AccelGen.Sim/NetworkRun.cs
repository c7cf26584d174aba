using AccelGen.Compiler;
using AccelGen.Cycles;
using AccelGen.Isa;
using AccelGen.Network.Quantized;

namespace AccelGen.Sim;

/// <summary>What a path showed over all inputs.</summary>
/// <param name="Path">The path.</param>
/// <param name="Layers">Layers in order: work, cycles and bytes of one input, mismatches of all.</param>
/// <param name="CyclesRtl">Cycles of one input by the RTL; the same for every input, or <see cref="Differences"/> tells.</param>
/// <param name="CyclesModel">Cycles of one input by the model.</param>
/// <param name="Outputs">First network output per input, by the RTL.</param>
/// <param name="Differences">What differed: elements, counters, cycles of layers and commands; empty when nothing did.</param>
/// <param name="SimulationSeconds">Co-simulation alone, summed over the inputs.</param>
public sealed record PathRun(
    ExecutionPath Path,
    IReadOnlyList<LayerResult> Layers,
    long CyclesRtl,
    long CyclesModel,
    IReadOnlyList<sbyte[]> Outputs,
    IReadOnlyList<string> Differences,
    double SimulationSeconds
)
{
    /// <summary>Differing elements over all layers and inputs.</summary>
    public long Mismatches => Layers.Sum(l => l.Mismatches);

    /// <summary>Multiply-accumulates of the whole network, one input.</summary>
    public long Macs => Layers.Sum(l => l.Macs);

    /// <summary>Multiply-accumulates that the path skips, one input.</summary>
    public long MacsSkipped => Layers.Sum(l => l.MacsSkipped);

    /// <summary>Cycles that it was allowed, or null: it ran without a budget.</summary>
    public uint? Budget { get; init; }

    /// <summary>Choices of the CHECKPOINT commands on the first input, as the RTL recorded them.</summary>
    public IReadOnlyList<Decision> Decisions { get; init; } = [];
}

/// <summary>Runs many inputs on several paths of one program, on several copies of the design side by side.</summary>
public static class NetworkRun
{
    /// <summary>Runs every input on every path.</summary>
    /// <param name="program">Program; its network has one input.</param>
    /// <param name="library">Shared library of the model.</param>
    /// <param name="timing">Timing of the memory.</param>
    /// <param name="paths">Paths; all run on the same program and memory image.</param>
    /// <param name="inputs">NHWC elements of the network input, one array per sample.</param>
    /// <param name="jobs">Copies of the design that run at a time.</param>
    /// <param name="runDone">Called after each run with the number of runs done.</param>
    /// <param name="replay">Command that replays the run of an input on a path, for the report of a mismatch.</param>
    /// <param name="waveform">FST file of the first run on each copy of the design, and its cycles.</param>
    /// <param name="cancellation">Stops between runs.</param>
    /// <returns>One result per path, in order.</returns>
    /// <exception cref="SimulationException">The design hangs, fails an assertion or reports an error.</exception>
    public static IReadOnlyList<PathRun> Run(
        CompiledProgram program,
        string library,
        MemoryTiming timing,
        IReadOnlyList<ExecutionPath> paths,
        IReadOnlyList<sbyte[]> inputs,
        int jobs,
        Action<int>? runDone = null,
        Func<int, ExecutionPath, string>? replay = null,
        (string File, long From, long To)? waveform = null,
        CancellationToken cancellation = default
    )
    {
        WorkloadResult[,] results = All(
            program,
            library,
            timing,
            paths.Count,
            inputs,
            jobs,
            runDone,
            waveform,
            cancellation,
            (workload, sample, p) => workload.Run(Input(program, inputs[sample]), paths[p], null, replay?.Invoke(sample, paths[p]))
        );
        return [.. paths.Select((path, p) => Collect(program, path, [.. Enumerable.Range(0, inputs.Count).Select(s => results[p, s])]))];
    }

    /// <summary>Runs every input with every budget; each frame starts on the first path of the program's table.</summary>
    /// <param name="program">Program with checkpoints; its network has one input.</param>
    /// <param name="library">Shared library of the model.</param>
    /// <param name="timing">Timing of the memory.</param>
    /// <param name="budgets">Cycles that a frame may take.</param>
    /// <param name="inputs">NHWC elements of the network input, one array per sample.</param>
    /// <param name="jobs">Copies of the design that run at a time.</param>
    /// <param name="runDone">Called after each run with the number of runs done.</param>
    /// <param name="replay">Command that replays the run of an input with a budget, for the report of a mismatch.</param>
    /// <param name="waveform">FST file of the first run on each copy of the design, and its cycles.</param>
    /// <param name="cancellation">Stops between runs.</param>
    /// <returns>One result per budget, in order, of the path that was chosen.</returns>
    /// <exception cref="SimulationException">The design hangs, fails an assertion or reports an error.</exception>
    public static IReadOnlyList<PathRun> RunBudgets(
        CompiledProgram program,
        string library,
        MemoryTiming timing,
        IReadOnlyList<uint> budgets,
        IReadOnlyList<sbyte[]> inputs,
        int jobs,
        Action<int>? runDone = null,
        Func<int, uint, string>? replay = null,
        (string File, long From, long To)? waveform = null,
        CancellationToken cancellation = default
    )
    {
        WorkloadResult[,] results = All(
            program,
            library,
            timing,
            budgets.Count,
            inputs,
            jobs,
            runDone,
            waveform,
            cancellation,
            (workload, sample, b) =>
                workload.RunBudget(Input(program, inputs[sample]), 0, budgets[b], null, replay?.Invoke(sample, budgets[b]))
        );
        return
        [
            .. budgets.Select(
                (budget, b) =>
                {
                    WorkloadResult[] samples = [.. Enumerable.Range(0, inputs.Count).Select(s => results[b, s])];
                    return Collect(program, program.Budget!.Paths[samples[0].Rtl.Row].Path, samples) with
                    {
                        Budget = budget,
                        Decisions = samples[0].Rtl.Decisions,
                    };
                }
            ),
        ];
    }

    private static Dictionary<int, sbyte[]> Input(CompiledProgram program, sbyte[] values) =>
        new() { [program.Network.Inputs[0]] = values };

    // Runs of every input, several inputs at a time.
    private static WorkloadResult[,] All(
        CompiledProgram program,
        string library,
        MemoryTiming timing,
        int runs,
        IReadOnlyList<sbyte[]> inputs,
        int jobs,
        Action<int>? runDone,
        (string File, long From, long To)? waveform,
        CancellationToken cancellation,
        Func<Workload, int, int, WorkloadResult> run
    )
    {
        if (program.Network.Inputs.Count != 1)
            throw new ArgumentException($"the network has {program.Network.Inputs.Count} inputs; 1 is supported", nameof(program));
        int done = 0;
        var results = new WorkloadResult[runs, inputs.Count];
        SideBySide(
            inputs.Count,
            jobs,
            () =>
            {
                var workload = new Workload(program, library, timing);
                if (waveform is { } w)
                    workload.Simulator.OpenWaveform(w.File, w.From, w.To);
                return workload;
            },
            (sample, workload) =>
            {
                for (int p = 0; p < runs; p++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    WorkloadResult result = run(workload, sample, p);
                    // The timings of every command of every run would be gigabytes: only what differs is kept.
                    results[p, sample] = result with
                    {
                        Rtl = result.Rtl with { Commands = [] },
                    };
                    runDone?.Invoke(Interlocked.Increment(ref done));
                }
            },
            cancellation
        );
        return results;
    }

    /// <summary>Does items on several copies of the design, and lets out the first exception as it is.</summary>
    internal static void SideBySide<T>(int count, int jobs, Func<T> make, Action<int, T> run, CancellationToken cancellation)
        where T : IDisposable
    {
        try
        {
            Parallel.For(
                0,
                count,
                new ParallelOptions { MaxDegreeOfParallelism = jobs, CancellationToken = cancellation },
                make,
                (item, _, copy) =>
                {
                    run(item, copy);
                    return copy;
                },
                copy => copy.Dispose()
            );
        }
        catch (AggregateException e) when (e.InnerExceptions.FirstOrDefault(x => x is not OperationCanceledException) is { } first)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
        }
        catch (AggregateException)
        {
            cancellation.ThrowIfCancellationRequested();
            throw;
        }
    }

    // What a run differed in from the models, without its place.
    internal static IEnumerable<string> Differences(WorkloadResult run)
    {
        if (run.FirstMismatch is not null)
            yield return run.FirstMismatch;
        foreach (string counter in run.CounterDifferences)
            yield return $"counter {counter}";
        foreach (LayerResult layer in run.Layers.Where(l => l.CyclesRtl != l.CyclesModel))
            yield return $"layer {layer.Name} took {layer.CyclesRtl} cycles, the model says {layer.CyclesModel}";
        foreach (string decision in run.DecisionDifferences)
            yield return decision;
        if (run.CommandDifferences > 0)
            yield return $"{run.CommandDifferences} commands start or end in another cycle than the model says";
    }

    private static PathRun Collect(CompiledProgram program, ExecutionPath path, WorkloadResult[] samples)
    {
        var differences = new List<string>();
        for (int s = 0; s < samples.Length; s++)
        {
            WorkloadResult sample = samples[s];
            string place = $"path {path.Name}, input {s}";
            differences.AddRange(Differences(sample).Select(d => $"{place}: {d}"));
            if (sample.Rtl.TotalCycles != samples[0].Rtl.TotalCycles)
                differences.Add($"{place}: {sample.Rtl.TotalCycles} cycles, input 0 took {samples[0].Rtl.TotalCycles}");
        }

        LayerResult[] layers = [.. samples[0].Layers.Select((l, i) => l with { Mismatches = samples.Sum(s => s.Layers[i].Mismatches) })];
        int output = program.Network.Outputs[0];
        return new PathRun(
            path,
            layers,
            samples[0].Rtl.TotalCycles,
            samples[0].Model.TotalCycles,
            [.. samples.Select(s => s.Outputs[output])],
            differences,
            samples.Sum(s => s.WallSeconds)
        );
    }
}
