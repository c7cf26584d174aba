using AccelGen.Files;
using AccelGen.Network;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Onnx;

/// <content>Convolutions, products, normalisations, softmax and arg max.</content>
public sealed partial class OnnxImporter
{
    // Operands of matrix products, and values padded with ones: what linear attention is recognised by.
    private readonly Dictionary<int, (View A, View B)> products = [];
    private readonly Dictionary<int, (View Padded, View Original)> paddedWithOnes = [];

    private string? Convolution(OnnxNode node, Value?[] inputs)
    {
        View x = Image(node, inputs, 0);
        OnnxTensor weights = Parameter(inputs, 1, "weights");
        if (weights.Dims.Length != 4 || weights.Floats is null)
            throw new InputException(
                FaultCodes.ShapesDoNotFit,
                string.Empty,
                $"weights have shape {Text(weights.Dims)}",
                "four axes of floats are supported"
            );
        int outputs = (int)weights.Dims[0],
            perGroup = (int)weights.Dims[1],
            rows = (int)weights.Dims[2],
            columns = (int)weights.Dims[3];
        int groups = (int)node.Integer("group", 1);
        if (groups < 1 || outputs < 1 || rows < 1 || columns < 1 || (long)perGroup * groups != x.Sizes[1] || outputs % groups != 0)
            throw new InputException(
                FaultCodes.ShapesDoNotFit,
                $"weights {Text(weights.Dims)} with {groups} groups do not fit {x.Sizes[1]} input channels"
            );
        if (node.Integers("kernel_shape") is { } kernel && (kernel.Length != 2 || kernel[0] != rows || kernel[1] != columns))
            throw new InputException(FaultCodes.ShapesDoNotFit, $"kernel_shape {Text(kernel)} differs from the weights' {rows}x{columns}");
        Size stride = Pair(node, "strides"),
            dilation = Pair(node, "dilations");
        int tensor = network.Arrange(x, Layout.Image, true, node.Name);
        TensorShape shape = network.Shape(tensor);
        Padding padding = Padding(node, shape, (rows, columns), stride, dilation);
        OnnxTensor? offsets = inputs.Length > 2 && inputs[2] is not null ? Parameter(inputs, 2, "bias") : null;
        float[] bias = offsets is null ? new float[outputs] : Floats(offsets, "bias");
        if (bias.Length != outputs)
            throw new InputException(
                FaultCodes.ShapesDoNotFit,
                string.Empty,
                $"the bias has {bias.Length} elements",
                $"{outputs} are needed"
            );
        FixedWeights? prescribed = null;
        if (WeightIntegers(weights, outputs, i => i / (weights.Count / outputs)) is var (integers, scales))
        {
            prescribed = new FixedWeights(
                ToChannelLast(integers, outputs, perGroup, rows, columns),
                scales,
                offsets?.Counts,
                offsets is not { Counts: not null } ? null
                    : offsets.Scales is [var one] ? [.. Enumerable.Repeat(one, outputs)]
                    : offsets.Scales
            );
        }

        Size windows = Windows(new Window((rows, columns), stride, dilation, padding), shape);
        var to = new TensorShape(1, windows.Rows, windows.Columns, outputs);
        int output = Emit(
            node,
            to,
            (name, result) =>
                new FloatConv(name, tensor, result)
                {
                    Weights = ToChannelLast(weights.Floats, outputs, perGroup, rows, columns),
                    Bias = [.. bias],
                    Kernel = (rows, columns),
                    Stride = stride,
                    Dilation = dilation,
                    Padding = padding,
                    Groups = groups,
                    Fixed = prescribed,
                }
        );
        return Bind(node, ImageValue(output));
    }

