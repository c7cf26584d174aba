using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Emit;
using AccelGen.Isa;
using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>Layers that run as one: the same results as the golden operators, cycles as the model says, fewer bytes than one by
/// one.</summary>
public sealed class FusionTests
{
    private const int Networks = 24;

    private static int Seed => Setting.Seed(4711);

    [TestCase("attention", "tiny")]
    [TestCase("attention", "small")]
    [TestCase("biased attention", "tiny")]
    [TestCase("biased attention", "small")]
    [TestCase("depthwise", "tiny")]
    [TestCase("depthwise", "small")]
    [TestCase("norm", "tiny")]
    [TestCase("bottleneck", "tiny")]
    [TestCase("bottleneck", "small")]
    [TestCase("strips", "tiny")]
    [TestCase("strips", "small")]
    [CancelAfter(300_000)]
    public async Task Fused_layers_equal_golden_and_cycle_model(string kind, string preset)
    {
        AcceleratorConfig config = ConfigLoader.Load(preset);
        BuiltModel built = await new ModelBuild().BuildAsync(config);
        int joined = 0,
            checkedCases = 0,
            ahead = 0,
            alone = 0,
            together = 0;
        for (int i = 0; i < Networks; i++)
        {
            int seed = (Seed * 1000) + i;
            var random = new Random(seed);
            (QuantizedNetwork network, Dictionary<int, sbyte[]> inputs) = kind switch
            {
                "attention" => Attention(random),
                "biased attention" => Attention(random, biased: true),
                "depthwise" => Depthwise(random),
                "bottleneck" => Bottleneck(random),
                "strips" => Strips(random, config.Array.VectorWidth),
                _ => Norm(random),
            };
            var timing = new MemoryTiming(random.Next(1, 120), random.Next(1, 5), random.Next(1, 40), random.Next(1, 4));
            CompiledProgram program;
            try
            {
                program = new NetworkCompiler(config, timing) { AnyTiling = i % 2 == 0 ? random : null }.Compile(network);
            }
            catch (CompileException)
            {
                continue;
            }

            checkedCases++;
            joined += program.Layers.Any(l => l.FusedInto is not null && (kind != "bottleneck" || l.Layer.Name == "widen")) ? 1 : 0;
            Command[] rows = [.. program.Commands.Where(c => c.Is(RowCommand.Definition))];
            Assert.That(
                rows.All(r => r[RowCommand.Overlap] == r[RowCommand.Forward]),
                "a softmax overlaps when it is forwarded, nothing else does"
            );
            // Scores of the next tile are written beside those of this one, or to the same place once it has been read.
            IEnumerable<IGrouping<long, Command>> chains = rows.Where(r => r[RowCommand.Overlap])
                .GroupBy(r => r[Header.Tag])
                .Where(c => c.DistinctBy(r => r[RowCommand.ForwardBase]).Skip(1).Any());
            ahead += chains.Count(c => c.DistinctBy(r => r[RowCommand.OutputBase]).Skip(1).Any());
            alone += chains.Count(c => !c.DistinctBy(r => r[RowCommand.OutputBase]).Skip(1).Any());
            together += EndTogether(program, timing);
            using var workload = new Workload(program, built.Library, timing);
            string what =
                $"{kind}, seed {seed}, {string.Join(", ", network.Tensors.Select(t => t.Shape))}, {timing}, "
                + $"{string.Join(" | ", program.Layers.Select(l => l.Tiling))}";
            WorkloadResult result = workload.Run(inputs, ExecutionPath.Whole);
            Assert.That(result.FirstMismatch, Is.Null, what);
            Assert.That(result.CounterDifferences, Is.Empty, what);
            Assert.That(result.CommandDifferences, Is.Zero, what);
            // A second run on the same memory, stalled at random: nothing is left over, nothing depends on timing.
            WorkloadResult stalled = workload.Run(inputs, ExecutionPath.Whole, new MemoryFaults(seed));
            Assert.That(stalled.FirstMismatch, Is.Null, $"stalled, {what}");
            Assert.That(stalled.Rtl.TotalCycles, Is.GreaterThanOrEqualTo(stalled.Model.TotalCycles), $"stalled, {what}");
        }

        TestContext.Out.WriteLine(
            $"{kind} on {preset}, seed {Seed}: {checkedCases} networks equal, {joined} with fused layers; {ahead} "
                + $"with scores ahead of the softmax, {alone} without; {together} ROW commands ended with a VECTOR command"
        );
        Assert.That(joined, Is.Positive, "none of the networks was fused");
        if (kind.EndsWith("attention", StringComparison.Ordinal))
            Assert.That(new[] { ahead, alone }, Has.All.Positive, "both ways of a softmax were to be tried");
    }

