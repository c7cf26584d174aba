using AccelGen.Files;
using AccelGen.Network.Architectures;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using NUnit.Framework;

namespace AccelGen.Golden.Tests.Dynamic;

/// <summary>
/// Paths that keep part of the channels: the whole network computes what it did, and a path what the network of the file
/// computes when the weights of the dropped channels are zero.
/// </summary>
public sealed class DynamicNetworkTests
{
    private const int VectorWidth = 32,
        Seed = 5;

    private static readonly Lazy<(QuantizedNetwork Network, sbyte[][] Inputs)> SegFormerB0 = new(() =>
    {
        FloatNetwork network = SegFormer.Build(SegFormer.Variant("segformer-b0"), 64, 64, Seed);
        var random = new Random(Seed);
        float[][] inputs =
        [
            .. Enumerable
                .Range(0, 2)
                .Select(_ => Enumerable.Range(0, 64 * 64 * 3).Select(_ => (float)((random.NextDouble() * 4) - 2)).ToArray()),
        ];
        QuantizedNetwork quantized = Quantizer.Quantize(network, Quantizer.Calibrate(network, inputs, CalibrationMethod.MinMax));
        return (quantized, [.. inputs.Select(i => Quantizer.QuantizeValues(quantized.Tensors[quantized.Inputs[0]], i))]);
    });

    [Test]
    public void SegFormer_has_a_cut_in_each_mlp_and_at_both_convolutions_of_the_decoder()
    {
        QuantizedNetwork network = SegFormerB0.Value.Network;
        IReadOnlyList<ChannelCut> cuts = ChannelCuts.Find(network);
        string[] readers = [.. cuts.Select(c => network.Layers[c.Reader].Name)];
        TestContext.Out.WriteLine(
            string.Join(
                Environment.NewLine,
                cuts.Select(c =>
                    $"{network.Layers[c.Reader].Name}: {c.Channels}, "
                    + $"{string.Join("; ", c.Parts.Select(p => string.Join(" ", p.Layers.Select(l => network.Layers[l].Name))))}"
                )
            )
        );
        Assert.That(
            readers.Count(n => n.Contains("mlp", StringComparison.Ordinal) || n.Contains("fc2", StringComparison.Ordinal)),
            Is.EqualTo(8)
        );
        ChannelCut fuse = cuts.Single(c => c.Parts.Count == 4);
        Assert.That(fuse.Parts.Select(p => p.Channels), Is.EqualTo(new[] { 256, 256, 256, 256 }));
        Assert.That(cuts.Select(c => c.Channels), Has.Some.EqualTo(256));
    }

    [Test]
    public void SegFormer_has_a_cut_at_every_attention_with_several_heads()
    {
        QuantizedNetwork network = SegFormerB0.Value.Network;
        ChannelCut[] heads = [.. ChannelCuts.Find(network).Where(c => c.Unit > 1)];
        Assert.That(
            heads.Select(c => (c.Channels, c.Unit)),
            Is.EqualTo(new[] { (64, 32), (64, 32), (160, 32), (160, 32), (256, 32), (256, 32) })
        );
        // Queries, keys and values; scores, their softmax, and the product with the values.
        Assert.That(heads.Select(c => (c.Parts[0].Layers.Count, c.HeadLayers.Count)), Is.All.EqualTo((3, 3)));
    }

    [Test]
    public void Part_of_an_attention_head_is_refused_with_the_nearest_whole_one()
    {
        QuantizedNetwork network = SegFormerB0.Value.Network;
        ChannelCut cut = ChannelCuts.Find(network).Last(c => c.Unit > 1);
        var ordered = new OrderedCut(cut, ChannelOrder.OfFile(cut), null);
        PathPlan Keeping(int channels) => new("some", new HashSet<int>(), new Dictionary<int, int> { [cut.Reader] = channels });
        InputException part = Assert.Throws<InputException>(() => DynamicNetwork.Prepare(network, [ordered], [Keeping(80)], 16, 16));
        Assert.That(part.Message, Does.Contain("whole attention heads are kept: multiples of 32, such as 64"));
        InputException narrow = Assert.Throws<InputException>(() => DynamicNetwork.Prepare(network, [ordered], [Keeping(64)], 64, 16));
        Assert.That(narrow.Message, Does.Contain("its attention heads have 32 channels, no whole number of vectors of 64"));
    }

    [Test]
    public void Heads_are_ordered_whole_by_what_their_channels_are_worth_together()
    {
        ChannelCut cut = ChannelCuts.Find(SegFormerB0.Value.Network).Last(c => c.Unit > 1);
        // The dearest channel is in head 2, but head 5 is worth more as a whole.
        double[] importance =
        [
            .. Enumerable
                .Range(0, cut.Channels)
                .Select(c =>
                    c == (2 * cut.Unit) + 3 ? 4.0
                    : c / cut.Unit == 5 ? 1
                    : 0.1
                ),
        ];
        int[] order = ChannelOrder.ByImportance(cut, importance, VectorWidth);
        Assert.That(order.Chunk(cut.Unit).Select(h => h[0] / cut.Unit).Take(3), Is.EqualTo(new[] { 5, 2, 0 }));
        Assert.That(order.Chunk(cut.Unit).All(h => h.Zip(h.Skip(1), (a, b) => b == a + 1).All(next => next)), Is.True);
    }

