using AccelGen.Files;

namespace AccelGen.Network.Quantized.Rules;

/// <summary>Rules of maximum pooling.</summary>
internal sealed class MaxPoolRules : LayerRules<MaxPoolLayer>
{
    /// <inheritdoc/>
    protected override bool IsPointwise(MaxPoolLayer layer) => false;

    /// <inheritdoc/>
    protected override Fault? Attributes(MaxPoolLayer layer, TensorShape from) =>
        !Positive(layer.Kernel)
        || !Positive(layer.Stride)
        || !NotNegative(layer.Padding)
        || Math.Max(layer.Padding.Top, layer.Padding.Bottom) >= layer.Kernel.Rows
        || Math.Max(layer.Padding.Left, layer.Padding.Right) >= layer.Kernel.Columns
            ? new Fault(
                FaultCodes.IllegalAttributes,
                $"kernel {layer.Kernel} and stride {layer.Stride} must be positive and padding {layer.Padding} smaller than the kernel"
            )
            : null;

    /// <inheritdoc/>
    protected override IEnumerable<Fault> Shapes(MaxPoolLayer layer, LayerPlace place)
    {
        if (place.From.Channels != place.To.Channels || place.From.Batch != place.To.Batch)
            yield return new Fault(FaultCodes.LayerDoesNotFit, $"a pooling keeps the channels: {place.From} -> {place.To}");
        else if (!Legal(layer.Scale))
            yield return new Fault(FaultCodes.IllegalAttributes, $"its {IllegalScale}");
        else if (
            ((long)(place.To.Height - 1) * layer.Stride.Rows) - layer.Padding.Top >= place.From.Height
            || ((long)(place.To.Width - 1) * layer.Stride.Columns) - layer.Padding.Left >= place.From.Width
        )
            yield return new Fault(FaultCodes.LayerDoesNotFit, $"the last window of {place.To} has no tap in the image {place.From}");
    }
}
