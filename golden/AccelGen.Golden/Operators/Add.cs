using AccelGen.Network.Quantized;

namespace AccelGen.Golden.Operators;

/// <summary>Addition: the second operand is the residual.</summary>
internal sealed class Add : GoldenOperator<AddLayer>
{
    /// <inheritdoc/>
    protected override sbyte[] Execute(AddLayer layer, OperatorCall call) => call.Finish(OperatorCall.Counts(call.X), [layer.Scale]);
}