    // Whatever is joined, each layer's biases and factors are those of the path.
    [TestCase("attention")]
    [TestCase("depthwise")]
    [TestCase("norm")]
    [TestCase("bottleneck")]
    [TestCase("strips")]
    [CancelAfter(300_000)]
    public async Task Fused_layers_have_the_biases_and_factors_of_their_path(string kind)
    {
        AcceleratorConfig config = ConfigLoader.Load("small");
        BuiltModel built = await new ModelBuild().BuildAsync(config);
        int joined = 0;
        for (int i = 0; i < Networks; i++)
        {
            int seed = (Seed * 1000) + i;
            var random = new Random(seed);
            (QuantizedNetwork network, Dictionary<int, sbyte[]> inputs) = kind switch
            {
                "attention" => Attention(random),
                "depthwise" => Depthwise(random),
                "bottleneck" => Bottleneck(random),
                "strips" => Strips(random, config.Array.VectorWidth),
                _ => Norm(random),
            };
            ConvParameters Other(ConvLayer c) =>
                new(
                    [.. c.Bias.Select(b => b / 2)],
                    [.. c.Scales.Select(s => s with { Shift = Math.Min(s.Shift + random.Next(3), FixedPointScale.MaxShift) })]
                );
            network = network with
            {
                Layers =
                [
                    .. network.Layers.Select(l =>
                        l is ConvLayer c ? c with { Variants = [new ConvParameters(c.Bias, c.Scales), Other(c), Other(c)] } : l
                    ),
                ],
            };
            CompiledProgram program;
            try
            {
                program = new NetworkCompiler(config, new MemoryTiming()) { AnyTiling = i % 2 == 0 ? random : null }.Compile(network);
            }
            catch (CompileException)
            {
                continue;
            }

            joined += program.Layers.Any(l => l.FusedInto is not null && (kind != "bottleneck" || l.Layer.Name == "widen")) ? 1 : 0;
            using var workload = new Workload(program, built.Library, new MemoryTiming());
            for (int variant = 0; variant < 3; variant++)
            {
                WorkloadResult result = workload.Run(inputs, ExecutionPath.Whole with { Variant = variant });
                Assert.That(result.FirstMismatch, Is.Null, $"{kind}, seed {seed}, variant {variant}");
                Assert.That(result.CounterDifferences, Is.Empty, $"{kind}, seed {seed}, variant {variant}");
            }
        }

        Assert.That(joined, Is.Positive, "none of the networks was fused");
    }

    // What only runs when a softmax and post-processing run at the same time, broken on purpose.
    [TestCase("maxima_q <= !maxima_q", "maxima_q <= maxima_q", true, TestName = "One_set_of_maxima_for_both_is_found_as_a_mismatch")]
    [TestCase(
        "if (row_o) category_o",
        "if (row_o && !row_overlap_o) category_o",
        false,
        TestName = "A_softmax_that_does_not_count_as_busy_is_found_as_a_counter_difference"
    )]
    [CancelAfter(300_000)]
    public async Task A_defect_of_overlapping_is_found(string good, string bad, bool values)
    {
        AcceleratorConfig config = ConfigLoader.Load("tiny");
        List<EmittedFile> files = [.. RtlEmitter.EmitRtl(config)];
        int index = files.FindIndex(f => f.Path == "rtl/acc_vector.sv");
        string text = System.Text.RegularExpressions.Regex.Replace(files[index].Text, " +", " ");
        Assert.That(text, Does.Contain(good));
        files[index] = files[index] with { Text = text.Replace(good, bad, StringComparison.Ordinal) };
        BuiltModel built = await new ModelBuild().BuildAsync(config, false, files);
        var timing = new MemoryTiming();
        long mismatches = 0,
            differences = 0;
        for (int i = 0; i < 10; i++)
        {
            (QuantizedNetwork network, Dictionary<int, sbyte[]> inputs) = Attention(new Random((Seed * 1000) + i));
            using var workload = new Workload(new NetworkCompiler(config, timing).Compile(network), built.Library, timing);
            WorkloadResult result = workload.Run(inputs, ExecutionPath.Whole);
            mismatches += result.Mismatches;
            differences += result.CounterDifferences.Count;
        }

        Assert.That(mismatches > 0, Is.EqualTo(values));
        Assert.That(differences > 0, Is.EqualTo(!values));
    }

