using AccelGen.Files;

namespace AccelGen.Onnx;

/// <summary>Evaluates nodes whose inputs are all constant: the arithmetic on shapes that exporters leave in a graph.</summary>
internal static class ConstantFolder
{
    /// <summary>Operators that can be evaluated.</summary>
    public static IReadOnlySet<string> Operators { get; } =
        new HashSet<string>
        {
            "Identity",
            "Gather",
            "Unsqueeze",
            "Squeeze",
            "Concat",
            "Slice",
            "Cast",
            "Add",
            "Sub",
            "Mul",
            "Div",
            "Floor",
            "Ceil",
            "Round",
            "ConstantOfShape",
            "Reshape",
            "Flatten",
            "Transpose",
            "Range",
            "ReduceProd",
            "Sqrt",
            "Pow",
            "Reciprocal",
            "Neg",
            "Abs",
            "Exp",
            "Log",
            "Min",
            "Max",
            "Expand",
            "Tile",
            "Equal",
            "Where",
        };

    // Elements of a constant that is repeated or filled, not read.
    private const long MaxMade = 1 << 22;

    /// <summary>Evaluates one node.</summary>
    /// <param name="node">Node, one of <see cref="Operators"/>.</param>
    /// <param name="inputs">Constant inputs; null where an optional one is left out.</param>
    /// <exception cref="InputException">Inputs do not fit the operator.</exception>
    public static OnnxTensor Evaluate(OnnxNode node, IReadOnlyList<OnnxTensor?> inputs)
    {
        OnnxTensor x = Need(0);
        switch (node.Operator)
        {
            case "Identity":
                return x;
            case "Cast":
                return node.Integer("to", 1) is 1 or 10 or 11 or 16
                    ? OnnxTensor.Of(x.Dims, x.Floats ?? [.. x.Integers!.Select(v => (float)v)])
                    : OnnxTensor.Of(x.Dims, x.Integers ?? [.. x.Floats!.Select(v => (long)v)]);
            case "Floor":
                return x.Floats is null ? x : OnnxTensor.Of(x.Dims, [.. x.Floats.Select(MathF.Floor)]);
            case "Round":
                return x.Floats is null ? x : OnnxTensor.Of(x.Dims, [.. x.Floats.Select(v => MathF.Round(v, MidpointRounding.ToEven))]);
            case "Ceil":
                return x.Floats is null ? x : OnnxTensor.Of(x.Dims, [.. x.Floats.Select(MathF.Ceiling)]);
            case "Add" or "Sub" or "Mul" or "Div" or "Pow" or "Min" or "Max" or "Equal":
                return Elementwise(node.Operator, x, Need(1));
            case "Sqrt" or "Reciprocal" or "Exp" or "Log":
                float[] values = x.Floats ?? throw new InputException(FaultCodes.WrongOperand, $"{node.Operator} of integers");
                return OnnxTensor.Of(
                    x.Dims,
                    [
                        .. values.Select(v =>
                            node.Operator switch
                            {
                                "Sqrt" => MathF.Sqrt(v),
                                "Reciprocal" => 1 / v,
                                "Exp" => MathF.Exp(v),
                                _ => MathF.Log(v),
                            }
                        ),
                    ]
                );
            case "Neg":
                return x.Floats is null
                    ? OnnxTensor.Of(x.Dims, [.. x.Integers!.Select(v => unchecked(-v))])
                    : OnnxTensor.Of(x.Dims, [.. x.Floats.Select(v => -v)]);
            case "Abs":
                return x.Floats is null
                    ? OnnxTensor.Of(x.Dims, [.. x.Integers!.Select(v => v == long.MinValue ? v : Math.Abs(v))])
                    : OnnxTensor.Of(x.Dims, [.. x.Floats.Select(MathF.Abs)]);
            case "Expand":
                return Broadcast(x, Made(BroadcastDims("Expand", x.Dims, Whole(Need(1)))));
            case "Tile":
                long[] repeats = Whole(Need(1));
                if (repeats.Length != x.Dims.Length)
                    throw new InputException(
                        FaultCodes.ShapesDoNotFit,
                        $"Tile repeats {repeats.Length} axes of [{string.Join(", ", x.Dims)}]"
                    );
                return Pick(
                    x,
                    Made([.. x.Dims.Zip(repeats, (d, r) => checked(d * r))]),
                    index => [.. index.Select((v, i) => v % x.Dims[i])]
                );
            case "Where":
                OnnxTensor yes = Need(1),
                    no = Need(2);
                long[] common = BroadcastDims("Where", BroadcastDims("Where", x.Dims, yes.Dims), no.Dims);
                long[] choice = Whole(Broadcast(x, common));
                (yes, no) = (Broadcast(yes, common), Broadcast(no, common));
                return yes.Integers is { } yi && no.Integers is { } ni
                        ? OnnxTensor.Of(common, [.. choice.Select((c, i) => c != 0 ? yi[i] : ni[i])])
                    : yes.Floats is { } yf && no.Floats is { } nf
                        ? OnnxTensor.Of(common, [.. choice.Select((c, i) => c != 0 ? yf[i] : nf[i])])
                    : throw new InputException(FaultCodes.WrongOperand, "Where mixes floats and integers");
            case "Flatten":
                return x.WithDims(Flattened(x.Dims, node.Integer("axis", 1)));
            case "Unsqueeze" or "Squeeze":
                return x.WithDims(Reshaped(node.Operator, x.Dims, node.Integers("axes") ?? Optional(1)?.Integers));
            case "Reshape":
                return x.WithDims(ReshapeDims(x.Dims, Whole(Need(1)), node.Integer("allowzero", 0) == 1));
            case "ConstantOfShape":
                int count = OnnxTensor.CountOf(Made(Whole(x)));
                OnnxTensor? value = node.Tensor("value");
                return value?.Integers is { Length: 1 } v1
                    ? OnnxTensor.Of(Whole(x), [.. Enumerable.Repeat(v1[0], count)])
                    : OnnxTensor.Of(Whole(x), [.. Enumerable.Repeat(value?.Floats is { Length: 1 } f ? f[0] : 0f, count)]);
            case "Range":
                long start = Whole(x)[0],
                    limit = Whole(Need(1))[0],
                    delta = Whole(Need(2))[0];
                if (delta == 0)
                    throw new InputException(FaultCodes.IllegalAttribute, "Range has step 0");
                long steps = Math.Max(0, (limit - start + delta - Math.Sign(delta)) / delta);
                Made([steps]);
                return OnnxTensor.Of([steps], [.. Enumerable.Range(0, (int)steps).Select(i => start + (i * delta))]);
            case "ReduceProd":
                return OnnxTensor.Of(
                    node.Integer("keepdims", 1) == 1 ? [.. x.Dims.Select(_ => 1L)] : [],
                    [Whole(x).Aggregate(1L, (a, b) => checked(a * b))]
                );
            case "Concat":
                return Concatenate([.. inputs.Select((_, i) => Need(i))], Axis(node.Integer("axis", 0), x.Dims.Length));
            case "Gather":
                return Gather(x, Need(1), Axis(node.Integer("axis", 0), x.Dims.Length));
            case "Transpose":
                return Transpose(x, Order(node, x.Dims.Length));
            case "Slice":
                SliceRange[] ranges = SliceRange.Of(node, x.Dims, inputs);
                return Pick(
                    x,
                    [.. ranges.Select(r => r.Count)],
                    index => [.. index.Select((i, a) => ranges[a].Start + (i * ranges[a].Step))]
                );
            default:
                throw new InputException(FaultCodes.UnsupportedOperator, $"{node.Operator} of constants is not supported");
        }

        OnnxTensor? Optional(int i) => i < inputs.Count ? inputs[i] : null;
        OnnxTensor Need(int i) => Optional(i) ?? throw new InputException(FaultCodes.MissingOperand, $"input {i} is missing");
    }

