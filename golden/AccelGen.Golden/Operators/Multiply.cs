using AccelGen.Network.Quantized;

namespace AccelGen.Golden.Operators;

/// <summary>Product of two tensors.</summary>
internal sealed class Multiply : GoldenOperator<MultiplyLayer>
{
    /// <inheritdoc/>
    protected override sbyte[] Execute(MultiplyLayer layer, OperatorCall call) =>
        call.Finish(Products(call.X, call.Operands[1], layer.Broadcast, call.Shape), [layer.Scale]);

    private static int[] Products(Operand x, Operand right, Broadcast broadcast, TensorShape shape)
    {
        int[] products = OperatorCall.Counts(x);
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

    // Index of the second operand's element that meets an element of the output.
    private static int Broadcasted(Broadcast broadcast, TensorShape shape, int batch, int row, int column, int channel) =>
        broadcast switch
        {
            Broadcast.Pixels => (batch * shape.Channels) + channel,
            Broadcast.Channels => (((batch * shape.Height) + row) * shape.Width) + column,
            _ => shape.Index(batch, row, column, channel),
        };
}
