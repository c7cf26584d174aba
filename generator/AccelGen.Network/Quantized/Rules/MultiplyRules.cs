using AccelGen.Files;

namespace AccelGen.Network.Quantized.Rules;

/// <summary>Rules of products of two tensors.</summary>
internal sealed class MultiplyRules : LayerRules<MultiplyLayer>
{
    /// <inheritdoc/>
    protected override IEnumerable<Fault> Refusals(MultiplyLayer layer, QuantizedNetwork network)
    {
        if (layer.Residual is not null)
            yield return new Fault(
                FaultCodes.Combination,
                string.Empty,
                "a product cannot take a residual as well",
                "make the addition a layer of its own"
            );
    }

    /// <inheritdoc/>
    protected override IEnumerable<Fault> Shapes(MultiplyLayer layer, LayerPlace place)
    {
        if (place.From != place.To || place.Network.Tensors[layer.Right].Shape != Operand(place.To, layer.Broadcast))
            yield return new Fault(
                FaultCodes.LayerDoesNotFit,
                $"a multiplication into {place.To} needs operands {place.To} and {Operand(place.To, layer.Broadcast)}"
                    + $", not {place.From} and {place.Network.Tensors[layer.Right].Shape}"
            );
        else if (!Legal(layer.Scale))
            yield return new Fault(FaultCodes.IllegalAttributes, $"its {IllegalScale}");
    }
}
