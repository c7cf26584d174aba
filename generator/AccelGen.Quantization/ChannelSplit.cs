using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization;

/// <summary>
/// Splits convolution, depthwise convolution, convolution chains whose channels differ too much for one int8 scale and where
/// activation functions stand in the way of <see cref="ChannelEqualization"/>: the channels of large and of small range go
/// through two chains with scales of their own, and the last convolution of the second adds what the first gave.
/// </summary>
public static class ChannelSplit
{
    /// <summary>Expected signal to noise, in decibels, from which on a chain stays whole.</summary>
    public const double Enough = 20;

    /// <summary>Least gain of a split in expected signal to noise, in decibels.</summary>
    public const double LeastGain = 4;

    /// <summary>Splits every chain that is noisy as a whole, its parts again where that still pays.</summary>
    /// <param name="network">Float network.</param>
    /// <param name="inputs">NHWC values of the single network input, one array per sample.</param>
    /// <param name="enough">Expected signal to noise, in decibels, from which on a chain stays whole.</param>
    /// <param name="cancellation">Stops the runs.</param>
    /// <returns>A network that computes the same, with more layers and tensors where chains are split.</returns>
    /// <exception cref="InputException">There is no sample.</exception>
    public static FloatNetwork Apply(
        FloatNetwork network,
        IReadOnlyList<float[]> inputs,
        double enough = Enough,
        CancellationToken cancellation = default
    )
    {
        for (
            int round = 0;
            round < 2 && Enumerable.Range(0, Math.Max(0, network.Layers.Count - 2)).Any(i => Chain(network, i) is not null);
            round++
        )
        {
            var statistics = new ChannelStatistics(network, inputs, cancellation);
            int before = network.Layers.Count;
            for (int i = network.Layers.Count - 3; i >= 0; i--)
            {
                if (
                    Chain(network, i) is var (expand, depthwise, project)
                    && Partition(expand, depthwise, project, statistics, enough) is { } large
                )
                    network = Split(network, i, expand, depthwise, project, large);
            }

            if (network.Layers.Count == before)
                break;
        }

        return network;
    }

    /// <summary>The chain that starts at a layer, or null.</summary>
    private static (FloatConv Expand, FloatConv Depthwise, FloatConv Project)? Chain(FloatNetwork network, int start)
    {
        if (
            network.Layers[start]
                is not FloatConv
                {
                    IsDataMovement: false,
                    Fixed: null,
                    Groups: 1,
                    Residual: null,
                    Table: null,
                    TransposeOutput: false
                } expand
            || network.Layers[start + 1]
                is not FloatConv { IsDataMovement: false, Fixed: null, Residual: null, Table: null, TransposeOutput: false } depthwise
            || network.Layers[start + 2]
                is not FloatConv { IsDataMovement: false, Fixed: null, Groups: 1, Table: null, TransposeOutput: false } project
        )
            return null;
        bool chain =
            depthwise.Input == expand.Output
            && project.Input == depthwise.Output
            && depthwise.Groups == depthwise.Bias.Length
            && depthwise.Groups == expand.Bias.Length
            && expand.Block == depthwise.Block
            && expand.Block == project.Block
            && Private(expand.Output)
            && Private(depthwise.Output)
            && project.Residual != expand.Output
            && project.Residual != depthwise.Output;
        return chain ? (expand, depthwise, project) : null;

        // Storage of its own, with one reader.
        bool Private(int t) =>
            network.Tensors[t] is { SharesStorageWith: null, Fixed: null, Shape.Batch: 1 }
            && network.Tensors.All(o => o.SharesStorageWith != t)
            && !network.Outputs.Contains(t)
            && network.Layers.Sum(l => l.Reads.Count(r => r == t)) == 1
            && network.Layers.Count(l => l.Output == t) == 1;
    }

