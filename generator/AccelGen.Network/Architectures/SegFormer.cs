using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Network.Architectures;

/// <summary>Sizes of a SegFormer model (arXiv 2105.15203, table 6).</summary>
/// <param name="Name">segformer-b0 to segformer-b5.</param>
/// <param name="Channels">Channels per encoder stage.</param>
/// <param name="Depths">Blocks per encoder stage.</param>
/// <param name="DecoderChannels">Channels of the decoder.</param>
public sealed record SegFormerVariant(string Name, IReadOnlyList<int> Channels, IReadOnlyList<int> Depths, int DecoderChannels);

/// <summary>
/// SegFormer from its architecture: an encoder of four stages of transformer blocks, each a skippable block, and a decoder
/// that ends in labels at a quarter of the resolution. The weights are synthetic, drawn from a seed, with the spread of trained ones.
/// </summary>
/// <remarks>
/// Attention treats an image as the matrix of its tokens: a view, that is a second tensor [1, 1, H * W, C] of the same storage.
/// The residual stream of a stage is one storage; both branches of a block write it in place.
/// </remarks>
public static class SegFormer
{
    private const float NormEpsilon = 1e-6f;

    /// <summary>Attention heads per stage.</summary>
    public static IReadOnlyList<int> Heads { get; } = [1, 2, 5, 8];

    /// <summary>Factor per stage by which the image of keys and values is smaller, in rows and in columns.</summary>
    public static IReadOnlyList<int> Reductions { get; } = [8, 4, 2, 1];

    /// <summary>Channels of the feed-forward layer per channel of the stream.</summary>
    public const int Expansion = 4;

    /// <summary>The published models.</summary>
    public static IReadOnlyList<SegFormerVariant> Variants { get; } =
    [
        new("segformer-b0", [32, 64, 160, 256], [2, 2, 2, 2], 256),
        new("segformer-b1", [64, 128, 320, 512], [2, 2, 2, 2], 256),
        new("segformer-b2", [64, 128, 320, 512], [3, 4, 6, 3], 768),
        new("segformer-b3", [64, 128, 320, 512], [3, 4, 18, 3], 768),
        new("segformer-b4", [64, 128, 320, 512], [3, 8, 27, 3], 768),
        new("segformer-b5", [64, 128, 320, 512], [3, 6, 40, 3], 768),
    ];

    /// <summary>Finds a model by its name.</summary>
    /// <exception cref="InputException">There is no such model.</exception>
    public static SegFormerVariant Variant(string name) =>
        Variants.FirstOrDefault(v => v.Name == name)
        ?? throw new InputException(
            FaultCodes.NoSuchArchitecture,
            string.Empty,
            $"model '{name}' is not known",
            $"there are {string.Join(", ", Variants.Select(v => v.Name))}"
        );

    /// <summary>Builds a network.</summary>
    /// <param name="variant">Sizes.</param>
    /// <param name="height">Image rows, a multiple of 32.</param>
    /// <param name="width">Image columns, a multiple of 32.</param>
    /// <param name="seed">Seed of the weights; they do not depend on the image's size.</param>
    /// <param name="classes">Classes, 2 to 256.</param>
    /// <param name="upsample">Labels at the image's resolution instead of a quarter: the scores are resampled first.</param>
    /// <returns>Network with input [1, height, width, 3], normalised as for ImageNet, and output labels [1, height / 4, width / 4,
    /// 1].</returns>
    /// <exception cref="InputException">A size is not legal.</exception>
    public static FloatNetwork Build(
        SegFormerVariant variant,
        int height = 512,
        int width = 512,
        int seed = 1,
        int classes = 150,
        bool upsample = false
    ) => new Builder(variant, height, width, seed, classes).Network(upsample);

    private sealed class Builder
    {
        private readonly SegFormerVariant variant;
        private readonly int height;
        private readonly int width;
        private readonly int classes;
        private readonly Random random;
        private readonly List<FloatTensor> tensors = [];
        private readonly List<FloatLayer> layers = [];
        private readonly List<SkippableBlock> blocks = [];

        public Builder(SegFormerVariant variant, int height, int width, int seed, int classes)
        {
            if (height < 32 || width < 32 || height % 32 != 0 || width % 32 != 0)
                throw new InputException(
                    FaultCodes.IllegalArchitecture,
                    variant.Name,
                    $"image size {height}x{width}",
                    "rows and columns must be multiples of 32"
                );
            if (classes is < 2 or > 256)
                throw new InputException(FaultCodes.IllegalArchitecture, variant.Name, $"{classes} classes", "legal are 2 to 256");
            if (variant.Depths.Sum() > ResidualBlocks.MaxBlocks)
                throw new InputException(
                    FaultCodes.IllegalArchitecture,
                    variant.Name,
                    $"{variant.Depths.Sum()} blocks",
                    $"at most {ResidualBlocks.MaxBlocks} can be skippable"
                );
            (this.variant, this.height, this.width, this.classes, random) = (variant, height, width, classes, new Random(seed));
        }