    private string? Normalise(OnnxNode node, Value?[] inputs)
    {
        View x = Input(node, inputs, 0);
        if (x.Rank < 2)
            throw new InputException(
                FaultCodes.ShapesDoNotFit,
                string.Empty,
                $"normalises {Text(x.Sizes)}",
                "axis 1 must hold the channels"
            );
        int channels = (int)x.Sizes[1];
        float[][] p =
        [
            .. new[] { "scale", "bias", "mean", "variance" }.Select(
                (name, i) =>
                    Parameter(inputs, i + 1, name).Floats is { } f && f.Length == channels
                        ? f
                        : throw new InputException(FaultCodes.ShapesDoNotFit, $"{name} must have {channels} floats")
            ),
        ];
        if (node.Integer("training_mode", 0) != 0 || node.Outputs.Skip(1).Any(o => o.Length > 0 && nodes.Any(n => n.Inputs.Contains(o))))
            throw new InputException(
                FaultCodes.UnsupportedForm,
                string.Empty,
                "training mode is not supported",
                "export the model for inference"
            );
        float epsilon = node.Real("epsilon", 1e-5f);
        double[] factor = [.. p[0].Select((s, c) => s / Math.Sqrt(p[3][c] + (double)epsilon))];
        if (factor.Any(f => !double.IsFinite(f)))
            throw new InputException(FaultCodes.NotFinite, "variance + epsilon must be positive");
        long[] perChannel = [channels, .. Enumerable.Repeat(1L, x.Rank - 2)];
        View scaled = WithConstant(node, '*', x, OnnxTensor.Of(perChannel, [.. factor.Select(f => (float)f)]), false, x.Sizes);
        return Bind(
            node,
            new Activation(
                WithConstant(
                    node,
                    '+',
                    scaled,
                    OnnxTensor.Of(perChannel, [.. factor.Select((f, c) => (float)(p[1][c] - (p[2][c] * f)))]),
                    false,
                    x.Sizes
                )
            ),
            "changes nothing"
        );
    }

    private string? LayerNormalise(OnnxNode node, Value?[] inputs)
    {
        View x = Input(node, inputs, 0);
        int axis = ConstantFolder.Axis(node.Integer("axis", -1), x.Rank);
        int[] dims = [.. Enumerable.Range(axis, x.Rank - axis)];
        int n = (int)dims.Aggregate(1L, (p, d) => p * x.Sizes[d]);
        float[] gamma = Channelwise(1, "scale"),
            beta = inputs.Length > 2 && inputs[2] is not null ? Channelwise(2, "bias") : new float[n];
        if (node.Outputs.Skip(1).Any(o => o.Length > 0 && (graph.Outputs.Contains(o) || nodes.Any(r => r.Inputs.Contains(o)))))
            throw new InputException(
                FaultCodes.UnsupportedForm,
                string.Empty,
                "its mean and deviation are used",
                "only the first output is supported"
            );
        return Bind(node, new Activation(LayerNorm(node, x, dims, gamma, beta, node.Real("epsilon", 1e-5f))));

        float[] Channelwise(int input, string what)
        {
            OnnxTensor t = Parameter(inputs, input, what);
            float[] f = Floats(t, what);
            return f.Length == n ? f
                : f.Length == 1 ? [.. Enumerable.Repeat(f[0], n)]
                : throw new InputException(
                    FaultCodes.ShapesDoNotFit,
                    string.Empty,
                    $"the {what} has shape {Text(t.Dims)}",
                    $"{n} elements are needed"
                );
        }
    }

    private View LayerNorm(OnnxNode node, View x, int[] dims, float[] gamma, float[] beta, float epsilon)
    {
        Arrangement at = Arrange(x, dims);
        int tensor = network.Arrange(at.Singles, at.Layout, false, node.Name);
        return Result(
            at,
            Emit(
                node,
                network.Shape(tensor),
                (name, to) =>
                    new FloatLayerNorm(name, tensor, to)
                    {
                        Gamma = gamma,
                        Beta = beta,
                        Epsilon = epsilon,
                    }
            )
        );
    }

    private string? Softmax(OnnxNode node, Value?[] inputs)
    {
        // A factor of counts is the softmax's own; an addend changes nothing.
        Activation operand = Operand(node, inputs, 0);
        bool sloped = !operand.IsPlain && network.Fixed(operand.View.Tensor) is not null && operand.Function.Affine is (> 0, _);
        float slope = sloped ? (float)operand.Function.Affine!.Value.Factor : 1;
        View x = sloped ? operand.View : Compute(node, operand);
        int axis = ConstantFolder.Axis(node.Integer("axis", graph.Opset < 13 && node.Written == "Softmax" ? 1 : -1), x.Rank);
        Arrangement at = Arrange(x, node.Written == "Softmax" && graph.Opset < 13 ? [.. Enumerable.Range(axis, x.Rank - axis)] : [axis]);
        int tensor = network.Arrange(at.Singles, at.Layout, false, node.Name);
        return Bind(
            node,
            new Activation(
                Result(at, Emit(node, network.Shape(tensor), (name, to) => new FloatSoftmax(name, tensor, to) { Slope = slope }))
            )
        );
    }

