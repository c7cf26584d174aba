using AccelGen.Files;

namespace AccelGen.Network.Quantized.Rules;

/// <summary>Rules of concatenations.</summary>
internal sealed class ConcatRules : LayerRules<ConcatLayer>
{
    /// <inheritdoc/>
    protected override IEnumerable<Fault> Refusals(ConcatLayer layer, QuantizedNetwork network)
    {
        if (layer.Residual is not null)
            yield return new Fault(
                FaultCodes.Combination,
                string.Empty,
                "a concatenation cannot take a residual as well",
                "make the addition a layer of its own"
            );
        if (layer.TransposeOutput)
            yield return new Fault(
                FaultCodes.Combination,
                string.Empty,
                "a concatenation cannot be stored with pixels and channels exchanged",
                "insert a copy"
            );
    }

    /// <inheritdoc/>
    protected override IEnumerable<Fault> Combinations(ConcatLayer layer, LayerPlace place)
    {
        foreach (Fault refusal in Refusals(layer, place.Network))
            yield return refusal;
        TensorShape to = place.Network.Tensors[layer.Output].Shape;
        if (to.Batch > 1 || layer.Inputs.Any(t => place.Network.Tensors[t].Shape.Batch > 1))
            yield return new Fault(FaultCodes.Combination, $"heads cannot be concatenated: the output has shape {to}");
    }

    /// <inheritdoc/>
    protected override IEnumerable<Fault> Shapes(ConcatLayer layer, LayerPlace place)
    {
        TensorShape[] parts = [.. layer.Inputs.Select(t => place.Network.Tensors[t].Shape)];
        if (parts.Length == 0 || layer.Input != layer.Inputs[0] || layer.Scales.Count != parts.Length)
            yield return new Fault(
                FaultCodes.LayerDoesNotFit,
                $"{parts.Length} inputs, at least one, need as many scales, not {layer.Scales.Count}, and the first "
                    + "is the layer's input"
            );
        else if (
            parts.Any(p => p with { Channels = 1 } != place.To with { Channels = 1 })
            || parts.Sum(p => (long)p.Channels) != place.To.Channels
        )
            yield return new Fault(FaultCodes.LayerDoesNotFit, $"{string.Join(" and ", parts)} side by side are not {place.To}");
        else if (layer.Scales.Any(s => !Legal(s)))
            yield return new Fault(FaultCodes.IllegalAttributes, $"a {IllegalScale}");
    }
}
