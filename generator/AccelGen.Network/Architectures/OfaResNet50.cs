using System.Globalization;
using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Network.Architectures;

/// <summary>
/// A network of the Once-For-All space of ResNet-50 (arXiv 1908.09791): which blocks it has and how wide they are, in the
/// numbers that its authors' code takes.
/// </summary>
/// <param name="Depth">Whether the stem has its residual convolution (2) or not (0), then how many blocks each stage has beyond 2, 2, 4 and
/// 2: 0 to 2.</param>
/// <param name="Expand">Of each of the 18 blocks that a stage can have, in order, the channels inside per channel of its output: 0.2, 0.25
/// or 0.35.</param>
/// <param name="Width">Width of the stem's first convolutions, of its last, and of the four stages: 0 to 2 for 0.65, 0.8 and 1 of the
/// largest.</param>
public sealed record OfaGenome(IReadOnlyList<int> Depth, IReadOnlyList<double> Expand, IReadOnlyList<int> Width)
{
    /// <summary>Blocks per stage at the least.</summary>
    public static IReadOnlyList<int> BaseDepths { get; } = [2, 2, 4, 2];

    /// <summary>Blocks that a stage can have beyond that.</summary>
    public const int MoreBlocks = 2;

    /// <summary>Channels inside a block per channel of its output.</summary>
    public static IReadOnlyList<double> Expansions { get; } = [0.2, 0.25, 0.35];

    /// <summary>Parts of the largest width.</summary>
    public static IReadOnlyList<double> Widths { get; } = [0.65, 0.8, 1];

    /// <summary>Blocks of the largest network.</summary>
    public static int Blocks { get; } = BaseDepths.Sum() + (BaseDepths.Count * MoreBlocks);

    /// <summary>
    /// Networks with the multiply-accumulates at 224x224 of the ones that the authors published, by name, and as near their parameters
    /// as the space has any: the genomes themselves are not published. (The published one of 1.2 G has 19.3 M parameters, those of 0.9
    /// and 0.6 G have 14.5 and 9.6 M: they run on smaller images; here they are the nearest that this size has.) And the smallest.
    /// </summary>
    public static IReadOnlyDictionary<string, string> Points { get; } =
        new Dictionary<string, string>
        {
            ["4.1G"] = "d=2,1,1,0,2:e=0.35,0.2,0.2,0.2,0.35,0.35,0.25,0.35,0.35,0.35,0.35,0.35,0.2,0.25,0.25,0.35,0.2,0.2:w=1,2,1,1,2,2",
            ["3.7G"] = "d=2,0,2,1,2:e=0.35,0.2,0.35,0.35,0.35,0.2,0.35,0.2,0.2,0.25,0.2,0.25,0.25,0.35,0.35,0.35,0.35,0.2:w=2,0,0,2,2,1",
            ["3.0G"] = "d=0,1,0,0,2:e=0.2,0.35,0.25,0.25,0.2,0.2,0.35,0.25,0.35,0.2,0.35,0.25,0.2,0.2,0.35,0.2,0.35,0.2:w=0,2,1,1,1,2",
            ["2.4G"] = "d=0,0,1,0,2:e=0.25,0.2,0.2,0.35,0.2,0.25,0.2,0.35,0.2,0.2,0.35,0.2,0.25,0.2,0.35,0.35,0.25,0.25:w=1,1,1,0,0,2",
            ["1.8G"] = "d=0,0,0,0,1:e=0.2,0.2,0.35,0.35,0.2,0.2,0.25,0.25,0.2,0.2,0.25,0.35,0.35,0.25,0.2,0.35,0.25,0.2:w=0,0,0,1,0,2",
            ["1.2G"] = "d=0,0,0,0,0:e=0.25,0.25,0.25,0.35,0.25,0.25,0.35,0.35,0.2,0.2,0.2,0.2,0.2,0.35,0.2,0.2,0.25,0.2:w=1,0,0,1,0,0",
            ["smallest"] = "d=0:e=0.2:w=0",
        };

    /// <summary>The largest network.</summary>
    public static OfaGenome Largest { get; } = new([2, 2, 2, 2, 2], [.. Enumerable.Repeat(Expansions[^1], Blocks)], [2, 2, 2, 2, 2, 2]);

