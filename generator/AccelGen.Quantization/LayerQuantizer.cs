using System.Numerics.Tensors;
using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization;

/// <summary>Quantises one layer, given the scales of its tensors.</summary>
public static class LayerQuantizer
{
    /// <summary>Quantises a layer; block, table and transposition are the caller's.</summary>
    /// <param name="layer">Float layer.</param>
    /// <param name="tensors">Tensors by id.</param>
    /// <param name="y">Scale and zero point of what the layer computes: those of its output, or of its activation's argument.</param>
    /// <exception cref="InputException">A factor is outside what the integer operators can hold.</exception>
    public static QuantizedLayer Quantize(FloatLayer layer, QuantizedTensor[] tensors, QuantizedTensor y)
    {
        QuantizedTensor x = tensors[layer.Input];
        int low = Count(layer.Range.Low, y, -128),
            high = Count(layer.Range.High, y, 127);
        QuantizedLayer quantized = layer switch
        {
            FloatConv conv => Convolution(conv, x, y, low, high),
            FloatMatMul m => new MatMulLayer(
                m.Name,
                m.Input,
                m.Right,
                m.Output,
                low,
                high,
                Factor(m, m.Factor * x.Scale * tensors[m.Right].Scale / y.Scale)
            ),
            FloatNormalizedMatMul m => NormalizedMatMul(m, x, tensors[m.Right], tensors[m.Denominator], y, low, high),
            FloatAveragePool pool => new AveragePoolLayer(pool.Name, pool.Input, pool.Output, low, high)
            {
                Kernel = pool.Kernel,
                Stride = pool.Stride,
                Padding = pool.Padding,
                Scale = Factor(pool, pool.Factor * x.Scale / ((double)pool.Kernel.Rows * pool.Kernel.Columns) / y.Scale),
            },
            FloatMaxPool pool => new MaxPoolLayer(pool.Name, pool.Input, pool.Output, low, high)
            {
                Kernel = pool.Kernel,
                Stride = pool.Stride,
                Padding = pool.Padding,
                Scale = Factor(pool, pool.Factor * x.Scale / y.Scale),
            },
            FloatResize resize => Resize(resize, x, y, low, high),
            FloatAdd => new AddLayer(layer.Name, layer.Input, layer.Output, low, high, Factor(layer, layer.Factor * x.Scale / y.Scale)),
            FloatCopy => new ConcatLayer(
                layer.Name,
                [layer.Input],
                layer.Output,
                low,
                high,
                [Factor(layer, layer.Factor * x.Scale / y.Scale)]
            ),
            FloatConcat c => new ConcatLayer(
                c.Name,
                c.Inputs,
                c.Output,
                low,
                high,
                [.. c.Inputs.Select(i => Factor(c, c.Factor * tensors[i].Scale / y.Scale))]
            ),
            FloatMultiply m => new MultiplyLayer(
                m.Name,
                m.Input,
                m.Right,
                m.Output,
                low,
                high,
                Factor(m, m.Factor * x.Scale * tensors[m.Right].Scale / y.Scale)
            )
            {
                Broadcast = m.Broadcast,
            },
            FloatSoftmax s => Softmax(s, x, y, low, high),
            FloatLayerNorm norm => LayerNorm(norm, x, y, low, high),
            FloatArgMax => new ArgMaxLayer(layer.Name, layer.Input, layer.Output),
            _ => throw new InputException($"layer {layer.Name}: {layer.GetType().Name} cannot be quantised"),
        };
        return layer.Residual is int r
            ? quantized with
            {
                Residual = new ResidualAdd(
                    r,
                    Factor(layer, layer.ResidualFactor * tensors[r].Scale / y.Scale),
                    layer.ResidualSubtract,
                    layer.ResidualBroadcast
                ),
            }
            : quantized;
    }

