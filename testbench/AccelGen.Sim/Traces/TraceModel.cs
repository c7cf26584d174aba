using AccelGen.Compiler;
using AccelGen.Cycles;
using AccelGen.Isa;

namespace AccelGen.Sim.Traces;

/// <summary>How a frame went.</summary>
/// <param name="Path">Path that it ended on, by its place among all.</param>
/// <param name="Cycles">Cycles that it took.</param>
/// <param name="Met">They are no more than its budget.</param>
/// <param name="Decisions">Choices of the CHECKPOINT commands.</param>
public sealed record FrameOutcome(int Path, long Cycles, bool Met, IReadOnlyList<Decision> Decisions);

/// <summary>A network that goes one way in every frame.</summary>
/// <param name="Name">Name for reports.</param>
/// <param name="Path">Path whose results it gives.</param>
/// <param name="Program">Its program.</param>
/// <param name="Row">Row of the path table.</param>
public sealed record StaticNetwork(string Name, int Path, CompiledProgram Program, PathRow Row)
{
    /// <summary>Cycles of a frame on a memory for which they are known already, or null.</summary>
    public (MemoryTiming Timing, long Cycles)? Known { get; init; }
}

/// <summary>
/// Frames of one program on memories of several speeds, by the cycle model. A path is left at a checkpoint only for one by which
/// all commands so far resolve alike: a frame takes the cycles of the path that it ends on, and reaches every checkpoint in the
/// cycle in which each path does by which it may still go. One prediction per path and memory is all that any number of frames needs.
/// </summary>
public sealed class TraceModel
{
    private static readonly IReadOnlyDictionary<int, long> NoCheckpoints = new Dictionary<int, long>();

    private readonly CompiledProgram program;
    private readonly IReadOnlyList<PathRow> rows;
    private readonly int[] rowPaths;
    private readonly int[] checkpoints;
    private readonly Dictionary<MemoryTiming, (long Cycles, IReadOnlyDictionary<int, long> Checkpoints)[]> dynamics = [];
    private readonly Dictionary<MemoryTiming, long[]> statics = [];

    /// <summary>Prepares a model.</summary>
    /// <param name="program">Program with checkpoints.</param>
    /// <param name="rowPaths">Path of each of its rows, by its place among all.</param>
    /// <param name="networks">What goes one way in every frame.</param>
    /// <exception cref="ArgumentException">The program has no checkpoints, or not a path for each row.</exception>
    public TraceModel(CompiledProgram program, IReadOnlyList<int> rowPaths, IReadOnlyList<StaticNetwork> networks)
    {
        BudgetTable table = program.Budget ?? throw new ArgumentException("the program has no checkpoints", nameof(program));
        if (table.Paths.Count != rowPaths.Count)
            throw new ArgumentException($"{rowPaths.Count} paths for {table.Paths.Count} rows", nameof(rowPaths));
        (this.program, this.rowPaths, Networks, rows) = (program, [.. rowPaths], networks, table.Rows(program));
        checkpoints = [.. Enumerable.Range(0, program.Commands.Count).Where(c => program.Commands[c].Is(CheckpointCommand.Definition))];
    }

    /// <summary>What goes one way in every frame.</summary>
    public IReadOnlyList<StaticNetwork> Networks { get; }

    /// <summary>Predictions that memories need which are not known yet.</summary>
    public int Missing(IEnumerable<MemoryTiming> timings) =>
        timings
            .Distinct()
            .Where(t => !dynamics.ContainsKey(t))
            .Sum(t => rows.Count + Networks.Count(n => n.Known is not { } known || known.Timing != t));

    /// <summary>Predicts every path on every memory; those already known are not predicted again.</summary>
    /// <param name="timings">Memories.</param>
    /// <param name="predicted">Called after each prediction.</param>
    /// <param name="cancellation">Stops between predictions.</param>
    public void Predict(IEnumerable<MemoryTiming> timings, Action? predicted = null, CancellationToken cancellation = default)
    {
        MemoryTiming[] missing = [.. timings.Distinct().Where(t => !dynamics.ContainsKey(t))];
        int each = rows.Count + Networks.Count;
        (long Cycles, IReadOnlyDictionary<int, long> Checkpoints)[] found = new (long, IReadOnlyDictionary<int, long>)[
            missing.Length * each
        ];
        Parallel.For(
            0,
            found.Length,
            new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount },
            i =>
            {
                MemoryTiming timing = missing[i / each];
                int at = i % each;
                if (at >= rows.Count && Networks[at - rows.Count].Known is { } known && known.Timing == timing)
                {
                    found[i] = (known.Cycles, NoCheckpoints);
                    return;
                }

                CompiledProgram run = at < rows.Count ? program : Networks[at - rows.Count].Program;
                CyclePrediction prediction = new CycleModel(run.Config, timing).Predict(
                    run.Commands,
                    run.ProgramAddress,
                    at < rows.Count ? rows[at] : Networks[at - rows.Count].Row
                );
                found[i] = (prediction.TotalCycles, prediction.Checkpoints);
                predicted?.Invoke();
            }
        );
        for (int t = 0; t < missing.Length; t++)
        {
            dynamics[missing[t]] = found[(t * each)..((t * each) + rows.Count)];
            statics[missing[t]] = [.. found[((t * each) + rows.Count)..((t + 1) * each)].Select(f => f.Cycles)];
        }
    }

    /// <summary>Cycles of the cheapest path, with checkpoints or alone whichever takes more, and of the dearest with checkpoints.</summary>
    /// <param name="timing">A memory that was predicted.</param>
    public (long Least, long Most) Range(MemoryTiming timing) =>
        (Math.Max(dynamics[timing].Min(p => p.Cycles), statics[timing].DefaultIfEmpty().Min()), dynamics[timing].Max(p => p.Cycles));

    /// <summary>A frame of the program with checkpoints; it starts on the first row of the path table.</summary>
    /// <param name="frame">A frame on a memory that was predicted.</param>
    public FrameOutcome Dynamic(FrameDemand frame)
    {
        (long Cycles, IReadOnlyDictionary<int, long> Checkpoints)[] known = dynamics[frame.Timing];
        var rule = new CheckpointRule(new FrameControl(rows, 0, frame.Budget));
        foreach (int c in checkpoints)
            rule.Execute(program.Commands[c], known[rule.Active].Checkpoints[c]);
        long cycles = known[rule.Active].Cycles;
        return new FrameOutcome(rowPaths[rule.Active], cycles, cycles <= frame.Budget, rule.Decisions);
    }

    /// <summary>A frame of a network that goes one way.</summary>
    /// <param name="network">One of <see cref="Networks"/>.</param>
    /// <param name="frame">A frame on a memory that was predicted.</param>
    public FrameOutcome Static(int network, FrameDemand frame)
    {
        long cycles = statics[frame.Timing][network];
        return new FrameOutcome(Networks[network].Path, cycles, cycles <= frame.Budget, []);
    }
}
