using System.Numerics.Tensors;
using AccelGen.Network.Quantized;

namespace AccelGen.Network.Float.Operators;

/// <summary>Resampling by fixed taps per output phase.</summary>
internal sealed class Resize : FloatOperator<FloatResize>
{
    /// <inheritdoc/>
    protected override float[] Execute(FloatResize layer, FloatCall call) =>
        layer.Fixed is { } taps ? Resample(layer, taps, call.From, call.X, call.To) : Interpolate(layer, call.From, call.X, call.To);

    // First along the columns, then along the rows.
    private static float[] Interpolate(FloatResize resize, TensorShape from, float[] x, TensorShape to)
    {
        var middle = new TensorShape(from.Batch, from.Height, to.Width, from.Channels);
        var between = new float[middle.Elements];
        var y = new float[(middle with { Height = to.Height }).Elements];
        int c = from.Channels;
        Rows.Each(
            from.Batch * from.Height,
            (long)to.Width * c * resize.Taps.Columns,
            1,
            (first, last) =>
            {
                for (int line = first; line < last; line++)
                {
                    for (int column = 0; column < to.Width; column++)
                    {
                        Span<float> result = between.AsSpan(((line * to.Width) + column) * c, c);
                        int phase = column % resize.Up.Columns,
                            start = (column / resize.Up.Columns * resize.Down.Columns) + resize.FirstColumn[phase];
                        for (int t = 0; t < resize.Taps.Columns; t++)
                            TensorPrimitives.MultiplyAdd(
                                x.AsSpan(((line * from.Width) + Math.Clamp(start + t, 0, from.Width - 1)) * c, c),
                                resize.ColumnWeights[(phase * resize.Taps.Columns) + t],
                                result,
                                result
                            );
                    }
                }
            }
        );
        int run = to.Width * c;
        Rows.Each(
            from.Batch * to.Height,
            (long)run * resize.Taps.Rows,
            1,
            (first, last) =>
            {
                for (int line = first; line < last; line++)
                {
                    int batch = line / to.Height,
                        row = line % to.Height,
                        phase = row % resize.Up.Rows,
                        start = (row / resize.Up.Rows * resize.Down.Rows) + resize.FirstRow[phase];
                    Span<float> result = y.AsSpan(line * run, run);
                    for (int t = 0; t < resize.Taps.Rows; t++)
                        TensorPrimitives.MultiplyAdd(
                            between.AsSpan(((batch * from.Height) + Math.Clamp(start + t, 0, from.Height - 1)) * run, run),
                            resize.RowWeights[(phase * resize.Taps.Rows) + t],
                            result,
                            result
                        );
                }
            }
        );
        return y;
    }

    private static float[] Resample(FloatResize resize, FixedTaps taps, TensorShape from, float[] x, TensorShape to)
    {
        var y = new float[to.Elements];
        for (int b = 0; b < to.Batch; b++)
        {
            for (int row = 0; row < to.Height; row++)
            {
                for (int column = 0; column < to.Width; column++)
                {
                    Span<float> result = y.AsSpan(to.Index(b, row, column, 0), to.Channels);
                    (int p, int q) = (row % resize.Up.Rows, column % resize.Up.Columns);
                    for (int t = 0, at = ((p * resize.Up.Columns) + q) * resize.Taps.Rows * resize.Taps.Columns; t < resize.Taps.Rows; t++)
                    {
                        int sourceRow = Math.Clamp((row / resize.Up.Rows * resize.Down.Rows) + resize.FirstRow[p] + t, 0, from.Height - 1);
                        for (int u = 0; u < resize.Taps.Columns; u++, at++)
                        {
                            int sourceColumn = Math.Clamp(
                                (column / resize.Up.Columns * resize.Down.Columns) + resize.FirstColumn[q] + u,
                                0,
                                from.Width - 1
                            );
                            TensorPrimitives.MultiplyAdd(
                                x.AsSpan(from.Index(b, sourceRow, sourceColumn, 0), to.Channels),
                                (float)(taps.Weights[at] * taps.Scales[(p * resize.Up.Columns) + q]),
                                result,
                                result
                            );
                        }
                    }
                }
            }
        }

        return y;
    }
}
