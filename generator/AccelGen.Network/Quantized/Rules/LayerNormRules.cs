using AccelGen.Files;

namespace AccelGen.Network.Quantized.Rules;

/// <summary>Rules of layer normalisation.</summary>
internal sealed class LayerNormRules : LayerRules<LayerNormLayer>
{
    /// <inheritdoc/>
    public override bool TakesResidual => false;

    /// <inheritdoc/>
    protected override IEnumerable<Fault> Shapes(LayerNormLayer layer, LayerPlace place)
    {
        if (
            place.From != place.To
            || layer.Gamma.Length != place.To.Channels
            || layer.Beta.Length != place.To.Channels
            || layer.Shift.Length != place.To.Channels
        )
            yield return new Fault(
                FaultCodes.LayerDoesNotFit,
                $"{layer.Gamma.Length} factors, {layer.Beta.Length} addends and {layer.Shift.Length} shifts do not "
                    + $"fit {place.From} -> {place.To}"
            );
        else if (layer.Gamma.Any(g => g is < -(1 << 23) or >= 1 << 23) || layer.Shift.Any(s => s is < 1 or > 63))
            yield return new Fault(FaultCodes.IllegalAttributes, "a factor is not of 24 bits or a shift not 1 to 63");
        else if (
            layer.Epsilon is < 0 or >= 1L << 47
            || ((decimal)place.To.Channels * place.To.Channels * 16256.25m) + layer.Epsilon >= 1L << 48
        )
            yield return new Fault(
                FaultCodes.IllegalAttributes,
                $"epsilon {layer.Epsilon} and {place.To.Channels} channels: epsilon is 0 to 2^47 - 1, and the "
                    + "variance must stay below 2^48"
            );
    }
}
