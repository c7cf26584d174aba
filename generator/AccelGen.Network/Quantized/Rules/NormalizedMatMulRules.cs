using AccelGen.Files;

namespace AccelGen.Network.Quantized.Rules;

/// <summary>Rules of quotients of matrix products.</summary>
internal sealed class NormalizedMatMulRules : LayerRules<NormalizedMatMulLayer>
{
    /// <inheritdoc/>
    public override bool TakesResidual => false;

    /// <inheritdoc/>
    protected override IEnumerable<Fault> Shapes(NormalizedMatMulLayer layer, LayerPlace place)
    {
        (QuantizedTensor numerator, QuantizedTensor denominator) = (
            place.Network.Tensors[layer.Right],
            place.Network.Tensors[layer.Denominator]
        );
        if (!Product(place.From, numerator.Shape, place.To) || !Product(place.From, denominator.Shape, place.To with { Channels = 1 }))
            yield return new Fault(
                FaultCodes.LayerDoesNotFit,
                $"{place.From} times {numerator.Shape} and {denominator.Shape} is not {place.To}"
            );
        else if (numerator.ZeroPoint != 0 || denominator.ZeroPoint != 0)
            yield return new Fault(
                FaultCodes.IllegalAttributes,
                string.Empty,
                $"the zero points of the right operands are {numerator.ZeroPoint} and {denominator.ZeroPoint}",
                "they must be 0"
            );
        else if (!Legal(layer.Scale))
            yield return new Fault(FaultCodes.IllegalAttributes, $"its {IllegalScale}");
        else if (place.From.Channels * 128 * place.Largest > MaxSum)
            yield return new Fault(FaultCodes.SumOverflow, $"{place.From.Channels} products can leave the 32 bits of a sum");
    }
}
