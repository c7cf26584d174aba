using System.Numerics.Tensors;

namespace AccelGen.Network.Float.Operators;

/// <summary>Layer normalisation.</summary>
internal sealed class LayerNorm : FloatOperator<FloatLayerNorm>
{
    /// <inheritdoc/>
    protected override float[] Execute(FloatLayerNorm layer, FloatCall call) =>
        Pixels.Each(call.X, call.From.Channels, (row, result) => Normalise(layer, row, result));

    private static void Normalise(FloatLayerNorm norm, ReadOnlySpan<float> row, Span<float> result)
    {
        TensorPrimitives.Subtract(row, TensorPrimitives.Sum(row) / row.Length, result);
        float deviation = MathF.Sqrt((TensorPrimitives.SumOfSquares<float>(result) / row.Length) + norm.Epsilon);
        TensorPrimitives.Divide(result, deviation, result);
        TensorPrimitives.MultiplyAdd(result, norm.Gamma, norm.Beta, result);
    }
}
