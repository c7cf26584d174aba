using System.Numerics.Tensors;
using AccelGen.Network.Quantized;

namespace AccelGen.Network.Float.Operators;

/// <summary>Quotient of two products with one left operand.</summary>
internal sealed class NormalizedMatMul : FloatOperator<FloatNormalizedMatMul>
{
    /// <inheritdoc/>
    protected override float[] Execute(FloatNormalizedMatMul layer, FloatCall call)
    {
        TensorShape to = call.To;
        float[] y = MatMul.Product(call.From, call.X, call.Operands[1], to),
            d = MatMul.Product(call.From, call.X, call.Operands[2], to with { Channels = 1 });
        for (int p = 0; p < d.Length; p++)
        {
            Span<float> pixel = y.AsSpan(p * to.Channels, to.Channels);
            TensorPrimitives.Divide(pixel, d[p] + layer.Epsilon, pixel);
        }

        return y;
    }
}
