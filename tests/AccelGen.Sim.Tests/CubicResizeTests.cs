using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>Cubic resampling with weights that are sums of several: as the golden operators and the cycle model say, at a known
/// cost.</summary>
public sealed class CubicResizeTests
{
    // Enlarging twice, half pixels: offsets of a quarter.
    private static readonly float[] Weights =
    [
        -0.03515625f,
        0.26171875f,
        0.87890625f,
        -0.10546875f,
        -0.10546875f,
        0.87890625f,
        0.26171875f,
        -0.03515625f,
    ];

    [TestCase("tiny", 5, 6, 9)]
    [TestCase("tiny", 9, 4, 16)]
    [CancelAfter(300_000)]
    public async Task Fine_cubic_weights_equal_golden_and_cycle_model(string preset, int height, int width, int channels)
    {
        AcceleratorConfig config = ConfigLoader.Load(preset);
        BuiltModel built = await new ModelBuild().BuildAsync(config);
        QuantizedNetwork network = Network(height, width, channels, FloatResize.CubicCopies);
        var fine = (ResizeLayer)network.Layers[1];
        int[] sums =
        [
            .. Enumerable
                .Range(0, 4 * 16)
                .Select(i =>
                    fine.Weights[(i / 16 * 32) + (i % 16 / 4 * 8) + (i % 4)] + fine.Weights[(i / 16 * 32) + (i % 16 / 4 * 8) + 4 + (i % 4)]
                ),
        ];
        Assert.That(sums.Max(), Is.GreaterThan(127), "weights of more than 8 bits");
        var random = new Random(4711);
        var input = new sbyte[network.Tensors[0].Shape.Elements];
        random.NextBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(input.AsSpan()));
        var timing = new MemoryTiming();
        // The fastest tiling, then any: the repetition of rows beside the resampling in strips, or before it.
        for (int i = 0; i <= 12; i++)
        {
            CompiledProgram program = new NetworkCompiler(config, timing)
            {
                AnyTiling = i == 0 ? null : new Random(i),
                Fusion = i % 2 == 0,
            }.Compile(network);
            using var workload = new Workload(program, built.Library, timing);
            WorkloadResult result = workload.Run(new Dictionary<int, sbyte[]> { [0] = input }, ExecutionPath.Whole);
            string what = $"tiling {i}: {string.Join(" | ", program.Layers.Select(l => l.Tiling))}";
            Assert.That(result.FirstMismatch, Is.Null, what);
            Assert.That(result.CounterDifferences, Is.Empty, what);
            Assert.That(result.CommandDifferences, Is.Zero, what);
        }
    }

    [Test]
    public void Weights_twice_as_fine_take_the_array_at_most_2_1_times_as_long()
    {
        var timing = new MemoryTiming();
        ClassCycles Cycles(int copies)
        {
            CompiledProgram program = new NetworkCompiler(ConfigLoader.Load("base"), timing).Compile(Network(64, 64, 64, copies));
            return CycleBreakdown.Of(program, timing, ExecutionPath.Whole).Total;
        }

        (ClassCycles coarse, ClassCycles fine) = (Cycles(1), Cycles(2));
        TestContext.Out.WriteLine(
            $"64x64x64 enlarged twice on base: array {coarse.Array}, {fine.Array}; frame {coarse.Cycles}, {fine.Cycles} cycles"
        );
        Assert.That((double)fine.Array / coarse.Array, Is.InRange(1.9, 2.1));
        Assert.That((double)fine.Cycles / coarse.Cycles, Is.LessThan(2.3));
    }

    private static QuantizedNetwork Network(int height, int width, int channels, int copies)
    {
        var x = new TensorShape(1, height, width, channels);
        FloatTensor[] tensors =
        [
            new(0, "x", x),
            new(1, "y", x with { Height = 2 * height, Width = 2 * width }),
            new(2, "rows", x with { Height = copies * height }),
        ];
        var resize = new FloatResize("cubic", 0, 1)
        {
            Up = (2, 2),
            Down = (1, 1),
            Taps = (4, 4),
            FirstRow = [-2, -1],
            FirstColumn = [-2, -1],
            RowWeights = Weights,
            ColumnWeights = Weights,
        };
        (FloatResize repeat, FloatResize fine) = resize.Finer(copies, "rows", 2);
        return copies == 1
            ? Quantizer.Quantize(new FloatNetwork("cubic", tensors[..2], [resize], [], [0], [1]), [new(-4, 4), new(-6, 6)])
            : Quantizer.Quantize(new FloatNetwork("cubic", tensors, [repeat, fine], [], [0], [1]), [new(-4, 4), new(-6, 6), new(-4, 4)]);
    }
}
