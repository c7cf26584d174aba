using AccelGen.Files;
using AccelGen.Golden;
using AccelGen.Network.Architectures;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Onnx.Proto;
using AccelGen.Quantization;
using AccelGen.Tests.Shared;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using NUnit.Framework;

namespace AccelGen.Onnx.Tests;

/// <summary>Exported networks, run by ONNX Runtime, against the golden operators.</summary>
public sealed class QdqExporterTests
{
    private static int Seed => Setting.Seed(4711);

    private static IEnumerable<string> Kinds => RandomQuantizedLayers.Kinds;

    [TestCaseSource(nameof(Kinds))]
    public void Random_layers_are_within_one_step_of_the_golden_operators(string kind)
    {
        var difference = new Differences();
        for (int round = 0; round < 60; round++)
        {
            (QuantizedNetwork network, Dictionary<int, sbyte[]> inputs) = RandomQuantizedLayers.Build(kind, Seed + round);
            Assert.That(QuantizedNetworkRules.Problems(network), Is.Empty, $"seed {Seed + round}");
            // With and without the runtime's own fusion of the pairs into integer operators; signed bytes only without, in float.
            QdqType type = round % 4 == 3 ? QdqType.Int8 : QdqType.UInt8;
            difference.Add(Golden(network, inputs), Run(network, inputs, fuse: round % 2 == 0, type: type), $"seed {Seed + round}");
        }

        difference.Check(kind);
    }

    [Test]
    public void Each_layer_of_random_networks_is_within_one_step_of_the_golden_operators()
    {
        var difference = new Differences();
        for (int round = 0; round < 12; round++)
        {
            (QuantizedNetwork network, sbyte[] input) = Network(Seed + round);
            EachLayer(network, input, difference, $"seed {Seed + round}");
        }

        difference.Check("random networks");
    }

    [Test]
    public void A_whole_network_gives_the_golden_results_on_every_path()
    {
        for (int round = 0; round < 12; round++)
        {
            (QuantizedNetwork network, sbyte[] input) = Network(Seed + round);
            var path = new ExecutionPath(
                "some",
                network.Blocks.Where(b => (b.Index + round) % 2 == 0).Select(b => b.Index).ToHashSet(),
                new Dictionary<int, int>()
            );
            var inputs = new Dictionary<int, sbyte[]> { [network.Inputs[0]] = input };
            foreach (ExecutionPath p in new[] { ExecutionPath.Whole, path })
            {
                sbyte[] mine = GoldenExecutor.Run(network, p, inputs)[network.Outputs[0]],
                    theirs = Run(network, inputs, p);
                // Steps that differ in the middle of a network spread over the scores.
                int worst = mine.Zip(theirs).Max(v => Math.Abs(v.First - v.Second));
                Assert.That(worst, Is.LessThanOrEqualTo(8), $"seed {Seed + round}, path {p.Name}");
            }
        }
    }

