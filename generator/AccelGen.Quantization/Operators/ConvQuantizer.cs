using System.Numerics.Tensors;
using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization.Operators;

/// <summary>Convolution: integer weights with a scale per output channel, and the bias in counts of the sums.</summary>
internal sealed class ConvQuantizer : OperatorQuantizer<FloatConv>
{
    /// <summary>
    /// Scale of the weights of an output channel. Data movement keeps its 0 and 1, prescribed weights their scale. A large bias must fit 32
    /// bits at the accumulator's scale: where a normalisation behind the weights left next to nothing of them but the bias, prescribed
    /// weights are rounded to a coarser scale, and the bias is what counts.
    /// </summary>
    /// <param name="conv">Convolution.</param>
    /// <param name="k">Output channel.</param>
    /// <param name="inputScale">Scale of the input.</param>
    public static double WeightScale(FloatConv conv, int k, double inputScale)
    {
        int run = conv.Weights.Length / conv.Bias.Length;
        if (conv.IsDataMovement)
            return 1;
        double least = Math.Abs(conv.Bias[k]) / (inputScale * (1 << 30));
        if (conv.Fixed is { } given)
            return given.Bias is null && given.Scales[k] * 2 < least ? (float)least : given.Scales[k];
        double weightScale = Math.Max(Math.Abs((double)TensorPrimitives.MaxMagnitude(conv.Weights.AsSpan(k * run, run))) / 127, least);
        // Weights that are less than any scale are 0.
        return (float)weightScale == 0 ? 1 : (float)weightScale;
    }

    /// <summary>Bias and factor of an output channel whose weights are those of a quantised one, times a factor of its own.</summary>
    /// <param name="conv">Convolution with its own bias.</param>
    /// <param name="k">Output channel.</param>
    /// <param name="weightScale">Scale of its weights.</param>
    /// <param name="inputScale">Scale of the input.</param>
    /// <param name="outputScale">Scale of what is computed.</param>
    public static (int Bias, FixedPointScale Scale) Parameters(
        FloatConv conv,
        int k,
        double weightScale,
        double inputScale,
        double outputScale
    )
    {
        // Where hardly anything is left of the weights, the bias decides on the scale: the weights cannot be made coarser here, but
        // what they give then is below the rounding of the bias.
        weightScale = Math.Max(weightScale, Math.Abs(conv.Bias[k]) / (inputScale * (1 << 30)));
        return weightScale == 0
            ? (0, new FixedPointScale(0, 1))
            : (
                (int)Math.Round(conv.Bias[k] / (inputScale * weightScale), MidpointRounding.ToEven),
                Factor(conv, conv.Factor * inputScale * weightScale / outputScale)
            );
    }

    /// <inheritdoc/>
    protected override ConvLayer Quantize(FloatConv layer, QuantizerCall call)
    {
        (QuantizedTensor x, QuantizedTensor y) = (call.X, call.Y);
        int channels = layer.Bias.Length,
            run = layer.Weights.Length / channels;
        var weights = new sbyte[layer.Weights.Length];
        var bias = new int[channels];
        var scales = new FixedPointScale[channels];
        var weightScales = new double[channels];
        for (int k = 0; k < channels; k++)
        {
            ReadOnlySpan<float> row = layer.Weights.AsSpan(k * run, run);
            double weightScale = WeightScale(layer, k, x.Scale);
            if (!(weightScale > 0 && double.IsFinite(weightScale)))
                throw new InputException(
                    FaultCodes.ScaleOutOfRange,
                    $"layer {layer.Name}",
                    $"the weights and the bias of channel {k} need a step of {weightScale:G3}, which is no number of single precision"
                );
            if (layer.Fixed is { } given && given.Scales[k] == weightScale)
                given.Weights.AsSpan(k * run, run).CopyTo(weights.AsSpan(k * run));
            else
            {
                for (int i = 0; i < run; i++)
                    weights[(k * run) + i] = (sbyte)Math.Clamp(Math.Round(row[i] / weightScale, MidpointRounding.ToEven), -127, 127);
            }

            double counts = layer.Fixed is { Bias: { } whole, BiasScales: { } biasScales }
                ? Bias(whole[k], biasScales[k] / (x.Scale * weightScale))
                : Math.Round(layer.Bias[k] / (x.Scale * weightScale), MidpointRounding.ToEven);
            bias[k] = counts is >= int.MinValue and <= int.MaxValue
                ? (int)counts
                : throw new InputException(
                    FaultCodes.ScaleOutOfRange,
                    $"layer {layer.Name}",
                    $"the bias {layer.Bias[k]:G4} of channel {k} is {counts:G4} counts of its sums",
                    "they must fit 32 bits: a larger scale of the input or of the weights is needed"
                );
            scales[k] = Factor(layer, layer.Factor * x.Scale * weightScale / y.Scale);
            weightScales[k] = layer.Factor * weightScale;
        }

        return new ConvLayer(layer.Name, layer.Input, layer.Output, call.Low, call.High)
        {
            Weights = weights,
            Bias = bias,
            Scales = scales,
            WeightScales = weightScales,
            Kernel = layer.Kernel,
            Stride = layer.Stride,
            Dilation = layer.Dilation,
            Padding = layer.Padding,
            Groups = layer.Groups,
            IsDataMovement = layer.IsDataMovement,
        };
    }

    /// <inheritdoc/>
    protected override double Unit(FloatConv layer, Func<int, double> scale)
    {
        double x = scale(layer.Input);
        return layer.Factor * x * Enumerable.Range(0, layer.Bias.Length).Max(k => WeightScale(layer, k, x));
    }

    // A ratio that is 1 but for the rounding of single precision is 1.
    private static double Bias(int counts, double ratio) =>
        Math.Abs(ratio - 1) < 1e-6 ? counts : Math.Round(counts * ratio, MidpointRounding.ToEven);
}
