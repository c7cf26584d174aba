using AccelGen.Files;
using AccelGen.Network.Quantized;
using static AccelGen.Compiler.NetworkCompiler;

namespace AccelGen.Compiler.Operators;

/// <summary>Concatenation: a copy for each part that is not written in place.</summary>
internal sealed class ConcatLowering : OperatorLowering<ConcatLayer>
{
    /// <inheritdoc/>
    protected override OperatorUnits Needs(ConcatLayer layer) => OperatorUnits.LaneWise;

    /// <inheritdoc/>
    protected override IEnumerable<Fault> Refusals(ConcatLayer layer, QuantizedNetwork network)
    {
        if (layer.Residual is not null)
            yield return new Fault(
                FaultCodes.Combination,
                string.Empty,
                "a concatenation cannot take a residual as well",
                "make the addition a layer of its own"
            );
        if (layer.TransposeOutput)
            yield return new Fault(
                FaultCodes.Combination,
                string.Empty,
                "a concatenation cannot be stored with pixels and channels exchanged",
                "insert a copy"
            );
    }

    /// <inheritdoc/>
    protected override List<LayerJob> Lower(ConcatLayer layer, LoweringCall call) => call.Concatenation(layer);
}
