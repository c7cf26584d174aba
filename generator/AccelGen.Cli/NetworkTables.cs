using System.Globalization;
using AccelGen.Cli.Results;
using AccelGen.Sim;
using Spectre.Console;

namespace AccelGen.Cli;

/// <summary>A <see cref="NetworkResult"/> for people.</summary>
internal static class NetworkTables
{
    /// <summary>Prints the tables.</summary>
    public static void Print(NetworkResult result)
    {
        Cli.Output().Write(Layers(result));
        Cli.Output().Write(Paths(result));
        if (result.Budget is { } budget)
        {
            Cli.Output().Write(Checkpoints(budget));
            Cli.Output().Write(Budgets(result.Paths, budget.Rows));
        }

        foreach (CycleBreakdown breakdown in result.Cycles)
            Cli.Output().Write(BreakdownTable.Of(breakdown));
    }

    /// <summary>One line of what was done.</summary>
    public static string Summary(NetworkResult result)
    {
        NetworkTotal total = result.Total;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{total.Config} ({total.ConfigHash}): {total.Images} images on {result.Paths.Count} "
                + $"{(result.Budget is null ? "paths" : "budgets")}, {total.Mismatches} mismatches, {result.Paths.Sum(p => p.Differences)} "
                + $"differences; {total.MacsPerSecond / 1e9:F2} GMAC/s simulated per core, {total.WallSeconds:F1} s"
        );
    }

    private static Table Layers(NetworkResult result)
    {
        Table table = new Table()
            .Title($"path {Printable.Cell(result.Total.Path)}: cycles of one image, mismatches of {result.Total.Images}")
            .AddColumns("layer", "op", "MACs", "skipped", "RTL cycles", "model cycles", "mismatches", "utilization", "read", "written");
        foreach (int column in Enumerable.Range(2, 8))
            table.Columns[column].RightAligned();
        foreach (LayerResult r in result.Layers)
            table.AddRow(
                Printable.Cell(r.Name),
                r.Op,
                $"{r.Macs:N0}",
                $"{r.MacsSkipped:N0}",
                $"{r.CyclesRtl:N0}",
                $"{r.CyclesModel:N0}",
                $"{r.Mismatches}",
                $"{r.Utilization:P1}",
                $"{r.BytesRead:N0}",
                $"{r.BytesWritten:N0}"
            );
        return table;
    }

    private static Table Paths(NetworkResult result)
    {
        Table table = new Table().AddColumns(
            "path",
            "blocks skipped",
            $"{result.Total.Metric} RTL",
            $"{result.Total.Metric} float",
            "MACs saved",
            "cycles saved",
            "saved cycles/MACs",
            "RTL cycles",
            "model cycles",
            "mismatches",
            "utilization"
        );
        foreach (int column in Enumerable.Range(1, 10))
            table.Columns[column].RightAligned();
        foreach (RunPath p in result.Paths)
            table.AddRow(
                Printable.Cell(p.Name),
                $"{p.BlocksSkipped.Count}",
                $"{p.Accuracy:P1}",
                $"{p.FloatAccuracy:P1}",
                $"{p.MacsSaved:P2}",
                $"{p.CyclesSaved:P2}",
                p.MacsSaved is null or 0 ? string.Empty : $"{p.CyclesSaved / p.MacsSaved:F3}",
                $"{p.CyclesRtl:N0}",
                $"{p.CyclesModel:N0}",
                $"{p.Mismatches}",
                $"{p.Utilization:P1}"
            );
        return table;
    }

    private static Table Checkpoints(BudgetResult budget)
    {
        Table table = new Table()
            .Title("checkpoints")
            .AddColumns("number", "in front of layer", "paths that can still be chosen, with the cycles that they need from there");
        foreach (CheckpointResult checkpoint in budget.Checkpoints)
            table.AddRow(
                $"{checkpoint.Number}",
                Printable.Cell(checkpoint.Layer),
                Printable.Cell(
                    string.Join(
                        "; ",
                        checkpoint.Classes.Select(k => string.Join(", ", k.Candidates.Select(c => $"{c.Path} {c.Remaining:N0}")))
                    )
                )
            );
        return table;
    }

    private static Table Budgets(IReadOnlyList<RunPath> runs, IReadOnlyList<string> rows)
    {
        Table table = new Table().Title("budgets").AddColumns("budget", Choices.Column, "path", "RTL cycles", "met");
        table.Columns[0].RightAligned();
        table.Columns[3].RightAligned();
        foreach (RunPath run in runs)
            table.AddRow(
                $"{run.Budget:N0}",
                Choices.Cell(run.Decisions, row => rows[row]),
                Printable.Cell(run.Name),
                $"{run.CyclesRtl:N0}",
                run.Met == true ? "yes" : "no"
            );
        return table;
    }
}
