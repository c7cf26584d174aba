using AccelGen.Cli.Results;
using Spectre.Console;

namespace AccelGen.Cli;

/// <summary>An <see cref="EvaluateResult"/> for people.</summary>
internal static class EvaluateTable
{
    /// <summary>Prints the paths.</summary>
    public static void Print(EvaluateResult result)
    {
        bool pixels = result.Paths.Any(p => p.Iou is not null);
        Table table = new Table().AddColumns("path", "MACs", "saved", $"{result.Metric} int8", $"{result.Metric} float");
        if (pixels)
            table.AddColumns("pixel accuracy int8");
        foreach (int column in Enumerable.Range(1, table.Columns.Count - 1))
            table.Columns[column].RightAligned();
        foreach (EvaluatedPath p in result.Paths)
        {
            string[] cells =
            [
                Printable.Cell(p.Name),
                $"{p.Macs:N0}",
                p.MacsWhole == 0 ? string.Empty : $"{1 - ((double)p.Macs / p.MacsWhole):P1}",
                $"{p.Accuracy:P2}",
                $"{p.FloatAccuracy:P2}",
            ];
            table.AddRow(pixels ? [.. cells, $"{p.PixelAccuracy:P2}"] : cells);
        }

        Cli.Output().Write(table);
    }
}
