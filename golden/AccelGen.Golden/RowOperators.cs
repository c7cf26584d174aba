using AccelGen.Network.Quantized;

namespace AccelGen.Golden;

/// <summary>Operators over the channels of one pixel, which need the whole row before its first result.</summary>
internal static class RowOperators
{
    /// <summary>Softmax.</summary>
    public static sbyte[] Softmax(SoftmaxLayer layer, Operand x, int zero)
    {
        var y = new sbyte[x.Values.Length];
        int n = x.Shape.Channels;
        long[] exponentials = new long[n];
        for (int at = 0; at < y.Length; at += n)
        {
            ReadOnlySpan<sbyte> row = x.Values.AsSpan(at, n);
            int max = Max(row);
            long sum = 0;
            for (int c = 0; c < n; c++)
                sum += exponentials[c] = FunctionTables.Exp2((long)(max - row[c]) * layer.ExponentMultiplier);
            (long reciprocal, int e) = FunctionTables.Reciprocal(sum);
            long factor = RoundShift(reciprocal * layer.OutputScale.Multiplier, 17);
            for (int c = 0; c < n; c++)
                y[at + c] = Clamp(layer, zero + RoundShift((Int128)exponentials[c] * factor, e + layer.OutputScale.Shift));
        }

        return y;
    }

    /// <summary>Layer normalisation.</summary>
    public static sbyte[] LayerNorm(LayerNormLayer layer, Operand x, int zero)
    {
        var y = new sbyte[x.Values.Length];
        int n = x.Shape.Channels;
        for (int at = 0; at < y.Length; at += n)
        {
            ReadOnlySpan<sbyte> row = x.Values.AsSpan(at, n);
            long sum = 0,
                squares = 0;
            foreach (sbyte v in row)
            {
                sum += v;
                squares += v * v;
            }

            (long inverseRoot, int e) = FunctionTables.InverseRoot(Math.Max(1, (n * squares) - (sum * sum) + layer.Epsilon));
            for (int c = 0; c < n; c++)
            {
                long z = RoundShift(((Int128)n * row[c] - sum) * inverseRoot, 5 + (e / 2));
                y[at + c] = Clamp(layer, zero + RoundShift(((Int128)z * layer.Gamma[c]) + layer.Beta[c], layer.Shift[c]));
            }
        }

        return y;
    }

    /// <summary>Lowest index of the largest channel, minus 128.</summary>
    public static sbyte[] ArgMax(Operand x)
    {
        int n = x.Shape.Channels;
        var y = new sbyte[x.Values.Length / n];
        for (int p = 0; p < y.Length; p++)
        {
            ReadOnlySpan<sbyte> row = x.Values.AsSpan(p * n, n);
            y[p] = (sbyte)(row.IndexOf((sbyte)Max(row)) - 128);
        }

        return y;
    }

    /// <summary>Quotient of two matrix products.</summary>
    public static sbyte[] NormalizedMatMul(
        NormalizedMatMulLayer layer,
        Operand x,
        Operand right,
        Operand denominator,
        TensorShape shape,
        int zero
    )
    {
        int[] numerators = MatrixOperators.MatMul(x, right, shape);
        int[] divisors = MatrixOperators.MatMul(x, denominator, shape with { Channels = 1 });
        var y = new sbyte[numerators.Length];
        int n = shape.Channels;
        for (int p = 0; p < divisors.Length; p++)
        {
            (long reciprocal, int e) = FunctionTables.Reciprocal(Math.Max(1, divisors[p]));
            long factor = RoundShift(reciprocal * layer.Scale.Multiplier, 17);
            int shift = Math.Min(63, e + layer.Scale.Shift);
            for (int c = 0; c < n; c++)
                y[(p * n) + c] = Clamp(layer, zero + RoundShift((Int128)numerators[(p * n) + c] * factor, shift));
        }

        return y;
    }

    private static int Max(ReadOnlySpan<sbyte> row)
    {
        int max = sbyte.MinValue;
        foreach (sbyte v in row)
            max = Math.Max(max, v);
        return max;
    }

    private static long RoundShift(Int128 value, int shift) => (long)((value + (Int128.One << (shift - 1))) >> shift);

    private static sbyte Clamp(QuantizedLayer layer, long y) => (sbyte)Math.Clamp(y, layer.ClampLow, layer.ClampHigh);
}