    // ROW commands that end in the same cycle as a VECTOR command: both give their tokens then.
    private static int EndTogether(CompiledProgram program, MemoryTiming timing)
    {
        CyclePrediction model = new CycleModel(program.Config, timing).Predict(
            program.Commands,
            program.ProgramAddress,
            program.Row(ExecutionPath.Whole)
        );
        ILookup<string, long> ends = program
            .Commands.Zip(model.Commands)
            .Where(c => c.First.Definition.Queue == Queue.Vector)
            .ToLookup(c => c.First.Definition.Name, c => c.Second.Done);
        return ends["ROW"].Intersect(ends["VECTOR"]).Count();
    }

    // Queries x keys, softmax, x values, for one to three heads, behind a convolution so that chains follow other layers; with
    // something added to the scores, as masks and biases of positions are.
    private static (QuantizedNetwork, Dictionary<int, sbyte[]>) Attention(Random random, bool biased = false)
    {
        int heads = random.Next(1, 4),
            queries = random.Next(1, 70),
            keys = random.Next(2, 60),
            depth = random.Next(1, 40),
            width = random.Next(1, 40);
        Broadcast form = biased ? (Broadcast)random.Next(3) : Broadcast.None;
        QuantizedTensor[] tensors =
        [
            new(0, "x", new TensorShape(heads, 1, queries, depth), 0.05, random.Next(-128, 128)),
            new(1, "keys", new TensorShape(heads, 1, keys, depth), 0.05, 0),
            new(2, "values", new TensorShape(heads, 1, width, keys), 0.05, 0),
            new(3, "queries", new TensorShape(heads, 1, queries, depth), 0.05, random.Next(-20, 20)),
            new(4, "scores", new TensorShape(heads, 1, queries, keys), 0.05, random.Next(-20, 20)),
            new(5, "probabilities", new TensorShape(heads, 1, queries, keys), 1.0 / 256, -128),
            new(6, "mixed", new TensorShape(heads, 1, queries, width), 0.05, random.Next(-20, 20)),
            new(7, "output", new TensorShape(heads, 1, queries, width), 0.05, random.Next(-20, 20)),
            new(
                8,
                "bias",
                new TensorShape(heads, 1, form == Broadcast.Pixels ? 1 : queries, form == Broadcast.Channels ? 1 : keys),
                0.05,
                random.Next(-20, 20)
            ),
        ];
        QuantizedLayer[] layers =
        [
            new AddLayer("before", 0, 3, -128, 127, FixedPointScale.FromReal(0.8))
            {
                Residual = new ResidualAdd(0, FixedPointScale.FromReal(0.3)),
            },
            new MatMulLayer("qk", 3, 1, 4, -128, 127, FixedPointScale.FromReal(40 / (Math.Sqrt(depth) * 74 * 74)))
            {
                Residual = biased ? new ResidualAdd(8, FixedPointScale.FromReal(0.4), random.Next(2) == 0, form) : null,
            },
            new SoftmaxLayer("softmax", 4, 5, -128, 127, (uint)(0.05 * Math.Log2(Math.E) * (1 << 20)), FixedPointScale.FromReal(256)),
            new MatMulLayer("av", 5, 2, 6, -128, 127, FixedPointScale.FromReal(0.004 * Math.Sqrt(keys))),
            new AddLayer("after", 6, 7, -128, 127, FixedPointScale.FromReal(0.9))
            {
                Residual = new ResidualAdd(6, FixedPointScale.FromReal(0.1)),
            },
        ];
        return (new QuantizedNetwork("attention", tensors, layers, [], [0, 1, 2, 8], [7]), Inputs(random, tensors, 0, 1, 2, 8));
    }

