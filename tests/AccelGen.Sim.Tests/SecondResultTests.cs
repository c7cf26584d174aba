using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Isa;
using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>A row operator on what other layers read as well: both tensors are stored by one layer, and both equal the golden
/// ones.</summary>
public sealed class SecondResultTests
{
    private static int Seed => Setting.Seed(815);

    [TestCase("tiny", new string[0])]
    [TestCase(
        "tiny",
        new[] { "array.vectorWidth=12", "array.lanes=6", "array.pes=3", "buffers.inputKibibytes=8", "buffers.outputKibibytes=4" }
    )]
    [TestCase("small", new string[0])]
    [CancelAfter(300_000)]
    public async Task Stored_result_and_row_operator_of_one_layer_equal_golden_and_cycle_model(string preset, string[] overrides)
    {
        AcceleratorConfig config = ConfigLoader.Load(preset, overrides);
        BuiltModel built = await new ModelBuild().BuildAsync(config);
        int checkedCases = 0,
            joined = 0,
            manyTiles = 0,
            ownRow = 0,
            residuals = 0,
            indices = 0,
            chains = 0;
        for (int i = 0; i < 60; i++)
        {
            int seed = (Seed * 1000) + i;
            var random = new Random(seed);
            (QuantizedNetwork network, Dictionary<int, sbyte[]> inputs) = TwoReaders(random);
            var timing = new MemoryTiming(random.Next(1, 120), random.Next(1, 5), random.Next(1, 40), random.Next(1, 4));
            CompiledProgram program;
            try
            {
                program = new NetworkCompiler(config, timing) { AnyTiling = i % 3 > 0 ? random : null }.Compile(network);
            }
            catch (CompileException)
            {
                continue;
            }

            checkedCases++;
            using var workload = new Workload(program, built.Library, timing);
            string what =
                $"seed {seed}, {string.Join(", ", network.Tensors.Select(t => t.Shape))}, {timing}, "
                + $"{string.Join(" | ", program.Layers.Select(l => $"{l.Layer.Name} {l.FusedInto} {l.Tiling}"))}";
            WorkloadResult result = workload.Run(inputs, ExecutionPath.Whole);
            Assert.That(result.FirstMismatch, Is.Null, what);
            Assert.That(result.CounterDifferences, Is.Empty, what);
            Assert.That(result.CommandDifferences, Is.Zero, what);
            WorkloadResult stalled = workload.Run(inputs, ExecutionPath.Whole, new MemoryFaults(seed));
            Assert.That(stalled.FirstMismatch, Is.Null, $"stalled, {what}");
            Assert.That(stalled.Rtl.TotalCycles, Is.GreaterThanOrEqualTo(stalled.Model.TotalCycles), $"stalled, {what}");

            int second = network.Layers.ToList().FindIndex(l => l.Name == "second"),
                producer = second - 1;
            if (program.Layers[second].FusedInto is not int by)
                continue;
            joined++;
            Assert.That(program.Layers[producer].InMemory && program.Layers[second].InMemory, what);
            Assert.That(program.Layers[second].EndCommand, Is.EqualTo(program.Layers[second].FirstCommand), what);
            manyTiles +=
                Enumerable
                    .Range(program.Layers[by].FirstCommand, program.Layers[by].EndCommand - program.Layers[by].FirstCommand)
                    .Count(c => program.Commands[c].Is(RowCommand.Definition) && program.Commands[c][Header.Tag] == second) > 4
                    ? 1
                    : 0;
            ownRow += by != producer ? 1 : 0;
            residuals += network.Layers[by].Residual is not null ? 1 : 0;
            indices += network.Layers[second] is ArgMaxLayer ? 1 : 0;
            chains += program.Layers.Any(l => l.FusedInto == producer && !l.InMemory) ? 1 : 0;
        }

        TestContext.Out.WriteLine(
            $"{config.Name}, seed {Seed}: {checkedCases} networks equal, {joined} with a second result, {manyTiles} "
                + $"of more than four tiles, {ownRow} behind a row operator, {residuals} with a residual, {indices} "
                + $"indices, {chains} behind two products"
        );
        Assert.That(new[] { joined - 20, manyTiles, ownRow, residuals, indices, chains }, Has.All.Positive);
    }