    private const string DepthKey = "d",
        ExpandKey = "e",
        WidthKey = "w";

    /// <summary>Reads <c>d=2,1,2,0,1:e=0.35:w=2</c>: what is left out is as in the largest network; one number stands for all. Or one of
    /// <see cref="Points"/>.</summary>
    /// <param name="text">Lists, with colons between them.</param>
    /// <param name="place">What the text belongs to, for messages.</param>
    /// <exception cref="InputException">Every problem is named, with its value and what is legal.</exception>
    public static OfaGenome Parse(string text, string place)
    {
        if (Points.TryGetValue(text.Trim(':'), out string? point))
            text = point;
        var problems = new List<Fault>();
        var lists = new Dictionary<string, double[]>();
        foreach (string part in text.Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] sides = part.Split('=');
            (int count, IReadOnlyList<double> legal)? wanted = sides[0] switch
            {
                DepthKey => (BaseDepths.Count + 1, [0, 1, 2]),
                ExpandKey => (Blocks, Expansions),
                WidthKey => (BaseDepths.Count + 2, [0, 1, 2]),
                _ => null,
            };
            if (sides.Length != 2 || wanted is not var (size, values))
            {
                problems.Add(
                    new Fault(
                        FaultCodes.IllegalArchitecture,
                        $"'{part}' is none of {DepthKey}=DEPTHS, {ExpandKey}=EXPANSIONS, {WidthKey}=WIDTHS, and none of "
                            + $"{string.Join(", ", Points.Keys)}"
                    )
                );
                continue;
            }

            string[] numbers = sides[1].Split(',');
            string legalText = string.Join(", ", values.Select(v => v.ToString(CultureInfo.InvariantCulture)));
            double[] read =
            [
                .. numbers.Select(n =>
                    double.TryParse(n, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double v) && values.Contains(v)
                        ? v
                        : double.NaN
                ),
            ];
            if (read.Any(double.IsNaN))
                problems.Add(
                    new Fault(
                        FaultCodes.IllegalArchitecture,
                        string.Empty,
                        $"{sides[0]}: '{numbers[Array.FindIndex(read, double.IsNaN)]}'",
                        $"legal are {legalText}"
                    )
                );
            else if (read.Length != size && read.Length != 1)
                problems.Add(
                    new Fault(
                        FaultCodes.IllegalArchitecture,
                        string.Empty,
                        $"{sides[0]} has {read.Length} numbers",
                        $"legal are {size}, or one for all"
                    )
                );
            else if (!lists.TryAdd(sides[0], read.Length == size ? read : [.. Enumerable.Repeat(read[0], size)]))
                problems.Add(new Fault(FaultCodes.IllegalArchitecture, $"{sides[0]} is given twice"));
            else if (sides[0] == DepthKey && lists[DepthKey][0] == 1)
                problems.Add(
                    new Fault(
                        FaultCodes.IllegalArchitecture,
                        string.Empty,
                        $"{DepthKey}: the first number is 1",
                        "legal are 0 and 2, without and with the residual convolution of the stem"
                    )
                );
        }

        if (problems.Count > 0)
            throw new InputException(problems.Select(p => p.At(place)));
        int[] Whole(string key, IReadOnlyList<int> largest) =>
            lists.TryGetValue(key, out double[]? given) ? [.. given.Select(v => (int)v)] : [.. largest];
        return new OfaGenome(
            Whole(DepthKey, Largest.Depth),
            lists.GetValueOrDefault(ExpandKey) ?? [.. Largest.Expand],
            Whole(WidthKey, Largest.Width)
        );
    }

    /// <summary>A part of some channels in a multiple of 8, the nearest that is not below nine tenths.</summary>
    internal static int Divisible(double channels)
    {
        int nearest = Math.Max(8, (int)(channels + 4) / 8 * 8);
        return nearest < 0.9 * channels ? nearest + 8 : nearest;
    }

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{DepthKey}={string.Join(',', Depth)}:"
                + $"{ExpandKey}={string.Join(',', Expand.Select(e => e.ToString(CultureInfo.InvariantCulture)))}:"
                + $"{WidthKey}={string.Join(',', Width)}"
        );
}

