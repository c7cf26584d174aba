using AccelGen.Network.Quantized;

namespace AccelGen.Golden;

/// <summary>Accumulators of the operators that read a window per output pixel and channel.</summary>
internal static class WindowOperators
{
    /// <summary>Sum of <c>x - zero point</c> over the taps inside the image.</summary>
    public static int[] AveragePool(AveragePoolLayer layer, Operand x, TensorShape shape) =>
        Pool(x, shape, layer.Kernel, layer.Stride, layer.Padding, 0, (sum, value) => sum + value);

    /// <summary>Maximum of <c>x - zero point</c> over the taps inside the image.</summary>
    public static int[] MaxPool(MaxPoolLayer layer, Operand x, TensorShape shape) =>
        Pool(x, shape, layer.Kernel, layer.Stride, layer.Padding, int.MinValue, Math.Max);

    /// <summary>Weighted sum of the taps of the output pixel's phase; taps outside the image move to its nearest pixel.</summary>
    public static int[] Resize(ResizeLayer layer, Operand x, TensorShape shape)
    {
        var sums = new int[shape.Elements];
        int taps = layer.Taps.Rows * layer.Taps.Columns, channels = shape.Channels;
        for (int b = 0; b < shape.Batch; b++)
        {
            for (int row = 0; row < shape.Height; row++)
            {
                (int j, int p) = Math.DivRem(row, layer.Up.Rows);
                for (int column = 0; column < shape.Width; column++)
                {
                    (int i, int q) = Math.DivRem(column, layer.Up.Columns);
                    int phase = (p * layer.Up.Columns) + q;
                    Span<int> sum = sums.AsSpan(shape.Index(b, row, column, 0), channels);
                    for (int t = 0; t < taps; t++)
                    {
                        int sourceRow = Math.Clamp((layer.Down.Rows * j) + layer.FirstRow[p] + (t / layer.Taps.Columns), 0, x.Shape.Height - 1);
                        int sourceColumn = Math.Clamp((layer.Down.Columns * i) + layer.FirstColumn[q] + (t % layer.Taps.Columns), 0, x.Shape.Width - 1);
                        int weight = layer.Weights[(phase * taps) + t];
                        ReadOnlySpan<sbyte> source = x.Values.AsSpan(x.Shape.Index(b, sourceRow, sourceColumn, 0), channels);
                        for (int c = 0; c < channels; c++)
                            sum[c] += (source[c] - x.ZeroPoint) * weight;
                    }
                }
            }
        }

        return sums;
    }

    private static int[] Pool(Operand x, TensorShape shape, (int Rows, int Columns) kernel, (int Rows, int Columns) stride, (int Top, int Left, int Bottom, int Right) padding, int start, Func<int, int, int> combine)
    {
        var sums = new int[shape.Elements];
        Array.Fill(sums, start);
        for (int b = 0; b < shape.Batch; b++)
        {
            for (int row = 0; row < shape.Height; row++)
            {
                for (int column = 0; column < shape.Width; column++)
                {
                    Span<int> sum = sums.AsSpan(shape.Index(b, row, column, 0), shape.Channels);
                    for (int ky = 0; ky < kernel.Rows; ky++)
                    {
                        int sourceRow = (row * stride.Rows) - padding.Top + ky;
                        for (int kx = 0; kx < kernel.Columns; kx++)
                        {
                            int sourceColumn = (column * stride.Columns) - padding.Left + kx;
                            if (sourceRow < 0 || sourceRow >= x.Shape.Height || sourceColumn < 0 || sourceColumn >= x.Shape.Width)
                                continue;
                            ReadOnlySpan<sbyte> source = x.Values.AsSpan(x.Shape.Index(b, sourceRow, sourceColumn, 0), shape.Channels);
                            for (int c = 0; c < sum.Length; c++)
                                sum[c] = combine(sum[c], source[c] - x.ZeroPoint);
                        }
                    }
                }
            }
        }

        return sums;
    }
}
