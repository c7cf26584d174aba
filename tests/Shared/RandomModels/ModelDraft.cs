using System.Globalization;

namespace AccelGen.Tests.Shared;

/// <summary>A value of a network under construction.</summary>
/// <param name="Name">Name in the file.</param>
/// <param name="Dims">Sizes.</param>
/// <param name="Size">About how large its elements are: their root mean square.</param>
/// <param name="Index">Elements are whole numbers that were chosen, not computed.</param>
internal sealed record DraftValue(string Name, long[] Dims, double Size = 1, bool Index = false)
{
    /// <summary>Elements.</summary>
    public long Elements => Dims.Aggregate(1L, (p, d) => p * d);

    /// <summary>Axes.</summary>
    public int Rank => Dims.Length;

    /// <summary>An image [1, C, H, W].</summary>
    public bool IsImage => Rank == 4 && Dims[0] == 1 && !Index;

    /// <summary>Tokens [1, N, C].</summary>
    public bool IsTokens => Rank == 3 && Dims[0] == 1 && !Index;
}

/// <summary>A random network under construction: values, names that a file may have, and limits of size.</summary>
internal sealed class ModelDraft
{
    // Limits keep a network within a fraction of a second.
    private const long MostElements = 24_000,
        MostWork = 6_000_000;

    // What is there; a step that comes to nothing takes its own back.
    private readonly List<DraftValue> values = [];
    private readonly List<Emitted> nodes = [];
    private readonly List<(string Name, Array Data, long[] Dims)> constants = [];
    private readonly List<(string Key, string Name)> shared = [];
    private readonly Func<string, string> nameValue;
    private readonly Func<string, string> nameNode;
    private readonly long[] input;
    private readonly bool openSize;
    private readonly bool openBatch;
    private readonly bool asInputs;
    private readonly int outputs;
    private Random random;
    private long work;
    private int names;
    private bool broken;

    private sealed record Emitted(
        string Operator,
        string[] Inputs,
        string Name,
        List<string> Outputs,
        string Domain,
        (string Name, object Value)[] Attributes
    );

    /// <summary>Starts with the input.</summary>
    public ModelDraft(PlanStep start)
    {
        var draw = new Draw(start.Numbers);
        random = new Random(start.Seed);
        Opset = draw.Of(17, 13, 14, 16, 18, 20, 21, 11, 12, 15, 9, 10);
        input = [draw.Rarely(8) ? -1 : 1, draw.Of(3, 1, 4, 8, 16, 32, draw.Size(64)), draw.Size(), draw.Size()];
        while (input[1] * input[2] * input[3] > MostElements / 2)
            input[Enumerable.Range(1, 3).MaxBy(i => input[i])] = Math.Max(1, input[Enumerable.Range(1, 3).MaxBy(i => input[i])] / 2);
        openSize = draw.Rarely(12);
        outputs = draw.Next(0, 4);
        asInputs = draw.Rarely(16);
        (nameValue, nameNode) = Names(draw.Rarely(3) ? draw.Next(1, 6) : 0, draw.Rarely(3) ? draw.Next(1, 7) : 0);
        openBatch = input[0] < 0;
        input[0] = 1;
        values.Add(new DraftValue(nameValue("x"), input, 1.15));
        Input = start with { Numbers = [.. draw.Made] };
    }

    /// <summary>What it started with, by the least numbers.</summary>
    public PlanStep Input { get; }

    /// <summary>Operator set.</summary>
    public int Opset { get; }

