using AccelGen.Files;

namespace AccelGen.Quantization;

/// <summary>
/// Channels kept of tensors, a column of numbers by path, in as few dynamic registers as possible. A path on which a tensor is not
/// computed leaves its number open. Equal columns share a register for nothing; where there are still too many, the two that cost
/// least keep the larger number of both.
/// </summary>
internal sealed class ExtentColumns
{
    private sealed record Column(int?[] Kept, List<int> Tensors, double Work, int Most, bool Extends);

    private readonly List<Column> columns = [];

    /// <summary>Adds a tensor.</summary>
    /// <param name="tensor">Tensor.</param>
    /// <param name="kept">Channels kept by path; null where it is not computed.</param>
    /// <param name="channels">All channels.</param>
    /// <param name="work">What it costs to keep all channels.</param>
    /// <param name="extends">More channels may be kept than a path has: those beyond are zero and change nothing.</param>
    public void Add(int tensor, int?[] kept, int channels, double work, bool extends)
    {
        if (kept.All(k => k is null || k == channels))
            return;
        int known = columns.FindIndex(c => c.Kept.Zip(kept).All(p => p.First is null || p.Second is null || p.First == p.Second));
        var own = new Column(kept, [tensor], work, channels, extends);
        if (known < 0)
            columns.Add(own);
        else
            columns[known] = Joined(columns[known], own);
    }

    /// <summary>Columns that are needed before any are merged at a cost.</summary>
    public int Count => columns.Count;

    /// <summary>Register of each tensor, and channels kept by register and path.</summary>
    /// <param name="registers">Dynamic registers of the configuration.</param>
    /// <exception cref="InputException">There are too few.</exception>
    public (IReadOnlyDictionary<int, int> Register, int[][] Kept) Assign(int registers)
    {
        int needed = columns.Count;
        while (columns.Count > registers)
        {
            (double Cost, int A, int B) best = (double.PositiveInfinity, -1, -1);
            for (int a = 0; a < columns.Count; a++)
            {
                for (int b = a + 1; b < columns.Count; b++)
                {
                    if (
                        columns[a].Extends
                        && columns[b].Extends
                        && Joined(columns[a], columns[b]) is var both
                        && both.Kept.All(k => k is null || k <= both.Most)
                        && Cost(columns[a], both) + Cost(columns[b], both) is var cost
                        && cost < best.Cost
                    )
                        best = (cost, a, b);
                }
            }

            if (best.A < 0)
                throw new InputException(
                    FaultCodes.Registers,
                    string.Empty,
                    $"the subnets need {needed} dynamic registers, one for each way in which kept channels change from path to path",
                    $"there are {registers}, and no two of the {columns.Count} left can share one: raise "
                        + "control.dynamicRegisters up to 16, or give fewer subnets"
                );
            columns[best.A] = Joined(columns[best.A], columns[best.B]);
            columns.RemoveAt(best.B);
        }

        var register = columns.SelectMany((c, r) => c.Tensors.Select(t => (t, r))).ToDictionary(p => p.t, p => p.r);
        return (register, [.. columns.Select(c => c.Kept.Select(k => k ?? c.Most).ToArray())]);
    }

    private static Column Joined(Column a, Column b) =>
        new(
            [
                .. a.Kept.Zip(
                    b.Kept,
                    (x, y) =>
                        x is null ? y
                        : y is null ? x
                        : Math.Max(x.Value, y.Value)
                ),
            ],
            [.. a.Tensors, .. b.Tensors],
            a.Work + b.Work,
            Math.Min(a.Most, b.Most),
            a.Extends && b.Extends
        );

    // Work on channels that a path would not need.
    private static double Cost(Column one, Column both) =>
        one.Work * one.Kept.Zip(both.Kept, (x, y) => x is null || y is null ? 0 : (double)(y.Value - x.Value) / one.Most).Sum();
}
