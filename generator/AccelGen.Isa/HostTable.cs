namespace AccelGen.Isa;

/// <summary>A path that a host may choose before a frame.</summary>
/// <param name="Name">Name for reports.</param>
/// <param name="Candidate">Its place among the paths that the table was made of.</param>
/// <param name="Row">Row of the path table that it is written to, and that PathSelect takes.</param>
/// <param name="Cycles">Cycles of a frame on it.</param>
/// <param name="Accuracy">What it is worth, 0 to 1, or null: not measured.</param>
/// <param name="Words">What is written to the row.</param>
public sealed record HostPath(string Name, int Candidate, int Row, long Cycles, double? Accuracy, PathRow Words);

/// <summary>A path among which the table of a host is chosen.</summary>
/// <param name="Name">Name for reports.</param>
/// <param name="Cycles">Cycles of a frame on it.</param>
/// <param name="Worth">More is better: its accuracy, or the work that it does where none was measured.</param>
/// <param name="Accuracy">Accuracy, or null.</param>
/// <param name="Words">What is written to its row.</param>
public sealed record HostCandidate(string Name, long Cycles, double Worth, double? Accuracy, PathRow Words);

/// <summary>
/// Budget to path, for a host that chooses before a frame. Both cycles and worth rise from entry to entry, so that the best path
/// of a budget is the last one that fits; the row of an entry is its place.
/// </summary>
public sealed class HostTable
{
    private HostTable(IReadOnlyList<HostPath> entries) => Entries = entries;

    /// <summary>Paths, the cheapest first.</summary>
    public IReadOnlyList<HostPath> Entries { get; }

    /// <summary>Makes the table of those paths that no other one excels: of paths alike the first.</summary>
    /// <param name="paths">Paths, at least one.</param>
    public static HostTable Create(IReadOnlyList<HostCandidate> paths)
    {
        ArgumentOutOfRangeException.ThrowIfZero(paths.Count);
        (long Cycles, double Worth)[] figures = [.. paths.Select(p => (p.Cycles, p.Worth))];
        return new HostTable([
            .. ParetoFront
                .Of(figures)
                .DistinctBy(i => figures[i])
                .OrderBy(i => figures[i].Cycles)
                .Select((i, row) => new HostPath(paths[i].Name, i, row, paths[i].Cycles, paths[i].Accuracy, paths[i].Words)),
        ]);
    }

    /// <summary>The path of least loss that fits into a budget, or null where none does.</summary>
    /// <param name="budget">Cycles that the frame may take.</param>
    /// <param name="slack">Share by which the cycles are taken to be more than the table says.</param>
    public HostPath? Best(long budget, double slack = 0) => Entries.LastOrDefault(e => Math.Ceiling(e.Cycles * (1 + slack)) <= budget);
}