    // Shape of a constant that a few numbers of the file make.
    private static long[] Made(long[] dims) =>
        OnnxTensor.CountOf(dims) <= MaxMade
            ? dims
            : throw new InputException(
                FaultCodes.TooLarge,
                string.Empty,
                $"makes a constant of {OnnxTensor.CountOf(dims)} elements",
                $"at most {MaxMade} are supported"
            );

    /// <summary>Integer values of a constant.</summary>
    public static long[] Whole(OnnxTensor t) =>
        t.Integers ?? throw new InputException(FaultCodes.WrongOperand, "an integer tensor is needed, the constant holds floats");

    /// <summary>A non-negative axis.</summary>
    public static int Axis(long axis, int rank) =>
        axis >= -rank && axis < rank
            ? (int)(axis < 0 ? axis + rank : axis)
            : throw new InputException(FaultCodes.IllegalAttribute, $"axis {axis} does not exist in a tensor of rank {rank}");

    /// <summary>Shape after Squeeze or Unsqueeze.</summary>
    public static long[] Reshaped(string op, long[] dims, long[]? axes)
    {
        if (op == "Squeeze")
        {
            int[] drop = axes is null
                ? [.. Enumerable.Range(0, dims.Length).Where(i => dims[i] == 1)]
                : [.. axes.Select(a => Axis(a, dims.Length))];
            return drop.All(i => dims[i] == 1)
                ? [.. dims.Where((_, i) => !drop.Contains(i))]
                : throw new InputException(
                    FaultCodes.ShapesDoNotFit,
                    $"Squeeze drops an axis of [{string.Join(", ", dims)}] that is not 1"
                );
        }

        if (axes is null)
            throw new InputException(FaultCodes.MissingOperand, "Unsqueeze has no axes");
        int rank = dims.Length + axes.Length;
        int[] insert = [.. axes.Select(a => Axis(a, rank)).Order()];
        if (insert.Distinct().Count() != insert.Length)
            throw new InputException(FaultCodes.IllegalAttribute, "Unsqueeze names an axis twice");
        var result = new List<long>(dims);
        foreach (int i in insert)
            result.Insert(i, 1);
        return [.. result];
    }

