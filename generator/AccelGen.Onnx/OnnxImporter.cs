using AccelGen.Files;
using AccelGen.Network;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;

namespace AccelGen.Onnx;

/// <summary>What became of a node.</summary>
/// <param name="Node">Name of the node.</param>
/// <param name="Operator">ONNX operator.</param>
/// <param name="Outcome">The layer it became, the layer it was fused into, or "folded".</param>
public sealed record ImportedNode(string Node, string Operator, string Outcome);

/// <summary>An output of the file and where its elements are.</summary>
/// <param name="Name">Name of the output.</param>
/// <param name="Tensor">Tensor of the network.</param>
/// <param name="Dims">Sizes in the file.</param>
/// <param name="Elements">Index in the tensor's NHWC array of each element, in the order of the file.</param>
public sealed record ImportedOutput(string Name, int Tensor, IReadOnlyList<long> Dims, IReadOnlyList<int> Elements)
{
    /// <summary>The output's values in the order of the file.</summary>
    /// <param name="nhwc">Values of <see cref="Tensor"/>.</param>
    public float[] Order(float[] nhwc) => [.. Elements.Select(i => nhwc[i])];
}

/// <summary>A network and how it came about.</summary>
/// <param name="Network">The network, residual blocks marked.</param>
/// <param name="Nodes">Every node of the file and what it became.</param>
/// <param name="Outputs">Every output of the file.</param>
/// <param name="Opset">Operator set of the file.</param>
/// <param name="Producer">What wrote the file.</param>
public sealed record ImportResult(
    FloatNetwork Network,
    IReadOnlyList<ImportedNode> Nodes,
    IReadOnlyList<ImportedOutput> Outputs,
    int Opset,
    string Producer
)
{
    /// <summary>The quantised network where the file prescribes how activations are quantised (QDQ or QLinear operators), else
    /// null.</summary>
    public QuantizedNetwork? Quantized { get; init; }
}

/// <summary>
/// Reads networks in ONNX format, operator sets 9 to 21, for one image (batch 1): float ones, and quantised ones in QDQ form
/// or with QLinear operators. What is not supported is refused by name and place, all at once.
/// </summary>
public sealed partial class OnnxImporter
{
    private readonly OnnxGraph graph;

    // The nodes of the file, operators on quantised tensors written out.
    private readonly List<OnnxNode> nodes = [];
    private readonly Dictionary<OnnxNode, InputException> broken = [];

    // The file says how activations are quantised.
    private readonly bool quantized;
    private readonly LayerGraph network;
    private readonly Dictionary<string, Value> values = [];
    private readonly Dictionary<string, View> computed = [];
    private readonly List<Fault> problems = [];
    private readonly List<(OnnxNode Node, string? Outcome)> report = [];

    // The layer that stands for a node, the last of several, and the node of each layer.
    private readonly Dictionary<OnnxNode, string> layerOf = [];
    private readonly Dictionary<string, OnnxNode> nodeOf = [];
    private readonly ILookup<string, OnnxNode?> readers;

    // Tensors of whole numbers: what arg max gives.
    private readonly HashSet<int> indices = [];

    // What no output of the graph depends on: it is left out, whatever it is.
    private readonly HashSet<OnnxNode> unread;
    private int[] inputTensors = [];

    private OnnxImporter(OnnxGraph graph)
    {
        this.graph = graph;
        foreach (OnnxNode node in graph.Nodes)
        {
            try
            {
                nodes.AddRange(QLinearOperators.Operators.Contains(node.Operator) ? QLinearOperators.Expand(node) : [node]);
            }
            catch (InputException e)
            {
                nodes.Add(node);
                broken[node] = e;
            }
        }

        var dependent = graph.Inputs.Select(i => i.Name).ToHashSet();
        foreach (OnnxNode node in nodes.Where(n => n.Operator != "Shape" && n.Inputs.Any(dependent.Contains)))
        {
            dependent.UnionWith(node.Outputs);
            quantized |= node.Operator is "QuantizeLinear" or "DequantizeLinear" && dependent.Contains(node.Inputs[0]);
        }

        var wanted = graph.Outputs.ToHashSet();
        unread = [.. nodes];
        for (int i = nodes.Count - 1; i >= 0; i--)
        {
            if (nodes[i].Outputs.Any(wanted.Contains) && unread.Remove(nodes[i]))
                wanted.UnionWith(nodes[i].Inputs);
        }

        network = new LayerGraph { Quantized = quantized };
        // Null stands for an output of the graph.
        readers = nodes
            .Except(unread)
            .SelectMany(n => n.Inputs.Select(i => (Name: i, Node: (OnnxNode?)n)))
            .Concat(graph.Outputs.Select(o => (Name: o, Node: (OnnxNode?)null)))
            .ToLookup(p => p.Name, p => p.Node);
    }

