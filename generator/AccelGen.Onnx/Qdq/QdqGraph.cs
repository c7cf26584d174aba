using System.Runtime.InteropServices;
using AccelGen.Files;
using AccelGen.Network;
using AccelGen.Network.Quantized;
using AccelGen.Onnx.Proto;
using Google.Protobuf;

namespace AccelGen.Onnx.Qdq;

/// <summary>A float value of the graph and how its axes are ordered.</summary>
/// <param name="Value">Name.</param>
/// <param name="Shape">Shape.</param>
/// <param name="ChannelsFirst">[Batch, Channels, Height, Width] instead of [Batch, Height, Width, Channels].</param>
internal readonly record struct Held(string Value, TensorShape Shape, bool ChannelsFirst);

/// <summary>Nodes and constants of the ONNX graph of a quantised network.</summary>
/// <param name="network">Network.</param>
/// <param name="type">Type of the counts.</param>
internal sealed class QdqGraph(QuantizedNetwork network, QdqType type)
{
    /// <summary>Types of elements by their ONNX numbers.</summary>
    public const int FloatType = 1,
        UInt8Type = 2,
        Int8Type = 3,
        Int32Type = 6,
        Int64Type = 7;

    private readonly GraphProto graph = new() { Name = network.Name.Length > 0 ? network.Name : "network" };
    private readonly Dictionary<int, Held> held = [];
    private readonly Dictionary<(string Value, TensorShape Shape, bool ChannelsFirst), string> views = [];
    private readonly HashSet<string> names = [];

    /// <summary>The graph.</summary>
    public GraphProto Graph => graph;

    /// <summary>The network.</summary>
    public QuantizedNetwork Network => network;

    /// <summary>What a tensor holds from here on.</summary>
    /// <param name="tensor">Tensor.</param>
    /// <param name="value">Value.</param>
    public void Hold(int tensor, Held value) => held[network.Home(tensor)] = value;

    /// <summary>Order of the axes that a tensor was written in.</summary>
    /// <param name="tensor">Tensor.</param>
    public bool ChannelsFirst(int tensor) => held[network.Home(tensor)].ChannelsFirst;

    /// <summary>A tensor as the layer sees it: the rows may be split differently than where it was written.</summary>
    /// <param name="tensor">Tensor.</param>
    /// <param name="channelsFirst">Order of the axes.</param>
    public string Read(int tensor, bool channelsFirst)
    {
        if (!held.TryGetValue(network.Home(tensor), out Held h))
            throw new InputException(FaultCodes.NotExportable, $"tensor {network.Tensors[tensor].Name} is read before anything wrote it");
        TensorShape shape = network.Tensors[tensor].Shape;
        if (h.Shape.Batch != shape.Batch || h.Shape.Channels != shape.Channels || h.Shape.Elements != shape.Elements)
            throw new InputException(
                FaultCodes.Arrangement,
                string.Empty,
                $"tensor {network.Tensors[tensor].Name} {shape} shares the storage of a tensor {h.Shape}",
                "heads and channels must be the same"
            );
        if (h.Shape == shape)
            return InOrder(h, channelsFirst);
        if (!views.TryGetValue((h.Value, shape, h.ChannelsFirst), out string? view))
            views[(h.Value, shape, h.ChannelsFirst)] = view = Reshape(h.Value, Dims(shape, h.ChannelsFirst));
        return InOrder(new Held(view, shape, h.ChannelsFirst), channelsFirst);
    }

    /// <summary>A value with its axes in an order.</summary>
    /// <param name="h">Value.</param>
    /// <param name="channelsFirst">Order.</param>
    public string InOrder(Held h, bool channelsFirst)
    {
        if (h.ChannelsFirst == channelsFirst)
            return h.Value;
        if (!views.TryGetValue((h.Value, h.Shape, channelsFirst), out string? view))
            views[(h.Value, h.Shape, channelsFirst)] = view = channelsFirst
                ? Transpose(h.Value, 0, 3, 1, 2)
                : Transpose(h.Value, 0, 2, 3, 1);
        return view;
    }

