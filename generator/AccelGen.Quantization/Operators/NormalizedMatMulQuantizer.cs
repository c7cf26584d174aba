using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization.Operators;

/// <summary>Quotient of two products with one left operand.</summary>
internal sealed class NormalizedMatMulQuantizer : OperatorQuantizer<FloatNormalizedMatMul>
{
    /// <inheritdoc/>
    protected override NormalizedMatMulLayer Quantize(FloatNormalizedMatMul layer, QuantizerCall call)
    {
        (QuantizedTensor right, QuantizedTensor denominator) = (call.Tensors[layer.Right], call.Tensors[layer.Denominator]);
        // The denominator is at least one count; a smaller epsilon changes nothing.
        double epsilon = layer.Epsilon / (call.X.Scale * denominator.Scale);
        return epsilon <= 1
            ? new NormalizedMatMulLayer(
                layer.Name,
                layer.Input,
                layer.Right,
                layer.Denominator,
                layer.Output,
                call.Low,
                call.High,
                Factor(layer, layer.Factor * right.Scale / denominator.Scale / call.Y.Scale, whole: false)
            )
            : throw new InputException(
                FaultCodes.ScaleOutOfRange,
                $"layer {layer.Name}",
                $"its epsilon {layer.Epsilon:G3} is {epsilon:G3} counts of the denominator",
                "at most 1 is supported: fold it into the denominator's tensor"
            );
    }

    /// <inheritdoc/>
    protected override double LeastScale(FloatNormalizedMatMul layer, Func<int, double> scale) =>
        layer.Factor * scale(layer.Right) / scale(layer.Denominator);
}
