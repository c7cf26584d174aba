using AccelGen.Files;

namespace AccelGen.Network.Quantized.Rules;

/// <summary>Rules of average pooling.</summary>
internal sealed class AveragePoolRules : LayerRules<AveragePoolLayer>
{
    /// <inheritdoc/>
    protected override bool IsPointwise(AveragePoolLayer layer) => false;

    /// <inheritdoc/>
    protected override Fault? Attributes(AveragePoolLayer layer, TensorShape from) =>
        !Positive(layer.Kernel) || !Positive(layer.Stride) || !NotNegative(layer.Padding)
            ? new Fault(
                FaultCodes.IllegalAttributes,
                $"kernel {layer.Kernel} and stride {layer.Stride} must be positive and padding {layer.Padding} 0 or more"
            )
            : null;

    /// <inheritdoc/>
    protected override IEnumerable<Fault> Shapes(AveragePoolLayer layer, LayerPlace place)
    {
        if (place.From.Channels != place.To.Channels || place.From.Batch != place.To.Batch)
            yield return new Fault(FaultCodes.LayerDoesNotFit, $"a pooling keeps the channels: {place.From} -> {place.To}");
        else if (!Legal(layer.Scale))
            yield return new Fault(FaultCodes.IllegalAttributes, $"its {IllegalScale}");
        else if ((long)layer.Kernel.Rows * layer.Kernel.Columns * place.Largest > MaxSum)
            yield return new Fault(FaultCodes.SumOverflow, $"a window of {layer.Kernel} can leave the 32 bits of a sum");
    }
}