    private string? ArgMax(OnnxNode node, Value?[] inputs)
    {
        View x = Input(node, inputs, 0);
        int axis = ConstantFolder.Axis(node.Integer("axis", 0), x.Rank);
        if (node.Integer("select_last_index", 0) != 0)
            throw new InputException(
                FaultCodes.IllegalAttribute,
                string.Empty,
                "select_last_index = 1 is not supported",
                "the first of several largest is"
            );
        Arrangement at = Arrange(x, [axis]);
        int tensor = network.Arrange(at.Singles, at.Layout, false, node.Name);
        View result = Result(
            at,
            Emit(node, network.Shape(tensor) with { Channels = 1 }, (name, to) => new FloatArgMax(name, tensor, to)),
            [axis]
        );
        indices.Add(result.Tensor);
        if (quantized)
            network.Fix(result.Tensor, new QuantizationParameters(1, -128));
        if (node.Integer("keepdims", 1) == 0)
            result = result with { Dims = [.. result.Dims.Where((_, d) => d != axis)] };
        return Bind(node, new Activation(result));
    }

    private string? Gemm(OnnxNode node, Value?[] inputs)
    {
        Value a = Turned(0, "transA"),
            b = Turned(1, "transB");
        if (Dims(a).Length != 2 || Dims(b).Length != 2)
            throw new InputException(
                FaultCodes.ShapesDoNotFit,
                string.Empty,
                $"the operands have shapes {Text(Dims(a))} and {Text(Dims(b))}",
                "matrices are needed"
            );
        Value y = Elementwise(node, "Mul", MatMul(node, a, b), One(node.Real("alpha", 1)));
        if (inputs.Length > 2 && inputs[2] is { } c)
            y = Elementwise(node, "Add", y, Times(c, node.Real("beta", 1)));
        return Bind(node, y);

        static Constant One(float v) => new(OnnxTensor.Of([], [v]));

        Value Times(Value c, float beta) =>
            c is Constant k
                ? new Constant(OnnxTensor.Of(k.Tensor.Dims, [.. Floats(k.Tensor, "bias").Select(v => v * beta)]))
                : Elementwise(node, "Mul", c, One(beta));

        Value Turned(int i, string attribute)
        {
            Value v = Source(inputs, i);
            if (node.Integer(attribute, 0) == 0)
                return v;
            if (Dims(v).Length != 2)
                throw new InputException(
                    FaultCodes.ShapesDoNotFit,
                    string.Empty,
                    $"input {i} has shape {Text(Dims(v))}",
                    "a matrix is needed"
                );
            return v is Constant c
                ? new Constant(ConstantFolder.Transpose(c.Tensor, [1, 0]))
                : new Activation(Plain(node, v).Permute([1, 0]));
        }
    }

