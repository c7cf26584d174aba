using AccelGen.Network.Quantized;

namespace AccelGen.Golden.Operators;

/// <summary>Resampling.</summary>
internal sealed class Resize : GoldenOperator<ResizeLayer>
{
    /// <inheritdoc/>
    protected override sbyte[] Execute(ResizeLayer layer, OperatorCall call) =>
        call.Finish(
            WindowOperators.Resize(layer, call.X, call.Shape),
            layer.Scales,
            phase: (row, column) => (row % layer.Up.Rows * layer.Up.Columns) + (column % layer.Up.Columns)
        );
}
