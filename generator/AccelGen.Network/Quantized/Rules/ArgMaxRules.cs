using AccelGen.Files;

namespace AccelGen.Network.Quantized.Rules;

/// <summary>Rules of arg max.</summary>
internal sealed class ArgMaxRules : LayerRules<ArgMaxLayer>
{
    /// <inheritdoc/>
    public override bool TakesResidual => false;

    /// <inheritdoc/>
    protected override IEnumerable<Fault> Shapes(ArgMaxLayer layer, LayerPlace place)
    {
        if (place.To.Channels != 1 || place.To with { Channels = place.From.Channels } != place.From)
            yield return new Fault(FaultCodes.LayerDoesNotFit, $"arg max leaves one channel: {place.From} -> {place.To}");
        else if (place.From.Channels > 256)
            yield return new Fault(
                FaultCodes.IllegalAttributes,
                string.Empty,
                $"arg max over {place.From.Channels} channels",
                "at most 256 have an index of 8 bits"
            );
        else if (layer.ClampLow != -128 || layer.ClampHigh != 127)
            yield return new Fault(
                FaultCodes.IllegalAttributes,
                $"arg max does not clamp, but {layer.ClampLow} to {layer.ClampHigh} is given"
            );
    }
}
