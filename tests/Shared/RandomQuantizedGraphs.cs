using AccelGen.Network.Quantized;

namespace AccelGen.Tests.Shared;

/// <summary>
/// Random networks whose tensors are parts, sums and wholes of each other: concatenations of concatenations, parts that
/// </summary>
internal static class RandomQuantizedGraphs
{
    /// <summary>A network with one input and up to three outputs, and its input.</summary>
    /// <param name="seed">Seed of structure, shapes and values.</param>
    /// <param name="vectorWidth">Most channel counts are multiples of it: only then can a part lie in its concatenation.</param>
    public static (QuantizedNetwork Network, Dictionary<int, sbyte[]> Inputs) Build(int seed, int vectorWidth)
    {
        var random = new Random(seed);
        int height = random.Next(1, 10),
            width = random.Next(1, 10);
        var tensors = new List<QuantizedTensor>();
        var layers = new List<QuantizedLayer>();
        var readable = new List<int>();
        int Channels() => random.Next(8) == 0 ? random.Next(1, 20) : vectorWidth * random.Next(1, 3);
        int Add(int channels, int? shares = null)
        {
            // One scale and zero point for nearly all, for the same reason.
            double scale =
                shares is int s ? tensors[s].Scale
                : random.Next(12) == 0 ? 0.07
                : 0.1;
            int zero =
                shares is int z ? tensors[z].ZeroPoint
                : random.Next(12) == 0 ? -5
                : 3;
            tensors.Add(
                new QuantizedTensor(tensors.Count, $"t{tensors.Count}", new TensorShape(1, height, width, channels), scale, zero, shares)
            );
            readable.Add(tensors.Count - 1);
            return tensors.Count - 1;
        }

        int Any() => readable[random.Next(readable.Count)];
        Add(Channels());
        for (int step = random.Next(3, 14); step > 0; step--)
        {
            int from = Any(),
                channels = tensors[from].Shape.Channels;
            switch (random.Next(6))
            {
                case 0 or 1:
                    layers.Add(Convolution(random, $"conv{layers.Count}", from, channels, Add(Channels()), tensors));
                    break;
                case 2:
                    layers.Add(
                        new AddLayer($"add{layers.Count}", from, Add(channels), -128, 127, Near(random, 0.6))
                        {
                            Residual = new ResidualAdd(from, Near(random, 0.5)),
                        }
                    );
                    break;
                case 3 when from != 0 && tensors[from].SharesStorageWith is null && readable.Count > 2:
                    // The stream is what follows; its parts may still be read by whoever wants them.
                    readable.Remove(from);
                    layers.Add(
                        Convolution(random, $"stream{layers.Count}", Any(), -1, Add(channels, from), tensors) with
                        {
                            Residual = new ResidualAdd(from, Near(random, 0.7)),
                        }
                    );
                    break;
                default:
                    // Mostly tensors that nobody has concatenated yet.
                    int[] fresh =
                    [
                        .. readable
                            .Where(t => t > 0 && !layers.OfType<ConcatLayer>().Any(c => c.Inputs.Contains(t)))
                            .OrderBy(_ => random.Next()),
                    ];
                    int count = random.Next(2, 4);
                    int[] parts =
                        fresh.Length >= count && random.Next(4) > 0 ? fresh[..count] : [.. Enumerable.Range(0, count).Select(_ => Any())];
                    if (parts.Sum(p => tensors[p].Shape.Channels) > 8 * vectorWidth)
                        continue;
                    int whole = Add(parts.Sum(p => tensors[p].Shape.Channels));
                    layers.Add(
                        new ConcatLayer(
                            $"concat{layers.Count}",
                            parts,
                            whole,
                            -128,
                            127,
                            [.. parts.Select(p => FixedPointScale.FromReal(tensors[p].Scale / tensors[whole].Scale))]
                        )
                    );
                    break;
            }
        }

        int[] outputs =
        [
            .. readable.Where(t => t > 0).OrderByDescending(t => t == tensors.Count - 1).ThenBy(_ => random.Next()).Take(random.Next(1, 4)),
        ];
        var network = new QuantizedNetwork($"graph {seed}", tensors, layers, [], [0], outputs);
        return (network, new() { [0] = Counts(random, tensors[0].Shape.Elements, -128) });
    }

    private static ConvLayer Convolution(Random random, string name, int from, int channels, int to, List<QuantizedTensor> tensors)
    {
        int inputs = channels < 0 ? tensors[from].Shape.Channels : channels,
            outputs = tensors[to].Shape.Channels,
            kernel = random.Next(3) == 0 ? 3 : 1,
            depth = kernel * kernel * inputs;
        return new ConvLayer(name, from, to, -128, 127)
        {
            Weights = Counts(random, (long)outputs * depth, -127),
            Bias = [.. Enumerable.Range(0, outputs).Select(_ => random.Next(-20000, 20001))],
            Scales = [.. Enumerable.Range(0, outputs).Select(_ => Near(random, 50 / (Math.Sqrt(depth) * 74 * 105)))],
            Kernel = (kernel, kernel),
            Padding = (kernel / 2, kernel / 2, kernel / 2, kernel / 2),
        };
    }

    private static FixedPointScale Near(Random random, double around) => FixedPointScale.FromReal(around * (0.5 + random.NextDouble()));

    private static sbyte[] Counts(Random random, long count, int low)
    {
        var counts = new sbyte[count];
        for (long i = 0; i < count; i++)
            counts[i] = (sbyte)random.Next(low, 128);
        return counts;
    }
}
