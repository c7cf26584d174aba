using AccelGen.Network.Quantized;
using static AccelGen.Compiler.NetworkCompiler;

namespace AccelGen.Compiler.Operators;

/// <summary>Product of two tensors: the second operand comes by the residual's way.</summary>
internal sealed class MultiplyLowering : OperatorLowering<MultiplyLayer>
{
    /// <inheritdoc/>
    protected override OperatorUnits Needs(MultiplyLayer layer) => OperatorUnits.LaneWise | OperatorUnits.Multiply;

    /// <inheritdoc/>
    protected override List<LayerJob> Lower(MultiplyLayer layer, LoweringCall call) =>
        call.Heads(
            call.Identity(false) with
            {
                Multiply = true,
                Residual = call.Layout(layer.Right),
                ResidualZeroPoint = call.Network.Tensors[layer.Right].ZeroPoint,
                ResidualScale = One,
                ResidualBroadcast = layer.Broadcast,
                ParameterAddress = call.AddFactors(layer.Scale),
            }
        );
}