    [Test]
    public void A_whole_SegFormer_is_within_one_step_of_the_golden_operators_in_each_layer()
    {
        TestContext.Out.WriteLine($"seed {Seed}");
        FloatNetwork network = SegFormer.Build(SegFormer.Variant("segformer-b0"), 64, 96, Seed);
        float[] image = RandomNetworks.Values(new Random(Seed), 64 * 96 * 3, Math.Sqrt(3));
        var results = FloatOnnxModel.Run(network, image);
        ValueRange Range(float[] values) => new(Math.Min(0, values.Min()), Math.Max(0, values.Max()));
        var ranges = new ValueRange[network.Tensors.Count];
        ranges[network.Inputs[0]] = Range(image);
        foreach (FloatLayer layer in network.Layers)
            ranges[layer.Output] = Range(results[layer.Name].Values);
        ranges =
        [
            .. ranges,
            .. network.Layers.Where(l => l.Activation.Kind != ActivationKind.None).Select(l => Range(results[$"{l.Name}.before"].Values)),
        ];
        QuantizedNetwork quantized = Quantizer.Quantize(network, ranges);
        Assert.That(QuantizedNetworkRules.Problems(quantized), Is.Empty);
        sbyte[] input = Quantizer.QuantizeValues(quantized.Tensors[quantized.Inputs[0]], image);
        var difference = new Differences();
        EachLayer(quantized, input, difference, $"seed {Seed}");
        difference.Check("segformer-b0 at 64x96");
        // Through a whole network a step here and there becomes noise like that of quantisation itself: a share p of elements
        // one step off is a deviation of sqrt(p) in the next sums.
        QuantizedLayer last = quantized.Layers.Single(l => l.Name == "decoder.linear_pred");
        QuantizedNetwork scores = quantized with
        {
            Layers = [.. quantized.Layers.Where(l => l is not ArgMaxLayer)],
            Outputs = [last.Output],
        };
        QuantizedTensor t = scores.Tensors[last.Output];
        var inputs = new Dictionary<int, sbyte[]> { [scores.Inputs[0]] = input };
        sbyte[] mine = Golden(scores, inputs),
            theirs = Run(scores, inputs);
        double exported = mine.Zip(theirs).Average(v => Math.Abs(v.First - v.Second)),
            noise = mine.Zip(results[last.Name].Values).Average(v => Math.Abs(v.First - t.ZeroPoint - (v.Second / t.Scale)));
        TestContext.Out.WriteLine(
            $"scores of the whole network: {exported:F2} steps from ONNX Runtime on average, {noise:F2} from the float network"
        );
        Assert.That(noise, Is.LessThan(4));
        Assert.That(exported, Is.LessThan(2 * noise));
    }

    [Test]
    public void An_attention_block_over_views_of_an_image_gives_the_golden_result_of_each_layer_and_of_the_whole()
    {
        var difference = new Differences();
        for (int round = 0; round < 12; round++)
        {
            (QuantizedNetwork network, sbyte[] input) = AttentionBlock(Seed + round);
            Assert.That(QuantizedNetworkRules.Problems(network), Is.Empty, $"seed {Seed + round}");
            var inputs = new Dictionary<int, sbyte[]> { [0] = input };
            EachLayer(network, input, difference, $"seed {Seed + round}");
            // What differs in the middle, by a step or two, stays small at the end.
            int[] steps = [.. Golden(network, inputs).Zip(Run(network, inputs)).Select(v => Math.Abs(v.First - v.Second))];
            TestContext.Out.WriteLine($"seed {Seed + round}: whole block, mean {steps.Average():F3} steps, worst {steps.Max()}");
            Assert.That(steps.Average(), Is.LessThan(1), $"seed {Seed + round}");
        }

        difference.Check("attention block");
    }

