using AccelGen.Golden.Operators;
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
        TensorShape shape = layer.Computed(operands[0].Shape, outShape);
        GoldenOperator @operator =
            OperatorRegistry.Of(layer)
            ?? throw new ArgumentException($"layer {layer.Name}: no golden operator for {layer.GetType().Name}", nameof(layer));
        sbyte[] y = @operator.Execute(
            new OperatorCall(
                layer,
                operands,
                shape,
                layer.Table is null ? outZeroPoint : layer.TableZeroPoint,
                keepInputChannels,
                keepOutputChannels
            )
        );
        if (layer.Table is { } table)
        {
            for (int i = 0; i < y.Length; i++)
                y[i] = table[y[i] + 128];
        }

        return layer.TransposeOutput ? Transpose(y, shape) : y;
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
