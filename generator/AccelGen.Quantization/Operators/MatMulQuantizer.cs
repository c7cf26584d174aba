using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization.Operators;

/// <summary>Product of two activations.</summary>
internal sealed class MatMulQuantizer : OperatorQuantizer<FloatMatMul>
{
    /// <inheritdoc/>
    protected override MatMulLayer Quantize(FloatMatMul layer, QuantizerCall call) =>
        new(
            layer.Name,
            layer.Input,
            layer.Right,
            layer.Output,
            call.Low,
            call.High,
            Factor(layer, layer.Factor * call.X.Scale * call.Tensors[layer.Right].Scale / call.Y.Scale)
        );

    /// <inheritdoc/>
    protected override double Unit(FloatMatMul layer, Func<int, double> scale) => layer.Factor * scale(layer.Input) * scale(layer.Right);
}
