using AccelGen.Files;
using AccelGen.Network.Architectures;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Network.Tests.Architectures;

/// <summary>SegFormer against its published figures, and run by ONNX Runtime.</summary>
public sealed class SegFormerTests
{
    private static int Seed => Setting.Seed(4711);

    // 10^6 parameters, and 10^9 multiply-accumulates at 512x512.
    [TestCase("segformer-b0", 3.75, 8.39)]
    [TestCase("segformer-b1", 13.72, 15.88)]
    [TestCase("segformer-b2", 27.46, 62.34)]
    [TestCase("segformer-b3", 47.34, 78.96)]
    [TestCase("segformer-b4", 64.11, 95.57)]
    [TestCase("segformer-b5", 84.71, 111.51)]
    public void Parameters_and_work_are_those_of_the_model(string name, double megaParameters, double gigaMacs)
    {
        SegFormerVariant v = SegFormer.Variant(name);
        FloatNetwork network = SegFormer.Build(v);
        // Matrix and bias, and scale and shift, of every module of the original, written out.
        long Matrix(long inputs, long outputs) => (inputs + 1) * outputs;
        long expected = 0;
        for (int stage = 0; stage < 4; stage++)
        {
            long c = v.Channels[stage],
                r = new[] { 8, 4, 2, 1 }[stage];
            expected += Matrix(stage == 0 ? 7 * 7 * 3 : 3 * 3 * v.Channels[stage - 1], c) + (2 * c) + (2 * c);
            long attention = (2 * c) + Matrix(c, c) + (r > 1 ? Matrix(r * r * c, c) + (2 * c) : 0) + Matrix(c, 2 * c) + Matrix(c, c);
            long mix = (2 * c) + Matrix(c, 4 * c) + Matrix(9, 4 * c) + Matrix(4 * c, c);
            expected += v.Depths[stage] * (attention + mix);
            expected += Matrix(c, v.DecoderChannels);
        }

        long d = v.DecoderChannels;
        expected += (4 * d * d) + (2 * d) + Matrix(d, 150);
        if (name == "segformer-b0")
            Assert.That(expected, Is.EqualTo(3_752_694), "as published");
        Assert.That(expected / 1e6, Is.EqualTo(megaParameters).Within(0.005));
        // Folded, scale and shift of the batch normalisation are one bias.
        Assert.That(network.Parameters, Is.EqualTo(expected - d));
        Assert.That(network.Macs / 1e9, Is.EqualTo(gigaMacs).Within(0.005));
    }

    [Test]
    public void The_image_goes_in_and_labels_come_out_at_a_quarter_of_the_resolution()
    {
        FloatNetwork network = SegFormer.Build(SegFormer.Variant("segformer-b0"));
        Assert.That(network.Inputs.Select(t => network.Tensors[t].Shape), Is.EqualTo(new[] { new TensorShape(1, 512, 512, 3) }));
        Assert.That(network.Outputs.Select(t => network.Tensors[t].Shape), Is.EqualTo(new[] { new TensorShape(1, 128, 128, 1) }));
        FloatNetwork whole = SegFormer.Build(SegFormer.Variant("segformer-b0"), 64, 96, upsample: true);
        Assert.That(whole.Tensors[whole.Outputs[0]].Shape, Is.EqualTo(new TensorShape(1, 64, 96, 1)));
    }

    [TestCase(31, 64, 150, "multiples of 32")]
    [TestCase(64, 0, 150, "multiples of 32")]
    [TestCase(64, 64, 257, "2 to 256")]
    [TestCase(8192, 8192, 150, "smaller image")]
    public void An_illegal_size_is_named(int height, int width, int classes, string message) =>
        Assert.That(
            () => SegFormer.Build(SegFormer.Variant("segformer-b0"), height, width, classes: classes),
            Throws.TypeOf<InputException>().With.Message.Contains(message)
        );

    [Test]
    public void An_unknown_model_is_named_with_the_known_ones() =>
        Assert.That(
            () => SegFormer.Variant("segformer-b6"),
            Throws.TypeOf<InputException>().With.Message.Contains("segformer-b6").And.Message.Contains("segformer-b5")
        );

    [Test]
    public void Weights_depend_on_the_seed_and_not_on_the_size()
    {
        SegFormerVariant b0 = SegFormer.Variant("segformer-b0");
        float[][] Weights(FloatNetwork n) => [.. n.Layers.OfType<FloatConv>().Select(c => c.Weights)];
        float[][] small = Weights(SegFormer.Build(b0, 64, 32, seed: 3)),
            large = Weights(SegFormer.Build(b0, 128, 128, seed: 3));
        Assert.That(small, Is.EqualTo(large));
        Assert.That(Weights(SegFormer.Build(b0, 64, 32, seed: 4))[0], Is.Not.EqualTo(small[0]));
    }

