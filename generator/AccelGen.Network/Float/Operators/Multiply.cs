using System.Numerics.Tensors;
using AccelGen.Network.Quantized;

namespace AccelGen.Network.Float.Operators;

/// <summary>Product of two tensors, element by element.</summary>
internal sealed class Multiply : FloatOperator<FloatMultiply>
{
    /// <inheritdoc/>
    protected override float[] Execute(FloatMultiply layer, FloatCall call) => Products(call.X, call.Operands[1], call.To, layer.Broadcast);

    private static float[] Products(float[] x, float[] right, TensorShape shape, Broadcast broadcast)
    {
        var y = new float[x.Length];
        BroadcastRuns.Each(
            shape,
            broadcast,
            (place, length, operand, run) =>
            {
                if (run == 1 && length > 1)
                    TensorPrimitives.Multiply(x.AsSpan(place, length), right[operand], y.AsSpan(place, length));
                else
                    TensorPrimitives.Multiply(x.AsSpan(place, length), right.AsSpan(operand, length), y.AsSpan(place, length));
            }
        );
        return y;
    }
}