    // A convolution, often depthwise, then a 1x1 convolution with a residual, twice.
    private static (QuantizedNetwork, Dictionary<int, sbyte[]>) Depthwise(Random random)
    {
        int height = random.Next(1, 18),
            width = random.Next(1, 18),
            channels = random.Next(1, 40),
            inner = random.Next(1, 40),
            outputs = random.Next(1, 40);
        bool depthwise = random.Next(3) > 0;
        if (depthwise)
            inner = channels;
        int kernel = random.Next(3) == 0 ? 1 : 3;
        // A residual branch that writes over its own input: the rows around a tile must not change before they are read.
        bool inPlace = random.Next(3) == 0;
        if (inPlace)
            (outputs, height, width) = (channels, random.Next(20, 80), random.Next(8, 40)); // many tiles: input is loaded one tile ahead
        var image = new TensorShape(1, height, width, channels);
        QuantizedTensor[] tensors =
        [
            new(0, "x", image, 0.05, random.Next(-128, 128)),
            new(1, "inner", image with { Channels = inner }, 0.05, random.Next(-20, 20)),
            new(2, "other", image with { Channels = outputs }, 0.05, random.Next(-20, 20)),
            new(3, "output", image with { Channels = outputs }, 0.05, random.Next(-20, 20), inPlace ? 0 : null),
            new(4, "again", image with { Channels = outputs }, 0.05, random.Next(-20, 20)),
        ];
        sbyte[] table =
        [
            .. Enumerable.Range(-128, 256).Select(q => (sbyte)Math.Clamp(Math.Round(q / (1 + Math.Exp(q * -0.05))), -128, 127)),
        ];
        QuantizedLayer[] layers =
        [
            Conv(random, "first", 0, 1, channels, inner, kernel, depthwise ? channels : 1) with
            {
                Table = random.Next(2) == 0 ? table : null,
                TableZeroPoint = 3,
            },
            Conv(random, "pointwise", 1, 3, inner, outputs, 1, 1) with
            {
                Residual = random.Next(2) == 0 ? new ResidualAdd(2, FixedPointScale.FromReal(0.4)) : null,
            },
            Conv(random, "last", 3, 4, outputs, outputs, 3, 1),
        ];
        return (new QuantizedNetwork("depthwise", tensors, layers, [], [0, 2], [4]), Inputs(random, tensors, 0, 2));
    }

    // A 1x1 convolution, a convolution over windows, most often depthwise, and a 1x1 convolution with a residual, often in place; then its
    // normalisation.
    private static (QuantizedNetwork, Dictionary<int, sbyte[]>) Bottleneck(Random random)
    {
        int height = random.Next(1, 40),
            width = random.Next(1, 30),
            channels = random.Next(1, 24),
            inner = random.Next(1, 40),
            outputs = random.Next(1, 24),
            kernel = random.Next(4) == 0 ? 5 : 3;
        bool residual = random.Next(2) == 0,
            inPlace = residual && random.Next(2) == 0,
            narrow = random.Next(4) == 0;
        if (inPlace)
            outputs = channels;
        var image = new TensorShape(1, height, width, channels);
        int stride = inPlace || residual ? 1 : random.Next(1, 3),
            filtered = narrow ? random.Next(1, 20) : inner;
        var after = new TensorShape(1, ((height - 1) / stride) + 1, ((width - 1) / stride) + 1, outputs);
        QuantizedTensor[] tensors =
        [
            new(0, "x", image, 0.05, random.Next(-128, 128)),
            new(1, "input", image, 0.05, random.Next(-20, 20)),
            new(2, "widened", image with { Channels = inner }, 0.05, random.Next(-20, 20)),
            new(3, "filtered", after with { Channels = filtered }, 0.05, random.Next(-20, 20)),
            new(4, "output", after, 0.05, random.Next(-20, 20), inPlace ? 0 : null),
            new(5, "other", after, 0.05, random.Next(-20, 20)),
            new(6, "normalised", after, 0.05, random.Next(-20, 20)),
            new(7, "last", after, 0.05, random.Next(-20, 20)),
        ];
        sbyte[] table =
        [
            .. Enumerable.Range(-128, 256).Select(q => (sbyte)Math.Clamp(Math.Round(q / (1 + Math.Exp(q * -0.05))), -128, 127)),
        ];
        int[] shift = [.. Enumerable.Range(0, outputs).Select(_ => random.Next(20, 27))];
        QuantizedLayer[] layers =
        [
            new AddLayer("before", 0, 1, -128, 127, FixedPointScale.FromReal(0.8))
            {
                Residual = new ResidualAdd(0, FixedPointScale.FromReal(0.3)),
            },
            Conv(random, "widen", 1, 2, channels, inner, 1, 1),
            Conv(random, "filter", 2, 3, inner, filtered, kernel, narrow ? 1 : inner) with
            {
                Stride = (stride, stride),
                Table = random.Next(2) == 0 ? table : null,
                TableZeroPoint = 3,
            },
            Conv(random, "narrow", 3, 4, filtered, outputs, 1, 1) with
            {
                Residual =
                    inPlace ? new ResidualAdd(0, FixedPointScale.FromReal(0.9))
                    : residual ? new ResidualAdd(5, FixedPointScale.FromReal(0.4))
                    : null,
            },
            new LayerNormLayer("norm", 4, 6, -128, 127)
            {
                Shift = shift,
                Gamma = [.. shift.Select(s => (int)Math.ScaleB(30, s - 12))],
                Beta = [.. shift.Select(s => (int)Math.ScaleB(random.Next(-20, 20), s))],
                Epsilon = 100,
            },
            Conv(random, "last", 6, 7, outputs, outputs, 1, 1) with
            {
                Residual = new ResidualAdd(4, FixedPointScale.FromReal(0.5)),
            },
        ];
        return (new QuantizedNetwork("bottleneck", tensors, layers, [], [0, 5], [7]), Inputs(random, tensors, 0, 5));
    }

