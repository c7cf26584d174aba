using System.Runtime.InteropServices;
using System.Text;

namespace AccelGen.Tests.Shared;

/// <summary>Writes ONNX models by hand, in the wire format of protocol buffers: the oracle needs no code of ours.</summary>
internal sealed class OnnxModelWriter
{
    /// <summary>Element types of ONNX.</summary>
    public const int Float = 1,
        UInt8 = 2,
        Int8 = 3,
        Int32 = 6,
        Int64 = 7;

    private readonly MemoryStream graph = new();
    private readonly List<byte[]> values = [];
    private MemoryStream? node;

    /// <summary>A model without nodes yet.</summary>
    public OnnxModelWriter() { }

    /// <summary>A model that starts with a node.</summary>
    public OnnxModelWriter(string op, string[] inputs, string output, string domain = "") => Node(op, inputs, output, domain);

    /// <summary>Operator set of the standard domain.</summary>
    public int OpsetVersion { get; set; } = 13;

    /// <summary>Starts a node; attributes that follow belong to it.</summary>
    public OnnxModelWriter Node(string op, string[] inputs, string output, string domain = "", string? name = null)
    {
        Flush();
        node = new MemoryStream();
        foreach (string input in inputs)
            Text(node, 1, input);
        Text(node, 2, output);
        Text(node, 3, name ?? $"{op}_{output}");
        Text(node, 4, op);
        if (domain.Length > 0)
            Text(node, 7, domain);
        return this;
    }

    /// <summary>Another output of the node.</summary>
    public OnnxModelWriter Output(string name)
    {
        Text(node!, 2, name);
        return this;
    }

    /// <summary>A constant of floats.</summary>
    public OnnxModelWriter Initializer(string name, float[] data, params long[] dims) =>
        Initializer(name, Float, MemoryMarshal.AsBytes<float>(data).ToArray(), dims);

    /// <summary>A constant of integers.</summary>
    public OnnxModelWriter Initializer(string name, long[] data, params long[] dims) =>
        Initializer(name, Int64, MemoryMarshal.AsBytes<long>(data).ToArray(), dims);

    /// <summary>A constant of any type: the bytes of its elements.</summary>
    public OnnxModelWriter Initializer(string name, int type, byte[] raw, params long[] dims)
    {
        var tensor = new MemoryStream();
        foreach (long d in dims)
            Number(tensor, 1, d);
        Number(tensor, 2, type);
        Text(tensor, 8, name);
        Bytes(tensor, 9, raw);
        var wrapped = new MemoryStream();
        Bytes(wrapped, 5, tensor.ToArray());
        values.Add(wrapped.ToArray());
        return this;
    }

    /// <summary>A constant of floats whose data are in another file.</summary>
    public OnnxModelWriter External(string name, string location, params long[] dims)
    {
        var entry = new MemoryStream();
        Text(entry, 1, "location");
        Text(entry, 2, location);
        var tensor = new MemoryStream();
        foreach (long d in dims)
            Number(tensor, 1, d);
        Number(tensor, 2, Float);
        Text(tensor, 8, name);
        Bytes(tensor, 13, entry.ToArray());
        Number(tensor, 14, 1);
        var wrapped = new MemoryStream();
        Bytes(wrapped, 5, tensor.ToArray());
        values.Add(wrapped.ToArray());
        return this;
    }

    private void Flush()
    {
        if (node is not null)
            Bytes(graph, 1, node.ToArray());
        node = null;
    }

    public OnnxModelWriter Real(string name, float value)
    {
        var a = new MemoryStream();
        Text(a, 1, name);
        Varint(a, (2 << 3) | 5);
        a.Write(BitConverter.GetBytes(value));
        Number(a, 20, 1);
        Bytes(node!, 5, a.ToArray());
        return this;
    }