    /// <summary>
    /// Smallest scale of what a layer computes where two operands are added or divided: below it their factors would leave the
    /// fixed-point range. 0 for other layers: a sum that such a factor saturates does so under the largest one as well.
    /// </summary>
    /// <param name="layer">Float layer.</param>
    /// <param name="scale">Scale of each tensor.</param>
    public static double LeastStep(FloatLayer layer, Func<int, double> scale)
    {
        double x = scale(layer.Input),
            step = layer switch
            {
                FloatNormalizedMatMul m => m.Factor * scale(m.Right) / scale(m.Denominator),
                FloatLayerNorm n => Math.Abs(n.Factor) * Math.Max(Largest(n.Gamma) / (1 << 12), Largest(n.Beta) / 256),
                { Residual: null } => 0,
                FloatConv conv => conv.Factor * x * Enumerable.Range(0, conv.Bias.Length).Max(k => Step(conv, k, x)),
                FloatMatMul m => m.Factor * x * scale(m.Right),
                FloatAveragePool p => p.Factor * x / ((double)p.Kernel.Rows * p.Kernel.Columns),
                FloatResize r => r.Factor * x * Largest(r.RowWeights) * Largest(r.ColumnWeights),
                _ => layer.Factor * x,
            };
        return Math.Max(step, layer.Residual is int residual ? layer.ResidualFactor * scale(residual) : 0) / LargestFactor;

        static double Largest(float[] values) => values.Length == 0 ? 0 : Math.Abs((double)TensorPrimitives.MaxMagnitude<float>(values));
    }

    /// <summary>Smallest scale of a layer's input: that of a layer normalisation must not be lost beside epsilon.</summary>
    /// <param name="layer">Float layer.</param>
    public static double LeastInputStep(FloatLayer layer) =>
        layer is FloatLayerNorm { Epsilon: > 0 } n ? n.Gamma.Length * Math.Sqrt(n.Epsilon / LargestEpsilon) : 0;

    // Below the limits of 2^22 and 2^47 by more than rounding adds.
    private const double LargestFactor = (1 << 22) * 0.999,
        LargestEpsilon = (1L << 47) * 0.999;

    // Step of the weights of an output channel. Data movement keeps its 0 and 1, prescribed weights their step. A large bias must
    // fit 32 bits at the accumulator's scale: where a normalisation behind the weights left next to nothing of them but the bias,
    // prescribed weights are rounded to a coarser step, and the bias is what counts.
    internal static double Step(FloatConv conv, int k, double inputScale)
    {
        int run = conv.Weights.Length / conv.Bias.Length;
        if (conv.IsDataMovement)
            return 1;
        double least = Math.Abs(conv.Bias[k]) / (inputScale * (1 << 30));
        if (conv.Fixed is { } given)
            return given.Bias is null && given.Scales[k] * 2 < least ? (float)least : given.Scales[k];
        double step = Math.Max(Math.Abs((double)TensorPrimitives.MaxMagnitude(conv.Weights.AsSpan(k * run, run))) / 127, least);
        // Weights that are less than any step are 0.
        return (float)step == 0 ? 1 : (float)step;
    }

    /// <summary>Bias and factor of an output channel whose weights are those of a quantised one, times a factor of its own.</summary>
    /// <param name="conv">Convolution with its own bias.</param>
    /// <param name="k">Output channel.</param>
    /// <param name="step">Step of its weights.</param>
    /// <param name="inputScale">Scale of the input.</param>
    /// <param name="outputScale">Scale of what is computed.</param>
    internal static (int Bias, FixedPointScale Scale) Parameters(FloatConv conv, int k, double step, double inputScale, double outputScale)
    {
        // Where hardly anything is left of the weights, the bias decides on the step: the weights cannot be made coarser here, but
        // what they give then is below the rounding of the bias.
        step = Math.Max(step, Math.Abs(conv.Bias[k]) / (inputScale * (1 << 30)));
        return step == 0
            ? (0, new FixedPointScale(0, 1))
            : (
                (int)Math.Round(conv.Bias[k] / (inputScale * step), MidpointRounding.ToEven),
                Factor(conv, conv.Factor * inputScale * step / outputScale)
            );
    }

