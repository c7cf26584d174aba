using AccelGen.Files;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Float;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Network.Tests.Dynamic;

/// <summary>Which files are subnets of another, and why others are none.</summary>
public sealed class SubnetMatchTests
{
    private const int Size = 12;

    private static int Seed => Setting.Seed(7700);

    private static readonly SubnetSizes Smaller = new(24, [16, 24], 40);

    private static FloatNetwork Whole(SubnetModels? models = null, SubnetSizes? sizes = null) =>
        SubnetModels.Import((models ?? new SubnetModels(Seed, Size)).Build(sizes ?? SubnetModels.Largest, 1), "whole");

    [Test]
    public void Factors_are_those_of_the_normalisations_and_blocks_that_are_not_there_are_left_out()
    {
        float[][] gamma =
        [
            [],
            [],
        ];
        int which = 0;
        SubnetModels Models() =>
            new(Seed, Size)
            {
                Change = (name, values) =>
                {
                    if (name == "down.g")
                        gamma[which] = [.. values];
                    else if (name == "down.v")
                        Array.Fill(values, 1 - 1e-5f);
                },
            };
        FloatNetwork whole = Whole(Models());
        which = 1;
        SubnetMatch match = SubnetMatch.Find(whole, SubnetModels.Import(Models().Build(Smaller, 2), "sub"), "sub");
        Assert.That(match.SkippedBlocks.Select(b => whole.Blocks[b].Name), Is.EqualTo(new[] { "block2" }));
        Assert.That(match.Layers, Is.Ordered.Ascending.And.Unique);
        int down = Enumerable.Range(0, match.Layers.Count).First(i => whole.Layers[match.Layers[i]].Name == "/down/Conv");
        Assert.That(match.Factors[down], Has.Length.EqualTo(Smaller.Last));
        for (int k = 0; k < Smaller.Last; k++)
            Assert.That(match.Factors[down][k], Is.EqualTo((double)gamma[1][k] / gamma[0][k]).Within(1e-5));
        Assert.That(match.Channels(whole).Values.Distinct().Order(), Is.EqualTo(new[] { SubnetModels.Classes, 16, 24, Smaller.Last }));
    }

    [TestCase("stem.w", "/stem/Conv")]
    [TestCase("block1.conv2.w", "/block1.conv2/Conv")]
    [TestCase("head.w", "/head/Gemm")]
    public void The_first_layer_whose_weights_are_others_is_named(string weights, string layer)
    {
        // One weight of the subnet, by a hundredth of the largest.
        var changed = new SubnetModels(Seed, Size) { Change = (name, values) => values[0] += name == weights ? 0.01f * values.Max() : 0 };
        string message = Refusal(Whole(), changed.Build(Smaller, 2));
        Assert.That(
            message,
            Does.StartWith("sub is no subnet of whole: ")
                .And.Contain(
                    $"layer {layer} against {layer} of whole: the weights of output channel 0 are no multiple of the "
                        + $"first ones of channel 0 there"
                )
        );
    }

    [Test]
    public void Another_network_is_refused_at_its_first_layer() =>
        Assert.That(
            Refusal(Whole(), new SubnetModels(Seed + 1, Size).Build(Smaller, 2)),
            Does.Contain("layer /stem/Conv against /stem/Conv").And.Contains("no multiple")
        );

    [Test]
    public void Another_image_size_is_refused() =>
        Assert.That(
            Refusal(Whole(), new SubnetModels(Seed, Size + 4).Build(Smaller, 2)),
            Is.EqualTo(
                "sub is no subnet of whole: its input: 16x16 with 3 channels; whole has 12x12 with 3; export both for one input size"
            )
        );

    [Test]
    public void More_channels_than_the_whole_network_has_are_refused() =>
        Assert.That(
            Refusal(Whole(sizes: Smaller), new SubnetModels(Seed, Size).Build(SubnetModels.Largest, 2)),
            Does.Contain("layer /stem/Conv").And.Contains("the channels not more")
        );

    [Test]
    public void More_operations_than_the_whole_network_has_are_refused()
    {
        string message = Refusal(Whole(sizes: Smaller), new SubnetModels(Seed, Size).Build(Smaller with { Middle = [16, 24, 8] }, 2));
        Assert.That(message, Does.Contain("layer /block2.conv1/Conv against /down/Conv of whole"));
    }

    [Test]
    public void Fewer_operations_are_refused_where_no_block_can_be_left_out()
    {
        // Without the ReLU that every shortcut has, blocks clamp what they add to.
        var models = new SubnetModels(Seed, Size) { First = "HardSwish" };
        string message = Refusal(Whole(models), models.Build(Smaller with { Middle = [] }, 2));
        Assert.That(message, Does.Contain("layer /down/Conv against /block0.conv1/Conv of whole: another kernel: 3x3 instead of 1x1"));
    }

    [Test]
    public void A_factor_of_another_sign_is_refused()
    {
        var turned = new SubnetModels(Seed, Size) { Change = (name, values) => values[3] *= name == "down.g" ? -1 : 1 };
        Assert.That(
            Refusal(Whole(), turned.Build(Smaller, 2)),
            Does.Contain("layer /down/Conv").And.Contains("output channel 3").And.Contains("a factor below 0")
        );
    }

    [Test]
    public void Another_activation_is_refused() =>
        Assert.That(
            Refusal(Whole(), new SubnetModels(Seed, Size) { Activation = "HardSwish" }.Build(Smaller, 2)),
            Does.Contain("layer /block0.conv1/Conv").And.Contains("another activation")
        );

    private static string Refusal(FloatNetwork whole, byte[] subnet) =>
        Assert.Throws<InputException>(() => SubnetMatch.Find(whole, SubnetModels.Import(subnet, "sub"), "sub"))!.Message;
}