    [Test]
    [CancelAfter(120_000)]
    public async Task Every_subset_of_transformer_blocks_with_second_results_runs_on_one_program()
    {
        AcceleratorConfig config = ConfigLoader.Load("small");
        BuiltModel built = await new ModelBuild().BuildAsync(config);
        var timing = new MemoryTiming();
        (QuantizedNetwork network, Dictionary<int, sbyte[]> inputs) = Blocks(new Random(5));
        CompiledProgram program = new NetworkCompiler(config, timing).Compile(network);
        string[] joined =
        [
            .. program
                .Layers.Where(l => l.FusedInto is not null)
                .Select(l => $"{l.Layer.Name} by {program.Layers[l.FusedInto!.Value].Layer.Name}"),
        ];
        Assert.That(
            joined,
            Is.EqualTo(
                new[]
                {
                    "block0.norm1 by stem",
                    "block0.norm2 by block0.mix",
                    "block1.norm1 by block0.sum",
                    "block1.norm2 by block1.mix",
                    "block1.inner by block1.sum",
                    "norm by block1.sum",
                }
            )
        );
        Assert.That(
            program.Memory!.Blocks.Single(b => b.Name == "stream").Last,
            Is.GreaterThanOrEqualTo(network.Layers.ToList().FindIndex(l => l.Name == "norm"))
        );
        using var workload = new Workload(program, built.Library, timing);
        for (int skipped = 0; skipped < 4; skipped++)
        {
            var path = new ExecutionPath(
                $"{skipped}",
                Enumerable.Range(0, 2).Where(b => (skipped >> b & 1) == 1).ToHashSet(),
                new Dictionary<int, int>()
            );
            WorkloadResult result = workload.Run(inputs, path);
            Assert.That(result.FirstMismatch, Is.Null, $"skipped {skipped}");
            Assert.That(result.CounterDifferences, Is.Empty, $"skipped {skipped}");
            Assert.That(result.CommandDifferences, Is.Zero, $"skipped {skipped}");

            // Each row operator runs once, or where its block is skipped not at all: beside its input where that is computed, else on its
            // own.
            PathRow row = program.Row(path);
            bool Kept(int block) => (skipped >> block & 1) == 0;
            foreach (
                (string name, bool own, bool beside) in new[]
                {
                    ("block0.norm1", false, Kept(0)),
                    ("block1.norm1", Kept(1) && !Kept(0), Kept(1) && Kept(0)),
                    ("norm", !Kept(1), Kept(1)),
                }
            )
            {
                int index = network.Layers.ToList().FindIndex(l => l.Name == name);
                CompiledLayer by = program.Layers[program.Layers[index].FusedInto!.Value];
                Assert.That((Runs(program.Layers[index]), Runs(by)), Is.EqualTo((own, beside)), $"skipped {skipped}, {name}");
                LayerExplanation explained = LayerExplanation.Explain(program, timing, path)[index];
                Assert.That(
                    (explained.ComputedBy is null, explained.Nests.Count > 0),
                    Is.EqualTo((own, own)),
                    $"skipped {skipped}, {name}"
                );

                bool Runs(CompiledLayer layer) =>
                    Enumerable
                        .Range(layer.FirstCommand, layer.EndCommand - layer.FirstCommand)
                        .Any(c =>
                            program.Commands[c].Is(RowCommand.Definition)
                            && program.Commands[c][Header.Tag] == index
                            && !row.Skips(program.Commands[c])
                        );
            }
        }
    }

    [Test]
    public void A_mismatch_in_a_second_result_names_the_tile_of_the_layer_that_computes_it()
    {
        // The layer that computes it is cut into tiles; its own entry has no commands.
        (QuantizedNetwork network, _) = Blocks(new Random(5));
        CompiledProgram program = new NetworkCompiler(ConfigLoader.Load("tiny"), new MemoryTiming()).Compile(network);
        CompiledLayer norm = program.Layers.Single(l => l.Layer.Name == "block0.norm1"),
            stem = program.Layers[norm.FusedInto!.Value];
        TensorShape shape = network.Tensors[norm.Layer.Output].Shape;
        Assert.That(
            program
                .Place(norm, program.Row(ExecutionPath.Whole))
                .Locate(program.Config, shape, shape, shape.Height - 1, shape.Width - 1, 3),
            Is.EqualTo(stem.Locate(program.Config, shape, shape, shape.Height - 1, shape.Width - 1, 3))
        );
        Assert.That(
            program
                .Place(norm, program.Row(ExecutionPath.Whole))
                .Locate(program.Config, shape, shape, shape.Height - 1, shape.Width - 1, 3)
                .Tile,
            Is.Positive
        );
    }

