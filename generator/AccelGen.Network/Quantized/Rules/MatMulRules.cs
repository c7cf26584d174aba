using AccelGen.Files;

namespace AccelGen.Network.Quantized.Rules;

/// <summary>Rules of matrix products.</summary>
internal sealed class MatMulRules : LayerRules<MatMulLayer>
{
    /// <inheritdoc/>
    protected override IEnumerable<Fault> Shapes(MatMulLayer layer, LayerPlace place)
    {
        QuantizedTensor right = place.Network.Tensors[layer.Right];
        if (!Product(place.From, right.Shape, place.To))
            yield return new Fault(FaultCodes.LayerDoesNotFit, $"{place.From} times {right.Shape} is not {place.To}");
        else if (!Legal(layer.Scale))
            yield return new Fault(FaultCodes.IllegalAttributes, $"its {IllegalScale}");
        else if (place.From.Channels * (long)Math.Max(127 - right.ZeroPoint, right.ZeroPoint + 128) * place.Largest > MaxSum)
            yield return new Fault(FaultCodes.SumOverflow, $"{place.From.Channels} products can leave the 32 bits of a sum");
    }
}
