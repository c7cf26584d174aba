using AccelGen.Network.Quantized;

namespace AccelGen.Network.Dynamic;

/// <summary>
/// Paths for any network, without knowing what its parts are worth: first less of what a concatenation gives (the decoder of
/// a segmentation network, its dearest layer), then less of every layer that can do with less, then fewer attention heads, then residual
/// blocks as well, spread over the network.
/// </summary>
public static class DefaultLadder
{
    private const int Steps = 8;

    /// <summary>Makes the ladder.</summary>
    /// <param name="network">Network.</param>
    /// <param name="cuts">Its cuts.</param>
    /// <param name="vectorWidth">Channels of a vector: kept are whole ones.</param>
    /// <param name="registers">Dynamic registers of the configuration: where they do not last for all, the ladder drops no heads, then cuts
    /// concatenations only, then nothing but blocks.</param>
    /// <returns>Paths, the whole network first; none twice.</returns>
    public static IReadOnlyList<PathPlan> Create(QuantizedNetwork network, IReadOnlyList<ChannelCut> cuts, int vectorWidth, int registers)
    {
        ChannelCut[] usable = [.. cuts.Where(c => c.InWholeVectors(vectorWidth))];
        ChannelCut[][] choices = [usable, [.. usable.Where(c => c.Unit == 1)], [.. usable.Where(c => c.Parts.Count > 1)], []];
        return choices.Select(c => Create(network, c, vectorWidth)).First(plans => Registers(plans, cuts) <= registers);
    }

    // Registers that the paths need at most: parts of a concatenation have one each, whatever the order of the channels.
    private static int Registers(IReadOnlyList<PathPlan> plans, IReadOnlyList<ChannelCut> cuts)
    {
        ChannelCut[] limited = [.. cuts.Where(c => plans.Any(p => p.KeptOf(c) < c.Channels))];
        return limited.Select(c => string.Join(' ', plans.Select(p => p.KeptOf(c)))).Distinct().Count()
            + limited.Where(c => c.Parts.Count > 1).Sum(c => c.Parts.Count);
    }

    private static List<PathPlan> Create(QuantizedNetwork network, ChannelCut[] usable, int vectorWidth)
    {
        var plans = new List<PathPlan>();
        ChannelCut[] heads = [.. usable.Where(c => c.Unit > 1)];
        ChannelCut[] joined = [.. usable.Where(c => c.Parts.Count > 1)],
            all = [.. usable.Except(heads)];
        Add("whole", [], 0, []);
        for (int k = Steps - 1; k > 0 && joined.Length > 0; k--)
            Add($"joined {k}/{Steps}", joined, k, []);
        for (int k = Steps - 1; k > 1 && all.Length > 0; k--)
            Add($"channels {k}/{Steps}", all, k, []);
        foreach (int k in new[] { 6, 4, 2 }.Where(_ => heads.Length > 0))
            Add($"heads {k}/{Steps}", heads, k, []);
        int[] spread = [.. Spread(network.Blocks.Count)];
        foreach (int count in new[] { 1, 2, 3, 4, 6, 8, 12, 16 }.Where(n => n <= spread.Length / 2))
            Add($"blocks -{count}", [], 0, spread[..count]);
        foreach (int count in new[] { 1, 2, 4 }.Where(n => n <= spread.Length / 2 && joined.Length > 0))
            Add($"joined {Steps - count}/{Steps}, blocks -{count}", joined, Steps - count, spread[..count]);
        foreach (int count in new[] { 2, 4, 8 }.Where(n => n <= spread.Length / 2 && all.Length > 0))
            Add($"channels {Steps - (count / 2)}/{Steps}, blocks -{count}", all, Steps - (count / 2), spread[..count]);
        return plans;

        void Add(string name, ChannelCut[] limited, int eighths, int[] skipped)
        {
            var kept = limited
                .Select(c => (c.Reader, Kept: c.Fraction((double)eighths / Steps, vectorWidth), c.Channels))
                .Where(k => k.Kept < k.Channels)
                .ToDictionary(k => k.Reader, k => k.Kept);
            bool known = plans.Any(p =>
                p.SkippedBlocks.SetEquals(skipped)
                && p.Kept.Count == kept.Count
                && p.Kept.All(k => kept.TryGetValue(k.Key, out int value) && value == k.Value)
            );
            if (!known)
                plans.Add(new PathPlan(name, skipped.ToHashSet(), kept));
        }
    }

    // Blocks in an order in which the first few are spread over all: by the fractional parts of multiples of the golden ratio,
    // from the middle on; the first block, on which the others build, comes last.
    private static IEnumerable<int> Spread(int count) =>
        Enumerable.Range(1, Math.Max(0, count - 1)).OrderBy(b => ((b * 0.6180339887498949) + 0.5) % 1).Append(0).Take(count);
}
