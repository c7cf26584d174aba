using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization;

/// <summary>How far a quantised layer is from the float layer, over calibration inputs.</summary>
/// <param name="Layer">Name of the layer.</param>
/// <param name="SignalToNoise">Power of the float output over that of the difference, everything before the layer quantised too, in
/// dB.</param>
/// <param name="OwnSignalToNoise">The same with the float operands, rounded to counts, given to the layer: what the layer alone loses, in
/// dB.</param>
/// <param name="Saturated">Part of the output whose float value lies beyond the counts.</param>
public sealed record LayerError(string Layer, double SignalToNoise, double OwnSignalToNoise, double Saturated);

/// <summary>Float and integer execution side by side.</summary>
public static class QuantizationReport
{
    /// <summary>Signal to quantisation noise of every layer.</summary>
    /// <param name="network">Float network.</param>
    /// <param name="quantized">The same network, quantised: its layers and tensors correspond by position.</param>
    /// <param name="inputs">NHWC values of the single network input, one array per sample.</param>
    /// <param name="cancellation">Stops the report.</param>
    /// <returns>One entry per layer, in execution order.</returns>
    /// <exception cref="ArgumentException">The networks do not correspond, or there is no sample.</exception>
    public static IReadOnlyList<LayerError> Layers(
        FloatNetwork network,
        QuantizedNetwork quantized,
        IReadOnlyList<float[]> inputs,
        CancellationToken cancellation = default
    )
    {
        SideBySide.Check(network, quantized, inputs);
        // Sums per sample, added in order: the report does not depend on which sample ends first.
        var samples = new Sums[inputs.Count][];
        Parallel.For(
            0,
            inputs.Count,
            new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount },
            sample =>
            {
                var run = new SideBySide(network, quantized, inputs[sample]);
                samples[sample] =
                [
                    .. Enumerable
                        .Range(0, network.Layers.Count)
                        .Select(i => Measure(run, i, quantized.Tensors[network.Layers[i].Output], cancellation)),
                ];
            }
        );
        return
        [
            .. network.Layers.Select(
                (layer, i) =>
                {
                    Sums sum = samples
                        .Select(s => s[i])
                        .Aggregate(
                            (a, b) =>
                                new Sums(
                                    a.Signal + b.Signal,
                                    a.Noise + b.Noise,
                                    a.Own + b.Own,
                                    a.Saturated + b.Saturated,
                                    a.Elements + b.Elements
                                )
                        );
                    return new LayerError(
                        layer.Name,
                        Decibel(sum.Signal, sum.Noise),
                        Decibel(sum.Signal, sum.Own),
                        (double)sum.Saturated / sum.Elements
                    );
                }
            ),
        ];
    }

    private readonly record struct Sums(double Signal, double Noise, double Own, long Saturated, long Elements);

    private static Sums Measure(SideBySide run, int layer, QuantizedTensor output, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        sbyte[] alone = run.ExecuteOnFloatOperands(layer);
        (float[] wanted, sbyte[] counts) = run.Execute(layer);
        double signal = 0,
            noise = 0,
            own = 0;
        long saturated = 0;
        for (int k = 0; k < counts.Length; k++)
        {
            double w = wanted[k],
                count = (w / output.Scale) + output.ZeroPoint;
            signal += w * w;
            noise += Square(w - (output.Scale * (counts[k] - output.ZeroPoint)));
            own += Square(w - (output.Scale * (alone[k] - output.ZeroPoint)));
            saturated += count is < -128.5 or > 127.5 ? 1 : 0;
        }

        return new Sums(signal, noise, own, saturated, counts.Length);
    }

    private static double Square(double v) => v * v;

    // An exact layer has no noise: positive infinity.
    private static double Decibel(double signal, double noise) => noise == 0 ? double.PositiveInfinity : 10 * Math.Log10(signal / noise);
}
