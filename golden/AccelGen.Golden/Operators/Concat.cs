using AccelGen.Network.Quantized;

namespace AccelGen.Golden.Operators;

/// <summary>Tensors side by side along the channels.</summary>
internal sealed class Concat : GoldenOperator<ConcatLayer>
{
    /// <inheritdoc/>
    protected override sbyte[] Execute(ConcatLayer layer, OperatorCall call) =>
        call.Finish(
            Joined(call.Operands, layer.Inputs.Count, call.Shape),
            [.. layer.Scales.Zip(call.Operands, (s, o) => Enumerable.Repeat(s, o.Shape.Channels)).SelectMany(s => s)]
        );

    private static int[] Joined(IReadOnlyList<Operand> operands, int count, TensorShape shape)
    {
        var sums = new int[shape.Elements];
        for (int i = 0, first = 0; i < count; first += operands[i].Shape.Channels, i++)
        {
            int[] part = OperatorCall.Counts(operands[i]);
            int channels = operands[i].Shape.Channels;
            for (int n = 0; n < part.Length; n++)
                sums[(n / channels * shape.Channels) + first + (n % channels)] = part[n];
        }

        return sums;
    }
}