    /// <summary>A right operand of a matrix product.</summary>
    /// <param name="tensor">Tensor.</param>
    public string Transposed(int tensor)
    {
        TensorShape shape = network.Tensors[tensor].Shape;
        string value = Read(tensor, false);
        if (shape.Height > 1)
            value = Reshape(value, shape.Batch, 1, shape.Height * shape.Width, shape.Channels);
        return Transpose(value, 0, 1, 3, 2);
    }

    private string Transpose(string value, params long[] order)
    {
        string result = Unique("transpose");
        Node("Transpose", [value], result).Attribute.Add(Ints("perm", order));
        return result;
    }

    /// <summary>The same elements in another shape.</summary>
    /// <param name="value">Value.</param>
    /// <param name="dims">Shape.</param>
    public string Reshape(string value, params long[] dims)
    {
        string result = Unique("reshape");
        Node("Reshape", [value, Initializer($"{result}_shape", Int64Type, MemoryMarshal.AsBytes<long>(dims), dims.Length)], result);
        return result;
    }

    /// <summary>Rows and columns of an image from the first two to before the last two.</summary>
    /// <param name="image">Image.</param>
    /// <param name="top">First row.</param>
    /// <param name="left">First column.</param>
    /// <param name="bottom">Row after the last.</param>
    /// <param name="right">Column after the last.</param>
    public string Crop(string image, long top, long left, long bottom, long right)
    {
        string result = Unique("crop");
        string Pair(string what, long rows, long columns) =>
            Initializer($"{result}_{what}", Int64Type, MemoryMarshal.AsBytes<long>(new[] { rows, columns }), 2);
        Node("Slice", [image, Pair("starts", top, left), Pair("ends", bottom, right), Pair("axes", 2, 3)], result);
        return result;
    }

    /// <summary>Windows over an image.</summary>
    /// <param name="op">Operator.</param>
    /// <param name="input">Tensor.</param>
    /// <param name="kernel">Taps.</param>
    /// <param name="stride">Steps.</param>
    /// <param name="padding">Padding.</param>
    /// <param name="attributes">Further attributes.</param>
    public string Pool(string op, int input, Size kernel, Size stride, Padding padding, params (string Name, int Value)[] attributes)
    {
        string result = Unique(op);
        Window(Node(op, [Read(input, true)], result, attributes), kernel, stride, padding);
        return result;
    }

    /// <summary>Attributes of a window.</summary>
    /// <param name="node">Node.</param>
    /// <param name="kernel">Taps.</param>
    /// <param name="stride">Steps.</param>
    /// <param name="padding">Padding.</param>
    public static void Window(NodeProto node, Size kernel, Size stride, Padding padding)
    {
        node.Attribute.Add(Ints("kernel_shape", kernel.Rows, kernel.Columns));
        node.Attribute.Add(Ints("strides", stride.Rows, stride.Columns));
        node.Attribute.Add(Ints("pads", padding.Top, padding.Left, padding.Bottom, padding.Right));
    }

    /// <summary>Counts of a value.</summary>
    /// <param name="value">Value.</param>
    /// <param name="t">Tensor with scale and zero point.</param>
    public string Quantize(string value, QuantizedTensor t)
    {
        string result = Unique($"{t.Name}_quantized");
        Node("QuantizeLinear", [value, Real(t.Scale), Counts($"{result}_zero_point", [(sbyte)t.ZeroPoint], [])], result);
        return result;
    }

    /// <summary>The real numbers of counts.</summary>
    /// <param name="counts">Counts.</param>
    /// <param name="t">Tensor with scale and zero point.</param>
    /// <param name="result">Name of the numbers.</param>
    public string Dequantize(string counts, QuantizedTensor t, string result)
    {
        Node("DequantizeLinear", [counts, Real(t.Scale), Counts($"{t.Name}_zero_point", [(sbyte)t.ZeroPoint], [])], result);
        return result;
    }

