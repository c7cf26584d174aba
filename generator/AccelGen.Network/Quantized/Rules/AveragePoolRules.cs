namespace AccelGen.Network.Quantized.Rules;

/// <summary>Rules of average pooling.</summary>
internal sealed class AveragePoolRules : LayerRules<AveragePoolLayer>
{
    /// <inheritdoc/>
    protected override bool IsPointwise(AveragePoolLayer layer) => false;

    /// <inheritdoc/>
    protected override string? Attributes(AveragePoolLayer layer, TensorShape from) =>
        !Positive(layer.Kernel) || !Positive(layer.Stride) || !NotNegative(layer.Padding)
            ? $"kernel {layer.Kernel} and stride {layer.Stride} must be positive and padding {layer.Padding} 0 or more"
            : null;

    /// <inheritdoc/>
    protected override IEnumerable<string> Shapes(AveragePoolLayer layer, LayerPlace place)
    {
        if (place.From.Channels != place.To.Channels || place.From.Batch != place.To.Batch)
            yield return $"a pooling keeps the channels: {place.From} -> {place.To}";
        else if (!Legal(layer.Scale))
            yield return $"its {IllegalScale}";
        else if ((long)layer.Kernel.Rows * layer.Kernel.Columns * place.Largest > MaxSum)
            yield return $"a window of {layer.Kernel} can leave the 32 bits of a sum";
    }
}
