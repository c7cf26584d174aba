using AccelGen.Files;
using AccelGen.Golden;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Onnx;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Quantization.Tests;

/// <summary>Post-training quantisation.</summary>
public sealed class QuantizerTests
{
    private static int Seed => Setting.Seed(2300);

    [Test]
    public void Int8_outputs_are_near_the_float_outputs_on_random_networks_and_on_every_path([Values] CalibrationMethod method)
    {
        double worst = 0;
        for (int seed = Seed; seed < Seed + 20; seed++)
        {
            (FloatNetwork network, float[][] inputs) = Network(seed);
            QuantizedNetwork quantized = Quantizer.Quantize(network, Quantizer.Calibrate(network, inputs, method, 99.999));
            Assert.That(QuantizedNetworkRules.Problems(quantized), Is.Empty);
            ExecutionPath[] paths =
            [
                ExecutionPath.Whole,
                .. network.Blocks.Select(b => new ExecutionPath(b.Name, new HashSet<int> { b.Index }, new Dictionary<int, int>())),
            ];
            foreach (ExecutionPath path in paths.Take(method == CalibrationMethod.MinMax ? 9 : 1))
            {
                double error = 0,
                    signal = 0;
                foreach (float[] input in inputs)
                {
                    float[] wanted = FloatExecutor.Run(network, new Dictionary<int, float[]> { [network.Inputs[0]] = input }, path)[
                        network.Outputs[0]
                    ];
                    QuantizedTensor output = quantized.Tensors[quantized.Outputs[0]];
                    sbyte[] counts = GoldenExecutor.Run(
                        quantized,
                        path,
                        new Dictionary<int, sbyte[]> { [0] = Quantizer.QuantizeValues(quantized.Tensors[0], input) }
                    )[output.Id];
                    // A skipped block can leave the calibrated range: what saturates is left out.
                    for (int i = 0; i < wanted.Length; i++)
                    {
                        if (counts[i] is sbyte.MinValue or sbyte.MaxValue)
                            continue;
                        error += Math.Pow(wanted[i] - (output.Scale * (counts[i] - output.ZeroPoint)), 2);
                        signal += wanted[i] * wanted[i];
                    }
                }

                worst = Math.Max(worst, Math.Sqrt(error / signal));
                // Ranges come from the whole network: a path beside it may leave them.
                Assert.That(
                    Math.Sqrt(error / signal),
                    Is.LessThan(path.SkippedBlocks.Count == 0 ? 0.12 : 0.3),
                    $"seed {seed}, path {path.Name}: relative error"
                );
            }
        }

        TestContext.Out.WriteLine($"largest relative error {worst:P2}");
    }

    [Test]
    public void Ranges_hold_zero_and_min_max_holds_every_value()
    {
        (FloatNetwork network, float[][] inputs) = Network(Seed);
        ValueRange[] ranges = Quantizer.Calibrate(network, inputs, CalibrationMethod.MinMax);
        Assert.That(ranges.All(r => r.Low <= 0 && r.High >= 0));
        foreach (float[] input in inputs)
        {
            FloatExecutor.Run(
                network,
                new Dictionary<int, float[]> { [network.Inputs[0]] = input },
                null,
                (layer, values) =>
                    Assert.That(values.Min() >= ranges[layer.Output].Low && values.Max() <= ranges[layer.Output].High, layer.Name)
            );
        }
    }

    [Test]
    public void A_percentile_cuts_a_lone_outlier_off()
    {
        (FloatNetwork network, float[][] inputs) = Network(Seed);
        inputs[0][0] = 1000;
        float whole = Quantizer.Calibrate(network, inputs, CalibrationMethod.MinMax)[network.Inputs[0]].High;
        float cut = Quantizer.Calibrate(network, inputs, CalibrationMethod.Percentile, 99)[network.Inputs[0]].High;
        Assert.That(whole, Is.EqualTo(1000));
        Assert.That(cut, Is.LessThan(2));
    }