    private static readonly HashSet<string> ElementwiseOperators =
    [
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Pow",
        "Relu",
        "Clip",
        "Sigmoid",
        "Tanh",
        "LeakyRelu",
        "Elu",
        "Gelu",
        "com.microsoft.Gelu",
        "com.microsoft.QuickGelu",
        "HardSwish",
        "HardSigmoid",
        "Erf",
        "Exp",
        "Sqrt",
        "Reciprocal",
        "Neg",
        "Abs",
        "Softplus",
        "Mish",
        "PRelu",
        "Identity",
        "Dropout",
        "Cast",
        "Max",
        "Min",
        "Round",
    ];

    // What a name stands for while the graph is walked.
    private abstract record Value;

    // A constant; its data are read when they are needed.
    private sealed record Constant(OnnxTensor Tensor) : Value;

    // Elements of a tensor, and a function of each that no layer computes yet, with the last node that made it.
    private sealed record Activation(View View, Pointwise Function, OnnxNode? Origin = null) : Value
    {
        public Activation(View view)
            : this(view, Pointwise.X) { }

        // ONNX type of the counts where the value is quantised, 0 where it is real.
        public int Counts { get; init; }

        public bool IsPlain => ReferenceEquals(Function, Pointwise.X);

        public bool Same(Activation other) => View.Same(other.View) && Function == other.Function;
    }

    // A step of a normalisation written out: the mean of an activation, its distance from it, the square of that, ...
    private sealed record Moment(MomentKind Kind, Activation X, int[] Axes, bool KeepsAxes, double Epsilon = 0) : Value
    {
        public bool Of(Moment other) => X.Same(other.X) && Axes.SequenceEqual(other.Axes);
    }

    private enum MomentKind
    {
        Mean,
        Centred,
        Square,
        Variance,
        Deviation,
        InverseDeviation,
    }

    // An image with less than any number around it: what exporters write before a maximum over windows.
    private sealed record LowestPadded(Activation X, int Top, int Left, int Bottom, int Right) : Value;

    // The result of a node that was refused: its readers are not reported again.
    private sealed record Refused : Value;

    /// <summary>Imports a file.</summary>
    /// <param name="path">ONNX file.</param>
    /// <param name="inputSize">Rows and columns where the file leaves them open.</param>
    /// <exception cref="ImportException">The file cannot be used; every reason is listed.</exception>
    public static ImportResult Import(string path, Size? inputSize = null) => new OnnxImporter(OnnxGraph.Load(path)).Run(inputSize);

