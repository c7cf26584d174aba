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

    [Test]
    public void A_stream_that_a_later_layer_reads_is_not_overwritten()
    {
        FloatNetwork network = Block();
        FloatConv late = (FloatConv)network.Layers[1] with { Name = "/late/Conv", Output = 4, Residual = 3 };
        network = network with
        {
            Tensors = [.. network.Tensors, network.Tensors[3] with { Id = 4 }],
            Layers = [.. network.Layers, late],
            Outputs = [4],
        };
        Assert.That(ResidualBlocks.Mark(network).Blocks, Is.Empty);
    }

    [TestCase("activation")]
    [TestCase("subtract")]
    [TestCase("broadcast")]
    [TestCase("transpose")]
    public void A_branch_whose_end_does_more_than_add_is_not_skippable(string end)
    {
        FloatNetwork network = Block();
        FloatLayer last = network.Layers[2];
        last = end switch
        {
            "activation" => last with { Activation = new Activation(ActivationKind.Gelu) },
            "subtract" => last with { ResidualSubtract = true },
            "broadcast" => last with { ResidualBroadcast = Broadcast.Pixels },
            _ => last with { TransposeOutput = true },
        };
        Assert.That(ResidualBlocks.Mark(network with { Layers = [network.Layers[0], network.Layers[1], last] }).Blocks, Is.Empty);
    }

    [Test]
    public void An_addition_with_its_operands_the_other_way_round_ends_a_branch_too()
    {
        FloatNetwork network = Block();
        FloatLayer[] layers =
        [
            network.Layers[0],
            network.Layers[1],
            new FloatAdd("/block0/Add", 1, 3) { Residual = 2, Range = OutputRange.Relu },
        ];
        FloatNetwork marked = ResidualBlocks.Mark(network with { Layers = layers });
        Assert.That(marked.Blocks, Has.Count.EqualTo(1));
        Assert.That((marked.Layers[2].Input, marked.Layers[2].Residual, marked.Tensors[3].SharesStorageWith), Is.EqualTo((2, 1, 1)));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void What_moves_pixels_into_the_shortcut_is_no_part_of_the_block_where_the_branch_reads_them_too(bool reads)
    {
        // The branch reads what the shortcut is, or what the shortcut is taken from.
        FloatNetwork network = Block();
        FloatTensor[] tensors = [.. network.Tensors, network.Tensors[3] with { Id = 4 }];
        FloatLayer[] layers =
        [
            network.Layers[0],
            (FloatConv)network.Layers[0] with
            {
                Name = "/Slice",
                Input = 1,
                Output = 3,
                IsDataMovement = true,
            },
            network.Layers[1] with
            {
                Input = reads ? 3 : 1,
            },
            network.Layers[2] with
            {
                Residual = 3,
                Output = 4,
            },
        ];
        FloatNetwork marked = ResidualBlocks.Mark(network with { Layers = layers, Tensors = tensors, Outputs = [4] });
        Assert.That(marked.Layers.Select(l => l.Block), Is.EqualTo(new int?[] { null, null, 0, 0 }));
    }

    [Test]
    public void Blocks_have_the_shortest_names_that_tell_them_apart()
    {
        FloatNetwork network = Block();
        var shape = network.Tensors[0].Shape;
        FloatLayer[] more =
        [
            .. network.Layers.Skip(1).Select(l => l with { Input = l.Input + 2, Output = l.Output + 2, Residual = l.Residual + 2 }),
        ];
        FloatLayer[] layers =
        [
            .. network.Layers.Take(1),
            .. network.Layers.Skip(1).Select(l => l with { Name = "/stage0" + l.Name }),
            .. more.Select(l => l with { Name = "/stage1" + l.Name }),
        ];
        network = network with
        {
            Tensors = [.. Enumerable.Range(0, 6).Select(i => new FloatTensor(i, $"t{i}", shape))],
            Layers = layers,
            Outputs = [5],
        };
        Assert.That(ResidualBlocks.Mark(network).Blocks.Select(b => b.Name), Is.EqualTo(new[] { "stage0/block0", "stage1/block0" }));
    }

    private static FloatNetwork Block(OutputRange? stream = null, int[]? outputs = null)
    {
        var shape = new TensorShape(1, 4, 4, 2);
        FloatConv Conv(string name, int from, int to) =>
            new(name, from, to)
            {
                Weights = new float[4],
                Bias = new float[2],
                Kernel = (1, 1),
                Range = OutputRange.Relu,
            };
        return new FloatNetwork(
            "n",
            [.. Enumerable.Range(0, 4).Select(i => new FloatTensor(i, $"t{i}", shape))],
            [
                Conv("/stem/Conv", 0, 1) with
                {
                    Range = stream ?? OutputRange.Relu,
                },
                Conv("/block0/conv1/Conv", 1, 2),
                Conv("/block0/conv2/Conv", 2, 3) with
                {
                    Residual = 1,
                },
            ],
            [],
            [0],
            outputs ?? [3]
        );
    }
}
