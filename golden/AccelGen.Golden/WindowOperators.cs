using AccelGen.Network;
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
        int taps = layer.Taps.Rows * layer.Taps.Columns,
            channels = shape.Channels;
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
                        int sourceRow = Math.Clamp(
                            (layer.Down.Rows * j) + layer.FirstRow[p] + (t / layer.Taps.Columns),
                            0,
                            x.Shape.Height - 1
                        );
                        int sourceColumn = Math.Clamp(
                            (layer.Down.Columns * i) + layer.FirstColumn[q] + (t % layer.Taps.Columns),
                            0,
                            x.Shape.Width - 1
                        );
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

    private static int[] Pool(
        Operand x,
        TensorShape shape,
        Size kernel,
        Size stride,
        Padding padding,
        int start,
        Func<int, int, int> combine
    )
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
                    // The taps that lie in the image: a window may be far larger than it.
                    (int top, int bottom) = Inside(row, stride.Rows, padding.Top, kernel.Rows, x.Shape.Height);
                    (int left, int right) = Inside(column, stride.Columns, padding.Left, kernel.Columns, x.Shape.Width);
                    for (int sourceRow = top; sourceRow < bottom; sourceRow++)
                    {
                        for (int sourceColumn = left; sourceColumn < right; sourceColumn++)
                        {
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

    // First source of a window along an axis and the one behind the last, as far as they lie in the image.
    private static (int From, int To) Inside(int at, int stride, int padding, int kernel, int size)
    {
        long from = ((long)at * stride) - padding;
        return ((int)Math.Clamp(from, 0, size), (int)Math.Clamp(from + kernel, 0, size));
    }
}
