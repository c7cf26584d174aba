using AccelGen.Files;
using AccelGen.Onnx.Proto;
using Google.Protobuf;

namespace AccelGen.Onnx;

/// <summary>A node with its attributes by name.</summary>
/// <param name="proto">Node.</param>
/// <param name="index">Position in the file.</param>
/// <param name="written">Operator that the file has here, where this node is a part of what it stands for.</param>
/// <param name="helper">The part is no more than a change of representation, and not reported.</param>
internal sealed class OnnxNode(NodeProto proto, int index, string? written = null, bool helper = false)
{
    private readonly Dictionary<string, AttributeProto> attributes = proto
        .Attribute.GroupBy(a => a.Name)
        .ToDictionary(g => g.Key, g => g.Last());

    public string Operator =>
        proto.Domain is "" or "ai.onnx" || (proto.Domain == "com.microsoft" && proto.OpType is "QuantizeLinear" or "DequantizeLinear")
            ? proto.OpType
            : $"{proto.Domain}.{proto.OpType}";

    /// <summary>Operator as the file has it.</summary>
    public string Written => written ?? Operator;

    public bool IsHelper => helper;

    public NodeProto Proto => proto;

    public int Index => index;

    /// <summary>The node's name, or its position where it has none.</summary>
    public string Name { get; } = proto.Name.Length > 0 ? proto.Name : $"node{index}";

    public IReadOnlyList<string> Inputs => proto.Input;

    public IReadOnlyList<string> Outputs => proto.Output;

    public IEnumerable<string> AttributeNames => attributes.Keys;

    public bool Has(string name) => attributes.ContainsKey(name);

    public long Integer(string name, long absent) => Get(name, 2)?.I ?? absent;

    /// <summary>A number; infinite only where a bound may be.</summary>
    /// <exception cref="InputException">It is not a number, or infinite.</exception>
    public float Real(string name, float absent, bool infinite = false) =>
        (Get(name, 1)?.F ?? absent) is var f && (infinite ? !float.IsNaN(f) : float.IsFinite(f))
            ? f
            : throw new InputException(
                FaultCodes.NotFinite,
                string.Empty,
                $"attribute {name} is {f}",
                $"it must be {(infinite ? "a number" : "finite")}"
            );

    public string Text(string name, string absent) => Get(name, 3)?.S.ToStringUtf8() ?? absent;

    public long[]? Integers(string name) => Get(name, 7) is { } a ? [.. a.Ints] : null;

    /// <summary>Whole numbers, or null where the attribute is absent or something else.</summary>
    public long[]? TryIntegers(string name) =>
        attributes.TryGetValue(name, out AttributeProto? a) && a.Type is 7 or 0 ? [.. a!.Ints] : null;

    public float[]? Reals(string name) => Get(name, 6) is { } a ? [.. a.Floats] : null;

    public OnnxTensor? Tensor(string name) => Get(name, 4) is { T: { } t } ? OnnxTensor.Read(t) : null;

    private AttributeProto? Get(string name, int type)
    {
        if (!attributes.TryGetValue(name, out AttributeProto? a))
            return null;
        return a.Type == type || a.Type == 0
            ? a
            : throw new InputException(FaultCodes.IllegalAttribute, $"attribute {name} has the wrong type");
    }
}

/// <summary>An input of the graph; a size that the file leaves open is null.</summary>
internal sealed record OnnxInput(string Name, int ElementType, IReadOnlyList<long?> Dims);

/// <summary>The graph of an ONNX file, read and checked for structure.</summary>
internal sealed class OnnxGraph
{
    /// <summary>Oldest and newest operator set that the importer knows.</summary>
    public const int MinOpset = 9,
        MaxOpset = 21;

    public required string Path { get; init; }
    public required int Opset { get; init; }
    public required string Producer { get; init; }

