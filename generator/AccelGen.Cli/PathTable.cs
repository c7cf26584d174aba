using System.Globalization;
using AccelGen.Cli.Results;
using Spectre.Console;

namespace AccelGen.Cli;

/// <summary>A <see cref="PathsResult"/> for people.</summary>
internal static class PathTable
{
    /// <summary>Prints the paths.</summary>
    public static void Print(PathsResult result)
    {
        bool rtl = result.Paths.Any(p => p.CyclesRtl is not null);
        string[] columns =
        [
            "path",
            "cycles",
            "saved",
            "MACs",
            "saved",
            "skip efficiency",
            result.Metric ?? "accuracy",
            "Pareto",
            .. rtl ? new[] { "RTL cycles", "mismatches" } : [],
        ];
        Table table = new Table().AddColumns(columns);
        foreach (int column in Enumerable.Range(1, columns.Length - 1).Where(c => columns[c] != "Pareto"))
            table.Columns[column].RightAligned();
        foreach (CostedPath p in result.Paths)
        {
            string[] cells =
            [
                Printable.Cell(p.Name),
                $"{p.CyclesModel:N0}",
                $"{1 - ((double)p.CyclesModel / result.WholeCycles):P1}",
                $"{p.Macs:N0}",
                result.WholeMacs == 0 ? string.Empty : $"{1 - ((double)p.Macs / result.WholeMacs):P1}",
                $"{p.SkipEfficiency:F3}",
                $"{p.Accuracy:P2}",
                p.IsPareto ? "*" : string.Empty,
                .. rtl ? new[] { $"{p.CyclesRtl:N0}", $"{p.Mismatches}" } : [],
            ];
            table.AddRow(cells);
        }

        Cli.Output().Write(table);
        // What a path left out beyond its own channels.
        if (result.Dropped.Count > 0)
            Console.WriteLine($"not computed where channels are dropped: {string.Join("; ", result.Dropped)}");
    }

    /// <summary>One line of what was done.</summary>
    /// <param name="result">Result.</param>
    /// <param name="wall">Time of the command.</param>
    public static string Summary(PathsResult result, TimeSpan wall)
    {
        CostedPath[] run = [.. result.Paths.Where(p => p.CyclesRtl is not null)];
        string proven =
            run.Length == 0
                ? string.Empty
                : $", {run.Length} of them through the RTL: {run.Sum(p => p.Mismatches)} mismatches, "
                    + $"{run.Sum(p => p.CycleDifferences)} differences";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{result.Config} ({result.ConfigHash}): {result.Paths.Count} paths of one program{proven}, {wall.TotalSeconds:F1} s"
        );
    }
}