    /// <summary>Shape after Reshape: 0 keeps a size, -1 takes what remains.</summary>
    public static long[] ReshapeDims(long[] from, long[] to, bool allowZero)
    {
        long[] dims =
        [
            .. to.Select(
                (d, i) =>
                    d == 0 && !allowZero
                        ? (
                            i < from.Length
                                ? from[i]
                                : throw new InputException(FaultCodes.IllegalAttribute, "Reshape keeps an axis that does not exist")
                        )
                        : d
            ),
        ];
        long total = OnnxTensor.CountOf(from);
        int open = Array.IndexOf(dims, -1L);
        if (open != Array.LastIndexOf(dims, -1L))
            throw new InputException(
                FaultCodes.IllegalAttribute,
                $"reshapes to [{string.Join(", ", dims)}]: only one size can be -1, what remains"
            );
        if (open >= 0)
        {
            long known = OnnxTensor.CountOf(dims.Where((_, i) => i != open));
            dims[open] =
                known > 0 && total % known == 0
                    ? total / known
                    : throw new InputException(
                        FaultCodes.ShapesDoNotFit,
                        $"Reshape of [{string.Join(", ", from)}] to [{string.Join(", ", to)}] does not divide"
                    );
        }

        return OnnxTensor.CountOf(dims) == total
            ? dims
            : throw new InputException(
                FaultCodes.ShapesDoNotFit,
                $"Reshape of [{string.Join(", ", from)}] to [{string.Join(", ", to)}] changes the number of elements"
            );
    }

    /// <summary>Shape after Flatten.</summary>
    public static long[] Flattened(long[] dims, long axis) =>
        Axis(axis, dims.Length + 1) is var a ? [dims[..a].Aggregate(1L, (p, d) => p * d), dims[a..].Aggregate(1L, (p, d) => p * d)] : [];

    /// <summary>Order of the axes after Transpose.</summary>
    public static int[] Order(OnnxNode node, int rank)
    {
        int[] order = [.. node.Integers("perm")?.Select(p => Axis(p, rank)) ?? Enumerable.Range(0, rank).Reverse()];
        return order.Length == rank && order.Distinct().Count() == rank
            ? order
            : throw new InputException(
                FaultCodes.IllegalAttribute,
                $"perm [{string.Join(", ", order)}] is not a permutation of {rank} axes"
            );
    }

    /// <summary>A constant with its axes in another order.</summary>
    public static OnnxTensor Transpose(OnnxTensor x, int[] order) =>
        Pick(
            x,
            [.. order.Select(p => x.Dims[p])],
            index =>
            {
                var source = new long[index.Length];
                for (int i = 0; i < order.Length; i++)
                    source[order[i]] = index[i];
                return source;
            }
        );