    private Value MatMul(OnnxNode node, Value a, Value b)
    {
        long[] da = Dims(a),
            db = Dims(b);
        // A vector is a row on the left, a column on the right, and the axis that this adds goes again.
        if (da.Length == 1 && db.Length > 0)
            return MatMul(node, WithDims(node, a, [1, da[0]]), b) is var row && Dims(row) is var dr
                ? WithDims(node, row, db.Length == 1 ? dr[1..] : [.. dr[..^2], dr[^1]])
                : row;
        if (db.Length == 1 && da.Length > 0)
            return MatMul(node, a, WithDims(node, b, [db[0], 1])) is var column && Dims(column) is var dc
                ? WithDims(node, column, dc[..^1])
                : column;
        if (da.Length < 2 || db.Length < 2 || da[^1] != db[^2])
            throw new InputException(
                FaultCodes.ShapesDoNotFit,
                string.Empty,
                $"the operands {Text(da)} and {Text(db)} do not fit",
                "matrices [.., M, K] and [.., K, N] are needed"
            );
        // A constant that differs from head to head is an operand like any other, and counts on the left are.
        bool PerHead(Value v, long[] dims) =>
            v is Constant { Tensor: { } c } && (!quantized || c.Grid is not null) && dims[..^2].Any(d => d != 1);
        if (PerHead(a, da) || PerHead(b, db) || (quantized && a is Constant { Tensor.Grid: not null }))
        {
            long[] common = BroadcastDims(da[..^2], db[..^2]);
            return new Activation(
                Product(node, Headed(a, da).Expand([.. common, .. da[^2..]]), Headed(b, db).Expand([.. common, .. db[^2..]]))
            );

            View Headed(Value v, long[] dims) =>
                v is Constant { Tensor: { } c }
                    ? ConstantView(
                        node,
                        c,
                        Floats(c, "constant operand"),
                        dims,
                        new Layout([.. Enumerable.Range(0, dims.Length - 2)], [], [dims.Length - 2], [dims.Length - 1])
                    )
                    : Plain(node, v);
        }

        if (a is Constant { Tensor: { } left })
        {
            // A * x is (x^T * A^T)^T.
            int[] swap = [.. Enumerable.Range(0, db.Length - 2), db.Length - 1, db.Length - 2];
            if (left.Dims[..^2].Any(d => d != 1))
                throw new InputException(
                    FaultCodes.NotQuantised,
                    string.Empty,
                    $"its constant {Text(da)} differs from head to head and has no scale, or more than one",
                    "quantise it with one scale and zero point"
                );
            View y = Linear(node, Plain(node, b).Permute(swap), ConstantFolder.Transpose(left.WithDims([da[^2], da[^1]]), [1, 0]))
                .Permute(swap);
            return new Activation(
                da.Length > db.Length ? y with { Dims = [.. Enumerable.Repeat(Array.Empty<Atom>(), da.Length - db.Length), .. y.Dims] } : y
            );
        }

        if (b is Constant { Tensor: { } right })
        {
            if (right.Dims[..^2].Any(d => d != 1))
                throw new InputException(
                    FaultCodes.NotQuantised,
                    string.Empty,
                    $"its constant {Text(db)} differs from head to head and has no scale, or more than one",
                    "quantise it with one scale and zero point"
                );
            View y = Linear(node, Plain(node, a), right.WithDims([db[^2], db[^1]]));
            return new Activation(
                db.Length > da.Length ? y with { Dims = [.. Enumerable.Repeat(Array.Empty<Atom>(), db.Length - da.Length), .. y.Dims] } : y
            );
        }

        long[] batch = BroadcastDims(da[..^2], db[..^2]);
        View l = Plain(node, a),
            r = Plain(node, b);
        return new Activation(Product(node, l.Expand([.. batch, .. da[^2..]]), r.Expand([.. batch, .. db[^2..]])));
    }

    // The same elements under sizes that differ by axes of one element only.
    private Value WithDims(OnnxNode node, Value v, long[] dims) =>
        v is Constant c ? new Constant(c.Tensor.WithDims(dims)) : new Activation(Plain(node, v).Reshape(dims));

    // x [.., K] * W [K, N], the same for every token and head.
    private View Linear(OnnxNode node, View x, OnnxTensor matrix)
    {
        int k = (int)matrix.Dims[0],
            n = (int)matrix.Dims[1],
            last = x.Rank - 1;
        Arrangement at = Arrange(x, [last]);
        int heads = (int)at.Layout.Batch.Aggregate(1L, (p, d) => p * at.Singles.Sizes[d]);
        int tensor = network.Arrange(at.Singles, at.Layout, heads == 1, node.Name);
        TensorShape shape = network.Shape(tensor);
        float[] weights = EachHead(Floats(matrix, "constant operand"), heads, k, n);
        var prescribed = WeightIntegers(matrix, n, i => i % n);
        int output = Emit(
            node,
            new TensorShape(heads, shape.Height, shape.Width, n),
            (name, to) =>
                new FloatConv(name, tensor, to)
                {
                    Weights = weights,
                    Bias = new float[heads * n],
                    Kernel = (1, 1),
                    Groups = heads,
                    Fixed = prescribed is not var (integers, scales)
                        ? null
                        : new FixedWeights(
                            EachHead(integers, heads, k, n),
                            [.. Enumerable.Range(0, heads).SelectMany(_ => scales)],
                            new int[heads * n],
                            [.. Enumerable.Repeat(1f, heads * n)]
                        ),
                }
        );
        return Result(at, output, [last], n);
    }

    // Weights [head][output channel][input channel] of a matrix [input channel, output channel] that all heads share.
    private static T[] EachHead<T>(T[] matrix, int heads, int k, int n)
    {
        var weights = new T[OnnxTensor.CountOf([heads, n, k])];
        for (int h = 0; h < heads; h++)
        {
            for (int o = 0; o < n; o++)
            {
                for (int i = 0; i < k; i++)
                    weights[((((long)h * n) + o) * k) + i] = matrix[((long)i * n) + o];
            }
        }

        return weights;
    }