    /// <summary>Counts of a table. Counts + 128 are the index: an unsigned quantisation gives it directly.</summary>
    /// <param name="value">What it is looked up with.</param>
    /// <param name="t">Scale and zero point of that.</param>
    /// <param name="table">Table.</param>
    public string LookUp(string value, QuantizedTensor t, sbyte[] table)
    {
        string index = Unique($"{t.Name}_index"),
            result = Unique($"{t.Name}_quantized");
        Node("QuantizeLinear", [value, Real(t.Scale), Initializer($"{index}_zero_point", UInt8Type, [(byte)(t.ZeroPoint + 128)])], index);
        Node("Gather", [Counts($"{index}_table", table, [table.Length]), Cast(index, Int32Type)], result, ("axis", 0));
        return result;
    }

    /// <summary>A value times a constant.</summary>
    /// <param name="value">Value.</param>
    /// <param name="factor">Constant.</param>
    public string Times(string value, float factor) => factor == 1 ? value : Add("Mul", value, Real(factor));

    /// <summary>A value in another type.</summary>
    /// <param name="value">Value.</param>
    /// <param name="type">Type.</param>
    public string Cast(string value, int type)
    {
        string result = Unique("cast");
        Node("Cast", [value], result, ("to", type));
        return result;
    }

    /// <summary>Adds a node without attributes.</summary>
    /// <param name="op">Operator.</param>
    /// <param name="inputs">Operands.</param>
    public string Add(string op, params string[] inputs)
    {
        string result = Unique(op);
        Node(op, inputs, result);
        return result;
    }

    /// <summary>Adds a node.</summary>
    /// <param name="op">Operator.</param>
    /// <param name="inputs">Operands.</param>
    /// <param name="output">Name of the result.</param>
    /// <param name="attributes">Whole numbers.</param>
    public NodeProto Node(string op, string[] inputs, string output, params (string Name, int Value)[] attributes)
    {
        var node = new NodeProto
        {
            OpType = op,
            Name = $"{output}/{op}",
            Input = { inputs },
            Output = { output },
        };
        node.Attribute.Add(
            attributes.Select(a => new AttributeProto
            {
                Name = a.Name,
                Type = 2,
                I = a.Value,
            })
        );
        graph.Node.Add(node);
        return node;
    }

    /// <summary>An attribute.</summary>
    /// <param name="name">Name.</param>
    /// <param name="value">Text.</param>
    public static AttributeProto Text(string name, string value) =>
        new()
        {
            Name = name,
            Type = 3,
            S = ByteString.CopyFromUtf8(value),
        };

    /// <summary>An attribute.</summary>
    /// <param name="name">Name.</param>
    /// <param name="values">Whole numbers.</param>
    public static AttributeProto Ints(string name, params long[] values) =>
        new()
        {
            Name = name,
            Type = 7,
            Ints = { values },
        };

    /// <summary>A constant.</summary>
    /// <param name="value">Number.</param>
    public string Real(double value) => Reals("constant", [(float)value], []);

    /// <summary>A list of constants.</summary>
    /// <param name="name">Name.</param>
    /// <param name="values">Numbers.</param>
    public string Reals(string name, float[] values) => Reals(name, values, values.Length);

    /// <summary>A tensor of constants.</summary>
    /// <param name="name">Name.</param>
    /// <param name="values">Numbers.</param>
    /// <param name="dims">Shape.</param>
    public string Reals(string name, float[] values, params long[] dims) =>
        Initializer(name, FloatType, MemoryMarshal.AsBytes<float>(values), dims);

