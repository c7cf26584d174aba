using System.Runtime.InteropServices;
using AccelGen.Golden;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using AccelGen.Tests.Shared;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using NUnit.Framework;

namespace AccelGen.Onnx.Tests;

/// <summary>What a quantised file prescribes is what the network has.</summary>
public sealed class QuantizedImporterTests
{
    private static readonly TensorShape Shape = new(1, 4, 5, 3);

    private static int Seed => Setting.Seed(8100);

    [Test]
    public void Weights_biases_scales_and_zero_points_are_those_of_the_file()
    {
        sbyte[] weights = [-128, 127, 5, 1, -1, 0];
        int[] bias = [(1 << 28) + 1, -(1 << 28) - 3];
        byte[] model = Model()
            .Initializer("w", OnnxModelWriter.Int8, Bytes(weights), 2, 3, 1, 1)
            .Initializer("ws", [0.01f, 0.002f], 2)
            .Node("DequantizeLinear", ["w", "ws"], "wr")
            .Int("axis", 0)
            .Initializer("b", OnnxModelWriter.Int32, Bytes(bias), 2)
            .Initializer("bs", [0.01f * 0.05f, 0.002f * 0.05f], 2)
            .Node("DequantizeLinear", ["b", "bs"], "br")
            .Int("axis", 0)
            .Node("Conv", ["xr", "wr", "br"], "c")
            .Initializer("cs", [2000f])
            .Initializer("cz", OnnxModelWriter.Int8, [17])
            .Node("QuantizeLinear", ["c", "cs", "cz"], "cq")
            .Node("DequantizeLinear", ["cq", "cs", "cz"], "y")
            .Build("y");
        QuantizedNetwork network = Oracle.Import(model).Quantized!;
        var conv = (ConvLayer)network.Layers.Single();
        Assert.That(conv.Weights, Is.EqualTo(weights));
        Assert.That(conv.Bias, Is.EqualTo(bias));
        Assert.That(
            conv.Scales,
            Is.EqualTo(
                new[] { FixedPointScale.FromReal((double)0.05f * 0.01f / 2000f), FixedPointScale.FromReal((double)0.05f * 0.002f / 2000f) }
            )
        );
        Assert.That((network.Tensors[0].Scale, network.Tensors[0].ZeroPoint), Is.EqualTo(((double)0.05f, 3 - 128)));
        Assert.That((network.Tensors[^1].Scale, network.Tensors[^1].ZeroPoint), Is.EqualTo((2000.0, 17)));
        Compare(model, conv.Name, distinct: 2);
    }

    [Test]
    public void Weights_of_channels_that_come_twice_are_not_joined_beyond_int8()
    {
        byte[] model = Model()
            .Initializer("i", [0L, 1, 2, 0, 1, 2], 6)
            .Node("Gather", ["xr", "i"], "ccr")
            .Int("axis", 1)
            .Initializer("w", OnnxModelWriter.Int8, Bytes((sbyte[])[100, -100, 5, 90, -90, -1, 1, 2, 3, 4, 5, 6]), 2, 6, 1, 1)
            .Initializer("ws", [0.01f])
            .Node("DequantizeLinear", ["w", "ws"], "wr")
            .Node("Conv", ["ccr", "wr"], "c")
            .Initializer("cs", [0.1f])
            .Initializer("cz", OnnxModelWriter.UInt8, [130])
            .Node("QuantizeLinear", ["c", "cs", "cz"], "cq")
            .Node("DequantizeLinear", ["cq", "cs", "cz"], "y")
            .Build("y");
        Compare(model, "twice", distinct: 20);
    }

