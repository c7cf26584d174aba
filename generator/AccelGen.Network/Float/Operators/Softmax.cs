using System.Numerics.Tensors;

namespace AccelGen.Network.Float.Operators;

/// <summary>Softmax.</summary>
internal sealed class Softmax : FloatOperator<FloatSoftmax>
{
    /// <inheritdoc/>
    protected override float[] Execute(FloatSoftmax layer, FloatCall call) =>
        Pixels.Each(call.X, call.From.Channels, (row, result) => TensorPrimitives.SoftMax(Shifted(row, layer.Slope, result), result));

    // Distances from the largest, so that no exponential overflows.
    private static Span<float> Shifted(ReadOnlySpan<float> row, float slope, Span<float> result)
    {
        TensorPrimitives.Subtract(row, TensorPrimitives.Max(row), result);
        if (slope != 1)
            TensorPrimitives.Multiply(result, slope, result);
        return result;
    }
}
