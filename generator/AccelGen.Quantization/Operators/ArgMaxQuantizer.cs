using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization.Operators;

/// <summary>Index of the largest channel.</summary>
internal sealed class ArgMaxQuantizer : OperatorQuantizer<FloatArgMax>
{
    /// <inheritdoc/>
    public override bool Clamps => false;

    /// <summary>An index is its own count.</summary>
    /// <param name="options">Choices.</param>
    /// <param name="free">No other tensor needs another scale.</param>
    public override (double Scale, int ZeroPoint)? Natural(QuantizerOptions options, bool free) => (1, -128);

    /// <inheritdoc/>
    protected override ArgMaxLayer Quantize(FloatArgMax layer, QuantizerCall call) => new(layer.Name, layer.Input, layer.Output);
}