/// <summary>
/// Networks of the Once-For-All space of ResNet-50, their batch normalisations folded. Weights are drawn from a seed for the largest
/// network, and those of any other are the first slices of them; the statistics of the normalisations are drawn for each genome.
/// </summary>
/// <remarks>
/// Stem: 3x3 with stride 2, a 3x3 that adds to its input, 3x3, max pooling. A block is 1x1, 3x3, 1x1; the first of a stage has a
/// shortcut of average pooling and 1x1, every other can be left out, and a network of fewer blocks has not the last of them.
/// </remarks>
public static class OfaResNet50
{
    /// <summary>Name of the architecture; a genome follows after a colon.</summary>
    public const string Name = "ofa-resnet50";

    /// <summary>Channels of the largest stem and stages.</summary>
    public static IReadOnlyList<int> StageWidths { get; } = [256, 512, 1024, 2048];

    private const int StemWidth = 64;

    /// <summary>Builds a network.</summary>
    /// <param name="genome">Depths, expansions and widths.</param>
    /// <param name="height">Image rows, a multiple of 32.</param>
    /// <param name="width">Image columns, a multiple of 32.</param>
    /// <param name="seed">Seed of weights and statistics.</param>
    /// <param name="classes">Classes.</param>
    /// <param name="name">Name of the network, or null for that of the genome.</param>
    /// <returns>Network with input [1, height, width, 3], normalised as for ImageNet, and output scores [1, 1, 1, classes].</returns>
    /// <exception cref="InputException">A size is not legal.</exception>
    public static FloatNetwork Build(
        OfaGenome genome,
        int height = 224,
        int width = 224,
        int seed = 1,
        int classes = 1000,
        string? name = null
    ) =>
        new Builder(genome, height, width, seed, classes).Network(
            name ?? (genome.ToString() == OfaGenome.Largest.ToString() ? Name : $"{Name}:{genome}")
        );

    /// <summary>A convolution before its normalisation is folded in: what an exporter would write.</summary>
    /// <param name="Name">Name of the layer.</param>
    /// <param name="Weights">Weights [output][tap][input], as the largest network's first slices.</param>
    /// <param name="Gamma">Factor of the normalisation.</param>
    /// <param name="Beta">Addend.</param>
    /// <param name="Mean">Mean that it takes off.</param>
    /// <param name="Variance">Variance that it divides by the root of.</param>
    public sealed record Unfolded(string Name, float[] Weights, float[] Gamma, float[] Beta, float[] Mean, float[] Variance);

    /// <summary>Added to variances.</summary>
    public const float Epsilon = 1e-5f;

    /// <summary>The convolutions of a network with their normalisations, in order.</summary>
    /// <inheritdoc cref="Build"/>
    public static IReadOnlyList<Unfolded> Convolutions(
        OfaGenome genome,
        int height = 224,
        int width = 224,
        int seed = 1,
        int classes = 1000
    )
    {
        var builder = new Builder(genome, height, width, seed, classes);
        _ = builder.Network(Name);
        return builder.Convolutions;
    }

    private sealed class Builder
    {
        private readonly OfaGenome genome;
        private readonly int seed,
            classes,
            statistics;
        private readonly List<FloatTensor> tensors = [];
        private readonly List<FloatLayer> layers = [];

        public Builder(OfaGenome genome, int height, int width, int seed, int classes)
        {
            if (height < 32 || width < 32 || height % 32 != 0 || width % 32 != 0)
                throw new InputException(
                    FaultCodes.IllegalArchitecture,
                    Name,
                    $"image size {height}x{width}",
                    "rows and columns must be multiples of 32"
                );
            if (classes is < 2 or > 65535)
                throw new InputException(FaultCodes.IllegalArchitecture, Name, $"{classes} classes", "legal are 2 to 65535");
            (this.genome, this.seed, this.classes) = (genome, seed, classes);
            statistics = unchecked((seed * 31) + Code(genome.ToString()));
            Tensor("image", new TensorShape(1, height, width, 3));
        }