        public FloatNetwork Network(bool upsample)
        {
            int image = Tensor("image", new TensorShape(1, height, width, 3)),
                x = image;
            int[] features = new int[4];
            for (int stage = 0; stage < 4; stage++)
                features[stage] = x = Stage(stage, x);
            int labels = Decoder(features, upsample);
            return new FloatNetwork(variant.Name, tensors, layers, blocks, [image], [labels]);
        }

        private int Stage(int stage, int input)
        {
            string at = $"stage{stage + 1}";
            int channels = variant.Channels[stage],
                kernel = stage == 0 ? 7 : 3,
                stride = stage == 0 ? 4 : 2;
            int x = Conv($"{at}.patch_embed", input, channels, kernel, stride, kernel / 2);
            x = Norm($"{at}.patch_embed.norm", x);
            for (int block = 0; block < variant.Depths[stage]; block++)
            {
                int firstLayer = layers.Count;
                x = Block(stage, $"{at}.block{block}", x);
                var skippable = new SkippableBlock(blocks.Count, $"{at}.block{block}");
                blocks.Add(skippable);
                for (int i = firstLayer; i < layers.Count; i++)
                    layers[i] = layers[i] with { Block = skippable.Index };
            }

            return Norm($"{at}.norm", x);
        }

        // The stream comes and goes as an image [1, H, W, C].
        private int Block(int stage, string at, int stream)
        {
            TensorShape image = tensors[stream].Shape;
            int channels = image.Channels,
                heads = Heads[stage],
                width = channels / heads,
                reduction = Reductions[stage];
            // The branches of a stage add about as much variance as the stream has at its start.
            double branch = 1 / Math.Sqrt(variant.Depths[stage]);

            int normal = Norm($"{at}.norm1", stream),
                keys = normal;
            if (reduction > 1)
                keys = Norm($"{at}.attention.sr.norm", Conv($"{at}.attention.sr", normal, channels, reduction, reduction, 0));
            int queryTokens = Tokens(normal),
                keyTokens = Tokens(keys);
            int n = tensors[queryTokens].Shape.Width,
                m = tensors[keyTokens].Shape.Width;
            TensorShape perHead = new(heads, 1, n, width),
                scoresShape = new(heads, 1, n, m);
            // Logits have a deviation of about 2: attention that selects without being one-hot.
            int q = Linear($"{at}.attention.q", queryTokens, perHead, gain: Math.Sqrt(2));
            int k = Linear($"{at}.attention.k", keyTokens, perHead with { Width = m }, gain: Math.Sqrt(2));
            int v = Linear($"{at}.attention.v", keyTokens, perHead with { Width = m }, transpose: true);
            int scores = Tensor($"{at}.attention.qk", scoresShape);
            layers.Add(new FloatMatMul($"{at}.attention.qk", q, k, scores) { Factor = (float)(1 / Math.Sqrt(width)) });
            int weights = Tensor($"{at}.attention.softmax", scoresShape);
            layers.Add(new FloatSoftmax($"{at}.attention.softmax", scores, weights));
            int mixed = Tensor($"{at}.attention.av", perHead);
            layers.Add(new FloatMatMul($"{at}.attention.av", weights, v, mixed));
            int tokens = Linear($"{at}.attention.proj", mixed, new TensorShape(1, 1, n, channels), gain: branch, stream: Tokens(stream));

            stream = View(tokens, image, "image");
            int hidden = Conv($"{at}.mlp.fc1", Norm($"{at}.norm2", stream), Expansion * channels, 1, 1, 0);
            hidden = Conv(
                $"{at}.mlp.dwconv",
                hidden,
                Expansion * channels,
                3,
                1,
                1,
                groups: Expansion * channels,
                activation: ActivationKind.Gelu
            );
            return Conv($"{at}.mlp.fc2", hidden, channels, 1, 1, 0, gain: branch, stream: stream);
        }

        private int Decoder(int[] features, bool upsample)
        {
            int channels = variant.DecoderChannels;
            var parts = new List<int>();
            for (int stage = 3; stage >= 0; stage--)
            {
                int part = Conv($"decoder.linear_c{stage + 1}", features[stage], channels, 1, 1, 0);
                parts.Add(stage == 0 ? part : Upsample($"decoder.resize_c{stage + 1}", part, 1 << stage));
            }

            int all = Tensor("decoder.concat", new TensorShape(1, height / 4, width / 4, 4 * channels));
            layers.Add(new FloatConcat("decoder.concat", parts, all));
            int fused = Conv("decoder.linear_fuse", all, channels, 1, 1, 0, gain: Math.Sqrt(2), range: OutputRange.Relu);
            int scores = Conv("decoder.linear_pred", fused, classes, 1, 1, 0);
            if (upsample)
                scores = Upsample("decoder.resize", scores, 4);
            int labels = Tensor("labels", tensors[scores].Shape with { Channels = 1 });
            layers.Add(new FloatArgMax("decoder.argmax", scores, labels));
            return labels;
        }

