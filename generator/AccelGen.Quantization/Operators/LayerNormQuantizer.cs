using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization.Operators;

/// <summary>Layer normalisation: factor, addend and shift per channel, epsilon in counts.</summary>
internal sealed class LayerNormQuantizer : OperatorQuantizer<FloatLayerNorm>
{
    // Below the limit of 2^47 by more than rounding adds.
    private const double LargestEpsilon = (1L << 47) * 0.999;

    /// <inheritdoc/>
    protected override LayerNormLayer Quantize(FloatLayerNorm layer, QuantizerCall call)
    {
        (QuantizedTensor x, QuantizedTensor y) = (call.X, call.Y);
        int n = layer.Gamma.Length;
        double epsilon = LayerNormIntegers.Epsilon(layer.Epsilon, n, x.Scale);
        if (epsilon >= 1L << 47)
            throw new InputException(
                FaultCodes.ScaleOutOfRange,
                $"layer {layer.Name}",
                $"its epsilon {layer.Epsilon:G3} is {epsilon:G3} in counts of {x.Name} ({x.Scale:G3} per count)",
                "it must be below 2^47: its input needs a larger scale"
            );
        int[] gamma = new int[n],
            beta = new int[n],
            shift = new int[n];
        for (int c = 0; c < n; c++)
        {
            (gamma[c], beta[c], shift[c]) =
                LayerNormIntegers.Normal(layer.Factor * layer.Gamma[c], layer.Factor * layer.Beta[c], y.Scale)
                ?? throw new InputException(
                    FaultCodes.ScaleOutOfRange,
                    $"layer {layer.Name}",
                    $"gamma {layer.Gamma[c]:G3} and beta {layer.Beta[c]:G3} of channel {c} are too large for {y.Scale:G3} "
                        + "per count of the output"
                );
        }

        return new LayerNormLayer(layer.Name, layer.Input, layer.Output, call.Low, call.High)
        {
            Gamma = gamma,
            Beta = beta,
            Shift = shift,
            Epsilon = (long)epsilon,
        };
    }

    /// <inheritdoc/>
    protected override double LeastScale(FloatLayerNorm layer, Func<int, double> scale) =>
        Math.Abs(layer.Factor) * Math.Max(Largest(layer.Gamma) / (1 << 12), Largest(layer.Beta) / 256);

    /// <summary>What is normalised must not be lost beside epsilon.</summary>
    /// <param name="layer">Float layer.</param>
    protected override double LeastInputScale(FloatLayerNorm layer) =>
        layer.Epsilon > 0 ? layer.Gamma.Length * Math.Sqrt(layer.Epsilon / LargestEpsilon) : 0;
}
