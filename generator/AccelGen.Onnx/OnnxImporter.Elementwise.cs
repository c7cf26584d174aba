using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Onnx;

/// <content>Elementwise operators: activations, and arithmetic on two operands.</content>
public sealed partial class OnnxImporter
{
    // A view whose dimensions are single atoms, and which of them make up each dimension of the original.
    private sealed record Arrangement(View Singles, int[][] Groups, Layout Layout);

    private Value Unary(OnnxNode node, Value?[] inputs)
    {
        if (Source(inputs, 0) is Moment m)
        {
            if (m.Kind == MomentKind.Variance && node.Operator == "Sqrt")
                return m with { Kind = MomentKind.Deviation };
            if (m.Kind == MomentKind.Deviation && node.Operator == "Reciprocal")
                return m with { Kind = MomentKind.InverseDeviation };
        }

        Activation x = Operand(node, inputs, 0);
        Pointwise f = x.Function;
        if (node.Operator == "PRelu" && Parameter(inputs, 1, "slope") is { Count: not 1 } slopes)
            return Sloped(node, x, new Constant(slopes));
        Pointwise Apply(ActivationKind kind, float alpha = 0, float beta = 0) =>
            new Applied(new Network.Float.Activation(kind, alpha, beta), f);
        return x with
        {
            Origin = node,
            Function = node.Operator switch
            {
                "Relu" => new Clamped(OutputRange.Relu, f),
                "Clip" => new Clamped(ClipRange(), f),
                "Sigmoid" => Apply(ActivationKind.Sigmoid),
                "Tanh" => Apply(ActivationKind.Tanh),
                "LeakyRelu" => Apply(ActivationKind.LeakyRelu, node.Real("alpha", 0.01f)),
                "PRelu" => Apply(ActivationKind.LeakyRelu, Floats(Parameter(inputs, 1, "slope"), "slope")[0]),
                "Elu" => Apply(ActivationKind.Elu, node.Real("alpha", 1)),
                "Gelu" or "com.microsoft.Gelu" => Apply(
                    node.Text("approximate", "none") == "tanh" ? ActivationKind.GeluTanh : ActivationKind.Gelu
                ),
                "com.microsoft.QuickGelu" => new Combined(
                    '*',
                    f,
                    new Applied(
                        new Network.Float.Activation(ActivationKind.Sigmoid),
                        new Combined('*', f, new Number(node.Real("alpha", 1.702f)))
                    )
                ),
                "HardSwish" => Apply(ActivationKind.HardSwish),
                "HardSigmoid" => Apply(ActivationKind.HardSigmoid, node.Real("alpha", 0.2f), node.Real("beta", 0.5f)),
                "Erf" => Apply(ActivationKind.Erf),
                "Exp" => Apply(ActivationKind.Exp),
                "Sqrt" => Apply(ActivationKind.Sqrt),
                "Reciprocal" => Apply(ActivationKind.Reciprocal),
                "Abs" => Apply(ActivationKind.Abs),
                "Softplus" => Apply(ActivationKind.Softplus),
                "Round" => new Rounding(f),
                "Mish" => new Combined(
                    '*',
                    f,
                    new Applied(new Network.Float.Activation(ActivationKind.Tanh), Apply(ActivationKind.Softplus))
                ),
                _ => new Combined('*', f, new Number(-1)),
            },
        };

        OutputRange ClipRange()
        {
            float low = Bound("min", 1, float.NegativeInfinity),
                high = Bound("max", 2, float.PositiveInfinity);
            return low <= high
                ? new OutputRange(low, high)
                : throw new InputException(FaultCodes.IllegalAttribute, $"the bounds {low} and {high} leave no value");
        }

        float Bound(string attribute, int input, float absent) =>
            input < inputs.Length && inputs[input] is { } v
                ? (v as Constant)?.Tensor.Floats is { Length: 1 } c
                    ? c[0]
                    : throw new InputException(FaultCodes.WrongOperand, $"{attribute} must be a constant")
                : node.Real(attribute, absent, infinite: true);
    }

