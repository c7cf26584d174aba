using AccelGen.Network.Quantized;

namespace AccelGen.Golden.Operators;

/// <summary>Softmax over channels.</summary>
internal sealed class Softmax : GoldenOperator<SoftmaxLayer>
{
    /// <inheritdoc/>
    protected override sbyte[] Execute(SoftmaxLayer layer, OperatorCall call) => RowOperators.Softmax(layer, call.X, call.ZeroPoint);
}
