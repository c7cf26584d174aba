using AccelGen.Network;
using AccelGen.Network.Quantized;
using static AccelGen.Compiler.NetworkCompiler;

namespace AccelGen.Compiler.Operators;

/// <summary>Maximum pooling.</summary>
internal sealed class MaxPoolLowering : OperatorLowering<MaxPoolLayer>
{
    /// <inheritdoc/>
    protected override OperatorUnits Needs(MaxPoolLayer layer) => OperatorUnits.LaneWise;

    /// <inheritdoc/>
    protected override Padding Padding(MaxPoolLayer layer) => layer.Padding;

    /// <inheritdoc/>
    protected override List<LayerJob> Lower(MaxPoolLayer layer, LoweringCall call) =>
        call.Heads(
            call.Job with
            {
                Kernel = layer.Kernel,
                Stride = layer.Stride,
                PadTop = layer.Padding.Top,
                PadLeft = layer.Padding.Left,
                Depthwise = true,
                WeightPerTap = false,
                Maximum = true,
                ParameterShared = true,
                ParameterAddress = call.AddFactors(layer.Scale),
                WeightAddress = call.AddOnes(),
            }
        );
}
