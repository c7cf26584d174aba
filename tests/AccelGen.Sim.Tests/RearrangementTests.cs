using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Onnx;
using AccelGen.Quantization;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>
/// Pixels taken in other rows than those in which they lie in memory, where rows end within a word: images as tokens, tokens
/// as images, images of other rows. Words of 2 and of 4 vectors.
/// </summary>
public sealed class RearrangementTests
{
    private const int Seed = 8100,
        Networks = 30;

    [TestCase(2)]
    [TestCase(4)]
    [CancelAfter(600_000)]
    public async Task Pixels_in_other_rows_are_exact(int vectorsPerWord)
    {
        TestContext.Out.WriteLine($"seeds {Seed} to {Seed + Networks - 1}");
        AcceleratorConfig config = RandomConfigs
            .Built.Select(c => ConfigLoader.Load(c.Preset, c.Overrides))
            .First(c => c.Derived.VectorsPerWord == vectorsPerWord);
        BuiltModel built = await new ModelBuild().BuildAsync(config);
        var timing = new MemoryTiming();
        int copied = 0,
            twice = 0;
        for (int seed = Seed; seed < Seed + Networks; seed++)
        {
            var random = new Random(seed);
            string file = Path.GetTempFileName();
            await File.WriteAllBytesAsync(file, Model(random));
            FloatNetwork network = OnnxImporter.Import(file).Network;
            File.Delete(file);
            int elements = (int)network.Tensors[network.Inputs[0]].Shape.Elements;
            float[][] inputs = [.. Enumerable.Range(0, 2).Select(_ => RandomNetworks.Values(random, elements, 1))];
            QuantizedNetwork quantized = Quantizer.Quantize(network, Quantizer.Calibrate(network, inputs, CalibrationMethod.MinMax));
            CompiledProgram program = new NetworkCompiler(config, timing) { AnyTiling = seed % 3 == 0 ? random : null }.Compile(quantized);
            copied += program.Memory!.Blocks.Any(b => b.Name.EndsWith("(copy)", StringComparison.Ordinal)) ? 1 : 0;
            twice += program.Memory!.Blocks.Any(b => b.Name.EndsWith("(row)", StringComparison.Ordinal)) ? 1 : 0;
            sbyte[][] counts = [.. inputs.Select(i => Quantizer.QuantizeValues(quantized.Tensors[quantized.Inputs[0]], i))];
            PathRun run = NetworkRun.Run(program, built.Library, timing, [ExecutionPath.Whole], counts, 1)[0];
            Assert.That(run.Differences, Is.Empty, $"seed {seed}");
        }

        TestContext.Out.WriteLine($"{copied} networks with copies, {twice} by way of a row");
        Assert.Multiple(() =>
        {
            Assert.That(copied, Is.GreaterThan(Networks / 3));
            Assert.That(twice, Is.GreaterThan(0));
        });
    }

    // A convolution, what reads its pixels otherwise, and what comes back to the image.
    private static byte[] Model(Random random)
    {
        int channels = random.Next(1, 14),
            height = random.Next(1, 10),
            width = random.Next(1, 10),
            pixels = height * width;
        int rows = Pick(Enumerable.Range(1, pixels).Where(h => pixels % h == 0)),
            columns = pixels / rows;
        var m = new OnnxModelWriter { OpsetVersion = 17 }.Input("x", OnnxModelWriter.Float, 1, 3, height, width);
        Convolution("x", "a", 3, 3);
        switch (random.Next(4))
        {
            case 0:
                // An image of other rows, changed and added to itself.
                Reshape("a", "b", 1, channels, rows, columns);
                Convolution("b", "c", channels, 3);
                return m.Node("Add", ["b", "c"], "y").Build("y");
            case 1:
                // Tokens attend to each other, next to what the image was.
                Reshape("a", "t", 1, channels, pixels);
                m.Node("Transpose", ["t"], "q")
                    .Ints("perm", 0, 2, 1)
                    .Node("MatMul", ["q", "t"], "s")
                    .Node("Softmax", ["s"], "p")
                    .Int("axis", -1)
                    .Node("MatMul", ["p", "q"], "v")
                    .Node("Transpose", ["v"], "w")
                    .Ints("perm", 0, 2, 1);
                Reshape("w", "i", 1, channels, height, width);
                Convolution("i", "c", channels, 3);
                return m.Node("Add", ["a", "c"], "y").Build("y");
            case 2:
                // Three images of three kinds of rows, and one read twice.
                Reshape("a", "b", 1, channels, rows, columns);
                Convolution("b", "c", channels, 1);
                Reshape("c", "d", 1, channels, columns, rows);
                Convolution("d", "e", channels, 3);
                Reshape("e", "f", 1, channels, height, width);
                return m.Node("Add", ["a", "f"], "g").Node("Concat", ["g", "f"], "h").Int("axis", 1).Node("Relu", ["h"], "y").Build("y");
            default:
                // Channels as pixels and back.
                Reshape("a", "t", 1, channels, pixels);
                m.Node("Transpose", ["t"], "q")
                    .Ints("perm", 0, 2, 1)
                    .Initializer("gamma", RandomNetworks.Values(random, channels, 1), channels)
                    .Initializer("beta", RandomNetworks.Values(random, channels, 1), channels)
                    .Node("LayerNormalization", ["q", "gamma", "beta"], "n")
                    .Int("axis", -1)
                    .Node("Add", ["q", "n"], "o")
                    .Node("Transpose", ["o"], "u")
                    .Ints("perm", 0, 2, 1);
                Reshape("u", "i", 1, channels, rows, columns);
                Convolution("i", "y", channels, 3);
                return m.Build("y");
        }

        int Pick(IEnumerable<int> from) => from.ElementAt(random.Next(from.Count()));

        void Reshape(string from, string to, params long[] shape) =>
            m.Initializer($"{to}.shape", shape, shape.Length).Node("Reshape", [from, $"{to}.shape"], to);

        void Convolution(string from, string to, int inputs, int kernel) =>
            m.Initializer(
                    $"{to}.weights",
                    RandomNetworks.Values(random, channels * inputs * kernel * kernel, 1 / Math.Sqrt(inputs * kernel * kernel)),
                    channels,
                    inputs,
                    kernel,
                    kernel
                )
                .Node("Conv", [from, $"{to}.weights"], to)
                .Ints("pads", kernel / 2, kernel / 2, kernel / 2, kernel / 2);
    }
}
