using AccelGen.Compiler;
using AccelGen.Cycles;
using AccelGen.Isa;

namespace AccelGen.Sim.Traces;

/// <summary>A frame of a trace in the RTL.</summary>
/// <param name="Frame">Its place in the trace.</param>
/// <param name="Input">Input that it ran on.</param>
/// <param name="CyclesRtl">Cycles that it took.</param>
/// <param name="Mismatches">Elements that differ from the golden model.</param>
/// <param name="Decisions">Choices that it recorded.</param>
/// <param name="Differences">What differs from the models and from the trace; empty when nothing does.</param>
public sealed record RtlFrame(
    int Frame,
    int Input,
    long CyclesRtl,
    long Mismatches,
    IReadOnlyList<Decision> Decisions,
    IReadOnlyList<string> Differences
);

/// <summary>Frames of a trace through the RTL.</summary>
public static class TraceFrames
{
    /// <summary>Frames as far apart as they can be, the first among them.</summary>
    public static int[] Spread(int count, int frames) => [.. Enumerable.Range(0, count).Select(i => (int)((long)i * frames / count))];

    /// <summary>Runs chosen frames and compares outputs, counters, commands, choices and cycles.</summary>
    /// <param name="program">Program with checkpoints; its network has one input.</param>
    /// <param name="library">Shared library of the model.</param>
    /// <param name="trace">All frames.</param>
    /// <param name="outcomes">How each went by the trace's model.</param>
    /// <param name="rowPaths">Path of each row of the path table, as the outcomes name it.</param>
    /// <param name="chosen">Frames to run.</param>
    /// <param name="inputs">NHWC elements of the network input, one array per sample; frames take them in turn.</param>
    /// <param name="jobs">Copies of the design that run at a time.</param>
    /// <param name="frameDone">Called after each frame.</param>
    /// <param name="replay">Command that replays a frame on an input, for the report of a mismatch.</param>
    /// <param name="cancellation">Stops between frames.</param>
    /// <returns>A result per chosen frame, in order.</returns>
    /// <exception cref="SimulationException">The design hangs, fails an assertion or reports an error.</exception>
    public static IReadOnlyList<RtlFrame> Run(
        CompiledProgram program,
        string library,
        IReadOnlyList<FrameDemand> trace,
        IReadOnlyList<FrameOutcome> outcomes,
        IReadOnlyList<int> rowPaths,
        IReadOnlyList<int> chosen,
        IReadOnlyList<sbyte[]> inputs,
        int jobs,
        Action? frameDone = null,
        Func<int, int, string?>? replay = null,
        CancellationToken cancellation = default
    )
    {
        // Frames of one memory one after the other: a copy of the design has one.
        int[] order = [.. Enumerable.Range(0, chosen.Count).OrderBy(i => trace[chosen[i]].Timing.ToString(), StringComparer.Ordinal)];
        var results = new RtlFrame[chosen.Count];
        NetworkRun.SideBySide(
            order.Length,
            jobs,
            () => new Copy(timing => new Workload(program, library, timing)),
            (item, copy) =>
            {
                int frame = chosen[order[item]],
                    input = frame % inputs.Count;
                FrameDemand demand = trace[frame];
                WorkloadResult run = copy.On(demand.Timing)
                    .RunBudget(
                        new Dictionary<int, sbyte[]> { [program.Network.Inputs[0]] = inputs[input] },
                        0,
                        demand.Budget,
                        null,
                        replay?.Invoke(frame, input)
                    );
                results[order[item]] = new RtlFrame(
                    frame,
                    input,
                    run.Rtl.TotalCycles,
                    run.Mismatches,
                    run.Rtl.Decisions,
                    [.. NetworkRun.Differences(run), .. AgainstTrace(run, outcomes[frame], rowPaths)]
                );
                frameDone?.Invoke();
            },
            cancellation
        );
        return results;
    }

    // The trace follows the rule by tables of cycles, the run is compared with the whole model: both say the same.
    private static IEnumerable<string> AgainstTrace(WorkloadResult run, FrameOutcome outcome, IReadOnlyList<int> rowPaths)
    {
        if (run.Rtl.TotalCycles != outcome.Cycles)
            yield return $"{run.Rtl.TotalCycles} cycles, the trace says {outcome.Cycles}";
        if (rowPaths[run.Rtl.Row] != outcome.Path)
            yield return $"the frame ended on path {rowPaths[run.Rtl.Row]}, the trace says {outcome.Path}";
        if (!run.Rtl.Decisions.SequenceEqual(outcome.Decisions.Take(IsaDefinition.DecisionEntries)))
            yield return $"choices {string.Join(", ", run.Rtl.Decisions)}; the trace says {string.Join(", ", outcome.Decisions)}";
    }

    private sealed class Copy(Func<MemoryTiming, Workload> make) : IDisposable
    {
        private (MemoryTiming Timing, Workload Workload)? at;

        public Workload On(MemoryTiming timing)
        {
            if (at?.Timing != timing)
            {
                at?.Workload.Dispose();
                at = (timing, make(timing));
            }

            return at.Value.Workload;
        }

        public void Dispose() => at?.Workload.Dispose();
    }
}
