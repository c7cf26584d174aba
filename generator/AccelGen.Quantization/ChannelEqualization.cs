using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization;

/// <summary>
/// Cross-layer equalisation: where convolutions write a tensor and convolutions read it, with nothing but sums, ReLU and
/// per-channel windows between, each channel is scaled by a factor that the weights before it put in and the weights after it
/// take out. The network computes the same; its channels fill the range of one int8 scale more evenly.
/// </summary>
public static class ChannelEqualization
{
    private static readonly double[] RangePowers = [0, 0.25, 0.5, 0.75, 1];
    private static readonly double[] WeightPowers = [0, 0.25, 0.5];

    /// <summary>Scales channels, then splits chains that scaling cannot help, then scales what that gave.</summary>
    /// <param name="network">Float network.</param>
    /// <param name="inputs">NHWC values of the single network input, one array per sample.</param>
    /// <param name="cancellation">Stops the runs.</param>
    /// <returns>A network that computes the same, with more layers where <see cref="ChannelSplit"/> added some.</returns>
    /// <exception cref="InputException">There is no sample.</exception>
    public static FloatNetwork Apply(FloatNetwork network, IReadOnlyList<float[]> inputs, CancellationToken cancellation = default)
    {
        FloatNetwork scaled = Scale(network, inputs, cancellation),
            split = ChannelSplit.Apply(scaled, inputs, cancellation: cancellation);
        return ReferenceEquals(split, scaled) ? scaled : Scale(split, inputs, cancellation);
    }

    /// <summary>Scales the channels of every tensor where less noise of quantisation is expected.</summary>
    /// <param name="network">Float network.</param>
    /// <param name="inputs">NHWC values of the single network input, one array per sample.</param>
    /// <param name="cancellation">Stops the runs.</param>
    /// <returns>A network of the same layers and tensors, with other weights.</returns>
    /// <exception cref="InputException">There is no sample.</exception>
    public static FloatNetwork Scale(FloatNetwork network, IReadOnlyList<float[]> inputs, CancellationToken cancellation = default)
    {
        int?[] leader = Groups(network);
        var statistics = new ChannelStatistics(network, inputs, cancellation);
        var factors = new Dictionary<int, double[]>();
        foreach (
            IGrouping<int, FloatTensor> group in network.Tensors.Where(t => leader[t.Id] is not null).GroupBy(t => leader[t.Id]!.Value)
        )
        {
            double[][] largest = [.. group.Select(t => statistics.Largest(t.Id)).OfType<double[]>()],
                powers = [.. group.Select(t => statistics.Power(t.Id)).OfType<double[]>()];
            FloatConv[] readers = [.. network.Layers.OfType<FloatConv>().Where(c => leader[c.Input] == group.Key)];
            if (largest.Length == 0 || readers.Length == 0)
                continue;
            double[] range = [.. largest[0].Select((_, k) => largest.Max(l => l[k]))],
                power = [.. powers[0].Select((_, k) => powers.Max(p => p[k]))];
            if (Best(range, power, readers) is { } best)
                factors[group.Key] = best;
        }

        double[]? Factors(int tensor) => leader[tensor] is int g ? factors.GetValueOrDefault(g) : null;
        return network with
        {
            Layers =
            [
                .. network.Layers.Select(l =>
                    l is FloatConv { IsDataMovement: false } conv ? Scaled(conv, Factors(conv.Output), Factors(conv.Input)) : l
                ),
            ],
        };
    }

    /// <summary>For each tensor the first of those that must have the same factors, or null where the factors must be 1.</summary>
    private static int?[] Groups(FloatNetwork network)
    {
        int[] leader = [.. Enumerable.Range(0, network.Tensors.Count)];
        var whole = new HashSet<int>();
        foreach (FloatTensor t in network.Tensors)
        {
            Join(t.Id, network.Home(t.Id));
            if (t.Constant is not null || t.Fixed is not null || t.Shape.Batch != 1)
                whole.Add(t.Id);
        }

        whole.UnionWith(network.Inputs);
        whole.UnionWith(network.Outputs);
        foreach (FloatLayer layer in network.Layers)
        {
            // What is scaled by a positive factor before it is scaled by the same factor after it.
            bool straight =
                layer is
                {
                    Activation.Kind: ActivationKind.None,
                    Table: null,
                    TransposeOutput: false,
                    Range.Low: 0 or float.NegativeInfinity,
                    Range.High: float.PositiveInfinity,
                    ResidualBroadcast: Broadcast.None
                };
            if (straight && layer is FloatConv { IsDataMovement: false, Fixed: null })
            {
                if (layer.Residual is int r)
                    Join(r, layer.Output);
            }
            else if (straight && layer.CarriesChannelFactors)
            {
                foreach (int read in layer.Reads)
                    Join(read, layer.Output);
            }
            else
            {
                whole.Add(layer.Output);
                // The weights of a convolution take the factors out of its input whatever follows.
                whole.UnionWith(layer is FloatConv { IsDataMovement: false, Fixed: null } ? layer.Reads.Skip(1) : layer.Reads);
            }
        }

        HashSet<int> without = [.. whole.Select(t => leader[t])];
        return [.. leader.Select(l => without.Contains(l) ? (int?)null : l)];

        void Join(int a, int b)
        {
            if (network.Tensors[a].Shape.Channels != network.Tensors[b].Shape.Channels)
                whole.UnionWith([a, b]);
            (int keep, int drop) = (leader[a], leader[b]);
            for (int t = 0; t < leader.Length && keep != drop; t++)
                leader[t] = leader[t] == drop ? keep : leader[t];
        }
    }