    [Test]
    public void Without_keep_bits_left_a_row_operator_behind_another_block_stays_on_its_own()
    {
        foreach ((int first, bool joined) in new[] { (60, true), (61, false) })
        {
            (QuantizedNetwork network, _) = Blocks(new Random(5), first);
            CompiledProgram program = new NetworkCompiler(ConfigLoader.Load("tiny"), new MemoryTiming()).Compile(network);
            CompiledLayer norm = program.Layers.Single(l => l.Layer.Name == "block1.norm1");
            Assert.That(norm.FusedInto is not null, Is.EqualTo(joined), $"blocks {first} and {first + 1}");
            Assert.That(norm.EndCommand, Is.GreaterThan(norm.FirstCommand));
            Assert.That(program.Conditions, joined ? Has.Count.EqualTo(2) : Is.Empty);
        }
    }

    // A convolution, or a depthwise one and a 1x1 one behind it, perhaps with a residual, perhaps in place of it, perhaps
    // normalised; a row operator that reads the result, and a layer that reads both.
    private static (QuantizedNetwork, Dictionary<int, sbyte[]>) TwoReaders(Random random)
    {
        int channels = random.Next(1, 30),
            width = random.Next(2, 40),
            kernel = random.Next(2) == 0 ? 1 : 3,
            residual = random.Next(3);
        bool own = random.Next(3) == 0,
            index = !own && random.Next(4) == 0,
            flat = random.Next(3) == 0,
            sum = random.Next(4) == 0,
            chain = !own && !sum && random.Next(2) == 0;
        if (sum)
            channels = width; // an addition instead of a convolution
        var image = flat
            ? new TensorShape(1, 1, random.Next(1, 200), channels)
            : new TensorShape(1, random.Next(1, 24), random.Next(1, 24), channels);
        if (flat)
            kernel = 1;
        TensorShape wide = image with { Channels = width };
        int zero = random.Next(-20, 20);
        var tensors = new List<QuantizedTensor> { new(0, "x", image, 0.05, random.Next(-128, 128)), new(1, "shortcut", wide, 0.05, zero) };
        // A normalised result cannot stand where the shortcut was: it is another tensor.
        int stream = Tensor("stream", wide, zero, residual == 2 && !own ? 1 : null);
        int computed = own ? Tensor("sums", wide, random.Next(-20, 20)) : stream;
        int second = Tensor("second result", index ? wide with { Channels = 1 } : wide, index ? -128 : random.Next(-20, 20));
        int last = Tensor("output", wide, random.Next(-20, 20));
        var added = residual > 0 ? new ResidualAdd(1, FixedPointScale.FromReal(residual == 2 && !own ? 1 : 0.4)) : null;
        sbyte[] table =
        [
            .. Enumerable.Range(-128, 256).Select(q => (sbyte)Math.Clamp(Math.Round(q / (1 + Math.Exp(q * -0.05))), -128, 127)),
        ];
        bool tabled = !own && residual < 2 && random.Next(3) == 0;
        QuantizedLayer first = sum
            ? new AddLayer("first", 0, computed, -128, 127, FixedPointScale.FromReal(0.7)) { Residual = added }
            : FusionTests.Conv(random, "first", chain ? tensors.Count : 0, computed, channels, width, chain ? 1 : kernel, 1) with
            {
                Residual = added,
                Table = tabled ? table : null,
                TableZeroPoint = 3,
            };
        var layers = new List<QuantizedLayer> { first };
        if (chain)
            layers.Insert(
                0,
                FusionTests.Conv(random, "depthwise", 0, Tensor("inner", image, random.Next(-20, 20)), channels, channels, kernel, channels)
            );
        if (own)
            layers.Add(Norm(random, "own", computed, stream, width));
        layers.Add(
            index
                ? new ArgMaxLayer("second", stream, second)
                : Norm(random, "second", stream, second, width) with
                {
                    Table = random.Next(4) == 0 ? table : null,
                    TableZeroPoint = -7,
                }
        );
        layers.Add(
            FusionTests.Conv(random, "last", index ? stream : second, last, width, width, 1, 1) with
            {
                Residual = index ? null : new ResidualAdd(stream, FixedPointScale.FromReal(0.5)),
            }
        );
        return (
            new QuantizedNetwork("second", tensors, layers, [], [0, 1], index ? [second, last] : [last]),
            FusionTests.Inputs(random, [.. tensors], 0, 1)
        );

        int Tensor(string name, TensorShape shape, int zeroPoint, int? shares = null)
        {
            tensors.Add(new QuantizedTensor(tensors.Count, name, shape, 0.05, zeroPoint, shares));
            return tensors.Count - 1;
        }
    }

