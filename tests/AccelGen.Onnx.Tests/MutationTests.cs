using System.Diagnostics;
using System.Runtime.InteropServices;
using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Onnx.Proto;
using AccelGen.Quantization;
using AccelGen.Tests.Shared;
using Google.Protobuf;
using NUnit.Framework;

namespace AccelGen.Onnx.Tests;

/// <summary>
/// Models that are well-formed files but changed in one to three places: numbers, sizes, names, operators, values that are no
/// usual ones. Each is imported and quantised, or refused by name. ACCELGEN_MUTATIONS sets their number, ACCELGEN_SEED the first
/// seed; each copy has a seed of its own, which a failure prints.
/// </summary>
public sealed class MutationTests
{
    // With an input of more elements, or a network of more work, the float network is not run.
    private const long MaxElements = 1 << 16,
        MaxMacs = 1 << 24;

    private static readonly long[] Sizes =
    [
        0,
        -1,
        1,
        2,
        3,
        7,
        64,
        255,
        65535,
        65536,
        1 << 20,
        int.MaxValue,
        (long)int.MaxValue + 1,
        long.MaxValue,
        long.MinValue,
    ];
    private static readonly float[] Numbers =
    [
        0,
        -0f,
        1,
        -1,
        float.NaN,
        float.PositiveInfinity,
        float.NegativeInfinity,
        float.Epsilon,
        1e-40f,
        1e-20f,
        1e20f,
        -1e20f,
        float.MaxValue,
        float.MinValue,
    ];
    private static readonly string[] Operators =
    [
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Pow",
        "Max",
        "Min",
        "MatMul",
        "Conv",
        "Gemm",
        "Relu",
        "Sigmoid",
        "Softmax",
        "LayerNormalization",
        "ReduceMean",
        "ReduceSum",
        "GlobalAveragePool",
        "GlobalMaxPool",
        "MaxPool",
        "AveragePool",
        "Transpose",
        "Reshape",
        "Flatten",
        "Squeeze",
        "Unsqueeze",
        "Slice",
        "Split",
        "Gather",
        "Pad",
        "Concat",
        "Expand",
        "Resize",
        "ArgMax",
        "Cast",
        "Clip",
        "Round",
        "Identity",
        "Shape",
        "QuantizeLinear",
        "DequantizeLinear",
        "Einsum",
    ];

    private static int Seed => Setting.Seed(7900);

    [TestCase(500)]
    [TestCase(14_000, Category = "Deep")]
    [CancelAfter(7_200_000)]
    public void A_changed_model_is_quantised_or_refused_by_name(int count)
    {
        OperatorCase[] cases = [.. OperatorCases.All().Where(c => c.Opset >= 10)];
        int refused = 0,
            late = 0,
            all = Setting.Number("ACCELGEN_MUTATIONS") ?? count;
        TimeSpan longest = default;
        TestContext.Out.WriteLine($"{all} copies, seeds {Seed} to {Seed + all - 1}");
        for (int seed = Seed; seed < Seed + all; seed++)
        {
            var random = new Random(seed);
            OperatorCase test = cases[random.Next(cases.Length)];
            string form = random.Next(3) switch
                {
                    0 => nameof(QuantizedForm.Qdq),
                    1 => nameof(QuantizedForm.QLinear),
                    _ => "float",
                },
                place = $"{test.Name}, {form}, ACCELGEN_SEED={seed} ACCELGEN_MUTATIONS=1";
            ModelProto model = ModelProto.Parser.ParseFrom(QuantizedModels.Build(test, form, seed));
            for (int changes = random.Next(1, 4); changes > 0; changes--)
                Change(random, model.Graph);
            long start = Stopwatch.GetTimestamp();
            try
            {
                ImportResult import = Oracle.Import(model.ToByteArray());
                Oracle.Sound(import.Network, place);
                if (import.Quantized is null && !Quantize(import.Network, random, place))
                    late++;
            }
            catch (ImportException e)
            {
                refused++;
                Assert.That(e.Problems, Is.Not.Empty.And.All.Contains(".onnx: "), place);
                Assert.That(e.Problems, Has.None.Contains("   at ").And.None.Contains("Exception").And.None.Contains("\n"), place);
            }
            catch (Exception e) when (e is not AssertionException)
            {
                Assert.Fail($"{place}: {e}");
            }

            TimeSpan time = Stopwatch.GetElapsedTime(start);
            longest = time > longest ? time : longest;
        }

        TestContext.Out.WriteLine(
            $"{refused} refused by the importer, {late} by the values that they reach, the longest took {longest.TotalMilliseconds:F0} ms"
        );
        Assert.That(refused, Is.InRange(all / 10, all - (all / 10)));
        Assert.That(longest, Is.LessThan(TimeSpan.FromSeconds(20)));
    }

