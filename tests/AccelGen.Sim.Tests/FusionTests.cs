using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Network.Quantized;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>Layers that run as one: the same results as the golden operators, cycles as the model says, fewer bytes than one by one.</summary>
public sealed class FusionTests
{
    private static int Seed => int.TryParse(Environment.GetEnvironmentVariable("ACCELGEN_SEED"), out int seed) ? seed : 4711;

    [TestCase("attention", "tiny")]
    [TestCase("attention", "small")]
    [TestCase("depthwise", "tiny")]
    [TestCase("depthwise", "small")]
    [TestCase("norm", "tiny")]
    [CancelAfter(300_000)]
    public async Task Fused_layers_equal_golden_and_cycle_model(string kind, string preset)
    {
        AcceleratorConfig config = ConfigLoader.Load(preset);
        BuiltModel built = await new ModelBuild().BuildAsync(config);
        int joined = 0, checkedCases = 0;
        for (int i = 0; i < 40; i++)
        {
            int seed = (Seed * 1000) + i;
            var random = new Random(seed);
            (QuantizedNetwork network, Dictionary<int, sbyte[]> inputs) = kind switch { "attention" => Attention(random), "depthwise" => Depthwise(random), _ => Norm(random) };
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
            joined += program.Layers.Any(l => l.FusedInto is not null) ? 1 : 0;
            using var workload = new Workload(program, built.Library, timing);
            string what = $"{kind}, seed {seed}, {string.Join(", ", network.Tensors.Select(t => t.Shape))}, {timing}, {string.Join(" | ", program.Layers.Select(l => l.Tiling))}";
            WorkloadResult result = workload.Run(inputs, ExecutionPath.Whole);
            Assert.That(result.FirstMismatch, Is.Null, what);
            Assert.That(result.CounterDifferences, Is.Empty, what);
            Assert.That(result.CommandDifferences, Is.Zero, what);
            // A second run on the same memory, stalled at random: nothing is left over, nothing depends on timing.
            WorkloadResult stalled = workload.Run(inputs, ExecutionPath.Whole, new MemoryFaults(seed));
            Assert.That(stalled.FirstMismatch, Is.Null, $"stalled, {what}");
            Assert.That(stalled.Rtl.TotalCycles, Is.GreaterThanOrEqualTo(stalled.Model.TotalCycles), $"stalled, {what}");
        }

        TestContext.Out.WriteLine($"{kind} on {preset}, seed {Seed}: {checkedCases} networks equal, {joined} with fused layers");
        Assert.That(joined, Is.Positive, "none of the networks was fused");
    }

