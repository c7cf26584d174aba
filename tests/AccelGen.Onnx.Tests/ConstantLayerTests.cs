using AccelGen.Golden;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Onnx.Tests;

/// <summary>Layers of which hardly anything, or nothing, is left: constants, and results far finer than their sums.</summary>
public sealed class ConstantLayerTests
{
    private const int Seed = 2500;

    private static IEnumerable<TestCaseData> Models()
    {
        yield return Case(
            "A ReLU that is never active",
            m => m.Node("Relu", [m.Node("Add", [m.Node("Relu", [m.Conv(m.Input(1, 3, 5, 4), 3, 4)]), m.Number(-1000)])])
        );
        yield return Case(
            "Weights and bias of 0",
            m => m.Node("Conv", [m.Input(1, 3, 5, 4), m.Constant(new float[12], 4, 3, 1, 1), m.Constant(new float[4], 4)])
        );
        yield return Case(
            "A branch of zeros that is added",
            m =>
            {
                string x = m.Conv(m.Input(1, 3, 5, 4), 3, 4),
                    dead = m.Node("Relu", [m.Node("Sub", [m.Node("Relu", [m.Conv(x, 4, 4)]), m.Number(1e6f)])]);
                return m.Node("Add", [m.Conv(dead, 4, 4), x]);
            }
        );
        yield return Case(
            "GELU of zeros",
            m =>
                m.Node(
                    "Add",
                    [
                        m.Node("Gelu", [m.Node("Conv", [m.Input(1, 3, 5, 4), m.Constant(new float[9], 3, 3, 1, 1)])], "com.microsoft"),
                        m.Conv("x", 3, 3),
                    ]
                )
        );
        yield return Case(
            "Sigmoid of zeros",
            m => m.Node("Sigmoid", [m.Node("Conv", [m.Input(1, 3, 5, 4), m.Constant(new float[9], 3, 3, 1, 1)])])
        );
        yield return Case(
            "Layer normalisation of zeros",
            m =>
                m.Node(
                    "LayerNormalization",
                    [
                        m.Tokens(m.Node("Conv", [m.Input(1, 3, 5, 4), m.Constant(new float[9], 3, 3, 1, 1)]), 3, 20),
                        m.Random(1, 0, 3),
                        m.Random(1, 0, 3),
                    ]
                )
        );
        yield return Case(
            "Softmax of zeros",
            m => m.Node("Softmax", [m.Node("Conv", [m.Input(1, 3, 5, 4), m.Constant(new float[9], 3, 3, 1, 1)])], ("axis", 1))
        );
        yield return Case(
            "Layer normalisation of values that are nothing beside epsilon",
            m =>
                m.Node(
                    "LayerNormalization",
                    [m.Tokens(m.Node("Mul", [m.Input(1, 3, 5, 4), m.Number(1e-12f)]), 3, 20), m.Random(1, 0, 3), m.Random(1, 0, 3)]
                )
        );
        yield return Case(
            "A difference far finer than its operands",
            m =>
            {
                string x = m.Conv(m.Input(1, 3, 5, 4), 3, 4);
                return m.Node(
                    "Sub",
                    [x, m.Node("Add", [m.Node("Relu", [x]), m.Node("Mul", [m.Node("Relu", [m.Node("Neg", [x])]), m.Number(-0.9999999f)])])]
                );
            }
        );
        yield return Case(
            "A ReLU that hardly lets anything through",
            m => m.Node("Clip", [m.Conv(m.Input(1, 3, 5, 4), 3, 4), m.Number(0), m.Number(1e-9f)])
        );
        yield return Case(
            "Weights that are no normal numbers",
            m => m.Node("Conv", [m.Input(1, 3, 5, 4), m.Constant([.. Enumerable.Repeat(1e-40f, 12)], 4, 3, 1, 1)])
        );
        yield return Case(
            "Weights of the smallest number",
            m => m.Node("Conv", [m.Input(1, 3, 5, 4), m.Constant([.. Enumerable.Repeat(float.Epsilon, 12)], 4, 3, 1, 1)])
        );
        yield return Case(
            "Large weights",
            m => m.Node("Conv", [m.Input(1, 3, 5, 4), m.Constant([.. Enumerable.Repeat(1e30f, 12)], 4, 3, 1, 1)])
        );
        yield return Case(
            "Logits of thousands",
            m => m.Node("Softmax", [m.Node("Mul", [m.Conv(m.Input(1, 3, 5, 4), 3, 4), m.Number(1e5f)])], ("axis", 1))
        );

        static TestCaseData Case(string name, Func<ModelSketch, string> build) => new TestCaseData(build).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Models))]
    public void What_is_nearly_nothing_is_quantised_and_right(Func<ModelSketch, string> build)
    {
        var m = new ModelSketch(new Random(Seed)) { OpsetVersion = 17 };
        ImportResult import = Oracle.Import(m.Finish(build(m), OnnxModelWriter.Float));
        FloatNetwork network = import.Network;
        float[] input = RandomNetworks.Values(new Random(Seed), (int)network.Tensors[network.Inputs[0]].Shape.Elements, 2);
        float[] wanted = FloatExecutor.Run(network, new Dictionary<int, float[]> { [network.Inputs[0]] = input })[network.Outputs[0]];
        foreach (CalibrationMethod method in Enum.GetValues<CalibrationMethod>())
        {
            QuantizedNetwork quantized = Quantizer.Quantize(network, Quantizer.Calibrate(network, [input], method));
            quantized = BiasCorrection.Apply(network, quantized, [input]);
            QuantizedTensor output = quantized.Tensors[quantized.Outputs[0]];
            sbyte[] counts = GoldenExecutor.Run(
                quantized,
                ExecutionPath.Whole,
                new Dictionary<int, sbyte[]> { [network.Inputs[0]] = Quantizer.QuantizeValues(quantized.Tensors[network.Inputs[0]], input) }
            )[output.Id];
            double largest = wanted.Max(Math.Abs),
                worst = wanted.Select((v, i) => Math.Abs(v - (output.Scale * (counts[i] - output.ZeroPoint)))).Max();
            // A tenth of the largest, or what a count of the operands is.
            Assert.That(worst, Is.LessThan(Math.Max(0.1 * largest, 1e-6)), $"{method}: largest {largest}");
        }
    }

    [Test]
    public void A_layer_that_is_0_on_every_calibration_input_is_0_on_every_other()
    {
        var m = new ModelSketch(new Random(Seed)) { OpsetVersion = 17 };
        FloatNetwork network = Oracle
            .Import(
                m.Finish(
                    m.Node(
                        "Relu",
                        [m.Node("Conv", [m.Input(1, 3, 5, 4), m.Random(1, 0, 4, 3, 1, 1), m.Constant([-1000, -1000, -1000, -1000], 4)])]
                    ),
                    OnnxModelWriter.Float
                )
            )
            .Network;
        float[] input = new float[60];
        QuantizedNetwork quantized = Quantizer.Quantize(network, Quantizer.Calibrate(network, [input], CalibrationMethod.MinMax));
        QuantizedTensor output = quantized.Tensors[quantized.Outputs[0]];
        var random = new Random(Seed);
        sbyte[] other = [.. Enumerable.Range(0, 60).Select(_ => (sbyte)random.Next(-128, 128))];
        sbyte[] counts = GoldenExecutor.Run(quantized, ExecutionPath.Whole, new Dictionary<int, sbyte[]> { [network.Inputs[0]] = other })[
            output.Id
        ];
        Assert.That(counts, Is.All.EqualTo(output.ZeroPoint));
    }

    [Test]
    public void A_bias_has_all_of_32_bits([Values(int.MinValue, int.MinValue + 1, int.MaxValue)] int bias)
    {
        byte[] model = new OnnxModelWriter { OpsetVersion = 17 }
            .Input("x", OnnxModelWriter.Float, 1, 3, 4, 4)
            .Initializer("s", [0.5f])
            .Initializer("z", OnnxModelWriter.Int8, [0])
            .Initializer("w", OnnxModelWriter.Int8, [1, 2, 3], 1, 3, 1, 1)
            .Initializer("ws", [0.25f])
            .Initializer("b", OnnxModelWriter.Int32, BitConverter.GetBytes(bias), 1)
            .Initializer("bs", [0.125f])
            .Node("QuantizeLinear", ["x", "s", "z"], "q")
            .Node("DequantizeLinear", ["q", "s", "z"], "r")
            .Node("DequantizeLinear", ["w", "ws", "z"], "v")
            .Node("DequantizeLinear", ["b", "bs"], "c")
            .Node("Conv", ["r", "v", "c"], "a")
            .Node("QuantizeLinear", ["a", "s", "z"], "d")
            .Node("DequantizeLinear", ["d", "s", "z"], "y")
            .Build("y", OnnxModelWriter.Float);
        QuantizedNetwork network = Oracle.Import(model).Quantized!;
        Assert.That(((ConvLayer)network.Layers[0]).Bias[0], Is.EqualTo(bias));
        sbyte[] counts = GoldenExecutor.Run(
            network,
            ExecutionPath.Whole,
            new Dictionary<int, sbyte[]> { [network.Inputs[0]] = new sbyte[48] }
        )[network.Outputs[0]];
        Assert.That(counts, Is.All.EqualTo(bias < 0 ? -128 : 127));
    }

    [Test]
    public void Outputs_that_are_the_same_tensor_are_returned_once()
    {
        var m = new OnnxModelWriter { OpsetVersion = 17 }
            .Input("x", OnnxModelWriter.Float, 1, 3, 4, 4)
            .Initializer("w", [.. Enumerable.Repeat(0.5f, 12)], 4, 3, 1, 1)
            .Node("Conv", ["x", "w"], "c")
            .Node("Identity", ["c"], "a")
            .Node("Identity", ["c"], "y")
            .Observe("a")
            .Observe("c");
        ImportResult import = Oracle.Import(m.Build("y", OnnxModelWriter.Float));
        Assert.That(import.Outputs, Has.Count.EqualTo(3));
        Assert.That(import.Network.Outputs, Has.Count.EqualTo(1));
        float[] input = RandomNetworks.Values(new Random(Seed), 48, 1);
        QuantizedNetwork quantized = Quantizer.Quantize(
            import.Network,
            Quantizer.Calibrate(import.Network, [input], CalibrationMethod.MinMax)
        );
        Assert.That(
            GoldenExecutor.Run(
                quantized,
                ExecutionPath.Whole,
                new Dictionary<int, sbyte[]>
                {
                    [quantized.Inputs[0]] = Quantizer.QuantizeValues(quantized.Tensors[quantized.Inputs[0]], input),
                }
            ),
            Contains.Key(import.Outputs[2].Tensor)
        );
    }
}
