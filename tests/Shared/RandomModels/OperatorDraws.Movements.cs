namespace AccelGen.Tests.Shared;

/// <summary>Operators that move, take, join and repeat elements.</summary>
internal static partial class OperatorDraws
{
    private static OperatorDraw[] Movements =>
        [
            new("Concat", 9, Concat),
            new("Split", 4, Split),
            new("Slice", 5, Slice),
            new("Gather", 3, Gather),
            new("Pad", 4, (m, d) => Pad(m, d, "constant")),
            new("Pad of another mode", 2, (m, d) => Pad(m, d, d.Of("reflect", "edge")), Refused: true),
            new(
                "Expand",
                1,
                (m, d) =>
                    Any(m, d, v => v.Rank > 1 && v.Dims.Any(s => s == 1)) is { } x
                    && x.Dims.Select((s, i) => s == 1 && i > 0 ? d.Next(1, 6) : s).ToArray() is var to
                    && m.Allows(0, to)
                    && m.Give(m.Node("Expand", [x.Name, m.Integers(to)]), x.Size, to)
            ),
            new(
                "Tile",
                1,
                (m, d) =>
                    Any(m, d, v => v.Rank > 1) is { } x
                    && x.Dims.Select((_, i) => (long)(i == 0 ? 1 : d.Next(1, 3))).ToArray() is var times
                    && x.Dims.Zip(times, (s, t) => s * t).ToArray() is var to
                    && m.Allows(0, to)
                    && m.Give(m.Node("Tile", [x.Name, m.Integers(times)]), x.Size, to),
                Refused: true
            ),
            new("Tokens of an image", 4, (m, d) => m.Image(d) is { } x && m.Give(m.TokensOf(x))),
            new("Image of tokens", 3, ImageOfTokens),
            new("Transpose", 3, Transpose, Refused: true),
            new("Reshape", 4, Reshape, Refused: true),
            new(
                "Flatten",
                1,
                (m, d) =>
                    Any(m, d, v => v.Rank > 0) is { } x
                    && d.Next(0, x.Rank + 1) is var axis
                    && m.Allows(0, Product(x.Dims.Take(axis)), Product(x.Dims.Skip(axis)))
                    && m.Give(m.Node("Flatten", [x.Name], ("axis", axis)), x.Size, Product(x.Dims.Take(axis)), Product(x.Dims.Skip(axis)))
            ),
            new(
                "Squeeze",
                1,
                (m, d) =>
                    Any(m, d, v => v.Rank > 1 && v.Dims.Contains(1)) is { } x
                    && Array.IndexOf(x.Dims, 1L, d.Coin() ? Array.LastIndexOf(x.Dims, 1L) : 0) is var axis
                    && m.Give(m.NodeWithList("Squeeze", x.Name, 13, "axes", L(axis)), x.Size, [.. x.Dims.Where((_, i) => i != axis)])
            ),
            new(
                "Unsqueeze",
                1,
                (m, d) =>
                    Any(m, d, v => v.Rank < 6) is { } x
                    && d.Next(0, x.Rank + 1) is var axis
                    && m.Give(
                        m.NodeWithList("Unsqueeze", x.Name, 13, "axes", L(axis)),
                        x.Size,
                        [.. x.Dims.Take(axis), 1, .. x.Dims.Skip(axis)]
                    )
            ),
            new(
                "Channel shuffle",
                1,
                (m, d) =>
                    m.Image(d) is { } x
                    && Enumerable.Range(1, 8).Last(g => x.Dims[1] % g == 0) is var g
                    && m.Give(
                        m.Reshape(
                            m.Node("Transpose", [m.Reshape(x.Name, 1, g, x.Dims[1] / g, x.Dims[2], x.Dims[3])], ("perm", L(0, 2, 1, 3, 4))),
                            x.Dims
                        ),
                        x.Size,
                        x.Dims
                    )
            ),
            new("Focus", 1, Focus),
            new("Windows", 1, Windowed, Refused: true),
            new(
                "DepthToSpace",
                1,
                (m, d) =>
                    m.Opset >= 11
                    && d.Of(2, 3) is var b
                    && m.Pick(d, v => v.IsImage && v.Dims[1] % (b * b) == 0) is { } x
                    && m.Give(
                        m.Node("DepthToSpace", [x.Name], ("blocksize", b), ("mode", d.Of("DCR", "CRD"))),
                        x.Size,
                        1,
                        x.Dims[1] / (b * b),
                        x.Dims[2] * b,
                        x.Dims[3] * b
                    ),
                Refused: true
            ),
            new(
                "SpaceToDepth",
                1,
                (m, d) =>
                    d.Of(2, 3) is var b
                    && m.Pick(d, v => v.IsImage && v.Dims[2] % b == 0 && v.Dims[3] % b == 0) is { } x
                    && m.Give(
                        m.Node("SpaceToDepth", [x.Name], ("blocksize", b)),
                        x.Size,
                        1,
                        x.Dims[1] * b * b,
                        x.Dims[2] / b,
                        x.Dims[3] / b
                    ),
                Refused: true
            ),
        ];

