using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization.Operators;

/// <summary>Addition: the factor of the first operand; that of the other is the residual's.</summary>
internal sealed class AddQuantizer : OperatorQuantizer<FloatAdd>
{
    /// <inheritdoc/>
    protected override AddLayer Quantize(FloatAdd layer, QuantizerCall call) =>
        new(layer.Name, layer.Input, layer.Output, call.Low, call.High, Factor(layer, layer.Factor * call.X.Scale / call.Y.Scale));
}
