using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Onnx.Proto;
using AccelGen.Quantization;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Onnx.Tests;

/// <summary>Files whose weights alone are int8: DequantizeLinear on constants, everything else in float. Their integers are kept.</summary>
public sealed class WeightOnlyTests
{
    private const int Channels = 6,
        Outputs = 5,
        Size = 7;

    private static int Seed => Setting.Seed(9100);

    [Test]
    public void Integers_of_a_convolution_are_kept_behind_a_batch_normalisation_with_factors_of_either_sign_and_of_none()
    {
        sbyte[] counts = Counts(new Random(Seed), Outputs * Channels * 9);
        float[] gamma = [1.3f, -0.7f, 0, 0.02f, 1],
            beta = [0.1f, -0.2f, 0.4f, 0, 0.3f];
        byte[] model = Convolution(counts, [0.01f, 0.02f, 0.005f, 0.03f, 0.0125f], gamma, beta, new float[Outputs], [1, 1, 1, 1, 1]);
        (ImportResult import, QuantizedNetwork quantized, float[] image) = Quantise(model);
        Assert.That(import.Quantized, Is.Null, "activations are float");
        sbyte[] kept = quantized.Layers.OfType<ConvLayer>().First().Weights;
        for (int k = 0; k < Outputs; k++)
        {
            for (int i = 0; i < Channels * 9; i++)
                Assert.That(
                    kept[(k * Channels * 9) + i],
                    Is.EqualTo(Math.Sign(gamma[k]) * counts[(((k * Channels) + (i % Channels)) * 9) + (i / Channels)]),
                    $"channel {k}, weight {i}"
                );
        }

        float[] wanted = Oracle.Reference(model, image, import.Network.Tensors[import.Network.Inputs[0]].Shape),
            got = Oracle.Run(import, image);
        Assert.That(got, Is.EqualTo(wanted).Within(1e-5).Percent.Or.EqualTo(wanted).Within(1e-5));
    }

    [Test]
    public void A_channel_of_which_the_normalisation_leaves_little_but_a_bias_is_rounded_to_a_coarser_step()
    {
        // The bias would be 3e11 counts of these weights' step.
        float[] gamma = [1, 1, 1e-9f, 1, 1];
        byte[] model = Convolution(
            Counts(new Random(Seed), Outputs * Channels * 9),
            [0.01f, 0.01f, 0.01f, 0.01f, 0.01f],
            gamma,
            [0, 0, 5, 0, 0],
            new float[Outputs],
            [1, 1, 1, 1, 1]
        );
        QuantizedNetwork quantized = Quantise(model).Quantized;
        var conv = (ConvLayer)quantized.Layers[0];
        Assert.That(
            conv.Bias[2] * conv.Scales[2].ToReal() * quantized.Tensors[conv.Output].Scale,
            Is.EqualTo(5).Within(1e-4),
            "the bias in real units"
        );
    }

    [Test]
    public void Integers_of_linear_layers_are_kept([Values("MatMul", "Gemm")] string op, [Values] bool perChannel)
    {
        var random = new Random(Seed);
        sbyte[] counts = Counts(random, Channels * Outputs);
        float[] scales = perChannel ? [0.01f, 0.02f, 0.005f, 0.03f, 0.0125f] : [0.02f];
        var m = new OnnxModelWriter();
        m.Input("x", OnnxModelWriter.Float, 1, Channels, Size, Size);
        m.Node("GlobalAveragePool", ["x"], "mean").Node("Flatten", ["mean"], "flat");
        m.Initializer("w8", OnnxModelWriter.Int8, [.. counts.Select(c => (byte)c)], Channels, Outputs)
            .Initializer("ws", scales, perChannel ? [Outputs] : []);
        m.Node("DequantizeLinear", ["w8", "ws"], "w").Int("axis", 1);
        m.Node(op, ["flat", "w"], "y");
        sbyte[] kept = Quantise(m.Build("y")).Quantized.Layers.OfType<ConvLayer>().Last().Weights;
        Assert.That(
            kept,
            Is.EqualTo(Enumerable.Range(0, Outputs).SelectMany(o => Enumerable.Range(0, Channels).Select(i => counts[(i * Outputs) + o])))
        );
    }