        public List<Unfolded> Convolutions { get; } = [];

        public FloatNetwork Network(string name)
        {
            int stem = OfaGenome.Divisible(StemWidth * OfaGenome.Widths[genome.Width[1]]),
                most = StemWidth;
            // The first convolutions have half of the channels, of the width that is theirs.
            int half = OfaGenome.Divisible(OfaGenome.Divisible(StemWidth * OfaGenome.Widths[genome.Width[0]]) / 2),
                mostHalf = StemWidth / 2;
            int x = Conv("stem.conv1", 0, 3, half, mostHalf, 3, 2, OutputRange.Relu);
            if (genome.Depth[0] == OfaGenome.MoreBlocks)
            {
                int branch = Conv("stem.residual.conv", x, mostHalf, half, mostHalf, 3, 1, OutputRange.Relu);
                int sum = Tensor("stem.residual.add", tensors[x].Shape);
                layers.Add(new FloatAdd("stem.residual.add", branch, sum) { Residual = x });
                x = sum;
            }

            x = Conv("stem.conv2", x, mostHalf, stem, most, 3, 1, OutputRange.Relu);
            TensorShape full = tensors[x].Shape;
            int pooled = Tensor("stem.pool", full with { Height = (full.Height + 1) / 2, Width = (full.Width + 1) / 2 });
            layers.Add(
                new FloatMaxPool("stem.pool", x, pooled)
                {
                    Kernel = (3, 3),
                    Stride = (2, 2),
                    Padding = (1, 1, 1, 1),
                }
            );
            x = pooled;
            int first = 0;
            for (int stage = 0; stage < StageWidths.Count; stage++)
            {
                int channels = OfaGenome.Divisible(StageWidths[stage] * OfaGenome.Widths[genome.Width[stage + 2]]);
                for (int block = 0; block < OfaGenome.BaseDepths[stage] + genome.Depth[stage + 1]; block++)
                {
                    x = Block(
                        $"stage{stage + 1}.block{block}",
                        x,
                        block == 0 ? most : StageWidths[stage],
                        channels,
                        StageWidths[stage],
                        genome.Expand[first + block],
                        block == 0,
                        block == 0 && stage > 0 ? 2 : 1
                    );
                }

                most = StageWidths[stage];
                first += OfaGenome.BaseDepths[stage] + OfaGenome.MoreBlocks;
            }

            TensorShape last = tensors[x].Shape;
            int mean = Tensor("pool", last with { Height = 1, Width = 1 });
            layers.Add(new FloatAveragePool("pool", x, mean) { Kernel = (last.Height, last.Width), Stride = (last.Height, last.Width) });
            int scores = Tensor("classifier", new TensorShape(1, 1, 1, classes));
            layers.Add(
                new FloatConv("classifier", mean, scores)
                {
                    Weights = Slice(
                        Values(Source("classifier", seed), classes * most, 1 / Math.Sqrt(most)),
                        most,
                        classes,
                        last.Channels,
                        1
                    ),
                    Bias = Values(Source("classifier.bias", statistics), classes, 0.05),
                    Kernel = (1, 1),
                }
            );
            FloatNetwork marked = ResidualBlocks.Mark(new FloatNetwork(name, tensors, layers, [], [0], [scores]));
            // By the name that the layers of a block share.
            return marked with
            {
                Blocks =
                [
                    .. marked.Blocks.Select(b =>
                        marked.Layers.First(l => l.Block == b.Index).Name is var first
                            ? b with
                            {
                                Name = first[..first.LastIndexOf('.')],
                            }
                            : b
                    ),
                ],
            };
        }

