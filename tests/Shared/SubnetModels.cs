using AccelGen.Network.Float;
using AccelGen.Onnx;

namespace AccelGen.Tests.Shared;

/// <summary>Sizes of a small residual network.</summary>
/// <param name="Width">Channels of the residual stream.</param>
/// <param name="Middle">Channels inside each residual block; the blocks are as many.</param>
/// <param name="Last">Channels of the last stage.</param>
internal sealed record SubnetSizes(int Width, int[] Middle, int Last);

/// <summary>
/// A small residual network as ONNX files: convolutions with unfolded batch normalisations, an inverted bottleneck, pooling, a classifier.
/// Weights of smaller ones are first slices of those of larger ones; the statistics of the normalisations are each one's own.
/// </summary>
internal sealed class SubnetModels(int seed, int size)
{
    /// <summary>Channels of the image, and classes.</summary>
    public const int Image = 3,
        Classes = 10;

    /// <summary>Largest sizes that weights are drawn for.</summary>
    public static SubnetSizes Largest { get; } = new(48, [40, 32, 40], 72);

    private static readonly string[] Names = ["stem", "block0", "block1", "block2", "down", "depthwise", "head", "widen", "narrow"];

    /// <summary>Rows and columns of the image.</summary>
    public int Size => size;

    /// <summary>Changes weights by name before they are written.</summary>
    public Action<string, float[]>? Change { get; init; }

    /// <summary>Weights are int8 with a scale per output channel.</summary>
    public bool WeightOnly { get; init; }

    /// <summary>The middle convolutions of the blocks are depthwise.</summary>
    public bool Inverted { get; init; }

    /// <summary>The activation that follows normalisations, but for the first.</summary>
    public string Activation { get; init; } = "Relu";

    /// <summary>The first activation. A block can be left out only where what it adds to is not below 0, as what it gives is not.</summary>
    public string First { get; init; } = "Relu";

