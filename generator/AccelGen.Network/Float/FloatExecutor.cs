using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using AccelGen.Network.Quantized;

namespace AccelGen.Network.Float;

/// <summary>Executes a float network: for calibration and for the accuracy that quantisation is compared with.</summary>
public static class FloatExecutor
{
    // Work below which rows are not spread over threads.
    private const long ParallelWork = 1 << 17;

    /// <summary>Runs a network on one input.</summary>
    /// <param name="network">Network.</param>
    /// <param name="inputs">NHWC values per network input.</param>
    /// <param name="path">Path: skipped blocks leave the residual stream as it is.</param>
    /// <param name="layerDone">Called after each executed layer with it and its output.</param>
    /// <returns>NHWC values per network output.</returns>
    public static IReadOnlyDictionary<int, float[]> Run(
        FloatNetwork network,
        IReadOnlyDictionary<int, float[]> inputs,
        ExecutionPath? path = null,
        Action<FloatLayer, float[]>? layerDone = null
    )
    {
        var storage = new Dictionary<int, float[]>();
        foreach (FloatTensor constant in network.Tensors.Where(t => t.Constant is not null))
            storage[network.Home(constant.Id)] = constant.Constant!;
        foreach ((int tensor, float[] values) in inputs)
        {
            if (values.Length != network.Tensors[tensor].Shape.Elements)
                throw new ArgumentException(
                    $"input {network.Tensors[tensor].Name} has {values.Length} values; {network.Tensors[tensor].Shape.Elements} are needed",
                    nameof(inputs)
                );
            storage[network.Home(tensor)] = values;
        }

        foreach (FloatLayer layer in network.Layers)
        {
            if (layer.Block is int block && path?.SkippedBlocks.Contains(block) == true)
                continue;
            TensorShape from = network.Tensors[layer.Input].Shape,
                written = network.Tensors[layer.Output].Shape;
            TensorShape to = layer.Computed(from, written);
            if (to.Elements != written.Elements)
                throw new ArgumentException($"layer {layer.Name}: computes {to}, its output is {written}", nameof(network));
            float[] x = Values(layer.Input);
            float[] y = layer switch
            {
                FloatConv conv => Convolve(conv, from, x, to),
                FloatAveragePool pool => AveragePool(pool, from, x, to),
                FloatMaxPool pool => MaxPool(pool, from, x, to),
                FloatAdd or FloatCopy => (float[])x.Clone(),
                FloatMultiply m => Multiply(x, Values(m.Right), to, m.Broadcast),
                FloatMatMul m => MatMul(from, x, Values(m.Right), to),
                FloatNormalizedMatMul m => NormalizedMatMul(m, from, x, Values(m.Right), Values(m.Denominator), to),
                FloatSoftmax s => EachPixel(
                    x,
                    from.Channels,
                    (row, result) => TensorPrimitives.SoftMax(Shifted(row, s.Slope, result), result)
                ),
                FloatLayerNorm norm => EachPixel(x, from.Channels, (row, result) => Normalise(norm, row, result)),
                FloatArgMax =>
                [
                    .. Enumerable
                        .Range(0, (int)to.Elements)
                        .Select(p => (float)TensorPrimitives.IndexOfMax<float>(x.AsSpan(p * from.Channels, from.Channels))),
                ],
                FloatResize resize => Resize(resize, from, x, to),
                FloatConcat concat => Concatenate([.. concat.Inputs.Select(t => (Values(t), network.Tensors[t].Shape.Channels))], to),
                _ => throw new ArgumentException($"layer {layer.Name}: no float operator for {layer.GetType().Name}", nameof(network)),
            };
            if (layer.TransposeOutput)
                y = Transpose(y, to);
            if (layer.Factor != 1)
                TensorPrimitives.Multiply(y, layer.Factor, y);
            if (layer.Residual is int residual)
                AddResidual(
                    y,
                    Values(residual),
                    written,
                    layer.ResidualBroadcast,
                    layer.ResidualSubtract ? -layer.ResidualFactor : layer.ResidualFactor
                );
            if (!float.IsNegativeInfinity(layer.Range.Low))
                TensorPrimitives.Max(y, layer.Range.Low, y);
            if (!float.IsPositiveInfinity(layer.Range.High))
                TensorPrimitives.Min(y, layer.Range.High, y);
            if (layer.Table is { } table)
                LookUp(
                    table,
                    network.Tensors[network.Home(layer.Output)].Fixed
                        ?? throw new ArgumentException(
                            $"layer {layer.Name}: a table needs a prescribed quantisation of its output",
                            nameof(network)
                        ),
                    y
                );
            ActivationFunction.Apply(layer.Activation, y);
            storage[network.Home(layer.Output)] = y;
            layerDone?.Invoke(layer, y);
        }

        return network.Outputs.ToDictionary(o => o, Values);

        float[] Values(int tensor) => storage[network.Home(tensor)];
    }