        private int Block(string at, int x, int mostInputs, int channels, int mostChannels, double expand, bool reduces, int stride)
        {
            int inside = OfaGenome.Divisible(Math.Round(channels * expand, MidpointRounding.ToEven)),
                mostInside = OfaGenome.Divisible(Math.Round(mostChannels * OfaGenome.Expansions[^1], MidpointRounding.ToEven)),
                shortcut = x;
            int y = Conv($"{at}.conv1", x, mostInputs, inside, mostInside, 1, 1, OutputRange.Relu);
            y = Conv($"{at}.conv2", y, mostInside, inside, mostInside, 3, stride, OutputRange.Relu);
            if (reduces)
            {
                TensorShape shape = tensors[x].Shape;
                if (stride > 1)
                {
                    shortcut = Tensor($"{at}.shortcut.pool", shape with { Height = shape.Height / stride, Width = shape.Width / stride });
                    layers.Add(
                        new FloatAveragePool($"{at}.shortcut.pool", x, shortcut) { Kernel = (stride, stride), Stride = (stride, stride) }
                    );
                }

                shortcut = Conv($"{at}.shortcut.conv", shortcut, mostInputs, channels, mostChannels, 1, 1, OutputRange.Unbounded);
            }

            return Conv($"{at}.conv3", y, mostInside, channels, mostChannels, 1, 1, OutputRange.Relu, shortcut);
        }

        private int Tensor(string name, TensorShape shape)
        {
            tensors.Add(new FloatTensor(tensors.Count, name, shape));
            return tensors.Count - 1;
        }

        private int Conv(
            string name,
            int input,
            int mostInputs,
            int channels,
            int mostChannels,
            int kernel,
            int stride,
            OutputRange range,
            int? residual = null
        )
        {
            TensorShape from = tensors[input].Shape;
            int pad = kernel / 2,
                taps = kernel * kernel,
                output = Tensor(
                    name,
                    new TensorShape(
                        1,
                        ((from.Height + (2 * pad) - kernel) / stride) + 1,
                        ((from.Width + (2 * pad) - kernel) / stride) + 1,
                        channels
                    )
                );
            float[] weights = Slice(
                Values(Source(name, seed), mostChannels * taps * mostInputs, Math.Sqrt(2.0 / (taps * mostInputs))),
                mostInputs,
                channels,
                from.Channels,
                taps
            );
            // Factors and addends are slices too, as in a network that was trained once; means and variances are measured for each
            // genome. What is summed over fewer channels has less variance. A branch adds less than the stream has.
            float gain = residual is null ? 1 : 0.4f,
                share = (float)from.Channels / mostInputs;
            Random own = Source(name, statistics);
            float[] gamma = [.. Values(Source(name + ".gamma", seed), mostChannels, 0.1)[..channels].Select(v => gain * (1 + v))],
                beta = Values(Source(name + ".beta", seed), mostChannels, 0.1)[..channels];
            float[] mean = Values(own, channels, 0.1),
                variance = [.. Values(own, channels, 0.1).Select(v => share * (1 + v))];
            Convolutions.Add(new Unfolded(name, weights, gamma, beta, mean, variance));
            double[] factor = [.. gamma.Zip(variance, (g, v) => g / Math.Sqrt(v + (double)Epsilon))];
            int run = weights.Length / channels;
            layers.Add(
                new FloatConv(name, input, output)
                {
                    Weights = [.. weights.Select((w, i) => (float)(w * factor[i / run]))],
                    Bias = [.. factor.Select((f, k) => (float)(beta[k] - (mean[k] * f)))],
                    Kernel = (kernel, kernel),
                    Stride = (stride, stride),
                    Padding = (pad, pad, pad, pad),
                    Range = range,
                    Residual = residual,
                }
            );
            return output;
        }

        // The first inputs of the first outputs of weights [output][tap][input].
        private static float[] Slice(float[] weights, int mostInputs, int outputs, int inputs, int taps)
        {
            var slice = new float[outputs * taps * inputs];
            for (int row = 0; row < outputs * taps; row++)
                weights.AsSpan(row * mostInputs, inputs).CopyTo(slice.AsSpan(row * inputs));
            return slice;
        }

        private static Random Source(string name, int seed) => new(unchecked(Code(name) + (seed * 16777619)));

        // The same on every machine, unlike a text's own hash.
        private static int Code(string text) => unchecked((int)text.Aggregate(2166136261u, (h, c) => (h ^ c) * 16777619));

        private static float[] Values(Random random, int count, double deviation)
        {
            var values = new float[count];
            for (int i = 0; i < count; i++)
                values[i] = (float)((random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 2 * deviation);
            return values;
        }
    }
}
