using AccelGen.Files;
using AccelGen.Network.Float;

namespace AccelGen.Quantization;

/// <summary>What each channel of each tensor holds on sample inputs; only tensors of batch 1 have channels.</summary>
internal sealed class ChannelStatistics
{
    private readonly Dictionary<int, (double[] Largest, double[] Squares, long Pixels)> channels = [];

    /// <summary>Runs the network on inputs.</summary>
    public ChannelStatistics(FloatNetwork network, IReadOnlyList<float[]> inputs, CancellationToken cancellation)
    {
        if (inputs.Count == 0)
            throw new InputException(FaultCodes.NoSamples, "the ranges of channels need at least one input");
        Parallel.ForEach(
            inputs,
            new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount },
            input =>
                FloatExecutor.Run(
                    network,
                    new Dictionary<int, float[]> { [network.Inputs[0]] = input },
                    null,
                    (layer, values) => Observe(network.Tensors[layer.Output], values)
                )
        );
    }

    /// <summary>Largest magnitude of each channel, or null of a tensor that no layer writes or that has no channels.</summary>
    public double[]? Largest(int tensor) => channels.TryGetValue(tensor, out var c) ? c.Largest : null;

    /// <summary>Mean square of each channel, or null as <see cref="Largest"/>.</summary>
    public double[]? Power(int tensor) => channels.TryGetValue(tensor, out var c) ? [.. c.Squares.Select(s => s / c.Pixels)] : null;

    private void Observe(FloatTensor tensor, float[] values)
    {
        int n = tensor.Shape.Channels;
        if (tensor.Shape.Batch != 1)
            return;
        double[] largest = new double[n],
            squares = new double[n];
        for (int i = 0; i < values.Length; i++)
        {
            double v = values[i];
            largest[i % n] = Math.Max(largest[i % n], Math.Abs(v));
            squares[i % n] += v * v;
        }

        lock (channels)
        {
            (double[] Largest, double[] Squares, long Pixels) known = channels.TryGetValue(tensor.Id, out var c)
                ? c
                : (new double[n], new double[n], 0);
            for (int k = 0; k < n; k++)
            {
                known.Largest[k] = Math.Max(known.Largest[k], largest[k]);
                known.Squares[k] += squares[k];
            }

            channels[tensor.Id] = known with { Pixels = known.Pixels + (values.Length / n) };
        }
    }
}
