using System.Numerics.Tensors;
using System.Runtime.ExceptionServices;
using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization;

/// <summary>How activation ranges come from calibration.</summary>
public enum CalibrationMethod
{
    /// <summary>Smallest and largest value seen.</summary>
    MinMax,

    /// <summary>The range that holds a given percentage of the values on each side.</summary>
    Percentile,

    /// <summary>The range whose 256 counts have the smallest mean squared error, channels weighted by the squares of the weights that read
    /// them.</summary>
    MeanSquaredError,
}

/// <summary>Range of an activation in real units; it always holds zero.</summary>
/// <param name="Low">Smallest value, 0 or less.</param>
/// <param name="High">Largest value, 0 or more.</param>
public readonly record struct ValueRange(float Low, float High);

/// <summary>Finds the ranges of activations by running a float network.</summary>
internal static class Calibration
{
    private const int Bins = 8192;

    /// <summary>Range per tensor id, see <see cref="Quantizer.Calibrate"/>.</summary>
    public static ValueRange[] Run(
        FloatNetwork network,
        IReadOnlyList<float[]> inputs,
        CalibrationMethod method,
        double percentile,
        Action? sampleDone,
        CancellationToken cancellation
    )
    {
        if (inputs.Count == 0)
            throw new InputException(FaultCodes.NoSamples, "calibration needs at least one input");
        HashSet<int> symmetric = [.. Quantizer.SymmetricTensors(network)];
        double[][] importance = method == CalibrationMethod.MeanSquaredError ? Importance(network) : [];
        FloatLayer[] active = [.. network.Layers.Where(l => l.Activation.Kind != ActivationKind.None)];
        int tensors = network.Tensors.Count;
        network = Split(network);
        var ranges = new ValueRange[network.Tensors.Count];
        // A constant is what it is: it is never cut.
        foreach (FloatTensor t in network.Tensors)
        {
            if (t.Constant is not null)
                Observe(t.Id, t.Constant);
        }

        Pass(Observe);
        if (method == CalibrationMethod.MinMax)
            return ranges;
        var histograms = new double[ranges.Length][];
        for (int t = 0; t < histograms.Length; t++)
            histograms[t] = new double[Bins];
        Pass(
            (tensor, values) =>
            {
                ValueRange r = ranges[tensor];
                float perBin = (r.High - r.Low) / Bins;
                double[] histogram = histograms[tensor];
                if (perBin <= 0)
                    return;
                // What precedes an activation matters as what follows it.
                double[]? channels =
                    importance.Length == 0 ? null : importance[tensor < tensors ? tensor : active[tensor - tensors].Output];
                TensorShape shape = network.Tensors[tensor].Shape;
                int perHead = shape.Height * shape.Width * shape.Channels;
                lock (histogram)
                {
                    for (int i = 0; i < values.Length; i++)
                        histogram[Math.Clamp((int)((values[i] - r.Low) / perBin), 0, Bins - 1)] += channels is null
                            ? 1
                            : channels[(i / perHead * shape.Channels) + (i % shape.Channels)];
                }
            }
        );
        Parallel.For(
            0,
            ranges.Length,
            new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount },
            t =>
                ranges[t] =
                    method == CalibrationMethod.Percentile
                        ? Trim(ranges[t], histograms[t], percentile)
                        : LeastSquares(
                            ranges[t],
                            histograms[t],
                            symmetric.Contains(t),
                            t < tensors ? default : active[t - tensors].Activation
                        )
        );
        return ranges;

        void Observe(int tensor, float[] values)
        {
            float low = TensorPrimitives.Min<float>(values),
                high = TensorPrimitives.Max<float>(values);
            if (!float.IsFinite(low) || !float.IsFinite(high))
                throw new InputException(
                    FaultCodes.NotFiniteOnSamples,
                    string.Empty,
                    $"tensor {network.Tensors[tensor].Name} reaches {(float.IsFinite(low) ? high : low)} on the "
                        + "calibration inputs: no scale holds that",
                    "look for a root or a logarithm of negative values, a division by 0, or weights near the largest "
                        + "float in what computes it"
                );
            lock (ranges)
                ranges[tensor] = new ValueRange(Math.Min(ranges[tensor].Low, low), Math.Max(ranges[tensor].High, high));
        }

