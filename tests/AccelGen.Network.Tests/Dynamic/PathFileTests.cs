using AccelGen.Files;
using AccelGen.Network.Architectures;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using NUnit.Framework;

namespace AccelGen.Network.Tests.Dynamic;

/// <summary>Path files: what they mean, and what is said of wrong ones.</summary>
public sealed class PathFileTests
{
    private const int VectorWidth = 32;

    private static readonly Lazy<QuantizedNetwork> Network = new(() =>
    {
        FloatNetwork network = SegFormer.Build(SegFormer.Variant("segformer-b0"), 64, 64, 1);
        int ranges = network.Tensors.Count + network.Layers.Count(l => l.Activation.Kind != ActivationKind.None);
        return Quantizer.Quantize(network, [.. Enumerable.Repeat(new ValueRange(-4, 4), ranges)]);
    });

    private static IReadOnlyList<ChannelCut> Cuts => ChannelCuts.Find(Network.Value);

    [Test]
    public void Names_patterns_counts_and_fractions_are_read()
    {
        IReadOnlyList<PathPlan> plans = Parse(
            """
            {"paths": [
              {"name": "whole"},
              {"name": "p", "skip": ["stage3.block1", "0", 2], "keep": {"decoder.linear_fuse": "1/2", "decoder.linear_pred": 100, "stage1*": 0.7}}
            ]}
            """
        );
        Assert.That(plans.Select(p => p.Name), Is.EqualTo(new[] { "whole", "p" }));
        Assert.That(plans[0].SkippedBlocks, Is.Empty);
        Assert.That(plans[1].SkippedBlocks, Is.EquivalentTo(new[] { 0, 2, 5 }), "by name, by number in a text, by number");
        var kept = plans[1].Kept.ToDictionary(k => Network.Value.Layers[k.Key].Name, k => k.Value);
        Assert.That(
            kept,
            Is.EquivalentTo(
                new Dictionary<string, int>
                {
                    ["decoder.linear_fuse"] = 512,
                    ["decoder.linear_pred"] = 100,
                    ["stage1.block0.mlp.fc2"] = 96,
                    ["stage1.block1.mlp.fc2"] = 96,
                }
            )
        );
    }

    [Test]
    public void What_is_written_is_read_back()
    {
        IReadOnlyList<PathPlan> ladder = DefaultLadder.Create(Network.Value, Cuts, VectorWidth, 16);
        Assert.That(ladder, Has.Count.GreaterThanOrEqualTo(12));
        Assert.That(ladder.Select(p => p.Name).Distinct().Count(), Is.EqualTo(ladder.Count));
        IReadOnlyList<PathPlan> back = Parse(PathFile.Write(Network.Value, Cuts, ladder));
        Assert.That(back.Select(p => p.Name), Is.EqualTo(ladder.Select(p => p.Name)));
        Assert.That(
            back.Zip(ladder)
                .All(p =>
                    p.First.SkippedBlocks.SetEquals(p.Second.SkippedBlocks)
                    && p.First.Kept.OrderBy(k => k.Key).SequenceEqual(p.Second.Kept.OrderBy(k => k.Key))
                )
        );
    }

    // Head rungs, then single cuts are left out where the dynamic registers do not last.
    [TestCase(16, true, true)]
    [TestCase(10, false, true)]
    [TestCase(5, false, true)]
    [TestCase(4, false, false)]
    public void The_default_ladder_takes_no_more_registers_than_there_are(int registers, bool heads, bool channels)
    {
        IReadOnlyList<PathPlan> ladder = DefaultLadder.Create(Network.Value, Cuts, VectorWidth, registers);
        OrderedCut[] ordered =
        [
            .. Cuts.Where(c => ladder.Any(p => p.KeptOf(c) < c.Channels)).Select(c => new OrderedCut(c, ChannelOrder.OfFile(c), null)),
        ];
        Assert.That(() => DynamicNetwork.Prepare(Network.Value, ordered, ladder, VectorWidth, registers), Throws.Nothing);
        Assert.That(
            (ladder.Any(p => p.Name.StartsWith("heads", StringComparison.Ordinal)), ladder.Any(p => p.Kept.Count > 0)),
            Is.EqualTo((heads, channels))
        );
        Assert.That(ladder, Has.Count.GreaterThanOrEqualTo(4));
    }

    [TestCase("{", "not JSON")]
    [TestCase("[]", "the root: []; legal is an object with paths")]
    [TestCase("{}", "paths: missing or null; legal is a list")]
    [TestCase("""{"paths": []}""", "give at least one path")]
    [TestCase("""{"paths": [3]}""", "paths[0]: 3; legal is an object with name, skip, keep")]
    [TestCase("""{"paths": [{"name": ""}]}""", "paths[0].name: \"\"; legal is a text that is not blank")]
    [TestCase("""{"paths": [{"name": "  "}]}""", "paths[0].name: \"  \"; legal is a text that is not blank")]
    [TestCase(
        """{"paths": [{"name": "a", "keep": {"stage4.block0.attention.proj": 48}}]}""",
        "48; legal is the channels of whole attention heads, a multiple of 32 up to 256"
    )]
    [TestCase("""{"paths": [{"name": "a"}, {"name": "a"}]}""", "'a' is the name of two paths")]
    [TestCase("""{"paths": [{"name": "a", "skipp": []}]}""", "paths[0].skipp: there is no such field; legal are name, skip, keep")]
    [TestCase("""{"paths": [{"name": "a", "skip": ["nothing"]}]}""", "'nothing' is no block; legal are 0 to 7")]
    [TestCase("""{"paths": [{"name": "a", "skip": [{}]}]}""", "legal is names, indices or ranges of blocks")]
    [TestCase(
        """{"paths": [{"name": "a", "keep": {"fuse": 3}}]}""",
        "matches no layer that can read fewer channels; those are stage1.block0.mlp.fc2"
    )]
    [TestCase("""{"paths": [{"name": "a", "keep": {"decoder.linear_pred": 257}}]}""", "257; legal is a number of channels, 1 to 256")]
    [TestCase("""{"paths": [{"name": "a", "keep": {"decoder.linear_pred": 0}}]}""", "legal is a number of channels")]
    [TestCase("""{"paths": [{"name": "a", "keep": {"decoder.linear_pred": "3/2"}}]}""", "a fraction above 0 and at most 1")]
    [TestCase("""{"paths": [{"name": "a", "keep": {"decoder.linear_pred": "1/0"}}]}""", "a fraction above 0 and at most 1")]
    [TestCase("""{"paths": [{"name": "a", "keep": []}]}""", "legal is an object of layer names")]
    public void A_wrong_file_is_explained(string text, string says) =>
        Assert.That(
            () => Parse(text),
            Throws.InstanceOf<InputException>().With.Message.Contains("paths.json: ").And.Message.Contains(says)
        );

    [Test]
    public void All_problems_are_named_at_once() =>
        Assert.That(
            () => Parse("""{"paths": [{"name": "a", "skip": ["x"], "keep": {"y": 1}}, {"keep": {"decoder.linear_pred": 900}}]}"""),
            Throws
                .InstanceOf<InputException>()
                .With.Message.Contains("'x'")
                .And.Message.Contains(".y:")
                .And.Message.Contains("paths[1].name")
                .And.Message.Contains("900")
        );

    private static IReadOnlyList<PathPlan> Parse(string text) => PathFile.Parse(text, "paths.json", Network.Value, Cuts, VectorWidth);
}
