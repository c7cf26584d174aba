namespace AccelGen.Tests.Shared;

/// <summary>Pieces of networks that are there twice, are constant, lack something or are of no use.</summary>
internal static partial class OperatorDraws
{
    private static OperatorDraw[] Pieces =>
        [
            new("Same node again", 3, (m, d) => m.Duplicate(d)),
            new("Branch of constants", 2, ConstantBranch, Refused: true),
            new(
                "Shape arithmetic",
                2,
                (m, d) =>
                    Any(m, d, v => v.Rank > 2) is { } x
                    && m.Give(m.ReshapeByShape(x, x.Rank - 2, -1), x.Size, [.. x.Dims[..^2], x.Dims[^2] * x.Dims[^1]])
            ),
            new(
                "Zero weights",
                1,
                (m, d) =>
                    m.Image(d) is { } x
                    && m.Give(
                        m.Node(
                            "Conv",
                            [x.Name, m.Constant(new float[3 * x.Dims[1]], 3, x.Dims[1], 1, 1), m.Random(d.Coin() ? 0.5 : 0, 0, 3)]
                        ),
                        1,
                        With(x.Dims, 1, 3)
                    )
            ),
            new(
                "Missing operand",
                1,
                (m, d) => d.Rarely(4) && Any(m, d) is { } x && m.Give(m.Node("Add", [x.Name, m.Missing()]), x.Size, x.Dims),
                Refused: true
            ),
            new(
                "Operator of another domain",
                1,
                (m, d) => d.Rarely(4) && Any(m, d) is { } x && m.Give(m.Node("FastGelu", [x.Name], "com.microsoft"), x.Size, x.Dims),
                Refused: true
            ),
            new(
                "Where",
                1,
                (m, d) =>
                    Any(m, d, v => v.Rank > 0) is { } x
                    && m.Give(m.Node("Where", [m.Node("Greater", [x.Name, m.Number(0)]), x.Name, m.Number(0.1f)]), x.Size, x.Dims),
                Refused: true
            ),
        ];

    // Layers of constants only, and what they are added to or joined with.
    private static bool ConstantBranch(ModelDraft m, Draw d)
    {
        if (m.Image(d) is not { } x || !m.Allows(4 * x.Elements, x.Dims))
            return false;
        DraftValue constant = new(m.Random(1, 0, 1, 4, x.Dims[2], x.Dims[3]), [1, 4, x.Dims[2], x.Dims[3]]);
        string branch = m.Node(d.Of("Relu", "Sigmoid", "Abs"), [Pointwise(m, d, constant, x.Dims[1])]);
        if (d.Coin() && m.Allows(0, With(x.Dims, 1, 2 * x.Dims[1])))
            return m.Give(m.Node("Concat", [branch, x.Name], ("axis", 1)), x.Size, With(x.Dims, 1, 2 * x.Dims[1]));
        return m.Give(m.Node("Add", [x.Name, branch]), x.Size + 1, x.Dims);
    }
}