    /// <summary>Some indices of an axis of a constant.</summary>
    public static OnnxTensor Take(OnnxTensor x, int axis, long start, long count) =>
        Pick(x, [.. x.Dims.Select((d, i) => i == axis ? count : d)], index => [.. index.Select((v, i) => i == axis ? v + start : v)]);

    private static long[] BroadcastDims(string op, long[] a, long[] b)
    {
        int rank = Math.Max(a.Length, b.Length);
        long[] da = [.. Enumerable.Repeat(1L, rank - a.Length), .. a],
            db = [.. Enumerable.Repeat(1L, rank - b.Length), .. b];
        return
        [
            .. da.Zip(
                db,
                (p, q) =>
                    p == q || q == 1 ? p
                    : p == 1 ? q
                    : throw new InputException(
                        FaultCodes.ShapesDoNotFit,
                        $"{op} of [{string.Join(", ", a)}] and [{string.Join(", ", b)}] does not broadcast"
                    )
            ),
        ];
    }

    private static OnnxTensor Broadcast(OnnxTensor x, long[] dims)
    {
        long[] from = [.. Enumerable.Repeat(1L, dims.Length - x.Dims.Length), .. x.Dims];
        return Pick(x.WithDims(from), dims, index => [.. index.Select((v, i) => from[i] == 1 ? 0 : v)]);
    }

    private static OnnxTensor Elementwise(string op, OnnxTensor a, OnnxTensor b)
    {
        long[] dims = BroadcastDims(op, a.Dims, b.Dims);
        OnnxTensor x = Broadcast(a, dims),
            y = Broadcast(b, dims);
        if (op == "Equal")
        {
            IEnumerable<bool> equal =
                x.Integers is { } xi && y.Integers is { } yi ? xi.Zip(yi, (u, v) => u == v)
                : x.Floats is { } xf && y.Floats is { } yf ? xf.Zip(yf, (u, v) => u == v)
                : throw new InputException(FaultCodes.WrongOperand, "Equal mixes floats and integers");
            return OnnxTensor.Of(dims, (long[])[.. equal.Select(e => e ? 1L : 0L)]);
        }

        if (x.Integers is { } p && y.Integers is { } q)
        {
            return OnnxTensor.Of(
                dims,
                [
                    .. p.Zip(
                        q,
                        (u, v) =>
                            op switch
                            {
                                "Add" => u + v,
                                "Sub" => u - v,
                                "Mul" => u * v,
                                "Min" => Math.Min(u, v),
                                "Max" => Math.Max(u, v),
                                "Pow" => (long)Math.Pow(u, v),
                                _ => v == 0 || (v == -1 && u == long.MinValue)
                                    ? throw new InputException(FaultCodes.NotFinite, "a constant is divided by 0")
                                    : u / v,
                            }
                    ),
                ]
            );
        }

        if (x.Floats is null || y.Floats is null)
            throw new InputException(FaultCodes.WrongOperand, $"{op} mixes floats and integers");
        return OnnxTensor.Of(
            dims,
            [
                .. x.Floats.Zip(
                    y.Floats,
                    (u, v) =>
                        op switch
                        {
                            "Add" => u + v,
                            "Sub" => u - v,
                            "Mul" => u * v,
                            "Min" => MathF.Min(u, v),
                            "Max" => MathF.Max(u, v),
                            "Pow" => MathF.Pow(u, v),
                            _ => u / v,
                        }
                ),
            ]
        );
    }

    private static OnnxTensor Concatenate(OnnxTensor[] parts, int axis)
    {
        long[] dims = [.. parts[0].Dims];
        if (parts.Any(p => p.Dims.Length != dims.Length || p.Dims.Where((d, i) => i != axis && d != dims[i]).Any()))
            throw new InputException(FaultCodes.ShapesDoNotFit, "Concat joins tensors of different shapes");
        dims[axis] = parts.Sum(p => p.Dims[axis]);
        int inner = OnnxTensor.CountOf(dims[(axis + 1)..]),
            outer = OnnxTensor.CountOf(dims[..axis]);
        OnnxTensor.CountOf(dims);
        return parts.All(p => p.Integers is not null)
            ? OnnxTensor.Of(dims, Join(parts, p => p.Integers!))
            : OnnxTensor.Of(
                dims,
                Join(parts, p => p.Floats ?? throw new InputException(FaultCodes.WrongOperand, "Concat mixes floats and integers"))
            );

        T[] Join<T>(OnnxTensor[] from, Func<OnnxTensor, T[]> values)
        {
            var joined = new List<T>();
            for (int o = 0; o < outer; o++)
            {
                foreach (OnnxTensor p in from)
                {
                    int run = (int)p.Dims[axis] * inner;
                    joined.AddRange(values(p).AsSpan(o * run, run));
                }
            }

            return [.. joined];
        }
    }

