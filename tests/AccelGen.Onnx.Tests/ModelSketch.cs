using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;

namespace AccelGen.Onnx.Tests;

/// <summary>A model under construction, with names for what has none and random constants.</summary>
/// <param name="random">Source of constants.</param>
public class ModelSketch(Random random)
{
    private protected readonly OnnxModelWriter writer = new();
    private readonly HashSet<string> dependent = ["x"];
    private int names;
    private int constants;

    /// <summary>Names of the values that nodes made, in order.</summary>
    public List<string> Made { get; } = [];

    /// <summary>Operator set.</summary>
    public int OpsetVersion
    {
        get => writer.OpsetVersion;
        set => writer.OpsetVersion = value;
    }

    /// <summary>Shape of the input x.</summary>
    public TensorShape InputShape { get; private set; }

    /// <summary>Module that the nodes' names begin with.</summary>
    public string Scope { get; set; } = string.Empty;

    /// <summary>The input x.</summary>
    public virtual string Input(params long[] shape)
    {
        writer.Input("x", OnnxModelWriter.Float, shape);
        InputShape = new TensorShape(1, (int)shape[2], (int)shape[3], (int)shape[1]);
        return "x";
    }

    /// <summary>The input x with its channels last: [1, H, W, C].</summary>
    public virtual string InputChannelsLast(params long[] shape)
    {
        writer.Input("x", OnnxModelWriter.Float, shape);
        InputShape = new TensorShape(1, (int)shape[1], (int)shape[2], (int)shape[3]);
        return "x";
    }

    /// <summary>A node; attributes are longs, long arrays, floats or strings.</summary>
    public string Node(string op, string[] inputs, params (string Name, object Value)[] attributes) =>
        Node(op, inputs, string.Empty, attributes);

    /// <summary>A node of a domain.</summary>
    public string Node(string op, string[] inputs, string domain, params (string Name, object Value)[] attributes)
    {
        string output = $"{op.ToLowerInvariant()}{names++}";
        Made.Add(output);
        if (op != "Shape" && inputs.Any(dependent.Contains))
            dependent.Add(output);
        Write(op, inputs, output, domain, (Scope.Length > 0 ? $"/{Scope}" : string.Empty) + $"/{output}/{op}", attributes);
        return output;
    }

    /// <summary>Writes a node.</summary>
    private protected virtual void Write(
        string op,
        string[] inputs,
        string output,
        string domain,
        string name,
        (string Name, object Value)[] attributes
    )
    {
        writer.Node(op, inputs, output, domain, name);
        Attributes(attributes);
    }

    /// <summary>The value depends on the input.</summary>
    private protected bool Depends(string name) => dependent.Contains(name);

    /// <summary>Attributes of the node written last.</summary>
    private protected void Attributes((string Name, object Value)[] attributes)
    {
        foreach ((string name, object value) in attributes)
        {
            _ = value switch
            {
                int i => writer.Int(name, i),
                long[] v => writer.Ints(name, v),
                float f => writer.Real(name, f),
                string s => writer.String(name, s),
                _ => throw new ArgumentException($"{value.GetType()} is no attribute type here", nameof(attributes)),
            };
        }
    }

    /// <summary>Another output of the last node.</summary>
    public string Output()
    {
        string output = $"out{names++}";
        if (dependent.Contains(Made[^1]))
            dependent.Add(output);
        Made.Add(output);
        writer.Output(output);
        return output;
    }

    /// <summary>Random numbers from -scale to scale, plus a shift.</summary>
    public string Random(double scale, double shift, params long[] dims) =>
        Constant([.. RandomNetworks.Values(random, (int)dims.Aggregate(1L, (p, d) => p * d), scale).Select(v => (float)(v + shift))], dims);

    /// <summary>A constant of floats.</summary>
    public virtual string Constant(float[] values, params long[] dims)
    {
        string name = $"c{constants++}";
        writer.Initializer(name, values, dims);
        return name;
    }

    /// <summary>A number.</summary>
    public string Number(float value) => Constant([value]);

    /// <summary>A list of integers.</summary>
    public string Integers(params long[] values)
    {
        string name = $"i{names++}";
        writer.Initializer(name, values, values.Length);
        return name;
    }

    /// <summary>An integer without an axis.</summary>
    public string Index(long value)
    {
        string name = $"i{names++}";
        writer.Initializer(name, [value], []);
        return name;
    }

    /// <summary>A reshape.</summary>
    public string Reshape(string x, params long[] dims) => Node("Reshape", [x, Integers(dims)]);

    /// <summary>A transpose.</summary>
    public string Transpose(string x, params long[] order) => Node("Transpose", [x], ("perm", order));

    /// <summary>A 1x1 convolution with bias.</summary>
    public string Conv(string x, int from, int to) =>
        Node("Conv", [x, Random(1 / Math.Sqrt(from), 0, to, from, 1, 1), Random(0.3, 0, to)], ("kernel_shape", new long[] { 1, 1 }));

    /// <summary>Tokens [1, N, C] of an image [1, C, H, W] as exporters write them.</summary>
    public string Tokens(string image, int channels, int pixels) => Transpose(Reshape(image, 1, channels, pixels), 0, 2, 1);

    /// <summary>A linear layer over the last axis: MatMul and Add.</summary>
    public string Linear(string x, int from, int to) =>
        Node("Add", [Random(0.2, 0, to), Node("MatMul", [x, Random(1 / Math.Sqrt(from), 0, from, to)])]);

    /// <summary>The file.</summary>
    public virtual byte[] Finish(string output, int type) => writer.Build(output, type);

    /// <summary>The file with an output for every value of a node.</summary>
    public byte[] FinishWithAll(string output, int type)
    {
        foreach (string name in Made.Where(n => n != output))
            writer.Observe(name);
        return writer.Build(output, type);
    }
}