    private ImportResult Run(Size? inputSize)
    {
        int[] inputs = inputTensors = [.. graph.Inputs.Select(i => AddInput(i, inputSize)).Where(t => t >= 0)];
        foreach (OnnxInput refused in graph.Inputs.Where(i => !values.ContainsKey(i.Name)))
            values[refused.Name] = new Refused();
        if (graph.Inputs.Count != 1)
            problems.Add(
                new Fault(
                    FaultCodes.UnsupportedForm,
                    graph.Path,
                    $"has {graph.Inputs.Count} inputs ({string.Join(", ", graph.Inputs.Select(i => i.Name))})",
                    "networks with one image input are supported"
                )
            );
        foreach (OnnxNode node in nodes)
        {
            if (unread.Contains(node))
            {
                report.Add((node, null));
                continue;
            }

            try
            {
                Visit(node);
            }
            catch (Exception e) when (e is InputException or OverflowException)
            {
                Refuse(node, e);
            }
        }

        var outputs = new List<(string Name, View View)>();
        foreach (string name in graph.Outputs)
        {
            Value value = Lookup(name);
            if (value is Constant)
                problems.Add(new Fault(FaultCodes.NetworkOutput, graph.Path, $"output {name} is constant"));
            if (value is Constant or Refused)
                continue;
            // An output that no node makes is an input as it is.
            if (nodes.Find(n => n.Outputs.Contains(name)) is not { } maker)
            {
                outputs.Add((name, ((Activation)value).View));
                continue;
            }

            try
            {
                outputs.Add((name, Complete(maker, Plain(maker, value))));
            }
            catch (Exception e) when (e is InputException or OverflowException)
            {
                Refuse(maker, e);
            }
        }

        if (problems.Count > 0)
            throw Failure(problems);
        FloatNetwork result;
        IReadOnlyDictionary<int, int> numbers;
        try
        {
            result = network.Finish(
                System.IO.Path.GetFileNameWithoutExtension(graph.Path),
                inputs,
                [.. outputs.Select(o => o.View.Tensor)],
                out numbers
            );
        }
        catch (Exception e) when (e is InputException or OverflowException)
        {
            throw Failure([.. Faults(e).Select(f => f.At(graph.Path))]);
        }

        if (result.Inputs.Count == 0 || result.Layers.Count == 0)
            throw Failure([new Fault(FaultCodes.NetworkOutput, graph.Path, "no layer depends on the input")]);
        if (quantized && NotQuantised(result).ToArray() is { Length: > 0 } left)
            throw Failure(left);
        FloatNetwork marked = ResidualBlocks.Mark(result);
        // What the quantiser and the compiler could not take whatever the values are.
        if (Quantizer.StructureProblems(marked, Place) is { Count: > 0 } structure)
            throw Failure([.. structure.Select(f => f.At(graph.Path))]);
        QuantizedNetwork? prescribed = null;
        try
        {
            if (quantized)
                prescribed = Quantizer.QuantizeAsPrescribed(marked);
        }
        catch (InputException e)
        {
            throw Failure(e.At(graph.Path).Faults);
        }

        return new ImportResult(
            marked,
            Report(),
            [.. outputs.Select(o => new ImportedOutput(o.Name, numbers[o.View.Tensor], o.View.Sizes, network.Elements(o.View)))],
            graph.Opset,
            graph.Producer
        )
        {
            Quantized = prescribed,
        };
    }

    // In the order of the file; a node that became several is reported once.
    private ImportedNode[] Report() =>
        [
            .. report
                .Where(r => !r.Node.IsHelper)
                .GroupBy(r => r.Node.Index)
                .Select(g => g.Last())
                .Select(r => new ImportedNode(
                    r.Node.Name,
                    r.Node.Written,
                    r.Outcome ?? (layerOf.TryGetValue(r.Node, out string? layer) ? network.Outcome(layer) : "not needed")
                )),
        ];

    // A layer by the node that it stands for, or that needed it as a copy.
    private string Place(string layer) =>
        (
            layerOf.FirstOrDefault(p => p.Value == layer).Key
            ?? nodeOf.GetValueOrDefault(layer)
            ?? nodes.Find(n => layer.StartsWith(n.Name + "/copy", StringComparison.Ordinal))
        )
            is { } node
            ? $"node {node.Name} ({node.Written})"
            : $"layer {layer}";

    private ImportException Failure(IEnumerable<Fault> reasons) => new(reasons) { Nodes = Report() };

    // What is wrong with a node: said of it, or that a size of it is beyond 64 bits.
    private static IReadOnlyList<Fault> Faults(Exception e) =>
        e is InputException input ? input.Faults : [new Fault(FaultCodes.TooLarge, e.Message)];

    private void Refuse(OnnxNode node, Exception reason)
    {
        problems.AddRange(Faults(reason).Select(f => f.At($"{graph.Path}: node {node.Name} ({node.Written})")));
        report.Add((node, $"refused: {reason.Message}"));
        foreach (string output in node.Outputs)
            values[output] = new Refused();
    }