    [Test]
    public void A_weight_of_minus_128_has_no_opposite_and_is_refused_in_front_of_a_negative_factor()
    {
        byte[] model = Model()
            .Initializer("w", OnnxModelWriter.Int8, Bytes((sbyte[])[-128, 127, 5, -128, 1, 1]), 2, 3, 1, 1)
            .Initializer("ws", [0.01f])
            .Node("DequantizeLinear", ["w", "ws"], "wr")
            .Node("Conv", ["xr", "wr"], "c")
            .Initializer("f", [-1f, 2f], 1, 2, 1, 1)
            .Node("Mul", ["c", "f"], "m")
            .Initializer("cs", [0.1f])
            .Initializer("cz", OnnxModelWriter.UInt8, [130])
            .Node("QuantizeLinear", ["m", "cs", "cz"], "cq")
            .Node("DequantizeLinear", ["cq", "cs", "cz"], "y")
            .Build("y");
        Assert.That(() => Oracle.Import(model), Throws.TypeOf<ImportException>().With.Message.Contains("node Conv_c"));
    }

    [Test]
    public void Float_weights_that_the_file_rounds_itself_are_integers()
    {
        float[] weights = RandomNetworks.Values(new Random(Seed), 6, 1);
        byte[] model = Model()
            .Initializer("w", weights, 2, 3, 1, 1)
            .Initializer("ws", [0.01f, 0.004f], 2)
            .Initializer("wz", OnnxModelWriter.Int8, [0, 0], 2)
            .Node("QuantizeLinear", ["w", "ws", "wz"], "wq")
            .Int("axis", 0)
            .Node("DequantizeLinear", ["wq", "ws", "wz"], "wr")
            .Int("axis", 0)
            .Node("Conv", ["xr", "wr"], "c")
            .Node("QuantizeLinear", ["c", "s"], "cq")
            .Node("DequantizeLinear", ["cq", "s"], "y")
            .Build("y");
        var conv = (ConvLayer)Compare(model, "fake quantisation").Layers.Single();
        Assert.That(
            conv.Weights,
            Is.EqualTo(weights.Select((w, i) => (sbyte)Math.Clamp(MathF.Round(w / (i < 3 ? 0.01f : 0.004f)), -128, 127)))
        );
    }

    [Test]
    public void Bytes_come_in_and_go_out_as_they_are()
    {
        var random = new Random(Seed);
        sbyte[] weights = Weights(random, 12);
        byte[] Model(int type, int zero) =>
            new OnnxModelWriter { OpsetVersion = 13 }
                .Input("x", OnnxModelWriter.UInt8, 1, 3, 4, 5)
                .Initializer("s", [0.05f])
                .Initializer("z", OnnxModelWriter.UInt8, [120])
                .Initializer("w", type, [.. weights.Select(w => (byte)(w + zero))], 4, 3, 1, 1)
                .Initializer("ws", [0.01f])
                .Initializer("wz", type, [(byte)zero])
                .Initializer("ys", [0.08f])
                .Initializer("yz", OnnxModelWriter.UInt8, [100])
                .Node("QLinearConv", ["x", "s", "z", "w", "ws", "wz", "ys", "yz"], "y")
                .Build("y", OnnxModelWriter.UInt8);
        byte[] exact = Model(OnnxModelWriter.UInt8, 128);
        ImportResult import = Oracle.Import(Model(OnnxModelWriter.Int8, 0));
        QuantizedNetwork network = import.Quantized!;
        Assert.That(
            ((ConvLayer)network.Layers.Single()).Weights,
            Is.EqualTo(weights).And.EqualTo(((ConvLayer)Oracle.Import(exact).Quantized!.Layers.Single()).Weights)
        );
        Assert.That((network.Tensors[0].ZeroPoint, network.Tensors[network.Outputs[0]].ZeroPoint), Is.EqualTo((120 - 128, 100 - 128)));
        byte[] image = new byte[60];
        random.NextBytes(image);
        var nhwc = new sbyte[60];
        for (int i = 0; i < 60; i++)
            nhwc[(i % 20 * 3) + (i / 20)] = (sbyte)(image[i] - 128);
        using InferenceSession session = ExactSession.Open(exact);
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> outputs = session.Run([
            NamedOnnxValue.CreateFromTensor("x", new DenseTensor<byte>(image, [1, 3, 4, 5])),
        ]);
        sbyte[] mine = GoldenExecutor.Run(network, ExecutionPath.Whole, new Dictionary<int, sbyte[]> { [network.Inputs[0]] = nhwc })[
            network.Outputs[0]
        ];
        Assert.That(import.Outputs[0].Elements.Select(e => (byte)(mine[e] + 128)), Is.EqualTo(outputs.Single().AsTensor<byte>()).Within(1));
    }

