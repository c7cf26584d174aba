using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Onnx.Tests;

/// <summary>What the importer refuses, and what it says.</summary>
public sealed class RefusalTests
{
    private static int Seed => Setting.Seed(7300);

    internal static IEnumerable<TestCaseData> Cases()
    {
        yield return Case(
            "Einsum",
            m => m.Node("Einsum", [m.Input(1, 3, 4, 4)], ("equation", "abcd->abdc")),
            "write it as Transpose, Reshape and MatMul"
        );
        yield return Case(
            "DepthToSpace",
            m => m.Node("DepthToSpace", [m.Input(1, 8, 4, 4)], ("blocksize", 2)),
            "use Resize followed by Conv"
        );
        yield return Case(
            "InstanceNormalization",
            m => m.Node("InstanceNormalization", [m.Input(1, 3, 4, 4), m.Random(1, 0, 3), m.Random(1, 0, 3)]),
            "use BatchNormalization or LayerNormalization"
        );
        yield return Case(
            "GroupNormalization",
            m => m.Node("GroupNormalization", [m.Input(1, 4, 4, 4), m.Random(1, 0, 2), m.Random(1, 0, 2)], ("num_groups", 2)),
            "use BatchNormalization or LayerNormalization"
        );
        yield return Case(
            "LSTM",
            m =>
                m.Node(
                    "LSTM",
                    [m.Reshape(m.Input(1, 3, 4, 4), 1, 1, 48), m.Random(1, 0, 1, 16, 48), m.Random(1, 0, 1, 16, 4)],
                    ("hidden_size", 4)
                ),
            "recurrent layers are not"
        );
        yield return Case("If", m => m.Node("If", [m.Input(1, 3, 4, 4)]), "control flow must be resolved before export");
        yield return Case(
            "TopK",
            m => m.Node("TopK", [m.Input(1, 3, 4, 4), m.Integers(2)]),
            "the operator is not supported; supported are Conv"
        );
        yield return Case(
            "ConvTranspose",
            m => m.Node("ConvTranspose", [m.Input(1, 3, 4, 4), m.Random(1, 0, 3, 2, 2, 2)]),
            "use Resize followed by Conv"
        );
        yield return Case(
            "InstanceNormalization",
            m => m.Node("InstanceNormalization", [m.Input(1, 3, 4, 4), m.Random(1, 0, 3), m.Random(1, 0, 3)]),
            "use BatchNormalization or LayerNormalization"
        );
        yield return Case("Resize", m => Resize(m, ("mode", "cubic"), ("antialias", 1)), "antialias");
        yield return Case(
            "Resize",
            m => Resize(m, ("mode", "linear"), ("coordinate_transformation_mode", "tf_crop_and_resize")),
            "coordinate_transformation_mode tf_crop_and_resize is not supported; half_pixel"
        );
        yield return Case(
            "Resize",
            m => m.Node("Resize", [m.Input(1, 3, 4, 5), string.Empty, string.Empty, m.Integers(1, 3, 1026, 1024)], ("mode", "linear")),
            "repeats after 513 rows and 1024 columns only"
        );
        yield return Case("Resize", m => Resize(m, ("mode", "area")), "mode area is not supported; nearest, linear and cubic are");
        yield return Case("Resize", m => Resize(m, ("mode", "nearest"), ("nearest_mode", "odd")), "nearest_mode odd is not supported");
        yield return Case(
            "Resize",
            m => m.Node("Resize", [m.Input(1, 3, 4, 4), string.Empty, m.Constant([1, 2, 2, 2], 4)]),
            "resizes the batch or the channels"
        );
        yield return Case(
            "Resize",
            m => m.Node("Resize", [m.Input(1, 3, 4, 4), string.Empty, m.Constant([1, 1, -2, 2], 4)]),
            "scale -2 must be positive"
        );
        yield return Case(
            "AveragePool",
            m => m.Node("AveragePool", [m.Input(1, 3, 8, 8)], ("kernel_shape", L(3, 3)), ("strides", L(2, 2)), ("ceil_mode", 1)),
            "ceil_mode"
        );
        yield return Case(
            "MaxPool",
            m => m.Node("MaxPool", [m.Input(1, 3, 8, 8)], ("kernel_shape", L(2, 2)), ("dilations", L(2, 2))),
            "dilations [2, 2] are not supported; 1 is"
        );
        yield return Case(
            "MaxPool",
            m => m.Node("MaxPool", [m.Input(1, 3, 8, 8)], ("kernel_shape", L(2, 2)), ("pads", L(2, 0, 0, 0))),
            "smaller than the kernel"
        );
        yield return Case(
            "Gather",
            m => m.Node("Gather", [m.Input(1, 3, 8, 8), m.Integers(0, 3, 1)], ("axis", 3)),
            "evenly spaced pixels are supported, and any list of channels"
        );
        yield return Case("Gather", m => m.Node("Gather", [m.Input(1, 3, 8, 8), m.Integers(3)], ("axis", 1)), "index 3 is outside axis 1");
        yield return Case(
            "Pad",
            m => m.Node("Pad", [m.Input(1, 3, 8, 8), m.Integers(0, 0, 1, 1, 0, 0, 1, 1)], ("mode", "reflect")),
            "mode reflect is not supported; constant is"
        );
        yield return Case("Pad", m => m.Node("Pad", [m.Input(1, 3, 8, 8), m.Integers(0, 0, -1, 1, 0, 0, 1, 1)]), "non-negative pads");
        yield return Case("PRelu", m => m.Node("PRelu", [m.Input(1, 3, 4, 4), m.Random(1, 0, 5, 1, 1)]), "do not broadcast");
        yield return Case("Pow", m => m.Node("Pow", [m.Input(1, 3, 4, 4), m.Number(2.5f)]), "exponent 2.5 is not supported");
        yield return Case("Clip", m => m.Node("Clip", [m.Input(1, 3, 4, 4), m.Number(2), m.Number(1)]), "bounds 2 and 1 leave no value");
        yield return Case("Add", m => m.Node("Add", [m.Input(1, 3, 4, 4), m.Random(1, 0, 5, 1, 1)]), "do not broadcast");
        yield return Case("Div", m => m.Node("Div", [m.Input(1, 3, 4, 4), m.Constant([1, 0, 2], 3, 1, 1)]), "an element is 0");
        yield return Case("MatMul", m => m.Node("MatMul", [m.Input(1, 3, 4, 5), m.Random(1, 0, 4, 6)]), "do not fit");
        yield return Case("Gemm", m => m.Node("Gemm", [m.Input(1, 3, 4, 5), m.Random(1, 0, 5, 6)]), "matrices are needed");
        yield return Case("Cast", m => m.Node("Relu", [m.Node("Cast", [m.Input(1, 3, 4, 5)], ("to", 7))]), "rounds activations to int64");
        yield return Case(
            "ArgMax",
            m => m.Node("ArgMax", [m.Input(1, 3, 4, 5)], ("axis", 1), ("select_last_index", 1)),
            "select_last_index"
        );
        yield return Case(
            "Reshape",
            m => m.Node("Relu", [m.Reshape(m.Input(1, 3, 4, 5), 1, 5, 12)]),
            "reshapes that split and join whole axes are supported",
            refusedNode: "reshape"
        );
        yield return Case(
            "Slice",
            m => m.Node("Slice", [m.Input(1, 3, 4, 5), m.Integers(2), m.Integers(2), m.Integers(1)]),
            "a size must be positive"
        );
        yield return Case(
            "Split",
            m =>
            {
                string a = m.Node("Split", [m.Input(1, 5, 4, 5), m.Integers(2, 2)], ("axis", 1)),
                    b = m.Output();
                return m.Node("Add", [a, b]);
            },
            "splits axis 1 of [1, 5, 4, 5] into [2, 2]"
        );
        yield return Case(
            "Concat",
            m => m.Node("Concat", [m.Input(1, 3, 4, 5), m.Random(1, 0, 1, 3, 4, 4)], ("axis", 1)),
            "the other sizes must be equal"
        );
        yield return Case(
            "LayerNormalization",
            m => m.Node("LayerNormalization", [m.Input(1, 3, 4, 5), m.Random(1, 0, 3)]),
            "5 elements are needed"
        );
        yield return Case(
            "BatchNormalization",
            m =>
                m.Node(
                    "BatchNormalization",
                    [m.Input(1, 3, 4, 5), m.Random(1, 0, 3), m.Random(1, 0, 3), m.Random(1, 0, 3), m.Constant([-1, 1, 1], 3)]
                ),
            "variance + epsilon must be positive"
        );
        yield return Case(
            "Conv",
            m => m.Node("Conv", [m.Input(1, 3, 4, 4), m.Random(1, 0, 2, 3, 7, 7)]),
            "kernel is larger than the padded input"
        );
        yield return Case(
            "Conv",
            m => m.Node("Conv", [m.Reshape(m.Input(1, 3, 4, 4), 1, 3, 16), m.Random(1, 0, 2, 3, 1)]),
            "an image [1, C, H, W] is needed"
        );
        yield return Case("Softmax", m => m.Node("Softmax", [m.Reshape(m.Input(1, 3, 4, 4), 3, 16)], ("axis", 4)), "axis 4 does not exist");
        yield return Case("Transpose", m => m.Transpose(m.Input(1, 3, 4, 4), 0, 1, 1, 2), "not a permutation");
        // Pixel shuffle: channels become part of rows and columns.
        yield return Case(
            "Conv",
            m => m.Conv(m.Reshape(m.Transpose(m.Reshape(m.Input(1, 8, 3, 4), 1, 2, 2, 2, 3, 4), 0, 1, 4, 2, 5, 3), 1, 2, 6, 8), 2, 3),
            "mixes channels and pixels"
        );
    }

