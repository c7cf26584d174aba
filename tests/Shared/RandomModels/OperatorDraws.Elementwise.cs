namespace AccelGen.Tests.Shared;

/// <summary>Operators on each element, alone or with another operand.</summary>
internal static partial class OperatorDraws
{
    private static OperatorDraw[] Elementwise =>
        [
            new("Relu", 4, (m, d) => Unary(m, d, "Relu")),
            new("Sigmoid", 2, (m, d) => Unary(m, d, "Sigmoid")),
            new("Tanh", 1, (m, d) => Unary(m, d, "Tanh")),
            new("Erf", 1, (m, d) => Unary(m, d, "Erf")),
            new("Abs", 1, (m, d) => Unary(m, d, "Abs")),
            new("Neg", 1, (m, d) => Unary(m, d, "Neg")),
            new("Softplus", 1, (m, d) => Unary(m, d, "Softplus")),
            new("LeakyRelu", 1, (m, d) => Unary(m, d, "LeakyRelu", ("alpha", d.Of(0.1f, 0f, 1f, -0.5f, 1.5f)))),
            new("Elu", 1, (m, d) => Unary(m, d, "Elu", ("alpha", d.Of(1f, 0.3f)))),
            new("HardSigmoid", 1, (m, d) => Unary(m, d, "HardSigmoid", ("alpha", d.Of(0.2f, 1 / 6f)), ("beta", 0.5f))),
            new("HardSwish", 1, (m, d) => Unary(m, d, "HardSwish"), Opset: 14),
            new("Mish", 1, (m, d) => Unary(m, d, "Mish"), Opset: 18),
            new("Gelu", 1, (m, d) => Unary(m, d, "Gelu", ("approximate", d.Of("none", "tanh"))), Opset: 20),
            new(
                "Exp",
                1,
                (m, d) => Any(m, d, v => v.Size < 1.5) is { } x && m.Give(m.Node("Exp", [x.Name]), Math.Exp(x.Size * x.Size), x.Dims)
            ),
            new(
                "Celu, Selu, ThresholdedRelu, Softsign",
                1,
                (m, d) => Unary(m, d, d.Of("Celu", "Selu", "ThresholdedRelu", "Softsign")),
                Opset: 12,
                Refused: true
            ),
            new("Ceil, Floor, Round, Sign", 1, (m, d) => Unary(m, d, d.Of("Ceil", "Floor", "Round", "Sign")), Opset: 13, Refused: true),
            new("Clip", 2, Clip),
            new(
                "Max or Min with a number",
                1,
                (m, d) =>
                    m.Opset >= 12
                    && Any(m, d) is { } x
                    && m.Give(
                        m.Node(
                            d.Of("Max", "Min"),
                            d.Coin() ? [m.Number(d.Of(0f, 0.5f, -0.5f)), x.Name] : [x.Name, m.Number(d.Of(0f, 0.5f, -0.5f))]
                        ),
                        x.Size,
                        x.Dims
                    )
            ),
            new(
                "PRelu",
                1,
                (m, d) => Any(m, d) is { Rank: > 1 } x && m.Give(m.Node("PRelu", [x.Name, m.Number(d.Of(0.2f, -0.3f))]), x.Size, x.Dims)
            ),
            new(
                "PRelu with a slope per channel",
                1,
                (m, d) =>
                    Any(m, d) is { Rank: > 1 } x
                    && m.Give(
                        m.Node("PRelu", [x.Name, m.Random(0.3, 0, [.. x.Dims.Select((s, i) => i == 1 ? s : 1).Skip(1)])]),
                        x.Size,
                        x.Dims
                    )
            ),
            new(
                "SiLU",
                2,
                (m, d) =>
                    Any(m, d) is { } x && m.Give(m.Node("Mul", [x.Name, m.Node(d.Of("Sigmoid", "HardSigmoid"), [x.Name])]), x.Size, x.Dims)
            ),
            new(
                "GELU by erf",
                2,
                (m, d) =>
                    Any(m, d) is { } x
                    && m.Give(
                        m.Node(
                            "Mul",
                            [
                                m.Node(
                                    "Mul",
                                    [x.Name, m.Node("Add", [m.Node("Erf", [m.Node("Div", [x.Name, m.Number(1.41421354f)])]), m.Number(1)])]
                                ),
                                m.Number(0.5f),
                            ]
                        ),
                        x.Size,
                        x.Dims
                    )
            ),
            new(
                "Gelu or QuickGelu of com.microsoft",
                1,
                (m, d) => Any(m, d) is { } x && m.Give(m.Node(d.Of("Gelu", "QuickGelu"), [x.Name], "com.microsoft"), x.Size, x.Dims)
            ),
            new(
                "Hard swish by clip",
                1,
                (m, d) =>
                    m.Opset >= 11
                    && Any(m, d) is { } x
                    && m.Give(
                        m.Node(
                            "Div",
                            [
                                m.Node("Mul", [x.Name, m.Node("Clip", [m.Node("Add", [x.Name, m.Number(3)]), m.Number(0), m.Number(6)])]),
                                m.Number(6),
                            ]
                        ),
                        x.Size,
                        x.Dims
                    )
            ),
            new(
                "Sqrt or Reciprocal of what is positive",
                1,
                (m, d) =>
                    Any(m, d, v => v.Size < 20) is { } x
                    && m.Give(
                        m.Node(d.Of("Sqrt", "Reciprocal"), [m.Node("Add", [m.Node("Mul", [x.Name, x.Name]), m.Number(1)])]),
                        x.Size,
                        x.Dims
                    )
            ),
            new(
                "Log of what is positive",
                1,
                (m, d) =>
                    Any(m, d, v => v.Size < 20) is { } x
                    && m.Give(m.Node("Log", [m.Node("Add", [m.Node("Mul", [x.Name, x.Name]), m.Number(1)])]), x.Size, x.Dims),
                Refused: true
            ),
            new(
                "Pow",
                1,
                (m, d) =>
                    Any(m, d, v => v.Size < 8) is { } x
                    && m.Give(m.Node("Pow", [x.Name, m.Number(d.Of(2f, 3f, 1f))]), x.Size * x.Size * x.Size, x.Dims)
            ),
            new("Arithmetic with a constant", 6, WithConstant),
            new("Arithmetic of two values", 8, OfTwo),
            new("Sum of parts", 4, SumOfParts),
            new(
                "Sum of many",
                1,
                (m, d) =>
                    Any(m, d) is { } x
                    && m.Pick(d, v => v.Dims.SequenceEqual(x.Dims) && !v.Index) is { } y
                    && m.Give(m.Node(d.Of("Sum", "Mean", "Max", "Min"), [x.Name, y.Name, x.Name]), 2 * x.Size, x.Dims),
                Refused: true
            ),
            new("Passing through", 2, PassThrough),
            new(
                "ReLU that is always zero",
                1,
                (m, d) =>
                    m.Image(d) is { } x
                    && m.Give(
                        m.Node(
                            "Relu",
                            [m.Node("Conv", [x.Name, m.Constant(new float[4 * x.Dims[1]], 4, x.Dims[1], 1, 1), m.Random(0.1, -5, 4)])]
                        ),
                        1,
                        With(x.Dims, 1, 4)
                    )
            ),
        ];

