using AccelGen.Network.Dynamic;
using AccelGen.Network.Quantized;

namespace AccelGen.Golden;

/// <summary>What the inputs of the readers of cuts look like on calibration inputs: the basis of their order and of the means that
/// stay.</summary>
public static class PathStatistics
{
    /// <summary>Runs the whole network on each input.</summary>
    /// <param name="network">Network.</param>
    /// <param name="cuts">Cuts.</param>
    /// <param name="inputs">NHWC counts of the single network input, one array per sample.</param>
    /// <param name="cancellation">Stops between samples.</param>
    /// <returns>Statistics by cut, in order.</returns>
    public static IReadOnlyList<ChannelStatistics> Collect(
        QuantizedNetwork network,
        IReadOnlyList<ChannelCut> cuts,
        IReadOnlyList<sbyte[]> inputs,
        CancellationToken cancellation = default
    )
    {
        Dictionary<int, int> cutOf = cuts.Select((c, i) => (Tensor: network.Home(network.Layers[c.Reader].Input), i))
            .ToDictionary(c => c.Tensor, c => c.i);
        // Sums and sums of squares; whole numbers, so that the order of the samples does not matter.
        long[][] sums = [.. cuts.Select(c => new long[c.Channels])],
            squares = [.. cuts.Select(c => new long[c.Channels])];
        long[] pixels = new long[cuts.Count];
        var options = new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount };
        Parallel.ForEach(
            inputs,
            options,
            sample =>
                GoldenExecutor.Run(
                    network,
                    ExecutionPath.Whole,
                    new Dictionary<int, sbyte[]> { [network.Inputs[0]] = sample },
                    (layer, values) =>
                    {
                        if (cutOf.TryGetValue(network.Home(network.Layers[layer].Output), out int cut))
                            Add(cut, values, network.Tensors[network.Layers[cuts[cut].Reader].Input].ZeroPoint);
                    }
                )
        );
        return
        [
            .. cuts.Select(
                (c, i) =>
                {
                    double[] mean = [.. sums[i].Select(s => (double)s / pixels[i])];
                    return new ChannelStatistics(
                        mean,
                        [.. squares[i].Select((s, k) => Math.Sqrt(Math.Max(0, ((double)s / pixels[i]) - (mean[k] * mean[k]))))]
                    );
                }
            ),
        ];

        void Add(int cut, sbyte[] values, int zero)
        {
            int channels = sums[cut].Length;
            // Head after head, each with its own channels.
            TensorShape shape = network.Tensors[network.Layers[cuts[cut].Reader].Input].Shape;
            int perHead = values.Length / shape.Batch;
            long[] sum = new long[channels],
                square = new long[channels];
            for (int i = 0; i < values.Length; i += shape.Channels)
            {
                int first = i / perHead * shape.Channels;
                for (int c = 0; c < shape.Channels; c++)
                {
                    int v = values[i + c] - zero;
                    sum[first + c] += v;
                    square[first + c] += v * v;
                }
            }

            lock (sums[cut])
            {
                pixels[cut] += values.Length / channels;
                for (int c = 0; c < channels; c++)
                    (sums[cut][c], squares[cut][c]) = (sums[cut][c] + sum[c], squares[cut][c] + square[c]);
            }
        }
    }
}