    public OnnxModelWriter String(string name, string value)
    {
        var a = new MemoryStream();
        Text(a, 1, name);
        Text(a, 4, value);
        Number(a, 20, 3);
        Bytes(node!, 5, a.ToArray());
        return this;
    }

    public OnnxModelWriter Ints(string name, params long[] values)
    {
        var a = new MemoryStream();
        Text(a, 1, name);
        foreach (long v in values)
            Number(a, 8, v);
        Number(a, 20, 7);
        Bytes(node!, 5, a.ToArray());
        return this;
    }

    public OnnxModelWriter Int(string name, long value)
    {
        var a = new MemoryStream();
        Text(a, 1, name);
        Number(a, 3, value);
        Number(a, 20, 2);
        Bytes(node!, 5, a.ToArray());
        return this;
    }

    public OnnxModelWriter Input(string name, int type, params long[] shape)
    {
        values.Add(Value(11, name, type, shape));
        return this;
    }

    /// <summary>An output of the graph, beside the one that <see cref="Build(string, int)"/> names.</summary>
    public OnnxModelWriter Output(string name, int type, params long[] shape)
    {
        values.Add(Value(12, name, type, shape));
        return this;
    }

    /// <summary>An output of the graph of any type and shape.</summary>
    public OnnxModelWriter Observe(string name)
    {
        var value = new MemoryStream();
        Text(value, 1, name);
        var wrapped = new MemoryStream();
        Bytes(wrapped, 12, value.ToArray());
        values.Add(wrapped.ToArray());
        return this;
    }

    /// <summary>The file, its output of any shape.</summary>
    public byte[] Build(string output, int type = Float) => Finish(output, type, null);

    public byte[] Build(string output, int type, params long[] shape) => Finish(output, type, shape);

    private byte[] Finish(string output, int type, long[]? shape)
    {
        Flush();
        Text(graph, 2, "g");
        foreach (byte[] value in values)
            graph.Write(value);
        graph.Write(Value(12, output, type, shape));
        var model = new MemoryStream();
        Number(model, 1, 8);
        Bytes(model, 7, graph.ToArray());
        Opset(model, string.Empty, OpsetVersion);
        Opset(model, "com.microsoft", 1);
        return model.ToArray();
    }

    private static void Opset(MemoryStream model, string domain, int version)
    {
        var o = new MemoryStream();
        Text(o, 1, domain);
        Number(o, 2, version);
        Bytes(model, 8, o.ToArray());
    }

    private static byte[] Value(int field, string name, int type, long[]? shape)
    {
        var dims = new MemoryStream();
        foreach (long d in shape ?? [])
        {
            var dim = new MemoryStream();
            if (d < 0)
                Text(dim, 2, "open");
            else
                Number(dim, 1, d);
            Bytes(dims, 1, dim.ToArray());
        }

        var tensor = new MemoryStream();
        Number(tensor, 1, type);
        if (shape is not null)
            Bytes(tensor, 2, dims.ToArray());
        var kind = new MemoryStream();
        Bytes(kind, 1, tensor.ToArray());
        var value = new MemoryStream();
        Text(value, 1, name);
        Bytes(value, 2, kind.ToArray());
        var wrapped = new MemoryStream();
        Bytes(wrapped, field, value.ToArray());
        return wrapped.ToArray();
    }

    private static void Text(MemoryStream s, int field, string text) => Bytes(s, field, Encoding.UTF8.GetBytes(text));

    private static void Bytes(MemoryStream s, int field, byte[] bytes)
    {
        Varint(s, (ulong)((field << 3) | 2));
        Varint(s, (ulong)bytes.Length);
        s.Write(bytes);
    }

    private static void Number(MemoryStream s, int field, long value)
    {
        Varint(s, (ulong)(field << 3));
        Varint(s, (ulong)value);
    }

    private static void Varint(MemoryStream s, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            s.WriteByte((byte)(value | 0x80));
        s.WriteByte((byte)value);
    }
}