    private static DraftValue? Any(ModelDraft m, Draw d, Func<DraftValue, bool>? fits = null) =>
        m.Pick(d, v => !v.Index && (fits is null || fits(v)));

    private static bool Unary(ModelDraft m, Draw d, string op, params (string, object)[] attributes) =>
        Any(m, d) is { } x
        && m.Give(m.Node(op, [x.Name], attributes), Math.Min(x.Size, op is "Sigmoid" or "Tanh" or "Erf" ? 1 : x.Size), x.Dims);

    private static bool Clip(ModelDraft m, Draw d)
    {
        if (Any(m, d) is not { } x)
            return false;
        (float low, float high) = d.Of((0f, 6f), (-0.5f, 0.5f), (0f, 0.7f), (-1f, 0f), (0.2f, 0.9f), (0f, 0f));
        if (m.Opset < 11)
            return m.Give(m.Node("Clip", [x.Name], ("min", low), ("max", high)), x.Size, x.Dims);
        string[] bounds = d.Next(0, 3) switch
        {
            0 => [m.Number(low), m.Number(high)],
            1 => [m.Number(low)],
            _ => [string.Empty, m.Number(high)],
        };
        return m.Give(m.Node("Clip", [x.Name, .. bounds], []), x.Size, x.Dims);
    }

