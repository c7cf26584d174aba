using AccelGen.Cli.Results;
using Spectre.Console;

namespace AccelGen.Cli;

/// <summary>A <see cref="SimulateResult"/> for people.</summary>
internal static class SimulateTable
{
    /// <summary>Prints the layers and what was done.</summary>
    public static void Print(SimulateResult result)
    {
        Table table = new Table().AddColumns(
            "layer",
            "MACs",
            "skipped",
            "RTL cycles",
            "model cycles",
            "mismatches",
            "utilization",
            "of bound",
            "skip efficiency",
            "read",
            "written"
        );
        foreach (int column in Enumerable.Range(1, 10))
            table.Columns[column].RightAligned();
        foreach (SimulatedLayer l in result.Layers)
            table.AddRow(
                Printable.Cell(l.Name),
                $"{l.Macs:N0}",
                $"{l.MacsSkipped:N0}",
                $"{l.CyclesRtl:N0}",
                $"{l.CyclesModel:N0}",
                $"{l.Mismatches}",
                $"{l.Utilization:P1}",
                $"{(double)l.BoundCycles / l.CyclesRtl:P1}",
                $"{l.SkipEfficiency:F3}",
                $"{l.BytesRead:N0}",
                $"{l.BytesWritten:N0}"
            );
        Cli.Output().Write(table);
        SimulateTotal total = result.Total;
        Console.WriteLine(
            $"{total.Config} ({total.ConfigHash}): {total.Mismatches} mismatches, RTL {total.CyclesRtl:N0} cycles, "
                + $"model {total.CyclesModel:N0}; {total.MacsPerSecond / 1e9:F2} GMAC/s simulated, {total.WallSeconds:F1} s"
        );
    }
}