    private static OnnxTensor Gather(OnnxTensor x, OnnxTensor indices, int axis)
    {
        long[] at = Whole(indices);
        foreach (long i in at)
        {
            if (i < -x.Dims[axis] || i >= x.Dims[axis])
                throw new InputException(FaultCodes.IllegalAttribute, $"Gather index {i} is outside [{string.Join(", ", x.Dims)}]");
        }

        int extra = indices.Dims.Length;
        return Pick(
            x,
            [.. x.Dims[..axis], .. indices.Dims, .. x.Dims[(axis + 1)..]],
            index =>
            {
                long flat = 0;
                for (int i = 0; i < extra; i++)
                    flat = (flat * indices.Dims[i]) + index[axis + i];
                long chosen = at[flat];
                return [.. index[..axis], chosen < 0 ? chosen + x.Dims[axis] : chosen, .. index[(axis + extra)..]];
            }
        );
    }

    // Builds a tensor element by element from positions in another: constants of shape arithmetic are small.
    private static OnnxTensor Pick(OnnxTensor x, long[] dims, Func<long[], long[]> source)
    {
        int count = OnnxTensor.CountOf(dims);
        var from = new int[count];
        var index = new long[dims.Length];
        for (int i = 0; i < count; i++)
        {
            long flat = 0;
            long[] at = source(index);
            for (int a = 0; a < at.Length; a++)
                flat = (flat * x.Dims[a]) + at[a];
            from[i] = (int)flat;
            for (int a = dims.Length - 1; a >= 0 && ++index[a] == dims[a]; a--)
                index[a] = 0;
        }

        return x.Take(dims, from);
    }
}

/// <summary>What Slice takes of one axis.</summary>
/// <param name="Start">First index.</param>
/// <param name="Step">Distance; may be negative.</param>
/// <param name="Count">Number of elements.</param>
internal readonly record struct SliceRange(long Start, long Step, long Count)
{
    /// <summary>Ranges per axis, from attributes (opset below 10) or inputs.</summary>
    public static SliceRange[] Of(OnnxNode node, long[] dims, IReadOnlyList<OnnxTensor?> inputs)
    {
        long[]? starts = node.Integers("starts") ?? At(1),
            ends = node.Integers("ends") ?? At(2);
        if (starts is null || ends is null || starts.Length != ends.Length)
            throw new InputException(FaultCodes.MissingOperand, "Slice needs starts and ends of one length");
        long[] axes = node.Integers("axes") ?? At(3) ?? [.. Enumerable.Range(0, starts.Length).Select(i => (long)i)],
            steps = At(4) ?? [.. starts.Select(_ => 1L)];
        if (axes.Length != starts.Length || steps.Length != starts.Length)
            throw new InputException(FaultCodes.MissingOperand, "Slice needs axes and steps as long as starts");
        SliceRange[] ranges = [.. dims.Select(d => new SliceRange(0, 1, d))];
        for (int i = 0; i < axes.Length; i++)
        {
            int axis = ConstantFolder.Axis(axes[i], dims.Length);
            long size = dims[axis],
                step = steps[i];
            if (step == 0)
                throw new InputException(FaultCodes.IllegalAttribute, "Slice has step 0");
            long Bound(long v, long low, long high) => Math.Clamp(v < 0 ? v + size : v, low, high);
            long start = step > 0 ? Bound(starts[i], 0, size) : Bound(starts[i], 0, size - 1);
            long end = step > 0 ? Bound(ends[i], 0, size) : Bound(ends[i], -1, size - 1);
            long count = step > 0 ? (end - start + step - 1) / step : (start - end - step - 1) / -step;
            ranges[axis] = new SliceRange(start, step, Math.Max(0, count));
        }

        return ranges;

        long[]? At(int i) => i < inputs.Count && inputs[i] is { } t ? ConstantFolder.Whole(t) : null;
    }
}