    [TestCase(true, true)]
    [TestCase(true, false)]
    [TestCase(false, true)]
    [TestCase(false, false)]
    public void A_path_computes_what_zero_weights_for_the_dropped_channels_compute(bool byImportance, bool means)
    {
        (QuantizedNetwork network, sbyte[][] inputs) = SegFormerB0.Value;
        IReadOnlyList<ChannelCut> cuts = ChannelCuts.Find(network);
        IReadOnlyList<ChannelStatistics> statistics = PathStatistics.Collect(network, cuts, inputs);
        OrderedCut[] ordered =
        [
            .. cuts.Select(
                (c, i) =>
                    new OrderedCut(
                        c,
                        byImportance
                            ? ChannelOrder.ByImportance(
                                c,
                                ChannelOrder.Importance((ConvLayer)network.Layers[c.Reader], statistics[i]),
                                VectorWidth
                            )
                            : ChannelOrder.OfFile(c),
                        means ? statistics[i].Mean : null
                    )
            ),
        ];
        PathPlan[] plans =
        [
            new PathPlan("whole", new HashSet<int>(), new Dictionary<int, int>()),
            new PathPlan("three quarters", new HashSet<int> { 3 }, cuts.ToDictionary(c => c.Reader, c => c.Fraction(0.75, VectorWidth))),
            new PathPlan("half of the first", new HashSet<int>(), new Dictionary<int, int> { [cuts[0].Reader] = cuts[0].Channels / 2 }),
            new PathPlan("a quarter", new HashSet<int> { 1, 6 }, cuts.ToDictionary(c => c.Reader, c => c.Fraction(0.25, VectorWidth))),
        ];
        DynamicNetwork prepared = DynamicNetwork.Prepare(network, ordered, plans, VectorWidth, 16);
        for (int p = 0; p < plans.Length; p++)
        {
            sbyte[] want = Output(
                Zeroed(network, ordered, plans[p]),
                new ExecutionPath("reference", plans[p].SkippedBlocks, new Dictionary<int, int>()),
                inputs[0]
            );
            sbyte[] got = Output(prepared.Network, prepared.Paths[p], inputs[0]);
            Assert.That(got, Is.EqualTo(want), plans[p].Name);
        }

        if (byImportance)
            Assert.That(ordered.Any(o => !o.Order.SequenceEqual(ChannelOrder.OfFile(o.Cut))));
    }

    [TestCase(0, "legal are 1 to 128")]
    [TestCase(129, "legal are 1 to 128")]
    public void Channels_that_are_not_there_are_refused(int kept, string says)
    {
        QuantizedNetwork network = SegFormerB0.Value.Network;
        ChannelCut cut = ChannelCuts.Find(network)[0];
        var plan = new PathPlan("p", new HashSet<int>(), new Dictionary<int, int> { [cut.Reader] = kept });
        Assert.That(
            () => DynamicNetwork.Prepare(network, [new OrderedCut(cut, ChannelOrder.OfFile(cut), null)], [plan], VectorWidth, 16),
            Throws.InstanceOf<InputException>().With.Message.Contains(says)
        );
    }

    [Test]
    public void Parts_of_vectors_behind_a_concatenation_and_too_many_registers_are_refused()
    {
        QuantizedNetwork network = SegFormerB0.Value.Network;
        IReadOnlyList<ChannelCut> cuts = ChannelCuts.Find(network);
        ChannelCut fuse = cuts.Single(c => c.Parts.Count > 1);
        OrderedCut[] ordered = [.. cuts.Select(c => new OrderedCut(c, ChannelOrder.OfFile(c), null))];
        PathPlan Plan(string name, Func<ChannelCut, int> kept) => new(name, new HashSet<int>(), cuts.ToDictionary(c => c.Reader, kept));
        Assert.That(
            () => DynamicNetwork.Prepare(network, ordered, [Plan("p", c => c == fuse ? 500 : c.Channels)], VectorWidth, 16),
            Throws.InstanceOf<InputException>().With.Message.Contains("multiples of 32, such as 480")
        );
        Assert.That(
            () =>
                DynamicNetwork.Prepare(
                    network,
                    ordered,
                    [Plan("p", c => c.Channels), Plan("q", c => c.Unit > 1 ? c.Channels : c.Channels - 64)],
                    VectorWidth,
                    3
                ),
            Throws.InstanceOf<InputException>().With.Message.Contains("dynamic registers").And.Message.Contains("there are 3")
        );
    }

    // The network of the file, with zeros for the weights of what the path drops, and what it gives on average in the biases.
    private static QuantizedNetwork Zeroed(QuantizedNetwork network, OrderedCut[] cuts, PathPlan plan)
    {
        QuantizedLayer[] layers = [.. network.Layers];
        foreach (OrderedCut cut in cuts.Where(c => plan.Kept.ContainsKey(c.Cut.Reader)))
        {
            var reader = (ConvLayer)layers[cut.Cut.Reader];
            bool[] dropped = new bool[cut.Cut.Channels];
            foreach (int c in cut.Order.Skip(plan.Kept[cut.Cut.Reader]))
                dropped[c] = true;
            int run = reader.Weights.Length / reader.Bias.Length;
            int[] bias =
            [
                .. reader.Bias.Select(
                    (b, k) =>
                        b
                        + (int)
                            Math.Round(
                                Enumerable
                                    .Range(0, run)
                                    .Where(i => dropped[i % dropped.Length])
                                    .Sum(i => reader.Weights[(k * run) + i] * (cut.Means?[i % dropped.Length] ?? 0))
                            )
                ),
            ];
            layers[cut.Cut.Reader] = reader with
            {
                Weights = [.. reader.Weights.Select((w, i) => dropped[i % dropped.Length] ? (sbyte)0 : w)],
                Bias = bias,
            };
        }

        return network with
        {
            Layers = layers,
        };
    }

    private static sbyte[] Output(QuantizedNetwork network, ExecutionPath path, sbyte[] input) =>
        GoldenExecutor.Run(network, path, new Dictionary<int, sbyte[]> { [network.Inputs[0]] = input })[network.Outputs[0]];
}
