using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization.Operators;

/// <summary>Tensors side by side, each with its factor.</summary>
internal sealed class ConcatQuantizer : OperatorQuantizer<FloatConcat>
{
    /// <inheritdoc/>
    protected override ConcatLayer Quantize(FloatConcat layer, QuantizerCall call) =>
        new(
            layer.Name,
            layer.Inputs,
            layer.Output,
            call.Low,
            call.High,
            [.. layer.Inputs.Select(i => Factor(layer, layer.Factor * call.Tensors[i].Scale / call.Y.Scale))]
        );
}
