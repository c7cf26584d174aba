using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>Inputs of few channels, rearranged by the host: the same results in either way, and the cheaper one is taken.</summary>
public sealed class InputFoldingTests
{
    private static int Seed => Setting.Seed(4711);

    [TestCase("tiny")]
    [TestCase("small")]
    [CancelAfter(300_000)]
    public async Task Folded_inputs_give_the_same_results(string preset)
    {
        AcceleratorConfig config = ConfigLoader.Load(preset);
        BuiltModel built = await new ModelBuild().BuildAsync(config);
        int blocks = 0,
            columns = 0,
            rows = 0;
        for (int i = 0; i < 60; i++)
        {
            int seed = (Seed * 1000) + i;
            var random = new Random(seed);
            (QuantizedNetwork network, Dictionary<int, sbyte[]> inputs) = Strided(random);
            var timing = new MemoryTiming(random.Next(1, 120), random.Next(1, 5), random.Next(1, 40), random.Next(1, 4));
            CompiledProgram program;
            try
            {
                program = new NetworkCompiler(config, timing) { AnyTiling = random }.Compile(network);
            }
            catch (CompileException)
            {
                continue; // too large a kernel for the buffers
            }

            InputFolding? folding = program.Folded.GetValueOrDefault(0);
            blocks += folding is { Blocks: true } ? 1 : 0;
            rows += folding is { Block.Rows: > 1 } ? 1 : 0;
            columns += folding is { Blocks: false } ? 1 : 0;
            using var workload = new Workload(program, built.Library, timing);
            WorkloadResult result = workload.Run(inputs, ExecutionPath.Whole);
            string what = $"seed {seed}, {network.Layers[0]}, {network.Tensors[0].Shape}, {folding}";
            Assert.That(result.FirstMismatch, Is.Null, what);
            Assert.That(result.CounterDifferences, Is.Empty, what);
        }

        TestContext.Out.WriteLine(
            $"{preset}, seed {Seed}: {columns} inputs by kernel columns, {blocks} by blocks, {rows} of them of several rows"
        );
        Assert.That((columns, blocks, rows), Is.EqualTo((Math.Max(1, columns), Math.Max(1, blocks), Math.Max(1, rows))));
    }

    [Test]
    public void A_patch_embedding_reads_its_image_once()
    {
        AcceleratorConfig config = ConfigLoader.Load("base");
        var image = new TensorShape(1, 64, 64, 3);
        QuantizedTensor[] tensors = [new(0, "image", image, 0.05, 4), new(1, "patches", new TensorShape(1, 16, 16, 32), 0.05, 0)];
        ConvLayer conv = Convolution(new Random(1), 3, 32, (7, 7), (4, 4), (3, 3, 3, 3));
        var network = new QuantizedNetwork("patches", tensors, [conv], [], [0], [1]);
        InputFolding folding = new NetworkCompiler(config, new MemoryTiming()).Compile(network).Folded[0];
        // 2 x 4 pixels of 3 channels fit a vector of 32; the kernel reaches over 4 x 2 of them.
        Assert.That((folding.Block, folding.Size), Is.EqualTo(((2, 4), (34, 17))));
        // Vector (2, 1), pixel (1, 2) of its block, channel 1.
        sbyte[] folded = folding.Fold([.. Enumerable.Range(0, (int)image.Elements).Select(i => (sbyte)(i % 251 - 125))]);
        Assert.That(
            folded[(int)folding.Shape.Index(0, 2, 1, (1 * 4 * 3) + (2 * 3) + 1)],
            Is.EqualTo((sbyte)(((int)image.Index(0, -3 + 4 + 1, -3 + 4 + 2, 1) % 251) - 125))
        );
    }

    private static (QuantizedNetwork, Dictionary<int, sbyte[]>) Strided(Random random)
    {
        int channels = random.Next(1, 4),
            outputs = random.Next(1, 20);
        (int Rows, int Columns) kernel = (random.Next(1, 8), random.Next(2, 8)),
            stride = (random.Next(1, 5), random.Next(1, 5));
        (int Top, int Left, int Bottom, int Right) pad = (
            random.Next(0, kernel.Rows),
            random.Next(0, kernel.Columns),
            random.Next(0, kernel.Rows),
            random.Next(0, kernel.Columns)
        );
        var image = new TensorShape(1, random.Next(8, 30), random.Next(8, 30), channels);
        var computed = new TensorShape(
            1,
            ((image.Height + pad.Top + pad.Bottom - kernel.Rows) / stride.Rows) + 1,
            ((image.Width + pad.Left + pad.Right - kernel.Columns) / stride.Columns) + 1,
            outputs
        );
        QuantizedTensor[] tensors =
        [
            new(0, "image", image, 0.05, random.Next(-128, 128)),
            new(1, "output", computed, 0.05, random.Next(-20, 20)),
        ];
        sbyte[] pixels = new sbyte[image.Elements];
        random.NextBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(pixels.AsSpan()));
        return (
            new QuantizedNetwork("strided", tensors, [Convolution(random, channels, outputs, kernel, stride, pad)], [], [0], [1]),
            new Dictionary<int, sbyte[]> { [0] = pixels }
        );
    }

    private static ConvLayer Convolution(
        Random random,
        int channels,
        int outputs,
        (int Rows, int Columns) kernel,
        (int Rows, int Columns) stride,
        (int Top, int Left, int Bottom, int Right) padding
    )
    {
        int depth = channels * kernel.Rows * kernel.Columns;
        return new ConvLayer("conv", 0, 1, -128, 127)
        {
            Weights = [.. Enumerable.Range(0, outputs * depth).Select(_ => (sbyte)random.Next(-127, 128))],
            Bias = [.. Enumerable.Range(0, outputs).Select(_ => random.Next(-5000, 5000))],
            Scales = [.. Enumerable.Range(0, outputs).Select(_ => FixedPointScale.FromReal(50 / (Math.Sqrt(depth) * 74 * 105)))],
            Kernel = kernel,
            Stride = stride,
            Padding = padding,
        };
    }
}
