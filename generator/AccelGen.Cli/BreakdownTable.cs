using System.Globalization;
using AccelGen.Sim;
using Spectre.Console;

namespace AccelGen.Cli;

/// <summary>Table of a <see cref="CycleBreakdown"/>.</summary>
internal static class BreakdownTable
{
    public static Table Of(CycleBreakdown breakdown)
    {
        var table = new Table()
            .Title($"path {Printable.Cell(breakdown.Path)}: cycles by class; work of other units as hidden behind the array + exposed")
            .AddColumns(
                "class",
                "cycles",
                "share",
                "array",
                "utilization",
                "post-processing",
                "row operator",
                "loads",
                "stores",
                "overhead"
            );
        foreach (int column in Enumerable.Range(1, 9))
            table.Columns[column].RightAligned();
        foreach (ClassCycles c in breakdown.Classes)
            Row(c);
        table.AddEmptyRow();
        Row(breakdown.Total);
        return table;

        void Row(ClassCycles c)
        {
            string Unit(UnitCycles u) => u is { Hidden: 0, Exposed: 0 } ? string.Empty : Text($"{u.Hidden:N0} + {u.Exposed:N0}");
            table.AddRow(
                c.Name,
                Text($"{c.Cycles:N0}"),
                Text($"{(double)c.Cycles / breakdown.Total.Cycles:P1}"),
                Text($"{c.Array:N0}"),
                c.Utilization is double use ? Text($"{use:P1}") : string.Empty,
                Unit(c.PostProcessing),
                Unit(c.RowOperator),
                Unit(c.Loads),
                Unit(c.Stores),
                Text($"{c.Overhead:N0}")
            );
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
