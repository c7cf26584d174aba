using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization.Operators;

/// <summary>Softmax: logits in powers of two, probabilities as counts.</summary>
internal sealed class SoftmaxQuantizer : OperatorQuantizer<FloatSoftmax>
{
    /// <summary>A probability needs no calibration.</summary>
    /// <param name="options">Choices.</param>
    /// <param name="free">No other tensor needs another scale.</param>
    public override (double Scale, int ZeroPoint)? Natural(QuantizerOptions options, bool free) =>
        free && !options.CalibratedSoftmax ? (1.0 / 256, -128) : null;

    /// <inheritdoc/>
    protected override SoftmaxLayer Quantize(FloatSoftmax layer, QuantizerCall call)
    {
        (QuantizedTensor x, QuantizedTensor y) = (call.X, call.Y);
        // At 11 per count the second largest logit has less than a hundred thousandth of the largest one's share: none, in counts of the
        // output.
        double exponent = Math.Min(Math.Round(layer.Slope * x.Scale * Math.Log2(Math.E) * (1 << 20)), (1 << 24) - 1);
        if (exponent == (1 << 24) - 1 && y.Scale < 1e-4)
            throw new InputException(
                FaultCodes.ScaleOutOfRange,
                $"layer {layer.Name}",
                $"its input {x.Name} has {x.Scale:G4} per count, but a softmax takes at most 11",
                "scale the logits"
            );
        FixedPointScale scale = Factor(layer, layer.Factor / y.Scale, whole: false);
        return scale.Shift <= 24
            ? new SoftmaxLayer(layer.Name, layer.Input, layer.Output, call.Low, call.High, (uint)exponent, scale)
            : throw new InputException(
                FaultCodes.ScaleOutOfRange,
                $"layer {layer.Name}",
                $"its output {y.Name} has {y.Scale:G4} per count",
                "a softmax gives at most 1, and at most 2 per count is supported"
            );
    }
}