    [Test]
    public void A_Relu_whose_zero_point_is_the_lower_bound_is_a_clamp()
    {
        QuantizedLayer layer = Compare(
            Chain(m =>
                m.Node("Relu", ["cr"], "a")
                    .Node("QuantizeLinear", ["a", "ys", "yz"], "aq")
                    .Node("DequantizeLinear", ["aq", "ys", "yz"], "y")
            ),
            "Relu"
        )
            .Layers.Single();
        Assert.That((layer.Table, layer.ClampLow, layer.ClampHigh), Is.EqualTo(((sbyte[]?)null, 100 - 128, 127)));
    }

    [Test]
    public void An_activation_between_two_pairs_is_a_table_of_the_layer_before()
    {
        QuantizedLayer layer = Compare(
            Chain(m =>
                m.Node("Sigmoid", ["cr"], "a")
                    .Initializer("as", [1 / 255f])
                    .Node("QuantizeLinear", ["a", "as"], "aq")
                    .Node("DequantizeLinear", ["aq", "as"], "y")
            ),
            "Sigmoid"
        )
            .Layers.Single();
        Assert.That(layer, Is.InstanceOf<ConvLayer>());
        Assert.That(layer.Table, Has.Length.EqualTo(256));
        Assert.That(layer.TableZeroPoint, Is.EqualTo(100 - 128));
    }

    [Test]
    public void Two_scales_one_after_the_other_are_one_layer()
    {
        QuantizedLayer layer = Compare(
            Chain(m =>
                m.Initializer("as", [0.03f])
                    .Initializer("az", OnnxModelWriter.Int8, [9])
                    .Node("QuantizeLinear", ["cr", "as", "az"], "aq")
                    .Node("DequantizeLinear", ["aq", "as", "az"], "y")
            ),
            "rescaling"
        )
            .Layers.Single();
        Assert.That(layer.Table, Has.Length.EqualTo(256));
    }

    [Test]
    public void Counts_read_under_another_scale_stay_the_same_counts()
    {
        QuantizedNetwork network = Compare(
            Chain(m => m.Initializer("as", [0.5f]).Node("DequantizeLinear", ["cq", "as", "yz"], "y")),
            "reinterpretation"
        );
        Assert.That(network.Layers.Single().Table, Is.Null);
        Assert.That(network.Tensors[network.Outputs[0]].Scale, Is.EqualTo(0.5));
    }

    [Test]
    public void Both_operands_of_a_product_may_have_a_zero_point()
    {
        byte[] model = Model()
            .Initializer("shape", [1L, 3, 20], 3)
            .Node("Reshape", ["xr", "shape"], "a")
            .Node("Transpose", ["a"], "b")
            .Ints("perm", 0, 2, 1)
            .Node("MatMul", ["a", "b"], "c")
            .Initializer("ys", [0.9f])
            .Initializer("yz", OnnxModelWriter.UInt8, [10])
            .Node("QuantizeLinear", ["c", "ys", "yz"], "cq")
            .Node("DequantizeLinear", ["cq", "ys", "yz"], "y")
            .Build("y");
        QuantizedNetwork network = Compare(model, "product of an image with itself");
        MatMulLayer product = network.Layers.OfType<MatMulLayer>().Single();
        Assert.That((network.Tensors[product.Input].ZeroPoint, network.Tensors[product.Right].ZeroPoint), Is.EqualTo((3 - 128, 3 - 128)));
    }