    // An image as tokens, heads, values written transposed, a stream that is written in place, and a constant.
    private static (QuantizedNetwork Network, sbyte[] Input) AttentionBlock(int seed)
    {
        var random = new Random(seed);
        (int heads, int width, int rows, int columns) = (random.Next(1, 4), random.Next(2, 9), random.Next(2, 6), random.Next(2, 6));
        int channels = heads * width,
            n = rows * columns;
        var tensors = new List<QuantizedTensor>();
        var layers = new List<QuantizedLayer>();
        int Tensor(string name, TensorShape shape, double scale = 0.05, int zero = 0, int? shares = null, sbyte[]? constant = null)
        {
            tensors.Add(new QuantizedTensor(tensors.Count, name, shape, scale, zero, shares, constant));
            return tensors.Count - 1;
        }

        ConvLayer Conv(string name, int x, int y, int outputs, int kernel = 1, int groups = 1) =>
            new(name, x, y, -128, 127)
            {
                Weights =
                [
                    .. Enumerable.Range(0, outputs * kernel * kernel * channels / groups).Select(_ => (sbyte)random.Next(-127, 128)),
                ],
                Bias = [.. Enumerable.Range(0, outputs).Select(_ => random.Next(-9000, 9000))],
                Scales =
                [
                    .. Enumerable
                        .Range(0, outputs)
                        .Select(_ => FixedPointScale.FromReal(0.5 / Math.Sqrt(kernel * kernel * channels / groups) / 74)),
                ],
                Kernel = (kernel, kernel),
                Padding = (kernel / 2, kernel / 2, kernel / 2, kernel / 2),
                Groups = groups,
            };

        var image = new TensorShape(1, rows, columns, channels);
        var tokens = new TensorShape(1, 1, n, channels);
        var perHead = new TensorShape(heads, 1, n, width);
        int zero = random.Next(-20, 21);
        int input = Tensor("image", image, zero: zero),
            inputTokens = Tensor("image.tokens", tokens, zero: zero, shares: input);
        int position = Tensor(
            "position",
            tokens,
            0.03,
            5,
            constant: [.. Enumerable.Range(0, n * channels).Select(_ => (sbyte)random.Next(-128, 128))]
        );
        int stream = Tensor("stream", tokens, 0.08, 3);
        layers.Add(
            new AddLayer("embed", inputTokens, stream, -128, 127, FixedPointScale.FromReal(0.05 / 0.08))
            {
                Residual = new ResidualAdd(position, FixedPointScale.FromReal(0.03 / 0.08)),
            }
        );
        int normal = Tensor("normal", tokens, 0.02);
        LayerNormLayer Norm(string name, int x, int y) =>
            new(name, x, y, -128, 127)
            {
                Gamma = [.. Enumerable.Repeat(40 << 12, channels)],
                Beta = new int[channels],
                Shift = [.. Enumerable.Repeat(24, channels)],
                Epsilon = 100,
            };
        layers.Add(Norm("norm", stream, normal));
        int q = Tensor("q", perHead),
            k = Tensor("k", perHead),
            v = Tensor("v", new TensorShape(heads, 1, width, n));
        layers.AddRange([
            Conv("q", normal, q, channels),
            Conv("k", normal, k, channels),
            Conv("v", normal, v, channels) with
            {
                TransposeOutput = true,
            },
        ]);
        int scores = Tensor("scores", perHead with { Channels = n }, 0.04),
            weights = Tensor("weights", perHead with { Channels = n }, 1 / 200.0, -128),
            mixed = Tensor("mixed", perHead);
        layers.Add(new MatMulLayer("qk", q, k, scores, -128, 127, FixedPointScale.FromReal(0.05 * 0.05 / Math.Sqrt(width) / 0.04)));
        layers.Add(
            new SoftmaxLayer(
                "softmax",
                scores,
                weights,
                -128,
                127,
                (uint)Math.Round(0.04 * Math.Log2(Math.E) * (1 << 20)),
                FixedPointScale.FromReal(200)
            )
        );
        layers.Add(new MatMulLayer("av", weights, v, mixed, -128, 127, FixedPointScale.FromReal(1 / 200.0)));
        int after = Tensor("after", tokens, 0.08, 3, stream),
            afterImage = Tensor("after.image", image, 0.08, 3, after),
            second = Tensor("second", tokens, 0.02),
            secondImage = Tensor("second.image", image, 0.02, 0, second),
            hidden = Tensor("hidden", image),
            output = Tensor("output", image, 0.08, 3, afterImage);
        layers.Add(Conv("proj", mixed, after, channels) with { Residual = new ResidualAdd(stream, FixedPointScale.FromReal(1)) });
        layers.Add(Norm("norm2", after, second));
        layers.Add(
            Conv("depthwise", secondImage, hidden, channels, 3, channels) with
            {
                Table = [.. Enumerable.Range(-128, 256).Select(t => (sbyte)Math.Max(0, t / 2))],
                TableZeroPoint = -4,
            }
        );
        layers.Add(Conv("mix", hidden, output, channels) with { Residual = new ResidualAdd(afterImage, FixedPointScale.FromReal(1)) });
        return (
            new QuantizedNetwork("attention", tensors, layers, [], [input], [output]),
            [.. Enumerable.Range(0, n * channels).Select(_ => (sbyte)random.Next(-128, 128))]
        );
    }