    [TestCaseSource(nameof(Cases))]
    public void A_refusal_names_file_node_and_cure(string op, Func<ModelSketch, string> build, string message, string node)
    {
        ImportException e = Refusal(build);
        Assert.That(e.Problems, Has.Count.EqualTo(1));
        Assert.That(e.Problems[0], Does.Contain("model.onnx: node /" + node).And.Contain($"({op})").And.Contain(message));
    }

    internal static ImportException Refusal(Func<ModelSketch, string> build)
    {
        var sketch = new ModelSketch(new Random(Seed)) { OpsetVersion = 18 };
        return Oracle.Refused(sketch.Finish(build(sketch), OnnxModelWriter.Float));
    }

    [Test]
    public void All_problems_of_a_file_come_at_once()
    {
        var m = new ModelSketch(new Random(Seed));
        string x = m.Input(1, 3, 4, 4),
            bad = m.Node("Einsum", [x], ("equation", "abcd->abdc")),
            worse = m.Node("Pow", [x, m.Number(7)]);
        ImportException e = Oracle.Refused(m.Finish(m.Node("Add", [bad, m.Conv(worse, 3, 3)]), OnnxModelWriter.Float));
        Assert.That(e.Problems, Has.Count.EqualTo(2));
    }

    [Test]
    public void Damaged_models_of_every_operator_give_a_network_or_a_refusal_and_nothing_else()
    {
        int refused = 0,
            count = 0;
        foreach (OperatorCase test in OperatorCases.All())
        {
            var random = new Random(Seed);
            var sketch = new ModelSketch(random) { OpsetVersion = test.Opset };
            byte[] model = sketch.Finish(test.Build(random, sketch), test.OutputType);
            for (int round = 0; round < 12; round++, count++)
            {
                byte[] damaged = [.. model];
                for (int errors = random.Next(1, 3); errors > 0; errors--)
                    damaged[random.Next(damaged.Length)] = random.Next(3) == 0 ? (byte)random.Next(256) : (byte)random.Next(20);
                try
                {
                    Oracle.Import(damaged);
                }
                catch (ImportException)
                {
                    refused++;
                }
                catch (Exception e)
                {
                    Assert.Fail($"{test.Name}, seed {Seed}, round {round}: {e}");
                }
            }
        }

        TestContext.Out.WriteLine($"{refused} of {count} refused");
        Assert.That(refused, Is.GreaterThan(count / 10));
    }

    private static string Resize(ModelSketch m, params (string, object)[] attributes) =>
        m.Node("Resize", [m.Input(1, 3, 4, 4), string.Empty, m.Constant([1, 1, 2, 2], 4)], attributes);

    private static long[] L(params long[] values) => values;

    private static TestCaseData Case(string op, Func<ModelSketch, string> build, string message, string? refusedNode = null) =>
        new TestCaseData(op, build, message, refusedNode ?? op.ToLowerInvariant()).SetArgDisplayNames(op, message);
}
