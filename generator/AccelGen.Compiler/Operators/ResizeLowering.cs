using AccelGen.Files;
using AccelGen.Network.Quantized;
using static AccelGen.Compiler.NetworkCompiler;

namespace AccelGen.Compiler.Operators;

/// <summary>Resampling: a small diagonal convolution per phase.</summary>
internal sealed class ResizeLowering : OperatorLowering<ResizeLayer>
{
    /// <inheritdoc/>
    protected override OperatorUnits Needs(ResizeLayer layer) => OperatorUnits.LaneWise | OperatorUnits.Resize;

    /// <inheritdoc/>
    protected override IEnumerable<Fault> Refusals(ResizeLayer layer, QuantizedNetwork network)
    {
        if (layer.TransposeOutput)
            yield return new Fault(
                FaultCodes.Combination,
                string.Empty,
                "a resampling cannot be stored with pixels and channels exchanged",
                "insert a copy"
            );
    }

    /// <inheritdoc/>
    protected override List<LayerJob> Lower(ResizeLayer layer, LoweringCall call) => call.Heads(call.Resampling(layer));
}