    [TestCaseSource(nameof(Kinds))]
    public void A_file_of_unsigned_bytes_has_no_signed_one_and_computes_the_same(string kind)
    {
        const int Int8Type = 3,
            UInt8Type = 2;
        for (int round = 0; round < 12; round++)
        {
            (QuantizedNetwork network, Dictionary<int, sbyte[]> inputs) = RandomQuantizedLayers.Build(kind, Seed + round);
            GraphProto unsigned = ModelProto.Parser.ParseFrom(QdqExporter.Export(network)).Graph;
            GraphProto signed = ModelProto.Parser.ParseFrom(QdqExporter.Export(network, type: QdqType.Int8)).Graph;
            Assert.That(unsigned.Initializer.Select(t => t.DataType), Has.None.EqualTo(Int8Type));
            Assert.That(unsigned.Node, Is.EqualTo(signed.Node));
            foreach ((TensorProto u, TensorProto s) in unsigned.Initializer.Zip(signed.Initializer))
            {
                if (s.DataType == Int8Type)
                    Assert.That(
                        (u.Name, u.DataType, u.RawData.Select(b => (byte)(b - 128)).ToArray()),
                        Is.EqualTo((s.Name, UInt8Type, s.RawData.ToByteArray())),
                        $"seed {Seed + round}"
                    );
                else
                    Assert.That(u, Is.EqualTo(s), $"seed {Seed + round}");
            }

            Assert.That(
                Run(network, inputs, fuse: false),
                Is.EqualTo(Run(network, inputs, fuse: false, type: QdqType.Int8)),
                $"seed {Seed + round}"
            );
        }
    }

    [Test]
    public void A_path_that_keeps_part_of_the_channels_is_refused()
    {
        (QuantizedNetwork network, _) = Network(Seed);
        var path = new ExecutionPath("half", new HashSet<int>(), new Dictionary<int, int> { [0] = 4 });
        Assert.That(() => QdqExporter.Export(network, path), Throws.TypeOf<InputException>().With.Message.Contains("'half'"));
    }

    [Test]
    public void A_file_is_whole_or_untouched()
    {
        string folder = Path.Combine(TestContext.CurrentContext.WorkDirectory, "qdq"),
            file = Path.Combine(folder, "n.onnx");
        (QuantizedNetwork network, _) = Network(Seed);
        Directory.CreateDirectory(folder);
        QdqExporter.Save(file, network);
        byte[] written = File.ReadAllBytes(file);
        Assert.That(written, Is.EqualTo(QdqExporter.Export(network)));
        Assert.That(
            () => QdqExporter.Save(file, network, new ExecutionPath("half", new HashSet<int>(), new Dictionary<int, int> { [0] = 4 })),
            Throws.TypeOf<InputException>()
        );
        Assert.That(File.ReadAllBytes(file), Is.EqualTo(written));
        Assert.That(Directory.GetFiles(folder), Is.EqualTo(new[] { file }));
    }

    private static void EachLayer(QuantizedNetwork network, sbyte[] input, Differences difference, string where)
    {
        Dictionary<int, sbyte[]> storage = network
            .Tensors.Where(t => t.Constant is not null)
            .ToDictionary(t => network.Home(t.Id), t => t.Constant!);
        storage[network.Inputs[0]] = input;
        GoldenExecutor.Run(
            network,
            ExecutionPath.Whole,
            new Dictionary<int, sbyte[]> { [network.Inputs[0]] = input },
            (i, y) =>
            {
                QuantizedLayer layer = network.Layers[i];
                QuantizedNetwork single = QdqExporter.SingleLayer(network, i);
                int[] reads = [.. layer.Reads.Distinct()];
                difference.Add(
                    y,
                    Run(single, Enumerable.Range(0, reads.Length).ToDictionary(p => p, p => storage[network.Home(reads[p])])),
                    $"{where}, layer {layer.Name}"
                );
                storage[network.Home(layer.Output)] = y;
            }
        );
    }

