using System.Diagnostics;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Onnx.Tests;

/// <summary>Files that are damaged or not what they should be: a clear message each, whatever is wrong with them.</summary>
public sealed class BadInputTests
{
    private const int Mutations = 1000;

    private static int Seed => Setting.Seed(7700);

    internal static IEnumerable<TestCaseData> Files()
    {
        yield return Case(
            "A cycle",
            m => m.Node("Relu", ["b"], "a").Node("Relu", ["a"], "b").Node("Add", ["x", "b"], "y"),
            "the graph has a cycle through Relu_a, Relu_b"
        );
        yield return Case("A node that reads itself", m => m.Node("Add", ["x", "y"], "y"), "the graph has a cycle through Add_y");
        yield return Case(
            "A missing initialiser",
            m => m.Node("Conv", ["x", "w"], "y"),
            "node Conv_y (Conv) reads w, which is no input, no initialiser and made by no node"
        );
        yield return Case(
            "A value made twice",
            m => m.Node("Relu", ["x"], "y").Node("Abs", ["x"], "y", name: "second"),
            "value y is made by Relu_y and by second"
        );
        yield return Case(
            "Weights of a wrong rank",
            m => m.Initializer("w", new float[12], 4, 3).Node("Conv", ["x", "w"], "y"),
            "node Conv_y (Conv): weights have shape [4, 3]; four axes"
        );
        yield return Case(
            "A bias of a wrong rank",
            m => m.Initializer("w", new float[12], 4, 3, 1, 1).Initializer("b", new float[8], 2, 4).Node("Conv", ["x", "w", "b"], "y"),
            "the bias has 8 elements; 4 are needed"
        );
        yield return Case(
            "Weights for other channels",
            m => m.Initializer("w", new float[20], 4, 5, 1, 1).Node("Conv", ["x", "w"], "y"),
            "weights [4, 5, 1, 1] with 1 groups do not fit 3 input channels"
        );
        yield return Case(
            "A zero-size tensor",
            m => m.Initializer("w", Array.Empty<float>(), 0, 3, 1, 1).Node("Conv", ["x", "w"], "y"),
            "weights [0, 3, 1, 1]"
        );
        yield return Case(
            "A zero-size operand",
            m => m.Initializer("w", Array.Empty<float>(), 0).Node("Add", ["x", "w"], "y"),
            "do not broadcast"
        );
        yield return Case(
            "A zero-size input",
            m => m.Node("Relu", ["x"], "y"),
            "input x is [1, 3, 0, 4]; each size must be 1 to 65535",
            size: [1, 3, 0, 4]
        );
        yield return Case(
            "A negative size",
            m => m.Initializer("w", 1, new byte[4], -1).Node("Add", ["x", "w"], "y"),
            "a size of [-1] is negative"
        );
        yield return Case(
            "An initialiser shorter than its shape",
            m => m.Initializer("w", 1, new byte[44], 4, 3, 1, 1).Node("Conv", ["x", "w"], "y"),
            "initialiser w: shape [4, 3, 1, 1] needs 12 elements, the file holds 44 bytes"
        );
        yield return Case(
            "A tensor larger than any memory",
            m => m.Initializer("w", 1, new byte[4], 1 << 20, 1 << 20, 1 << 20).Node("Add", ["x", "w"], "y"),
            "has more than 268435456 elements"
        );
        yield return Case(
            "Weights that are not finite",
            m => m.Initializer("w", [float.NaN, 1, 2], 1, 3, 1, 1).Node("Conv", ["x", "w"], "y"),
            "node Conv_y (Conv): input 1 (w): element 0 is NaN; weights must be finite"
        );
        yield return Case(
            "A mask of -infinity",
            m => m.Initializer("w", [0, float.NegativeInfinity, 0], 3, 1, 1).Node("Add", ["x", "w"], "y"),
            "node Add_y (Add): input 1 (w): element 1 is -Infinity; weights must be finite"
        );
        yield return Case(
            "An alpha that is no number",
            m => m.Node("LeakyRelu", ["x"], "y").Real("alpha", float.NaN),
            "node LeakyRelu_y (LeakyRelu): attribute alpha is NaN; it must be finite"
        );
        yield return Case(
            "A division of constants by 0",
            m => m.Initializer("w", [1f]).Initializer("z", [0f]).Node("Div", ["w", "z"], "v").Node("Mul", ["x", "v"], "y"),
            "node Mul_y (Mul): input 1 (v): element 0 is Infinity; weights must be finite"
        );
        yield return Case(
            "Padding of -infinity that no maximum reads",
            m =>
                m.Initializer("p", [0, 0, 1, 1, 0, 0, 1, 1], 8)
                    .Initializer("v", [float.NegativeInfinity])
                    .Node("Pad", ["x", "p", "v"], "q")
                    .Node("Relu", ["q"], "y"),
            "node Relu_y (Relu): reads an image padded with -infinity, which only a maximum over windows may (MaxPool)"
        );
        yield return Case(
            "Padding of -infinity that is returned",
            m =>
                m.Initializer("p", [0, 0, 1, 1, 0, 0, 1, 1], 8)
                    .Initializer("v", [float.NegativeInfinity])
                    .Node("Pad", ["x", "p", "v"], "y"),
            "node Pad_y (Pad): an image padded with -infinity can only be read by a maximum over windows (MaxPool)"
        );
        yield return Case(
            "A window that lies in the padding only",
            m =>
                m.Initializer("p", [0, 0, 2, 2, 0, 0, 0, 0], 8)
                    .Initializer("v", [float.NegativeInfinity])
                    .Node("Pad", ["x", "p", "v"], "q")
                    .Node("MaxPool", ["q"], "y")
                    .Ints("kernel_shape", 2, 2),
            "node MaxPool_y (MaxPool): a window of (2, 2) lies in the padding (2, 2, 0, 0) only"
        );
        yield return Case(
            "Padding with infinity",
            m =>
                m.Initializer("p", [0, 0, 1, 1, 0, 0, 1, 1], 8)
                    .Initializer("v", [float.PositiveInfinity])
                    .Node("Pad", ["x", "p", "v"], "y"),
            "node Pad_y (Pad): pads with Infinity; a finite number is supported, and -infinity before a maximum"
        );
        yield return Case(
            "A constant output",
            m => m.Initializer("w", [1f, 2], 1, 2).Node("Softmax", ["w"], "v").Node("Sigmoid", ["v"], "y"),
            "output y is constant"
        );
        yield return Case(
            "An arg max over more channels than an index has values",
            m => m.Initializer("w", new float[900], 300, 3, 1, 1).Node("Conv", ["x", "w"], "c").Node("ArgMax", ["c"], "y").Int("axis", 1),
            "node ArgMax_y (ArgMax): arg max over 300 channels; at most 256 have an index of 8 bits"
        );
        yield return Case(
            "More tokens than a row of memory holds",
            m =>
                m.Node("Transpose", ["x"], "t")
                    .Ints("perm", 0, 2, 3, 1)
                    .Initializer("s", [1L, 40000, 3], 3)
                    .Node("Reshape", ["t", "s"], "r")
                    .Node("Softmax", ["r"], "y")
                    .Int("axis", 1),
            "node Softmax_y (Softmax): 40000 tokens; at most 32000 are supported",
            size: [1, 3, 200, 200]
        );
        yield return Case(
            "float16 weights",
            m => m.Initializer("w", 10, new byte[6], 1, 3, 1, 1).Node("Conv", ["x", "w"], "y"),
            "initialiser w: element type float16 is not supported"
        );
        yield return Case(
            "int4 weights",
            m =>
                m.Initializer("w", 22, new byte[2], 1, 3, 1, 1)
                    .Initializer("s", [0.1f])
                    .Node("DequantizeLinear", ["w", "s"], "w.real")
                    .Node("Conv", ["x", "w.real"], "y"),
            "initialiser w: element type int4 is not supported"
        );
        yield return Case(
            "float8 weights",
            m => m.Initializer("w", 17, new byte[3], 1, 3, 1, 1).Node("Conv", ["x", "w"], "y"),
            "initialiser w: element type float8e4m3fn is not supported"
        );
        yield return Case(
            "External data that are not there",
            m => m.External("w", "weights.bin", 1, 3, 1, 1).Node("Conv", ["x", "w"], "y"),
            "initialiser w: the data are in the external file weights.bin; store them inside the model"
        );
        yield return Case(
            "An input of float16",
            m => m.Node("Relu", ["x"], "y"),
            "input x has element type float16; float is supported",
            type: 10
        );
        yield return Case(
            "A batch of four",
            m => m.Node("Relu", ["x"], "y"),
            "input x has batch 4; export the model with batch 1",
            size: [4, 3, 4, 4]
        );
        foreach ((float scale, string text) in new[] { (0f, "0"), (-1f, "-1"), (float.NaN, "NaN"), (float.PositiveInfinity, "∞") })
        {
            yield return Case(
                $"A scale of {text}",
                m => m.Initializer("s", [scale]).Node("QuantizeLinear", ["x", "s"], "q").Node("DequantizeLinear", ["q", "s"], "y"),
                $"node QuantizeLinear_q (QuantizeLinear): the scale is {scale}; it must be positive and finite"
            );
        }

        yield return Case(
            "A zero scale of a channel",
            m =>
                m.Initializer("w", OnnxModelWriter.Int8, new byte[6], 2, 3, 1, 1)
                    .Initializer("ws", [0.1f, 0], 2)
                    .Node("DequantizeLinear", ["w", "ws"], "w.real")
                    .Int("axis", 0)
                    .Node("Conv", ["x", "w.real"], "y"),
            "the scale of channel 1 is 0; it must be positive"
        );
        yield return Case(
            "Scales for other channels",
            m =>
                m.Initializer("w", OnnxModelWriter.Int8, new byte[6], 2, 3, 1, 1)
                    .Initializer("ws", [0.1f, 0.1f, 0.1f, 0.1f], 4)
                    .Node("DequantizeLinear", ["w", "ws"], "w.real")
                    .Int("axis", 0)
                    .Node("Conv", ["x", "w.real"], "y"),
            "4 scales for axis 0 of [2, 3, 1, 1]; 2 are needed"
        );
        yield return Case(
            "int16 activations",
            m =>
                Quantised(m.Initializer("z", 5, new byte[2]))
                    .Node("QuantizeLinear", ["x", "s", "z"], "q")
                    .Node("DequantizeLinear", ["q", "s", "z"], "y"),
            "quantises to int16; int8 and uint8 are supported"
        );
        yield return Case(
            "Scales per channel of an activation",
            m =>
                m.Initializer("ss", [0.1f, 0.2f, 0.3f], 3)
                    .Node("QuantizeLinear", ["x", "ss"], "q")
                    .Node("DequantizeLinear", ["q", "ss"], "y"),
            "an activation has 3 scales; one is supported"
        );
        yield return Case(
            "A zero point per channel and one scale",
            m =>
                Quantised(m.Initializer("z", OnnxModelWriter.UInt8, new byte[3], 3))
                    .Node("QuantizeLinear", ["x", "s", "z"], "q")
                    .Node("DequantizeLinear", ["q", "s", "z"], "y"),
            "3 zero points for 1 scales"
        );
        yield return Case(
            "Dequantised floats",
            m =>
                Quantised(m)
                    .Node("QuantizeLinear", ["x", "s"], "q")
                    .Node("DequantizeLinear", ["q", "s"], "r")
                    .Node("DequantizeLinear", ["r", "s"], "y"),
            "its input is not quantised"
        );
        yield return Case(
            "Quantised counts",
            m =>
                Quantised(m)
                    .Node("QuantizeLinear", ["x", "s"], "q")
                    .Node("QuantizeLinear", ["q", "s"], "r")
                    .Node("DequantizeLinear", ["r", "s"], "y"),
            "quantises what is quantised already"
        );
        yield return Case(
            "Arithmetic on counts",
            m =>
                Quantised(m).Node("QuantizeLinear", ["x", "s"], "q").Node("Add", ["q", "q"], "r").Node("DequantizeLinear", ["r", "s"], "y"),
            "node Add_r (Add): reads counts"
        );
        yield return Case(
            "A scale that is computed",
            m =>
                Quantised(m)
                    .Node("GlobalAveragePool", ["x"], "g")
                    .Node("QuantizeLinear", ["x", "g"], "q")
                    .Node("DequantizeLinear", ["q", "s"], "y"),
            "the scale must be constant"
        );
        yield return Case(
            "Dynamic quantisation",
            m => m.Node("DynamicQuantizeLinear", ["x"], "q").Output("s").Output("z").Node("DequantizeLinear", ["q", "s", "z"], "y"),
            "its scale is known only at run time; quantise the model statically"
        );
        yield return Case(
            "ConvInteger",
            m =>
                m.Initializer("w", OnnxModelWriter.Int8, new byte[3], 1, 3, 1, 1)
                    .Node("ConvInteger", ["x", "w"], "c")
                    .Node("Cast", ["c"], "y")
                    .Int("to", 1),
            "node ConvInteger_c (ConvInteger): the operator is not supported: its scale is known only at run time"
        );
        yield return Case(
            "QLinearConv without its scales",
            m => m.Node("QLinearConv", ["x"], "y"),
            "node QLinearConv_y (QLinearConv): input 1 (scale) is missing"
        );
        yield return Case(
            "Float weights between quantised activations",
            m => Island(m.Initializer("w", new float[12], 4, 3, 1, 1), "Conv", "w"),
            "its weights are float in a quantised network; quantise them too"
        );
        yield return Case(
            "A float operator between two others",
            m =>
                Quantised(m)
                    .Node("QuantizeLinear", ["x", "s"], "q")
                    .Node("DequantizeLinear", ["q", "s"], "r")
                    .Node("GlobalAveragePool", ["r"], "a")
                    .Node("Sigmoid", ["a"], "b")
                    .Node("QuantizeLinear", ["b", "s"], "c")
                    .Node("DequantizeLinear", ["c", "s"], "y"),
            "node QuantizeLinear_c (QuantizeLinear): Sigmoid_b (Sigmoid) reads a value that has no scale and zero "
                + "point; put QuantizeLinear and DequantizeLinear before it"
        );
        yield return Case(
            "A result that is not quantised",
            m =>
                Quantised(m)
                    .Node("QuantizeLinear", ["x", "s"], "q")
                    .Node("DequantizeLinear", ["q", "s"], "r")
                    .Node("GlobalAveragePool", ["r"], "y"),
            "node GlobalAveragePool_y (GlobalAveragePool): its result has no scale and zero point of its own; put "
                + "QuantizeLinear and DequantizeLinear behind it"
        );
        yield return Case(
            "An input read in float too",
            m =>
                Quantised(m)
                    .Node("QuantizeLinear", ["x", "s"], "q")
                    .Node("DequantizeLinear", ["q", "s"], "r")
                    .Node("Add", ["r", "x"], "t")
                    .Node("QuantizeLinear", ["t", "s"], "u")
                    .Node("DequantizeLinear", ["u", "s"], "y"),
            "quantise the input once"
        );
        yield return Case(
            "A value squared again and again",
            m =>
                Enumerable
                    .Range(0, 60)
                    .Aggregate(m, (w, i) => w.Node("Mul", [i == 0 ? "x" : $"v{i}", i == 0 ? "x" : $"v{i}"], $"v{i + 1}"))
                    .Node("Identity", ["v60"], "y"),
            "a chain of more than 512 elementwise steps"
        );
        yield return Case(
            "A long chain of activations",
            m =>
                Enumerable
                    .Range(0, 20000)
                    .Aggregate(m, (w, i) => w.Node("Tanh", [i == 0 ? "x" : $"v{i}"], $"v{i + 1}"))
                    .Node("Identity", ["v20000"], "y"),
            "a chain of more than 512 elementwise steps"
        );
        yield return Case(
            "Weights far from their zero point",
            m => Island(Asymmetric(m), "Conv", "w.real"),
            "a weight of output channel 0 is 155 counts from its zero point; -128 to 127 are supported: quantise weights symmetrically"
        );
        yield return Case(
            "Weights of two scales in one output channel",
            m => Island(TwoScales(m), "Conv", "w.real"),
            "the weights of output channel 0 have more than one scale"
        );
    }