    private int AddInput(OnnxInput input, Size? size)
    {
        string place = $"{graph.Path}: input {input.Name}";
        if (input.ElementType != 1 && !(quantized && input.ElementType is UInt8 or Int8))
        {
            problems.Add(
                new Fault(
                    FaultCodes.UnsupportedForm,
                    string.Empty,
                    $"{place} has element type {OnnxTensor.TypeName(input.ElementType)}",
                    "float is supported, and int8 and uint8 in quantised networks"
                )
            );
            return -1;
        }

        if (input.Dims.Count != 4)
        {
            problems.Add(
                new Fault(
                    FaultCodes.UnsupportedForm,
                    string.Empty,
                    $"{place} has rank {input.Dims.Count}",
                    "an image [N, C, H, W] is supported, or [N, H, W, C] where a Transpose to that order reads it"
                )
            );
            return -1;
        }

        bool channelsLast = IsChannelsLast(input.Name);
        Layout layout = channelsLast ? new Layout([], [1], [2], [3]) : Layout.Image;

        if (input.Dims[0] is not (null or 1))
            problems.Add(
                new Fault(
                    FaultCodes.NetworkInput,
                    string.Empty,
                    $"{place} has batch {input.Dims[0]}",
                    "export the model with batch 1 or an open batch"
                )
            );
        long? channels = input.Dims[layout.Channels[0]],
            height = input.Dims[layout.Rows[0]] ?? size?.Rows,
            width = input.Dims[layout.Columns[0]] ?? size?.Columns;
        if (channels is null || height is null || width is null)
        {
            problems.Add(
                new Fault(
                    FaultCodes.NetworkInput,
                    $"{place} leaves sizes open: give them with --input-size HxW"
                        + (channels is null ? "; the channels must be fixed in the file" : string.Empty)
                )
            );
            return -1;
        }

        if (size is { } s && (s.Rows != height || s.Columns != width))
            problems.Add(
                new Fault(
                    FaultCodes.NetworkInput,
                    string.Empty,
                    $"{place} is {height}x{width} in the file",
                    $"--input-size says {s.Rows}x{s.Columns}"
                )
            );
        if (channels is < 1 or > 65535 || height is < 1 or > 65535 || width is < 1 or > 65535)
        {
            problems.Add(
                new Fault(
                    FaultCodes.NetworkInput,
                    string.Empty,
                    $"{place} is {(channelsLast ? $"[1, {height}, {width}, {channels}]" : $"[1, {channels}, {height}, {width}]")}",
                    "each size must be 1 to 65535"
                )
            );
            return -1;
        }

        int tensor;
        try
        {
            tensor = network.AddTensor(input.Name, new TensorShape(1, (int)height, (int)width, (int)channels));
        }
        catch (InputException e)
        {
            problems.AddRange(e.At(place).Faults);
            return -1;
        }

        long[] sizes = channelsLast ? [1, height.Value, width.Value, channels.Value] : [1, channels.Value, height.Value, width.Value];
        values[input.Name] = new Activation(network.Whole(tensor, sizes, layout))
        {
            Counts = input.ElementType == 1 ? 0 : input.ElementType,
        };
        return tensor;
    }

    // An input [N, H, W, C]: whatever decides on the order of its axes is a Transpose to [N, C, H, W].
    private bool IsChannelsLast(string input)
    {
        bool turned = false;
        var open = new Queue<string>([input]);
        var seen = new HashSet<string> { input };
        while (open.TryDequeue(out string? name))
        {
            foreach (OnnxNode reader in readers[name].OfType<OnnxNode>().Where(r => r.Operator != "Shape" && r.Outputs.Count > 0))
            {
                if (reader.Operator == "Transpose" && reader.TryIntegers("perm") is [0, 3, 1, 2])
                    turned = true;
                else if (!ElementwiseOperators.Contains(reader.Operator) && reader.Operator is not ("QuantizeLinear" or "DequantizeLinear"))
                    return false;
                else if (seen.Add(reader.Outputs[0]))
                    open.Enqueue(reader.Outputs[0]);
            }
        }

        return turned;
    }

