using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Tests.Shared;

/// <summary>A small vision network with a layer of every kind: softmax attention, linear attention, channel attention and a segmentation
/// head.</summary>
internal static class FloatSamples
{
    /// <summary>Builds one with random sizes and weights.</summary>
    /// <param name="seed">Seed.</param>
    /// <param name="classMap">The output is the index of the largest class instead of the scores.</param>
    public static FloatNetwork Vision(int seed, bool classMap = false)
    {
        var random = new Random(seed);
        var tensors = new List<FloatTensor>();
        var layers = new List<FloatLayer>();
        int heads = random.Next(1, 4),
            d = random.Next(4, 9),
            channels = heads * d,
            h = random.Next(3, 6),
            w = random.Next(3, 6),
            tokens = h * w,
            colours = random.Next(1, 4),
            classes = random.Next(3, 8);
        TensorShape stream = new(1, h, w, channels),
            rows = new(1, 1, tokens, channels),
            split = new(heads, 1, tokens, d);

        int image = Tensor(new TensorShape(1, 2 * h, 2 * w, colours));
        int x = Conv(image, stream, kernel: 2, stride: 2);
        int position = Tensor(rows, constant: RandomNetworks.Values(random, tokens * channels, 0.5));
        x = Add(new FloatAdd("position", View(x, rows), Tensor(rows)) { Residual = position });

        // Softmax attention, then GELU.
        int normal = LayerNorm(x);
        int q = Conv(normal, split),
            k = Conv(normal, split),
            v = Conv(normal, new TensorShape(heads, 1, d, tokens), transpose: true);
        int logits = Add(
            new FloatMatMul("logits", q, k, Tensor(new TensorShape(heads, 1, tokens, tokens))) { Factor = (float)(2 / Math.Sqrt(d)) }
        );
        int weights = Add(new FloatSoftmax("softmax", logits, Tensor(new TensorShape(heads, 1, tokens, tokens))));
        int mixed = Add(new FloatMatMul("mix", weights, v, Tensor(split)));
        x = Conv(mixed, rows, residual: x, share: true);
        normal = LayerNorm(x);
        int wide = Conv(normal, rows with { Channels = 3 * channels }, activation: new Activation(ActivationKind.Gelu));
        x = View(Conv(wide, rows, residual: x, share: true), stream);

        // Depthwise convolution, channel attention.
        int local = Conv(x, stream, kernel: 3, padding: 1, groups: channels, activation: new Activation(ActivationKind.HardSwish));
        int pooled = Add(
            new FloatAveragePool("squeeze", local, Tensor(new TensorShape(1, 1, 1, channels))) { Kernel = (h, w), Stride = (1, 1) }
        );
        int gate = Conv(pooled, new TensorShape(1, 1, 1, channels), activation: new Activation(ActivationKind.Sigmoid));
        int gated = Add(new FloatMultiply("gate", local, gate, Tensor(stream)) { Broadcast = Broadcast.Pixels });

        // Linear attention: q * (k^T v) / (q * sum of k).
        int lq = Conv(gated, split with { Height = h, Width = w }, range: OutputRange.Relu),
            lk = Conv(gated, new TensorShape(heads, 1, d, tokens), transpose: true, range: OutputRange.Relu),
            lv = Conv(gated, new TensorShape(heads, 1, d, tokens), transpose: true);
        int state = Add(new FloatMatMul("state", lv, lk, Tensor(new TensorShape(heads, 1, d, d))));
        int ones = Tensor(new TensorShape(heads, 1, 1, tokens), constant: [.. Enumerable.Repeat(1f, heads * tokens)]);
        int sums = Add(new FloatMatMul("sums", ones, lk, Tensor(new TensorShape(heads, 1, 1, d))));
        int linear = Add(new FloatNormalizedMatMul("linear", View(lq, split), state, sums, Tensor(split)) { Epsilon = 1e-15f });
        int merged = View(Conv(linear, rows), stream);
        int mean = Add(new FloatCopy("copy", gated, Tensor(stream)));
        int difference = Add(
            new FloatAdd("difference", merged, Tensor(stream))
            {
                Residual = mean,
                ResidualSubtract = true,
                Activation = new Activation(ActivationKind.Silu),
            }
        );

        // Pyramid: max pooling, resize back, concatenation, classes, upsampling.
        int small = Add(
            new FloatMaxPool("max", difference, Tensor(new TensorShape(1, (h + 1) / 2, (w + 1) / 2, channels)))
            {
                Kernel = (3, 3),
                Stride = (2, 2),
                Padding = (1, 1, 1, 1),
            }
        );
        int large = Tensor(new TensorShape(1, (h + 1) / 2 * 2, (w + 1) / 2 * 2, channels));
        Add(Resize("up", small, large, 2));
        int cut = Conv(large, stream, crop: true);
        int joined = Add(new FloatConcat("join", [cut, gated, difference], Tensor(stream with { Channels = 3 * channels })));
        int scores = Conv(joined, stream with { Channels = classes });
        int full = Add(Resize("upscale", scores, Tensor(new TensorShape(1, 4 * h, 4 * w, classes)), 4));
        int output = classMap ? Add(new FloatArgMax("class", full, Tensor(new TensorShape(1, 4 * h, 4 * w, 1)))) : full;
        return new FloatNetwork("vision", tensors, layers, [], [image], [output]);

        int Tensor(TensorShape shape, int? shares = null, float[]? constant = null)
        {
            tensors.Add(new FloatTensor(tensors.Count, $"t{tensors.Count}", shape, shares, constant));
            return tensors.Count - 1;
        }

        int View(int tensor, TensorShape shape) => Tensor(shape, shares: tensor);

        int Add(FloatLayer layer)
        {
            layers.Add(layer);
            return layer.Output;
        }

        int LayerNorm(int input)
        {
            int n = tensors[input].Shape.Channels;
            return Add(
                new FloatLayerNorm($"norm{layers.Count}", input, Tensor(tensors[input].Shape))
                {
                    Gamma = [.. RandomNetworks.Values(random, n, 0.5).Select(g => g + 1)],
                    Beta = RandomNetworks.Values(random, n, 0.5),
                    Epsilon = 1e-5f,
                }
            );
        }

        int Conv(
            int input,
            TensorShape to,
            int kernel = 1,
            int stride = 1,
            int padding = 0,
            int groups = 1,
            int? residual = null,
            bool share = false,
            bool transpose = false,
            bool crop = false,
            Activation activation = default,
            OutputRange? range = null
        )
        {
            TensorShape from = tensors[input].Shape;
            // Written transposed, the channels are in the width.
            int inputs = from.Batch * from.Channels,
                outputs = to.Batch * (transpose ? to.Width : to.Channels);
            int count = outputs * kernel * kernel * (inputs / groups);
            float[] values = crop
                ? [.. Enumerable.Range(0, count).Select(i => i / inputs == i % inputs ? 1f : 0)]
                : RandomNetworks.Values(random, count, 1.7 / Math.Sqrt(kernel * kernel * (inputs / groups)));
            return Add(
                new FloatConv($"conv{layers.Count}", input, Tensor(to, share ? residual : null))
                {
                    Weights = values,
                    Bias = crop ? new float[outputs] : RandomNetworks.Values(random, outputs, 0.3),
                    Kernel = (kernel, kernel),
                    Stride = (stride, stride),
                    Padding = crop ? (0, 0, to.Height - from.Height, to.Width - from.Width) : (padding, padding, padding, padding),
                    Groups = groups,
                    Residual = residual,
                    TransposeOutput = transpose,
                    IsDataMovement = crop,
                    Activation = activation,
                    Range = range ?? OutputRange.Unbounded,
                }
            );
        }

        FloatResize Resize(string name, int input, int target, int up)
        {
            int[] first = [.. Enumerable.Range(0, up).Select(p => p < up / 2 ? -1 : 0)];
            float[] taps =
            [
                .. Enumerable
                    .Range(0, up)
                    .SelectMany(p => ((p + 0.5f) / up) - 0.5f is var at && at < 0 ? new[] { -at, 1 + at } : new[] { 1 - at, at }),
            ];
            return new FloatResize(name, input, target)
            {
                Up = (up, up),
                Down = (1, 1),
                Taps = (2, 2),
                FirstRow = first,
                FirstColumn = first,
                RowWeights = taps,
                ColumnWeights = taps,
            };
        }
    }
}