    [Test]
    public void Mean_squared_error_clips_the_channel_that_nearly_nothing_reads_and_keeps_the_one_that_matters()
    {
        // Two channels: one wide, one narrow. What the next layer reads decides which gets the steps.
        float High(float wide, float narrow)
        {
            TensorShape shape = new(1, 1, 1000, 2);
            FloatTensor[] tensors = [new(0, "x", shape), new(1, "y", shape with { Channels = 1 })];
            var conv = new FloatConv("c", 0, 1)
            {
                Weights = [wide, narrow],
                Bias = [0],
                Kernel = (1, 1),
            };
            var random = new Random(Seed);
            float[] x = [.. Enumerable.Range(0, 2000).Select(i => (float)((random.NextDouble() - 0.5) * (i % 2 == 0 ? 100 : 1)))];
            return Quantizer
                .Calibrate(new FloatNetwork("n", tensors, [conv], [], [0], [1]), [x], CalibrationMethod.MeanSquaredError)[0]
                .High;
        }

        Assert.That(High(1, 1), Is.GreaterThan(40));
        Assert.That(High(0.00001f, 50), Is.LessThan(1));
    }

    [Test]
    public void Mean_squared_error_cuts_a_lone_outlier_off_where_that_leaves_less_error()
    {
        TensorShape shape = new(1, 1, 200_000, 1);
        var network = new FloatNetwork(
            "n",
            [new FloatTensor(0, "x", shape), new FloatTensor(1, "y", shape)],
            [
                new FloatConv("c", 0, 1)
                {
                    Weights = [1],
                    Bias = [0],
                    Kernel = (1, 1),
                },
            ],
            [],
            [0],
            [1]
        );
        var random = new Random(Seed);
        float[] x =
        [
            .. Enumerable
                .Range(0, 200_000)
                .Select(_ => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()))),
        ];
        x[77] = 12;
        double Error(ValueRange r)
        {
            double scale = ((double)r.High - r.Low) / 255;
            var t = new QuantizedTensor(0, "t", shape, scale, (int)Math.Round(-128 - (r.Low / scale)));
            return Quantizer.QuantizeValues(t, x).Zip(x, (q, v) => Math.Pow((t.Scale * (q - t.ZeroPoint)) - v, 2)).Sum();
        }

        ValueRange whole = Quantizer.Calibrate(network, [x], CalibrationMethod.MinMax)[0],
            best = Quantizer.Calibrate(network, [x], CalibrationMethod.MeanSquaredError)[0];
        Assert.That(best.High, Is.LessThan(10));
        Assert.That(Error(best), Is.LessThan(0.8 * Error(whole)));
    }

    [Test]
    public void Tensors_of_one_residual_stream_share_scale_and_zero_point()
    {
        (FloatNetwork network, float[][] inputs) = Network(Seed);
        QuantizedNetwork quantized = Quantizer.Quantize(network, Quantizer.Calibrate(network, inputs, CalibrationMethod.MinMax));
        QuantizedTensor[] shared = [.. quantized.Tensors.Where(t => t.SharesStorageWith is not null)];
        Assert.That(shared, Is.Not.Empty);
        foreach (QuantizedTensor t in shared)
            Assert.That(
                (t.Scale, t.ZeroPoint),
                Is.EqualTo((quantized.Tensors[t.SharesStorageWith!.Value].Scale, quantized.Tensors[t.SharesStorageWith.Value].ZeroPoint))
            );
    }

    [Test]
    public void Values_round_half_to_even_and_saturate()
    {
        var tensor = new QuantizedTensor(0, "t", new TensorShape(1, 1, 1, 6), 2, 3);
        Assert.That(Quantizer.QuantizeValues(tensor, [1, 3, -1, -3, 1e9f, -1e9f]), Is.EqualTo(new sbyte[] { 3, 5, 3, 1, 127, -128 }));
    }

    [Test]
    public void Every_layer_that_cannot_be_quantised_is_named()
    {
        (FloatNetwork network, float[][] inputs) = Network(Seed);
        ValueRange[] ranges = [.. Quantizer.Calibrate(network, inputs, CalibrationMethod.MinMax)];
        string[] convolutions = [.. network.Layers.OfType<FloatConv>().Select(c => $"layer {c.Name}")];
        Assert.That(convolutions, Has.Length.GreaterThan(1));
        FloatNetwork negative = network with { Layers = [.. network.Layers.Select(l => l is FloatConv c ? c with { Factor = -1 } : l)] };
        InputException refused = Assert.Throws<InputException>(() => Quantizer.Quantize(negative, ranges))!;
        Assert.That(refused.Faults.Select(f => f.Code), Has.All.EqualTo(FaultCodes.ScaleOutOfRange));
        Assert.That(refused.Faults.Select(f => f.Place), Is.EqualTo(convolutions));
        Assert.That(refused.Message, Is.EqualTo(string.Join(Environment.NewLine, refused.Problems)));
    }

    [Test]
    public void Calibration_without_inputs_and_with_values_that_are_not_finite_is_refused()
    {
        (FloatNetwork network, float[][] inputs) = Network(Seed);
        Assert.That(() => Quantizer.Calibrate(network, [], CalibrationMethod.MinMax), Throws.TypeOf<InputException>());
        inputs[2][5] = float.NaN;
        Assert.That(
            () => Quantizer.Calibrate(network, inputs, CalibrationMethod.MinMax),
            Throws.TypeOf<InputException>().With.Message.Contains("NaN")
        );
    }

    [Test]
    public void A_saved_network_is_read_back_the_same()
    {
        (FloatNetwork network, float[][] inputs) = Network(Seed);
        QuantizedNetwork quantized = Quantizer.Quantize(network, Quantizer.Calibrate(network, inputs, CalibrationMethod.MinMax));
        string folder = Directory.CreateTempSubdirectory("accelgen-quantized").FullName;
        try
        {
            string path = Path.Combine(folder, "q.json"),
                again = Path.Combine(folder, "again.json");
            QuantizedNetworkFile.Save(path, quantized);
            QuantizedNetwork read = QuantizedNetworkFile.Load(path);
            QuantizedNetworkFile.Save(again, read);
            Assert.That(File.ReadAllBytes(again), Is.EqualTo(File.ReadAllBytes(path)));
            var input = new Dictionary<int, sbyte[]> { [0] = Quantizer.QuantizeValues(quantized.Tensors[0], inputs[0]) };
            Assert.That(
                GoldenExecutor.Run(read, ExecutionPath.Whole, input)[read.Outputs[0]],
                Is.EqualTo(GoldenExecutor.Run(quantized, ExecutionPath.Whole, input)[quantized.Outputs[0]])
            );

            string text = File.ReadAllText(path);
            foreach (
                (string bad, string says) in new[]
                {
                    (text[..(text.Length / 2)], "not a quantised network"),
                    (text.Replace("\"version\":1", "\"version\":7", StringComparison.Ordinal), "version 7"),
                    (text.Replace("\"clampHigh\":127", "\"clampHigh\":400", StringComparison.Ordinal), "clamp"),
                    (text.Replace("\"op\":\"conv\"", "\"op\":\"warp\"", StringComparison.Ordinal), "not a quantised network"),
                    ("[]", "not a quantised network"),
                    ("null", "format"),
                }
            )
            {
                Assert.That(bad, Is.Not.EqualTo(text));
                File.WriteAllText(path, bad);
                Assert.That(
                    () => QuantizedNetworkFile.Load(path),
                    Throws.TypeOf<InputException>().With.Message.Contains("q.json").And.Message.Contains(says)
                );
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public void Lists_of_blocks_are_read_and_wrong_ones_explained()
    {
        SkippableBlock[] blocks = [.. Enumerable.Range(0, 6).Select(i => new SkippableBlock(i, $"layer1.{i}"))];
        Assert.That(BlockList.Parse("0,2-4", blocks).SkippedBlocks, Is.EquivalentTo(new[] { 0, 2, 3, 4 }));
        Assert.That(BlockList.Parse("layer1.5, 1", blocks).SkippedBlocks, Is.EquivalentTo(new[] { 1, 5 }));
        Assert.That(BlockList.Parse("none", blocks).SkippedBlocks, Is.Empty);
        foreach (string wrong in new[] { "6", "4-2", "layer9", "0,,1", "-1" })
            Assert.That(
                () => BlockList.Parse(wrong, blocks),
                Throws.TypeOf<InputException>().With.Message.Contains("legal are 0 to 5"),
                wrong
            );
    }

    private static (FloatNetwork Network, float[][] Inputs) Network(int seed)
    {
        RandomNetwork random = RandomNetworks.Residual(seed);
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, random.Model);
            FloatNetwork network = OnnxImporter.Import(path).Network;
            return (
                network,
                [
                    .. Enumerable
                        .Range(0, 6)
                        .Select(i => RandomNetworks.Values(new Random(seed + i), random.Channels * random.Size * random.Size, 1)),
                ]
            );
        }
        finally
        {
            File.Delete(path);
        }
    }
}