    private Value Lookup(string name)
    {
        if (values.TryGetValue(name, out Value? value))
            return value;
        if (!graph.Initializers.TryGetValue(name, out Proto.TensorProto? initializer))
        {
            OnnxNode? maker = nodes.Find(n => n.Outputs.Contains(name));
            problems.Add(
                new Fault(
                    FaultCodes.UnsupportedForm,
                    graph.Path,
                    $"node {maker?.Name} ({maker?.Written}): its output {name} is used, which is not supported",
                    "the first output is"
                )
            );
            return values[name] = new Refused();
        }

        try
        {
            return values[name] = new Constant(OnnxTensor.Read(initializer));
        }
        catch (Exception e) when (e is InputException or OverflowException)
        {
            problems.AddRange(Faults(e).Select(f => f.At($"{graph.Path}: initialiser {name}")));
            return values[name] = new Refused();
        }
    }

    private void Visit(OnnxNode node)
    {
        if (broken.TryGetValue(node, out InputException? reason))
            throw reason;
        Value?[] inputs = [.. node.Inputs.Select(i => i.Length == 0 ? null : Lookup(i))];
        if (inputs.Any(i => i is Refused))
        {
            foreach (string output in node.Outputs)
                values[output] = new Refused();
            report.Add((node, "not examined: it reads the result of what was refused"));
            return;
        }

        if (node.Operator is "Constant")
        {
            Fold(
                node,
                node.Tensor("value")
                    ?? (
                        node.Has("value_int") ? OnnxTensor.Of([], [node.Integer("value_int", 0)])
                        : node.Has("value_float") ? OnnxTensor.Of([], [node.Real("value_float", 0)])
                        : node.Integers("value_ints") is { } ints ? OnnxTensor.Of([ints.Length], ints)
                        : node.Reals("value_floats") is { } floats ? OnnxTensor.Of([floats.Length], floats)
                        : throw new InputException(FaultCodes.MissingOperand, "the constant is neither a tensor nor numbers")
                    )
            );
            return;
        }

        if (node.Operator == "Shape" && inputs is [{ } measured])
        {
            long[] dims = Dims(measured);
            int from = (int)Math.Clamp(node.Integer("start", 0) is var s && s < 0 ? s + dims.Length : s, 0, dims.Length);
            int to = (int)Math.Clamp(node.Integer("end", dims.Length) is var e && e < 0 ? e + dims.Length : e, from, dims.Length);
            Fold(node, OnnxTensor.Of([to - from], dims[from..to]));
            return;
        }

        if (inputs.Length > 0 && inputs.All(i => i is null or Constant))
        {
            OnnxTensor?[] constants = [.. inputs.Select(i => (i as Constant)?.Tensor)];
            if (node.Operator == "Split" && constants[0] is { } whole)
            {
                int axis = ConstantFolder.Axis(node.Integer("axis", 0), whole.Dims.Length);
                long at = 0;
                foreach ((string output, int size) in node.Outputs.Zip(SplitSizes(node, whole.Dims, inputs)))
                {
                    if (output.Length > 0)
                        values[output] = new Constant(ConstantFolder.Take(whole, axis, at, size));
                    at += size;
                }

                report.Add((node, "folded to a constant"));
                return;
            }

            if (node.Operator is "QuantizeLinear" or "DequantizeLinear" && constants[0] is not null)
            {
                Fold(node, node.Operator == "QuantizeLinear" ? QuantizeConstant(node, inputs) : DequantizeConstant(node, inputs));
                return;
            }

            if (constants[0] is not null)
            {
                Fold(
                    node,
                    ConstantFolder.Operators.Contains(node.Operator)
                        ? ConstantFolder.Evaluate(node, constants)
                        : EvaluateAsLayers(node, inputs)
                );
                return;
            }
        }

        report.Add((node, null));
        if (inputs.Length == 0 || inputs[0] is null)
            throw new InputException(FaultCodes.MissingOperand, "input 0 is missing");
        CheckFinite(node, inputs);
        string? note =
            inputs.Any(i => i is Gathered) ? LowerGathered(node, inputs)
            : inputs.Any(i => i is Activation { Counts: not 0 }) ? LowerCounts(node, inputs)
            : Lower(node, inputs);
        if (note is not null)
            report[^1] = (node, note);
    }

