namespace AccelGen.Tests.Shared;

/// <summary>Matrix products, attention, and what tokens go through.</summary>
internal static partial class OperatorDraws
{
    private static OperatorDraw[] Products =>
        [
            new(
                "Linear",
                5,
                (m, d) =>
                    m.Tokens(d) is { } x
                    && d.Channels(64) is var k
                    && m.Allows(x.Elements * k, With(x.Dims, 2, k))
                    && m.Give(Linear(m, d, x, k), x.Size, With(x.Dims, 2, k))
            ),
            new("MatMul with a constant", 3, MatMulWithConstant),
            new(
                "MatMul of a constant with a value",
                1,
                (m, d) =>
                    m.Pick(d, v => v.IsTokens) is { } x
                    && d.Channels(32) is var k
                    && m.Allows(x.Elements * k, 1, k, x.Dims[2])
                    && m.Give(m.Node("MatMul", [m.Random(1.7 / Math.Sqrt(x.Dims[1]), 0, k, x.Dims[1]), x.Name]), x.Size, 1, k, x.Dims[2])
            ),
            new("MatMul of two values", 3, MatMulOfTwo, Refused: true),
            new("Gemm", 3, Gemm),
            new("Attention", 4, Attention),
            new("Attention over channels", 1, ChannelAttention),
            new("Linear attention", 1, LinearAttention),
            new("Mix-FFN", 1, MixFfn),
            new("Transformer block", 2, TransformerBlock, Opset: 17),
            new(
                "Class token",
                2,
                (m, d) =>
                    m.Tokens(d) is { } x
                    && m.Allows(0, 1, x.Dims[1] + 1, x.Dims[2])
                    && m.Give(
                        m.Node(
                            "Concat",
                            [
                                d.Coin()
                                    ? m.Node("Expand", [m.Random(1, 0, 1, 1, x.Dims[2]), m.Integers(1, 1, x.Dims[2])])
                                    : m.Random(1, 0, 1, 1, x.Dims[2]),
                                x.Name,
                            ],
                            ("axis", 1)
                        ),
                        x.Size,
                        1,
                        x.Dims[1] + 1,
                        x.Dims[2]
                    )
            ),
            new(
                "Einsum",
                1,
                (m, d) =>
                    m.Opset >= 12
                    && m.Pick(d, v => v.IsTokens) is { } x
                    && d.Next(1, 17) is var k
                    && m.Give(
                        m.Node("Einsum", [x.Name, m.Random(0.3, 0, x.Dims[2], k)], ("equation", "bnc,ck->bnk")),
                        x.Size,
                        1,
                        x.Dims[1],
                        k
                    ),
                Refused: true
            ),
        ];

    private static string Linear(ModelDraft m, Draw d, DraftValue x, long outputs)
    {
        string product = m.Node("MatMul", [x.Name, m.Weights(d, 1.7 / Math.Sqrt(x.Dims[^1]), x.Dims[^1], outputs)]);
        return d.Next(0, 3) switch
        {
            0 => m.Node("Add", [m.Random(0.3, 0, outputs), product]),
            1 => m.Node("Add", [product, m.Random(0.3, 0, outputs)]),
            _ => product,
        };
    }

    private static bool MatMulWithConstant(ModelDraft m, Draw d)
    {
        if (m.Pick(d, v => !v.Index && v.Rank > 0) is not { } x)
            return false;
        long depth = x.Dims[^1],
            columns = d.Channels(48);
        bool vector = d.Rarely(24),
            heads = x.Rank == 4 && d.Rarely(12);
        long[] weights = vector ? [depth]
            : heads ? [1, x.Dims[1], depth, columns]
            : [depth, columns],
            dims = vector ? [.. x.Dims[..^1]] : [.. x.Dims[..^1], columns];
        if (!m.Allows(Product(dims) * depth, dims.Length == 0 ? [1] : dims))
            return false;
        return m.Give(m.Node("MatMul", [x.Name, m.Random(1.7 / Math.Sqrt(depth), 0, weights)]), x.Size, dims);
    }

    private static bool MatMulOfTwo(ModelDraft m, Draw d)
    {
        if (m.Pick(d, v => !v.Index && v.Rank is > 1 and < 5 && v.Size < 8) is not { } x)
            return false;
        // [.., M, K] by [.., K, N], or by the transpose of [.., N, K].
        if (
            m.Pick(
                d,
                v =>
                    !v.Index
                    && v.Rank == x.Rank
                    && v.Dims[..^2].SequenceEqual(x.Dims[..^2])
                    && v.Size < 8
                    && (v.Dims[^2] == x.Dims[^1] || v.Dims[^1] == x.Dims[^1])
            )
            is not { } y
        )
            return false;
        bool turn = y.Dims[^2] != x.Dims[^1];
        long columns = turn ? y.Dims[^2] : y.Dims[^1];
        long[] dims = [.. x.Dims[..^1], columns];
        if (!m.Allows(Product(dims) * x.Dims[^1], dims))
            return false;
        long[] order = [.. Enumerable.Range(0, x.Rank - 2).Select(i => (long)i), x.Rank - 1, x.Rank - 2];
        string product = m.Node("MatMul", [x.Name, turn ? m.Node("Transpose", [y.Name], ("perm", order)) : y.Name]);
        return m.Give(m.Node("Mul", [product, m.Number((float)(1 / Math.Sqrt(x.Dims[^1])))]), x.Size * y.Size, dims);
    }