    [TestCaseSource(nameof(Files))]
    public void A_file_that_cannot_be_used_is_refused_by_name_and_place(string name, byte[] model, string message)
    {
        ImportException e = Oracle.Refused(model);
        Assert.That(e.Problems, Has.Some.Contains(message), name);
        Readable(e, name);
    }

    [Test]
    public void A_file_of_two_gigabytes_is_refused_at_once([Values(int.MaxValue - 1L, 1L << 31, 5L << 30)] long length)
    {
        string path = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"large{length}.onnx");
        try
        {
            using (FileStream sparse = File.Create(path))
                sparse.SetLength(length);
            long start = Stopwatch.GetTimestamp();
            ImportException e = Assert.Throws<ImportException>(() => OnnxImporter.Import(path))!;
            Assert.That(Stopwatch.GetElapsedTime(start), Is.LessThan(TimeSpan.FromSeconds(5)));
            Assert.That(
                e.Problems[0],
                Does.StartWith(path).And.Contain(length >= int.MaxValue ? $"the file has {length} bytes" : "not a readable ONNX file")
            );
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Test]
    public void A_file_of_another_kind_is_no_model(
        [Values("", "accelgen", "PK\u0003\u0004", "{\"nodes\": []}", "<html></html>")] string text
    )
    {
        ImportException e = Oracle.Refused(System.Text.Encoding.UTF8.GetBytes(text));
        Readable(e, text);
    }

