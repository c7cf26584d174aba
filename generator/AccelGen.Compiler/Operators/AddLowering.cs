using AccelGen.Network.Quantized;
using static AccelGen.Compiler.NetworkCompiler;

namespace AccelGen.Compiler.Operators;

/// <summary>Addition: the second operand is the residual.</summary>
internal sealed class AddLowering : OperatorLowering<AddLayer>
{
    /// <inheritdoc/>
    protected override OperatorUnits Needs(AddLayer layer) => OperatorUnits.LaneWise;

    /// <inheritdoc/>
    protected override List<LayerJob> Lower(AddLayer layer, LoweringCall call) =>
        call.Heads(call.Identity(false) with { ParameterAddress = call.AddFactors(layer.Scale) });
}