    private static bool Gemm(ModelDraft m, Draw d)
    {
        string name;
        long rows,
            depth;
        double size;
        if (m.Pick(d, v => v.Rank == 2 && !v.Index) is { } matrix && d.Coin())
        {
            (name, rows, depth, size) = (matrix.Name, matrix.Dims[0], matrix.Dims[1], matrix.Size);
        }
        else if (Any(m, d, v => v.Rank > 1 && v.Elements <= 3000) is { } x)
        {
            (name, rows, depth, size) = (m.Node("Flatten", [x.Name]), x.Dims[0], x.Elements / x.Dims[0], x.Size);
        }
        else
        {
            return false;
        }

        long columns = d.Channels(64);
        if (!m.Allows(rows * depth * columns, rows, columns))
            return false;
        bool turned = d.Coin();
        string weights = m.Random(1.7 / Math.Sqrt(depth), 0, turned ? [columns, depth] : [depth, columns]);
        (string, object)[] attributes = [("transB", turned ? 1 : 0)];
        if (d.Rarely(4))
            attributes = [.. attributes, ("alpha", 0.75f), ("beta", 1.5f)];
        // As exporters write it, a row, one number, or nothing.
        string[] bias = d.Next(0, 4) switch
        {
            0 => [m.Random(0.3, 0, columns)],
            1 => [m.Random(0.3, 0, 1, columns)],
            2 => [m.Number(0.25f)],
            _ => m.Opset >= 11 ? [] : [m.Random(0.3, 0, columns)],
        };
        return m.Give(m.Node("Gemm", [name, weights, .. bias], attributes), size, rows, columns);
    }

    private static string HeadsOf(ModelDraft m, string x, long tokens, int heads, long width, bool turned = false) =>
        m.Node("Transpose", [m.Reshape(x, 1, tokens, heads, width)], ("perm", turned ? L(0, 2, 3, 1) : L(0, 2, 1, 3)));

    private static string? Attended(ModelDraft m, Draw d, DraftValue x, DraftValue context)
    {
        int heads = d.Of(1, 2, 3, 4);
        long n = x.Dims[1],
            k = context.Dims[1],
            width = d.Next(1, 13),
            c = heads * width;
        if (
            !m.Allows((n * x.Dims[2] * c) + (2 * k * context.Dims[2] * c) + (2 * heads * n * k * width), heads, n, k)
            || !m.Allows(0, 1, n, 3 * c)
        )
            return null;
        string q,
            keys,
            v;
        if (context.Name == x.Name && d.Coin())
        {
            // One projection for all three.
            string all = m.Node("Transpose", [m.Reshape(Linear(m, d, x, 3 * c), 1, n, 3, heads, width)], ("perm", L(2, 0, 3, 1, 4)));
            string Part(int i) => m.Node("Gather", [all, m.Index(i)], ("axis", 0));
            (q, keys, v) = (Part(0), m.Node("Transpose", [Part(1)], ("perm", L(0, 1, 3, 2))), Part(2));
        }
        else
        {
            q = HeadsOf(m, Linear(m, d, x, c), n, heads, width);
            keys = HeadsOf(m, Linear(m, d, context, c), k, heads, width, turned: true);
            v = HeadsOf(m, Linear(m, d, context, c), k, heads, width);
        }

        string scores = m.Node("Mul", [m.Node("MatMul", [q, keys]), m.Number((float)(1 / Math.Sqrt(width)))]);
        if (d.Rarely(4))
            scores = m.Node("Add", [scores, m.Random(1, 0, d.Of(L(1, 1, n, k), L(n, k), L(1, heads, n, k)))]);
        string a = m.Node("MatMul", [m.Node("Softmax", [scores], ("axis", m.Opset < 13 ? 3 : -1)), v]);
        string joined = m.Reshape(m.Node("Transpose", [a], ("perm", L(0, 2, 1, 3))), 1, n, c);
        return Linear(m, d, new DraftValue(joined, [1, n, c]), x.Dims[2]);
    }