    // The larger or smaller of an activation and a number.
    private Activation Bound(OnnxNode node, string op, Value?[] inputs)
    {
        int at = Source(inputs, 0) is Constant ? 1 : 0;
        Activation x = Operand(node, inputs, at);
        float bound = Floats(Parameter(inputs, 1 - at, "bound"), "bound")[0];
        return x with
        {
            Origin = node,
            Function = new Clamped(
                op == "Max" ? new OutputRange(bound, float.PositiveInfinity) : new OutputRange(float.NegativeInfinity, bound),
                x.Function
            ),
        };
    }

    // Values that a layer has written: an open function of an activation becomes layers here, once.
    private View Compute(OnnxNode node, Activation a)
    {
        if (a.IsPlain)
            return a.View;
        string key = $"{a.View.Key}={a.Function}";
        if (computed.TryGetValue(key, out View? known))
            return known;
        // The layers are of the node that made the function, not of the one that reads it.
        OnnxNode maker = a.Origin ?? node;
        Arrangement at = Arrange(a.View, []);
        int tensor = network.Arrange(at.Singles, at.Layout, false, maker.Name);
        return computed[key] = Result(at, Write(maker, a.Function, tensor, a.View.Key));
    }

    private int Write(OnnxNode node, Pointwise f, int tensor, string place)
    {
        if (ReferenceEquals(f, Pointwise.X))
            return tensor;
        TensorShape shape = network.Shape(tensor);
        string key = $"{place}>{tensor}={f}";
        if (computed.TryGetValue(key, out View? known))
            return known.Tensor;
        int output = Layer();
        computed[key] = new View(output, []);
        return output;

        int Copy(int from, OutputRange range, Network.Float.Activation activation) =>
            Emit(node, shape, (name, to) => new FloatCopy(name, from, to) { Range = range, Activation = activation });

        int Layer()
        {
            if (f.Affine is var (factor, addend))
                return Scale(node, tensor, [(float)factor], [(float)addend]);
            if (f is Clamped { Inner.Affine: not null } clamp)
                return Copy(Write(node, clamp.Inner, tensor, place), clamp.Range, default);
            if (f is Applied { Inner.Affine: not null } known)
                return Copy(Write(node, known.Inner, tensor, place), OutputRange.Unbounded, known.Activation);
            if (f.Recognise() is { } activation)
                return Copy(tensor, OutputRange.Unbounded, activation);
            switch (f)
            {
                case Clamped c:
                    return Copy(Write(node, c.Inner, tensor, place), c.Range, default);
                case Applied a:
                    return Copy(Write(node, a.Inner, tensor, place), OutputRange.Unbounded, a.Activation);
                case Rounding r:
                    return Copy(
                        Write(node, r.Inner, tensor, place),
                        OutputRange.Unbounded,
                        new Network.Float.Activation(ActivationKind.Round)
                    );
                case Combined { Left: Number n, Operator: '/' } c:
                    return Scale(
                        node,
                        Copy(
                            Write(node, c.Right, tensor, place),
                            OutputRange.Unbounded,
                            new Network.Float.Activation(ActivationKind.Reciprocal)
                        ),
                        [(float)n.Value],
                        [0]
                    );
                case Combined { Left: Number n } c:
                    return Affine(
                        c.Operator == '-' ? -1
                            : c.Operator == '*' ? n.Value
                            : 1,
                        c.Operator == '*' ? 0 : n.Value,
                        c.Right
                    );
                case Combined { Right: Number n } c:
                    return Affine(
                        c.Operator == '*' ? n.Value
                            : c.Operator == '/' ? 1 / n.Value
                            : 1,
                        c.Operator == '+' ? n.Value
                            : c.Operator == '-' ? -n.Value
                            : 0,
                        c.Left
                    );
                case Combined c:
                    int left = Write(node, c.Left, tensor, place),
                        right = Write(node, c.Right, tensor, place);
                    if (c.Operator == '/')
                        right = Copy(right, OutputRange.Unbounded, new Network.Float.Activation(ActivationKind.Reciprocal));
                    return Emit(
                        node,
                        shape,
                        (name, to) =>
                            c.Operator is '*' or '/'
                                ? new FloatMultiply(name, left, right, to)
                                : new FloatAdd(name, left, to) { Residual = right, ResidualSubtract = c.Operator == '-' }
                    );
                default:
                    throw new InputException(FaultCodes.UnsupportedForm, "the activation is not supported");
            }
        }

        int Affine(double factor, double addend, Pointwise inner) =>
            Scale(node, Write(node, inner, tensor, place), [(float)factor], [(float)addend]);
    }

