using AccelGen.Files;

namespace AccelGen.Network.Quantized.Rules;

/// <summary>Rules of convolutions.</summary>
internal sealed class ConvRules : LayerRules<ConvLayer>
{
    /// <inheritdoc/>
    protected override bool IsPointwise(ConvLayer layer) => layer.Window.KeepsPixels;

    /// <inheritdoc/>
    protected override Fault? Attributes(ConvLayer layer, TensorShape from) =>
        !Positive(layer.Kernel) || !Positive(layer.Stride) || !Positive(layer.Dilation) || layer.Groups < 1 || !Sane(layer.Padding)
            ? new Fault(
                FaultCodes.IllegalAttributes,
                $"kernel {layer.Kernel}, stride {layer.Stride}, dilation {layer.Dilation} and groups {layer.Groups} "
                    + $"must be positive and padding {layer.Padding} at most 2^20"
            )
            : null;

    /// <inheritdoc/>
    protected override IEnumerable<Fault> Refusals(ConvLayer layer, QuantizedNetwork network)
    {
        if (layer.Residual is { Broadcast: Broadcast.Channels } wide && network.Tensors[wide.Tensor] is { Shape.Batch: > 1 } tensor)
            yield return new Fault(
                FaultCodes.Combination,
                string.Empty,
                $"the residual {tensor.Name} has one channel per head",
                "make the addition a layer of its own"
            );
    }

    /// <inheritdoc/>
    protected override IEnumerable<Fault> Shapes(ConvLayer layer, LayerPlace place)
    {
        long inputs = (long)place.From.Batch * place.From.Channels,
            outputs = (long)place.To.Batch * place.To.Channels;
        if (inputs % layer.Groups != 0 || outputs % layer.Groups != 0)
            yield return new Fault(
                FaultCodes.LayerDoesNotFit,
                $"{layer.Groups} groups do not divide the channels of {place.From} -> {place.To}"
            );
        else if (
            layer.Weights.LongLength != outputs * layer.Kernel.Rows * layer.Kernel.Columns * (inputs / layer.Groups)
            || layer.Bias.Length != outputs
            || layer.Scales.Length != outputs
        )
            yield return new Fault(
                FaultCodes.LayerDoesNotFit,
                $"{layer.Weights.Length} weights, {layer.Bias.Length} biases and {layer.Scales.Length} scales do not "
                    + $"fit {place.From} -> {place.To}"
            );
        else if (layer.Scales.Any(s => !Legal(s)))
            yield return new Fault(FaultCodes.IllegalAttributes, $"a {IllegalScale}");
        else if (
            layer
                .Weights.Chunk(layer.Weights.Length / layer.Bias.Length)
                .Any(w => w.Sum(v => (long)Math.Abs((int)v)) * place.Largest > MaxSum)
        )
            yield return new Fault(
                FaultCodes.SumOverflow,
                $"{layer.Weights.Length / layer.Bias.Length} products can leave the 32 bits of a sum"
            );
    }
}