    /// <summary>Adds a step.</summary>
    /// <returns>The step by the least numbers, or null where there is nothing for it to work on.</returns>
    public PlanStep? Add(PlanStep step)
    {
        if (OperatorDraws.Find(step.Operator) is not { } entry || Opset < entry.Opset)
            return null;
        random = new Random(step.Seed);
        var draw = new Draw(step.Numbers);
        (int Values, int Nodes, int Constants, int Shared, long Work, int Names, bool Broken) before = (
            values.Count,
            nodes.Count,
            constants.Count,
            shared.Count,
            work,
            names,
            broken
        );
        if (entry.Add(this, draw))
            return step with { Numbers = [.. draw.Made] };
        values.RemoveRange(before.Values, values.Count - before.Values);
        nodes.RemoveRange(before.Nodes, nodes.Count - before.Nodes);
        constants.RemoveRange(before.Constants, constants.Count - before.Constants);
        shared.RemoveRange(before.Shared, shared.Count - before.Shared);
        (work, names, broken) = (before.Work, before.Names, before.Broken);
        return null;
    }

    /// <summary>A value that fits, the latest being the simplest choice; null where none does.</summary>
    public DraftValue? Pick(Draw draw, Func<DraftValue, bool> fits)
    {
        DraftValue[] fitting = [.. values.Where(fits).Reverse()];
        // The latest one half of the time: networks are deep more than wide.
        return fitting.Length == 0 ? null
            : draw.Rarely(2) ? fitting[draw.Next(0, fitting.Length)]
            : fitting[0];
    }

    /// <summary>An image [1, C, H, W].</summary>
    public DraftValue? Image(Draw draw) => Pick(draw, v => v.IsImage);

    /// <summary>Tokens [1, N, C]; those of an image where there are none.</summary>
    public DraftValue? Tokens(Draw draw) =>
        Pick(draw, v => v.IsTokens) is { } tokens && !draw.Rarely(4) ? tokens
        : Image(draw) is { } image ? TokensOf(image)
        : null;

    /// <summary>The tokens of an image.</summary>
    public DraftValue TokensOf(DraftValue image)
    {
        long c = image.Dims[1],
            n = image.Dims[2] * image.Dims[3];
        return image with { Name = Node("Transpose", [Reshape(image.Name, 1, c, n)], ("perm", L(0, 2, 1))), Dims = [1, n, c] };
    }

    /// <summary>Whether the network may hold a value of these sizes that takes so much work.</summary>
    public bool Allows(long multiplications, params long[] dims)
    {
        if (dims.Any(d => d is < 1 or > 4096) || dims.Aggregate(1L, (p, d) => p * d) > MostElements || work + multiplications > MostWork)
            return false;
        work += multiplications;
        return true;
    }

    /// <summary>Makes a value known to later steps.</summary>
    public bool Give(string name, double size, params long[] dims) => Give(new DraftValue(name, dims, size));

    /// <summary>Makes a value known to later steps.</summary>
    public bool Give(DraftValue value)
    {
        values.Add(value with { Size = Math.Clamp(value.Size, 1e-3, 1e3) });
        return true;
    }

    /// <summary>A node; attributes are ints, long arrays, floats or strings.</summary>
    public string Node(string op, string[] inputs, params (string Name, object Value)[] attributes) =>
        Node(op, inputs, string.Empty, attributes);

    /// <summary>A node of a domain.</summary>
    public string Node(string op, string[] inputs, string domain, params (string Name, object Value)[] attributes)
    {
        string output = nameValue($"v{names++}");
        nodes.Add(new Emitted(op, inputs, nameNode($"/{output}/{op}"), [output], domain, attributes));
        return output;
    }

    /// <summary>Another output of the last node.</summary>
    public string Output()
    {
        string output = nameValue($"v{names++}");
        nodes[^1].Outputs.Add(output);
        return output;
    }

    /// <summary>Writes a node again that is there already, or null where there is none.</summary>
    public bool Duplicate(Draw draw)
    {
        DraftValue[] made = [.. values.Where(v => nodes.Any(n => n.Outputs is [var only] && only == v.Name)).Reverse()];
        if (made.Length == 0)
            return false;
        DraftValue value = made[draw.Next(0, made.Length)];
        Emitted node = nodes.Find(n => n.Outputs[0] == value.Name)!;
        return Give(value with { Name = Node(node.Operator, node.Inputs, node.Domain, node.Attributes) });
    }