    // Parts that differ along one axis only, the same one twice, a concatenation, a constant.
    private static bool Concat(ModelDraft m, Draw d)
    {
        if (Any(m, d, v => v.Rank > 1) is not { } x)
            return false;
        int axis = x.IsImage ? d.Of(1, 1, 1, 2, 3) : d.Next(1, x.Rank);
        bool Joins(DraftValue v) =>
            !v.Index && v.Rank == x.Rank && v.Dims.Zip(x.Dims).Where((p, i) => i != axis && p.First != p.Second).Any() == false;
        var parts = new List<DraftValue> { x };
        for (int more = d.Next(0, 4); more > 0; more--)
        {
            if (m.Pick(d, Joins) is { } part && (part.Name != x.Name || d.Rarely(4)))
                parts.Add(part);
        }

        if (parts.Count == 1 || d.Rarely(8))
            parts.Insert(d.Next(0, 2), With(x.Dims, axis, d.Next(1, 9)) is var dims ? new DraftValue(m.Random(1, 0, dims), dims) : x);
        long[] whole = With(x.Dims, axis, parts.Sum(p => p.Dims[axis]));
        return m.Allows(0, whole)
            && m.Give(
                m.Node("Concat", [.. parts.Select(p => p.Name)], ("axis", d.Coin() ? axis - x.Rank : axis)),
                parts.Max(p => p.Size),
                whole
            );
    }

    private static bool Split(ModelDraft m, Draw d)
    {
        if (m.Pick(d, v => !v.Index && v.Rank > 1 && v.Dims.Skip(1).Any(s => s > 1)) is not { } x)
            return false;
        int[] axes = [.. Enumerable.Range(1, x.Rank - 1).Where(i => x.Dims[i] > 1)];
        int axis = x.Dims[1] > 1 && !d.Rarely(3) ? 1 : axes[d.Next(0, axes.Length)];
        long size = x.Dims[axis];
        var sizes = new List<long>();
        int parts = d.Next(2, 5);
        if (size % parts == 0 && d.Coin())
        {
            sizes.AddRange(Enumerable.Repeat(size / parts, parts));
        }
        else
        {
            for (long left = size; left > 0; left -= sizes[^1])
                sizes.Add(sizes.Count == 3 ? left : Math.Min(left, 1 + d.Next(0, (int)left)));
        }

        string first = m.NodeWithList("Split", x.Name, 13, "split", [.. sizes], ("axis", axis));
        m.Give(first, x.Size, With(x.Dims, axis, sizes[0]));
        foreach (long part in sizes.Skip(1))
        {
            string name = m.Output();
            // Some parts are never used.
            if (!d.Rarely(5))
                m.Give(name, x.Size, With(x.Dims, axis, part));
        }

        return true;
    }