        void Pass(Action<int, float[]> observe)
        {
            try
            {
                Parallel.ForEach(
                    inputs,
                    new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount },
                    input =>
                    {
                        observe(network.Inputs[0], input);
                        FloatExecutor.Run(
                            network,
                            new Dictionary<int, float[]> { [network.Inputs[0]] = input },
                            null,
                            (layer, values) => observe(layer.Output, values)
                        );
                        sampleDone?.Invoke();
                    }
                );
            }
            catch (AggregateException e) when (e.InnerException is InputException)
            {
                ExceptionDispatchInfo.Throw(e.InnerException);
            }
        }
    }

    /// <summary>
    /// The network with every activation function in a layer of its own: the values before it get tensors of their own,
    /// after the network's, in layer order.
    /// </summary>
    private static FloatNetwork Split(FloatNetwork network)
    {
        List<FloatTensor> tensors = [.. network.Tensors];
        var layers = new List<FloatLayer>();
        foreach (FloatLayer layer in network.Layers)
        {
            if (layer.Activation.Kind == ActivationKind.None)
            {
                layers.Add(layer);
                continue;
            }

            FloatTensor output = network.Tensors[layer.Output];
            tensors.Add(new FloatTensor(tensors.Count, $"{output.Name} before {layer.Activation.Kind}", output.Shape));
            layers.Add(layer with { Output = tensors.Count - 1, Activation = default });
            layers.Add(new FloatCopy(layer.Name, tensors.Count - 1, layer.Output) { Activation = layer.Activation, Block = layer.Block });
        }

        return network with
        {
            Tensors = tensors,
            Layers = layers,
        };
    }

    /// <summary>How much an error in each channel of each tensor weighs: the mean square of the weights that read it, 1 on
    /// average.</summary>
    private static double[][] Importance(FloatNetwork network)
    {
        double[][] importance = [.. network.Tensors.Select(t => new double[t.Shape.Batch * t.Shape.Channels])];
        foreach (FloatLayer layer in network.Layers)
        {
            foreach (int read in layer.Reads)
            {
                int tensor = network.Home(read);
                double[] sum = importance[tensor],
                    one = new double[sum.Length];
                if (layer is FloatConv { IsDataMovement: false } conv && read == layer.Input)
                {
                    int perGroup = sum.Length / conv.Groups,
                        run = conv.Weights.Length / conv.Bias.Length,
                        outputsPerGroup = conv.Bias.Length / conv.Groups;
                    for (int i = 0; i < conv.Weights.Length; i++)
                        one[(i / run / outputsPerGroup * perGroup) + (i % perGroup)] += (double)conv.Weights[i] * conv.Weights[i];
                }

                double mean = one.Average();
                for (int c = 0; c < sum.Length; c++)
                    sum[c] += mean > 0 ? one[c] / mean : 1;
            }
        }

        // Views have the channels of their storage; what nothing reads counts evenly.
        return
        [
            .. network.Tensors.Select(t => importance[network.Home(t.Id)] is var sum && sum.Sum() > 0 ? sum : [.. sum.Select(_ => 1.0)]),
        ];
    }

    private static ValueRange Trim(ValueRange range, double[] histogram, double percentile)
    {
        double total = histogram.Sum(),
            cut = Math.Floor(total * (1 - (percentile / 100)));
        if (total == 0)
            return range;
        int first = 0,
            last = Bins - 1;
        for (double below = histogram[0]; below <= cut && first < Bins - 1; below += histogram[first])
            first++;
        for (double above = histogram[Bins - 1]; above <= cut && last > 0; above += histogram[last])
            last--;
        float perBin = (range.High - range.Low) / Bins;
        return new ValueRange(Math.Min(0, range.Low + (first * perBin)), Math.Max(0, range.Low + ((last + 1) * perBin)));
    }

    // One end after the other, each over steps from the whole range to a hundredth of it, until neither moves.
    private static ValueRange LeastSquares(ValueRange range, double[] histogram, bool symmetric, Activation activation)
    {
        const int Steps = 64;
        if (range.High - range.Low <= 0 || histogram.Sum() == 0)
            return range;
        double perBin = ((double)range.High - range.Low) / Bins;
        (double Value, double Result, double Count)[] bins =
        [
            .. histogram
                .Select((count, i) => (Value: range.Low + ((i + 0.5) * perBin), Count: count))
                .Where(b => b.Count > 0)
                .Select(b => (b.Value, ActivationFunction.Evaluate(activation, b.Value), b.Count)),
        ];
        ValueRange best = range;
        double least = Error(bins, best, symmetric, activation);
        for (bool moved = true; moved; )
        {
            moved = false;
            for (int end = 0; end < 2; end++)
            {
                for (int i = 0; i < Steps; i++)
                {
                    float part = MathF.Pow(0.93f, i);
                    ValueRange candidate =
                        symmetric ? new(range.Low * part, range.High * part)
                        : end == 0 ? best with { Low = range.Low * part }
                        : best with { High = range.High * part };
                    double error = Error(bins, candidate, symmetric, activation);
                    if (error < least * (1 - 1e-9))
                        (least, best, moved) = (error, candidate, true);
                }
            }
        }

        return best;
    }

    // Error of the values, or of the activation's result when its argument is rounded to counts.
    private static double Error(
        (double Value, double Result, double Count)[] bins,
        ValueRange candidate,
        bool symmetric,
        Activation activation
    )
    {
        (double scale, int zero) = Quantizer.Parameters(candidate, symmetric);
        var results = new double[256];
        for (int i = 0; i < 256; i++)
            results[i] = ActivationFunction.Evaluate(activation, scale * (i - 128 - zero));
        double sum = 0;
        foreach ((double value, double result, double count) in bins)
        {
            double d = result - results[(int)Math.Clamp(Math.Round(value / scale) + zero, -128, 127) + 128];
            sum += count * d * d;
        }

        return sum;
    }
}
