using AccelGen.Config;
using AccelGen.Golden;
using AccelGen.Network.Architectures;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using AccelGen.Tests.Shared;

namespace AccelGen.Sim.Tests.Dynamic;

/// <summary>Paths of a small SegFormer that skip blocks and keep fewer and fewer channels of every layer that can do with fewer.</summary>
internal static class PathLadder
{
    /// <summary>Prepares the network.</summary>
    /// <param name="config">Configuration.</param>
    /// <param name="size">Rows and columns of the image.</param>
    /// <param name="seed">Seed of weights and images.</param>
    /// <param name="byImportance">Channels by importance and with means, or in the order of the network.</param>
    /// <param name="late">Paths that part late: by blocks of stages 2 and 3, and by the channels of the decoder alone.</param>
    /// <param name="heads">Attention heads in place of channels.</param>
    /// <returns>The network with five paths from whole to a quarter, or eight that part late, and two inputs in counts.</returns>
    public static (DynamicNetwork Network, sbyte[][] Inputs) OfSegFormer(
        AcceleratorConfig config,
        int size,
        int seed,
        bool byImportance,
        bool late = false,
        bool heads = false
    )
    {
        int width = config.Array.VectorWidth;
        FloatNetwork network = SegFormer.Build(SegFormer.Variant("segformer-b0"), size, size, seed);
        float[][] inputs = [.. Enumerable.Range(0, 2).Select(i => RandomNetworks.Values(new Random(seed + i), size * size * 3, 1))];
        QuantizedNetwork quantized = Quantizer.Quantize(network, Quantizer.Calibrate(network, inputs, CalibrationMethod.MinMax));
        sbyte[][] counts = [.. inputs.Select(i => Quantizer.QuantizeValues(quantized.Tensors[quantized.Inputs[0]], i))];
        IReadOnlyList<ChannelCut> cuts = [.. ChannelCuts.Find(quantized).Where(c => c.Unit > 1 == heads)];
        IReadOnlyList<ChannelStatistics> statistics = PathStatistics.Collect(quantized, cuts, counts);
        OrderedCut[] ordered =
        [
            .. cuts.Select(
                (c, i) =>
                    new OrderedCut(
                        c,
                        byImportance
                            ? ChannelOrder.ByImportance(
                                c,
                                ChannelOrder.Importance((ConvLayer)quantized.Layers[c.Reader], statistics[i]),
                                width
                            )
                            : ChannelOrder.OfFile(c),
                        byImportance ? statistics[i].Mean : null
                    )
            ),
        ];
        Dictionary<int, int> Part(int of, int parts, int from = 0, int to = int.MaxValue) =>
            cuts.Where(c => c.Reader >= from && c.Reader < to)
                .ToDictionary(
                    c => c.Reader,
                    c => Math.Max(c.Unit, c.Channels * of / parts / Math.Max(width, c.Unit) * Math.Max(width, c.Unit))
                );
        int decoder = quantized.Layers.ToList().FindIndex(l => l.Name.Contains("linear_c", StringComparison.Ordinal));
        PathPlan[] plans = late
            ?
            [
                Plan("whole", [], []),
                Plan("decoder 3/4", [], Part(3, 4, decoder)),
                Plan("decoder 1/2", [], Part(1, 2, decoder)),
                Plan("decoder 1/4", [], Part(1, 4, decoder)),
                Plan("5", [5], []),
                Plan("5, decoder 1/2", [5], Part(1, 2, decoder)),
                Plan("encoder 1/2", [], Part(1, 2, to: cuts[0].Reader + 1)),
                Plan("2, 5, decoder 1/4", [2, 5], Part(1, 4, decoder)),
            ]
            :
            [
                Plan("whole", [], []),
                Plan("7/8", [], Part(7, 8)),
                Plan("3/4", [3], Part(3, 4)),
                Plan("1/2", [3, 6], Part(1, 2)),
                Plan("1/4", [1, 3, 6], Part(1, 4)),
            ];
        return (DynamicNetwork.Prepare(quantized, ordered, plans, width, config.Control.DynamicRegisters), counts);

        static PathPlan Plan(string name, HashSet<int> skipped, Dictionary<int, int> kept) => new(name, skipped, kept);
    }
}
