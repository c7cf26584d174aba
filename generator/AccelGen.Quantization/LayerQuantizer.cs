using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Quantization.Operators;

namespace AccelGen.Quantization;

/// <summary>Quantises one layer, given the scales of its tensors.</summary>
public static class LayerQuantizer
{
    /// <summary>Quantises a layer; block, table and transposition are the caller's.</summary>
    /// <param name="layer">Float layer.</param>
    /// <param name="tensors">Tensors by id.</param>
    /// <param name="y">Scale and zero point of what the layer computes: those of its output, or of its activation's argument.</param>
    /// <exception cref="InputException">A factor is outside what the integer operators can hold.</exception>
    public static QuantizedLayer Quantize(FloatLayer layer, QuantizedTensor[] tensors, QuantizedTensor y)
    {
        int low = Count(layer.Range.Low, y, -128),
            high = Count(layer.Range.High, y, 127);
        QuantizedLayer quantized = OperatorQuantizerRegistry.Of(layer).Quantize(new QuantizerCall(layer, tensors, y, low, high));
        return layer.Residual is int r
            ? quantized with
            {
                Residual = new ResidualAdd(
                    r,
                    OperatorQuantizer.Factor(layer, layer.ResidualFactor * tensors[r].Scale / y.Scale),
                    layer.ResidualSubtract,
                    layer.ResidualBroadcast
                ),
            }
            : quantized;
    }

    /// <summary>
    /// Smallest scale of what a layer computes where two operands are added or divided: below it their factors would leave the
    /// fixed-point range. 0 for other layers: a sum that such a factor saturates does so under the largest one as well.
    /// </summary>
    /// <param name="layer">Float layer.</param>
    /// <param name="scale">Scale of each tensor.</param>
    public static double LeastScale(FloatLayer layer, Func<int, double> scale) =>
        Math.Max(
            OperatorQuantizerRegistry.Of(layer).LeastScale(layer, scale),
            layer.Residual is int residual ? layer.ResidualFactor * scale(residual) : 0
        ) / OperatorQuantizer.LargestFactor;

    /// <summary>Smallest scale of a layer's input: that of a layer normalisation must not be lost beside epsilon.</summary>
    /// <param name="layer">Float layer.</param>
    public static double LeastInputScale(FloatLayer layer) => OperatorQuantizerRegistry.Of(layer).LeastInputScale(layer);

    private static int Count(float bound, QuantizedTensor t, int unbounded) =>
        float.IsInfinity(bound)
            ? unbounded
            : (int)Math.Clamp(Math.Round(bound / t.Scale, MidpointRounding.ToEven) + t.ZeroPoint, -128, 127);
}