    // Bounds of a clamp, and what surrounds an image before a maximum, may be infinite; scales are looked at where they are read.
    private static void CheckFinite(OnnxNode node, Value?[] inputs)
    {
        if (node.Operator is "Clip" or "Max" or "Min" or "Pad" or "QuantizeLinear" or "DequantizeLinear")
            return;
        for (int i = 0; i < inputs.Length; i++)
        {
            if (inputs[i] is Constant { Tensor.Floats: { } floats } && Array.FindIndex(floats, f => !float.IsFinite(f)) is >= 0 and int bad)
                throw new InputException(
                    FaultCodes.NotFinite,
                    $"input {i} ({node.Inputs[i]})",
                    $"element {bad} is {floats[bad]}",
                    "weights must be finite"
                );
        }
    }

    // The value of a node whose inputs are all constant, by the layers that it would be.
    private OnnxTensor EvaluateAsLayers(OnnxNode node, Value?[] inputs)
    {
        CheckFinite(node, inputs);
        var inner = new OnnxImporter(
            new OnnxGraph
            {
                Path = graph.Path,
                Opset = graph.Opset,
                Producer = graph.Producer,
                Nodes = [node],
                Initializers = new Dictionary<string, Proto.TensorProto>(),
                Inputs = [],
                Outputs = [node.Outputs[0]],
            }
        );
        // What the layers read as activations: the first operand, and both of a matrix product.
        Value?[] operands =
        [
            .. inputs.Select(
                (v, i) =>
                    v is Constant { Tensor: { Floats: { } floats } t } && (i == 0 || (i == 1 && node.Operator == "MatMul"))
                        ? new Activation(inner.ConstantView(node, t, floats, t.Dims, ConstantLayout(node, i, t.Dims, graph.Opset)))
                        : v
            ),
        ];
        inner.report.Add((node, null));
        inner.Lower(node, operands);
        View result = inner.Complete(node, inner.Plain(node, inner.values[node.Outputs[0]]));
        FloatNetwork evaluated = inner.network.Finish(node.Name, [], [result.Tensor], out IReadOnlyDictionary<int, int> numbers);
        float[] values = FloatExecutor.Run(evaluated, new Dictionary<int, float[]>())[numbers[result.Tensor]];
        return OnnxTensor.Of(result.Sizes, [.. inner.network.Elements(result).Select(i => values[i])]);
    }

    // The layout in which a constant operand needs no movement.
    private static Layout ConstantLayout(OnnxNode node, int input, long[] dims, int opset)
    {
        int rank = dims.Length;
        int[] all = [.. Enumerable.Range(0, rank)];
        if (node.Operator == "MatMul" && rank > 1)
            return new Layout(all[..^2], [], [rank - 1 - input], [rank - 2 + input]);
        int[] channels = node.Operator switch
        {
            "Softmax"
            or "ArgMax"
            or "LayerNormalization"
                when rank > 0
                    && ConstantFolder.Axis(
                        node.Integer(
                            "axis",
                            node.Operator == "ArgMax" ? 0
                                : node.Operator == "Softmax" && opset < 13 ? 1
                                : -1
                        ),
                        rank
                    )
                        is var axis => node.Operator == "LayerNormalization" || (node.Operator == "Softmax" && opset < 13)
                ? all[axis..]
                : [axis],
            "Gemm" => [node.Integer("transA", 0) != 0 ? 0 : rank - 1],
            _ when rank == 4 => [1],
            _ => rank > 0 ? [rank - 1] : [],
        };
        int[] pixels = [.. all.Except(channels)];
        return rank == 4 && channels is [1] ? new Layout([0], [2], [3], [1]) : new Layout([], [], pixels, channels);
    }