    // What is above 0, and what is below it times a slope of its own.
    private Value Sloped(OnnxNode node, Activation x, Constant slopes)
    {
        Activation above = x with { Function = new Clamped(OutputRange.Relu, x.Function) },
            below = x with { Function = new Clamped(new OutputRange(float.NegativeInfinity, 0), x.Function) };
        View over = Compute(node, above),
            under = Compute(node, below);
        // Both are counts of x: 0 is one.
        if (x.IsPlain && network.Fixed(x.View.Tensor) is { } counts)
        {
            network.Fix(over.Tensor, counts);
            network.Fix(under.Tensor, counts);
        }

        return Elementwise(node, "Add", new Activation(over), Elementwise(node, "Mul", new Activation(under), slopes));
    }

    // A factor and an addend per channel, heads included; one of each stands for all.
    private int Scale(OnnxNode node, int tensor, float[] factors, float[] addends)
    {
        TensorShape shape = network.Shape(tensor);
        int channels = shape.Batch * shape.Channels;
        float[] Full(float[] values) => values.Length == 1 ? [.. Enumerable.Repeat(values[0], channels)] : values;
        float[] f = Full(factors),
            b = Full(addends);
        if (f.Concat(b).Any(v => !float.IsFinite(v)))
            throw new InputException(FaultCodes.NotFinite, "a factor or an addend is not finite");
        return f.All(v => v == 1) && b.All(v => v == 0) ? tensor : Emit(node, shape, (name, to) => new ScaleLayer(name, tensor, to, f, b));
    }

    private Value Elementwise(OnnxNode node, string op, Value a, Value b)
    {
        if (op == "Pow")
            return Power(node, a, b);
        if (Normalisation(node, op, a, b) is { } moment)
            return moment;
        a = a is Moment ma ? Force(node, ma) : a;
        b = b is Moment mb ? Force(node, mb) : b;
        char symbol = op switch
        {
            "Add" => '+',
            "Sub" => '-',
            "Mul" => '*',
            _ => '/',
        };
        long[] dims = BroadcastDims(Dims(a), Dims(b));
        if (a is Activation x && b is Constant { Tensor.Count: 1 } right)
            return Open(x, new Combined(symbol, x.Function, new Number(Floats(right.Tensor, "constant")[0])));
        if (b is Activation y && a is Constant { Tensor.Count: 1 } left)
            return Open(y, new Combined(symbol, new Number(Floats(left.Tensor, "constant")[0]), y.Function));
        if (a is Activation p && b is Activation q && p.View.Same(q.View) && p.View.Sizes.SequenceEqual(dims))
            return Open(p, new Combined(symbol, p.Function, q.Function));
        if (a is Activation v && b is Constant c)
            return new Activation(WithConstant(node, symbol, Compute(node, v), c.Tensor, false, dims));
        if (b is Activation w && a is Constant d)
            return new Activation(WithConstant(node, symbol, Compute(node, w), d.Tensor, true, dims));
        if (symbol == '/' && Quotient(node, (Activation)a, (Activation)b) is { } quotient)
            return new Activation(quotient);
        if (symbol is '+' or '-' && Term((Activation)b) is { } term)
            return new Activation(Two(node, symbol, Compute(node, (Activation)a), ((Activation)b).View, dims, term));
        if (symbol is '+' && Term((Activation)a) is { } first)
            return new Activation(Two(node, symbol, Compute(node, (Activation)b), ((Activation)a).View, dims, first));
        if (symbol == '/' && quantized)
            throw new InputException(
                FaultCodes.ReadsCounts,
                string.Empty,
                "divides by an activation, which counts cannot",
                "export LayerNormalization as one node (operator set 17), leave no QuantizeLinear between the two "
                    + "matrix products of a linear attention and their quotient, or quantise the reciprocal and multiply"
            );
        View l = Compute(node, (Activation)a);
        if (symbol == '/')
        {
            Activation divisor = (Activation)b;
            return new Activation(
                Two(
                    node,
                    '*',
                    l,
                    Compute(
                        node,
                        divisor with
                        {
                            Function = new Applied(new Network.Float.Activation(ActivationKind.Reciprocal), divisor.Function),
                        }
                    ),
                    dims
                )
            );
        }

        return new Activation(Two(node, symbol, l, Compute(node, (Activation)b), dims));

        Activation Open(Activation on, Pointwise f) =>
            f.Affine is (1, 0) && on.View.Rank == dims.Length
                ? new Activation(on.View)
                : new Activation(on.View.Rank == dims.Length ? on.View : on.View.Expand(dims), f, node);
    }