    private static ConvLayer Convolution(FloatConv conv, QuantizedTensor x, QuantizedTensor y, int low, int high)
    {
        int channels = conv.Bias.Length,
            run = conv.Weights.Length / channels;
        var weights = new sbyte[conv.Weights.Length];
        var bias = new int[channels];
        var scales = new FixedPointScale[channels];
        var weightScales = new double[channels];
        for (int k = 0; k < channels; k++)
        {
            ReadOnlySpan<float> row = conv.Weights.AsSpan(k * run, run);
            double step = Step(conv, k, x.Scale);
            if (!(step > 0 && double.IsFinite(step)))
                throw new InputException(
                    $"layer {conv.Name}: the weights and the bias of channel {k} need a step of {step:G3}, which is "
                        + $"no number of single precision"
                );
            if (conv.Fixed is { } given && given.Scales[k] == step)
                given.Weights.AsSpan(k * run, run).CopyTo(weights.AsSpan(k * run));
            else
            {
                for (int i = 0; i < run; i++)
                    weights[(k * run) + i] = (sbyte)Math.Clamp(Math.Round(row[i] / step, MidpointRounding.ToEven), -127, 127);
            }

            double counts = conv.Fixed is { Bias: { } whole, BiasScales: { } biasScales }
                ? Bias(whole[k], biasScales[k] / (x.Scale * step))
                : Math.Round(conv.Bias[k] / (x.Scale * step), MidpointRounding.ToEven);
            bias[k] = counts is >= int.MinValue and <= int.MaxValue
                ? (int)counts
                : throw new InputException(
                    $"layer {conv.Name}: the bias {conv.Bias[k]:G4} of channel {k} is {counts:G4} counts of its sums; "
                        + $"they must fit 32 bits: a larger scale of the input or of the weights is needed"
                );
            scales[k] = Factor(conv, conv.Factor * x.Scale * step / y.Scale);
            weightScales[k] = conv.Factor * step;
        }

        return new ConvLayer(conv.Name, conv.Input, conv.Output, low, high)
        {
            Weights = weights,
            Bias = bias,
            Scales = scales,
            WeightScales = weightScales,
            Kernel = conv.Kernel,
            Stride = conv.Stride,
            Dilation = conv.Dilation,
            Padding = conv.Padding,
            Groups = conv.Groups,
            IsDataMovement = conv.IsDataMovement,
        };
    }

    // A ratio that is 1 but for the rounding of single precision is 1.
    private static double Bias(int counts, double ratio) =>
        Math.Abs(ratio - 1) < 1e-6 ? counts : Math.Round(counts * ratio, MidpointRounding.ToEven);

    private static NormalizedMatMulLayer NormalizedMatMul(
        FloatNormalizedMatMul m,
        QuantizedTensor x,
        QuantizedTensor right,
        QuantizedTensor denominator,
        QuantizedTensor y,
        int low,
        int high
    )
    {
        // The denominator is at least one count; a smaller epsilon changes nothing.
        double epsilon = m.Epsilon / (x.Scale * denominator.Scale);
        return epsilon <= 1
            ? new NormalizedMatMulLayer(
                m.Name,
                m.Input,
                m.Right,
                m.Denominator,
                m.Output,
                low,
                high,
                Factor(m, m.Factor * right.Scale / denominator.Scale / y.Scale)
            )
            : throw new InputException(
                $"layer {m.Name}: its epsilon {m.Epsilon:G3} is {epsilon:G3} counts of the denominator; at most 1 is "
                    + $"supported: fold it into the denominator's tensor"
            );
    }

    private static SoftmaxLayer Softmax(FloatSoftmax layer, QuantizedTensor x, QuantizedTensor y, int low, int high)
    {
        // At 11 per count the second largest logit has less than a hundred thousandth of the largest one's share: none, in counts of the
        // output.
        double exponent = Math.Min(Math.Round(layer.Slope * x.Scale * Math.Log2(Math.E) * (1 << 20)), (1 << 24) - 1);
        if (exponent == (1 << 24) - 1 && y.Scale < 1e-4)
            throw new InputException(
                $"layer {layer.Name}: its input {x.Name} has {x.Scale:G4} per count, but a softmax takes at most 11; scale the logits"
            );
        FixedPointScale scale = Factor(layer, layer.Factor / y.Scale);
        return scale.Shift <= 24
            ? new SoftmaxLayer(layer.Name, layer.Input, layer.Output, low, high, (uint)exponent, scale)
            : throw new InputException(
                $"layer {layer.Name}: its output {y.Name} has {y.Scale:G4} per count; a softmax gives at most 1, and "
                    + $"at most 2 per count is supported"
            );
    }