    // Queries x keys, softmax, x values, for one to three heads, behind a convolution so that chains follow other layers.
    private static (QuantizedNetwork, Dictionary<int, sbyte[]>) Attention(Random random)
    {
        int heads = random.Next(1, 4), queries = random.Next(1, 70), keys = random.Next(2, 60), depth = random.Next(1, 40), width = random.Next(1, 40);
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
        ];
        QuantizedLayer[] layers =
        [
            new AddLayer("before", 0, 3, -128, 127, FixedPointScale.FromReal(0.8)) { Residual = new ResidualAdd(0, FixedPointScale.FromReal(0.3)) },
            new MatMulLayer("qk", 3, 1, 4, -128, 127, FixedPointScale.FromReal(40 / (Math.Sqrt(depth) * 74 * 74))),
            new SoftmaxLayer("softmax", 4, 5, -128, 127, (uint)(0.05 * Math.Log2(Math.E) * (1 << 20)), FixedPointScale.FromReal(256)),
            new MatMulLayer("av", 5, 2, 6, -128, 127, FixedPointScale.FromReal(0.004 * Math.Sqrt(keys))),
            new AddLayer("after", 6, 7, -128, 127, FixedPointScale.FromReal(0.9)) { Residual = new ResidualAdd(6, FixedPointScale.FromReal(0.1)) },
        ];
        return (new QuantizedNetwork("attention", tensors, layers, [], [0, 1, 2], [7]), Inputs(random, tensors, 0, 1, 2));
    }

    // A convolution, often depthwise, then a 1x1 convolution with a residual, twice.
    private static (QuantizedNetwork, Dictionary<int, sbyte[]>) Depthwise(Random random)
    {
        int height = random.Next(1, 18), width = random.Next(1, 18), channels = random.Next(1, 40), inner = random.Next(1, 40), outputs = random.Next(1, 40);
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
        sbyte[] table = [.. Enumerable.Range(-128, 256).Select(q => (sbyte)Math.Clamp(Math.Round(q / (1 + Math.Exp(q * -0.05))), -128, 127))];
        QuantizedLayer[] layers =
        [
            Conv(random, "first", 0, 1, channels, inner, kernel, depthwise ? channels : 1) with { Table = random.Next(2) == 0 ? table : null, TableZeroPoint = 3 },
            Conv(random, "pointwise", 1, 3, inner, outputs, 1, 1) with { Residual = random.Next(2) == 0 ? new ResidualAdd(2, FixedPointScale.FromReal(0.4)) : null },
            Conv(random, "last", 3, 4, outputs, outputs, 3, 1),
        ];
        return (new QuantizedNetwork("depthwise", tensors, layers, [], [0, 2], [4]), Inputs(random, tensors, 0, 2));
    }

    // A convolution and the layer normalisation of its result.
    private static (QuantizedNetwork, Dictionary<int, sbyte[]>) Norm(Random random)
    {
        int channels = random.Next(1, 20), outputs = random.Next(2, 30);
        var image = new TensorShape(1, random.Next(1, 12), random.Next(1, 12), channels);
        QuantizedTensor[] tensors =
        [
            new(0, "x", image, 0.05, random.Next(-128, 128)), new(1, "sums", image with { Channels = outputs }, 0.05, random.Next(-20, 20)),
            new(2, "normalised", image with { Channels = outputs }, 0.05, random.Next(-20, 20)),
        ];
        int[] shift = [.. Enumerable.Range(0, outputs).Select(_ => random.Next(20, 27))];
        QuantizedLayer[] layers =
        [
            Conv(random, "conv", 0, 1, channels, outputs, random.Next(2) == 0 ? 1 : 3, 1),
            new LayerNormLayer("norm", 1, 2, -128, 127)
            {
                Shift = shift, Gamma = [.. shift.Select(s => (int)Math.ScaleB(30, s - 12))], Beta = [.. shift.Select(s => (int)Math.ScaleB(random.Next(-20, 20), s))], Epsilon = 100,
            },
        ];
        return (new QuantizedNetwork("norm", tensors, layers, [], [0], [2]), Inputs(random, tensors, 0));
    }

    internal static ConvLayer Conv(Random random, string name, int input, int output, int channels, int outputs, int kernel, int groups)
    {
        int depth = channels / groups * kernel * kernel;
        return new ConvLayer(name, input, output, -128, 127)
        {
            Weights = Values(random, (long)outputs * depth, -127), Bias = [.. Enumerable.Range(0, outputs).Select(_ => random.Next(-5000, 5000))],
            Scales = [.. Enumerable.Range(0, outputs).Select(_ => FixedPointScale.FromReal((0.5 + random.NextDouble()) * 50 / (Math.Sqrt(depth) * 74 * 105)))],
            Kernel = (kernel, kernel), Padding = (kernel / 2, kernel / 2, kernel / 2, kernel / 2), Groups = groups,
        };
    }

    internal static Dictionary<int, sbyte[]> Inputs(Random random, QuantizedTensor[] tensors, params int[] inputs) => inputs.ToDictionary(t => t, t => Values(random, tensors[t].Shape.Elements, -128));

    private static sbyte[] Values(Random random, long count, int low)
    {
        var values = new sbyte[count];
        for (long i = 0; i < count; i++)
            values[i] = (sbyte)random.Next(low, 128);
        return values;
    }
}