    // The factor of a multiple of counts, rounded or not: an addition does both by itself.
    private double? Term(Activation x)
    {
        if (x.IsPlain || network.Fixed(x.View.Tensor) is null)
            return null;
        return x.Function switch
        {
            { Affine: (> 0 and var factor, 0) } => factor,
            Combined { Operator: '*', Left: Rounding { Inner.Affine: (> 0 and var inverse, 0) }, Right: Number { Value: > 0 } step } =>
                inverse * step.Value,
            _ => null,
        };
    }

    private Value Power(OnnxNode node, Value a, Value b)
    {
        if (b is not Constant { Tensor: { Count: 1 } exponent })
            throw new InputException(FaultCodes.WrongOperand, "the exponent must be one constant number");
        double e = exponent.Floats?[0] ?? exponent.Integers![0];
        if (a is Moment m)
        {
            if (m.Kind == MomentKind.Centred && e == 2)
                return m with { Kind = MomentKind.Square };
            if (m.Kind == MomentKind.Variance && e is 0.5 or -0.5)
                return m with { Kind = e > 0 ? MomentKind.Deviation : MomentKind.InverseDeviation };
            a = Force(node, m);
        }

        Activation x = a as Activation ?? throw new InputException(FaultCodes.WrongOperand, "the base must be an activation");
        Pointwise f = x.Function,
            root = new Applied(new Network.Float.Activation(ActivationKind.Sqrt), f);
        return x with
        {
            Origin = node,
            Function = e switch
            {
                1 => f,
                2 => new Combined('*', f, f),
                3 => new Combined('*', f, new Combined('*', f, f)),
                0.5 => root,
                -0.5 => new Applied(new Network.Float.Activation(ActivationKind.Reciprocal), root),
                -1 => new Applied(new Network.Float.Activation(ActivationKind.Reciprocal), f),
                _ => throw new InputException(
                    FaultCodes.UnsupportedForm,
                    string.Empty,
                    $"the exponent {e} is not supported",
                    "-1, -1/2, 1/2, 1, 2 and 3 are"
                ),
            },
        };
    }

