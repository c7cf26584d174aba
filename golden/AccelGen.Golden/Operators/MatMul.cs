using AccelGen.Network.Quantized;

namespace AccelGen.Golden.Operators;

/// <summary>Matrix product.</summary>
internal sealed class MatMul : GoldenOperator<MatMulLayer>
{
    /// <inheritdoc/>
    protected override sbyte[] Execute(MatMulLayer layer, OperatorCall call) =>
        call.Stream(post => MatrixOperators.MatMul(call.X, call.Operands[1], call.Shape, post.Finish), [layer.Scale]);
}