    // A constant of one element, one per channel or per pixel, of the whole shape or of any that broadcasts, with fewer or more axes.
    private static bool WithConstant(ModelDraft m, Draw d)
    {
        if (Any(m, d) is not { Rank: > 0 } x)
            return false;
        string op = d.Of("Add", "Mul", "Sub", "Div");
        long[] dims = d.Next(0, 6) switch
        {
            0 => [],
            1 => [.. x.Dims.Select((s, i) => i == (x.IsImage ? 1 : x.Rank - 1) ? s : 1)],
            2 => x.Dims,
            3 => [.. x.Dims.Select(s => d.Coin() ? s : 1)],
            4 => [.. x.Dims.Skip(d.Next(0, x.Rank))],
            _ => [1],
        };
        // Divisors stay away from 0.
        string constant = op is "Div" ? m.Random(0.5, 1.5, dims) : m.Random(1, 0.2, dims);
        bool first = op != "Div" && d.Rarely(3);
        return m.Give(m.Node(op, first ? [constant, x.Name] : [x.Name, constant]), x.Size + 1, x.Dims);
    }

    private static bool OfTwo(ModelDraft m, Draw d)
    {
        if (Any(m, d, v => v.Size < 30) is not { } x)
            return false;
        bool Broadcasts(DraftValue v) =>
            !v.Index && v.Rank == x.Rank && v.Size < 30 && v.Dims.Zip(x.Dims).All(p => p.First == p.Second || p.First == 1);
        if (m.Pick(d, Broadcasts) is not { } y)
            return false;
        string op = d.Of("Add", "Mul", "Sub", "Div", "Add");
        string right = op == "Div" ? m.Node("Add", [m.Node("Sigmoid", [y.Name]), m.Number(0.5f)]) : y.Name;
        bool swapped = op != "Div" && d.Rarely(3);
        return m.Give(m.Node(op, swapped ? [right, x.Name] : [x.Name, right]), op == "Mul" ? x.Size * y.Size : x.Size + y.Size, x.Dims);
    }

    // Slices of one value or of two, added to each other and to a third: residual sums of views.
    private static bool SumOfParts(ModelDraft m, Draw d)
    {
        if (m.Opset < 10 || m.Pick(d, v => !v.Index && v.Rank > 1 && v.Size < 30 && v.Dims.Any(s => s > 1)) is not { } x)
            return false;
        int[] axes = [.. Enumerable.Range(0, x.Rank).Where(i => x.Dims[i] > 1)];
        int axis = axes[d.Next(0, axes.Length)];
        long half = x.Dims[axis] / 2;
        if (m.Pick(d, v => !v.Index && v.Rank == x.Rank && v.Dims.SequenceEqual(x.Dims)) is not { } y)
            return false;
        string Part(string of, long from) => m.Node("Slice", [of, m.Integers(from), m.Integers(from + half), m.Integers(axis)]);
        string sum = m.Node("Add", [Part(x.Name, 0), Part(y.Name, x.Dims[axis] - half)]);
        long[] dims = With(x.Dims, axis, half);
        m.Give(sum, x.Size + y.Size, dims);
        if (d.Coin() && m.Pick(d, v => !v.Index && v.Dims.SequenceEqual(dims)) is { } z)
            return m.Give(m.Node("Add", [z.Name, sum]), x.Size + y.Size + z.Size, dims);
        return true;
    }

    private static bool PassThrough(ModelDraft m, Draw d)
    {
        if (Any(m, d) is not { } x)
            return false;
        string y = d.Next(0, 3) switch
        {
            0 => m.Node("Identity", [x.Name]),
            1 => m.Opset >= 12 ? m.Node("Dropout", [x.Name]) : m.Node("Dropout", [x.Name], ("ratio", 0.3f)),
            _ => m.Node("Cast", [x.Name], ("to", OnnxModelWriter.Float)),
        };
        return m.Give(y, x.Size, x.Dims);
    }
}