    private View WithConstant(OnnxNode node, char symbol, View x, OnnxTensor constant, bool reversed, long[] dims)
    {
        float[] values = Floats(constant, "constant");
        // Counts stay counts: an operand of a sum or a product, not a bias or a weight.
        if (
            quantized
            && constant is { Grid: not null, Count: > 1 }
            && symbol != '/'
            && !(symbol == '-' && reversed)
            && Own(x.Expand(dims)) is { } own
        )
            return Two(
                node,
                symbol,
                x,
                ConstantView(node, constant, values, [.. Enumerable.Repeat(1L, dims.Length - constant.Dims.Length), .. constant.Dims], own),
                dims
            );
        if (symbol == '/')
        {
            if (reversed && quantized)
                throw new InputException(
                    FaultCodes.ReadsCounts,
                    string.Empty,
                    "divides by an activation, which counts cannot",
                    "quantise the reciprocal and multiply"
                );
            if (reversed)
            {
                x = Compute(node, new Activation(x, new Applied(new Network.Float.Activation(ActivationKind.Reciprocal), Pointwise.X)));
            }
            else
            {
                values = [.. values.Select(v => 1 / v)];
                if (values.Any(v => !float.IsFinite(v)))
                    throw new InputException(FaultCodes.NotFinite, "divides by a constant of which an element is 0");
            }
        }

        bool product = symbol is '*' or '/';
        if (symbol == '-' && !reversed)
            values = [.. values.Select(v => -v)];
        if (symbol == '-' && reversed)
            x = Compute(node, new Activation(x, new Combined('*', Pointwise.X, new Number(-1))));
        View main = x.Expand(dims);
        if (main.Dims.Any(d => d.Any(a => a.Axis == TensorAxis.None)))
        {
            // The constant is the larger operand: it becomes a tensor, in the order that its reader would choose.
            View c = ConstantView(
                node,
                constant,
                values,
                dims,
                dims.Length == 4
                    ? new Layout([], [0, 2], [3], [1])
                    : new Layout([], [], [.. Enumerable.Range(0, dims.Length - 1)], [dims.Length - 1])
            );
            return Two(node, product ? '*' : '+', x, c, dims);
        }

        Arrangement at = Arrange(main, []);
        int[] strides = Strides(constant.Dims, dims),
            singles = SingleStrides(at, strides);
        int[] channelDims = [.. at.Layout.Batch, .. at.Layout.Channels];
        int tensor = network.Arrange(at.Singles, at.Layout, false, node.Name);
        TensorShape shape = network.Shape(tensor);
        if (singles.Select((s, i) => (s, i)).All(p => p.s == 0 || channelDims.Contains(p.i)))
        {
            float[] perChannel = Pick(values, at.Singles, singles, channelDims);
            return Result(at, product ? Scale(node, tensor, perChannel, [0]) : Scale(node, tensor, [1], perChannel));
        }

        int[] all = [.. at.Layout.Batch, .. at.Layout.Rows, .. at.Layout.Columns, .. at.Layout.Channels];
        int operand = network.AddTensor($"{node.Name}.constant", shape, Pick(values, at.Singles, singles, all));
        if (ReferenceEquals(values, constant.Floats) && constant.Grid is { } grid)
            network.Fix(operand, grid);
        return Result(
            at,
            Emit(
                node,
                shape,
                (name, to) => product ? new FloatMultiply(name, tensor, operand, to) : new FloatAdd(name, tensor, to) { Residual = operand }
            )
        );
    }

    // The layout that a view has in memory, or null where it repeats elements or an axis joins several.
    private Layout? Own(View v)
    {
        View merged = v with { Dims = [.. v.Dims.Select(View.Merge)] };
        return merged.Dims.All(d => d is [] or [{ Axis: not TensorAxis.None }]) ? Natural(merged, [.. Enumerable.Range(0, v.Rank)]) : null;
    }

    // A constant as a tensor of a layout of its broadcast dimensions.
    private View ConstantView(OnnxNode node, OnnxTensor constant, float[] values, long[] dims, Layout layout)
    {
        int[] order = [.. layout.Batch, .. layout.Rows, .. layout.Columns, .. layout.Channels],
            strides = Strides(constant.Dims, dims);
        var whole = new View(0, [.. dims.Select(d => d > 1 ? new[] { new Atom((int)d, TensorAxis.None, 0) } : [])]);
        int Size(int[] of) => (int)of.Aggregate(1L, (p, d) => p * dims[d]);
        int tensor = network.AddTensor(
            $"{node.Name}.constant",
            new TensorShape(Size(layout.Batch), Size(layout.Rows), Size(layout.Columns), Size(layout.Channels)),
            Pick(values, whole, strides, order)
        );
        if (ReferenceEquals(values, constant.Floats) && constant.Grid is { } grid)
            network.Fix(tensor, grid);
        return network.Whole(tensor, dims, layout);
    }