    /// <summary>The channels of large range, or null where the chain stays whole.</summary>
    private static bool[]? Partition(FloatConv expand, FloatConv depthwise, FloatConv project, ChannelStatistics statistics, double enough)
    {
        int n = depthwise.Groups;
        // Whole lanes where there are enough.
        int granule = Math.Min(32, n / 2);
        if (
            granule < 8
            || n % granule != 0
            || statistics.Largest(expand.Output) is not { } first
            || statistics.Largest(depthwise.Output) is not { } second
        )
            return null;
        double[] project2 = new double[n],
            depthwise2 = new double[n],
            power = statistics.Power(depthwise.Output)!;
        for (int i = 0; i < project.Weights.Length; i++)
            project2[i % n] += (double)project.Weights[i] * project.Weights[i];
        int taps = depthwise.Weights.Length / n;
        for (int i = 0; i < depthwise.Weights.Length; i++)
            depthwise2[i / taps] += (double)depthwise.Weights[i] * depthwise.Weights[i];
        double signal = power.Zip(project2, (p, w) => p * w).Sum(),
            whole = Noise([.. Enumerable.Range(0, n)]),
            least = whole;
        if (whole <= 0 || 10 * Math.Log10(signal / whole) >= enough)
            return null;
        bool[]? best = null;
        foreach (double[] key in new[] { first, second })
        {
            int[] order = [.. Enumerable.Range(0, n).OrderByDescending(k => key[k])];
            for (int large = granule; large < n; large += granule)
            {
                double noise = Noise(order[..large]) + Noise(order[large..]);
                if (noise < least)
                    (least, best) = (noise, [.. Enumerable.Range(0, n).Select(k => order.AsSpan(0, large).Contains(k))]);
            }
        }

        return 10 * Math.Log10(whole / least) >= LeastGain ? best : null;

        // Rounding both tensors, as the last convolution sees it.
        double Noise(int[] part) =>
            (Square(part.Max(k => first[k]) / 255) * part.Sum(k => depthwise2[k] * project2[k]) / 12)
            + (Square(part.Max(k => second[k]) / 255) * part.Sum(k => project2[k]) / 12);
        static double Square(double v) => v * v;
    }

    private static FloatNetwork Split(
        FloatNetwork network,
        int start,
        FloatConv expand,
        FloatConv depthwise,
        FloatConv project,
        bool[] large
    )
    {
        List<FloatTensor> tensors = [.. network.Tensors];
        int[][] parts =
        [
            [.. Enumerable.Range(0, large.Length).Where(k => large[k])],
            [.. Enumerable.Range(0, large.Length).Where(k => !large[k])],
        ];
        FloatTensor a = tensors[expand.Output],
            b = tensors[depthwise.Output],
            y = tensors[project.Output];
        int[] firsts = [a.Id, tensors.Count],
            seconds = [b.Id, tensors.Count + 1];
        int partial = tensors.Count + 2;
        tensors.AddRange([
            a with
            {
                Id = firsts[1],
                Name = a.Name + "#1",
            },
            b with
            {
                Id = seconds[1],
                Name = b.Name + "#1",
            },
            new FloatTensor(partial, y.Name + "#0", y.Shape),
        ]);
        var layers = new List<FloatLayer>();
        for (int p = 0; p < 2; p++)
        {
            tensors[firsts[p]] = tensors[firsts[p]] with { Shape = a.Shape with { Channels = parts[p].Length } };
            tensors[seconds[p]] = tensors[seconds[p]] with { Shape = b.Shape with { Channels = parts[p].Length } };
            layers.Add(Rows(expand, parts[p]) with { Name = $"{expand.Name}#{p}", Output = firsts[p] });
            layers.Add(
                Rows(depthwise, parts[p]) with
                {
                    Name = $"{depthwise.Name}#{p}",
                    Input = firsts[p],
                    Output = seconds[p],
                    Groups = parts[p].Length,
                }
            );
            FloatConv last = project with
            {
                Name = $"{project.Name}#{p}",
                Input = seconds[p],
                Weights = Columns(project.Weights, parts[p], large.Length),
            };
            // The first chain takes the residual, the second what the first gave.
            layers.Add(
                p == 0
                    ? last with
                    {
                        Output = partial,
                        Bias = new float[project.Bias.Length],
                        Range = OutputRange.Unbounded,
                        Activation = default,
                    }
                    : last with
                    {
                        Residual = partial,
                        ResidualFactor = 1,
                        ResidualSubtract = false,
                        ResidualBroadcast = Broadcast.None,
                    }
            );
        }

        return network with
        {
            Tensors = tensors,
            Layers = [.. network.Layers.Take(start), .. layers, .. network.Layers.Skip(start + 3)],
        };
    }

    private static FloatConv Rows(FloatConv conv, int[] channels)
    {
        int run = conv.Weights.Length / conv.Bias.Length;
        return conv with
        {
            Weights = [.. channels.SelectMany(k => conv.Weights[(k * run)..((k + 1) * run)])],
            Bias = [.. channels.Select(k => conv.Bias[k])],
        };
    }

    private static float[] Columns(float[] weights, int[] channels, int all) =>
        [.. Enumerable.Range(0, weights.Length / all).SelectMany(row => channels.Select(k => weights[(row * all) + k]))];
}
