using System.Numerics.Tensors;
using AccelGen.Network.Float;

namespace AccelGen.Network.Quantized;

/// <summary>How activation ranges come from calibration.</summary>
public enum CalibrationMethod
{
    /// <summary>Smallest and largest value seen.</summary>
    MinMax,

    /// <summary>The range that holds a given percentage of the values on each side.</summary>
    Percentile,
}

/// <summary>Range of an activation in real units; it always holds zero.</summary>
/// <param name="Low">Smallest value, 0 or less.</param>
/// <param name="High">Largest value, 0 or more.</param>
public readonly record struct ValueRange(float Low, float High);

/// <summary>
/// Post-training quantisation to int8: weights symmetric per output channel (-127 to 127), activations per tensor with a
/// zero point. Tensors of one residual stream share scale and zero point, so that a skipped block leaves valid counts.
/// </summary>
public static class Quantizer
{
    private const int Bins = 8192;

    /// <summary>Finds the range of every tensor by running the network on calibration inputs.</summary>
    /// <param name="network">Network.</param>
    /// <param name="inputs">NHWC values of the single network input, one array per sample.</param>
    /// <param name="method">How the range is chosen.</param>
    /// <param name="percentile">For <see cref="CalibrationMethod.Percentile"/>: percentage kept on each side, above 50, at most 100.</param>
    /// <param name="sampleDone">Called after each sample of a pass.</param>
    /// <param name="cancellation">Stops the calibration.</param>
    /// <returns>Range per tensor id.</returns>
    /// <exception cref="FormatException">A value is not finite, or there is no sample.</exception>
    public static ValueRange[] Calibrate(FloatNetwork network, IReadOnlyList<float[]> inputs, CalibrationMethod method, double percentile = 99.99, Action? sampleDone = null, CancellationToken cancellation = default)
    {
        if (inputs.Count == 0)
            throw new FormatException("calibration needs at least one input");
        var ranges = new ValueRange[network.Tensors.Count];
        Pass((tensor, values) =>
        {
            float low = TensorPrimitives.Min<float>(values), high = TensorPrimitives.Max<float>(values);
            if (!float.IsFinite(low) || !float.IsFinite(high))
                throw new FormatException($"tensor {network.Tensors[tensor].Name} reaches {(float.IsFinite(low) ? high : low)} on the calibration inputs");
            lock (ranges)
                ranges[tensor] = new ValueRange(Math.Min(ranges[tensor].Low, low), Math.Max(ranges[tensor].High, high));
        });
        if (method == CalibrationMethod.Percentile)
        {
            var histograms = new long[ranges.Length][];
            for (int t = 0; t < histograms.Length; t++)
                histograms[t] = new long[Bins];
            Pass((tensor, values) =>
            {
                ValueRange r = ranges[tensor];
                float perBin = (r.High - r.Low) / Bins;
                long[] histogram = histograms[tensor];
                if (perBin <= 0)
                    return;
                lock (histogram)
                {
                    foreach (float v in values)
                        histogram[Math.Clamp((int)((v - r.Low) / perBin), 0, Bins - 1)]++;
                }
            });
            for (int t = 0; t < ranges.Length; t++)
                ranges[t] = Trim(ranges[t], histograms[t], percentile);
        }

        return ranges;

        void Pass(Action<int, float[]> observe) => Parallel.ForEach(inputs, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount }, input =>
        {
            observe(network.Inputs[0], input);
            FloatExecutor.Run(network, new Dictionary<int, float[]> { [network.Inputs[0]] = input }, null, (layer, values) => observe(layer.Output, values));
            sampleDone?.Invoke();
        });
    }

    /// <summary>Quantises a network.</summary>
    /// <param name="network">Float network.</param>
    /// <param name="ranges">Range per tensor id, from calibration.</param>
    /// <exception cref="FormatException">A layer cannot be quantised.</exception>
    public static QuantizedNetwork Quantize(FloatNetwork network, IReadOnlyList<ValueRange> ranges)
    {
        // A residual stream has one range, whoever writes it.
        var streams = network.Tensors.GroupBy(t => network.Home(t.Id))
            .ToDictionary(g => g.Key, g => new ValueRange(g.Min(t => ranges[t.Id].Low), g.Max(t => ranges[t.Id].High)));
        QuantizedTensor[] tensors = [.. network.Tensors.Select(t =>
        {
            ValueRange r = streams[network.Home(t.Id)];
            double scale = Math.Max(((double)r.High - r.Low) / 255, 1e-12);
            int zero = (int)Math.Clamp(Math.Round(-128 - (r.Low / scale), MidpointRounding.ToEven), -128, 127);
            return new QuantizedTensor(t.Id, t.Name, t.Shape, scale, zero, t.SharesStorageWith);
        })];
        return new QuantizedNetwork(network.Name, tensors, [.. network.Layers.Select(l => Layer(l, tensors))], network.Blocks, network.Inputs, network.Outputs);
    }

    /// <summary>Quantises values: round half to even, then the zero point, then saturation, as ONNX QuantizeLinear.</summary>
    public static sbyte[] QuantizeValues(QuantizedTensor tensor, ReadOnlySpan<float> values)
    {
        var result = new sbyte[values.Length];
        for (int i = 0; i < values.Length; i++)
            result[i] = (sbyte)Math.Clamp(Math.Round(values[i] / tensor.Scale, MidpointRounding.ToEven) + tensor.ZeroPoint, -128, 127);
        return result;
    }

    private static QuantizedLayer Layer(FloatLayer layer, QuantizedTensor[] tensors)
    {
        QuantizedTensor x = tensors[layer.Input], y = tensors[layer.Output];
        int low = Count(layer.Range.Low, y, -128), high = Count(layer.Range.High, y, 127);
        ResidualAdd? residual = layer.Residual is int r ? new ResidualAdd(r, Factor(layer, tensors[r].Scale / y.Scale)) : null;
        return layer switch
        {
            FloatConv conv => Convolution(conv, x, y, low, high, residual),
            FloatAveragePool pool => new AveragePoolLayer(layer.Name, layer.Input, layer.Output, low, high)
            {
                Kernel = pool.Kernel, Stride = pool.Stride, Padding = pool.Padding, Block = layer.Block, Residual = residual,
                Scale = Factor(layer, x.Scale / ((double)pool.Kernel.Rows * pool.Kernel.Columns) / y.Scale),
            },
            FloatAdd => new AddLayer(layer.Name, layer.Input, layer.Output, low, high, Factor(layer, x.Scale / y.Scale)) { Block = layer.Block, Residual = residual },
            _ => throw new FormatException($"layer {layer.Name}: {layer.GetType().Name} cannot be quantised"),
        };
    }

    private static ConvLayer Convolution(FloatConv conv, QuantizedTensor x, QuantizedTensor y, int low, int high, ResidualAdd? residual)
    {
        int channels = conv.Bias.Length, run = conv.Weights.Length / channels;
        var weights = new sbyte[conv.Weights.Length];
        var bias = new int[channels];
        var scales = new FixedPointScale[channels];
        for (int k = 0; k < channels; k++)
        {
            ReadOnlySpan<float> row = conv.Weights.AsSpan(k * run, run);
            // Data movement keeps its 0 and 1. A large bias must fit 32 bits at the accumulator's scale.
            double step = conv.IsDataMovement ? 1 : Math.Max(TensorPrimitives.MaxMagnitude(row) is var m ? Math.Abs(m) / 127.0 : 0, Math.Abs(conv.Bias[k]) / (x.Scale * (1 << 30)));
            if (step == 0)
                step = 1;
            for (int i = 0; i < run; i++)
                weights[(k * run) + i] = (sbyte)Math.Clamp(Math.Round(row[i] / step, MidpointRounding.ToEven), -127, 127);
            bias[k] = (int)Math.Round(conv.Bias[k] / (x.Scale * step), MidpointRounding.ToEven);
            scales[k] = Factor(conv, x.Scale * step / y.Scale);
        }

        return new ConvLayer(conv.Name, conv.Input, conv.Output, low, high)
        {
            Weights = weights, Bias = bias, Scales = scales, Kernel = conv.Kernel, Stride = conv.Stride, Dilation = conv.Dilation,
            Padding = conv.Padding, Groups = conv.Groups, IsDataMovement = conv.IsDataMovement, Block = conv.Block, Residual = residual,
        };
    }

    private static FixedPointScale Factor(FloatLayer layer, double factor) => factor < 1 << 22
        ? FixedPointScale.FromReal(factor)
        : throw new FormatException($"layer {layer.Name}: its output range is {factor:G3} times finer than its sums; the calibration inputs do not exercise it");

    private static int Count(float bound, QuantizedTensor t, int unbounded) => float.IsInfinity(bound)
        ? unbounded
        : (int)Math.Clamp(Math.Round(bound / t.Scale, MidpointRounding.ToEven) + t.ZeroPoint, -128, 127);

    private static ValueRange Trim(ValueRange range, long[] histogram, double percentile)
    {
        long total = histogram.Sum(), cut = (long)(total * (1 - (percentile / 100)));
        if (total == 0)
            return range;
        int first = 0, last = Bins - 1;
        for (long below = histogram[0]; below <= cut && first < Bins - 1; below += histogram[first])
            first++;
        for (long above = histogram[Bins - 1]; above <= cut && last > 0; above += histogram[last])
            last--;
        float perBin = (range.High - range.Low) / Bins;
        return new ValueRange(Math.Min(0, range.Low + (first * perBin)), Math.Max(0, range.Low + ((last + 1) * perBin)));
    }
}
