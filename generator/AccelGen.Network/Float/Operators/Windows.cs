using AccelGen.Network.Quantized;

namespace AccelGen.Network.Float.Operators;

/// <summary>What is done to a pixel of the output with one tap of its window.</summary>
/// <param name="result">Channels of the output.</param>
/// <param name="tap">Channels of the input.</param>
internal delegate void TapFunction(Span<float> result, ReadOnlySpan<float> tap);

/// <summary>Windows over the pixels of a tensor, channel by channel.</summary>
internal static class Windows
{
    /// <summary>Calls a function with each tap inside the image.</summary>
    /// <param name="call">Call.</param>
    /// <param name="window">Window.</param>
    /// <param name="start">Value of the output before the first tap.</param>
    /// <param name="tap">Function.</param>
    public static float[] Each(FloatCall call, Window window, float start, TapFunction tap)
    {
        (TensorShape from, TensorShape to, float[] x) = (call.From, call.To, call.X);
        (Size kernel, Size stride, Padding padding) = (window.Kernel, window.Stride, window.Padding);
        var y = new float[to.Elements];
        Array.Fill(y, start);
        Rows.Each(
            to.Batch * to.Height,
            (long)to.Width * to.Channels * kernel.Rows * kernel.Columns,
            1,
            (first, last) =>
            {
                for (int line = first; line < last; line++)
                {
                    int batch = line / to.Height,
                        row = line % to.Height;
                    for (int column = 0; column < to.Width; column++)
                    {
                        Span<float> result = y.AsSpan(to.Index(batch, row, column, 0), to.Channels);
                        for (int ky = 0; ky < kernel.Rows; ky++)
                        {
                            for (int kx = 0; kx < kernel.Columns; kx++)
                            {
                                int sourceRow = (row * stride.Rows) + ky - padding.Top,
                                    sourceColumn = (column * stride.Columns) + kx - padding.Left;
                                if ((uint)sourceRow < (uint)from.Height && (uint)sourceColumn < (uint)from.Width)
                                    tap(result, x.AsSpan(from.Index(batch, sourceRow, sourceColumn, 0), from.Channels));
                            }
                        }
                    }
                }
            }
        );
        return y;
    }
}
