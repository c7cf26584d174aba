using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Isa;
using AccelGen.Network.Quantized;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>Resampling and average pooling, whose lanes all have the same weights, with neighbouring taps of a kernel row taken together
/// and one by one.</summary>
public sealed class ResamplingTests
{
    // Two, three and five taps at once; one.
    private static readonly (string Preset, string[] Overrides, int Taps)[] Configs =
    [
        ("tiny", ["buffers.inputKibibytes=8", "buffers.outputKibibytes=8"], 2),
        ("small", ["array.vectorWidth=32", "array.lanes=8", "axi.dataBits=512", "array.pes=3"], 3),
        (
            "tiny",
            [
                "array.vectorWidth=8",
                "array.lanes=8",
                "array.pes=4",
                "axi.dataBits=256",
                "buffers.inputKibibytes=16",
                "buffers.outputKibibytes=4",
                "buffers.residualKibibytes=4",
                "buffers.weightKibibytes=8",
                "array.accumulatorBits=28",
            ],
            5
        ),
        ("tiny", ["buffers.inputKibibytes=8", "buffers.outputKibibytes=8", "units.rowTaps=false"], 1),
    ];

    [Test]
    [CancelAfter(300_000)]
    public async Task Resampling_of_narrow_images_equals_golden_and_cycle_model([Range(0, 3)] int number)
    {
        var random = new Random(53);
        var layers = new List<(QuantizedLayer, TensorShape, TensorShape)>();
        foreach (string mode in new[] { "nearest", "linear", "cubic" })
        {
            foreach ((int up, int down) in new[] { (2, 1), (4, 1), (8, 1), (3, 2), (2, 3), (1, 2) })
            {
                foreach (int columns in new[] { 1, 2, 3, 7 })
                    layers.Add(
                        Resize(
                            mode,
                            (up, up),
                            (down, down),
                            new TensorShape(1, random.Next(1, 4) * down, columns * down, random.Next(1, 20)),
                            random
                        )
                    );
            }
        }

        // One period, as large as the image.
        foreach ((int columns, int to) in new[] { (1, 2), (1, 3), (2, 3), (2, 4), (3, 5), (3, 6), (5, 4) })
        {
            layers.Add(Resize("align corners", (3, to), (2, columns), new TensorShape(1, 2, columns, random.Next(1, 20)), random));
            layers.Add(Resize("nearest, align corners", (1, to), (1, columns), new TensorShape(1, 1, columns, random.Next(1, 20)), random));
        }

        await RunAsync(number, layers, random);
    }

    [Test]
    [CancelAfter(300_000)]
    public async Task Average_pooling_with_any_padding_equals_golden_and_cycle_model([Range(0, 3)] int number)
    {
        var random = new Random(54);
        var layers = new List<(QuantizedLayer, TensorShape, TensorShape)>();
        for (int kernel = 2; kernel <= 7; kernel++)
        {
            for (int padding = 0; padding < kernel; padding++)
            {
                int stride = random.Next(1, 4),
                    width = Math.Max(1, kernel - padding) + random.Next(4),
                    channels = random.Next(1, 20);
                var image = new TensorShape(1, random.Next(2, 6), width, channels);
                var pool = new AveragePoolLayer("pool", 0, 1, -128, 127)
                {
                    Kernel = (2, kernel),
                    Stride = (1, stride),
                    Padding = (1, padding, 0, padding),
                    Scale = FixedPointScale.FromReal(0.7 / kernel),
                };
                layers.Add((pool, image, image with { Width = ((width + (2 * padding) - kernel) / stride) + 1 }));
            }
        }

        await RunAsync(number, layers, random);
    }

