using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization.Operators;

/// <summary>A copy is a concatenation of one tensor.</summary>
internal sealed class CopyQuantizer : OperatorQuantizer<FloatCopy>
{
    /// <inheritdoc/>
    protected override ConcatLayer Quantize(FloatCopy layer, QuantizerCall call) =>
        new(layer.Name, [layer.Input], layer.Output, call.Low, call.High, [Factor(layer, layer.Factor * call.X.Scale / call.Y.Scale)]);
}
