using AccelGen.Network.Quantized;
using static AccelGen.Compiler.NetworkCompiler;

namespace AccelGen.Compiler.Operators;

/// <summary>Resampling: a small diagonal convolution per phase.</summary>
internal sealed class ResizeLowering : OperatorLowering<ResizeLayer>
{
    /// <inheritdoc/>
    protected override OperatorUnits Needs(ResizeLayer layer) => OperatorUnits.LaneWise | OperatorUnits.Resize;

    /// <inheritdoc/>
    protected override List<LayerJob> Lower(ResizeLayer layer, LoweringCall call) => call.Heads(call.Resampling(layer));
}