    private sealed class Differences
    {
        private long elements;
        private long oneStep;
        private long more;
        private (int Steps, string Where) worst = (0, "none");

        public void Add(sbyte[] mine, sbyte[] theirs, string where)
        {
            Assert.That(theirs, Has.Length.EqualTo(mine.Length), where);
            elements += mine.Length;
            for (int i = 0; i < mine.Length; i++)
            {
                int steps = Math.Abs(mine[i] - theirs[i]);
                oneStep += steps == 1 ? 1 : 0;
                more += steps > 1 ? 1 : 0;
                if (steps > worst.Steps)
                    worst = (steps, $"{where}, element {i}: {mine[i]} here, {theirs[i]} by ONNX Runtime");
            }
        }

        public void Check(string what)
        {
            TestContext.Out.WriteLine(
                $"{what}: {elements} elements, one step off {(double)oneStep / elements:P4}, more "
                    + $"{(double)more / elements:P4}, worst {worst.Steps} ({worst.Where})"
            );
            Assert.That((double)more / elements, Is.LessThan(0.001), $"worst {worst.Where}");
        }
    }

    private static sbyte[] Golden(QuantizedNetwork network, IReadOnlyDictionary<int, sbyte[]> inputs) =>
        GoldenExecutor.Run(network, ExecutionPath.Whole, inputs)[network.Outputs[0]];

    private static (QuantizedNetwork Network, sbyte[] Input) Network(int seed)
    {
        RandomNetwork model = RandomNetworks.Residual(seed);
        string path = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"qdq{seed}.onnx");
        File.WriteAllBytes(path, model.Model);
        FloatNetwork network = OnnxImporter.Import(path).Network;
        float[][] samples =
        [
            .. Enumerable.Range(0, 4).Select(i => RandomNetworks.Values(new Random(seed + i), model.Channels * model.Size * model.Size, 1)),
        ];
        QuantizedNetwork quantized = Quantizer.Quantize(network, Quantizer.Calibrate(network, samples, CalibrationMethod.MinMax));
        return (quantized, Quantizer.QuantizeValues(quantized.Tensors[quantized.Inputs[0]], samples[0]));
    }

    // Counts in, counts out; between them real numbers, channels first, as any user of the file has them.
    private static sbyte[] Run(
        QuantizedNetwork network,
        IReadOnlyDictionary<int, sbyte[]> inputs,
        ExecutionPath? path = null,
        bool fuse = true,
        QdqType type = QdqType.UInt8
    )
    {
        using InferenceSession session = ExactSession.Open(QdqExporter.Export(network, path, type), fuse);
        var values = network.Inputs.Select(i =>
        {
            QuantizedTensor t = network.Tensors[i];
            var real = new float[t.Shape.Elements];
            for (int n = 0; n < real.Length; n++)
                real[ChannelsFirst(t.Shape, n)] = (float)t.Scale * (inputs[i][n] - t.ZeroPoint);
            return NamedOnnxValue.CreateFromTensor(
                t.Name,
                new DenseTensor<float>(real, [t.Shape.Batch, t.Shape.Channels, t.Shape.Height, t.Shape.Width])
            );
        });
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> outputs = session.Run([.. values]);
        float[] result = [.. outputs.Single().AsTensor<float>()];
        QuantizedTensor output = network.Tensors[network.Outputs[0]];
        return
        [
            .. Enumerable
                .Range(0, result.Length)
                .Select(n => checked((sbyte)(Math.Round(result[ChannelsFirst(output.Shape, n)] / output.Scale) + output.ZeroPoint))),
        ];
    }

    private static int ChannelsFirst(TensorShape s, int nhwc)
    {
        int pixels = s.Height * s.Width,
            c = nhwc % s.Channels,
            pixel = nhwc / s.Channels % pixels,
            b = nhwc / s.Channels / pixels;
        return (((b * s.Channels) + c) * pixels) + pixel;
    }
}