    private static bool Slice(ModelDraft m, Draw d)
    {
        if (m.Pick(d, v => !v.Index && v.Rank > 1) is not { } x)
            return false;
        long[] dims = [.. x.Dims],
            starts = new long[x.Rank],
            ends = new long[x.Rank],
            steps = new long[x.Rank];
        for (int i = 0; i < x.Rank; i++)
        {
            (starts[i], ends[i], steps[i]) = (0, x.Dims[i], 1);
            if (i == 0 || (i != 1 && d.Coin()))
                continue;
            long step = m.Opset >= 10 && d.Rarely(3) ? d.Of(2, 3, -1, -2) : 1,
                first = d.Next(0, (int)x.Dims[i]);
            long count = 1 + d.Next(0, (int)((step > 0 ? x.Dims[i] - 1 - first : first) / Math.Abs(step)) + 1);
            (dims[i], steps[i], starts[i]) = (count, step, d.Coin() ? first - x.Dims[i] : first);
            long end = first + (count * step);
            ends[i] =
                step > 0
                    ? end >= x.Dims[i] && d.Coin()
                        ? d.Of(int.MaxValue, long.MaxValue)
                        : end
                    : end < 0
                        ? -x.Dims[i] - 1
                        : end;
        }

        int[] axes = [.. Enumerable.Range(0, x.Rank).Where(i => ends[i] != x.Dims[i] || starts[i] != 0 || steps[i] != 1)];
        if (axes.Length == 0)
            axes = [1];
        long[] Of(long[] list) => [.. axes.Select(i => list[i])];
        string y =
            m.Opset < 10
                ? m.Node("Slice", [x.Name], ("starts", Of(starts)), ("ends", Of(ends)), ("axes", (long[])[.. axes.Select(i => (long)i)]))
                : m.Node(
                    "Slice",
                    [
                        x.Name,
                        m.Integers(Of(starts)),
                        m.Integers(Of(ends)),
                        m.Integers([.. axes.Select(i => (long)(d.Coin() ? i - x.Rank : i))]),
                        m.Integers(Of(steps)),
                    ]
                );
        return m.Give(y, x.Size, dims);
    }

    private static bool Gather(ModelDraft m, Draw d)
    {
        if (m.Pick(d, v => !v.Index && v.Rank > 1) is not { } x)
            return false;
        int axis = d.Next(1, x.Rank);
        int size = (int)x.Dims[axis];
        if (x.Rank > 2 && d.Coin())
            return m.Give(
                m.Node("Gather", [x.Name, m.Index(d.Next(0, size) - (d.Coin() ? size : 0))], ("axis", axis)),
                x.Size,
                [.. x.Dims.Where((_, i) => i != axis)]
            );
        int first = d.Next(0, size),
            step = d.Of(1, 2, 3);
        long[] picks = d.Coin()
            ? [.. Enumerable.Range(0, d.Next(1, 6)).Select(_ => (long)d.Next(0, size))]
            : [.. Enumerable.Range(0, ((size - 1 - first) / step) + 1).Select(i => (long)(first + (i * step)))];
        long[] dims = With(x.Dims, axis, picks.Length);
        return m.Allows(0, dims) && m.Give(m.Node("Gather", [x.Name, m.Integers(picks)], ("axis", axis)), x.Size, dims);
    }

    private static bool Pad(ModelDraft m, Draw d, string mode)
    {
        if (m.Pick(d, v => !v.Index && v.Rank > 1) is not { } x)
            return false;
        long[] before = new long[x.Rank],
            after = new long[x.Rank];
        for (int i = 1; i < x.Rank; i++)
        {
            if (x.IsImage ? i == 1 && !d.Rarely(5) : d.Coin())
                continue;
            int most =
                mode == "reflect" ? (int)Math.Min(x.Dims[i], 4)
                : d.Rarely(8) ? 40
                : 4;
            (before[i], after[i]) = (d.Next(0, most), d.Next(0, most));
        }

        // Taken away at one side.
        if (mode == "constant" && d.Rarely(8) && x.Dims[^1] > 2)
            after[^1] = -1;
        long[] pads = [.. before, .. after],
            dims = [.. x.Dims.Select((s, i) => s + before[i] + after[i])];
        if (!m.Allows(0, dims))
            return false;
        float value = d.Of(0f, 0f, 0.75f, -1f);
        string y =
            m.Opset < 11
                ? m.Node("Pad", [x.Name], ("pads", pads), ("value", value), ("mode", mode))
                : m.Node(
                    "Pad",
                    value == 0 || mode != "constant" ? [x.Name, m.Integers(pads)] : [x.Name, m.Integers(pads), m.Number(value)],
                    ("mode", mode)
                );
        return m.Give(y, x.Size, dims);
    }