    // Product of two activations, head by head.
    private View Product(OnnxNode node, View a, View b)
    {
        int rank = a.Rank;
        int[] batch = [.. Enumerable.Range(0, rank - 2)];
        int m = rank - 2,
            k = rank - 1;
        int x = network.Arrange(a, new Layout(batch, [], [m], [k]), false, node.Name),
            right = network.Arrange(b, new Layout(batch, [], [k], [m]), false, node.Name);
        TensorShape shape = network.Shape(x);
        int output = Emit(node, shape with { Channels = network.Shape(right).Width }, (name, to) => new FloatMatMul(name, x, right, to));
        products[output] = (a, b);
        return network.Whole(output, [.. a.Sizes[..^1], b.Sizes[^1]], new Layout(batch, [], [m], [k]));
    }

    // (q * kv) / (q * sum + epsilon): linear attention. The two products are one whose last column is the sum, or two.
    private View? Quotient(OnnxNode node, Activation numerator, Activation denominator)
    {
        View n = numerator.View,
            d = denominator.View;
        // A denominator of less than one count is one count.
        double? added =
            quantized && denominator.Function is Clamped { Inner: { } inner, Range: { Low: > 0 } } && ReferenceEquals(inner, Pointwise.X)
                ? 0
            : denominator.Function.Affine is (1, >= 0 and var more) ? more
            : null;
        if (
            !numerator.IsPlain
            || added is not { } epsilon
            || !products.TryGetValue(n.Tensor, out var over)
            || !products.TryGetValue(d.Tensor, out var under)
            || n.Rank != d.Rank
            || n.Rank < 2
            || d.Sizes[^1] != 1
        )
            return null;
        int rank = n.Rank,
            columns = (int)n.Sizes[^1];
        View q = over.A,
            kv,
            sum;
        var heads = new Layout([.. Enumerable.Range(0, rank - 2)], [], [rank - 1], [rank - 2]);
        if (n.Tensor != d.Tensor)
        {
            if (!q.Same(under.A) || !IsColumns(n, over, 0, columns) || !IsColumns(d, under, 0, 1))
                return null;
            (kv, sum) = (over.B, under.B);
        }
        else if (
            IsColumns(n, over, 0, columns)
            && IsColumns(d, over, columns, 1)
            && products.TryGetValue(over.B.Tensor, out var keys)
            && paddedWithOnes.TryGetValue(keys.B.Tensor, out (View Padded, View Original) ones)
            && over.B.Same(network.Whole(over.B.Tensor, over.B.Sizes, new Layout(heads.Batch, [], [rank - 2], [rank - 1])))
            && keys.B.Same(ones.Padded)
            && ones.Original is { } v
            && v.Rank == rank
            && v.Sizes[^1] == columns
        )
        {
            // v had a column of ones: without it the product is kv, and the ones alone give the sum of the keys.
            kv = Product(node, keys.A, v);
            int tokens = (int)v.Sizes[^2],
                keyHeads = (int)v.Sizes[..^2].Aggregate(1L, (p, s) => p * s);
            int one = network.AddTensor(
                $"{node.Name}.ones",
                new TensorShape(keyHeads, 1, 1, tokens),
                [.. Enumerable.Repeat(1f, keyHeads * tokens)]
            );
            int k = network.Arrange(keys.A, new Layout(heads.Batch, [], [rank - 2], [rank - 1]), false, node.Name);
            int keySum = Emit(
                node,
                new TensorShape(keyHeads, 1, 1, (int)keys.A.Sizes[^2]),
                (name, to) => new FloatMatMul(name, one, k, to)
            );
            sum = network.Whole(keySum, [.. v.Sizes[..^2], keys.A.Sizes[^2], 1], new Layout(heads.Batch, [], [rank - 1], [rank - 2]));
        }
        else
        {
            return null;
        }

        int x = network.Arrange(q, new Layout(heads.Batch, [], [rank - 2], [rank - 1]), false, node.Name);
        int right = network.Arrange(kv, heads, false, node.Name),
            below = network.Arrange(sum, heads, false, node.Name);
        int output = Emit(
            node,
            network.Shape(x) with
            {
                Channels = columns,
            },
            (name, to) => new FloatNormalizedMatMul(name, x, right, below, to) { Epsilon = (float)epsilon }
        );
        return network.Whole(output, n.Sizes, new Layout(heads.Batch, [], [rank - 2], [rank - 1]));

        bool IsColumns(View v, (View A, View B) operands, int first, int count)
        {
            long[] sizes = [.. operands.A.Sizes[..^1], operands.B.Sizes[^1]];
            return sizes.Length == rank
                && first + count <= sizes[^1]
                && v.Same(
                    network
                        .Whole(v.Tensor, sizes, new Layout([.. Enumerable.Range(0, rank - 2)], [], [rank - 2], [rank - 1]))
                        .Slice(rank - 1, first, 1, count)
                );
        }
    }