    // What an import accepts can only fail for the values that it reaches: by name.
    private static bool Quantize(FloatNetwork network, Random random, string place)
    {
        TensorShape shape = network.Tensors[network.Inputs[0]].Shape;
        if (shape.Elements > MaxElements || network.Macs > MaxMacs || network.Tensors.Sum(t => t.Shape.Elements) > MaxElements * 16)
            return true;
        float[][] inputs = [RandomNetworks.Values(random, (int)shape.Elements, 2)];
        try
        {
            QuantizedNetwork quantized = Quantizer.Quantize(network, Quantizer.Calibrate(network, inputs, CalibrationMethod.MinMax));
            Assert.That(QuantizedNetworkRules.Problems(quantized), Is.Empty, place);
            return true;
        }
        catch (InputException e)
        {
            Assert.That(e.Message, Does.StartWith("layer ").Or.StartWith("tensor "), place);
            return false;
        }
    }

    private static void Change(Random random, GraphProto graph)
    {
        NodeProto node = graph.Node[random.Next(graph.Node.Count)];
        TensorProto? tensor = graph.Initializer.Count > 0 ? graph.Initializer[random.Next(graph.Initializer.Count)] : null;
        AttributeProto? attribute = node.Attribute.Count > 0 ? node.Attribute[random.Next(node.Attribute.Count)] : null;
        string[] values =
        [
            .. graph.Node.SelectMany(n => n.Output),
            .. graph.Initializer.Select(t => t.Name),
            .. graph.Input.Select(i => i.Name),
        ];
        switch (random.Next(14))
        {
            case 0 or 1 when attribute is not null:
                ChangeAttribute(random, attribute);
                break;
            case 2 when attribute is not null:
                node.Attribute.Remove(attribute);
                break;
            case 3:
                node.OpType = Pick(random, Operators);
                break;
            case 4 when node.Input.Count > 0:
                node.Input[random.Next(node.Input.Count)] = random.Next(4) == 0 ? string.Empty : Pick(random, values);
                break;
            case 5 when node.Input.Count > 0:
                node.Input.RemoveAt(random.Next(node.Input.Count));
                break;
            case 6:
                node.Input.Add(Pick(random, values));
                break;
            case 7:
                graph.Output.Add(new ValueInfoProto { Name = Pick(random, values) });
                break;
            case 8:
                graph.Output.Add(graph.Output[0].Clone());
                break;
            case 9 when tensor is not null && tensor.Dims.Count > 0:
                tensor.Dims[random.Next(tensor.Dims.Count)] = Pick(random, Sizes);
                break;
            case 10 when tensor is not null:
                tensor.DataType = random.Next(1, 24);
                break;
            case 11 when graph.Input[0].Type.TensorType.Shape.Dim is { Count: > 0 } dims:
                dims[random.Next(dims.Count)].DimValue = Pick(random, Sizes);
                break;
            default:
                if (tensor is not null)
                    ChangeValues(random, tensor);
                break;
        }
    }

    private static void ChangeAttribute(Random random, AttributeProto attribute)
    {
        if (attribute.Ints.Count > 0)
            attribute.Ints[random.Next(attribute.Ints.Count)] = Pick(random, Sizes);
        else if (attribute.Floats.Count > 0)
            attribute.Floats[random.Next(attribute.Floats.Count)] = Pick(random, Numbers);
        else if (attribute.Type == 1)
            attribute.F = Pick(random, Numbers);
        else if (attribute.Type == 3)
            attribute.S = ByteString.CopyFromUtf8("other");
        else
            attribute.I = Pick(random, Sizes);
    }

    // One element, or all, become numbers that are seldom seen.
    private static void ChangeValues(Random random, TensorProto tensor)
    {
        byte[] raw = tensor.RawData.ToByteArray();
        bool all = random.Next(4) == 0;
        Span<float> floats = tensor.DataType == 1 ? MemoryMarshal.Cast<byte, float>(raw.AsSpan()) : default;
        Span<long> integers = tensor.DataType == 7 ? MemoryMarshal.Cast<byte, long>(raw.AsSpan()) : default;
        Span<int> counts = tensor.DataType == 6 ? MemoryMarshal.Cast<byte, int>(raw.AsSpan()) : default;
        if (all)
        {
            floats.Fill(Pick(random, Numbers));
            integers.Fill(Pick(random, Sizes));
            counts.Fill(random.Next(2) == 0 ? int.MinValue : int.MaxValue);
            if (tensor.DataType is 2 or 3)
                Array.Fill(raw, (byte)random.Next(256));
        }

        if (floats.Length > 0)
            floats[random.Next(floats.Length)] = Pick(random, Numbers);
        if (integers.Length > 0)
            integers[random.Next(integers.Length)] = Pick(random, Sizes);
        if (counts.Length > 0)
            counts[random.Next(counts.Length)] = random.Next(2) == 0 ? int.MinValue : int.MaxValue;
        tensor.RawData = ByteString.CopyFrom(raw);
    }

    private static T Pick<T>(Random random, T[] from) => from[random.Next(from.Length)];
}
