using AccelGen.Network.Quantized;

namespace AccelGen.Network.Float.Operators;

/// <summary>Batched product of two activations.</summary>
internal sealed class MatMul : FloatOperator<FloatMatMul>
{
    /// <inheritdoc/>
    protected override float[] Execute(FloatMatMul layer, FloatCall call) => Product(call.From, call.X, call.Operands[1], call.To);

    /// <summary>Products of every pixel with every one of a second operand.</summary>
    /// <param name="from">Shape of the first operand.</param>
    /// <param name="x">Values of the first operand.</param>
    /// <param name="right">Values of the second operand, transposed.</param>
    /// <param name="to">Shape of the product.</param>
    public static float[] Product(TensorShape from, float[] x, float[] right, TensorShape to)
    {
        int m = from.Height * from.Width,
            k = from.Channels,
            n = to.Channels;
        var y = new float[to.Elements];
        for (int b = 0; b < from.Batch; b++)
        {
            int batch = b;
            Rows.Each(
                m,
                (long)n * k,
                32,
                (first, last) =>
                    Rows.Products(
                        x.AsSpan(((batch * m) + first) * k, (last - first) * k),
                        k,
                        right.AsSpan(batch * n * k, n * k),
                        n,
                        y,
                        ((batch * m) + first) * n,
                        n
                    )
            );
        }

        return y;
    }
}
