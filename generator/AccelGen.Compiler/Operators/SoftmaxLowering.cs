using AccelGen.Isa;
using AccelGen.Network.Quantized;
using static AccelGen.Compiler.NetworkCompiler;

namespace AccelGen.Compiler.Operators;

/// <summary>Softmax, in the row unit.</summary>
internal sealed class SoftmaxLowering : OperatorLowering<SoftmaxLayer>
{
    /// <inheritdoc/>
    protected override OperatorUnits Needs(SoftmaxLayer layer) => OperatorUnits.LaneWise | OperatorUnits.Row;

    /// <inheritdoc/>
    protected override List<LayerJob> Lower(SoftmaxLayer layer, LoweringCall call) =>
        call.Heads(
            call.Identity(true) with
            {
                Row = call.Row(RowFunction.Softmax) with { ExponentMultiplier = layer.ExponentMultiplier, OutputScale = layer.OutputScale },
            }
        );
}