    private View Two(OnnxNode node, char symbol, View left, View right, long[] dims, double factor = 1)
    {
        View a = left.Expand(dims),
            b = right.Expand(dims);
        bool Repeats(View v) => v.Dims.Any(d => d.Any(x => x.Axis == TensorAxis.None));
        bool swapped = Repeats(a) && !Repeats(b);
        if (swapped)
            (a, b) = (b, a);
        (View main, View other, int[][] groups) = Refine(a, b);
        if (Repeats(main))
            throw new InputException(
                FaultCodes.Arrangement,
                string.Empty,
                $"combines {Text(left.Sizes)} and {Text(right.Sizes)}, each repeated along an axis of the other",
                "one operand of the result's shape is supported"
            );
        var at = new Arrangement(main, groups, Natural(main, [.. Enumerable.Range(0, main.Rank)]));
        int[] pixels = [.. at.Layout.Rows, .. at.Layout.Columns];
        bool None(int[] of) =>
            of.All(d => other.Dims[d].Length == 0 || other.Dims[d][0].Axis == TensorAxis.None) && of.Any(d => other.Dims[d].Length > 0);
        Broadcast broadcast =
            None(pixels) ? Broadcast.Pixels
            : None(at.Layout.Channels) ? Broadcast.Channels
            : Broadcast.None;
        Layout needed = broadcast switch
        {
            Broadcast.Pixels => at.Layout with { Rows = [], Columns = [] },
            Broadcast.Channels => at.Layout with { Channels = [] },
            _ => at.Layout,
        };
        int x = network.Arrange(main, at.Layout, false, node.Name),
            y = network.Arrange(other, needed, false, node.Name);
        TensorShape shape = network.Shape(x);
        if (swapped && factor != 1)
            x = Scale(node, x, [(float)factor], [0]);
        if (symbol == '-' && swapped)
        {
            x = Scale(node, x, [-1], [0]);
            symbol = '+';
        }

        return Result(
            at,
            Emit(
                node,
                shape,
                (name, to) =>
                    symbol == '*'
                        ? new FloatMultiply(name, x, y, to) { Broadcast = broadcast }
                        : new FloatAdd(name, x, to)
                        {
                            Residual = y,
                            ResidualSubtract = symbol == '-',
                            ResidualBroadcast = broadcast,
                            ResidualFactor = swapped ? 1 : (float)factor,
                        }
            )
        );
    }

    // Two views of the same sizes, cut into dimensions of one atom each.
    private (View A, View B, int[][] Groups) Refine(View a, View b)
    {
        var left = new List<Atom[]>();
        var right = new List<Atom[]>();
        var groups = new int[a.Rank][];
        for (int d = 0; d < a.Rank; d++)
        {
            int first = left.Count;
            var p = new LinkedList<Atom>(Cut(a, d));
            var q = new LinkedList<Atom>(Cut(b, d));
            while (p.First?.Value is { } u && q.First?.Value is { } v)
            {
                p.RemoveFirst();
                q.RemoveFirst();
                int n = Math.Min(u.Size, v.Size),
                    rest = Math.Max(u.Size, v.Size) / n;
                if (n * rest != Math.Max(u.Size, v.Size))
                    throw new InputException(
                        FaultCodes.Arrangement,
                        $"combines operands whose axis of {a.Sizes[d]} is divided into parts of {u.Size} and of {v.Size}"
                    );
                left.Add([Outer(u, p)]);
                right.Add([Outer(v, q)]);

                Atom Outer(Atom whole, LinkedList<Atom> queue)
                {
                    if (whole.Size == n)
                        return whole;
                    queue.AddFirst(whole with { Size = rest });
                    return whole with { Size = n, Stride = whole.Stride * rest };
                }
            }

            groups[d] = [.. Enumerable.Range(first, left.Count - first)];
        }

        return (a with { Dims = [.. left] }, b with { Dims = [.. right] }, groups);
    }

