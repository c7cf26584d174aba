using AccelGen.Files;
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
    protected override IEnumerable<Fault> Refusals(ConvLayer layer, QuantizedNetwork network)
    {
        if (layer.Residual is { Broadcast: Broadcast.Channels } wide && network.Tensors[wide.Tensor].Shape.Batch > 1)
            yield return new Fault(
                FaultCodes.Combination,
                string.Empty,
                $"the residual {network.Tensors[wide.Tensor].Name} has one channel per head",
                "make the addition a layer of its own"
            );
    }

    /// <inheritdoc/>
    protected override List<LayerJob> Lower(ConvLayer layer, LoweringCall call) =>
        [call.Flat(call.Convolution(layer, call.Job with { InputOrder = layer.InputOrder is { } order ? new ValueList(order) : null }))];
}
