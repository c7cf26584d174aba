using AccelGen.Network.Quantized;

namespace AccelGen.Golden.Operators;

/// <summary>Quotient of two matrix products.</summary>
internal sealed class NormalizedMatMul : GoldenOperator<NormalizedMatMulLayer>
{
    /// <inheritdoc/>
    protected override sbyte[] Execute(NormalizedMatMulLayer layer, OperatorCall call) =>
        RowOperators.NormalizedMatMul(layer, call.X, call.Operands[1], call.Operands[2], call.Shape, call.ZeroPoint);
}
