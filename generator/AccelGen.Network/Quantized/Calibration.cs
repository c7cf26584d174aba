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

    /// <summary>The range whose 256 counts have the smallest mean squared error.</summary>
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
    public static ValueRange[] Run(FloatNetwork network, IReadOnlyList<float[]> inputs, CalibrationMethod method, double percentile, Action? sampleDone, CancellationToken cancellation)
    {
        if (inputs.Count == 0)
            throw new FormatException("calibration needs at least one input");
        HashSet<int> symmetric = [.. Quantizer.SymmetricTensors(network)];
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
        Parallel.For(0, ranges.Length, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount }, t => ranges[t] = method == CalibrationMethod.Percentile
            ? Trim(ranges[t], histograms[t], percentile)
            : LeastSquares(ranges[t], histograms[t], symmetric.Contains(t)));
        return ranges;

        void Observe(int tensor, float[] values)
        {
            float low = TensorPrimitives.Min<float>(values), high = TensorPrimitives.Max<float>(values);
            if (!float.IsFinite(low) || !float.IsFinite(high))
                throw new FormatException($"tensor {network.Tensors[tensor].Name} reaches {(float.IsFinite(low) ? high : low)} on the calibration inputs");
            lock (ranges)
                ranges[tensor] = new ValueRange(Math.Min(ranges[tensor].Low, low), Math.Max(ranges[tensor].High, high));
        }

        void Pass(Action<int, float[]> observe) => Parallel.ForEach(inputs, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount }, input =>
        {
            observe(network.Inputs[0], input);
            FloatExecutor.Run(network, new Dictionary<int, float[]> { [network.Inputs[0]] = input }, null, (layer, values) => observe(layer.Output, values));
            sampleDone?.Invoke();
        });
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

        return network with { Tensors = tensors, Layers = layers };
    }

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

    // One end after the other, each over steps from the whole range to a tenth of it, until neither moves.
    private static ValueRange LeastSquares(ValueRange range, long[] histogram, bool symmetric)
    {
        const int Steps = 64;
        if (range.High - range.Low <= 0 || histogram.Sum() == 0)
            return range;
        ValueRange best = range;
        double least = Error(range, histogram, best, symmetric);
        for (bool moved = true; moved;)
        {
            moved = false;
            for (int end = 0; end < 2; end++)
            {
                for (int i = 0; i < Steps; i++)
                {
                    float part = 1 - (0.9f * i / Steps);
                    ValueRange candidate = symmetric ? new(range.Low * part, range.High * part) : end == 0 ? best with { Low = range.Low * part } : best with { High = range.High * part };
                    double error = Error(range, histogram, candidate, symmetric);
                    if (error < least * (1 - 1e-9))
                        (least, best, moved) = (error, candidate, true);
                }
            }
        }

        return best;
    }

    private static double Error(ValueRange range, long[] histogram, ValueRange candidate, bool symmetric)
    {
        (double scale, int zero) = Quantizer.Parameters(candidate, symmetric);
        double perBin = ((double)range.High - range.Low) / Bins, sum = 0;
        for (int i = 0; i < Bins; i++)
        {
            if (histogram[i] == 0)
                continue;
            double v = range.Low + ((i + 0.5) * perBin);
            double d = v - (scale * (Math.Clamp(Math.Round(v / scale) + zero, -128, 127) - zero));
            sum += histogram[i] * d * d;
        }

        return sum;
    }
}