    // Blocks as in a transformer: the stream is normalised, mixed and added to, normalised, convolved twice and added to,
    // in the second block by a depthwise and a 1x1 convolution that run as one; then normalised once more.
    private static (QuantizedNetwork, Dictionary<int, sbyte[]>) Blocks(Random random, int first = 0)
    {
        const int Channels = 12;
        var shape = new TensorShape(1, 18, 10, Channels);
        var tensors = new List<QuantizedTensor> { new(0, "image", shape with { Channels = 5 }, 0.05, 3), new(1, "stream", shape, 0.05, 5) };
        var layers = new List<QuantizedLayer> { FusionTests.Conv(random, "stem", 0, 1, 5, Channels, 3, 1) };
        int stream = 1;
        for (int n = 0; n < 2; n++)
        {
            string at = $"block{n}";
            int block = first + n,
                wide = n == 0 ? 20 : Channels;
            layers.Add(Norm(random, $"{at}.norm1", stream, Tensor(shape, null), Channels) with { Block = block });
            layers.Add(
                FusionTests.Conv(random, $"{at}.mix", tensors.Count - 1, Tensor(shape, 1), Channels, Channels, 3, 1) with
                {
                    Block = block,
                    Residual = new ResidualAdd(stream, FixedPointScale.FromReal(1)),
                }
            );
            stream = tensors.Count - 1;
            layers.Add(Norm(random, $"{at}.norm2", stream, Tensor(shape, null), Channels) with { Block = block });
            layers.Add(
                FusionTests.Conv(
                    random,
                    $"{at}.inner",
                    tensors.Count - 1,
                    Tensor(shape with { Channels = wide }, null),
                    Channels,
                    wide,
                    n == 0 ? 1 : 3,
                    n == 0 ? 1 : Channels
                ) with
                {
                    Block = block,
                }
            );
            layers.Add(
                FusionTests.Conv(random, $"{at}.sum", tensors.Count - 1, Tensor(shape, 1), wide, Channels, n == 0 ? 3 : 1, 1) with
                {
                    Block = block,
                    Residual = new ResidualAdd(stream, FixedPointScale.FromReal(1)),
                }
            );
            stream = tensors.Count - 1;
        }

        // The stream must stay as long as the row operator may yet read it.
        int aside = Tensor(shape with { Channels = 3 }, null);
        layers.Add(FusionTests.Conv(random, "aside", 0, aside, 5, 3, 1, 1));
        layers.Add(Norm(random, "norm", stream, Tensor(shape, null), Channels));
        layers.Add(FusionTests.Conv(random, "head", tensors.Count - 1, Tensor(shape with { Channels = 7 }, null), Channels, 7, 1, 1));
        return (
            new QuantizedNetwork(
                "blocks",
                tensors,
                layers,
                [new(first, "block0"), new(first + 1, "block1")],
                [0],
                [tensors.Count - 1, aside]
            ),
            FusionTests.Inputs(random, [.. tensors], 0)
        );

        int Tensor(TensorShape of, int? shares)
        {
            tensors.Add(new QuantizedTensor(tensors.Count, $"t{tensors.Count}", of, 0.05, 5, shares));
            return tensors.Count - 1;
        }
    }

    private static LayerNormLayer Norm(Random random, string name, int input, int output, int channels)
    {
        int[] shift = [.. Enumerable.Range(0, channels).Select(_ => random.Next(20, 27))];
        return new LayerNormLayer(name, input, output, -128, 127)
        {
            Shift = shift,
            Gamma = [.. shift.Select(s => (int)Math.ScaleB(30, s - 12))],
            Beta = [.. shift.Select(s => (int)Math.ScaleB(random.Next(-20, 20), s))],
            Epsilon = 100,
        };
    }
}
