using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Network.Onnx;

/// <summary>What became of a node.</summary>
/// <param name="Node">Name of the node.</param>
/// <param name="Operator">ONNX operator.</param>
/// <param name="Outcome">The layer it became, the layer it was fused into, or "folded".</param>
public sealed record ImportedNode(string Node, string Operator, string Outcome);

/// <summary>A network and how it came about.</summary>
/// <param name="Network">The network, residual blocks marked.</param>
/// <param name="Nodes">Every node of the file and what it became.</param>
/// <param name="Opset">Operator set of the file.</param>
/// <param name="Producer">What wrote the file.</param>
public sealed record ImportResult(FloatNetwork Network, IReadOnlyList<ImportedNode> Nodes, int Opset, string Producer);

/// <summary>
/// Reads float convolutional networks in ONNX format, operator sets 9 to 21, for one image (batch 1). What is not
/// supported is refused by name and place, all at once.
/// </summary>
public sealed class OnnxImporter
{
    private readonly OnnxGraph graph;
    private readonly Dictionary<string, Value> values = [];
    private readonly Dictionary<string, int> uses = [];
    private readonly List<FloatTensor> tensors = [];
    private readonly List<int> tensorUses = [];
    private readonly List<FloatLayer> layers = [];
    private readonly List<string> problems = [];
    private readonly List<ImportedNode> report = [];

    private OnnxImporter(OnnxGraph graph) => this.graph = graph;

    // What a name stands for while the graph is walked.
    private abstract record Value;

    // A constant; its data are read when they are needed.
    private sealed record Constant(OnnxTensor Tensor) : Value;

    // An activation. Dims are those of the graph: [1, C, H, W], or a reshape that keeps the order of elements.
    private sealed record Activation(int Tensor, long[] Dims) : Value;

    // Channels and pixels selected from an activation, not yet copied: slices and pads until something reads them.
    private sealed record Selection(int Source, int StepY, int StepX, int FirstChannel, int Channels, int PadBefore, int PadAfter, int Height, int Width, string Node) : Value
    {
        public long[] Dims => [1, PadBefore + Channels + PadAfter, Height, Width];
    }

    // The result of a node that was refused: its readers are not reported again.
    private sealed record Refused : Value;

    /// <summary>Imports a file.</summary>
    /// <param name="path">ONNX file.</param>
    /// <param name="inputSize">Rows and columns where the file leaves them open.</param>
    /// <exception cref="ImportException">The file cannot be used; every reason is listed.</exception>
    public static ImportResult Import(string path, (int Height, int Width)? inputSize = null) => new OnnxImporter(OnnxGraph.Load(path)).Run(inputSize);

    private ImportResult Run((int Height, int Width)? inputSize)
    {
        foreach (string name in graph.Nodes.SelectMany(n => n.Inputs).Concat(graph.Outputs).Where(n => n.Length > 0))
            uses[name] = uses.GetValueOrDefault(name) + 1;
        int[] inputs = [.. graph.Inputs.Select(i => AddInput(i, inputSize)).Where(t => t >= 0)];
        foreach (OnnxInput refused in graph.Inputs.Where(i => !values.ContainsKey(i.Name)))
            values[refused.Name] = new Refused();
        if (graph.Inputs.Count != 1)
            problems.Add($"{graph.Path}: has {graph.Inputs.Count} inputs ({string.Join(", ", graph.Inputs.Select(i => i.Name))}); networks with one image input are supported");
        foreach (OnnxNode node in graph.Nodes)
        {
            try
            {
                Visit(node);
            }
            catch (Exception e) when (e is FormatException or OverflowException)
            {
                problems.Add($"{graph.Path}: node {node.Name} ({node.Operator}): {e.Message}");
                foreach (string output in node.Outputs)
                    values[output] = new Refused();
            }
        }

        var outputs = new List<int>();
        foreach (string name in graph.Outputs)
        {
            switch (Lookup(name))
            {
                case Activation a:
                    outputs.Add(a.Tensor);
                    break;
                case Selection s:
                    outputs.Add(Copy(s).Tensor);
                    break;
                case Constant:
                    problems.Add($"{graph.Path}: output {name} is constant");
                    break;
            }
        }

        if (problems.Count > 0)
            throw new ImportException(problems);
        FloatNetwork network = Tidy(inputs, outputs);
        if (network.Inputs.Count == 0 || network.Layers.Count == 0)
            throw new ImportException([$"{graph.Path}: no layer depends on the input"]);
        return new ImportResult(ResidualBlocks.Mark(network), report, graph.Opset, graph.Producer);
    }

