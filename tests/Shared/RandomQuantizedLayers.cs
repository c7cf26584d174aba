using AccelGen.Network.Quantized;

namespace AccelGen.Tests.Shared;

/// <summary>Random quantised layers of every kind, with factors that spread the results over the counts.</summary>
internal static class RandomQuantizedLayers
{
    /// <summary>Kinds of layers.</summary>
    public static IReadOnlyList<string> Kinds { get; } =
    [
        "conv",
        "depthwise",
        "heads",
        "linear",
        "matmul",
        "averagepool",
        "maxpool",
        "add",
        "multiply",
        "concat",
        "softmax",
        "layernorm",
        "argmax",
        "resize",
        "normalizedmatmul",
    ];

    /// <summary>A network of one layer, and its inputs.</summary>
    public static (QuantizedNetwork Network, Dictionary<int, sbyte[]> Inputs) Build(string kind, int seed)
    {
        var random = new Random(seed);
        var tensors = new List<QuantizedTensor>();
        var inputs = new Dictionary<int, sbyte[]>();
        int Input(TensorShape shape, int? zero = null, int low = -128)
        {
            tensors.Add(
                new QuantizedTensor(tensors.Count, $"input{tensors.Count}", shape, Real(0.01, 0.1), zero ?? random.Next(-128, 128))
            );
            inputs[tensors.Count - 1] = Counts(shape.Elements, low);
            return tensors.Count - 1;
        }

        var image = new TensorShape(1, random.Next(1, 14), random.Next(1, 14), random.Next(1, 24));
        var tokens = new TensorShape(random.Next(1, 4), 1, random.Next(1, 30), random.Next(2, 40));
        int x,
            zero = random.Next(-128, 128);
        QuantizedLayer layer;
        TensorShape computed;
        switch (kind)
        {
            case "conv":
            case "depthwise":
            case "linear":
            case "heads":
                int heads = kind == "heads" ? random.Next(2, 5) : 1;
                image = kind switch
                {
                    "linear" => new TensorShape(1, 1, random.Next(1, 40), random.Next(1, 70)),
                    "heads" => new TensorShape(random.Next(2) == 0 ? heads : 1, 1, random.Next(1, 40), random.Next(1, 16)),
                    _ => image,
                };
                int channels = image.Batch * image.Channels,
                    groups = kind == "depthwise" ? channels
                    : kind == "conv" && random.Next(3) == 0 ? Enumerable.Range(1, 4).Last(g => channels % g == 0)
                    : 1;
                int outputs = kind == "heads" && random.Next(2) == 0 ? random.Next(1, 60) : Math.Max(heads, groups) * random.Next(1, 8);
                int outputHeads = kind == "heads" && outputs % heads == 0 ? heads : 1;
                (RandomWindow rows, RandomWindow columns) = RandomWindow.Draw(random, 13, 4000);
                if (kind is not ("conv" or "depthwise"))
                    (rows, columns) = (new RandomWindow(image.Height, 1, 1, 1, 0, 0), new RandomWindow(image.Width, 1, 1, 1, 0, 0));
                image = image with { Height = rows.Size, Width = columns.Size };
                int depth = rows.Kernel * columns.Kernel * channels / groups;
                x = Input(image);
                layer = new ConvLayer(kind, x, -1, -128, 127)
                {
                    Weights = Counts((long)outputs * depth, -127),
                    Bias = [.. Enumerable.Range(0, outputs).Select(_ => random.Next(-20000, 20001))],
                    Scales =
                    [
                        .. Enumerable
                            .Range(0, outputs)
                            .Select(k =>
                                k == 3 && random.Next(4) == 0 ? new FixedPointScale(0, 1) : Factor(50 / (Math.Sqrt(depth) * 74 * 105))
                            ),
                    ],
                    Kernel = (rows.Kernel, columns.Kernel),
                    Stride = (rows.Stride, columns.Stride),
                    Dilation = (rows.Dilation, columns.Dilation),
                    Padding = (rows.Before, columns.Before, rows.After, columns.After),
                    Groups = groups,
                };
                computed = new TensorShape(outputHeads, rows.Steps, columns.Steps, outputs / outputHeads);
                break;
            case "matmul":
                x = Input(tokens);
                int right = Input(tokens with { Width = random.Next(1, 30) }, random.Next(2) == 0 ? 0 : null);
                layer = new MatMulLayer(kind, x, right, -1, -128, 127, Factor(50 / (Math.Sqrt(tokens.Channels) * 74 * 105)));
                computed = tokens with { Channels = tensors[right].Shape.Width };
                break;
            case "normalizedmatmul":
                // As linear attention: what is multiplied has been through ReLU.
                x = Input(tokens, -128);
                right = Input(tokens with { Width = random.Next(1, 30) }, 0);
                // Or not, and the denominator may be less than 1.
                int denominator = Input(tokens with { Width = 1 }, 0, low: random.Next(3) == 0 ? -128 : 1);
                layer = new NormalizedMatMulLayer(kind, x, right, denominator, -1, -128, 127, Factor(60));
                computed = tokens with { Channels = tensors[right].Shape.Width };
                break;
            case "averagepool":
            case "maxpool":
                (rows, columns) = RandomWindow.Draw(random, 13, 4000, pooling: true);
                image = image with { Height = rows.Size, Width = columns.Size };
                (int, int, int, int) padding = (rows.Before, columns.Before, rows.After, columns.After);
                x = Input(image);
                layer =
                    kind == "maxpool"
                        ? new MaxPoolLayer(kind, x, -1, -128, 127)
                        {
                            Kernel = (rows.Kernel, columns.Kernel),
                            Stride = (rows.Stride, columns.Stride),
                            Padding = padding,
                            Scale = Factor(0.6),
                        }
                        : new AveragePoolLayer(kind, x, -1, -128, 127)
                        {
                            Kernel = (rows.Kernel, columns.Kernel),
                            Stride = (rows.Stride, columns.Stride),
                            Padding = padding,
                            Scale = Factor(0.8 / Math.Sqrt(rows.Kernel * columns.Kernel)),
                        };
                computed = image with { Height = rows.Steps, Width = columns.Steps };
                break;
            case "add":
                x = Input(image);
                layer = new AddLayer(kind, x, -1, -128, 127, Factor(0.7));
                computed = image;
                break;
            case "multiply":
                x = Input(image);
                Broadcast broadcast = (Broadcast)random.Next(3);
                layer = new MultiplyLayer(kind, x, Input(Repeated(image, broadcast)), -1, -128, 127, Factor(0.01))
                {
                    Broadcast = broadcast,
                };
                computed = image;
                break;
            case "concat":
                int[] parts = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => Input(image with { Channels = random.Next(1, 20) }))];
                x = parts[0];
                layer = new ConcatLayer(kind, parts, -1, -128, 127, [.. parts.Select(_ => Factor(0.8))]);
                computed = image with { Channels = parts.Sum(p => tensors[p].Shape.Channels) };
                break;
            case "softmax":
                x = Input(tokens);
                layer = new SoftmaxLayer(
                    kind,
                    x,
                    -1,
                    -128,
                    127,
                    (uint)Math.Round(tensors[x].Scale * (random.Next(2) == 0 ? 1 : Real(0.3, 1)) * Math.Log2(Math.E) * (1 << 20)),
                    FixedPointScale.FromReal(Math.Min(256, 40 + (4 * tokens.Channels)))
                );
                zero = -128;
                computed = tokens;
                break;
            case "layernorm":
                x = Input(tokens);
                int n = tokens.Channels;
                int[] shifts = [.. Enumerable.Range(0, n).Select(_ => random.Next(20, 27))];
                layer = new LayerNormLayer(kind, x, -1, -128, 127)
                {
                    Shift = shifts,
                    Gamma = [.. shifts.Select(s => (int)Math.ScaleB(Real(20, 50) * (random.Next(2) == 0 ? 1 : -1), s - 12))],
                    Beta = [.. shifts.Select(s => (int)Math.ScaleB(Real(-20, 20), s))],
                    Epsilon = random.Next(2) == 0 ? 0 : random.Next(1 << 20),
                };
                zero = random.Next(-30, 31);
                computed = tokens;
                break;
            case "argmax":
                x = Input(image);
                layer = new ArgMaxLayer(kind, x, -1);
                zero = random.Next(2) == 0 ? -128 : zero;
                computed = image with { Channels = 1 };
                break;
            default:
                (int up, int down) = (random.Next(1, 9), random.Next(3) == 0 ? random.Next(1, 5) : 1);
                image = image with { Height = down * random.Next(1, 6), Width = down * random.Next(1, 6) };
                (int tr, int tc) = (random.Next(1, 5), random.Next(1, 5));
                x = Input(image);
                layer = new ResizeLayer("resize", x, -1, -128, 127)
                {
                    Up = (up, up),
                    Down = (down, down),
                    Taps = (tr, tc),
                    FirstRow = [.. Enumerable.Range(0, up).Select(_ => random.Next(-3, 3))],
                    FirstColumn = [.. Enumerable.Range(0, up).Select(_ => random.Next(-3, 3))],
                    Weights = Counts((long)up * up * tr * tc, -127),
                    Scales = [.. Enumerable.Range(0, up * up).Select(_ => Factor(50 / (Math.Sqrt(tr * tc) * 74 * 105)))],
                };
                computed = image with { Height = image.Height / down * up, Width = image.Width / down * up };
                break;
        }

        bool row = kind is "softmax" or "layernorm" or "argmax" or "normalizedmatmul";
        if (kind == "add" || (!row && random.Next(3) == 0))
        {
            Broadcast broadcast = (Broadcast)random.Next(3);
            layer = layer with
            {
                Residual = new ResidualAdd(Input(Repeated(computed, broadcast)), Factor(0.4), random.Next(2) == 0, broadcast),
            };
        }

        if (kind != "argmax")
            layer = layer with
            {
                ClampLow = random.Next(3) switch
                {
                    0 => zero,
                    1 => -128,
                    _ => random.Next(-128, 0),
                },
                ClampHigh = random.Next(2) == 0 ? 127 : random.Next(Math.Max(0, zero), 128),
            };
        double scale =
            kind == "softmax" ? 1 / ((SoftmaxLayer)layer).OutputScale.ToReal()
            : kind == "argmax" ? 1
            : Real(0.02, 0.2);
        if (kind != "argmax" && random.Next(3) == 0)
        {
            int outputZero = random.Next(-128, 0);
            layer = layer with
            {
                TableZeroPoint = zero,
                Table =
                [
                    .. Enumerable
                        .Range(-128, 256)
                        .Select(q => (sbyte)Math.Clamp(outputZero + Math.Round((q - zero) / (1 + Math.Exp((zero - q) * 0.05))), -128, 127)),
                ],
            };
            zero = outputZero;
        }

        TensorShape output = computed;
        if (kind != "argmax" && random.Next(3) == 0)
        {
            layer = layer with { TransposeOutput = true };
            output = new TensorShape(computed.Batch, 1, computed.Channels, computed.Height * computed.Width);
        }

        tensors.Add(new QuantizedTensor(tensors.Count, "output", output, scale, zero));
        layer = layer with { Output = tensors.Count - 1 };
        return (new QuantizedNetwork(kind, tensors, [layer], [], [.. inputs.Keys], [tensors.Count - 1]), inputs);

        double Real(double low, double high) => low + ((high - low) * random.NextDouble());

        FixedPointScale Factor(double factor) => FixedPointScale.FromReal(factor * Real(0.5, 1.5));

        sbyte[] Counts(long count, int low)
        {
            var values = new sbyte[count];
            for (long i = 0; i < count; i++)
                values[i] = (sbyte)random.Next(low, 128);
            return values;
        }
    }

    private static TensorShape Repeated(TensorShape shape, Broadcast broadcast) =>
        broadcast switch
        {
            Broadcast.Pixels => shape with { Height = 1, Width = 1 },
            Broadcast.Channels => shape with { Channels = 1 },
            _ => shape,
        };
}