    private static LayerNormLayer LayerNorm(FloatLayerNorm norm, QuantizedTensor x, QuantizedTensor y, int low, int high)
    {
        int n = norm.Gamma.Length;
        double epsilon = Epsilon(norm.Epsilon, n, x.Scale);
        if (epsilon >= 1L << 47)
            throw new InputException(
                $"layer {norm.Name}: its epsilon {norm.Epsilon:G3} is {epsilon:G3} in counts of {x.Name} "
                    + $"({x.Scale:G3} per count); it must be below 2^47: its input needs a larger scale"
            );
        int[] gamma = new int[n],
            beta = new int[n],
            shift = new int[n];
        for (int c = 0; c < n; c++)
        {
            (gamma[c], beta[c], shift[c]) =
                Normal(norm.Factor * norm.Gamma[c], norm.Factor * norm.Beta[c], y.Scale)
                ?? throw new InputException(
                    $"layer {norm.Name}: gamma {norm.Gamma[c]:G3} and beta {norm.Beta[c]:G3} of channel {c} are too "
                        + $"large for {y.Scale:G3} per count of the output"
                );
        }

        return new LayerNormLayer(norm.Name, norm.Input, norm.Output, low, high)
        {
            Gamma = gamma,
            Beta = beta,
            Shift = shift,
            Epsilon = (long)epsilon,
        };
    }

    /// <summary>Epsilon of a layer normalisation in counts.</summary>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="scale">Scale of the input.</param>
    public static double Epsilon(float epsilon, int channels, double scale) =>
        Math.Round(epsilon * (double)channels * channels / (scale * scale));

    /// <summary>Factor, addend and shift of a channel of a layer normalisation, or null where they do not fit.</summary>
    /// <param name="gamma">Factor.</param>
    /// <param name="beta">Addend.</param>
    /// <param name="scale">Scale of the output.</param>
    public static (int Gamma, int Beta, int Shift)? Normal(float gamma, float beta, double scale)
    {
        // The normalised value has 12 fraction bits.
        double g = gamma / scale / (1 << 12),
            b = beta / scale;
        int s = 40;
        while (s > 1 && (Math.Abs(Math.Round(Math.ScaleB(g, s))) >= 1 << 23 || Math.Abs(Math.Round(Math.ScaleB(b, s))) > int.MaxValue))
            s--;
        return Math.Abs(Math.ScaleB(g, s)) < 1 << 23 && Math.Abs(Math.ScaleB(b, s)) <= int.MaxValue
            ? ((int)Math.Round(Math.ScaleB(g, s)), (int)Math.Round(Math.ScaleB(b, s)), s)
            : null;
    }

    /// <summary>A resize with integer weights.</summary>
    /// <param name="resize">Float layer.</param>
    /// <param name="x">Tensor of the input.</param>
    /// <param name="y">Tensor of what is computed.</param>
    /// <param name="low">Smallest output count.</param>
    /// <param name="high">Largest output count.</param>
    /// <exception cref="InputException">A factor is outside what the integer operators can hold.</exception>
    public static ResizeLayer Resize(FloatResize resize, QuantizedTensor x, QuantizedTensor y, int low, int high)
    {
        (int rows, int columns) = resize.Taps;
        int taps = rows * columns;
        var weights = new sbyte[resize.Up.Rows * resize.Up.Columns * taps];
        var scales = new FixedPointScale[resize.Up.Rows * resize.Up.Columns];
        var real = new double[taps];
        for (int phase = 0; phase < scales.Length; phase++)
        {
            if (resize.Fixed is { } given)
            {
                given.Weights.AsSpan(phase * taps, taps).CopyTo(weights.AsSpan(phase * taps));
                scales[phase] = Factor(resize, resize.Factor * given.Steps[phase] * x.Scale / y.Scale);
                continue;
            }

            (int p, int q) = Math.DivRem(phase, resize.Up.Columns);
            for (int t = 0; t < taps; t++)
                real[t] =
                    resize.Factor
                    * ((double)resize.RowWeights[(p * rows) + (t / columns)] * resize.ColumnWeights[(q * columns) + (t % columns)]);
            (sbyte[] integers, double step) = resize.Copies == 1 ? Integers(real) : Integers(real, columns, resize.Copies);
            integers.CopyTo(weights, phase * taps);
            scales[phase] = Factor(resize, step * x.Scale / y.Scale);
        }

        return new ResizeLayer(resize.Name, resize.Input, resize.Output, low, high)
        {
            Up = resize.Up,
            Down = resize.Down,
            Taps = resize.Taps,
            FirstRow = resize.FirstRow,
            FirstColumn = resize.FirstColumn,
            Weights = weights,
            Scales = scales,
        };
    }