    /// <summary>Counts in the type of the file: as unsigned bytes they, and the zero points among them, are 128 higher.</summary>
    /// <param name="name">Name.</param>
    /// <param name="values">Signed counts.</param>
    /// <param name="dims">Shape.</param>
    public string Counts(string name, sbyte[] values, long[] dims) =>
        type == QdqType.Int8
            ? Initializer(name, Int8Type, MemoryMarshal.AsBytes<sbyte>(values), dims)
            : Initializer(name, UInt8Type, [.. values.Select(v => (byte)(v + 128))], dims);

    /// <summary>A list of whole numbers of 32 bits.</summary>
    /// <param name="name">Name.</param>
    /// <param name="values">Numbers.</param>
    public string Int32s(string name, int[] values) => Initializer(name, Int32Type, MemoryMarshal.AsBytes<int>(values), values.Length);

    /// <summary>A constant tensor.</summary>
    /// <param name="name">Name.</param>
    /// <param name="elementType">Type.</param>
    /// <param name="data">Elements.</param>
    /// <param name="dims">Shape.</param>
    public string Initializer(string name, int elementType, ReadOnlySpan<byte> data, params long[] dims)
    {
        string unique = Unique(name);
        graph.Initializer.Add(
            new TensorProto
            {
                Name = unique,
                DataType = elementType,
                RawData = ByteString.CopyFrom(data),
                Dims = { dims },
            }
        );
        return unique;
    }

    /// <summary>An input or output of the graph.</summary>
    /// <param name="name">Name.</param>
    /// <param name="shape">Shape.</param>
    public static ValueInfoProto Value(string name, TensorShape shape)
    {
        var dims = new TensorShapeProto();
        dims.Dim.Add(Dims(shape, true).Select(d => new TensorShapeProto.Types.Dimension { DimValue = d }));
        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto
            {
                TensorType = new TypeProto.Types.Tensor { ElemType = FloatType, Shape = dims },
            },
        };
    }

    /// <summary>A shape in the order of the axes.</summary>
    /// <param name="s">Shape.</param>
    /// <param name="channelsFirst">Order.</param>
    public static long[] Dims(TensorShape s, bool channelsFirst) =>
        channelsFirst ? [s.Batch, s.Channels, s.Height, s.Width] : [s.Batch, s.Height, s.Width, s.Channels];

    /// <summary>A name that no other value has.</summary>
    /// <param name="name">Wanted.</param>
    public string Unique(string name)
    {
        string unique = name.Length > 0 ? name : "value";
        for (int i = 1; !names.Add(unique); i++)
            unique = $"{name}#{i}";
        return unique;
    }

    /// <summary>Scale as the file has it.</summary>
    /// <param name="t">Tensor.</param>
    public static double Scale(QuantizedTensor t) => (float)t.Scale;

    /// <summary>A factor that an import makes the wanted fixed-point factor of.</summary>
    /// <param name="wanted">Fixed-point factor.</param>
    /// <param name="scaled">What an import makes of a factor.</param>
    public static float Exact(FixedPointScale wanted, Func<double, double> scaled)
    {
        double unit = scaled(1);
        return Nearest(
            unit > 0 ? wanted.ToReal() / unit : 0,
            f => scaled(f) is >= 0 and < 1 << 22 and var factor && FixedPointScale.FromReal(factor) == wanted
        );
    }

    /// <summary>The number in single precision nearest to another that fits, 1 where that does, or simply the nearest.</summary>
    /// <param name="value">The other.</param>
    /// <param name="fits">Whether a number fits.</param>
    public static float Nearest(double value, Func<float, bool> fits)
    {
        float nearest = (float)value,
            above = nearest,
            below = nearest;
        if (Math.Abs(value - 1) < 1e-6 && fits(1))
            return 1;
        for (int i = 0; i < 8; i++)
        {
            if (fits(above))
                return above;
            if (fits(below))
                return below;
            (above, below) = (MathF.BitIncrement(above), MathF.BitDecrement(below));
        }

        return nearest;
    }
}