    [Test]
    public void Every_block_touches_outside_itself_only_the_stream()
    {
        FloatNetwork network = SegFormer.Build(SegFormer.Variant("segformer-b5"), 64, 64);
        Assert.That(network.Blocks, Has.Count.EqualTo(52));
        foreach (SkippableBlock block in network.Blocks)
        {
            FloatLayer[] inside = [.. network.Layers.Where(l => l.Block == block.Index)];
            Assert.That(inside.Select(l => l.Name), Is.All.StartsWith(block.Name + "."));
            int stream = network.Home(inside[0].Input);
            // Two branches: attention and feed-forward, both onto the stream, in place.
            FloatLayer[] adds = [.. inside.Where(l => l.Residual is not null)];
            Assert.That(adds.Select(l => network.Home(l.Residual!.Value)), Is.EqualTo(new[] { stream, stream }));
            Assert.That(adds.Select(l => network.Home(l.Output)), Is.EqualTo(new[] { stream, stream }));
            int[] own = [.. inside.Select(l => network.Home(l.Output)).Where(t => t != stream)];
            Assert.That(
                network.Layers.Where(l => l.Block != block.Index).SelectMany(l => l.Reads).Select(network.Home).Intersect(own),
                Is.Empty
            );
            Assert.That(inside.SelectMany(l => l.Reads).Select(network.Home).Except(own.Append(stream)), Is.Empty);
        }
    }

    [Test]
    public void Shapes_fit_ONNX_operators_and_activations_keep_their_spread()
    {
        TestContext.Out.WriteLine($"seed {Seed}");
        FloatNetwork network = SegFormer.Build(SegFormer.Variant("segformer-b0"), 64, 96, Seed, upsample: true);
        var random = new Random(Seed);
        float[] image = RandomNetworks.Values(random, 64 * 96 * 3, Math.Sqrt(3));
        Dictionary<string, (float[] Values, TensorShape Shape)> results = FloatOnnxModel.Run(network, image);
        foreach (FloatLayer layer in network.Layers)
        {
            (float[] values, TensorShape shape) = results[layer.Name];
            Assert.That(shape, Is.EqualTo(network.Tensors[layer.Output].Shape), layer.Name);
            double deviation = Math.Sqrt(values.Average(v => (double)v * v) - Math.Pow(values.Average(), 2));
            if (layer is FloatConv or FloatMatMul or FloatLayerNorm or FloatResize)
                Assert.That(deviation, Is.InRange(0.1, 5), layer.Name);
            if (layer.Name.EndsWith(".qk", StringComparison.Ordinal))
                Assert.That(deviation, Is.InRange(0.5, 4), layer.Name);
        }

        foreach (FloatResize resize in network.Layers.OfType<FloatResize>())
            Assert.That(
                Resample(resize, results[network.Tensors[resize.Input].Name], network.Tensors[resize.Output].Shape),
                Is.EqualTo(results[resize.Name].Values).Within(1e-4f),
                resize.Name
            );

        (float[] labels, _) = results["decoder.argmax"];
        Assert.That(labels.Distinct().Count(), Is.InRange(10, 150), "labels that occur");
    }

    // The taps by their definition, against the operator of ONNX.
    private static float[] Resample(FloatResize r, (float[] Values, TensorShape Shape) x, TensorShape to)
    {
        var y = new float[to.Elements];
        for (int row = 0; row < to.Height; row++)
        {
            for (int column = 0; column < to.Width; column++)
            {
                for (int tap = 0; tap < r.Taps.Rows * r.Taps.Columns; tap++)
                {
                    (int p, int q, int t, int u) = (row % r.Up.Rows, column % r.Up.Columns, tap / r.Taps.Columns, tap % r.Taps.Columns);
                    int sourceRow = Math.Clamp((row / r.Up.Rows * r.Down.Rows) + r.FirstRow[p] + t, 0, x.Shape.Height - 1);
                    int sourceColumn = Math.Clamp((column / r.Up.Columns * r.Down.Columns) + r.FirstColumn[q] + u, 0, x.Shape.Width - 1);
                    for (int c = 0; c < to.Channels; c++)
                        y[to.Index(0, row, column, c)] +=
                            x.Values[x.Shape.Index(0, sourceRow, sourceColumn, c)]
                            * r.RowWeights[(p * r.Taps.Rows) + t]
                            * r.ColumnWeights[(q * r.Taps.Columns) + u];
                }
            }
        }

        return y;
    }
}
