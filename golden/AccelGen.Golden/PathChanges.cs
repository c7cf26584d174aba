using AccelGen.Network.Dynamic;
using AccelGen.Network.Quantized;

namespace AccelGen.Golden;

/// <summary>How far paths are from the first one, found without labels: by the classes that each finds on calibration images.</summary>
public static class PathChanges
{
    /// <summary>Runs every path on each input.</summary>
    /// <param name="prepared">Network and paths; the first is the one that the others are compared with.</param>
    /// <param name="samples">NHWC counts of the network input, one array per calibration image.</param>
    /// <param name="done">Called with the number of runs done and of all.</param>
    /// <param name="cancellation">Stops between runs.</param>
    /// <returns>Part of the classes that differ from those of the first path, per path; of the counts where the network has one output
    /// channel.</returns>
    public static double[] Of(
        DynamicNetwork prepared,
        IReadOnlyList<sbyte[]> samples,
        Action<int, int>? done = null,
        CancellationToken cancellation = default
    )
    {
        long[] differing = new long[prepared.Paths.Count];
        long classes = 0;
        int finished = 0;
        var options = new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount };
        foreach (sbyte[] sample in samples)
        {
            int[] wanted = Classes(prepared, 0, sample);
            classes += wanted.Length;
            Parallel.For(
                1,
                prepared.Paths.Count,
                options,
                p =>
                {
                    int[] found = Classes(prepared, p, sample);
                    Interlocked.Add(ref differing[p], found.Where((c, i) => c != wanted[i]).Count());
                    done?.Invoke(Interlocked.Increment(ref finished), samples.Count * (prepared.Paths.Count - 1));
                }
            );
        }

        return [.. differing.Select(d => (double)d / classes)];
    }

    /// <summary>
    /// Decides path by path whether biases take in the mean of what it drops: the form whose classes are nearer to those of the
    /// whole network. The means are those of the whole network; where much is dropped in many layers they no longer hold.
    /// </summary>
    /// <param name="network">Network without dynamic extents.</param>
    /// <param name="cuts">Cuts with their orders and means.</param>
    /// <param name="plans">Paths.</param>
    /// <param name="vectorWidth">Channels of a vector.</param>
    /// <param name="samples">NHWC counts of the network input, one array per calibration image.</param>
    /// <param name="done">Called with the number of runs done and of all.</param>
    /// <param name="cancellation">Stops between runs.</param>
    /// <returns>The paths, in order.</returns>
    public static IReadOnlyList<PathPlan> WithBestMeans(
        QuantizedNetwork network,
        IReadOnlyList<OrderedCut> cuts,
        IReadOnlyList<PathPlan> plans,
        int vectorWidth,
        IReadOnlyList<sbyte[]> samples,
        Action<int, int>? done = null,
        CancellationToken cancellation = default
    )
    {
        int[] dropping = [.. Enumerable.Range(0, plans.Count).Where(p => plans[p].TakesMeansOf(cuts) is not null)];
        if (dropping.Length == 0)
            return plans;
        var whole = new PathPlan("whole", new HashSet<int>(), new Dictionary<int, int>());
        PathPlan[] chosen = [.. plans];
        int before = 0;
        // As many paths at a time as there are variants of biases.
        foreach (int[] some in dropping.Chunk(DynamicNetwork.MostVariants - 1))
        {
            PathPlan[] forms =
            [
                whole,
                .. some.SelectMany(p => new[] { plans[p] with { TakesMeans = true }, plans[p] with { TakesMeans = false } }),
            ];
            // For the golden model registers cost nothing.
            DynamicNetwork prepared = DynamicNetwork.Prepare(network, cuts, forms, vectorWidth, int.MaxValue);
            double[] changes = Of(
                prepared,
                samples,
                (_, _) => done?.Invoke(Interlocked.Increment(ref before), samples.Count * dropping.Length * 2),
                cancellation
            );
            for (int i = 0; i < some.Length; i++)
                chosen[some[i]] = plans[some[i]] with { TakesMeans = changes[1 + (2 * i)] <= changes[2 + (2 * i)] };
        }

        return chosen;
    }

    private static int[] Classes(DynamicNetwork prepared, int path, sbyte[] sample)
    {
        QuantizedNetwork network = prepared.Network;
        sbyte[] y = GoldenExecutor.Run(network, prepared.Paths[path], new Dictionary<int, sbyte[]> { [network.Inputs[0]] = sample })[
            network.Outputs[0]
        ];
        int channels = network.Tensors[network.Outputs[0]].Shape.Channels;
        if (channels == 1)
            return [.. y.Select(v => (int)v)];
        int[] classes = new int[y.Length / channels];
        for (int i = 0; i < classes.Length; i++)
        {
            for (int c = 1; c < channels; c++)
                classes[i] = y[(i * channels) + c] > y[(i * channels) + classes[i]] ? c : classes[i];
        }

        return classes;
    }
}