    [Test]
    public void A_refused_file_has_a_report_of_its_nodes()
    {
        byte[] model = Island(
                new OnnxModelWriter().Input("x", OnnxModelWriter.Float, 1, 3, 4, 4).Initializer("w", new float[12], 4, 3, 1, 1),
                "Conv",
                "w"
            )
            .Build("y");
        ImportException e = Oracle.Refused(model);
        Assert.That(
            e.Nodes.Select(n => (n.Node, n.Operator)),
            Is.EqualTo(
                new[]
                {
                    ("QuantizeLinear_q", "QuantizeLinear"),
                    ("DequantizeLinear_r", "DequantizeLinear"),
                    ("Conv_a", "Conv"),
                    ("QuantizeLinear_c", "QuantizeLinear"),
                    ("DequantizeLinear_y", "DequantizeLinear"),
                }
            )
        );
        Assert.That(e.Nodes[2].Outcome, Does.StartWith("refused: its weights are float"));
        Assert.That(e.Nodes[3].Outcome, Does.StartWith("not examined"));
    }

    [TestCase("float")]
    [TestCase("Qdq")]
    [TestCase("QLinear")]
    [CancelAfter(600_000)]
    public void Damaged_copies_of_valid_files_give_a_network_or_a_message_and_nothing_else(string form)
    {
        OperatorCase[] cases = [.. OperatorCases.All().Where(c => c.Opset >= 10)];
        var random = new Random(Seed);
        int refused = 0;
        TimeSpan longest = default;
        for (int round = 0; round < Mutations; round++)
        {
            string place = $"{form}, seed {Seed}, copy {round}";
            byte[] damaged = Damage(random, QuantizedModels.Build(cases[random.Next(cases.Length)], form, Seed));
            long start = Stopwatch.GetTimestamp();
            try
            {
                Oracle.Import(damaged);
            }
            catch (ImportException e)
            {
                refused++;
                Readable(e, place);
            }
            catch (Exception e)
            {
                Assert.Fail($"{place}: {e}");
            }

            TimeSpan time = Stopwatch.GetElapsedTime(start);
            longest = time > longest ? time : longest;
        }

        TestContext.Out.WriteLine($"{form}: {refused} of {Mutations} refused, the longest took {longest.TotalMilliseconds:F0} ms");
        Assert.That(refused, Is.GreaterThan(Mutations / 4));
        Assert.That(longest, Is.LessThan(TimeSpan.FromSeconds(10)));
    }

