using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Golden;

/// <summary>How far a quantised layer is from the float layer, over calibration inputs.</summary>
/// <param name="Layer">Name of the layer.</param>
/// <param name="SignalToNoise">Power of the float output over that of the difference, everything before the layer quantised too, in dB.</param>
/// <param name="OwnSignalToNoise">The same with the float operands, rounded to counts, given to the layer: what the layer alone loses, in dB.</param>
/// <param name="Saturated">Part of the output counts at -128 or 127 whose float value lies beyond them.</param>
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
    public static IReadOnlyList<LayerError> Layers(FloatNetwork network, QuantizedNetwork quantized, IReadOnlyList<float[]> inputs, CancellationToken cancellation = default)
    {
        SideBySide.Check(network, quantized, inputs);
        int layers = network.Layers.Count;
        var (signal, noise, own, saturated, elements) = (new double[layers], new double[layers], new double[layers], new long[layers], new long[layers]);
        Parallel.ForEach(inputs, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount }, input =>
        {
            var run = new SideBySide(network, quantized, input);
            for (int i = 0; i < layers; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                QuantizedTensor output = quantized.Tensors[network.Layers[i].Output];
                sbyte[] alone = run.ExecuteOnFloatOperands(i);
                (float[] wanted, sbyte[] counts) = run.Execute(i);
                double s = 0, n = 0, o = 0;
                long beyond = 0;
                for (int k = 0; k < counts.Length; k++)
                {
                    double w = wanted[k], count = w / output.Scale + output.ZeroPoint;
                    s += w * w;
                    n += Square(w - (output.Scale * (counts[k] - output.ZeroPoint)));
                    o += Square(w - (output.Scale * (alone[k] - output.ZeroPoint)));
                    beyond += count is < -128.5 or > 127.5 ? 1 : 0;
                }

                lock (signal)
                {
                    signal[i] += s;
                    noise[i] += n;
                    own[i] += o;
                    saturated[i] += beyond;
                    elements[i] += counts.Length;
                }
            }
        });
        return [.. Enumerable.Range(0, layers).Select(i => new LayerError(network.Layers[i].Name, Decibel(signal[i], noise[i]), Decibel(signal[i], own[i]), (double)saturated[i] / elements[i]))];
    }

    private static double Square(double v) => v * v;

    // An exact layer has no noise: positive infinity.
    private static double Decibel(double signal, double noise) => noise == 0 ? double.PositiveInfinity : 10 * Math.Log10(signal / noise);
}
