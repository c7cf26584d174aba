using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization.Operators;

/// <summary>Product of two tensors, element by element.</summary>
internal sealed class MultiplyQuantizer : OperatorQuantizer<FloatMultiply>
{
    /// <inheritdoc/>
    protected override MultiplyLayer Quantize(FloatMultiply layer, QuantizerCall call) =>
        new(
            layer.Name,
            layer.Input,
            layer.Right,
            layer.Output,
            call.Low,
            call.High,
            Factor(layer, layer.Factor * call.X.Scale * call.Tensors[layer.Right].Scale / call.Y.Scale)
        )
        {
            Broadcast = layer.Broadcast,
        };
}
