using AccelGen.Network.Quantized;

namespace AccelGen.Golden.Operators;

/// <summary>Layer normalisation over channels.</summary>
internal sealed class LayerNorm : GoldenOperator<LayerNormLayer>
{
    /// <inheritdoc/>
    protected override sbyte[] Execute(LayerNormLayer layer, OperatorCall call) => RowOperators.LayerNorm(layer, call.X, call.ZeroPoint);
}
