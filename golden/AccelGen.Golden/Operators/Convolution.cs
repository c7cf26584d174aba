using AccelGen.Network.Quantized;

namespace AccelGen.Golden.Operators;

/// <summary>Convolution.</summary>
internal sealed class Convolution : GoldenOperator<ConvLayer>
{
    /// <inheritdoc/>
    protected override sbyte[] Execute(ConvLayer layer, OperatorCall call)
    {
        Operand x = layer.InputOrder is { } order ? Ordered(call.X, order) : call.X;
        // The sums of one head go on while they are in the cache; those of several are brought into order first.
        return call.Shape.Batch == 1
            ? call.Stream(
                post => MatrixOperators.Convolution(layer, x, call.Shape, call.KeepInputs, post.Finish),
                layer.Scales,
                layer.Bias,
                call.KeepOutputs
            )
            : call.Finish(
                MatrixOperators.Convolution(layer, x, call.Shape, call.KeepInputs),
                layer.Scales,
                layer.Bias,
                keep: call.KeepOutputs
            );
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
}
