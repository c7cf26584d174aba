using AccelGen.Network.Quantized;

namespace AccelGen.Golden.Operators;

/// <summary>Maximum over windows.</summary>
internal sealed class MaxPool : GoldenOperator<MaxPoolLayer>
{
    /// <inheritdoc/>
    protected override sbyte[] Execute(MaxPoolLayer layer, OperatorCall call) =>
        call.Finish(WindowOperators.MaxPool(layer, call.X, call.Shape), [layer.Scale]);
}
