using AccelGen.Compiler;
using AccelGen.Cycles;
using AccelGen.Isa;
using AccelGen.Network.Quantized;
using AccelGen.Sim;

namespace AccelGen.Cli;

/// <summary>What a path costs and is worth.</summary>
/// <param name="Path">The path.</param>
/// <param name="Macs">Multiply-accumulates of a frame.</param>
/// <param name="Cycles">Cycles of a frame by the model.</param>
/// <param name="Skip">What it saves.</param>
internal sealed record PathCost(ExecutionPath Path, long Macs, long Cycles, SkipEfficiency Skip)
{
    /// <summary>Accuracy on the images, or null where nothing is known of any.</summary>
    public double? Accuracy { get; init; }

    /// <summary>Cycles of the whole network on the same program, also where no path of the file is that.</summary>
    public long WholeCycles { get; init; }

    /// <summary>Images of the accuracy.</summary>
    public int Images { get; init; }

    /// <summary>What the RTL showed of it, or null where it was not run.</summary>
    public PathRun? Rtl { get; init; }

    /// <summary>No other path excels it.</summary>
    public bool IsPareto { get; init; }

    /// <summary>More is better: the accuracy, or the work that it does where none was measured.</summary>
    public double Worth => Accuracy ?? Macs;

    /// <summary>Costs of all paths of a program by the exact model.</summary>
    /// <param name="program">Program.</param>
    /// <param name="timing">Timing of the memory.</param>
    /// <param name="paths">Paths.</param>
    public static PathCost[] Of(CompiledProgram program, MemoryTiming timing, IReadOnlyList<ExecutionPath> paths)
    {
        var model = new CycleModel(program.Config, timing);
        CyclePrediction Predict(ExecutionPath p) => model.Predict(program.Commands, program.ProgramAddress, program.Row(p));
        CyclePrediction whole = Predict(ExecutionPath.Whole);
        return
        [
            .. paths
                .Select(p => (Path: p, Part: Predict(p)))
                .Select(p => new PathCost(
                    p.Path,
                    program.Network.Macs(p.Path).Executed,
                    p.Part.TotalCycles,
                    SkipEfficiency.Of(program, p.Path, whole, p.Part)
                )
                {
                    WholeCycles = whole.TotalCycles,
                }),
        ];
    }

    /// <summary>The same paths with what is best marked: of paths alike all are.</summary>
    public static PathCost[] WithPareto(IReadOnlyList<PathCost> all)
    {
        IReadOnlyList<int> front = ParetoFront.Of([.. all.Select(c => (c.Cycles, c.Worth))]);
        return [.. all.Select((c, i) => c with { IsPareto = front.Contains(i) })];
    }

    /// <summary>The table of a host that chooses among the paths.</summary>
    /// <param name="program">Program of the paths.</param>
    /// <param name="all">Paths, at least one.</param>
    public static HostTable TableOf(CompiledProgram program, IReadOnlyList<PathCost> all) =>
        HostTable.Create([.. all.Select(c => new HostCandidate(c.Path.Name, c.Cycles, c.Worth, c.Accuracy, program.Row(c.Path)))]);

    /// <summary>Indices of paths spread evenly over the cycles that they take, the dearest and the cheapest first among them.</summary>
    /// <param name="all">Paths.</param>
    /// <param name="count">How many.</param>
    public static int[] Spread(IReadOnlyList<PathCost> all, int count)
    {
        int[] byCycles = [.. Enumerable.Range(0, all.Count).OrderByDescending(i => all[i].Cycles)];
        int wanted = Math.Min(count, byCycles.Length);
        return
        [
            .. Enumerable.Range(0, wanted).Select(i => byCycles[wanted == 1 ? 0 : i * (byCycles.Length - 1) / (wanted - 1)]).Distinct(),
        ];
    }
}
