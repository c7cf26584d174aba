using AccelGen.Network.Quantized;

namespace AccelGen.Golden.Operators;

/// <summary>Average over windows.</summary>
internal sealed class AveragePool : GoldenOperator<AveragePoolLayer>
{
    /// <inheritdoc/>
    protected override sbyte[] Execute(AveragePoolLayer layer, OperatorCall call) =>
        call.Finish(WindowOperators.AveragePool(layer, call.X, call.Shape), [layer.Scale]);
}
