using AccelGen.Golden;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization;

/// <summary>
/// Bias correction: rounding weights and activations moves the mean of a convolution's sums; the bias takes it back, per
/// output channel. Layers are corrected in order, each on what the corrected layers before it give.
/// </summary>
public static class BiasCorrection
{
    /// <summary>Corrects the biases of a quantised network.</summary>
    /// <param name="network">Float network.</param>
    /// <param name="quantized">The same network, quantised.</param>
    /// <param name="inputs">NHWC values of the single network input, one array per sample. The activations of all samples that are still to
    /// be read are held at once.</param>
    /// <param name="cancellation">Stops the correction.</param>
    /// <returns>The network with other biases.</returns>
    /// <exception cref="ArgumentException">The networks do not correspond, or there is no sample.</exception>
    public static QuantizedNetwork Apply(
        FloatNetwork network,
        QuantizedNetwork quantized,
        IReadOnlyList<float[]> inputs,
        CancellationToken cancellation = default
    )
    {
        SideBySide.Check(network, quantized, inputs);
        SideBySide[] runs = [.. inputs.Select(i => new SideBySide(network, quantized, i))];
        var options = new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount };
        QuantizedLayer[] layers = [.. quantized.Layers];
        for (int i = 0; i < layers.Length; i++)
        {
            if (layers[i] is ConvLayer { IsDataMovement: false } conv)
                layers[i] = conv with { Bias = Corrected(conv, (FloatConv)network.Layers[i], quantized, runs, options) };
            Parallel.ForEach(runs, options, run => run.Execute(i, layers[i]));
        }

        return quantized with
        {
            Layers = layers,
        };
    }

    private static int[] Corrected(ConvLayer conv, FloatConv real, QuantizedNetwork quantized, SideBySide[] runs, ParallelOptions options)
    {
        double[] weightScales =
            conv.WeightScales
            ?? throw new ArgumentException($"layer {conv.Name} does not know the scales of its weights", nameof(quantized));
        QuantizedTensor input = quantized.Tensors[conv.Input];
        TensorShape shape = conv.Computed(input.Shape, quantized.Tensors[conv.Output].Shape);
        int channels = conv.Bias.Length,
            run = conv.Weights.Length / channels,
            pixels = shape.Height * shape.Width;
        // The sums alone: nothing that comes after them.
        FloatConv bare = real with
        {
            Range = OutputRange.Unbounded,
            Residual = null,
            Activation = default,
        };
        var means = new (double[] Real, double[] Count)[runs.Length];
        Parallel.For(
            0,
            runs.Length,
            options,
            i =>
            {
                float[] y = runs[i].Evaluate(bare);
                int[] sums = MatrixOperators.Convolution(conv, runs[i].Counts(conv.Input), shape);
                var (f, q) = (new double[channels], new double[channels]);
                for (int n = 0; n < sums.Length; n++)
                {
                    int k = (n / (pixels * shape.Channels) * shape.Channels) + (n % shape.Channels);
                    q[k] += sums[n] / ((double)pixels * runs.Length);
                    f[real.TransposeOutput ? n / pixels : k] += y[n] / ((double)pixels * runs.Length);
                }

                means[i] = (f, q);
            }
        );
        int[] bias = [.. conv.Bias];
        for (int k = 0; k < channels; k++)
        {
            // Real numbers per count of the sum. A channel without weights is its bias.
            double unit = weightScales[k] * input.Scale;
            if (unit > 0 && conv.Weights.AsSpan(k * run, run).ContainsAnyExcept((sbyte)0))
                bias[k] = (int)Math.Clamp(Math.Round((means.Sum(m => m.Real[k]) / unit) - means.Sum(m => m.Count[k])), -(1 << 30), 1 << 30);
        }

        return bias;
    }
}