    // Atoms of a dimension, cut where a head or a row of the tensor ends.
    private IEnumerable<Atom> Cut(View v, int dim)
    {
        TensorShape s = network.Shape(v.Tensor);
        foreach (Atom a in View.Merge(v.Dims[dim]))
        {
            int edge = a.Axis switch
            {
                TensorAxis.Channels when s.Batch > 1 => s.Channels,
                TensorAxis.Pixels when s.Height > 1 => s.Width,
                _ => 0,
            };
            if (a.Stride > 0 && edge > a.Stride && edge % a.Stride == 0 && a.Size > edge / a.Stride && a.Size % (edge / a.Stride) == 0)
            {
                int inner = edge / a.Stride;
                yield return new Atom(a.Size / inner, a.Axis, edge);
                yield return a with
                {
                    Size = inner,
                };
            }
            else
            {
                yield return a;
            }
        }
    }

    // The layout in which some dimensions are the channels, in order, and the others what they are in memory. None: all are what they are.
    private Arrangement Arrange(View v, int[] channelDims)
    {
        var singles = new List<Atom[]>();
        var groups = new int[v.Rank][];
        for (int d = 0; d < v.Rank; d++)
        {
            int first = singles.Count;
            singles.AddRange(Cut(v, d).Select(a => new[] { a }));
            groups[d] = [.. Enumerable.Range(first, singles.Count - first)];
        }

        View cut = v with { Dims = [.. singles] };
        if (channelDims.Length == 0)
            return new Arrangement(cut, groups, Natural(cut, [.. Enumerable.Range(0, singles.Count)]));
        int[] channels = [.. channelDims.SelectMany(d => groups[d])],
            rest = [.. Enumerable.Range(0, singles.Count).Except(channels)];
        int[] onChannels = Ordered(cut, rest, TensorAxis.Channels);
        Layout natural = Natural(cut, rest);
        bool turned = channels.Length > 0 && channels.All(d => cut.Dims[d][0].Axis == TensorAxis.Pixels) && onChannels.Length > 0;
        return new Arrangement(cut, groups, turned ? Turned() : new Layout(onChannels, natural.Rows, natural.Columns, channels));

        // Pixels are what the reader sums over: the channels of each head become the pixels.
        Layout Turned()
        {
            int[] heads = [.. onChannels.Where(d => network.Shape(v.Tensor) is { Batch: > 1 } s && cut.Dims[d][0].Stride >= s.Channels)];
            // Pixels that stay count as heads: they are exchanged one by one.
            return new Layout([.. heads, .. natural.Rows, .. natural.Columns], [], [.. onChannels.Except(heads)], channels);
        }
    }

    private Layout Natural(View cut, int[] dims)
    {
        TensorShape s = network.Shape(cut.Tensor);
        int[] channels = Ordered(cut, dims, TensorAxis.Channels),
            pixels = Ordered(cut, dims, TensorAxis.Pixels);
        int heads = s.Batch > 1 ? channels.TakeWhile(d => cut.Dims[d][0].Stride >= s.Channels).Count() : 0;
        int rows = s.Height > 1 ? pixels.TakeWhile(d => cut.Dims[d][0].Stride >= s.Width).Count() : 0;
        return new Layout(channels[..heads], pixels[..rows], pixels[rows..], channels[heads..]);
    }

    private static int[] Ordered(View cut, int[] dims, TensorAxis axis) =>
        [.. dims.Where(d => cut.Dims[d].Length > 0 && cut.Dims[d][0].Axis == axis).OrderByDescending(d => Math.Abs(cut.Dims[d][0].Stride))];