    private int AddInput(OnnxInput input, (int Height, int Width)? size)
    {
        string place = $"{graph.Path}: input {input.Name}";
        if (input.ElementType != 1)
        {
            problems.Add($"{place} has element type {OnnxTensor.TypeName(input.ElementType)}; float is supported");
            return -1;
        }

        if (input.Dims.Count != 4)
        {
            problems.Add($"{place} has rank {input.Dims.Count}; an image [N, C, H, W] is supported");
            return -1;
        }

        if (input.Dims[0] is not (null or 1))
            problems.Add($"{place} has batch {input.Dims[0]}; export the model with batch 1 or an open batch");
        long? channels = input.Dims[1], height = input.Dims[2] ?? size?.Height, width = input.Dims[3] ?? size?.Width;
        if (channels is null || height is null || width is null)
        {
            problems.Add($"{place} leaves sizes open: give them with --input-size HxW" + (channels is null ? "; the channels must be fixed in the file" : string.Empty));
            return -1;
        }

        if (size is { } s && (s.Height != height || s.Width != width))
            problems.Add($"{place} is {height}x{width} in the file; --input-size says {s.Height}x{s.Width}");
        if (channels is < 1 or > 65535 || height is < 1 or > 65535 || width is < 1 or > 65535)
        {
            problems.Add($"{place} is [1, {channels}, {height}, {width}]; each size must be 1 to 65535");
            return -1;
        }

        return Bind(input.Name, [1, channels.Value, height.Value, width.Value]);
    }

    private Value Lookup(string name)
    {
        if (values.TryGetValue(name, out Value? value))
            return value;
        try
        {
            return values[name] = new Constant(OnnxTensor.Read(graph.Initializers[name]));
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            problems.Add($"{graph.Path}: initialiser {name}: {e.Message}");
            return values[name] = new Refused();
        }
    }

