using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using NUnit.Framework;

namespace AccelGen.Network.Tests.Float;

/// <summary>A block is skippable only where skipping it leaves a valid stream.</summary>
public sealed class ResidualBlocksTests
{
    [Test]
    public void A_closed_branch_over_a_clamped_stream_is_skippable_and_writes_in_place()
    {
        FloatNetwork network = ResidualBlocks.Mark(Block());
        Assert.That(network.Blocks.Select(b => b.Name), Is.EqualTo(new[] { "block0" }));
        Assert.That(network.Layers.Select(l => l.Block), Is.EqualTo(new int?[] { null, 0, 0 }));
        Assert.That(network.Tensors[3].SharesStorageWith, Is.EqualTo(1));
    }

    [Test]
    public void A_stream_that_the_block_would_clamp_is_not_skippable() =>
        Assert.That(ResidualBlocks.Mark(Block(stream: OutputRange.Unbounded)).Blocks, Is.Empty);

    [Test]
    public void A_branch_that_something_else_reads_is_not_skippable() =>
        Assert.That(ResidualBlocks.Mark(Block(outputs: [2, 3])).Blocks, Is.Empty);

    [Test]
    public void A_stream_that_is_read_after_the_block_is_not_overwritten() =>
        Assert.That(ResidualBlocks.Mark(Block(outputs: [1, 3])).Blocks, Is.Empty);

    private static FloatNetwork Block(OutputRange? stream = null, int[]? outputs = null)
    {
        var shape = new TensorShape(1, 4, 4, 2);
        FloatConv Conv(string name, int from, int to) => new(name, from, to) { Weights = new float[4], Bias = new float[2], Kernel = (1, 1), Range = OutputRange.Relu };
        return new FloatNetwork(
            "n",
            [.. Enumerable.Range(0, 4).Select(i => new FloatTensor(i, $"t{i}", shape))],
            [Conv("/stem/Conv", 0, 1) with { Range = stream ?? OutputRange.Relu }, Conv("/block0/conv1/Conv", 1, 2), Conv("/block0/conv2/Conv", 2, 3) with { Residual = 1 }],
            [], [0], outputs ?? [3]);
    }
}