    // Convolutions, resamplings and sums side by side, and a convolution over all of them.
    private static (QuantizedNetwork, Dictionary<int, sbyte[]>) Strips(Random random, int vectorWidth)
    {
        var size = new TensorShape(1, 4 * random.Next(1, 9), 4 * random.Next(1, 9), 0);
        int parts = random.Next(1, 4),
            kernel = random.Next(2) == 0 ? 1 : 3,
            outputs = random.Next(1, 40);
        var tensors = new List<QuantizedTensor>();
        var layers = new List<QuantizedLayer>();
        int Tensor(string name, TensorShape shape, double scale, int zeroPoint)
        {
            tensors.Add(new QuantizedTensor(tensors.Count, name, shape, scale, zeroPoint));
            return tensors.Count - 1;
        }

        int zero = random.Next(-20, 20),
            image = Tensor("image", size with { Channels = random.Next(1, 40) }, 0.05, random.Next(-128, 128));
        var inputs = new List<int> { image };
        var joined = new List<int>();
        for (int p = 0; p < parts; p++)
        {
            int channels = p == parts - 1 ? random.Next(1, 40) : vectorWidth * random.Next(1, 3),
                up = 1 << random.Next(0, 3);
            switch (random.Next(3))
            {
                case 0:
                    joined.Add(Tensor($"conv{p}", size with { Channels = channels }, 0.05, zero));
                    layers.Add(
                        Conv(random, $"conv{p}", image, joined[^1], tensors[image].Shape.Channels, channels, random.Next(2) == 0 ? 1 : 3, 1)
                    );
                    break;
                case 1:
                    inputs.Add(
                        Tensor($"small{p}", new TensorShape(1, size.Height / up, size.Width / up, channels), 0.05, random.Next(-20, 20))
                    );
                    joined.Add(Tensor($"large{p}", size with { Channels = channels }, 0.05, zero));
                    layers.Add(
                        new ResizeLayer($"resize{p}", inputs[^1], joined[^1], -128, 127)
                        {
                            Up = (up, up),
                            Down = (1, 1),
                            Taps = (2, 2),
                            FirstRow = [.. Enumerable.Range(0, up).Select(i => 2 * i < up ? -1 : 0)],
                            FirstColumn = [.. Enumerable.Range(0, up).Select(i => 2 * i < up ? -1 : 0)],
                            Weights = Values(random, up * up * 4L, -127),
                            Scales =
                            [
                                .. Enumerable.Range(0, up * up).Select(_ => FixedPointScale.FromReal(0.002 + (random.NextDouble() * 0.01))),
                            ],
                        }
                    );
                    break;
                default:
                    inputs.Add(Tensor($"left{p}", size with { Channels = channels }, 0.05, random.Next(-20, 20)));
                    joined.Add(Tensor($"sum{p}", size with { Channels = channels }, 0.05, zero));
                    layers.Add(
                        new AddLayer($"add{p}", inputs[^1], joined[^1], -128, 127, FixedPointScale.FromReal(0.6))
                        {
                            Residual = new ResidualAdd(inputs[^1], FixedPointScale.FromReal(0.3)),
                        }
                    );
                    break;
            }
        }

        int all = joined.Sum(t => tensors[t].Shape.Channels),
            whole = joined[0];
        if (parts > 1)
        {
            whole = Tensor("whole", size with { Channels = all }, 0.05, zero);
            layers.Add(new ConcatLayer("concat", joined, whole, -128, 127, [.. joined.Select(_ => FixedPointScale.FromReal(1))]));
        }

        int extra = Tensor("extra", size with { Channels = outputs }, 0.05, random.Next(-20, 20)),
            output = Tensor("output", size with { Channels = outputs }, 0.05, random.Next(-20, 20)),
            last = Tensor("last", size with { Channels = 5 }, 0.05, 3);
        inputs.Add(extra);
        layers.Add(
            Conv(random, "fuse", whole, output, all, outputs, kernel, 1) with
            {
                Residual = random.Next(2) == 0 ? new ResidualAdd(extra, FixedPointScale.FromReal(0.4)) : null,
            }
        );
        // Another reader of the first part, and of the consumer: what is computed in strips is whole afterwards.
        int source = random.Next(2) == 0 ? output : whole;
        layers.Add(Conv(random, "last", source, last, tensors[source].Shape.Channels, 5, 1, 1));
        return (new QuantizedNetwork("strips", tensors, layers, [], inputs, [output, last]), Inputs(random, [.. tensors], [.. inputs]));
    }