    // Flipped bits, other bytes, a piece missing or doubled, the end cut off.
    private static byte[] Damage(Random random, byte[] model)
    {
        List<byte> bytes = [.. model];
        for (int errors = random.Next(1, 4); errors > 0 && bytes.Count > 0; errors--)
        {
            int at = random.Next(bytes.Count),
                length = Math.Min(random.Next(1, 20), bytes.Count - at);
            switch (random.Next(6))
            {
                case 0 or 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes[at] = (byte)random.Next(random.Next(2) == 0 ? 256 : 20);
                    break;
                case 3:
                    bytes.RemoveRange(at, length);
                    break;
                case 4:
                    bytes.InsertRange(at, bytes.GetRange(at, length));
                    break;
                default:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
            }
        }

        return [.. bytes];
    }

    // Lines for a user: they begin with the file, and no code shines through.
    private static void Readable(ImportException e, string place)
    {
        Assert.That(e.Problems, Is.Not.Empty, place);
        foreach (string problem in e.Problems)
        {
            Assert.That(
                problem,
                Does.Contain(".onnx: ").And.Not.Contain("   at ").And.Not.Contain("Exception").And.Not.Contain("\n"),
                place
            );
            Assert.That(problem[(problem.IndexOf(".onnx: ", StringComparison.Ordinal) + 7)..].Trim(), Is.Not.Empty, place);
        }
    }

