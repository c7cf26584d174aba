using AccelGen.Network.Quantized;

namespace AccelGen.Golden;

/// <summary>
/// Int8 operators by their definition (docs/operators.md): no tiling, no buffers, no fixed-point tricks shared with the
/// RTL. Tensors are NHWC.
/// </summary>
public static class GoldenOperators
{
    /// <summary>Executes a layer.</summary>
    /// <param name="layer">Layer.</param>
    /// <param name="operands">Tensors that it reads, in the order of <see cref="QuantizedLayer.Reads"/>.</param>
    /// <param name="outShape">Shape of the output.</param>
    /// <param name="outZeroPoint">Zero point of the output.</param>
    /// <param name="keepInputChannels">Input channels of a convolution from here on contribute nothing; null keeps all.</param>
    /// <param name="keepOutputChannels">Output channels of a convolution from here on are left at 0; null computes all.</param>
    /// <exception cref="ArgumentException">There is no golden operator for the layer, or input channels are dropped from a grouped
    /// convolution.</exception>
    public static sbyte[] Execute(
        QuantizedLayer layer,
        IReadOnlyList<Operand> operands,
        TensorShape outShape,
        int outZeroPoint,
        int? keepInputChannels = null,
        int? keepOutputChannels = null
    )
    {
        Operand x = layer is ConvLayer { InputOrder: { } order } ? Ordered(operands[0], order) : operands[0];
        TensorShape shape = layer.Computed(x.Shape, outShape);
        int zero = layer.Table is null ? outZeroPoint : layer.TableZeroPoint;
        Operand? residual = layer.Residual is null ? null : operands[^1];
        sbyte[] y = layer switch
        {
            // The sums of one head go on while they are in the cache; those of several are brought into order first.
            ConvLayer c when shape.Batch == 1 => Stream(
                post => MatrixOperators.Convolution(c, x, shape, keepInputChannels, post.Finish),
                c.Scales,
                c.Bias,
                keepOutputChannels
            ),
            ConvLayer c => Finish(MatrixOperators.Convolution(c, x, shape, keepInputChannels), c.Scales, c.Bias, keep: keepOutputChannels),
            MatMulLayer m => Stream(post => MatrixOperators.MatMul(x, operands[1], shape, post.Finish), [m.Scale]),
            AveragePoolLayer p => Finish(WindowOperators.AveragePool(p, x, shape), [p.Scale]),
            MaxPoolLayer p => Finish(WindowOperators.MaxPool(p, x, shape), [p.Scale]),
            ResizeLayer r => Finish(
                WindowOperators.Resize(r, x, shape),
                r.Scales,
                phase: (row, column) => (row % r.Up.Rows * r.Up.Columns) + (column % r.Up.Columns)
            ),
            AddLayer a => Finish(Counts(x), [a.Scale]),
            ConcatLayer c => Finish(
                Concat(operands, c.Inputs.Count, shape),
                [.. c.Scales.Zip(operands, (s, o) => Enumerable.Repeat(s, o.Shape.Channels)).SelectMany(s => s)]
            ),
            MultiplyLayer m => Finish(Products(x, operands[1], m.Broadcast, shape), [m.Scale]),
            SoftmaxLayer s => RowOperators.Softmax(s, x, zero),
            LayerNormLayer n => RowOperators.LayerNorm(n, x, zero),
            ArgMaxLayer => RowOperators.ArgMax(x),
            NormalizedMatMulLayer m => RowOperators.NormalizedMatMul(m, x, operands[1], operands[2], shape, zero),
            _ => throw new ArgumentException($"layer {layer.Name}: no golden operator for {layer.GetType().Name}", nameof(layer)),
        };
        if (layer.Table is { } table)
        {
            for (int i = 0; i < y.Length; i++)
                y[i] = table[y[i] + 128];
        }

        return layer.TransposeOutput ? Transpose(y, shape) : y;

        sbyte[] Finish(int[] sums, FixedPointScale[] scales, int[]? bias = null, Func<int, int, int>? phase = null, int? keep = null) =>
            new PostProcessing(layer, shape, zero, residual, scales, bias, phase, keep).FinishAll(sums);

        sbyte[] Stream(Action<PostProcessing> compute, FixedPointScale[] scales, int[]? bias = null, int? keep = null)
        {
            var post = new PostProcessing(layer, shape, zero, residual, scales, bias, null, keep);
            compute(post);
            return post.Result;
        }
    }