    /// <summary>Names something that the file lacks.</summary>
    public string Missing()
    {
        broken = true;
        return "missing";
    }

    /// <summary>Random numbers from -scale to scale, plus a shift.</summary>
    public string Random(double scale, double shift, params long[] dims) =>
        Constant([.. RandomNetworks.Values(random, (int)dims.Aggregate(1L, (p, d) => p * d), scale).Select(v => (float)(v + shift))], dims);

    /// <summary>A constant that an earlier step made with the same sizes, where there is one and it is drawn; else a new one.</summary>
    public string Weights(Draw draw, double scale, params long[] dims)
    {
        string key = string.Create(CultureInfo.InvariantCulture, $"{scale:R} {string.Join('x', dims)}");
        if (shared.FindLast(s => s.Key == key) is { Name: { } known } && draw.Coin())
            return known;
        string name = draw.Rarely(24) ? Constant(new float[dims.Aggregate(1L, (p, d) => p * d)], dims) : Random(scale, 0, dims);
        // As exporters leave them: behind nodes that depend on constants only.
        name = draw.Next(0, 12) switch
        {
            9 => Node("Identity", [name]),
            10 => Node("Mul", [name, Number(0.5f)]),
            11 when dims.Length == 2 => Node("Transpose", [Node("Transpose", [name], ("perm", L(1, 0)))], ("perm", L(1, 0))),
            _ => name,
        };
        shared.Add((key, name));
        return name;
    }

    /// <summary>A constant of floats.</summary>
    public string Constant(float[] data, params long[] dims) => Constant("c", data, dims);

    /// <summary>A number.</summary>
    public string Number(float value) => Constant([value]);

    /// <summary>A list of integers.</summary>
    public string Integers(params long[] data) => Constant("i", data, [data.Length]);

    /// <summary>An integer without an axis.</summary>
    public string Index(long value) => Constant("i", new[] { value }, []);

    private string Constant(string prefix, Array data, long[] dims)
    {
        string name = nameValue($"{prefix}{names++}");
        constants.Add((name, data, dims));
        return name;
    }

    /// <summary>A reshape.</summary>
    public string Reshape(string x, params long[] dims) => Node("Reshape", [x, Integers(dims)]);

    /// <summary>A reshape to sizes that are computed from those of another value, as exporters write a view.</summary>
    public string ReshapeByShape(DraftValue x, int keep, params long[] rest)
    {
        string kept = Node("Gather", [Node("Shape", [x.Name]), Integers([.. Enumerable.Range(0, keep).Select(i => (long)i)])], ("axis", 0));
        return Node("Reshape", [x.Name, Node("Concat", [kept, Integers(rest)], ("axis", 0))]);
    }

    /// <summary>Lists are inputs of a node from an operator set on, attributes before it.</summary>
    public string NodeWithList(
        string op,
        string x,
        int inputFrom,
        string list,
        long[] items,
        params (string Name, object Value)[] attributes
    ) => Opset >= inputFrom ? Node(op, [x, Integers(items)], attributes) : Node(op, [x], [(list, items), .. attributes]);

    /// <summary>The file.</summary>
    public RandomModel Finish()
    {
        // What nothing reads, the last value alone (the rest is dead), some values whether they are read or not, or an Identity of each.
        DraftValue[] made = [.. values.Skip(1)];
        if (made.Length == 0)
        {
            Give(values[0] with { Name = Node("Relu", [values[0].Name]) });
            made = [values[^1]];
        }

        HashSet<string> read = [.. nodes.SelectMany(n => n.Inputs)];
        DraftValue[] ends = outputs switch
        {
            0 => [.. made.Where(v => !read.Contains(v.Name))],
            1 => [made[^1]],
            2 => [.. made.Where((v, i) => i % 3 == 0 || !read.Contains(v.Name))],
            _ => [.. made.TakeLast(2).Select(v => v with { Name = Node("Identity", [v.Name]) })],
        };
        if (ends.Length == 0)
            ends = [made[^1]];
        return new RandomModel(Write(ends), input, openSize, ends.Where(e => e.Index).Select(e => e.Name).ToHashSet(), broken, Text());
    }

