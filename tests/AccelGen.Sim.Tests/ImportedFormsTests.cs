using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Onnx;
using AccelGen.Quantization;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>Forms of networks that the importer lowers in a way of its own: what it accepts compiles, and the RTL is exact.</summary>
public sealed class ImportedFormsTests
{
    private const int Seed = 2600;

    private static IEnumerable<TestCaseData> Models()
    {
        yield return Case(
            "A gate inside a residual block",
            m =>
                Conv(Conv(m, "x", "a", 3, 6), "a", "b", 6, 6)
                    .Node("GlobalAveragePool", ["b"], "g")
                    .Node("Sigmoid", ["g"], "s")
                    .Node("Mul", ["b", "s"], "p")
                    .Node("Add", ["p", "a"], "y")
        );
        yield return Case(
            "Parts that begin within a vector, and an activation",
            m => Conv(Conv(m, "x", "a", 3, 5), "x", "b", 3, 2).Node("Concat", ["a", "b", "x"], "c").Int("axis", 1).Node("Tanh", ["c"], "y")
        );
        yield return Case(
            "Softmax over groups of a 1x1 image",
            m =>
                Conv(m, "x", "a", 3, 8)
                    .Node("GlobalAveragePool", ["a"], "g")
                    .Initializer("shape", [1L, 4, 2], 3)
                    .Node("Reshape", ["g", "shape"], "r")
                    .Node("Softmax", ["r"], "y")
                    .Int("axis", -1)
        );
        yield return Case("Softmax over the columns", m => Conv(m, "x", "a", 3, 6).Node("Softmax", ["a"], "y").Int("axis", 3));
        yield return Case(
            "Softmax over the pixels of a padded Conv",
            m =>
                m.Initializer("w", RandomNetworks.Values(new Random(1), 162, 0.5), 6, 3, 3, 3)
                    .Node("Conv", ["x", "w"], "a")
                    .Ints("pads", 1, 1, 1, 1)
                    .Initializer("shape", [1L, 6, 20], 3)
                    .Node("Reshape", ["a", "shape"], "r")
                    .Node("Softmax", ["r"], "y")
                    .Int("axis", -1)
        );
        yield return Case(
            "A negative factor of a product, and two activations of heads",
            m =>
                Conv(m, "x", "a", 3, 6)
                    .Initializer("shape", [1L, 2, 3, 20], 4)
                    .Node("Reshape", ["a", "shape"], "h")
                    .Node("Transpose", ["h"], "t")
                    .Ints("perm", 0, 1, 3, 2)
                    .Node("Tanh", ["t"], "u")
                    .Node("Sigmoid", ["h"], "v")
                    .Node("MatMul", ["u", "v"], "p")
                    .Initializer("f", [-0.25f])
                    .Node("Mul", ["p", "f"], "y")
        );
        yield return Case(
            "Heads side by side",
            m =>
                Conv(m, "x", "a", 3, 8)
                    .Initializer("shape", [1L, 2, 4, 20], 4)
                    .Node("Reshape", ["a", "shape"], "h")
                    .Node("Transpose", ["h"], "t")
                    .Ints("perm", 0, 1, 3, 2)
                    .Node("Tanh", ["t"], "u")
                    .Node("Concat", ["u", "t"], "c")
                    .Int("axis", 3)
                    .Node("Transpose", ["c"], "d")
                    .Ints("perm", 0, 1, 3, 2)
                    .Node("MatMul", ["c", "d"], "y")
        );
        yield return Case(
            "A ReLU that is never active, added to a stream",
            m =>
                Conv(m, "x", "a", 3, 4)
                    .Initializer("far", [-1000f])
                    .Node("Add", ["a", "far"], "b")
                    .Node("Relu", ["b"], "c")
                    .Node("Add", ["a", "c"], "y")
        );
        yield return Case(
            "A resize that ends within a period",
            m =>
                m.Initializer("sizes", [1L, 3, 6, 7], 4)
                    .Node("Resize", ["x", "", "", "sizes"], "y")
                    .String("mode", "nearest")
                    .String("coordinate_transformation_mode", "align_corners")
        );
        yield return Case(
            "Padding of a maximum",
            m =>
                Conv(m, "x", "a", 3, 6)
                    .Initializer("pads", [0L, 0, 1, 1, 0, 0, 1, 1], 8)
                    .Initializer("least", [float.NegativeInfinity])
                    .Node("Pad", ["a", "pads", "least"], "b")
                    .Node("MaxPool", ["b"], "y")
                    .Ints("kernel_shape", 3, 3)
                    .Ints("strides", 2, 2)
        );

        static TestCaseData Case(string name, Func<OnnxModelWriter, OnnxModelWriter> build) =>
            new TestCaseData(
                build(new OnnxModelWriter { OpsetVersion = 17 }.Input("x", OnnxModelWriter.Float, 1, 3, 5, 4)).Build("y")
            ).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Models))]
    [CancelAfter(300_000)]
    public async Task What_the_importer_accepts_runs_exactly(byte[] model)
    {
        string file = Path.GetTempFileName();
        await File.WriteAllBytesAsync(file, model);
        FloatNetwork network = OnnxImporter.Import(file).Network;
        File.Delete(file);
        float[][] inputs = [.. Enumerable.Range(0, 2).Select(i => RandomNetworks.Values(new Random(Seed + i), 60, 1))];
        QuantizedNetwork quantized = Quantizer.Quantize(network, Quantizer.Calibrate(network, inputs, CalibrationMethod.MinMax));
        foreach (string preset in new[] { "tiny", "small" })
        {
            AcceleratorConfig config = ConfigLoader.Load(preset);
            BuiltModel built = await new ModelBuild().BuildAsync(config);
            var timing = new MemoryTiming();
            sbyte[][] counts = [.. inputs.Select(i => Quantizer.QuantizeValues(quantized.Tensors[quantized.Inputs[0]], i))];
            PathRun run = NetworkRun.Run(
                new NetworkCompiler(config, timing).Compile(quantized),
                built.Library,
                timing,
                [ExecutionPath.Whole],
                counts,
                1
            )[0];
            Assert.That(run.Differences, Is.Empty, preset);
        }
    }

    // A 1x1 convolution with random weights.
    private static OnnxModelWriter Conv(OnnxModelWriter m, string from, string to, int inputs, int outputs)
    {
        string weights = $"{to}.weights";
        return m.Initializer(
                weights,
                RandomNetworks.Values(new Random(outputs), inputs * outputs, 1 / Math.Sqrt(inputs)),
                outputs,
                inputs,
                1,
                1
            )
            .Node("Conv", [from, weights], to);
    }
}
