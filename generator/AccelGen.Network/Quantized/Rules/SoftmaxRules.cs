using AccelGen.Files;

namespace AccelGen.Network.Quantized.Rules;

/// <summary>Rules of softmax.</summary>
internal sealed class SoftmaxRules : LayerRules<SoftmaxLayer>
{
    /// <inheritdoc/>
    public override bool TakesResidual => false;

    /// <inheritdoc/>
    protected override IEnumerable<Fault> Shapes(SoftmaxLayer layer, LayerPlace place)
    {
        if (place.From != place.To || place.To.Channels >= 1 << 17)
            yield return new Fault(
                FaultCodes.LayerDoesNotFit,
                $"softmax keeps the shape, of less than 2^17 channels: {place.From} -> {place.To}"
            );
        else if (layer.ExponentMultiplier >= 1 << 24)
            yield return new Fault(
                FaultCodes.IllegalAttributes,
                string.Empty,
                $"exponent multiplier {layer.ExponentMultiplier}",
                "it must be below 2^24"
            );
        else if (!Legal(layer.OutputScale) || layer.OutputScale.Shift > 24)
            yield return new Fault(
                FaultCodes.IllegalAttributes,
                string.Empty,
                $"output scale {layer.OutputScale.Multiplier} / 2^{layer.OutputScale.Shift}",
                "it has 24 bits and a shift of 1 to 24"
            );
    }
}