    // Taps that stand several times in neighbouring rows: the weight of all, and its parts as even as integers can be.
    private static (sbyte[] Weights, double Step) Integers(ReadOnlySpan<double> real, int columns, int copies)
    {
        var whole = new double[real.Length / copies];
        int First(int t) => (t / columns * copies * columns) + (t % columns);
        for (int t = 0; t < whole.Length; t++)
            whole[t] = copies * real[First(t)];
        (int[] sums, double step) = Integers(whole, 127 * copies);
        var parts = new sbyte[real.Length];
        for (int t = 0; t < sums.Length; t++)
        {
            (int each, int rest) = Math.DivRem(sums[t], copies);
            for (int c = 0; c < copies; c++)
                parts[First(t) + (c * columns)] = (sbyte)(each + (c < Math.Abs(rest) ? Math.Sign(rest) : 0));
        }

        return (parts, step);
    }

    /// <summary>
    /// Int8 weights and their step, nearest to real weights among all divisions of the largest. The step is such that the sum
    /// is exact: a constant image stays constant.
    /// </summary>
    internal static (sbyte[] Weights, double Step) Integers(ReadOnlySpan<double> real)
    {
        (int[] weights, double step) = Integers(real, 127);
        return ([.. weights.Select(w => (sbyte)w)], step);
    }

    private static (int[] Weights, double Step) Integers(ReadOnlySpan<double> real, int most)
    {
        double largest = TensorPrimitives.MaxMagnitude(real),
            sum = TensorPrimitives.Sum(real),
            least = double.PositiveInfinity;
        largest = Math.Abs(largest);
        (int[] Weights, double Step) best = (new int[real.Length], 1);
        for (int parts = 1; parts <= most && largest > 0; parts++)
        {
            // The divisor that gives the largest weight exactly this many parts.
            double divisor = parts / largest;
            var weights = new int[real.Length];
            int total = 0;
            for (int t = 0; t < weights.Length; t++)
                total += weights[t] = (int)Math.Round(real[t] * divisor, MidpointRounding.AwayFromZero);
            double step = total != 0 && Math.Abs(sum) > 1e-6 * largest ? sum / total : 1 / divisor,
                error = 0;
            for (int t = 0; t < weights.Length; t++)
                error += Math.Pow((weights[t] * step) - real[t], 2);
            if (step > 0 && error < least - (1e-14 * largest * largest))
                (least, best) = (error, (weights, step));
        }

        return best;
    }

    // A factor of whole sums that saturates all but 0 does so as well when it is the largest. Sums to which something is added, and
    // what is no whole number, have no such freedom.
    private static FixedPointScale Factor(FloatLayer layer, double factor) =>
        factor switch
        {
            >= 0 and < 1 << 22 => FixedPointScale.FromReal(factor),
            < 0 => throw new InputException($"layer {layer.Name}: its factor {factor:G3} is negative; negate an operand instead"),
            >= 1 << 22 when layer is { Residual: null } and not (FloatNormalizedMatMul or FloatSoftmax) => FixedPointScale.FromReal(
                LargestFactor
            ),
            _ => throw new InputException(
                $"layer {layer.Name}: one count of its operands is {factor:G3} counts of its output; it must be below "
                    + $"2^22: its output needs a larger scale"
            ),
        };

    private static int Count(float bound, QuantizedTensor t, int unbounded) =>
        float.IsInfinity(bound)
            ? unbounded
            : (int)Math.Clamp(Math.Round(bound / t.Scale, MidpointRounding.ToEven) + t.ZeroPoint, -128, 127);
}