    // The next step of a normalisation written out, or null.
    private Value? Normalisation(OnnxNode node, string op, Value a, Value b)
    {
        switch (op, a, b)
        {
            case ("Sub", Activation x, Moment { Kind: MomentKind.Mean } m) when x.Same(m.X) && m.KeepsAxes:
                return m with { Kind = MomentKind.Centred };
            case ("Mul", Moment { Kind: MomentKind.Centred } p, Moment { Kind: MomentKind.Centred } q) when p.Of(q):
                return p with { Kind = MomentKind.Square };
            case ("Add", Moment { Kind: MomentKind.Variance } v, Constant { Tensor: { Count: 1, Floats: { } e } }):
                return v with { Epsilon = v.Epsilon + e[0] };
            case ("Add", Constant { Tensor: { Count: 1, Floats: { } e } }, Moment { Kind: MomentKind.Variance } v):
                return v with { Epsilon = v.Epsilon + e[0] };
            case ("Div", Constant { Tensor: { Count: 1, Floats: [1f] } }, Moment { Kind: MomentKind.Deviation } d):
                return d with { Kind = MomentKind.InverseDeviation };
            case ("Div", Moment { Kind: MomentKind.Centred } c, Moment { Kind: MomentKind.Deviation } d) when c.Of(d):
                return Norm(c, d);
            case ("Mul", Moment { Kind: MomentKind.Centred } c, Moment { Kind: MomentKind.InverseDeviation } d) when c.Of(d):
                return Norm(c, d);
            case ("Mul", Moment { Kind: MomentKind.InverseDeviation } d, Moment { Kind: MomentKind.Centred } c) when c.Of(d):
                return Norm(c, d);
            default:
                return null;
        }

        Activation Norm(Moment centred, Moment deviation)
        {
            View x = Compute(node, centred.X);
            int n = (int)centred.Axes.Aggregate(1L, (p, d) => p * x.Sizes[d]);
            return new Activation(LayerNorm(node, x, centred.Axes, [.. Enumerable.Repeat(1f, n)], new float[n], (float)deviation.Epsilon));
        }
    }

    // A step of a normalisation as layers of its own.
    private Activation Force(OnnxNode node, Moment m)
    {
        Value x = m.X,
            mean = m with { Kind = MomentKind.Mean };
        switch (m.Kind)
        {
            case MomentKind.Mean:
                return new Activation(Mean(node, Compute(node, m.X), m.Axes, m.KeepsAxes));
            case MomentKind.Centred:
                return (Activation)Elementwise(node, "Sub", x, Force(node, (Moment)mean));
            case MomentKind.Square:
                Activation centred = Force(node, m with { Kind = MomentKind.Centred });
                return centred with { Function = new Combined('*', centred.Function, centred.Function) };
            case MomentKind.Variance:
                var variance = new Activation(
                    Mean(
                        node,
                        Compute(node, Force(node, m with { Kind = MomentKind.Square, KeepsAxes = true, Epsilon = 0 })),
                        m.Axes,
                        m.KeepsAxes
                    )
                );
                return m.Epsilon == 0 ? variance : variance with { Function = new Combined('+', Pointwise.X, new Number(m.Epsilon)) };
            default:
                Activation v = Force(node, m with { Kind = MomentKind.Variance });
                Pointwise root = new Applied(new Network.Float.Activation(ActivationKind.Sqrt), v.Function);
                return v with
                {
                    Function =
                        m.Kind == MomentKind.Deviation ? root : new Applied(new Network.Float.Activation(ActivationKind.Reciprocal), root),
                };
        }
    }

    private static long[] MomentDims(Moment m)
    {
        long[] x = m.X.View.Sizes;
        if (m.Kind is MomentKind.Centred or MomentKind.Square)
            return x;
        return m.KeepsAxes ? [.. x.Select((n, d) => m.Axes.Contains(d) ? 1 : n)] : [.. x.Where((_, d) => !m.Axes.Contains(d))];
    }