    private static bool Attention(ModelDraft m, Draw d)
    {
        if (m.Tokens(d) is not { } x)
            return false;
        DraftValue context = d.Rarely(4) && m.Pick(d, v => v.IsTokens) is { } other ? other : x;
        // Queries that are learnt, as decoders of detection have them.
        if (d.Rarely(12))
            x = new DraftValue(m.Random(1, 0, 1, 5, x.Dims[2]), [1, 5, x.Dims[2]]);
        if (Attended(m, d, x, context) is not { } y)
            return false;
        return m.Give(d.Coin() ? m.Node("Add", [y, x.Name]) : y, x.Size + 1, x.Dims);
    }

    private static bool TransformerBlock(ModelDraft m, Draw d)
    {
        if (m.Tokens(d) is not { } x || !m.Allows(8 * x.Elements * x.Dims[2], 1, x.Dims[1], 4 * x.Dims[2]))
            return false;
        long c = x.Dims[2];
        string Norm(string y) =>
            m.Node("LayerNormalization", [y, m.Random(0.5, 1, c), m.Random(0.2, 0, c)], ("axis", d.Of(-1, 2)), ("epsilon", 1e-3f));
        DraftValue normed = x with { Name = Norm(x.Name) };
        if (Attended(m, d, normed, normed) is not { } a)
            return false;
        string sum = m.Node("Add", [x.Name, a]),
            h = m.Node(d.Of("Relu", "Sigmoid"), [Linear(m, d, x with { Name = Norm(sum) }, 4 * c)]);
        return m.Give(m.Node("Add", [sum, Linear(m, d, new DraftValue(h, [1, x.Dims[1], 4 * c]), c)]), x.Size + 1, x.Dims);
    }

    private static bool ChannelAttention(ModelDraft m, Draw d)
    {
        if (m.Image(d) is not { } x || !m.Allows(x.Elements * x.Dims[1] * 4, x.Dims))
            return false;
        int heads = Enumerable.Range(1, 4).Last(g => x.Dims[1] % g == 0);
        long c = x.Dims[1],
            n = x.Dims[2] * x.Dims[3];
        string Head(string y) => m.Reshape(y, 1, heads, c / heads, n);
        string product = m.Node(
            "MatMul",
            [Head(Pointwise(m, d, x, c)), m.Node("Transpose", [Head(Pointwise(m, d, x, c))], ("perm", L(0, 1, 3, 2)))]
        );
        string a = m.Node("Softmax", [m.Node("Mul", [product, m.Number((float)(1 / Math.Sqrt(n)))])], ("axis", m.Opset < 13 ? 3 : -1));
        return m.Give(m.Reshape(m.Node("MatMul", [a, Head(Pointwise(m, d, x, c))]), x.Dims), x.Size, x.Dims);
    }

    private static bool LinearAttention(ModelDraft m, Draw d)
    {
        if (m.Opset < 13 || m.Image(d) is not { } x || !m.Allows(x.Elements * 40, 1, 18, x.Dims[2], x.Dims[3]))
            return false;
        long n = x.Dims[2] * x.Dims[3];
        string qkv = m.Reshape(Pointwise(m, d, x, 18), 1, 2, 9, n);
        string Part(int first) => m.Node("Slice", [qkv, m.Integers(first), m.Integers(first + 3), m.Integers(2)]);
        string q = m.Node("Transpose", [m.Node("Relu", [Part(0)])], ("perm", L(0, 1, 3, 2))),
            k = m.Node("Relu", [Part(3)]),
            v = m.Node("Transpose", [Part(6)], ("perm", L(0, 1, 3, 2)));
        string numerator = m.Node("MatMul", [q, m.Node("MatMul", [k, v])]),
            sum = m.Node("MatMul", [q, m.Node("ReduceSum", [k, m.Integers(-1)], ("keepdims", 1))]);
        string quotient = m.Node("Div", [numerator, m.Node("Add", [sum, m.Number(0.1f)])]);
        return m.Give(
            m.Reshape(m.Node("Transpose", [quotient], ("perm", L(0, 1, 3, 2))), 1, 6, x.Dims[2], x.Dims[3]),
            x.Size,
            1,
            6,
            x.Dims[2],
            x.Dims[3]
        );
    }

    private static bool MixFfn(ModelDraft m, Draw d)
    {
        if (m.Image(d) is not { } image || !m.Allows(image.Elements * 40, With(image.Dims, 1, 16)))
            return false;
        DraftValue x = m.TokensOf(image);
        long n = x.Dims[1],
            wide = d.Of(8, 16, 5);
        string h = m.Reshape(m.Node("Transpose", [Linear(m, d, x, wide)], ("perm", L(0, 2, 1))), 1, wide, image.Dims[2], image.Dims[3]);
        DraftValue y = m.TokensOf(new DraftValue(Depthwise(m, h, wide, 3), With(image.Dims, 1, wide)));
        return m.Give(
            m.Node("Add", [Linear(m, d, y with { Name = m.Node("Gelu", [y.Name], "com.microsoft") }, x.Dims[2]), x.Name]),
            x.Size,
            1,
            n,
            x.Dims[2]
        );
    }
}