    private static OnnxModelWriter Quantised(OnnxModelWriter m) => m.Initializer("s", [0.1f]);

    // One operator between two pairs.
    private static OnnxModelWriter Island(OnnxModelWriter m, string op, string operand) =>
        Quantised(m)
            .Node("QuantizeLinear", ["x", "s"], "q")
            .Node("DequantizeLinear", ["q", "s"], "r")
            .Node(op, ["r", operand], "a")
            .Node("QuantizeLinear", ["a", "s"], "c")
            .Node("DequantizeLinear", ["c", "s"], "y");

    private static OnnxModelWriter Asymmetric(OnnxModelWriter m) =>
        m.Initializer("w", OnnxModelWriter.UInt8, [255, 0, 100], 1, 3, 1, 1)
            .Initializer("ws", [0.01f])
            .Initializer("wz", OnnxModelWriter.UInt8, [100])
            .Node("DequantizeLinear", ["w", "ws", "wz"], "w.real");

    private static OnnxModelWriter TwoScales(OnnxModelWriter m) =>
        m.Initializer("w", OnnxModelWriter.Int8, [1, 2, 3], 1, 3, 1, 1)
            .Initializer("ws", [0.01f, 0.02f, 0.03f], 3)
            .Node("DequantizeLinear", ["w", "ws"], "w.real")
            .Int("axis", 1);

    private static TestCaseData Case(
        string name,
        Func<OnnxModelWriter, OnnxModelWriter> build,
        string message,
        long[]? size = null,
        int type = OnnxModelWriter.Float
    ) =>
        new TestCaseData(
            name,
            build(new OnnxModelWriter { OpsetVersion = 17 }.Input("x", type, size ?? [1, 3, 4, 4])).Build("y"),
            message
        ).SetArgDisplayNames(name);
}