    /// <summary>
    /// The factors of least expected noise, of the form range^-a * weight^b, or null where none is better than 1. Rounding
    /// the tensor costs each reader its step times the weights; rounding the weights costs their step times the tensor.
    /// </summary>
    private static double[]? Best(double[] range, double[] power, FloatConv[] readers)
    {
        double[] weight = new double[range.Length];
        foreach (FloatConv conv in readers)
            Visit(conv, range.Length, (_, k, w) => weight[k] = Math.Max(weight[k], Math.Abs(w)));
        // A channel that is silent or not read keeps its factor.
        double[] ones = [.. range.Select(_ => 1.0)],
            before = [.. readers.Select(r => Noise(r, range, power, ones))];
        double least = 0.9 * readers.Length;
        double[]? best = null;
        foreach (double a in RangePowers)
        {
            foreach (double b in WeightPowers)
            {
                double[] factors = [.. range.Select((r, k) => r > 0 && weight[k] > 0 ? Math.Pow(r, -a) * Math.Pow(weight[k], b) : 0)];
                double largest = factors.Zip(range, (f, r) => f * r).Max() / Math.Max(range.Max(), float.Epsilon);
                // The largest channel keeps its size; none changes by more than what biases and steps of single precision stand.
                factors = [.. factors.Select(f => f > 0 && largest > 0 ? Math.Clamp(f / largest, 1.0 / 1024, 1024) : 1)];
                double noise = readers.Select((r, i) => before[i] > 0 ? Noise(r, range, power, factors) / before[i] : 1).Sum();
                if (noise < least)
                    (least, best) = (noise, factors);
            }
        }

        return best;
    }

    private static double Noise(FloatConv conv, double[] range, double[] power, double[] factors)
    {
        int rows = conv.Bias.Length;
        double step = range.Zip(factors, (r, f) => r * f).Max() / 255;
        double[] weights = new double[rows],
            largest = new double[rows],
            signal = new double[rows];
        Visit(
            conv,
            range.Length,
            (row, k, w) =>
            {
                w /= factors[k];
                weights[row] += w * w;
                largest[row] = Math.Max(largest[row], Math.Abs(w));
                signal[row] += factors[k] * factors[k] * power[k];
            }
        );
        return Enumerable
            .Range(0, rows)
            .Sum(row => (step * step * weights[row]) + (largest[row] * largest[row] / (127 * 127) * signal[row]));
    }

    // Every weight with its output and input channel.
    private static void Visit(FloatConv conv, int channels, Action<int, int, double> visit)
    {
        int run = conv.Weights.Length / conv.Bias.Length,
            perGroup = channels / conv.Groups,
            outputsPerGroup = conv.Bias.Length / conv.Groups;
        for (int i = 0; i < conv.Weights.Length; i++)
            visit(i / run, (i / run / outputsPerGroup * perGroup) + (i % perGroup), conv.Weights[i]);
    }

    private static FloatConv Scaled(FloatConv conv, double[]? output, double[]? input)
    {
        if (output is null && input is null)
            return conv;
        int run = conv.Weights.Length / conv.Bias.Length,
            at = 0;
        var weights = new float[conv.Weights.Length];
        if (input is null)
        {
            for (; at < weights.Length; at++)
                weights[at] = (float)(conv.Weights[at] * output![at / run]);
        }
        else
        {
            Visit(conv, input.Length, (row, k, w) => weights[at++] = (float)(w / input[k] * (output?[row] ?? 1)));
        }

        return conv with
        {
            Weights = weights,
            Bias = output is null ? conv.Bias : [.. conv.Bias.Select((b, k) => (float)(b * output[k]))],
        };
    }
}
