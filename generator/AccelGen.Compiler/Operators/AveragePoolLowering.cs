using AccelGen.Network;
using AccelGen.Network.Quantized;
using static AccelGen.Compiler.NetworkCompiler;

namespace AccelGen.Compiler.Operators;

/// <summary>Average pooling: weights of 1, the factor divides.</summary>
internal sealed class AveragePoolLowering : OperatorLowering<AveragePoolLayer>
{
    /// <inheritdoc/>
    protected override OperatorUnits Needs(AveragePoolLayer layer) => OperatorUnits.LaneWise;

    /// <inheritdoc/>
    protected override Padding Padding(AveragePoolLayer layer) => layer.Padding;

    /// <inheritdoc/>
    protected override List<LayerJob> Lower(AveragePoolLayer layer, LoweringCall call)
    {
        LayerJob job = call.Job with
        {
            Kernel = layer.Kernel,
            Stride = layer.Stride,
            PadTop = layer.Padding.Top,
            PadLeft = layer.Padding.Left,
            Depthwise = true,
            Average = true,
            ParameterShared = true,
            ParameterAddress = call.AddFactors(layer.Scale),
        };
        return call.InRowTaps(job) is { RowTaps: true } together
            ? call.Heads(together with { WeightAddress = call.AddRowTaps(together, layer.Kernel.Columns, (_, _, _) => 1) })
            : call.Heads(job with { WeightPerTap = false, WeightAddress = call.AddOnes() });
    }
}
