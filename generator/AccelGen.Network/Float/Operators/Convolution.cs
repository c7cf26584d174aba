using System.Numerics.Tensors;
using AccelGen.Network.Quantized;

namespace AccelGen.Network.Float.Operators;

/// <summary>Convolution.</summary>
internal sealed class Convolution : FloatOperator<FloatConv>
{
    /// <inheritdoc/>
    protected override float[] Execute(FloatConv layer, FloatCall call)
    {
        (TensorShape from, TensorShape to, float[] x) = (call.From, call.To, call.X);
        int inputs = from.Batch * from.Channels,
            outputs = to.Batch * to.Channels;
        if (from.Batch > 1)
            x = HeadsToChannels(x, from);
        var y = new float[to.Elements];
        if (layer.Groups == inputs && layer.Groups == outputs)
            Depthwise(layer, from, inputs, x, to, y);
        else
            Dense(layer, from, inputs, x, to, outputs, y);
        return to.Batch > 1 ? ChannelsToHeads(y, to) : y;
    }

    private static void Dense(FloatConv conv, TensorShape from, int inputs, float[] x, TensorShape to, int outputs, float[] y)
    {
        int inputPerGroup = inputs / conv.Groups,
            outputPerGroup = outputs / conv.Groups;
        int length = conv.Kernel.Rows * conv.Kernel.Columns * inputPerGroup;
        bool direct = conv.Window.KeepsPixels && conv.Groups == 1;
        Rows.Each(
            to.Height * to.Width,
            (long)to.Width * outputs * length,
            32,
            (first, last) =>
            {
                // The taps of some output pixels side by side, so that each output channel is one dot product.
                var patches = direct ? [] : new float[(last - first) * length];
                for (int group = 0; group < conv.Groups; group++)
                {
                    if (!direct)
                    {
                        for (int p = first; p < last; p++)
                            Gather(p, group, patches.AsSpan((p - first) * length, length));
                    }

                    ReadOnlySpan<float> rows = direct ? x.AsSpan(first * length, (last - first) * length) : patches;
                    Rows.Products(
                        rows,
                        length,
                        conv.Weights.AsSpan(group * outputPerGroup * length, outputPerGroup * length),
                        outputPerGroup,
                        y,
                        (first * outputs) + (group * outputPerGroup),
                        outputs
                    );
                }

                for (int p = first; p < last; p++)
                {
                    Span<float> pixel = y.AsSpan(p * outputs, outputs);
                    TensorPrimitives.Add(pixel, conv.Bias, pixel);
                }
            }
        );

        void Gather(int pixel, int group, Span<float> patch)
        {
            int row = (pixel / to.Width * conv.Stride.Rows) - conv.Padding.Top,
                column = (pixel % to.Width * conv.Stride.Columns) - conv.Padding.Left;
            for (int ky = 0, at = 0; ky < conv.Kernel.Rows; ky++)
            {
                int sourceRow = row + (ky * conv.Dilation.Rows);
                for (int kx = 0; kx < conv.Kernel.Columns; kx++, at += inputPerGroup)
                {
                    int sourceColumn = column + (kx * conv.Dilation.Columns);
                    Span<float> tap = patch.Slice(at, inputPerGroup);
                    if ((uint)sourceRow >= (uint)from.Height || (uint)sourceColumn >= (uint)from.Width)
                        tap.Clear();
                    else
                        x.AsSpan((((sourceRow * from.Width) + sourceColumn) * inputs) + (group * inputPerGroup), inputPerGroup).CopyTo(tap);
                }
            }
        }
    }

    // One input channel per output channel: the channels of a pixel are the elements of a vector.
    private static void Depthwise(FloatConv conv, TensorShape from, int channels, float[] x, TensorShape to, float[] y)
    {
        int taps = conv.Kernel.Rows * conv.Kernel.Columns;
        var byTap = new float[conv.Weights.Length];
        for (int c = 0; c < channels; c++)
        {
            for (int t = 0; t < taps; t++)
                byTap[(t * channels) + c] = conv.Weights[(c * taps) + t];
        }

        Rows.Each(
            to.Height * to.Width,
            (long)to.Width * channels * taps,
            32,
            (first, last) =>
            {
                for (int p = first; p < last; p++)
                {
                    Span<float> pixel = y.AsSpan(p * channels, channels);
                    conv.Bias.CopyTo(pixel);
                    for (int t = 0; t < taps; t++)
                    {
                        int row = (p / to.Width * conv.Stride.Rows) - conv.Padding.Top + (t / conv.Kernel.Columns * conv.Dilation.Rows);
                        int column =
                            (p % to.Width * conv.Stride.Columns) - conv.Padding.Left + (t % conv.Kernel.Columns * conv.Dilation.Columns);
                        if ((uint)row < (uint)from.Height && (uint)column < (uint)from.Width)
                            TensorPrimitives.MultiplyAdd(
                                x.AsSpan(((row * from.Width) + column) * channels, channels),
                                byTap.AsSpan(t * channels, channels),
                                pixel,
                                pixel
                            );
                    }
                }
            }
        );
    }

    // Heads [B, H, W, C] as channels [H, W, B * C] and back.
    private static float[] HeadsToChannels(float[] x, TensorShape shape)
    {
        int area = shape.Height * shape.Width,
            c = shape.Channels;
        var y = new float[x.Length];
        for (int b = 0; b < shape.Batch; b++)
        {
            for (int p = 0; p < area; p++)
                x.AsSpan(((b * area) + p) * c, c).CopyTo(y.AsSpan(((p * shape.Batch) + b) * c));
        }

        return y;
    }

    private static float[] ChannelsToHeads(float[] x, TensorShape shape)
    {
        int area = shape.Height * shape.Width,
            c = shape.Channels;
        var y = new float[x.Length];
        for (int b = 0; b < shape.Batch; b++)
        {
            for (int p = 0; p < area; p++)
                x.AsSpan(((p * shape.Batch) + b) * c, c).CopyTo(y.AsSpan(((b * area) + p) * c));
        }

        return y;
    }
}
