using AccelGen.Files;

namespace AccelGen.Network.Quantized.Rules;

/// <summary>Rules of resampling.</summary>
internal sealed class ResizeRules : LayerRules<ResizeLayer>
{
    /// <inheritdoc/>
    protected override bool IsPointwise(ResizeLayer layer) => false;

    /// <inheritdoc/>
    protected override Fault? Attributes(ResizeLayer layer, TensorShape from) =>
        !Positive(layer.Up)
        || !Positive(layer.Down)
        || !Positive(layer.Taps)
        || (long)from.Height * layer.Up.Rows > int.MaxValue
        || (long)from.Width * layer.Up.Columns > int.MaxValue
            ? new Fault(
                FaultCodes.IllegalAttributes,
                $"{layer.Up} output pixels per {layer.Down} input pixels by {layer.Taps} taps must be positive, and below 2^31 in all"
            )
        : (long)layer.Up.Rows * layer.Up.Columns > ResizeLayer.MostPhases
            ? new Fault(
                FaultCodes.IllegalAttributes,
                string.Empty,
                $"{layer.Up.Rows} by {layer.Up.Columns} output pixels per period",
                $"at most {ResizeLayer.MostPhases} in all have weights of their own"
            )
        : null;

    /// <inheritdoc/>
    protected override IEnumerable<Fault> Combinations(ResizeLayer layer, LayerPlace place) => Refusals(layer, place.Network);

    /// <inheritdoc/>
    protected override IEnumerable<Fault> Refusals(ResizeLayer layer, QuantizedNetwork network)
    {
        if (layer.TransposeOutput)
            yield return new Fault(
                FaultCodes.Combination,
                string.Empty,
                "a resampling cannot be stored with pixels and channels exchanged",
                "insert a copy"
            );
    }

    /// <inheritdoc/>
    protected override IEnumerable<Fault> Shapes(ResizeLayer layer, LayerPlace place)
    {
        long phases = (long)layer.Up.Rows * layer.Up.Columns;
        if (place.From.Channels != place.To.Channels || place.From.Batch != place.To.Batch)
            yield return new Fault(FaultCodes.LayerDoesNotFit, $"a resize keeps the channels: {place.From} -> {place.To}");
        else if (place.To.Height % layer.Up.Rows != 0 || place.To.Width % layer.Up.Columns != 0)
            yield return new Fault(
                FaultCodes.LayerDoesNotFit,
                $"{place.To} is no whole number of periods of {layer.Up.Rows} rows and {layer.Up.Columns} columns"
            );
        else if (
            layer.FirstRow.Length != layer.Up.Rows
            || layer.FirstColumn.Length != layer.Up.Columns
            || layer.Scales.Length != phases
            || layer.Weights.LongLength != phases * layer.Taps.Rows * layer.Taps.Columns
        )
            yield return new Fault(
                FaultCodes.LayerDoesNotFit,
                $"{layer.FirstRow.Length} first rows, {layer.FirstColumn.Length} first columns, {layer.Weights.Length}"
                    + $" weights and {layer.Scales.Length} scales do not fit {layer.Up} phases of {layer.Taps} taps"
            );
        else if (layer.Scales.Any(s => !Legal(s)))
            yield return new Fault(FaultCodes.IllegalAttributes, $"a {IllegalScale}");
        else if (Array.IndexOf(layer.Weights, (sbyte)-128) >= 0)
            yield return new Fault(FaultCodes.IllegalAttributes, string.Empty, "a weight is -128", "legal are -127 to 127");
        else if ((long)layer.Taps.Rows * layer.Taps.Columns * 127 * place.Largest > MaxSum)
            yield return new Fault(FaultCodes.SumOverflow, $"{layer.Taps} taps can leave the 32 bits of a sum");
    }
}