    private static float[] Convolve(FloatConv conv, TensorShape from, float[] x, TensorShape to)
    {
        int inputs = from.Batch * from.Channels,
            outputs = to.Batch * to.Channels;
        if (from.Batch > 1)
            x = HeadsToChannels(x, from);
        var y = new float[to.Elements];
        if (conv.Groups == inputs && conv.Groups == outputs)
            Depthwise(conv, from, inputs, x, to, y);
        else
            Dense(conv, from, inputs, x, to, outputs, y);
        return to.Batch > 1 ? ChannelsToHeads(y, to) : y;
    }

    private static void Dense(FloatConv conv, TensorShape from, int inputs, float[] x, TensorShape to, int outputs, float[] y)
    {
        int inputPerGroup = inputs / conv.Groups,
            outputPerGroup = outputs / conv.Groups;
        int length = conv.Kernel.Rows * conv.Kernel.Columns * inputPerGroup;
        bool direct = conv.Window.KeepsPixels && conv.Groups == 1;
        Rows(
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
                    Products(
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

        Rows(
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

    // Dot products of every row of a with every row of b, written to y[start + row * pitch + column].
    private static void Products(ReadOnlySpan<float> a, int length, ReadOnlySpan<float> b, int columns, float[] y, int start, int pitch)
    {
        int rows = a.Length / length,
            wide = Vector<float>.Count,
            vectors = length / wide * wide;
        for (int column = 0; column < columns; column++)
        {
            ReadOnlySpan<float> w = b.Slice(column * length, length);
            ref float rw = ref MemoryMarshal.GetReference(w);
            int row = 0;
            // Four rows at a time share the loads of the weights.
            for (; row + 4 <= rows; row += 4)
            {
                ref float r0 = ref MemoryMarshal.GetReference(a[(row * length)..]);
                ref float r1 = ref MemoryMarshal.GetReference(a[((row + 1) * length)..]);
                ref float r2 = ref MemoryMarshal.GetReference(a[((row + 2) * length)..]);
                ref float r3 = ref MemoryMarshal.GetReference(a[((row + 3) * length)..]);
                Vector<float> s0 = default,
                    s1 = default,
                    s2 = default,
                    s3 = default;
                for (int i = 0; i < vectors; i += wide)
                {
                    Vector<float> v = Vector.LoadUnsafe(ref rw, (nuint)i);
                    s0 += v * Vector.LoadUnsafe(ref r0, (nuint)i);
                    s1 += v * Vector.LoadUnsafe(ref r1, (nuint)i);
                    s2 += v * Vector.LoadUnsafe(ref r2, (nuint)i);
                    s3 += v * Vector.LoadUnsafe(ref r3, (nuint)i);
                }

                float t0 = Vector.Sum(s0),
                    t1 = Vector.Sum(s1),
                    t2 = Vector.Sum(s2),
                    t3 = Vector.Sum(s3);
                for (int i = vectors; i < length; i++)
                {
                    float v = w[i];
                    t0 += v * a[(row * length) + i];
                    t1 += v * a[((row + 1) * length) + i];
                    t2 += v * a[((row + 2) * length) + i];
                    t3 += v * a[((row + 3) * length) + i];
                }

                int to = start + (row * pitch) + column;
                y[to] = t0;
                y[to + pitch] = t1;
                y[to + (2 * pitch)] = t2;
                y[to + (3 * pitch)] = t3;
            }

            for (; row < rows; row++)
                y[start + (row * pitch) + column] = TensorPrimitives.Dot(a.Slice(row * length, length), w);
        }
    }

    // Calls a body for runs of rows, on several threads where there is enough to do.
    private static void Rows(int count, long workPerRow, int run, Action<int, int> body)
    {
        int runs = (count + run - 1) / run;
        if (runs > 1 && count * workPerRow > ParallelWork)
            Parallel.For(0, runs, r => body(r * run, Math.Min(count, (r + 1) * run)));
        else
            body(0, count);
    }

    private static float[] MatMul(TensorShape from, float[] x, float[] right, TensorShape to)
    {
        int m = from.Height * from.Width,
            k = from.Channels,
            n = to.Channels;
        var y = new float[to.Elements];
        for (int b = 0; b < from.Batch; b++)
        {
            int batch = b;
            Rows(
                m,
                (long)n * k,
                32,
                (first, last) =>
                    Products(
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

    private static float[] NormalizedMatMul(
        FloatNormalizedMatMul layer,
        TensorShape from,
        float[] x,
        float[] right,
        float[] denominator,
        TensorShape to
    )
    {
        float[] y = MatMul(from, x, right, to),
            d = MatMul(from, x, denominator, to with { Channels = 1 });
        for (int p = 0; p < d.Length; p++)
        {
            Span<float> pixel = y.AsSpan(p * to.Channels, to.Channels);
            TensorPrimitives.Divide(pixel, d[p] + layer.Epsilon, pixel);
        }

        return y;
    }

    private delegate void PixelFunction(ReadOnlySpan<float> row, Span<float> result);

    private static float[] EachPixel(float[] x, int channels, PixelFunction function)
    {
        var y = new float[x.Length];
        Rows(
            x.Length / channels,
            channels * 8L,
            64,
            (first, last) =>
            {
                for (int p = first; p < last; p++)
                    function(x.AsSpan(p * channels, channels), y.AsSpan(p * channels, channels));
            }
        );
        return y;
    }

    // Distances from the largest, so that no exponential overflows.
    private static Span<float> Shifted(ReadOnlySpan<float> row, float slope, Span<float> result)
    {
        TensorPrimitives.Subtract(row, TensorPrimitives.Max(row), result);
        if (slope != 1)
            TensorPrimitives.Multiply(result, slope, result);
        return result;
    }

    private static void Normalise(FloatLayerNorm norm, ReadOnlySpan<float> row, Span<float> result)
    {
        TensorPrimitives.Subtract(row, TensorPrimitives.Sum(row) / row.Length, result);
        float deviation = MathF.Sqrt((TensorPrimitives.SumOfSquares<float>(result) / row.Length) + norm.Epsilon);
        TensorPrimitives.Divide(result, deviation, result);
        TensorPrimitives.MultiplyAdd(result, norm.Gamma, norm.Beta, result);
    }

    private static float[] Multiply(float[] x, float[] right, TensorShape shape, Broadcast broadcast)
    {
        var y = new float[x.Length];
        Broadcasted(
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

    private static void AddResidual(float[] y, float[] residual, TensorShape shape, Broadcast broadcast, float factor) =>
        Broadcasted(
            shape,
            broadcast,
            (place, length, operand, run) =>
            {
                Span<float> to = y.AsSpan(place, length);
                if (run == 1 && length > 1)
                    TensorPrimitives.Add(to, factor * residual[operand], to);
                else
                    TensorPrimitives.MultiplyAdd(residual.AsSpan(operand, length), factor, to, to);
            }
        );

    // Rounded to counts of the argument, looked up, and counts of the output as real numbers.
    private static void LookUp(FixedTable table, QuantizationParameters output, float[] y)
    {
        for (int i = 0; i < y.Length; i++)
        {
            int count = (int)Math.Clamp(Math.Round(y[i] / table.Argument.Scale) + table.Argument.ZeroPoint, -128, 127);
            y[i] = (float)(output.Scale * (table.Counts[count + 128] - output.ZeroPoint));
        }
    }

    // Runs of elements with the place of their second operand, which is one element where the channels are repeated.
    private static void Broadcasted(TensorShape shape, Broadcast broadcast, Action<int, int, int, int> run)
    {
        int area = shape.Height * shape.Width,
            channels = shape.Channels;
        if (broadcast == Broadcast.None)
        {
            run(0, (int)shape.Elements, 0, (int)shape.Elements);
            return;
        }

        for (int pixel = 0; pixel < shape.Batch * area; pixel++)
            run(
                pixel * channels,
                channels,
                broadcast == Broadcast.Channels ? pixel : pixel / area * channels,
                broadcast == Broadcast.Channels ? 1 : channels
            );
    }

    private static float[] AveragePool(FloatAveragePool pool, TensorShape from, float[] x, TensorShape to)
    {
        float[] y = Windows(from, x, to, pool.Kernel, pool.Stride, pool.Padding, 0, (sum, tap) => TensorPrimitives.Add(sum, tap, sum));
        TensorPrimitives.Divide(y, (float)(pool.Kernel.Rows * pool.Kernel.Columns), y);
        return y;
    }

    private static float[] MaxPool(FloatMaxPool pool, TensorShape from, float[] x, TensorShape to) =>
        Windows(
            from,
            x,
            to,
            pool.Kernel,
            pool.Stride,
            pool.Padding,
            float.NegativeInfinity,
            (best, tap) => TensorPrimitives.Max(best, tap, best)
        );

    private delegate void TapFunction(Span<float> result, ReadOnlySpan<float> tap);

    private static float[] Windows(
        TensorShape from,
        float[] x,
        TensorShape to,
        Size kernel,
        Size stride,
        Padding padding,
        float start,
        TapFunction tap
    )
    {
        var y = new float[to.Elements];
        Array.Fill(y, start);
        Rows(
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

    // First along the columns, then along the rows.
    private static float[] Resize(FloatResize resize, TensorShape from, float[] x, TensorShape to)
    {
        if (resize.Fixed is { } taps)
            return Resample(resize, taps, from, x, to);
        var middle = new TensorShape(from.Batch, from.Height, to.Width, from.Channels);
        var between = new float[middle.Elements];
        var y = new float[(middle with { Height = to.Height }).Elements];
        int c = from.Channels;
        Rows(
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
        Rows(
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
                                (float)(taps.Weights[at] * taps.Steps[(p * resize.Up.Columns) + q]),
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

    private static float[] Concatenate((float[] Values, int Channels)[] parts, TensorShape to)
    {
        var y = new float[to.Elements];
        int at = 0;
        foreach ((float[] values, int channels) in parts)
        {
            for (int p = 0; p < values.Length / channels; p++)
                values.AsSpan(p * channels, channels).CopyTo(y.AsSpan((p * to.Channels) + at));
            at += channels;
        }

        return y;
    }

    private static float[] Transpose(float[] y, TensorShape shape)
    {
        int area = shape.Height * shape.Width;
        var turned = new float[y.Length];
        for (int b = 0; b < shape.Batch; b++)
            Exchange(
                y.AsSpan(b * area * shape.Channels, area * shape.Channels),
                area,
                shape.Channels,
                turned.AsSpan(b * area * shape.Channels)
            );
        return turned;
    }

    // Rows of a matrix as columns.
    private static void Exchange(ReadOnlySpan<float> from, int rows, int columns, Span<float> to)
    {
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < columns; c++)
                to[(c * rows) + r] = from[(r * columns) + c];
        }
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
