namespace AccelGen.Network.Quantized.Rules;

/// <summary>Rules of matrix products.</summary>
internal sealed class MatMulRules : LayerRules<MatMulLayer>
{
    /// <inheritdoc/>
    protected override IEnumerable<string> Shapes(MatMulLayer layer, LayerPlace place)
    {
        QuantizedTensor right = place.Network.Tensors[layer.Right];
        if (!Product(place.From, right.Shape, place.To))
            yield return $"{place.From} times {right.Shape} is not {place.To}";
        else if (!Legal(layer.Scale))
            yield return $"its {IllegalScale}";
        else if (place.From.Channels * (long)Math.Max(127 - right.ZeroPoint, right.ZeroPoint + 128) * place.Largest > MaxSum)
            yield return $"{place.From.Channels} products can leave the 32 bits of a sum";
    }
}