    private byte[] Write(DraftValue[] ends)
    {
        var writer = new OnnxModelWriter { OpsetVersion = Opset };
        writer.Input(values[0].Name, OnnxModelWriter.Float, [openBatch ? -1 : 1, input[1], .. openSize ? L(-1, -1) : input[2..]]);
        foreach ((string name, Array data, long[] dims) in constants)
        {
            _ = data is float[] floats ? writer.Initializer(name, floats, dims) : writer.Initializer(name, (long[])data, dims);
            if (asInputs && data is float[])
                writer.Input(name, OnnxModelWriter.Float, dims);
        }

        foreach (Emitted node in nodes)
        {
            writer.Node(node.Operator, node.Inputs, node.Outputs[0], node.Domain, node.Name);
            foreach (string output in node.Outputs.Skip(1))
                writer.Output(output);
            foreach ((string name, object value) in node.Attributes)
            {
                _ = value switch
                {
                    int i => writer.Int(name, i),
                    long[] v => writer.Ints(name, v),
                    float f => writer.Real(name, f),
                    string s => writer.String(name, s),
                    _ => throw new ArgumentException($"{value.GetType()} is no attribute type here", nameof(ends)),
                };
            }
        }

        foreach (DraftValue end in ends[..^1])
            writer.Output(end.Name, end.Index ? OnnxModelWriter.Int64 : OnnxModelWriter.Float, end.Dims);
        return writer.Build(ends[^1].Name, ends[^1].Index ? OnnxModelWriter.Int64 : OnnxModelWriter.Float, ends[^1].Dims);
    }

    // One line per node: attributes, sizes of what is known.
    private string[] Text()
    {
        Dictionary<string, string> known = constants
            .Select(c => (c.Name, Text: $"{(c.Data is long[] list ? string.Join(',', list) : "const")}[{string.Join(',', c.Dims)}]"))
            .Concat(values.Select(v => (v.Name, Text: $"[{string.Join(',', v.Dims)}]")))
            .DistinctBy(p => p.Name)
            .ToDictionary(p => p.Name, p => p.Text);
        Dictionary<string, int> numbers = nodes
            .SelectMany((n, i) => n.Outputs.Select(o => (o, i)))
            .DistinctBy(p => p.o)
            .ToDictionary(p => p.o, p => p.i);
        string Operand(string name) =>
            (
                name == values[0].Name ? "x"
                : numbers.TryGetValue(name, out int i) ? $"#{i}"
                : string.Empty
            ) + known.GetValueOrDefault(name, string.Empty);
        static string Attribute(object value) =>
            value is long[] list ? $"[{string.Join(',', list)}]" : string.Create(CultureInfo.InvariantCulture, $"{value}");
        return
        [
            .. nodes.Select(
                (n, i) =>
                    $"#{i} {n.Operator}({string.Join(", ", n.Inputs.Select(Operand))})"
                    + string.Concat(n.Attributes.Select(a => $" {a.Name}={Attribute(a.Value)}"))
            ),
        ];
    }

    private static long[] L(params long[] list) => list;

    // Names of values must differ and may not be empty; names of nodes may be anything.
    private static (Func<string, string> Value, Func<string, string> Node) Names(int valueStyle, int nodeStyle)
    {
        var longest = new string('n', 5000);
        Func<string, string> Style(int style) =>
            style switch
            {
                1 => n => $"層/특징 é😀.{n}",
                2 => n => $"a\u0001b\n\t\u001b[31m{n}",
                3 => n => longest + n,
                4 => n => $" {n} \"'`$(){{}}<>|\\%s*?[bold]",
                5 => n => $"../{n}/../../etc\u202e\u0085",
                _ => n => n,
            };
        return (Style(valueStyle), nodeStyle == 6 ? _ => string.Empty : Style(nodeStyle));
    }
}