    // Mean over some dimensions: over pixels by pooling, over channels by a convolution.
    private View Mean(OnnxNode node, View x, int[] axes, bool keep)
    {
        bool On(int d, TensorAxis axis) => x.Dims[d].Length > 0 && x.Dims[d].All(a => a.Axis == axis);
        int[] open = [.. axes.Where(d => x.Dims[d].Length > 0)],
            pixels = [.. open.Where(d => On(d, TensorAxis.Pixels))],
            channels = [.. open.Where(d => On(d, TensorAxis.Channels))];
        if (pixels.Length + channels.Length != open.Length)
            throw new InputException(
                FaultCodes.Arrangement,
                string.Empty,
                $"reduces an axis of {Text(x.Sizes)} that joins pixels and channels",
                "reduce them one after the other"
            );
        if (quantized && pixels.Length > 0 && channels.Length > 0)
            throw new InputException(
                FaultCodes.Arrangement,
                "reduces pixels and channels at once: reduce them one after the other, with QuantizeLinear and "
                    + "DequantizeLinear between"
            );
        if (pixels.Length > 0)
            x = MeanOfPixels(node, x, pixels);
        if (channels.Length > 0)
        {
            Arrangement at = Arrange(x, channels);
            int heads = (int)at.Layout.Batch.Aggregate(1L, (p, d) => p * at.Singles.Sizes[d]);
            int tensor = network.Arrange(at.Singles, at.Layout, heads == 1, node.Name);
            TensorShape shape = network.Shape(tensor);
            int n = shape.Batch * shape.Channels / heads;
            x = Result(
                at,
                Emit(
                    node,
                    new TensorShape(heads, shape.Height, shape.Width, 1),
                    (name, to) =>
                        new FloatConv(name, tensor, to)
                        {
                            Weights = [.. Enumerable.Repeat(1f / n, heads * n)],
                            Bias = new float[heads],
                            Kernel = (1, 1),
                            Groups = heads,
                        }
                ),
                channels
            );
        }

        return keep ? x : x with { Dims = [.. x.Dims.Where((_, d) => !axes.Contains(d))] };
    }

    private View MeanOfPixels(OnnxNode node, View x, int[] reduced)
    {
        // Rows above, columns below: the window covers the reduced ones whole.
        int[] dims = [.. Enumerable.Range(0, x.Rank)];
        bool OnPixels(int d) => x.Dims[d].Any(a => a.Axis == TensorAxis.Pixels);
        int[] kept = [.. dims.Where(d => OnPixels(d) && !reduced.Contains(d))],
            channels = [.. dims.Where(d => x.Dims[d].Length > 0 && !OnPixels(d))];
        bool above = kept.Length > 0 && kept[0] < reduced[0];
        Layout layout = new([], above ? kept : reduced, above ? reduced : kept, channels);
        if (kept.Length == 0 && reduced.Length == 2)
            layout = new Layout([], [reduced[0]], [reduced[1]], channels);
        int tensor = network.Arrange(x, layout, true, node.Name);
        TensorShape shape = network.Shape(tensor);
        (int, int) window =
            kept.Length == 0 ? (shape.Height, shape.Width)
            : above ? (1, shape.Width)
            : (shape.Height, 1);
        TensorShape to = shape with { Height = shape.Height / window.Item1, Width = shape.Width / window.Item2 };
        int output = Emit(node, to, (name, result) => new FloatAveragePool(name, tensor, result) { Kernel = window, Stride = window });
        return network.Whole(output, [.. x.Sizes.Select((n, d) => reduced.Contains(d) ? 1 : n)], layout);
    }

