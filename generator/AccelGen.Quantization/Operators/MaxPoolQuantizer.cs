using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization.Operators;

/// <summary>Maximum over windows.</summary>
internal sealed class MaxPoolQuantizer : OperatorQuantizer<FloatMaxPool>
{
    /// <inheritdoc/>
    protected override MaxPoolLayer Quantize(FloatMaxPool layer, QuantizerCall call) =>
        new(layer.Name, layer.Input, layer.Output, call.Low, call.High)
        {
            Kernel = layer.Kernel,
            Stride = layer.Stride,
            Padding = layer.Padding,
            Scale = Factor(layer, layer.Factor * call.X.Scale / call.Y.Scale),
        };
}
