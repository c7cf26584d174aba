using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Compiler.Tests;

/// <summary>Where parts of concatenations lie. Compilation audits every plan by itself: a wrong one does not compile.</summary>
public sealed class ConcatenationTests
{
    private static int Seed => Setting.Seed(41);

    [Test]
    public void Parts_of_a_part_lie_in_the_outermost_concatenation()
    {
        AcceleratorConfig config = ConfigLoader.Load("tiny");
        int c0 = config.Array.VectorWidth;
        QuantizedNetwork network = Nested(c0);
        CompiledProgram program = new NetworkCompiler(config, new MemoryTiming()).Compile(network);
        TensorLayout outer = program.Tensors[5];
        Assert.That(
            new[] { 1, 2, 3 }.Select(t => program.Tensors[t].Address - outer.Address),
            Is.EqualTo(new[] { 0, outer.PlaneBytes, 2 * outer.PlaneBytes })
        );
        Assert.That(program.Layers.Where(l => l.Layer is ConcatLayer).Select(l => l.EndCommand - l.FirstCommand), Is.All.Zero);
    }

    [Test]
    public void A_part_that_is_read_after_its_whole_was_overwritten_in_place_keeps_memory_of_its_own()
    {
        AcceleratorConfig config = ConfigLoader.Load("tiny");
        int c0 = config.Array.VectorWidth;
        QuantizedNetwork nested = Nested(c0);
        var shape = new TensorShape(1, 3, 3, c0);
        QuantizedTensor[] tensors =
        [
            .. nested.Tensors,
            nested.Tensors[5] with
            {
                Id = 6,
                Name = "stream",
                SharesStorageWith = 5,
            },
            new(7, "late", shape, 0.1, 0),
        ];
        QuantizedLayer[] layers =
        [
            .. nested.Layers,
            new AddLayer("stream", 5, 6, -128, 127, FixedPointScale.FromReal(0.5))
            {
                Residual = new ResidualAdd(5, FixedPointScale.FromReal(0.5)),
            },
            Conv("late", 2, 7, c0),
        ];
        CompiledProgram program = new NetworkCompiler(config, new MemoryTiming()).Compile(
            new QuantizedNetwork("late", tensors, layers, [], [0], [6, 7])
        );
        TensorLayout outer = program.Tensors[5];
        Assert.That(program.Tensors[2].Address, Is.Not.InRange(outer.Address, outer.Address + outer.Bytes - 1));
        Assert.That(program.Tensors[1].Address, Is.EqualTo(outer.Address), "the others stay in place");
    }

    [TestCase("tiny")]
    [TestCase("small")]
    [TestCase("base")]
    [TestCase("wide")]
    public void Plans_of_random_graphs_pass_the_audit(string preset)
    {
        AcceleratorConfig config = ConfigLoader.Load(preset);
        int inPlace = 0,
            nested = 0,
            count = Setting.Iterations(150);
        for (int seed = Seed * 1000; seed < (Seed * 1000) + count; seed++)
        {
            (QuantizedNetwork network, _) = RandomQuantizedGraphs.Build(seed, config.Array.VectorWidth);
            CompiledProgram program;
            try
            {
                program = new NetworkCompiler(config, new MemoryTiming(), 1) { AnyTiling = new Random(seed) }.Compile(network);
            }
            catch (CompileException)
            {
                continue;
            }

            bool InPlace(ConcatLayer c, int part) =>
                program.Tensors[part].Address is var a
                && program.Tensors[c.Output] is var whole
                && a >= whole.Address
                && a < whole.Address + whole.Bytes;
            foreach (ConcatLayer concat in network.Layers.OfType<ConcatLayer>())
            {
                inPlace += concat.Inputs.Count(p => InPlace(concat, p));
                nested += network
                    .Layers.OfType<ConcatLayer>()
                    .Count(outer =>
                        outer.Inputs.Contains(concat.Output) && InPlace(outer, concat.Output) && concat.Inputs.Any(p => InPlace(concat, p))
                    );
            }
        }

        TestContext.Out.WriteLine(
            $"{preset}, seed {Seed}: {inPlace} parts in place, {nested} concatenations with parts in place within another"
        );
        Assert.That(new[] { inPlace, nested }, Has.All.Positive);
    }

    [Test]
    public void The_audit_finds_a_part_that_was_left_behind()
    {
        AcceleratorConfig config = ConfigLoader.Load("tiny");
        QuantizedNetwork network = Nested(config.Array.VectorWidth);
        CompiledProgram program = new NetworkCompiler(config, new MemoryTiming()).Compile(network);
        TensorLayout[] layouts = [.. program.Tensors];
        Assert.That(Audit(layouts), Is.Empty);
        layouts[3] = layouts[3] with { Address = layouts[3].Address - layouts[3].PlaneBytes };
        Assert.That(Audit(layouts), Has.One.Contains("the network ends with outer"));
        layouts[3] = program.Tensors[1];
        Assert.That(Audit(layouts), Has.One.Contains("the network ends with outer"), "on top of c1");
        layouts[3] = program.Tensors[3];
        layouts[1] = program.Tensors[0];
        Assert.That(Audit(layouts), Has.One.Contains("layer c2 reads x"), "on top of the input, which others still read");

        IReadOnlyList<string> Audit(TensorLayout[] at) =>
            new StorageAudit(
                network,
                at,
                config.Array.VectorWidth,
                [.. Enumerable.Range(0, network.Layers.Count)],
                [.. network.Layers.Select(_ => true)]
            ).Problems();
    }

    // outer = Concat(c1, inner = Concat(c2, c3)), a vector of channels each.
    private static QuantizedNetwork Nested(int c0)
    {
        var shape = new TensorShape(1, 3, 3, c0);
        QuantizedTensor Tensor(int id, string name, int channels) => new(id, name, shape with { Channels = channels }, 0.1, 0);
        FixedPointScale one = FixedPointScale.FromReal(1);
        return new QuantizedNetwork(
            "nested",
            [
                Tensor(0, "x", c0),
                Tensor(1, "c1", c0),
                Tensor(2, "c2", c0),
                Tensor(3, "c3", c0),
                Tensor(4, "inner", 2 * c0),
                Tensor(5, "outer", 3 * c0),
            ],
            [
                Conv("c1", 0, 1, c0),
                Conv("c2", 0, 2, c0),
                Conv("c3", 0, 3, c0),
                new ConcatLayer("inner", [2, 3], 4, -128, 127, [one, one]),
                new ConcatLayer("outer", [1, 4], 5, -128, 127, [one, one]),
            ],
            [],
            [0],
            [5]
        );
    }

    private static ConvLayer Conv(string name, int from, int to, int channels) =>
        new(name, from, to, -128, 127)
        {
            Weights = [.. Enumerable.Range(0, channels * channels).Select(i => (sbyte)(i % 7))],
            Bias = new int[channels],
            Scales = [.. Enumerable.Repeat(FixedPointScale.FromReal(0.01), channels)],
            Kernel = (1, 1),
        };
}
