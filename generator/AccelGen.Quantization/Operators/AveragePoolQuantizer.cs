using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization.Operators;

/// <summary>Average over windows: the factor divides by the window's size.</summary>
internal sealed class AveragePoolQuantizer : OperatorQuantizer<FloatAveragePool>
{
    /// <inheritdoc/>
    protected override AveragePoolLayer Quantize(FloatAveragePool layer, QuantizerCall call) =>
        new(layer.Name, layer.Input, layer.Output, call.Low, call.High)
        {
            Kernel = layer.Kernel,
            Stride = layer.Stride,
            Padding = layer.Padding,
            Scale = Factor(layer, layer.Factor * call.X.Scale / ((double)layer.Kernel.Rows * layer.Kernel.Columns) / call.Y.Scale),
        };

    /// <inheritdoc/>
    protected override double Unit(FloatAveragePool layer, Func<int, double> scale) =>
        layer.Factor * scale(layer.Input) / ((double)layer.Kernel.Rows * layer.Kernel.Columns);
}