    // The kernel is then one step in size, but reads pixels of its own row only.
    [Test]
    [CancelAfter(300_000)]
    public async Task Kernels_of_one_row_padded_on_the_right_keep_to_their_row([Range(0, 3)] int number)
    {
        var random = new Random(56);
        var layers = new List<(QuantizedLayer, TensorShape, TensorShape)>();
        for (int kernel = 2; kernel <= 5; kernel++)
        {
            var image = new TensorShape(1, 3, random.Next(1, 9), random.Next(2, 20));
            layers.Add(
                (
                    new AveragePoolLayer("pool", 0, 1, -128, 127)
                    {
                        Kernel = (1, kernel),
                        Stride = (1, 1),
                        Padding = (0, 0, 0, kernel - 1),
                        Scale = FixedPointScale.FromReal(0.7 / kernel),
                    },
                    image,
                    image
                )
            );
            layers.Add(
                (
                    new ConvLayer("depthwise", 0, 1, -128, 127)
                    {
                        Kernel = (1, kernel),
                        Stride = (1, 1),
                        Dilation = (1, 1),
                        Padding = (0, 0, 0, kernel - 1),
                        Groups = image.Channels,
                        Weights = [.. Enumerable.Range(0, image.Channels * kernel).Select(_ => (sbyte)random.Next(-127, 128))],
                        Bias = new int[image.Channels],
                        Scales = [.. Enumerable.Range(0, image.Channels).Select(_ => FixedPointScale.FromReal(0.005))],
                    },
                    image,
                    image
                )
            );
        }

        await RunAsync(number, layers, random);
    }

    [Test]
    public void Neighbouring_taps_of_a_kernel_row_are_one_step([Range(0, 3)] int number)
    {
        (string preset, string[] overrides, int taps) = Configs[number];
        AcceleratorConfig config = ConfigLoader.Load(preset, overrides);
        var image = new TensorShape(1, 6, 6, 9);
        int Steps(int columns) => (columns + taps - 1) / taps;
        Check(Resize("linear", (2, 2), (1, 1), image, new Random(1)), 2 * Steps(2));
        Check(Resize("cubic", (2, 2), (1, 1), image, new Random(1)), 4 * Steps(4));
        Check(Resize("nearest", (2, 2), (1, 1), image, new Random(1)), 1);
        Check(
            (
                new AveragePoolLayer("pool", 0, 1, -128, 127)
                {
                    Kernel = (3, 3),
                    Stride = (1, 1),
                    Scale = FixedPointScale.FromReal(0.1),
                },
                image,
                image with
                {
                    Height = 4,
                    Width = 4,
                }
            ),
            3 * Steps(3)
        );
        // A maximum has no weights that could silence taps.
        Check(
            (
                new MaxPoolLayer("pool", 0, 1, -128, 127)
                {
                    Kernel = (3, 3),
                    Stride = (1, 1),
                    Scale = FixedPointScale.FromReal(0.9),
                },
                image,
                image with
                {
                    Height = 4,
                    Width = 4,
                }
            ),
            9
        );

        void Check((QuantizedLayer Layer, TensorShape From, TensorShape To) one, int steps)
        {
            CompiledProgram program = new NetworkCompiler(config, new MemoryTiming()).Compile(Network(one, new Random(2)));
            Command[] computes = [.. program.Commands.Where(c => c.Is(ComputeCommand.Definition) && c[Header.B.Count] > 0)];
            Assert.That(computes, Is.Not.Empty);
            Assert.That(
                computes.Select(c => c[ComputeCommand.KernelRows] * c[ComputeCommand.KernelColumns]),
                Has.All.EqualTo(steps),
                $"{one.Layer} on {preset}"
            );
        }
    }

    [Test]
    [CancelAfter(300_000)]
    public async Task Weights_that_only_fit_tap_by_tap_are_taken_so()
    {
        // 64 phases of 3 x 5 taps are 960 bytes; in pairs, 1152: the weight buffer of the first configuration holds 1024 at once.
        var random = new Random(55);
        var image = new TensorShape(1, 2, 3, 6);
        (QuantizedLayer, TensorShape, TensorShape) resize = Resize("linear", (8, 8), (1, 1), image, random, (3, 5)),
            fewer = Resize("linear", (7, 8), (1, 1), image, random, (3, 5));
        Assert.That(RowTaps(resize), Is.False);
        Assert.That(RowTaps(fewer), Is.True);
        await RunAsync(0, [resize, fewer], random);

        bool RowTaps((QuantizedLayer, TensorShape, TensorShape) one) =>
            new NetworkCompiler(ConfigLoader.Load(Configs[0].Preset, Configs[0].Overrides), new MemoryTiming())
                .Compile(Network(one, new Random(2)))
                .Commands.Any(c => c.Is(ComputeCommand.Definition) && c[ComputeCommand.RowTaps]);
    }

