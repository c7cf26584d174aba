using System.Globalization;
using System.Text;
using AccelGen.Cli.Results;
using AccelGen.Sim;
using Spectre.Console;

namespace AccelGen.Cli;

/// <summary>An <see cref="ExplainResult"/> for people.</summary>
internal static class LayerText
{
    /// <summary>Prints the layers, what limits them, and the cycles by class.</summary>
    public static void Print(ExplainResult result)
    {
        foreach (ExplainedLayer e in result.Layers)
            Console.WriteLine(Text(e));
        Cli.Output().Write(Summary(result.Layers));
        if (result.Cycles is not null)
            Cli.Output().Write(BreakdownTable.Of(result.Cycles));
    }

    private static string Text(ExplainedLayer e)
    {
        var text = new StringBuilder();
        void Line(string line) => text.AppendLine(line);
        Line($"{e.Name}: {e.Op}, {e.Shapes}");
        if (e.Joined.Count > 0)
            Line($"  computes as well {string.Join(", ", e.Joined)}");
        if (e.ComputedBy is not null)
        {
            string own =
                e.Commands == 0
                    ? string.Empty
                    : $"; has {e.Commands} commands for paths that skip those, passed by in {e.Cycles:N0} cycles";
            Line($"  computed by the commands of {e.ComputedBy}{own}");
            return text.ToString();
        }

        if (e.LoopNests.Count == 0)
        {
            Line($"  no commands: what it joins is written in place");
            return text.ToString();
        }

        if (e.AlternatesWith.Count > 0)
            Line(
                $"  alternates with the commands of {string.Join(", ", e.AlternatesWith)}, strip by "
                    + $"strip{(e.CountedWith is null ? string.Empty : ", which reads what this one stores")}"
            );
        foreach (string loop in Loops(e.LoopNests))
            Line(loop);
        if (e.RowOperator is not null)
            Line($"  then {e.RowOperator}");
        foreach (BufferUse b in e.Buffers)
            Line($"  holds {b.Buffer}: {b.Bytes:N0} of {b.SlotBytes:N0} bytes{Reads(b)}; stays for {b.Stays}");
        Line(
            $"  moves input {e.Bytes.Input:N0}, weights {e.Bytes.Weights:N0}, parameters {e.Bytes.Parameters:N0}, "
                + $"residual {e.Bytes.Residual:N0}, output {e.Bytes.Output:N0}, program {e.Bytes.Program:N0} bytes, "
                + $"by {e.Commands:N0} commands"
        );
        Line($"  bounds {string.Join(", ", e.Bounds.Select(b => $"{b.Resource} {b.Cycles:N0}"))}");
        Line(Limits(e));
        return text.ToString();
    }

    private static IEnumerable<string> Loops(IReadOnlyList<LoopNest> nests)
    {
        foreach (LoopNest nest in nests)
        {
            int depth = 1;
            if (nest.Does is not null)
                yield return $"  {nest.Does}:";
            // Loops of one pass say nothing, but for those that every layer has.
            foreach (LoopLevel level in nest.Levels.Where(l => l.Count > 1 || l.Name is "tile" or "pixel"))
            {
                string indent = new(' ', 2 * (level.Spatial ? depth : depth++));
                yield return $"{indent}{(level.Spatial ? "at once" : "for")} {level.Count} x {level.Name}: {level.Detail}";
            }
        }
    }

    private static string Reads(BufferUse b) =>
        b.Loads switch
        {
            <= 0 => string.Empty,
            < 0.995 => $", {b.Loads:P0} of the operand read",
            < 1.005 => ", each byte read once",
            _ => $", each byte read {b.Loads:0.##} times",
        };

    // What the layer takes, and why.
    private static string Limits(ExplainedLayer e)
    {
        var limit = new Bound(e.Limit, e.LimitCycles);
        string useful =
            e.ArrayUse > 0
                ? string.Create(CultureInfo.InvariantCulture, $"; {e.ArrayUse:P1} of the array's products are useful")
                : string.Empty;
        if (e.CountedWith is not null)
            return $"  its cycles count with those of {e.CountedWith}; longest of its own bounds {Longest(limit)}{useful}";
        if (e.LimitTogether is not { } together)
            return $"  takes {e.Cycles:N0} cycles, limited by {Longest(limit)} ({Part(limit.Cycles, e.Cycles)}){useful}";
        string reads = e.Bounds.Skip(1).Take(3).Any(b => b.Resource == together.Resource) ? "all reads " : string.Empty;
        return $"  takes {e.Cycles:N0} cycles with those that it alternates with, limited by {together.Resource} of all together: "
            + $"{reads}{together.Cycles:N0} ({Part(together.Cycles, e.Cycles)}); longest of its own bounds {Longest(limit)}{useful}";

        string Longest(Bound b) =>
            string.Create(
                CultureInfo.InvariantCulture,
                $"{b.Resource}: {(e.Bounds.Any(o => o == b) ? string.Empty : "all reads ")}{b.Cycles:N0}"
            );
    }

    private static Table Summary(IReadOnlyList<ExplainedLayer> layers)
    {
        var table = new Table().AddColumns("limited by", "layers", "cycles", "of them the bound");
        foreach (int column in Enumerable.Range(1, 3))
            table.Columns[column].RightAligned();
        foreach (
            IGrouping<string, ExplainedLayer> group in layers
                .Where(l => l.LoopNests.Count > 0 && l.CountedWith is null)
                .GroupBy(l => l.LimitTogether?.Resource ?? l.Limit)
                .OrderByDescending(g => g.Sum(l => l.Cycles))
        )
            table.AddRow(
                group.Key,
                $"{group.Count()}",
                $"{group.Sum(l => l.Cycles):N0}",
                Part(group.Sum(l => l.LimitTogether?.Cycles ?? l.LimitCycles), group.Sum(l => l.Cycles))
            );
        return table;
    }

    private static string Part(long part, long whole) =>
        whole == 0 ? string.Empty : string.Create(CultureInfo.InvariantCulture, $"{(double)part / whole:P1}");
}
