using AccelGen.Network.Quantized;
using static AccelGen.Compiler.NetworkCompiler;

namespace AccelGen.Compiler.Operators;

/// <summary>Concatenation: a copy for each part that is not written in place.</summary>
internal sealed class ConcatLowering : OperatorLowering<ConcatLayer>
{
    /// <inheritdoc/>
    protected override OperatorUnits Needs(ConcatLayer layer) => OperatorUnits.LaneWise;

    /// <inheritdoc/>
    protected override List<LayerJob> Lower(ConcatLayer layer, LoweringCall call) => call.Concatenation(layer);
}
