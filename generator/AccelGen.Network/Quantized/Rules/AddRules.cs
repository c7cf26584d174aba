using AccelGen.Files;

namespace AccelGen.Network.Quantized.Rules;

/// <summary>Rules of additions.</summary>
internal sealed class AddRules : LayerRules<AddLayer>
{
    /// <inheritdoc/>
    protected override IEnumerable<Fault> Shapes(AddLayer layer, LayerPlace place)
    {
        if (layer.Residual is null || place.From != place.To)
            yield return new Fault(
                FaultCodes.LayerDoesNotFit,
                string.Empty,
                $"an addition needs two operands of the output's shape {place.To}",
                $"the first is {place.From}"
            );
        else if (!Legal(layer.Scale))
            yield return new Fault(FaultCodes.IllegalAttributes, $"its {IllegalScale}");
    }
}