    // A convolution and the layer normalisation of its result.
    private static (QuantizedNetwork, Dictionary<int, sbyte[]>) Norm(Random random)
    {
        int channels = random.Next(1, 20),
            outputs = random.Next(2, 30);
        var image = new TensorShape(1, random.Next(1, 12), random.Next(1, 12), channels);
        QuantizedTensor[] tensors =
        [
            new(0, "x", image, 0.05, random.Next(-128, 128)),
            new(1, "sums", image with { Channels = outputs }, 0.05, random.Next(-20, 20)),
            new(2, "normalised", image with { Channels = outputs }, 0.05, random.Next(-20, 20)),
        ];
        int[] shift = [.. Enumerable.Range(0, outputs).Select(_ => random.Next(20, 27))];
        QuantizedLayer[] layers =
        [
            Conv(random, "conv", 0, 1, channels, outputs, random.Next(2) == 0 ? 1 : 3, 1),
            new LayerNormLayer("norm", 1, 2, -128, 127)
            {
                Shift = shift,
                Gamma = [.. shift.Select(s => (int)Math.ScaleB(30, s - 12))],
                Beta = [.. shift.Select(s => (int)Math.ScaleB(random.Next(-20, 20), s))],
                Epsilon = 100,
            },
        ];
        return (new QuantizedNetwork("norm", tensors, layers, [], [0], [2]), Inputs(random, tensors, 0));
    }

    internal static ConvLayer Conv(Random random, string name, int input, int output, int channels, int outputs, int kernel, int groups)
    {
        int depth = channels / groups * kernel * kernel;
        return new ConvLayer(name, input, output, -128, 127)
        {
            Weights = Values(random, (long)outputs * depth, -127),
            Bias = [.. Enumerable.Range(0, outputs).Select(_ => random.Next(-5000, 5000))],
            Scales =
            [
                .. Enumerable
                    .Range(0, outputs)
                    .Select(_ => FixedPointScale.FromReal((0.5 + random.NextDouble()) * 50 / (Math.Sqrt(depth) * 74 * 105))),
            ],
            Kernel = (kernel, kernel),
            Padding = (kernel / 2, kernel / 2, kernel / 2, kernel / 2),
            Groups = groups,
        };
    }

    internal static Dictionary<int, sbyte[]> Inputs(Random random, QuantizedTensor[] tensors, params int[] inputs) =>
        inputs.ToDictionary(t => t, t => Values(random, tensors[t].Shape.Elements, -128));

    private static sbyte[] Values(Random random, long count, int low)
    {
        var values = new sbyte[count];
        for (long i = 0; i < count; i++)
            values[i] = (sbyte)random.Next(low, 128);
        return values;
    }
}