    // A tensor of an arrangement's layout, seen as the arrangement's view is; some dimensions may be new channels instead.
    private View Result(Arrangement at, int tensor, int[]? replaced = null, int channels = 1)
    {
        int[] gone = [.. (replaced ?? []).SelectMany(d => at.Groups[d])];
        long[] sizes = [.. at.Singles.Sizes.Select((n, i) => gone.Contains(i) ? 1 : n)];
        Layout layout = replaced is null ? at.Layout : at.Layout with { Channels = [] };
        View whole = network.Whole(tensor, sizes, layout);
        var dims = new Atom[at.Groups.Length][];
        int inner = replaced is null ? 1 : channels;
        for (int d = 0; d < dims.Length; d++)
        {
            dims[d] =
                replaced is not null && d == replaced[0]
                    ? channels > 1
                        ? [new Atom(channels, TensorAxis.Channels, 1)]
                        : []
                    :
                    [
                        .. at.Groups[d]
                            .SelectMany(i =>
                                whole.Dims[i].Length > 0
                                    ? whole.Dims[i].Select(a => a.Axis == TensorAxis.Channels ? a with { Stride = a.Stride * inner } : a)
                                    : at.Singles.Dims[i].Where(a => a.Axis == TensorAxis.None && !gone.Contains(i))
                            ),
                    ];
        }

        return new View(tensor, [.. dims.Select(View.Merge)]);
    }

    // A view as a tensor of its own where it is a part of one or repeated.
    private View Complete(OnnxNode node, View v)
    {
        Arrangement at = Arrange(v, []);
        if (at.Singles.Dims.Any(d => d[0].Axis == TensorAxis.None))
            throw new InputException(FaultCodes.Arrangement, "an output that repeats values is not supported");
        return Result(at, network.Arrange(at.Singles, at.Layout, false, node.Name));
    }

    private static long[] BroadcastDims(long[] a, long[] b)
    {
        int rank = Math.Max(a.Length, b.Length);
        var dims = new long[rank];
        for (int i = 0; i < rank; i++)
        {
            long p = i - (rank - a.Length) is >= 0 and var ia ? a[ia] : 1,
                q = i - (rank - b.Length) is >= 0 and var ib ? b[ib] : 1;
            dims[i] =
                p == q || q == 1 ? p
                : p == 1 ? q
                : throw new InputException(FaultCodes.ShapesDoNotFit, $"the operands {Text(a)} and {Text(b)} do not broadcast");
        }

        return dims;
    }

    // Step of a constant's index for each dimension it is broadcast to.
    private static int[] Strides(long[] from, long[] dims)
    {
        var strides = new int[dims.Length];
        int stride = 1;
        for (int i = from.Length - 1; i >= 0; i--)
        {
            strides[i + dims.Length - from.Length] = from[i] > 1 ? stride : 0;
            stride *= (int)from[i];
        }

        return strides;
    }

    private static int[] SingleStrides(Arrangement at, int[] strides)
    {
        var singles = new int[at.Singles.Rank];
        for (int d = 0; d < at.Groups.Length; d++)
        {
            int stride = strides[d];
            foreach (int i in at.Groups[d].Reverse())
            {
                singles[i] = stride;
                stride *= (int)at.Singles.Sizes[i];
            }
        }

        return singles;
    }

    // Elements of a constant for every index of some dimensions, outermost first.
    private static float[] Pick(float[] values, View singles, int[] strides, int[] dims)
    {
        int[] sizes = [.. dims.Select(d => View.Product(singles.Dims[d]))],
            index = new int[dims.Length];
        var picked = new float[OnnxTensor.CountOf(sizes.Select(n => (long)n))];
        int at = 0;
        for (int k = 0; k < picked.Length; k++)
        {
            picked[k] = values[at];
            for (int i = dims.Length - 1; i >= 0; i--)
            {
                at += strides[dims[i]];
                if (++index[i] < sizes[i])
                    break;
                at -= sizes[i] * strides[dims[i]];
                index[i] = 0;
            }
        }

        return picked;
    }
}
