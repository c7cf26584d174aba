using AccelGen.Sim;

namespace AccelGen.Cli;

/// <summary>What the RTL differs in from the models, for people.</summary>
internal static class Differences
{
    private const int Shown = 20;

    /// <summary>Prints the first ones to the standard error, and how many more there are.</summary>
    public static void Print(IReadOnlyList<string> all)
    {
        foreach (string difference in all.Take(Shown))
            Console.Error.WriteLine($"error: {difference}");
        if (all.Count > Shown)
            Console.Error.WriteLine($"error: and {all.Count - Shown} further differences");
    }

    /// <summary>What the run of a single layer differs in, a line each; empty when in nothing.</summary>
    /// <param name="run">Run.</param>
    /// <param name="layer">Name of the layer.</param>
    /// <param name="stalled">The memory stalled at random: the model's cycles are a lower bound.</param>
    /// <param name="replay">Command that replays the run.</param>
    public static IEnumerable<string> Of(WorkloadResult run, string layer, bool stalled, string replay)
    {
        if (run.FirstMismatch is not null)
            yield return run.FirstMismatch;
        if (stalled)
        {
            if (run.Rtl.TotalCycles < run.Model.TotalCycles)
                yield return $"layer {layer}: {run.Rtl.TotalCycles} cycles with stalls, {run.Model.TotalCycles} by the model without; "
                    + $"replay: {replay}";
            yield break;
        }

        foreach (string difference in run.CounterDifferences)
            yield return $"layer {layer}: counter {difference}; replay: {replay}";
        if (run.CommandDifferences > 0 && run.CounterDifferences.Count == 0)
            yield return $"layer {layer}: {run.CommandDifferences} commands start or end in another cycle than the model says; "
                + $"replay: {replay}";
    }
}
