namespace AccelGen.Tests.Shared;

/// <summary>Operators over rows of elements: sums, softmax, normalisation, the largest.</summary>
internal static partial class OperatorDraws
{
    private static OperatorDraw[] Rows =>
        [
            new(
                "Softmax",
                3,
                (m, d) =>
                    Any(m, d, v => v.Rank > 1 && v.Size < 20) is { } x
                    && Channels(x) is var axis
                    && m.Give(m.Node("Softmax", [x.Name], ("axis", d.Coin() ? axis - x.Rank : axis)), 0.5, x.Dims)
            ),
            new(
                "Softmax over any axis",
                2,
                (m, d) =>
                    Any(m, d, v => v.Rank > 1 && v.Size < 20) is { } x
                    && m.Give(m.Node("Softmax", [x.Name], ("axis", d.Next(1, x.Rank))), 0.5, x.Dims),
                Refused: true
            ),
            new(
                "LogSoftmax",
                1,
                (m, d) =>
                    Any(m, d, v => v.Rank > 1 && v.Size < 20) is { } x
                    && m.Opset >= 13
                    && m.Give(m.Node("LogSoftmax", [x.Name], ("axis", -1)), 3, x.Dims),
                Refused: true
            ),
            new(
                "LayerNormalization",
                3,
                (m, d) =>
                    m.Pick(d, v => v.IsTokens || (v.Rank == 2 && !v.Index)) is { } x
                    && m.Give(
                        m.Node(
                            "LayerNormalization",
                            [x.Name, m.Random(0.5, 1, x.Dims[^1]), .. d.Coin() ? [m.Random(0.3, 0, x.Dims[^1])] : Array.Empty<string>()],
                            ("axis", d.Of(-1, x.Rank - 1)),
                            ("epsilon", 1e-2f)
                        ),
                        1,
                        x.Dims
                    ),
                Opset: 17
            ),
            new("Layer norm written out", 2, WrittenOut),
            new(
                "InstanceNormalization",
                1,
                (m, d) =>
                    m.Image(d) is { } x
                    && m.Give(
                        m.Node(
                            "InstanceNormalization",
                            [x.Name, m.Random(0.5, 1, x.Dims[1]), m.Random(0.3, 0, x.Dims[1])],
                            ("epsilon", 1e-2f)
                        ),
                        1,
                        x.Dims
                    ),
                Refused: true
            ),
            new(
                "GroupNormalization",
                1,
                (m, d) =>
                    m.Image(d) is { } x
                    && Enumerable.Range(1, 8).Last(g => x.Dims[1] % g == 0) is var g
                    && m.Give(
                        m.Node(
                            "GroupNormalization",
                            [x.Name, m.Random(0.5, 1, x.Dims[1]), m.Random(0.3, 0, x.Dims[1])],
                            ("num_groups", g),
                            ("epsilon", 1e-2f)
                        ),
                        1,
                        x.Dims
                    ),
                Opset: 21,
                Refused: true
            ),
            new("ReduceMean or ReduceSum", 5, (m, d) => Reduce(m, d, d.Of("ReduceMean", "ReduceSum"))),
            new(
                "Reduce otherwise",
                3,
                (m, d) => Reduce(m, d, d.Of("ReduceMax", "ReduceL2", "ReduceMin", "ReduceProd", "ReduceL1")),
                Refused: true
            ),
            new(
                "LpNormalization",
                1,
                (m, d) =>
                    m.Image(d) is { } x
                    && m.Give(m.Node("LpNormalization", [m.Node("Add", [x.Name, m.Number(3)])], ("axis", d.Of(1, -1))), 1, x.Dims),
                Refused: true
            ),
            new(
                "ArgMax",
                1,
                (m, d) =>
                    Any(m, d, v => v.Rank > 1) is { } x
                    && (d.Rarely(6) ? d.Next(1, x.Rank) : Channels(x)) is var axis
                    && d.Coin() is var keep
                    && m.Give(
                        new DraftValue(
                            m.Node("ArgMax", [x.Name], ("axis", axis), ("keepdims", keep ? 1 : 0)),
                            keep ? With(x.Dims, axis, 1) : [.. x.Dims.Where((_, i) => i != axis)],
                            1,
                            Index: true
                        )
                    )
            ),
            new(
                "TopK",
                1,
                (m, d) =>
                    Any(m, d, v => v.Rank > 1 && v.Dims[^1] > 2) is { } x
                    && m.Opset >= 11
                    && m.Give(m.Node("TopK", [x.Name, m.Integers(2)]), x.Size, With(x.Dims, x.Rank - 1, 2))
                    && m.Output().Length > 0,
                Refused: true
            ),
        ];

    private static bool WrittenOut(ModelDraft m, Draw d)
    {
        if (Any(m, d, v => v.Rank > 1) is not { } x)
            return false;
        int axis = x.IsImage && d.Rarely(6) ? 3 : Channels(x);
        string Mean(string y) => m.NodeWithList("ReduceMean", y, 18, "axes", L(axis), ("keepdims", 1));
        string centred = m.Node("Sub", [x.Name, Mean(x.Name)]),
            square = d.Coin() ? m.Node("Mul", [centred, centred]) : m.Node("Pow", [centred, m.Number(2)]);
        string deviation = m.Node("Sqrt", [m.Node("Add", [Mean(square), m.Number(1e-2f)])]),
            y = m.Node("Div", [centred, deviation]);
        long[] dims = [.. x.Dims.Select((s, i) => i == axis ? s : 1)];
        if (d.Coin())
            y = m.Node("Add", [m.Node("Mul", [y, m.Random(0.5, 1, dims)]), m.Random(0.3, 0, dims)]);
        return m.Give(y, 1, x.Dims);
    }

    // The axis of the channels, as most files have them.
    private static int Channels(DraftValue x) => x.IsImage ? 1 : x.Rank - 1;

    private static bool Reduce(ModelDraft m, Draw d, string op)
    {
        if (Any(m, d, v => v.Rank > 1) is not { } x)
            return false;
        int[] axes = x.IsImage
            ? d.Of<int[]>([2, 3], [1], [2], [3], [1, 2, 3])
            : [.. Enumerable.Range(1, x.Rank - 1).Where(i => i == x.Rank - 1 || d.Coin())];
        bool keep = !d.Rarely(3);
        long[] dims = keep ? [.. x.Dims.Select((s, i) => axes.Contains(i) ? 1 : s)] : [.. x.Dims.Where((_, i) => !axes.Contains(i))];
        double size = op == "ReduceSum" ? x.Size * Math.Sqrt(x.Elements / Math.Max(1.0, Product(dims))) : x.Size;
        string y = m.NodeWithList(
            op,
            x.Name,
            op == "ReduceSum" ? 13 : 18,
            "axes",
            [.. axes.Select(a => (long)(d.Rarely(3) ? a - x.Rank : a))],
            ("keepdims", keep ? 1 : 0)
        );
        return m.Give(y, size, dims);
    }
}
