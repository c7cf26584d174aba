using AccelGen.Network.Quantized;
using static AccelGen.Compiler.NetworkCompiler;

namespace AccelGen.Compiler.Operators;

/// <summary>Product of two tensors: the right operand takes the place of weights.</summary>
internal sealed class MatMulLowering : OperatorLowering<MatMulLayer>
{
    /// <inheritdoc/>
    protected override OperatorUnits Needs(MatMulLayer layer) => OperatorUnits.None;

    /// <inheritdoc/>
    protected override List<LayerJob> Lower(MatMulLayer layer, LoweringCall call)
    {
        int zeroPoint = call.Network.Tensors[layer.Right].ZeroPoint;
        call.CheckAccumulator(zeroPoint);
        return call.Heads(
            call.Job with
            {
                ParameterShared = true,
                ParameterAddress = call.AddFactors(layer.Scale),
                RightOperand = call.ReadRow(layer.Right),
                RightZeroPointAddress = zeroPoint != 0 ? call.AddZeroPoint(zeroPoint) : null,
            }
        );
    }
}