    private static async Task RunAsync(
        int number,
        IReadOnlyList<(QuantizedLayer Layer, TensorShape From, TensorShape To)> layers,
        Random random
    )
    {
        (string preset, string[] overrides, _) = Configs[number];
        AcceleratorConfig config = ConfigLoader.Load(preset, overrides);
        BuiltModel built = await new ModelBuild().BuildAsync(config);
        var timing = new MemoryTiming();
        foreach ((QuantizedLayer Layer, TensorShape From, TensorShape To) one in layers)
        {
            QuantizedNetwork network = Network(one, random);
            CompiledProgram program = new NetworkCompiler(config, timing) { AnyTiling = random.Next(2) == 0 ? random : null }.Compile(
                network
            );
            using var workload = new Workload(program, built.Library, timing);
            var values = new sbyte[one.From.Elements];
            random.NextBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
            WorkloadResult result = workload.Run(new Dictionary<int, sbyte[]> { [0] = values }, ExecutionPath.Whole);
            string what = $"{one.Layer}, {one.From} to {one.To}, {program.Layers[0].Tiling}";
            Assert.That(result.FirstMismatch, Is.Null, what);
            Assert.That(result.CounterDifferences, Is.Empty, what);
            Assert.That(result.CommandDifferences, Is.Zero, what);
        }
    }

    private static QuantizedNetwork Network((QuantizedLayer Layer, TensorShape From, TensorShape To) one, Random random) =>
        new(
            "one",
            [
                new QuantizedTensor(0, "input", one.From, 0.1, random.Next(-128, 128)),
                new QuantizedTensor(1, "output", one.To, 0.1, random.Next(-40, 40)),
            ],
            [one.Layer],
            [],
            [0],
            [1]
        );

    // Positions in the input by the phase of the output; weights of the taps around them, the outermost of them random when a kernel is
    // given.
    private static (QuantizedLayer Layer, TensorShape From, TensorShape To) Resize(
        string mode,
        (int Rows, int Columns) up,
        (int Rows, int Columns) down,
        TensorShape image,
        Random random,
        (int Rows, int Columns)? kernel = null
    )
    {
        (int[] firstRow, double[][] rows) = Axis(up.Rows, down.Rows);
        (int[] firstColumn, double[][] columns) = Axis(up.Columns, down.Columns);
        (int tapRows, int tapColumns) = kernel ?? (rows[0].Length, columns[0].Length);
        var weights = new sbyte[up.Rows * up.Columns * tapRows * tapColumns];
        for (int i = 0; i < weights.Length; i++)
        {
            (int phase, int tap) = Math.DivRem(i, tapRows * tapColumns);
            weights[i] = kernel is null
                ? (sbyte)Math.Round(127 * rows[phase / up.Columns][tap / tapColumns] * columns[phase % up.Columns][tap % tapColumns])
                : (sbyte)random.Next(-127, 128);
        }

        var resize = new ResizeLayer("resize", 0, 1, -128, 127)
        {
            Up = up,
            Down = down,
            Taps = (tapRows, tapColumns),
            FirstRow = firstRow,
            FirstColumn = firstColumn,
            Weights = weights,
            Scales =
            [
                .. Enumerable.Range(0, up.Rows * up.Columns).Select(_ => FixedPointScale.FromReal((kernel is null ? 1.0 : 0.2) / 127)),
            ],
        };
        return (resize, image, image with { Height = image.Height / down.Rows * up.Rows, Width = image.Width / down.Columns * up.Columns });

        (int[] First, double[][] Weights) Axis(int count, int size)
        {
            var first = new int[count];
            var taps = new double[count][];
            for (int p = 0; p < count; p++)
            {
                double at = mode.EndsWith("align corners", StringComparison.Ordinal)
                    ? p * (size - 1.0) / Math.Max(1, count - 1)
                    : ((p + 0.5) * size / count) - 0.5;
                int floor = (int)Math.Floor(mode == "nearest" ? at + 0.5 : at);
                double t = at - floor;
                (first[p], taps[p]) = mode switch
                {
                    "nearest" => (floor, new[] { 1.0 }),
                    "nearest, align corners" => ((int)Math.Ceiling(at - 0.5), new[] { 1.0 }),
                    "cubic" => (floor - 1, new[] { Cubic(1 + t), Cubic(t), Cubic(1 - t), Cubic(2 - t) }),
                    _ => (floor, new[] { 1 - t, t }),
                };
            }

            return (first, taps);
        }

        static double Cubic(double x) => x <= 1 ? (((1.25 * x) - 2.25) * x * x) + 1 : (((((-0.75 * x) + 3.75) * x) - 6) * x) + 3;
    }
}