    // Adds the layers of a node; the text says what became of a node that adds none.
    private string? Lower(OnnxNode node, Value?[] inputs)
    {
        if (inputs.Any(i => i is LowestPadded) && node.Operator is not ("MaxPool" or "GlobalMaxPool" or "Identity" or "Dropout" or "Cast"))
            throw new InputException(
                FaultCodes.WrongOperand,
                "reads an image padded with -infinity, which only a maximum over windows may (MaxPool)"
            );
        switch (node.Operator)
        {
            case "Conv":
                return Convolution(node, inputs);
            case "BatchNormalization":
                return Normalise(node, inputs);
            case "LayerNormalization":
                return LayerNormalise(node, inputs);
            case "Gemm":
                return Gemm(node, inputs);
            case "MatMul":
                return Bind(node, MatMul(node, Source(inputs, 0), Source(inputs, 1)));
            case "Softmax":
                return Softmax(node, inputs);
            case "ArgMax":
                return ArgMax(node, inputs);
            case "Add" or "Sub" or "Mul" or "Div" or "Pow":
                return BindElementwise(node, Elementwise(node, node.Operator, Source(inputs, 0), Source(inputs, 1)));
            case "Cast"
                when node.Integer("to", 1) is not (1 or 10 or 11 or 16) and var type
                    && !(Source(inputs, 0) is Activation { View.Tensor: var cast } && indices.Contains(cast)):
                throw new InputException(
                    FaultCodes.UnsupportedForm,
                    string.Empty,
                    $"rounds activations to {OnnxTensor.TypeName((int)type)}, which is not supported",
                    "casts between float types are"
                );
            case "Max" or "Min" when inputs.Length == 2 && inputs.Any(i => i is Constant { Tensor: { Count: 1, Floats: not null } }):
                return BindElementwise(node, Bound(node, node.Operator, inputs));
            case "Max" or "Min":
                throw new InputException(FaultCodes.WrongOperand, "one activation and one number are supported");
            case "QuantizeLinear":
                return QuantizeNode(node, inputs);
            case "DequantizeLinear":
                return DequantizeNode(node, inputs);
            case "Identity" or "Dropout" or "Cast":
                values[node.Outputs[0]] = Source(inputs, 0);
                return "passes through";
            case "Flatten" or "Reshape" or "Squeeze" or "Unsqueeze":
                return Reshape(node, inputs);
            case "Transpose":
                return Transpose(node, inputs);
            case "Expand":
                Activation expanded = Operand(node, inputs, 0);
                return Bind(
                    node,
                    expanded with
                    {
                        View = expanded.View.Expand(BroadcastDims(Dims(expanded), ConstantFolder.Whole(Parameter(inputs, 1, "shape")))),
                    },
                    "repeats the value"
                );
            case "Slice":
                return Slice(node, inputs);
            case "Split":
                return Split(node, inputs);
            case "Gather":
                return Gather(node, inputs);
            case "Pad":
                return Pad(node, inputs);
            case "Concat":
                return Concatenate(node, inputs);
            case "GlobalAveragePool" or "ReduceMean" or "ReduceSum":
                return Reduce(node, inputs);
            case "AveragePool" or "MaxPool" or "GlobalMaxPool":
                return Pool(node, inputs);
            case "Resize" or "Upsample":
                return Resize(node, inputs);
            default:
                if (ElementwiseOperators.Contains(node.Operator))
                    return BindElementwise(node, Unary(node, inputs));
                throw new InputException(FaultCodes.UnsupportedOperator, $"the operator is not supported{Advice(node.Operator)}");
        }
    }

    // What helps with an operator that is often met and not supported.
    private static string Advice(string op) =>
        op switch
        {
            "Einsum" => ": write it as Transpose, Reshape and MatMul before export",
            "ConvTranspose" or "DepthToSpace" => ": use Resize followed by Conv",
            "InstanceNormalization" or "GroupNormalization" => ": use BatchNormalization or LayerNormalization",
            "ConvInteger"
            or "MatMulInteger"
            or "DynamicQuantizeLinear"
            or "com.microsoft.DynamicQuantizeMatMul"
            or "com.microsoft.MatMulIntegerToFloat" => ": its scale is known only at run time; quantise the model statically (QDQ format)",
            _ when op.StartsWith("com.microsoft.Q", StringComparison.Ordinal) => ": quantise the model in QDQ format",
            "If" or "Loop" or "Scan" => ": control flow must be resolved before export",
            "LSTM" or "GRU" or "RNN" => ": recurrent layers are not vision transformer layers",
            _ => "; supported are Conv, MatMul, Gemm, BatchNormalization, LayerNormalization, Softmax, the usual "
                + "activations, Add, Sub, Mul, Div, MaxPool, AveragePool, GlobalAveragePool, ReduceMean, ReduceSum, "
                + "Resize, Concat, Split, Slice, Pad, Gather, Reshape, Transpose, Expand, ArgMax and arithmetic on constants",
        };