    /// <summary>Nodes so that every value is made before it is used.</summary>
    public required IReadOnlyList<OnnxNode> Nodes { get; init; }
    public required IReadOnlyDictionary<string, TensorProto> Initializers { get; init; }
    public required IReadOnlyList<OnnxInput> Inputs { get; init; }
    public required IReadOnlyList<string> Outputs { get; init; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="ImportException">The file is not a usable ONNX model.</exception>
    public static OnnxGraph Load(string path)
    {
        if (!File.Exists(path))
            throw new ImportException(FaultCodes.NoSuchFile, path, "there is no such file");
        if (!OutputFile.IsPlain(path))
            throw new ImportException(FaultCodes.NotAFile, path, "is a pipe or a device", "name a file");
        long length = new FileInfo(path).Length;
        if (length == 0)
            throw new ImportException(FaultCodes.NotOnnx, path, "the file is empty");
        if (length >= int.MaxValue)
            throw new ImportException(
                FaultCodes.FileTooLong,
                path,
                $"the file has {length} bytes",
                "an ONNX file without external data has less than 2 GiB"
            );
        ModelProto model;
        try
        {
            using FileStream stream = File.OpenRead(path);
            model = ModelProto.Parser.ParseFrom(stream);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw IsQuantizedNetwork(path)
                ? new ImportException(
                    FaultCodes.QuantisedAlready,
                    path,
                    "is what 'quantize' wrote, not an ONNX file",
                    "'run' and 'explain' take it"
                )
                : new ImportException(
                    FaultCodes.NotOnnx,
                    path,
                    $"not a readable ONNX file (truncated or damaged, or of another format): {e.Message.Split('\n')[0]}"
                );
        }

        return Check(path, model);
    }

    // The file of a quantised network is JSON that says so at its start.
    private static bool IsQuantizedNetwork(string path)
    {
        using var reader = new StreamReader(path);
        char[] start = new char[64];
        return new string(start, 0, reader.ReadBlock(start)).TrimStart() is ['{', ..] text
            && text.Contains("\"format\"", StringComparison.OrdinalIgnoreCase);
    }

    private static OnnxGraph Check(string path, ModelProto model)
    {
        if (model.Graph is null || model.Graph.Node.Count == 0)
            throw new ImportException(FaultCodes.NotOnnx, path, "holds no graph", "is it an ONNX model?");
        var problems = new List<Fault>();
        GraphProto graph = model.Graph;
        long? opset = model.OpsetImport.FirstOrDefault(o => o.Domain is "" or "ai.onnx")?.Version;
        if (opset is null or < MinOpset or > MaxOpset)
            problems.Add(
                new Fault(
                    FaultCodes.UnsupportedModel,
                    path,
                    $"operator set {opset?.ToString() ?? "(none)"}",
                    $"supported are {MinOpset} to {MaxOpset}: export the model with one of these"
                )
            );
        if (model.Functions.Count > 0)
            problems.Add(
                new Fault(
                    FaultCodes.UnsupportedForm,
                    path,
                    $"model functions ({string.Join(", ", model.Functions.Select(f => f.Name).Take(3))}) are not supported",
                    "inline them before export"
                )
            );
        if (graph.SparseInitializer.Count > 0)
            problems.Add(new Fault(FaultCodes.UnsupportedForm, path, "sparse initialisers are not supported", "store them dense"));

        var initializers = new Dictionary<string, TensorProto>();
        foreach (TensorProto t in graph.Initializer)
        {
            if (!initializers.TryAdd(t.Name, t))
                problems.Add(new Fault(FaultCodes.BrokenGraph, path, $"initialiser {t.Name} is there twice"));
        }

        var inputs = new List<OnnxInput>();
        foreach (ValueInfoProto v in graph.Input.Where(v => !initializers.ContainsKey(v.Name)))
        {
            if (v.Type?.TensorType?.Shape is not { } shape)
                problems.Add(new Fault(FaultCodes.NetworkInput, path, $"input {v.Name} has no tensor shape", "export the model with one"));
            else
                inputs.Add(
                    new OnnxInput(
                        v.Name,
                        v.Type.TensorType.ElemType,
                        [
                            .. shape.Dim.Select(d =>
                                d.ValueCase == TensorShapeProto.Types.Dimension.ValueOneofCase.DimValue ? d.DimValue : (long?)null
                            ),
                        ]
                    )
                );
        }

        OnnxNode[] nodes = [.. graph.Node.Select((n, i) => new OnnxNode(n, i))];
        IReadOnlyList<OnnxNode> sorted = Sort(path, nodes, [.. inputs.Select(i => i.Name), .. initializers.Keys], problems);
        var made = nodes.SelectMany(n => n.Outputs).Concat(inputs.Select(i => i.Name)).Concat(initializers.Keys).ToHashSet();
        string[] outputs = [.. graph.Output.Select(o => o.Name)];
        if (outputs.Length == 0)
            problems.Add(new Fault(FaultCodes.BrokenGraph, path, "the graph has no output"));
        problems.AddRange(
            outputs.Where(o => !made.Contains(o)).Select(o => new Fault(FaultCodes.BrokenGraph, path, $"output {o} is made by no node"))
        );
        if (problems.Count > 0)
            throw new ImportException(problems);
        return new OnnxGraph
        {
            Path = path,
            Opset = (int)opset!.Value,
            Producer = $"{model.ProducerName} {model.ProducerVersion}".Trim(),
            Nodes = sorted,
            Initializers = initializers,
            Inputs = inputs,
            Outputs = outputs,
        };
    }

    // Nodes in an order in which every value is made before it is used, the file's order where that is possible.
    private static List<OnnxNode> Sort(string path, OnnxNode[] nodes, IEnumerable<string> given, List<Fault> problems)
    {
        var makers = new Dictionary<string, OnnxNode>();
        foreach (OnnxNode node in nodes)
        {
            foreach (string output in node.Outputs.Where(o => o.Length > 0))
            {
                if (!makers.TryAdd(output, node))
                    problems.Add(
                        new Fault(FaultCodes.BrokenGraph, path, $"value {output} is made by {makers[output].Name} and by {node.Name}")
                    );
            }
        }

        var ready = given.ToHashSet();
        foreach (OnnxNode node in nodes)
        {
            foreach (string input in node.Inputs.Where(i => i.Length > 0 && !ready.Contains(i) && !makers.ContainsKey(i)))
            {
                problems.Add(
                    new Fault(
                        FaultCodes.BrokenGraph,
                        path,
                        $"node {node.Name} ({node.Operator}) reads {input}, which is no input, no initialiser and made by no node"
                    )
                );
                ready.Add(input);
            }
        }

        var sorted = new List<OnnxNode>(nodes.Length);
        var waiting = new Dictionary<OnnxNode, int>();
        var readers = new Dictionary<string, List<OnnxNode>>();
        var queue = new PriorityQueue<OnnxNode, int>();
        var position = nodes.Select((n, i) => (n, i)).ToDictionary(p => p.n, p => p.i);
        foreach (OnnxNode node in nodes)
        {
            List<string> needed = [.. node.Inputs.Where(i => i.Length > 0 && !ready.Contains(i)).Distinct()];
            waiting[node] = needed.Count;
            foreach (string input in needed)
            {
                if (!readers.TryGetValue(input, out List<OnnxNode>? list))
                    readers[input] = list = [];
                list.Add(node);
            }

            if (needed.Count == 0)
                queue.Enqueue(node, position[node]);
        }

        while (queue.TryDequeue(out OnnxNode? node, out _))
        {
            sorted.Add(node);
            foreach (
                OnnxNode reader in node.Outputs.Distinct().SelectMany(o => readers.TryGetValue(o, out List<OnnxNode>? list) ? list : [])
            )
            {
                if (--waiting[reader] == 0)
                    queue.Enqueue(reader, position[reader]);
            }
        }

        if (sorted.Count < nodes.Length && problems.Count == 0)
            problems.Add(
                new Fault(
                    FaultCodes.BrokenGraph,
                    path,
                    $"the graph has a cycle through {string.Join(", ", nodes.Except(sorted).Take(4).Select(n => n.Name))}"
                )
            );
        return sorted;
    }
}