    private string? Reduce(OnnxNode node, Value?[] inputs)
    {
        Value source = Source(inputs, 0);
        int rank = Dims(source).Length;
        int[] axes = [2, 3];
        if (node.Operator != "GlobalAveragePool")
        {
            long[]? given =
                node.Integers("axes")
                ?? (inputs.Length > 1 && inputs[1] is not null ? ConstantFolder.Whole(Parameter(inputs, 1, "axes")) : null);
            if (given is null or [] && node.Integer("noop_with_empty_axes", 0) != 0)
            {
                values[node.Outputs[0]] = source;
                return "passes through";
            }

            axes = given is null or []
                ? [.. Enumerable.Range(0, rank)]
                : [.. given.Select(a => ConstantFolder.Axis(a, rank)).Distinct().Order()];
        }
        else if (rank != 4)
        {
            throw new InputException(
                FaultCodes.ShapesDoNotFit,
                string.Empty,
                $"pools {Text(Dims(source))}",
                "an image [1, C, H, W] is needed"
            );
        }

        bool keep = node.Operator == "GlobalAveragePool" || node.Integer("keepdims", 1) == 1;
        if (node.Operator == "ReduceMean" && source is Moment { Kind: MomentKind.Square } square && square.Axes.SequenceEqual(axes))
            return Bind(node, square with { Kind = MomentKind.Variance, KeepsAxes = keep, Epsilon = 0 }, "part of a layer normalisation");
        Activation x = Operand(node, inputs, 0);
        if (node.Operator == "ReduceMean" && axes.All(d => x.View.Dims[d].All(a => a.Axis == TensorAxis.Channels)))
            return Bind(node, new Moment(MomentKind.Mean, x, axes, keep), "part of a layer normalisation");
        View mean = Mean(node, Compute(node, x), axes, keep);
        long count = axes.Aggregate(1L, (p, d) => p * x.View.Sizes[d]);
        return Bind(
            node,
            node.Operator == "ReduceSum"
                ? Elementwise(node, "Mul", new Activation(mean), new Constant(OnnxTensor.Of([], [(float)count])))
                : new Activation(mean)
        );
    }

    private View Image(OnnxNode node, Value?[] inputs, int i)
    {
        View x = Input(node, inputs, i);
        return x.Rank == 4 && x.Sizes[0] == 1
            ? x
            : throw new InputException(
                FaultCodes.ShapesDoNotFit,
                string.Empty,
                $"input {i} has shape {Text(x.Sizes)}",
                "an image [1, C, H, W] is needed"
            );
    }

    // An image [1, C, H, W]; the tensor may count its channels in heads.
    private Activation ImageValue(int tensor)
    {
        TensorShape s = network.Shape(tensor);
        return new Activation(network.Whole(tensor, [1, s.Batch * s.Channels, s.Height, s.Width], Layout.Image));
    }

    private static Size Pair(OnnxNode node, string attribute)
    {
        long[] v = node.Integers(attribute) ?? [1, 1];
        return v.Length == 2 && v.All(n => n is >= 1 and <= 65535)
            ? new Size((int)v[0], (int)v[1])
            : throw new InputException(FaultCodes.IllegalAttribute, $"{attribute} {Text(v)} must be two sizes, 1 to 65535");
    }

    private static Padding Padding(OnnxNode node, TensorShape shape, Size kernel, Size stride, Size dilation)
    {
        string auto = node.Text("auto_pad", "NOTSET");
        if (auto is "SAME_UPPER" or "SAME_LOWER")
        {
            int Total(int size, int k, int s, int d) => Math.Max(0, ((((size + s - 1) / s) - 1) * s) + ((k - 1) * d) + 1 - size);
            int y = Total(shape.Height, kernel.Rows, stride.Rows, dilation.Rows),
                x = Total(shape.Width, kernel.Columns, stride.Columns, dilation.Columns);
            return auto == "SAME_UPPER"
                ? new Padding(y / 2, x / 2, y - (y / 2), x - (x / 2))
                : new Padding(y - (y / 2), x - (x / 2), y / 2, x / 2);
        }

        if (auto is not ("NOTSET" or "VALID"))
            throw new InputException(FaultCodes.UnsupportedForm, $"auto_pad {auto} is not supported");
        long[] p = auto == "VALID" ? [0, 0, 0, 0] : node.Integers("pads") ?? [0, 0, 0, 0];
        return p.Length == 4 && p.All(v => v is >= 0 and <= 65535)
            ? new Padding((int)p[0], (int)p[1], (int)p[2], (int)p[3])
            : throw new InputException(FaultCodes.IllegalAttribute, $"pads {Text(p)} must be four sizes, 0 to 65535");
    }

    // Windows over an image; at least one.
    private static Size Windows(Window window, TensorShape image)
    {
        Size steps = window.Over((image.Height, image.Width));
        return steps.Rows == 0 ? throw TooLarge(image.Height + window.Padding.Top + window.Padding.Bottom)
            : steps.Columns == 0 ? throw TooLarge(image.Width + window.Padding.Left + window.Padding.Right)
            : steps;

        static InputException TooLarge(int padded) =>
            new InputException(FaultCodes.ShapesDoNotFit, $"the kernel is larger than the padded input of {padded}");
    }

    private static T[] ToChannelLast<T>(T[] w, int outputs, int channels, int rows, int columns)
    {
        var result = new T[w.Length];
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
}