    [Test]
    public void Integers_that_no_layer_can_hold_are_read_like_floats(
        [Values("a scale per input channel", "a zero point far off")] string what
    )
    {
        var random = new Random(Seed);
        bool offset = what == "a zero point far off";
        byte[] bytes = new byte[Outputs * Channels];
        random.NextBytes(bytes);
        var m = new OnnxModelWriter();
        m.Input("x", OnnxModelWriter.Float, 1, Channels, Size, Size);
        m.Initializer("w8", OnnxModelWriter.UInt8, bytes, Outputs, Channels, 1, 1);
        m.Initializer("ws", offset ? [0.01f] : [.. Enumerable.Range(1, Channels).Select(i => 0.003f * i)], offset ? [] : [Channels]);
        m.Initializer(
            "wz",
            OnnxModelWriter.UInt8,
            [.. Enumerable.Repeat((byte)(offset ? 20 : 128), offset ? 1 : Channels)],
            offset ? [] : [Channels]
        );
        m.Node("DequantizeLinear", ["w8", "ws", "wz"], "w").Int("axis", 1).Node("Conv", ["x", "w"], "y");
        byte[] model = m.Build("y");
        (ImportResult import, QuantizedNetwork quantized, float[] image) = Quantise(model);
        float[] wanted = Oracle.Reference(model, image, import.Network.Tensors[import.Network.Inputs[0]].Shape),
            got = Oracle.Run(import, image);
        Assert.That(got, Is.EqualTo(wanted).Within(1e-5).Percent.Or.EqualTo(wanted).Within(1e-5));
        Assert.That(quantized.Layers.OfType<ConvLayer>().Single().Weights.Max(w => Math.Abs((int)w)), Is.EqualTo(127), "rounded anew");
    }

    [Test]
    public void Every_integer_of_a_segformer_file_is_kept()
    {
        string file = ThirdPartyModels.Require("segformer_b2_camvid/segformer_b2_camvid_192x256_int8.onnx");
        var graph = OnnxGraph.Load(file);
        QuantizedNetwork quantized = Quantised(OnnxImporter.Import(file).Network);
        // By how often each magnitude occurs: a linear layer's matrix is transposed, a factor may turn the sign of a channel.
        HashSet<string> kept = [.. quantized.Layers.OfType<ConvLayer>().Select(c => Histogram(c.Weights))];
        TensorProto[] stored = [.. graph.Initializers.Values.Where(t => t.DataType == OnnxModelWriter.Int8 && t.Dims.Count > 1)];
        Assert.That(stored, Has.Length.GreaterThan(100));
        Assert.That(
            stored.Where(t => !kept.Contains(Histogram([.. OnnxTensor.Read(t).Integers!.Select(v => (sbyte)v)]))).Select(t => t.Name),
            Is.Empty
        );

        static string Histogram(sbyte[] values) =>
            string.Join(' ', values.GroupBy(v => Math.Abs((int)v)).OrderBy(g => g.Key).Select(g => $"{g.Key}:{g.Count()}"));
    }

    private static byte[] Convolution(sbyte[] counts, float[] scales, float[] gamma, float[] beta, float[] mean, float[] variance)
    {
        var m = new OnnxModelWriter();
        m.Input("x", OnnxModelWriter.Float, 1, Channels, Size, Size);
        m.Initializer("w8", OnnxModelWriter.Int8, [.. counts.Select(c => (byte)c)], Outputs, Channels, 3, 3)
            .Initializer("ws", scales, Outputs);
        m.Initializer("g", gamma, Outputs)
            .Initializer("b", beta, Outputs)
            .Initializer("m", mean, Outputs)
            .Initializer("v", variance, Outputs);
        m.Node("DequantizeLinear", ["w8", "ws"], "w").Int("axis", 0).Node("Conv", ["x", "w"], "c").Ints("pads", 1, 1, 1, 1);
        m.Node("BatchNormalization", ["c", "g", "b", "m", "v"], "n").Node("Relu", ["n"], "y");
        return m.Build("y");
    }

    private static (ImportResult Import, QuantizedNetwork Quantized, float[] Image) Quantise(byte[] model)
    {
        ImportResult import = Oracle.Import(model);
        float[] image = RandomNetworks.Values(new Random(Seed), Size * Size * Channels, 1);
        return (import, Quantizer.Quantize(import.Network, Quantizer.Calibrate(import.Network, [image], CalibrationMethod.MinMax)), image);
    }

    private static QuantizedNetwork Quantised(FloatNetwork network)
    {
        int ranges = network.Tensors.Count + network.Layers.Count(l => l.Activation.Kind != ActivationKind.None);
        return Quantizer.Quantize(network, [.. Enumerable.Repeat(new ValueRange(-4, 4), ranges)]);
    }

    private static sbyte[] Counts(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (sbyte)random.Next(-127, 128))];
}