    private void Fold(OnnxNode node, OnnxTensor value)
    {
        values[node.Outputs[0]] = new Constant(value);
        report.Add((node, "folded to a constant"));
    }

    // Gives a node's result its name; the note holds where no layer took the node's.
    private string? Bind(OnnxNode node, Value result, string? note = null)
    {
        values[node.Outputs[0]] = result;
        return layerOf.ContainsKey(node) ? null : note;
    }

    // A function stays open while only elementwise nodes go on from it: they may make a known activation of it.
    private string? BindElementwise(OnnxNode node, Value result)
    {
        if (result is Activation { Function.Size: > Pointwise.MaxSize })
            throw new InputException(
                FaultCodes.UnsupportedForm,
                $"a chain of more than {Pointwise.MaxSize} elementwise steps is not supported"
            );
        OnnxNode?[] next = [.. readers[node.Outputs[0]]];
        bool open =
            next.All(r => r is not null && (ElementwiseOperators.Contains(r.Operator) || r.Operator == "QuantizeLinear"))
            || next is [{ Operator: "Softmax" or "Reshape" or "Transpose" or "Squeeze" or "Unsqueeze" or "Flatten" or "Slice" or "Split" }];
        return Bind(
            node,
            open || result is not Activation a ? result : new Activation(Compute(node, a)),
            result is Moment ? "part of a layer normalisation" : "part of an activation"
        );
    }

    // A layer of a node, and its output.
    private int Emit(OnnxNode node, TensorShape shape, Func<string, int, FloatLayer> layer)
    {
        string name = network.Unique(node.Name);
        int output = network.AddTensor(name, shape);
        network.Add(layer(name, output));
        layerOf[node] = name;
        nodeOf[name] = node;
        return output;
    }

    private static Value Source(Value?[] inputs, int i) =>
        i < inputs.Length && inputs[i] is { } v ? v : throw new InputException(FaultCodes.MissingOperand, $"input {i} is missing");

    // An input as an activation whose function may be open.
    private Activation Operand(OnnxNode node, Value?[] inputs, int i) =>
        Source(inputs, i) switch
        {
            Constant => throw new InputException(FaultCodes.WrongOperand, $"input {i} must be an activation, not a constant"),
            Moment m => Force(node, m),
            Activation a => a,
            _ => throw new InputException(FaultCodes.MissingOperand, $"input {i} is missing"),
        };

    // An input as elements of a tensor.
    private View Input(OnnxNode node, Value?[] inputs, int i) => Plain(node, Operand(node, inputs, i));

    private View Plain(OnnxNode node, Value value) =>
        value switch
        {
            Moment m => Plain(node, Force(node, m)),
            Activation a => Compute(node, a),
            LowestPadded => throw new InputException(
                FaultCodes.WrongOperand,
                "an image padded with -infinity can only be read by a maximum over windows (MaxPool)"
            ),
            _ => throw new InputException(FaultCodes.WrongOperand, "must be an activation, not a constant"),
        };

    private static OnnxTensor Parameter(Value?[] inputs, int i, string what) =>
        Source(inputs, i) is Constant c ? c.Tensor : throw new InputException(FaultCodes.WrongOperand, $"the {what} must be constant");

    private static float[] Floats(OnnxTensor t, string what) =>
        t.Floats ?? throw new InputException(FaultCodes.WrongOperand, $"the {what} must be floats, not integers");

    private static long[] Dims(Value v) =>
        v switch
        {
            Constant c => c.Tensor.Dims,
            Activation a => a.View.Sizes,
            Moment m => MomentDims(m),
            LowestPadded p => p.X.View.Sizes is var s ? [s[0], s[1], s[2] + p.Top + p.Bottom, s[3] + p.Left + p.Right] : [],
            _ => [],
        };

    private static string Text(long[] dims) => $"[{string.Join(", ", dims)}]";
}
