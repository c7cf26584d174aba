using AccelGen.Network.Dynamic;
using AccelGen.Network.Quantized;
using NUnit.Framework;

namespace AccelGen.Golden.Tests.Dynamic;

/// <summary>Means are taken in where the path's classes come nearer to those of the whole network by them.</summary>
public sealed class PathChangesTests
{
    [TestCase(1, true)]
    [TestCase(-20, false)]
    public void Means_are_taken_in_where_they_do_good(int factor, bool taken)
    {
        (QuantizedNetwork network, OrderedCut cut, sbyte[][] samples) = Network(factor);
        PathPlan[] plans = [Plan("all", 8), .. Enumerable.Range(1, 7).Select(k => Plan($"{k}", k))];
        IReadOnlyList<PathPlan> best = PathChanges.WithBestMeans(network, [cut], plans, 1, samples);
        Assert.That(best.Select(p => p.Name), Is.EqualTo(plans.Select(p => p.Name)));
        Assert.That(best.Select(p => p.TakesMeansOf([cut])), Is.EqualTo(new bool?[] { null }.Concat(Enumerable.Repeat<bool?>(taken, 7))));
    }

    [Test]
    public void A_path_that_takes_no_means_computes_what_it_computes_without_them()
    {
        (QuantizedNetwork network, OrderedCut cut, sbyte[][] samples) = Network(1);
        sbyte[] Run(OrderedCut of, PathPlan plan)
        {
            DynamicNetwork prepared = DynamicNetwork.Prepare(network, [of], [Plan("all", 8), plan], 1, 16);
            return GoldenExecutor.Run(prepared.Network, prepared.Paths[1], new Dictionary<int, sbyte[]> { [0] = samples[0] })[2];
        }

        sbyte[] without = Run(cut with { Means = null }, Plan("half", 4));
        Assert.That(Run(cut, Plan("half", 4) with { TakesMeans = false }), Is.EqualTo(without));
        Assert.That(Run(cut, Plan("half", 4)), Is.Not.EqualTo(without));
    }

    private static PathPlan Plan(string name, int kept) => new(name, new HashSet<int>(), new Dictionary<int, int> { [1] = kept });

    // Eight channels far from zero that hardly change, four classes; the means of the cut times a factor.
    private static (QuantizedNetwork Network, OrderedCut Cut, sbyte[][] Samples) Network(int factor)
    {
        var random = new Random(11);
        QuantizedTensor[] tensors =
        [
            .. new[] { 3, 8, 4 }.Select((c, i) => new QuantizedTensor(i, $"t{i}", new TensorShape(1, 4, 4, c), 0.05, 0)),
        ];
        ConvLayer Conv(string name, int from, int to, int bias, double scale) =>
            new(name, from, to, -128, 127)
            {
                Weights =
                [
                    .. Enumerable
                        .Range(0, tensors[from].Shape.Channels * tensors[to].Shape.Channels)
                        .Select(_ => (sbyte)random.Next(-50, 51)),
                ],
                Bias = [.. Enumerable.Repeat(bias, tensors[to].Shape.Channels)],
                Scales = [.. Enumerable.Repeat(FixedPointScale.FromReal(scale), tensors[to].Shape.Channels)],
                Kernel = (1, 1),
            };
        var network = new QuantizedNetwork("n", tensors, [Conv("a", 0, 1, 16000, 0.005), Conv("b", 1, 2, 0, 0.01)], [], [0], [2]);
        sbyte[][] samples =
        [
            .. Enumerable.Range(0, 4).Select(_ => Enumerable.Range(0, 48).Select(_ => (sbyte)random.Next(-128, 128)).ToArray()),
        ];
        ChannelCut cut = ChannelCuts.Find(network).Single();
        double[] means = [.. PathStatistics.Collect(network, [cut], samples)[0].Mean.Select(m => m * factor)];
        return (network, new OrderedCut(cut, ChannelOrder.OfFile(cut), means), samples);
    }
}
