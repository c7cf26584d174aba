using AccelGen.Network;
using AccelGen.Network.Quantized;
using static AccelGen.Compiler.NetworkCompiler;

namespace AccelGen.Compiler.Operators;

/// <summary>Convolution: to it heads are groups of channels.</summary>
internal sealed class ConvLowering : OperatorLowering<ConvLayer>
{
    /// <inheritdoc/>
    protected override OperatorUnits Needs(ConvLayer layer) => layer.Groups > 1 ? OperatorUnits.LaneWise : OperatorUnits.None;

    /// <inheritdoc/>
    protected override Padding Padding(ConvLayer layer) => layer.Padding;

    /// <inheritdoc/>
    protected override List<LayerJob> Lower(ConvLayer layer, LoweringCall call) =>
        [call.Flat(call.Convolution(layer, call.Job with { InputOrder = layer.InputOrder is { } order ? new ValueList(order) : null }))];
}