        private int Tensor(string name, TensorShape shape, int? shares = null)
        {
            if (shape.Elements > int.MaxValue)
                throw new InputException(
                    FaultCodes.IllegalArchitecture,
                    variant.Name,
                    $"image size {height}x{width} makes {name} {shape}, more than 2^31 elements",
                    "take a smaller image"
                );
            tensors.Add(new FloatTensor(tensors.Count, name, shape, shares));
            return tensors.Count - 1;
        }

        private int View(int tensor, TensorShape shape, string kind) =>
            tensors[tensor].Shape == shape ? tensor : Tensor($"{tensors[tensor].Name}.{kind}", shape, tensor);

        private int Tokens(int tensor) =>
            tensors[tensor].Shape is var s ? View(tensor, s with { Height = 1, Width = s.Height * s.Width }, "tokens") : tensor;

        private int Conv(
            string name,
            int input,
            int channels,
            int kernel,
            int stride,
            int padding,
            int groups = 1,
            double gain = 1,
            OutputRange? range = null,
            ActivationKind activation = ActivationKind.None,
            int? stream = null
        )
        {
            TensorShape source = tensors[input].Shape;
            var to = new TensorShape(
                1,
                ((source.Height + (2 * padding) - kernel) / stride) + 1,
                ((source.Width + (2 * padding) - kernel) / stride) + 1,
                channels
            );
            int output = Tensor(name, to, stream),
                depth = kernel * kernel * (source.Channels / groups);
            layers.Add(
                new FloatConv(name, input, output)
                {
                    Weights = Weights(channels, depth, gain),
                    Bias = Values(channels, 0.05),
                    Kernel = (kernel, kernel),
                    Stride = (stride, stride),
                    Padding = (padding, padding, padding, padding),
                    Groups = groups,
                    Range = range ?? OutputRange.Unbounded,
                    Activation = new Activation(activation),
                    Residual = stream,
                }
            );
            return output;
        }

        // 1x1 convolution of tokens; heads are groups of channels on both sides.
        private int Linear(string name, int input, TensorShape computed, double gain = 1, bool transpose = false, int? stream = null)
        {
            TensorShape source = tensors[input].Shape;
            int channels = computed.Batch * computed.Channels;
            int output = Tensor(name, transpose ? new TensorShape(computed.Batch, 1, computed.Channels, computed.Width) : computed, stream);
            layers.Add(
                new FloatConv(name, input, output)
                {
                    Weights = Weights(channels, source.Batch * source.Channels, gain),
                    Bias = Values(channels, 0.05),
                    Kernel = (1, 1),
                    TransposeOutput = transpose,
                    Residual = stream,
                }
            );
            return output;
        }

        private int Norm(string name, int input)
        {
            TensorShape shape = tensors[input].Shape;
            int output = Tensor(name, shape);
            float[] gamma = Values(shape.Channels, 0.1);
            for (int c = 0; c < gamma.Length; c++)
                gamma[c] += 1;
            layers.Add(
                new FloatLayerNorm(name, input, output)
                {
                    Gamma = gamma,
                    Beta = Values(shape.Channels, 0.1),
                    Epsilon = NormEpsilon,
                }
            );
            return output;
        }

        // Bilinear with half-pixel centres: output row p + factor * j lies at input row j + (p + 1/2) / factor - 1/2.
        private int Upsample(string name, int input, int factor)
        {
            TensorShape source = tensors[input].Shape;
            int output = Tensor(name, source with { Height = factor * source.Height, Width = factor * source.Width });
            int[] first = new int[factor];
            float[] weights = new float[2 * factor];
            for (int p = 0; p < factor; p++)
            {
                double position = ((p + 0.5) / factor) - 0.5;
                first[p] = (int)Math.Floor(position);
                weights[(2 * p) + 1] = (float)(position - first[p]);
                weights[2 * p] = 1 - weights[(2 * p) + 1];
            }

            layers.Add(
                new FloatResize(name, input, output)
                {
                    Up = (factor, factor),
                    Down = (1, 1),
                    Taps = (2, 2),
                    FirstRow = first,
                    FirstColumn = first,
                    RowWeights = weights,
                    ColumnWeights = weights,
                }
            );
            return output;
        }

        // Sums over the fan-in keep the variance of the input, times gain^2.
        private float[] Weights(int channels, int depth, double gain) => Values(channels * depth, gain / Math.Sqrt(depth));

        // Three uniform numbers: a bell that ends at three deviations, and, for want of a logarithm, the same on every machine.
        private float[] Values(int count, double deviation)
        {
            var values = new float[count];
            for (int i = 0; i < count; i++)
                values[i] = (float)((random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 2 * deviation);
            return values;
        }
    }
}
