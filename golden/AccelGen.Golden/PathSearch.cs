using AccelGen.Network.Dynamic;
using AccelGen.Network.Quantized;

namespace AccelGen.Golden;

/// <summary>
/// Proposes paths of a network without labels: how much each part that can be left out changes the classes that the whole
/// network finds on calibration images, measured alone; then the parts combined greedily, least change for the work saved
/// first, as if changes added up. What the combinations are worth is for an evaluation to say.
/// </summary>
public sealed class PathSearch
{
    // Levels of a cut: eighths of its channels that are left out.
    private const int Levels = 8;

    private readonly QuantizedNetwork network;
    private readonly IReadOnlyList<OrderedCut> cuts;
    private readonly int vectorWidth;
    private readonly Func<QuantizedNetwork, ExecutionPath, long> work;

    /// <summary>Prepares a search.</summary>
    /// <param name="network">Network.</param>
    /// <param name="cuts">Its cuts in their orders.</param>
    /// <param name="vectorWidth">Channels of a vector: whole ones are kept.</param>
    /// <param name="work">Multiply-accumulates of a path.</param>
    public PathSearch(
        QuantizedNetwork network,
        IReadOnlyList<OrderedCut> cuts,
        int vectorWidth,
        Func<QuantizedNetwork, ExecutionPath, long> work
    ) => (this.network, this.cuts, this.vectorWidth, this.work) = (network, cuts, vectorWidth, work);

    // Something that can be left out: a block, or so much of all cuts of one size, which share a register.
    private sealed record Part(PathPlan[] Steps);

    // A part at one of its steps, measured alone; those of a part in order.
    private sealed record Measured(Part Part, double Change, long Saved);

    /// <summary>Runs the search.</summary>
    /// <param name="samples">NHWC counts of the network input, one array per calibration image.</param>
    /// <param name="count">Most paths proposed.</param>
    /// <param name="done">Called with the number of runs done and of all.</param>
    /// <param name="cancellation">Stops between runs.</param>
    /// <returns>Paths from the whole network down, evenly spread over what they save.</returns>
    public IReadOnlyList<PathPlan> Run(
        IReadOnlyList<sbyte[]> samples,
        int count,
        Action<int, int>? done = null,
        CancellationToken cancellation = default
    )
    {
        Part[] parts = [.. Parts()];
        var whole = new PathPlan("whole", new HashSet<int>(), new Dictionary<int, int>());
        PathPlan[] alone = [whole, .. parts.SelectMany(p => p.Steps)];
        // For the golden model registers cost nothing.
        DynamicNetwork prepared = DynamicNetwork.Prepare(network, cuts, alone, vectorWidth, int.MaxValue);
        double[] changes = PathChanges.Of(prepared, samples, done, cancellation);
        long all = work(prepared.Network, prepared.Paths[0]);
        var measured = new List<Measured>();
        for (int p = 0, at = 1; p < parts.Length; p++)
        {
            for (int step = 0; step < parts[p].Steps.Length; step++, at++)
                measured.Add(new Measured(parts[p], changes[at], all - work(prepared.Network, prepared.Paths[at])));
        }

        return Spread(whole, Combine(measured), count);
    }

    private IEnumerable<Part> Parts()
    {
        for (int b = 0; b < network.Blocks.Count; b++)
            yield return new Part([new PathPlan(network.Blocks[b].Name, new HashSet<int> { b }, new Dictionary<int, int>())]);
        foreach (
            IGrouping<(int Channels, int Parts, int Unit), OrderedCut> same in cuts.GroupBy(c =>
                (c.Cut.Channels, c.Cut.Parts.Count, c.Cut.Unit)
            )
        )
        {
            var steps = new List<PathPlan>();
            for (int level = 1; level < Levels; level++)
            {
                int kept = same.First().Cut.Fraction((double)(Levels - level) / Levels, vectorWidth);
                if (kept < same.Key.Channels && (steps.Count == 0 || steps[^1].Kept.Values.First() > kept))
                    steps.Add(
                        new PathPlan(
                            $"{same.Key.Channels}{(same.Key.Unit > 1 ? " in heads" : string.Empty)}:{kept}",
                            new HashSet<int>(),
                            same.ToDictionary(c => c.Cut.Reader, _ => kept)
                        )
                    );
            }

            if (steps.Count > 0)
                yield return new Part([.. steps]);
        }
    }

    // The next step of some part, the one with the least change for what it saves, until nothing is left to leave out.
    private static List<(PathPlan Plan, long Saved)> Combine(List<Measured> measured)
    {
        ILookup<Part, Measured> steps = measured.ToLookup(m => m.Part);
        var taken = steps.ToDictionary(s => s.Key, _ => -1);
        var found = new List<(PathPlan, long)>();
        while (true)
        {
            (Part Part, int Step, double Price, long Saved)? best = null;
            foreach (IGrouping<Part, Measured> part in steps)
            {
                Measured[] own = [.. part];
                (double change, long saved) = taken[part.Key] < 0 ? (0, 0) : (own[taken[part.Key]].Change, own[taken[part.Key]].Saved);
                for (int step = taken[part.Key] + 1; step < own.Length; step++)
                {
                    long more = own[step].Saved - saved;
                    double price = Math.Max(0, own[step].Change - change) / Math.Max(1, more);
                    if (best is not { } b || price < b.Price || (price == b.Price && more > b.Saved))
                        best = (part.Key, step, price, more);
                }
            }

            if (best is not var (next, to, _, _))
                return found;
            taken[next] = to;
            var kept = new Dictionary<int, int>();
            var skipped = new HashSet<int>();
            long sum = 0;
            foreach ((Part part, int step) in taken.Where(t => t.Value >= 0))
            {
                skipped.UnionWith(part.Steps[step].SkippedBlocks);
                foreach ((int reader, int channels) in part.Steps[step].Kept)
                    kept[reader] = channels;
                sum += steps[part].ElementAt(step).Saved;
            }

            found.Add((new PathPlan(string.Empty, skipped, kept), sum));
        }
    }

    private static List<PathPlan> Spread(PathPlan whole, List<(PathPlan Plan, long Saved)> found, int count)
    {
        var chosen = new List<PathPlan> { whole };
        long most = found.Count == 0 ? 0 : found[^1].Saved,
            last = 0;
        foreach ((PathPlan plan, long saved) in found)
        {
            if (chosen.Count >= count || saved - last < most / count)
                continue;
            last = saved;
            chosen.Add(plan with { Name = $"searched {chosen.Count}" });
        }

        return chosen;
    }
}