    private void Visit(OnnxNode node)
    {
        Value?[] inputs = [.. node.Inputs.Select(i => i.Length == 0 ? null : Lookup(i))];
        if (inputs.Any(i => i is Refused))
        {
            foreach (string output in node.Outputs)
                values[output] = new Refused();
            return;
        }

        if (node.Operator is "Constant")
        {
            Fold(node, node.Tensor("value") ?? (node.Has("value_int") ? OnnxTensor.Of([], [node.Integer("value_int", 0)])
                : node.Has("value_float") ? OnnxTensor.Of([], [node.Real("value_float", 0)])
                : node.Integers("value_ints") is { } ints ? OnnxTensor.Of([ints.Length], ints)
                : node.Reals("value_floats") is { } floats ? OnnxTensor.Of([floats.Length], floats)
                : throw new FormatException("the constant is neither a tensor nor numbers")));
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

        if (ConstantFolder.Operators.Contains(node.Operator) && inputs.All(i => i is null or Constant))
        {
            Fold(node, ConstantFolder.Evaluate(node, [.. inputs.Select(i => (i as Constant)?.Tensor)]));
            return;
        }

        switch (node.Operator)
        {
            case "Conv":
                Convolution(node, inputs);
                break;
            case "BatchNormalization":
                Normalise(node, inputs);
                break;
            case "Gemm" or "MatMul":
                Linear(node, inputs);
                break;
            case "Relu":
                Clamp(node, Input(inputs, 0), OutputRange.Relu);
                break;
            case "Clip":
                Clamp(node, Input(inputs, 0), new OutputRange(Bound("min", 1, float.NegativeInfinity), Bound("max", 2, float.PositiveInfinity)));
                break;
            case "Add":
                Add(node, inputs);
                break;
            case "GlobalAveragePool" or "AveragePool" or "ReduceMean":
                Pool(node, inputs);
                break;
            case "Identity" or "Dropout":
                Alias(node, Source(inputs, 0), "passes through");
                break;
            case "Flatten" or "Reshape" or "Squeeze" or "Unsqueeze":
                Reshape(node, inputs);
                break;
            case "Slice":
                Slice(node, inputs);
                break;
            case "Pad":
                Pad(node, inputs);
                break;
            default:
                throw new FormatException("the operator is not supported; supported are Conv, BatchNormalization, Gemm, MatMul with a constant, Relu, Clip, Add, AveragePool, GlobalAveragePool, ReduceMean over pixels, Flatten, Reshape, Slice, Pad and arithmetic on shapes");
        }

        float Bound(string attribute, int input, float absent) => input < inputs.Length && inputs[input] is { } v
            ? (v as Constant)?.Tensor.Floats is { Length: 1 } f ? f[0] : throw new FormatException($"{attribute} must be a constant")
            : node.Real(attribute, absent);
    }

    private void Convolution(OnnxNode node, Value?[] inputs)
    {
        Activation x = Image(inputs, 0);
        TensorShape from = tensors[x.Tensor].Shape;
        OnnxTensor weights = Parameter(inputs, 1, "weights");
        if (weights.Dims.Length != 4 || weights.Floats is null)
            throw new FormatException($"weights have shape [{string.Join(", ", weights.Dims)}]; four axes of floats are supported");
        int outputs = (int)weights.Dims[0], perGroup = (int)weights.Dims[1], rows = (int)weights.Dims[2], columns = (int)weights.Dims[3];
        int groups = (int)node.Integer("group", 1);
        if (groups < 1 || outputs < 1 || rows < 1 || columns < 1 || (long)perGroup * groups != from.Channels || outputs % groups != 0)
            throw new FormatException($"weights [{string.Join(", ", weights.Dims)}] with {groups} groups do not fit {from.Channels} input channels");
        if (node.Integers("kernel_shape") is { } kernel && (kernel.Length != 2 || kernel[0] != rows || kernel[1] != columns))
            throw new FormatException($"kernel_shape [{string.Join(", ", kernel)}] differs from the weights' {rows}x{columns}");
        (int, int) stride = Pair(node, "strides"), dilation = Pair(node, "dilations");
        (int Top, int Left, int Bottom, int Right) padding = Padding(node, from, (rows, columns), stride, dilation);
        float[] bias = inputs.Length > 2 && inputs[2] is not null ? Parameter(inputs, 2, "bias").Floats ?? [] : new float[outputs];
        if (bias.Length != outputs)
            throw new FormatException($"the bias has {bias.Length} elements; {outputs} are needed");
        int output = Bind(node.Outputs[0], [1, outputs, Extent(from.Height, rows, stride.Item1, dilation.Item1, padding.Top + padding.Bottom), Extent(from.Width, columns, stride.Item2, dilation.Item2, padding.Left + padding.Right)]);
        Append(node, new FloatConv(node.Name, x.Tensor, output)
        {
            Weights = ToChannelLast(weights.Floats, outputs, perGroup, rows, columns), Bias = [.. bias], Kernel = (rows, columns),
            Stride = stride, Dilation = dilation, Padding = padding, Groups = groups,
        });
    }

    private void Normalise(OnnxNode node, Value?[] inputs)
    {
        Activation x = Image(inputs, 0);
        int channels = tensors[x.Tensor].Shape.Channels;
        float[][] p = [.. new[] { "scale", "bias", "mean", "variance" }.Select((name, i) => Parameter(inputs, i + 1, name).Floats is { } f && f.Length == channels ? f : throw new FormatException($"{name} must have {channels} floats"))];
        if (node.Integer("training_mode", 0) != 0 || node.Outputs.Count(o => o.Length > 0 && uses.ContainsKey(o)) > 1)
            throw new FormatException("training mode is not supported: export the model for inference");
        float epsilon = node.Real("epsilon", 1e-5f);
        double[] factor = [.. p[0].Select((s, c) => s / Math.Sqrt(p[3][c] + (double)epsilon))];
        if (factor.Any(f => !double.IsFinite(f)))
            throw new FormatException("variance + epsilon must be positive");
        if (Producer(x) is { } at && layers[at] is FloatConv { Residual: null } conv && conv.Range == OutputRange.Unbounded && !conv.IsDataMovement)
        {
            int run = conv.Weights.Length / channels;
            layers[at] = conv with
            {
                Weights = [.. conv.Weights.Select((w, i) => (float)(w * factor[i / run]))],
                Bias = [.. conv.Bias.Select((b, c) => (float)(((b - p[2][c]) * factor[c]) + p[1][c]))],
            };
            Alias(node, x, $"fused into {conv.Name}");
            return;
        }

        Append(node, Diagonal(node, x, [.. factor.Select(f => (float)f)], [.. factor.Select((f, c) => (float)(p[1][c] - (p[2][c] * f)))]));
    }

    private void Linear(OnnxNode node, Value?[] inputs)
    {
        if (Input(inputs, 0) is not Activation x || x.Dims.Length != 2)
            throw new FormatException($"the left operand has shape [{string.Join(", ", Dims(inputs[0]!))}]; an activation [1, K] is supported");
        if (node.Integer("transA", 0) != 0)
            throw new FormatException("transA = 1 is not supported");
        OnnxTensor b = Parameter(inputs, 1, "right operand");
        if (b.Dims.Length != 2 || b.Floats is null)
            throw new FormatException($"the right operand has shape [{string.Join(", ", b.Dims)}]; a float matrix is supported");
        bool transposed = node.Integer("transB", 0) != 0;
        int k = (int)b.Dims[transposed ? 1 : 0], n = (int)b.Dims[transposed ? 0 : 1];
        TensorShape from = tensors[x.Tensor].Shape;
        if (k != from.Elements || n < 1)
            throw new FormatException($"the operands [{string.Join(", ", x.Dims)}] and [{string.Join(", ", b.Dims)}] do not fit");
        float alpha = node.Real("alpha", 1), beta = node.Real("beta", 1);
        // Elements of the flattened image are ordered channel, row, column; the kernel covers the whole image.
        var channelFirst = new float[n * (long)k];
        for (int o = 0; o < n; o++)
        {
            for (int i = 0; i < k; i++)
                channelFirst[((long)o * k) + i] = alpha * b.Floats[transposed ? ((long)o * k) + i : ((long)i * n) + o];
        }

        var bias = new float[n];
        if (inputs.Length > 2 && inputs[2] is not null)
        {
            float[] c = Parameter(inputs, 2, "bias").Floats ?? [];
            if (c.Length != n && c.Length != 1)
                throw new FormatException($"the bias has {c.Length} elements; {n} or 1 are supported");
            for (int o = 0; o < n; o++)
                bias[o] = beta * c[c.Length == 1 ? 0 : o];
        }

        int output = Bind(node.Outputs[0], [1, n], new TensorShape(1, 1, 1, n));
        Append(node, new FloatConv(node.Name, x.Tensor, output)
        {
            Weights = ToChannelLast(channelFirst, n, from.Channels, from.Height, from.Width), Bias = bias, Kernel = (from.Height, from.Width), Stride = (from.Height, from.Width),
        });
    }

    private void Clamp(OnnxNode node, Value input, OutputRange range)
    {
        if (!(range.Low <= range.High))
            throw new FormatException($"the bounds {range.Low} and {range.High} leave no value");
        Activation x = input as Activation ?? Copy((Selection)input);
        if (Producer(x) is { } at && layers[at] is not FloatConv { IsDataMovement: true })
        {
            OutputRange old = layers[at].Range;
            layers[at] = layers[at] with { Range = new OutputRange(Math.Clamp(old.Low, range.Low, range.High), Math.Clamp(old.High, range.Low, range.High)) };
            Alias(node, x, $"fused into {layers[at].Name}");
            return;
        }

        int channels = tensors[x.Tensor].Shape.Channels;
        Append(node, Diagonal(node, x, [.. Enumerable.Repeat(1f, channels)], new float[channels]) with { Range = range });
    }

    private void Add(OnnxNode node, Value?[] inputs)
    {
        if (inputs.Length != 2)
            throw new FormatException("two inputs are needed");
        if (inputs.Any(i => i is Constant))
        {
            AddConstant(node, Input(inputs, inputs[0] is Constant ? 1 : 0), ((Constant)inputs[inputs[0] is Constant ? 0 : 1]!).Tensor);
            return;
        }

        long[] dims = Dims(inputs[0]!);
        if (!dims.SequenceEqual(Dims(inputs[1]!)))
            throw new FormatException($"adds [{string.Join(", ", dims)}] and [{string.Join(", ", Dims(inputs[1]!))}]; two activations of one shape are supported");
        Activation[] operands = [.. inputs.Select((_, i) => Input(inputs, i) as Activation ?? Copy((Selection)inputs[i]!))];
        TensorShape shape = tensors[operands[0].Tensor].Shape;
        if (shape != tensors[operands[1].Tensor].Shape)
            throw new FormatException("adds activations whose pixels and channels are arranged differently");
        // The convolution that ends the branch takes the addition into its post-processing.
        for (int side = 0; side < 2; side++)
        {
            if (operands[0].Tensor != operands[1].Tensor && Producer(operands[side]) is { } at
                && layers[at] is FloatConv { Residual: null, IsDataMovement: false } conv && conv.Range == OutputRange.Unbounded)
            {
                layers.RemoveAt(at);
                int sum = Bind(node.Outputs[0], operands[side].Dims, shape);
                layers.Add(conv with { Output = sum, Residual = operands[1 - side].Tensor });
                report.Add(new ImportedNode(node.Name, node.Operator, $"fused into {conv.Name}"));
                return;
            }
        }

        int output = Bind(node.Outputs[0], dims, shape);
        Append(node, new FloatAdd(node.Name, operands[0].Tensor, output) { Residual = operands[1].Tensor });
    }

    private void AddConstant(OnnxNode node, Value input, OnnxTensor constant)
    {
        Activation x = input as Activation ?? Copy((Selection)input);
        int channels = tensors[x.Tensor].Shape.Channels;
        bool perChannel = constant.Count == 1 || (constant.Count == channels
            && (constant.Dims.Length >= 3 ? constant.Dims[^3] == channels && x.Dims.Length == 4 : x.Dims.Length == 2 && constant.Dims[^1] == channels));
        if (constant.Floats is null || !perChannel)
            throw new FormatException($"adds a constant of shape [{string.Join(", ", constant.Dims)}] to [{string.Join(", ", x.Dims)}]; one value or one per channel is supported");
        float[] add = [.. Enumerable.Range(0, channels).Select(c => constant.Floats[constant.Count == 1 ? 0 : c])];
        if (Producer(x) is { } at && layers[at] is FloatConv { IsDataMovement: false } conv && conv.Range == OutputRange.Unbounded)
        {
            layers[at] = conv with { Bias = [.. conv.Bias.Zip(add, (b, a) => b + a)] };
            Alias(node, x, $"fused into {conv.Name}");
            return;
        }

        Append(node, Diagonal(node, x, [.. Enumerable.Repeat(1f, channels)], add));
    }

    private void Pool(OnnxNode node, Value?[] inputs)
    {
        Activation x = Image(inputs, 0);
        TensorShape from = tensors[x.Tensor].Shape;
        if (node.Operator == "AveragePool")
        {
            if (node.Integer("ceil_mode", 0) != 0)
                throw new FormatException("ceil_mode = 1 is not supported");
            if (node.Integers("dilations") is { } d && d.Any(v => v != 1))
                throw new FormatException("dilations are not supported");
            (int, int) kernel = node.Has("kernel_shape") ? Pair(node, "kernel_shape") : throw new FormatException("kernel_shape is missing"), stride = Pair(node, "strides");
            (int Top, int Left, int Bottom, int Right) padding = Padding(node, from, kernel, stride, (1, 1));
            if (padding != default && node.Integer("count_include_pad", 0) == 0)
                throw new FormatException("padding that does not count in the average (count_include_pad = 0) is not supported");
            int pooled = Bind(node.Outputs[0], [1, from.Channels, Extent(from.Height, kernel.Item1, stride.Item1, 1, padding.Top + padding.Bottom), Extent(from.Width, kernel.Item2, stride.Item2, 1, padding.Left + padding.Right)]);
            Append(node, new FloatAveragePool(node.Name, x.Tensor, pooled) { Kernel = kernel, Stride = stride, Padding = padding });
            return;
        }

        bool keep = true;
        if (node.Operator == "ReduceMean")
        {
            long[] axes = node.Integers("axes") ?? (inputs.Length > 1 && inputs[1] is Constant c ? ConstantFolder.Whole(c.Tensor) : []);
            if (!axes.Select(a => ConstantFolder.Axis(a, 4)).Order().SequenceEqual([2, 3]))
                throw new FormatException($"reduces axes [{string.Join(", ", axes)}]; the mean over rows and columns [2, 3] is supported");
            keep = node.Integer("keepdims", 1) == 1;
        }

        int output = Bind(node.Outputs[0], keep ? [1, from.Channels, 1, 1] : [1, from.Channels], new TensorShape(1, 1, 1, from.Channels));
        Append(node, new FloatAveragePool(node.Name, x.Tensor, output) { Kernel = (from.Height, from.Width), Stride = (from.Height, from.Width) });
    }

    private void Reshape(OnnxNode node, Value?[] inputs)
    {
        Activation x = Input(inputs, 0) as Activation ?? Copy((Selection)inputs[0]!);
        long[] dims = node.Operator switch
        {
            "Flatten" => ConstantFolder.Axis(node.Integer("axis", 1), x.Dims.Length + 1) is var a ? [x.Dims[..a].Aggregate(1L, (p, d) => p * d), x.Dims[a..].Aggregate(1L, (p, d) => p * d)] : [],
            "Reshape" => ConstantFolder.ReshapeDims(x.Dims, ConstantFolder.Whole(Parameter(inputs, 1, "shape")), node.Integer("allowzero", 0) == 1),
            _ => ConstantFolder.Reshaped(node.Operator, x.Dims, node.Integers("axes") ?? (inputs.Length > 1 && inputs[1] is not null ? ConstantFolder.Whole(Parameter(inputs, 1, "axes")) : null)),
        };
        Alias(node, x with { Dims = dims }, "changes the shape only");
    }

    private void Slice(OnnxNode node, Value?[] inputs)
    {
        Value x = Input(inputs, 0);
        long[] dims = Dims(x);
        if (dims.Length != 4)
            throw new FormatException($"slices [{string.Join(", ", dims)}]; an image [1, C, H, W] is supported");
        SliceRange[] r = SliceRange.Of(node, dims, [.. inputs.Select((v, i) => i == 0 || v is null ? null : (v as Constant)?.Tensor ?? throw new FormatException("starts, ends, axes and steps must be constants"))]);
        if (r[0].Count != 1 || r[1].Step != 1 || r[2].Step < 1 || r[3].Step < 1 || r[2].Start != 0 || r[3].Start != 0 || r.Any(s => s.Count < 1))
            throw new FormatException("a run of channels, and every n-th row and column from the first on, are supported");
        Selection s = AsSelection(x, node, padded: false);
        Bound(node, s with
        {
            StepY = s.StepY * (int)r[2].Step, StepX = s.StepX * (int)r[3].Step, FirstChannel = s.FirstChannel + (int)r[1].Start,
            Channels = (int)r[1].Count, Height = (int)r[2].Count, Width = (int)r[3].Count, Node = node.Name,
        });
    }

    private void Pad(OnnxNode node, Value?[] inputs)
    {
        Value x = Input(inputs, 0);
        long[] dims = Dims(x), pads = node.Integers("pads") ?? ConstantFolder.Whole(Parameter(inputs, 1, "pads"));
        if (node.Text("mode", "constant") != "constant")
            throw new FormatException($"mode {node.Text("mode", "constant")} is not supported; constant is");
        OnnxTensor? fill = inputs.Length > 2 && inputs[2] is not null ? Parameter(inputs, 2, "value") : null;
        if (node.Real("value", 0) != 0 || fill?.Floats?.Any(v => v != 0) == true)
            throw new FormatException("only padding with 0 is supported");
        if (inputs.Length > 3 && inputs[3] is not null)
            throw new FormatException("padding by axes is not supported: give pads for every axis");
        if (dims.Length != 4 || pads.Length != 8 || pads.Any(p => p is < 0 or > 65535) || pads[0] + pads[4] != 0)
            throw new FormatException($"pads [{string.Join(", ", pads)}] of [{string.Join(", ", dims)}]; non-negative pads of an image's channels, rows and columns are supported");
        if (pads[2] + pads[3] + pads[6] + pads[7] == 0)
        {
            Selection s = AsSelection(x, node, padded: true);
            Bound(node, s with { PadBefore = s.PadBefore + (int)pads[1], PadAfter = s.PadAfter + (int)pads[5], Node = node.Name });
            return;
        }

        if (pads[1] + pads[5] != 0)
            throw new FormatException("pads channels and pixels at once; one of the two is supported");
        Activation image = x as Activation ?? Copy((Selection)x);
        TensorShape from = tensors[image.Tensor].Shape;
        int output = Bind(node.Outputs[0], [1, from.Channels, from.Height + pads[2] + pads[6], from.Width + pads[3] + pads[7]]);
        Append(node, new FloatConv(node.Name, image.Tensor, output)
        {
            Weights = [.. Enumerable.Repeat(1f, from.Channels)], Bias = new float[from.Channels], Kernel = (1, 1), Groups = from.Channels,
            Padding = ((int)pads[2], (int)pads[3], (int)pads[6], (int)pads[7]), IsDataMovement = true,
        });
    }

    // A selection to go on from; a padded one is copied first where what follows could cut into the padding.
    private Selection AsSelection(Value x, OnnxNode node, bool padded)
    {
        if (x is Selection s && (padded || s.PadBefore + s.PadAfter == 0))
            return s;
        Activation a = x as Activation ?? Copy((Selection)x);
        TensorShape shape = tensors[a.Tensor].Shape;
        if (a.Dims.Length != 4)
            throw new FormatException($"reads [{string.Join(", ", a.Dims)}]; an image [1, C, H, W] is supported");
        return new Selection(a.Tensor, 1, 1, 0, shape.Channels, 0, 0, shape.Height, shape.Width, node.Name);
    }

    private void Bound(OnnxNode node, Selection selection)
    {
        values[node.Outputs[0]] = selection;
        report.Add(new ImportedNode(node.Name, node.Operator, "selects channels and pixels"));
    }

    // A 1x1 convolution with weights 0 and 1 that carries out a selection.
    private Activation Copy(Selection s)
    {
        TensorShape from = tensors[s.Source].Shape;
        int channels = s.PadBefore + s.Channels + s.PadAfter;
        var weights = new float[(long)channels * from.Channels];
        for (int c = 0; c < s.Channels; c++)
            weights[((long)(s.PadBefore + c) * from.Channels) + s.FirstChannel + c] = 1;
        string name = s.Node;
        int output = tensors.Count;
        tensors.Add(new FloatTensor(output, name, new TensorShape(1, s.Height, s.Width, channels)));
        tensorUses.Add(2); // never fused away: the copy stays what it is
        layers.Add(new FloatConv(name, s.Source, output)
        {
            Weights = weights, Bias = new float[channels], Kernel = (1, 1), Stride = (s.StepY, s.StepX), IsDataMovement = true,
        });
        return new Activation(output, s.Dims);
    }

    private FloatConv Diagonal(OnnxNode node, Activation x, float[] factors, float[] bias) =>
        new(node.Name, x.Tensor, Bind(node.Outputs[0], x.Dims, tensors[x.Tensor].Shape)) { Weights = factors, Bias = bias, Kernel = (1, 1), Groups = factors.Length };

    // Index of the layer that makes an activation which nothing else reads, or null.
    private int? Producer(Activation x)
    {
        int at = layers.FindLastIndex(l => l.Output == x.Tensor);
        return at >= 0 && tensorUses[x.Tensor] == 1 ? at : null;
    }

    private int Bind(string name, long[] dims, TensorShape? shape = null)
    {
        foreach (long d in dims)
        {
            if (d is < 1 or > 1 << 30)
                throw new FormatException($"the result has shape [{string.Join(", ", dims)}]; sizes must be positive");
        }

        OnnxTensor.CountOf(dims);
        int id = tensors.Count;
        tensors.Add(new FloatTensor(id, name, shape ?? new TensorShape(1, (int)dims[2], (int)dims[3], (int)dims[1])));
        tensorUses.Add(uses.GetValueOrDefault(name));
        values[name] = new Activation(id, dims);
        return id;
    }

    private void Alias(OnnxNode node, Value value, string outcome)
    {
        if (value is Activation a)
            tensorUses[a.Tensor] += uses.GetValueOrDefault(node.Outputs[0]) - 1;
        values[node.Outputs[0]] = value;
        report.Add(new ImportedNode(node.Name, node.Operator, outcome));
    }

    private void Append(OnnxNode node, FloatLayer layer)
    {
        layers.Add(layer);
        string kind = layer switch { FloatConv { IsDataMovement: true } => "copy", FloatConv => "convolution", FloatAveragePool => "average pooling", _ => "addition" };
        report.Add(new ImportedNode(node.Name, node.Operator, $"{kind}, output {tensors[layer.Output].Shape}"));
    }

    private void Fold(OnnxNode node, OnnxTensor value)
    {
        values[node.Outputs[0]] = new Constant(value);
        report.Add(new ImportedNode(node.Name, node.Operator, "folded to a constant"));
    }

    private static Value Source(Value?[] inputs, int i) => i < inputs.Length && inputs[i] is { } v ? v : throw new FormatException($"input {i} is missing");

    private static Value Input(Value?[] inputs, int i) => Source(inputs, i) is var v && v is not Constant ? v : throw new FormatException($"input {i} must be an activation, not a constant");

    private Activation Image(Value?[] inputs, int i)
    {
        Value v = Input(inputs, i);
        Activation a = v as Activation ?? Copy((Selection)v);
        TensorShape s = tensors[a.Tensor].Shape;
        return a.Dims.SequenceEqual([1, s.Channels, s.Height, s.Width])
            ? a
            : throw new FormatException($"input {i} has shape [{string.Join(", ", a.Dims)}]; an image [1, C, H, W] is needed");
    }

    private static OnnxTensor Parameter(Value?[] inputs, int i, string what) => Source(inputs, i) is Constant c ? c.Tensor : throw new FormatException($"the {what} must be constant");

    private static long[] Dims(Value v) => v switch { Constant c => c.Tensor.Dims, Activation a => a.Dims, Selection s => s.Dims, _ => [] };

    private static (int, int) Pair(OnnxNode node, string attribute)
    {
        long[] v = node.Integers(attribute) ?? [1, 1];
        return v.Length == 2 && v.All(n => n is >= 1 and <= 65535) ? ((int)v[0], (int)v[1]) : throw new FormatException($"{attribute} [{string.Join(", ", v)}] must be two positive sizes");
    }

    private static (int Top, int Left, int Bottom, int Right) Padding(OnnxNode node, TensorShape from, (int Rows, int Columns) kernel, (int Rows, int Columns) stride, (int Rows, int Columns) dilation)
    {
        string auto = node.Text("auto_pad", "NOTSET");
        if (auto is "SAME_UPPER" or "SAME_LOWER")
        {
            int Total(int size, int k, int s, int d) => Math.Max(0, ((((size + s - 1) / s) - 1) * s) + ((k - 1) * d) + 1 - size);
            int y = Total(from.Height, kernel.Rows, stride.Rows, dilation.Rows), x = Total(from.Width, kernel.Columns, stride.Columns, dilation.Columns);
            return auto == "SAME_UPPER" ? (y / 2, x / 2, y - (y / 2), x - (x / 2)) : (y - (y / 2), x - (x / 2), y / 2, x / 2);
        }

        if (auto is not ("NOTSET" or "VALID"))
            throw new FormatException($"auto_pad {auto} is not supported");
        long[] p = auto == "VALID" ? [0, 0, 0, 0] : node.Integers("pads") ?? [0, 0, 0, 0];
        return p.Length == 4 && p.All(v => v is >= 0 and <= 65535) ? ((int)p[0], (int)p[1], (int)p[2], (int)p[3]) : throw new FormatException($"pads [{string.Join(", ", p)}] must be four sizes, 0 or more");
    }

    private static long Extent(int size, int kernel, int stride, int dilation, int padding)
    {
        long reach = size + padding - (((long)kernel - 1) * dilation) - 1;
        return reach >= 0 ? (reach / stride) + 1 : throw new FormatException($"the kernel is larger than the padded input of {size + padding}");
    }

    private static float[] ToChannelLast(float[] w, int outputs, int channels, int rows, int columns)
    {
        var result = new float[w.Length];
        int i = 0;
        for (int k = 0; k < outputs; k++)
        {
            for (int c = 0; c < channels; c++)
            {
                for (int y = 0; y < rows; y++)
                {
                    for (int x = 0; x < columns; x++, i++)
                        result[(((((k * rows) + y) * columns) + x) * channels) + c] = w[i];
                }
            }
        }

        return result;
    }

    // Drops what no output needs, and numbers the tensors in order of use.
    private FloatNetwork Tidy(int[] inputs, List<int> outputs)
    {
        var needed = outputs.ToHashSet();
        var kept = new List<FloatLayer>();
        foreach (FloatLayer layer in Enumerable.Reverse(layers).Where(l => needed.Contains(l.Output)))
        {
            kept.Insert(0, layer);
            needed.Add(layer.Input);
            if (layer.Residual is int r)
                needed.Add(r);
        }

        int[] order = [.. Enumerable.Range(0, tensors.Count).Where(t => needed.Contains(t))];
        var number = order.Select((t, i) => (t, i)).ToDictionary(p => p.t, p => p.i);
        return new FloatNetwork(
            System.IO.Path.GetFileNameWithoutExtension(graph.Path),
            [.. order.Select((t, i) => tensors[t] with { Id = i })],
            [.. kept.Select(l => l with { Input = number[l.Input], Output = number[l.Output], Residual = l.Residual is int r ? number[r] : null })],
            [], [.. inputs.Where(number.ContainsKey).Select(t => number[t])], [.. outputs.Select(t => number[t])]);
    }
}
