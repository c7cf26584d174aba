using System.Globalization;
using AccelGen.Cli.Results;
using AccelGen.Sim.Traces;
using Spectre.Console;

namespace AccelGen.Cli;

/// <summary>A <see cref="ServeTraceResult"/> for people.</summary>
internal static class TraceTables
{
    private const int ShownFrames = 20;

    /// <summary>Prints tables, differences to the standard error, and what was done.</summary>
    /// <param name="result">Result.</param>
    /// <param name="tableRows">Rows of the path table.</param>
    public static void Print(ServeTraceResult result, int tableRows)
    {
        Cli.Output().Write(Statics(result));
        Cli.Output().Write(Policies(result));
        if (result.Rtl.Count > 0)
            Cli.Output().Write(Frames(result));
        if (result.Metric is null)
            Console.WriteLine(
                "accuracy: not measured; --images names a folder of images with labels or masks. Paths are taken to "
                    + "be worth what they compute"
            );
        if (result.BestStatic is null)
        {
            StaticResult least = result.Statics.MinBy(s => s.Outcome.Misses)!;
            Console.WriteLine($"no single path misses as few frames as the checkpoints: {least.Name} misses {least.Outcome.Misses:N0}");
        }

        int chosen = result.Paths.Count(p => p.Row is not null);
        if (chosen < result.Paths.Count)
            Console.WriteLine(
                $"the checkpoints choose among the {chosen} of {result.Paths.Count} paths that no other one excels: "
                    + $"the path table of {result.Config} has {tableRows} rows"
            );
        Differences.Print([.. result.Rtl.SelectMany(f => f.Differences.Select(d => $"frame {f.Frame}: {d}"))]);
        Console.WriteLine(Source(result));
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{result.Config} ({result.ConfigHash}): {result.Frames.Count:N0} frames on "
                    + $"{result.Paths.Count} paths of one program, {result.Rtl.Count} in the RTL, "
                    + $"{result.Mismatches ?? 0} mismatches, {result.Differences ?? 0} differences; {result.WallSeconds:F1} s"
            )
        );
    }

    private static string Late(ServeTraceResult result) => result.Metric is null ? "MACs delivered" : $"{result.Metric} delivered";

    private static string Worth(ServeTraceResult result, double value) => result.Metric is null ? $"{value:N0}" : $"{value:P2}";

    private static Table Statics(ServeTraceResult result)
    {
        Table table = new Table()
            .Title("one path for all frames; frames that ended on it by checkpoints and by the host's table")
            .AddColumns("path", "cycles", result.Metric ?? "accuracy", "missed", Late(result), "checkpoints", "host table");
        foreach (int column in Enumerable.Range(1, 6))
            table.Columns[column].RightAligned();
        foreach (StaticResult s in result.Statics)
            table.AddRow(
                Printable.Cell(s.Name),
                $"{s.CyclesModel:N0}",
                $"{s.Accuracy:P2}",
                $"{s.Outcome.Misses:N0}",
                Worth(result, s.Outcome.Worth),
                $"{s.Ended?.Checkpoints:N0}",
                $"{s.Ended?.HostTable:N0}"
            );
        return table;
    }

    private static Table Policies(ServeTraceResult result)
    {
        Table table = new Table().AddColumns("chosen", "paths used", "missed", Late(result), "late ones counted", "cycles of a frame");
        foreach (int column in Enumerable.Range(2, 4))
            table.Columns[column].RightAligned();
        Row("by checkpoints", result.Checkpoints, null);
        Row("by the host's table", result.HostTable, null);
        if (result.BestStatic is { } best)
            Row("best single path that misses no more", best.Outcome, best.Name);
        Row("in hindsight", result.Hindsight, null);
        return table;

        void Row(string how, PolicyResult policy, string? path) =>
            table.AddRow(
                how,
                Printable.Cell(path ?? $"{policy.PathsUsed} of {result.Paths.Count}"),
                $"{policy.Misses:N0}",
                Worth(result, policy.Worth),
                Worth(result, policy.WorthLate),
                $"{policy.MeanCycles:N0}"
            );
    }

    private static Table Frames(ServeTraceResult result)
    {
        int count = result.Rtl.Count;
        Table table = new Table()
            .Title(count > ShownFrames ? $"frames in the RTL, {ShownFrames} of {count}" : "frames in the RTL")
            .AddColumns("frame", "image", "budget", "cycles per beat", Choices.Column, "RTL cycles", "model cycles", "mismatches", "met");
        foreach (int column in new[] { 0, 2, 3, 5, 6, 7 })
            table.Columns[column].RightAligned();
        foreach (RtlFrameResult f in TraceFrames.Spread(Math.Min(count, ShownFrames), count).Select(i => result.Rtl[i]))
        {
            TraceFrame frame = result.Frames[f.Frame];
            table.AddRow(
                $"{f.Frame}",
                Printable.Cell(f.Image),
                $"{frame.Budget:N0}",
                $"{frame.Interval}",
                Choices.Cell(f.Decisions, row => result.Paths.First(p => p.Row == row).Name),
                $"{f.CyclesRtl:N0}",
                $"{f.CyclesModel:N0}",
                $"{f.Mismatches}",
                f.CyclesRtl <= frame.Budget ? "yes" : "no"
            );
        }

        return table;
    }

    // Where the frames are from, and what they have to get along with.
    private static string Source(ServeTraceResult result)
    {
        string timings = string.Join(
            ", ",
            result
                .Frames.GroupBy(f => f.Interval)
                .OrderBy(g => g.Key)
                .Select(g => string.Create(CultureInfo.InvariantCulture, $"{g.Count():N0} at {g.Key} cycles per beat"))
        );
        string source = result.Trace.File is null
            ? string.Create(CultureInfo.InvariantCulture, $"{result.Trace.Generated} of seed {result.Trace.Seed}")
            : Printable.Line(result.Trace.File);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{source}: {result.Frames.Count:N0} frames, budgets {result.Frames.Min(f => f.Budget):N0} to "
                + $"{result.Frames.Max(f => f.Budget):N0}; {timings}"
        );
    }
}
