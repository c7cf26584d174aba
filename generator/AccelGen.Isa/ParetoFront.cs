namespace AccelGen.Isa;

/// <summary>Paths that no other one excels: by being worth as much and costing less, or worth more and costing no more.</summary>
public static class ParetoFront
{
    /// <summary>Finds them; of paths alike all are among them, or none.</summary>
    /// <param name="paths">Cycles, and what a path is worth, more is better.</param>
    /// <returns>Indices, in order.</returns>
    public static IReadOnlyList<int> Of(IReadOnlyList<(long Cycles, double Worth)> paths) =>
        [.. Enumerable.Range(0, paths.Count).Where(i => !paths.Any(other => Excels(other, paths[i])))];

    private static bool Excels((long Cycles, double Worth) one, (long Cycles, double Worth) other) =>
        one.Cycles <= other.Cycles && one.Worth >= other.Worth && (one.Cycles < other.Cycles || one.Worth > other.Worth);
}
