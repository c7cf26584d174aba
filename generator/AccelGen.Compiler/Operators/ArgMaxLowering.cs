using AccelGen.Isa;
using AccelGen.Network.Quantized;
using static AccelGen.Compiler.NetworkCompiler;

namespace AccelGen.Compiler.Operators;

/// <summary>Arg max, in the row unit.</summary>
internal sealed class ArgMaxLowering : OperatorLowering<ArgMaxLayer>
{
    /// <inheritdoc/>
    protected override OperatorUnits Needs(ArgMaxLayer layer) => OperatorUnits.LaneWise | OperatorUnits.Row;

    /// <inheritdoc/>
    protected override List<LayerJob> Lower(ArgMaxLayer layer, LoweringCall call) =>
        call.Heads(call.Identity(true) with { Row = call.Row(RowFunction.ArgMax) });
}