    [Test]
    public void Weights_alone_make_no_quantised_network()
    {
        byte[] model = new OnnxModelWriter { OpsetVersion = 13 }
            .Input("x", OnnxModelWriter.Float, 1, 3, 4, 5)
            .Initializer("w", OnnxModelWriter.Int8, [1, 2, 255, 4, 5, 6], 2, 3, 1, 1)
            .Initializer("ws", [0.1f])
            .Node("DequantizeLinear", ["w", "ws"], "wr")
            .Node("Conv", ["x", "wr"], "y")
            .Build("y");
        ImportResult import = Oracle.Import(model);
        Assert.That(import.Quantized, Is.Null);
        float[] image = RandomNetworks.Values(new Random(Seed), 60, 1);
        Oracle.Compare(import, model, image, "weights alone");
        var conv = (ConvLayer)
            Quantizer.Quantize(import.Network, Quantizer.Calibrate(import.Network, [image], CalibrationMethod.MinMax)).Layers.Single();
        Assert.That(conv.Weights, Is.EqualTo(new sbyte[] { 1, 2, -1, 4, 5, 6 }));
    }

    // An image in counts of 0.05 with zero point 3.
    private static OnnxModelWriter Model() =>
        new OnnxModelWriter { OpsetVersion = 13 }
            .Input("x", OnnxModelWriter.Float, 1, 3, 4, 5)
            .Initializer("s", [0.05f])
            .Initializer("z", OnnxModelWriter.UInt8, [3])
            .Node("QuantizeLinear", ["x", "s", "z"], "xq")
            .Node("DequantizeLinear", ["xq", "s", "z"], "xr");

    // A convolution whose result is quantised, and what follows.
    private static byte[] Chain(Func<OnnxModelWriter, OnnxModelWriter> next) =>
        next(
                Model()
                    .Initializer("w", OnnxModelWriter.Int8, Bytes(Weights(new Random(Seed), 12)), 4, 3, 1, 1)
                    .Initializer("ws", [0.01f])
                    .Node("DequantizeLinear", ["w", "ws"], "wr")
                    .Node("Conv", ["xr", "wr"], "c")
                    .Initializer("ys", [0.0397f])
                    .Initializer("yz", OnnxModelWriter.UInt8, [100])
                    .Node("QuantizeLinear", ["c", "ys", "yz"], "cq")
                    .Node("DequantizeLinear", ["cq", "ys", "yz"], "cr")
            )
            .Build("y");

    private static QuantizedNetwork Compare(byte[] model, string place, int distinct = 6)
    {
        ImportResult import = Oracle.Import(model);
        QuantizedNetwork network = import.Quantized!;
        QuantizedTensor t = network.Tensors[network.Outputs[0]];
        float[] image = RandomNetworks.Values(new Random(Seed), (int)Shape.Elements, 6),
            theirs = Oracle.Reference(model, image, Shape);
        sbyte[] mine = GoldenExecutor.Run(
            network,
            ExecutionPath.Whole,
            new Dictionary<int, sbyte[]> { [network.Inputs[0]] = Quantizer.QuantizeValues(network.Tensors[network.Inputs[0]], image) }
        )[t.Id];
        Assert.That(mine.Distinct().Count(), Is.GreaterThanOrEqualTo(distinct), $"{place}: the test shows something");
        Assert.That(
            import.Outputs[0].Elements.Select((e, i) => Math.Abs(mine[e] - t.ZeroPoint - (theirs[i] / t.Scale))),
            Has.All.LessThanOrEqualTo(1.01),
            $"{place}, seed {Seed}"
        );
        return network;
    }

    private static sbyte[] Weights(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (sbyte)random.Next(-128, 128))];

    private static byte[] Bytes<T>(T[] values)
        where T : unmanaged => MemoryMarshal.AsBytes<T>(values).ToArray();
}