    /// <summary>Requantises: <c>floor(value * multiplier / 2^shift + 1/2)</c>.</summary>
    /// <param name="value">Sum with its bias, in accumulator counts.</param>
    /// <param name="scale">Factor.</param>
    public static long Requantize(long value, FixedPointScale scale)
    {
        // The product and the half stay within 64 bits: 2^62 + 2^62.
        if (Math.Abs(value) < 1L << (62 - FixedPointScale.MultiplierBits))
            return ((value * scale.Multiplier) + (1L << (scale.Shift - 1))) >> scale.Shift;
        return (long)((((Int128)value * scale.Multiplier) + (Int128.One << (scale.Shift - 1))) >> scale.Shift);
    }

    // Index of the second operand's element that meets an element of the output.
    private static int Broadcasted(Broadcast broadcast, TensorShape shape, int batch, int row, int column, int channel) =>
        broadcast switch
        {
            Broadcast.Pixels => (batch * shape.Channels) + channel,
            Broadcast.Channels => (((batch * shape.Height) + row) * shape.Width) + column,
            _ => shape.Index(batch, row, column, channel),
        };

    private static int[] Counts(Operand x)
    {
        var sums = new int[x.Values.Length];
        for (int i = 0; i < sums.Length; i++)
            sums[i] = x.Values[i] - x.ZeroPoint;
        return sums;
    }

    private static int[] Products(Operand x, Operand right, Broadcast broadcast, TensorShape shape)
    {
        int[] products = Counts(x);
        for (int b = 0, at = 0; b < shape.Batch; b++)
        {
            for (int row = 0; row < shape.Height; row++)
            {
                for (int column = 0; column < shape.Width; column++)
                {
                    for (int c = 0; c < shape.Channels; c++, at++)
                        products[at] *= right.Values[Broadcasted(broadcast, shape, b, row, column, c)] - right.ZeroPoint;
                }
            }
        }

        return products;
    }

    private static int[] Concat(IReadOnlyList<Operand> operands, int count, TensorShape shape)
    {
        var sums = new int[shape.Elements];
        for (int i = 0, first = 0; i < count; first += operands[i].Shape.Channels, i++)
        {
            int[] part = Counts(operands[i]);
            int channels = operands[i].Shape.Channels;
            for (int n = 0; n < part.Length; n++)
                sums[(n / channels * shape.Channels) + first + (n % channels)] = part[n];
        }

        return sums;
    }

    // Equal blocks of each pixel's channels in another order.
    private static Operand Ordered(Operand x, int[] order)
    {
        int channels = x.Shape.Channels,
            block = channels / order.Length;
        var values = new sbyte[x.Values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            int c = i % channels;
            values[i] = x.Values[i - c + (order[c / block] * block) + (c % block)];
        }

        return x with
        {
            Values = values,
        };
    }

    private static sbyte[] Transpose(sbyte[] values, TensorShape shape)
    {
        var result = new sbyte[values.Length];
        int pixels = shape.Height * shape.Width;
        for (int b = 0; b < shape.Batch; b++)
        {
            for (int p = 0; p < pixels; p++)
            {
                for (int c = 0; c < shape.Channels; c++)
                    result[(((b * shape.Channels) + c) * pixels) + p] = values[(((b * pixels) + p) * shape.Channels) + c];
            }
        }

        return result;
    }
}
