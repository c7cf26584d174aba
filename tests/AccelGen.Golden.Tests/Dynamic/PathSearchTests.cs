using AccelGen.Network.Dynamic;
using AccelGen.Network.Quantized;
using NUnit.Framework;

namespace AccelGen.Golden.Tests.Dynamic;

/// <summary>The search leaves out first what changes nothing.</summary>
public sealed class PathSearchTests
{
    [Test]
    public void What_the_classes_do_not_depend_on_goes_first()
    {
        // Two cuts of different sizes; the reader of the larger one has no weights for its last half.
        QuantizedTensor[] tensors =
        [
            .. new[] { 3, 16, 8, 32, 4 }.Select((c, i) => new QuantizedTensor(i, $"t{i}", new TensorShape(1, 4, 4, c), 0.05, 0)),
        ];
        var random = new Random(7);
        ConvLayer Conv(string name, int from, int to, Func<int, sbyte> weight) =>
            new(name, from, to, -128, 127)
            {
                Weights =
                [
                    .. Enumerable
                        .Range(0, tensors[from].Shape.Channels * tensors[to].Shape.Channels)
                        .Select(i => weight(i % tensors[from].Shape.Channels)),
                ],
                Bias = new int[tensors[to].Shape.Channels],
                Scales = [.. Enumerable.Repeat(FixedPointScale.FromReal(0.01), tensors[to].Shape.Channels)],
                Kernel = (1, 1),
            };
        sbyte Any(int channel) => (sbyte)random.Next(-100, 100);
        var network = new QuantizedNetwork(
            "n",
            tensors,
            [Conv("a", 0, 1, Any), Conv("b", 1, 2, Any), Conv("c", 2, 3, Any), Conv("d", 3, 4, c => c < 16 ? Any(c) : (sbyte)0)],
            [],
            [0],
            [4]
        );
        IReadOnlyList<ChannelCut> cuts = ChannelCuts.Find(network);
        Assert.That(cuts.Select(c => c.Channels), Is.EqualTo(new[] { 16, 8, 32 }));
        OrderedCut[] ordered = [.. cuts.Select(c => new OrderedCut(c, ChannelOrder.OfFile(c), null))];
        sbyte[][] samples =
        [
            .. Enumerable.Range(0, 3).Select(_ => Enumerable.Range(0, 48).Select(_ => (sbyte)random.Next(-128, 128)).ToArray()),
        ];
        static long Work(QuantizedNetwork n, ExecutionPath p) =>
            n
                .Layers.Cast<ConvLayer>()
                .Sum(l =>
                    (long)(l.InputExtent is int i ? p.Extents[i] : n.Tensors[l.Input].Shape.Channels)
                    * (l.OutputExtent is int o ? p.Extents[o] : n.Tensors[l.Output].Shape.Channels)
                );
        IReadOnlyList<PathPlan> found = new PathSearch(network, ordered, 4, Work).Run(samples, 20);
        Assert.That(found[0].Kept, Is.Empty);
        Assert.That(
            found[1].Kept,
            Is.EquivalentTo(new Dictionary<int, int> { [3] = 16 }),
            "half of the larger cut, which no class depends on"
        );
        DynamicNetwork prepared = DynamicNetwork.Prepare(network, ordered, found, 4, 16);
        Assert.That(prepared.Paths.Select(p => Work(prepared.Network, p)), Is.Ordered.Descending);
    }
}