    /// <summary>A model.</summary>
    /// <param name="sizes">Sizes.</param>
    /// <param name="statistics">Seed of the statistics of its normalisations.</param>
    public byte[] Build(SubnetSizes sizes, int statistics)
    {
        var m = new OnnxModelWriter { OpsetVersion = 14 };
        m.Input("x", OnnxModelWriter.Float, 1, Image, size, size);
        string x = Conv("stem", "x", Image, Image, Largest.Width, sizes.Width, 3, 1, 1);
        for (int b = 0; b < sizes.Middle.Length; b++)
        {
            string y = Conv($"block{b}.conv1", x, sizes.Width, Largest.Width, Largest.Middle[b], sizes.Middle[b], 1, 1, 0);
            y = Inverted
                ? Conv($"block{b}.conv2", y, 1, 1, Largest.Middle[b], sizes.Middle[b], 3, 1, 1, groups: sizes.Middle[b])
                : Conv($"block{b}.conv2", y, sizes.Middle[b], Largest.Middle[b], Largest.Middle[b], sizes.Middle[b], 3, 1, 1);
            y = Conv($"block{b}.conv3", y, sizes.Middle[b], Largest.Middle[b], Largest.Width, sizes.Width, 1, 1, 0, active: false);
            m.Node("Add", [y, x], $"block{b}.sum", name: $"/block{b}/Add")
                .Node("Relu", [$"block{b}.sum"], $"block{b}", name: $"/block{b}/Relu");
            x = $"block{b}";
        }

        x = Conv("down", x, sizes.Width, Largest.Width, Largest.Last, sizes.Last, 3, 2, 1);
        x = Conv("widen", x, sizes.Last, Largest.Last, Largest.Last, sizes.Last, 1, 1, 0);
        x = Conv("depthwise", x, 1, 1, Largest.Last, sizes.Last, 3, 1, 1, groups: sizes.Last);
        x = Conv("narrow", x, sizes.Last, Largest.Last, Largest.Last, sizes.Last, 1, 1, 0, active: false);
        m.Node("AveragePool", [x], "pool", name: "/pool/AveragePool").Ints("kernel_shape", 2, 2).Ints("strides", 2, 2);
        m.Node("GlobalAveragePool", ["pool"], "mean", name: "/mean/GlobalAveragePool")
            .Node("Flatten", ["mean"], "flat", name: "/flat/Flatten");
        float[] head = Sliced(Drawn("head", Classes * Largest.Last, 0.3), Classes, Largest.Last, sizes.Last, 1);
        m.Initializer("head.w", head, Classes, sizes.Last).Initializer("head.b", Values(new Random(statistics), Classes, 0.2), Classes);
        m.Node("Gemm", ["flat", "head.w", "head.b"], "y", name: "/head/Gemm").Int("transB", 1);
        return m.Build("y");

        string Conv(
            string name,
            string input,
            int inputs,
            int mostInputs,
            int mostOutputs,
            int outputs,
            int kernel,
            int stride,
            int pad,
            int groups = 1,
            bool active = true
        )
        {
            float[] all = Drawn(name, mostOutputs * mostInputs * kernel * kernel, 1.5 / Math.Sqrt(mostInputs * kernel * kernel));
            if (WeightOnly)
            {
                int run = all.Length / mostOutputs;
                float[] steps = [.. Enumerable.Range(0, mostOutputs).Select(k => all.AsSpan(k * run, run).ToArray().Max(Math.Abs) / 127)];
                sbyte[] counts =
                [
                    .. Sliced([.. all.Select((w, i) => MathF.Round(w / steps[i / run]))], outputs, mostInputs, inputs, kernel * kernel)
                        .Select(w => (sbyte)w),
                ];
                m.Initializer($"{name}.w8", OnnxModelWriter.Int8, [.. counts.Select(c => (byte)c)], outputs, inputs, kernel, kernel)
                    .Initializer($"{name}.ws", steps[..outputs], outputs);
                m.Node("DequantizeLinear", [$"{name}.w8", $"{name}.ws"], $"{name}.w", name: $"/{name}/DequantizeLinear").Int("axis", 0);
            }
            else
            {
                m.Initializer($"{name}.w", Sliced(all, outputs, mostInputs, inputs, kernel * kernel), outputs, inputs, kernel, kernel);
            }

            // Deviations of a tenth around what keeps the values' size.
            var random = new Random(HashCode(name, statistics));
            float[] Near(double value, double spread) => [.. Values(random, outputs, spread).Select(v => (float)(value + v))];
            foreach (
                (string suffix, float[] values) in new[]
                {
                    ("g", Near(1, 0.1)),
                    ("b", Near(0.1, 0.1)),
                    ("m", Near(0, 0.2)),
                    ("v", Near(1, 0.2)),
                }
            )
            {
                Change?.Invoke($"{name}.{suffix}", values);
                m.Initializer($"{name}.{suffix}", values, outputs);
            }

            m.Node("Conv", [input, $"{name}.w"], $"{name}.c", name: $"/{name}/Conv")
                .Ints("pads", pad, pad, pad, pad)
                .Ints("strides", stride, stride)
                .Int("group", groups);
            m.Node(
                "BatchNormalization",
                [$"{name}.c", $"{name}.g", $"{name}.b", $"{name}.m", $"{name}.v"],
                active ? $"{name}.n" : name,
                name: $"/{name}/BatchNormalization"
            );
            string activation = name == "stem" ? First : Activation;
            if (active)
                m.Node(activation, [$"{name}.n"], name, name: $"/{name}/{activation}");
            return name;
        }
    }

    /// <summary>Imports a model of this kind.</summary>
    /// <param name="model">The file.</param>
    /// <param name="name">Its name, without folder and extension.</param>
    public static FloatNetwork Import(byte[] model, string name)
    {
        string folder = Directory.CreateTempSubdirectory("accelgen-subnets").FullName;
        try
        {
            string file = Path.Combine(folder, $"{name}.onnx");
            File.WriteAllBytes(file, model);
            return OnnxImporter.Import(file).Network;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private float[] Drawn(string name, int count, double deviation)
    {
        float[] values = Values(new Random(HashCode(name, seed)), count, deviation);
        Change?.Invoke($"{name}.w", values);
        return values;
    }

    // The first inputs of the first outputs of weights [output][input][tap].
    private static float[] Sliced(float[] weights, int outputs, int mostInputs, int inputs, int taps) =>
        [
            .. Enumerable
                .Range(0, outputs)
                .SelectMany(k => Enumerable.Range(0, inputs * taps).Select(i => weights[(k * mostInputs * taps) + i])),
        ];

    private static int HashCode(string name, int number) =>
        (Array.FindIndex(Names, n => name.StartsWith(n, StringComparison.Ordinal)) * 7919)
        + (name.Length > 0 ? name[^1] * 104729 : 0)
        + number;

    private static float[] Values(Random random, int count, double deviation) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(_ => (float)((random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 2 * deviation)),
        ];
}