    private static bool ImageOfTokens(ModelDraft m, Draw d)
    {
        if (m.Pick(d, v => v.IsTokens) is not { } x)
            return false;
        int pixels = (int)x.Dims[1];
        int[] rows = [.. Enumerable.Range(1, pixels).Where(r => pixels % r == 0).OrderBy(r => Math.Abs(r - (pixels / r)))];
        long h = rows[d.Next(0, rows.Length)],
            w = pixels / h;
        string y = m.Node("Transpose", [x.Name], ("perm", L(0, 2, 1)));
        return m.Give(
            d.Rarely(3)
                ? m.ReshapeByShape(new DraftValue(y, [1, x.Dims[2], pixels]), 2, h, w)
                : m.Reshape(y, d.Coin() ? [0, 0, h, -1] : [1, x.Dims[2], h, w]),
            x.Size,
            1,
            x.Dims[2],
            h,
            w
        );
    }

    private static bool Transpose(ModelDraft m, Draw d)
    {
        if (m.Pick(d, v => !v.Index && v.Rank is > 1 and < 7) is not { } x)
            return false;
        List<int> rest = [.. Enumerable.Range(1, x.Rank - 1)];
        var order = new List<int> { 0 };
        while (rest.Count > 0)
        {
            int at = d.Next(0, rest.Count);
            order.Add(rest[^(at + 1)]);
            rest.RemoveAt(rest.Count - at - 1);
        }

        return m.Give(
            m.Node("Transpose", [x.Name], ("perm", (long[])[.. order.Select(o => (long)o)])),
            x.Size,
            [.. order.Select(o => x.Dims[o])]
        );
    }

    // Axes split and joined; now and then elements divided in a way that has nothing to do with the axes.
    private static bool Reshape(ModelDraft m, Draw d)
    {
        if (m.Pick(d, v => !v.Index && v.Rank is > 0 and < 7) is not { } x)
            return false;
        var dims = x.Dims.ToList();
        for (int change = d.Next(1, 4); change > 0; change--)
        {
            int axis = d.Next(0, dims.Count);
            if (d.Coin() && axis + 1 < dims.Count)
            {
                dims[axis] *= dims[axis + 1];
                dims.RemoveAt(axis + 1);
            }
            else if (dims.Count < 6)
            {
                int[] divisors = [.. Enumerable.Range(1, (int)Math.Min(64, dims[axis])).Where(f => dims[axis] % f == 0)];
                int part = divisors[d.Next(0, divisors.Length)];
                dims[axis] /= part;
                dims.Insert(d.Coin() ? axis : axis + 1, part);
            }
        }

        if (d.Rarely(10) && dims.Count > 2)
            dims.Reverse(1, dims.Count - 1);
        long[] written = [.. dims];
        if (d.Rarely(3))
            written[d.Next(0, written.Length)] = -1;
        return m.Allows(0, [.. dims]) && m.Give(m.Reshape(x.Name, written), x.Size, [.. dims]);
    }

    private static bool Focus(ModelDraft m, Draw d)
    {
        int b = d.Of(2, 3, 4);
        if (m.Pick(d, v => v.IsImage && v.Dims[2] % b == 0 && v.Dims[3] % b == 0) is not { } x)
            return false;
        (long c, long h, long w) = (x.Dims[1], x.Dims[2] / b, x.Dims[3] / b);
        string y = m.Node("Transpose", [m.Reshape(x.Name, 1, c, h, b, w, b)], ("perm", d.Of(L(0, 3, 5, 1, 2, 4), L(0, 1, 3, 5, 2, 4))));
        return m.Give(m.Reshape(y, 1, c * b * b, h, w), x.Size, 1, c * b * b, h, w);
    }

    // Windows of an image as a batch of tokens.
    private static bool Windowed(ModelDraft m, Draw d)
    {
        int b = d.Of(2, 4, 7);
        if (m.Pick(d, v => v.IsImage && v.Dims[2] % b == 0 && v.Dims[3] % b == 0) is not { } x)
            return false;
        (long c, long h, long w) = (x.Dims[1], x.Dims[2] / b, x.Dims[3] / b);
        string y = m.Node("Transpose", [m.Reshape(x.Name, 1, c, h, b, w, b)], ("perm", L(0, 2, 4, 3, 5, 1)));
        return m.Give(m.Reshape(y, h * w, b * b, c), x.Size, h * w, b * b, c);
    }
}
