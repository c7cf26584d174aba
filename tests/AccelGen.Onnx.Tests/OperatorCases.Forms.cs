namespace AccelGen.Onnx.Tests;

/// <content>The same operators in the forms of other exporters: other orders of axes, vectors, constant branches, heads.</content>
internal static partial class OperatorCases
{
    private static IEnumerable<OperatorCase> Forms()
    {
        yield return new(
            "Channels-last input before a Conv",
            (r, m) =>
                m.Node(
                    "Conv",
                    [m.Transpose(m.InputChannelsLast(1, 5, 4, 3), 0, 3, 1, 2), m.Random(1, 0, 2, 3, 3, 3)],
                    ("pads", L(1, 1, 1, 1))
                ),
            Layers: "conv"
        );
        yield return new(
            "Channels-last input, normalised before it is transposed",
            (r, m) =>
                m.Conv(
                    m.Transpose(
                        m.Node("Div", [m.Node("Sub", [m.InputChannelsLast(1, 5, 4, 3), m.Random(1, 0, 3)]), m.Number(0.5f)]),
                        0,
                        3,
                        1,
                        2
                    ),
                    3,
                    6
                ),
            Layers: "conv"
        );
        yield return new(
            "Channels-last input and output",
            (r, m) => m.Transpose(m.Conv(m.Transpose(m.InputChannelsLast(1, 5, 4, 3), 0, 3, 1, 2), 3, 6), 0, 2, 3, 1),
            Layers: "conv"
        );
        yield return new(
            "MatMul with a vector on the left",
            (r, m) => m.Node("MatMul", [m.Reshape(m.Node("GlobalAveragePool", [m.Input(1, 8, 3, 4)]), 8), m.Random(1, 0, 8, 5)]),
            Layers: "averagepool conv"
        );
        yield return new(
            "MatMul with a vector on the right",
            (r, m) => m.Node("MatMul", [m.Tokens(m.Input(1, 6, 3, 4), 6, 12), m.Random(1, 0, 6)]),
            Layers: "conv"
        );
        yield return new(
            "MatMul of two vectors",
            (r, m) =>
                m.Node("Sigmoid", [m.Node("MatMul", [m.Reshape(m.Node("GlobalAveragePool", [m.Input(1, 8, 3, 4)]), 8), m.Random(1, 0, 8)])])
        );
        yield return new(
            "MatMul with a matrix per head",
            (r, m) =>
                m.Node(
                    "MatMul",
                    [m.Transpose(m.Reshape(m.Conv(m.Input(1, 6, 3, 4), 6, 6), 1, 2, 3, 12), 0, 1, 3, 2), m.Random(1, 0, 1, 2, 3, 4)]
                ),
            Layers: "conv move.t matmul"
        );
        yield return new("MatMul over the columns of an image", (r, m) => m.Node("MatMul", [m.Input(1, 3, 5, 4), m.Random(1, 0, 4, 6)]));
        yield return new(
            "A negative factor of a product",
            (r, m) =>
            {
                string x = m.Tokens(m.Input(1, 6, 3, 4), 6, 12);
                return m.Node("Mul", [m.Node("MatMul", [m.Linear(x, 6, 4), m.Transpose(m.Linear(x, 6, 4), 0, 2, 1)]), m.Number(-0.25f)]);
            },
            Layers: "conv conv matmul conv"
        );
        yield return new(
            "Softmax over the columns of an image",
            (r, m) => m.Node("Softmax", [m.Conv(m.Input(1, 3, 5, 4), 3, 6)], ("axis", 3))
        );
        yield return new(
            "Softmax over the rows of an image",
            (r, m) => m.Node("Softmax", [m.Conv(m.Input(1, 3, 5, 4), 3, 6)], ("axis", 2))
        );
        yield return new(
            "Conv after a softmax over the columns",
            (r, m) => m.Conv(m.Node("Softmax", [m.Input(1, 3, 5, 4)], ("axis", 3)), 3, 6)
        );
        yield return new(
            "LayerNormalization over the columns",
            (r, m) => m.Node("LayerNormalization", [m.Conv(m.Input(1, 3, 5, 4), 3, 6), m.Random(1, 0, 4), m.Random(1, 0, 4)], ("axis", -1))
        );
        yield return new(
            "Softmax over the pixels of a padded Conv",
            (r, m) =>
                m.Node(
                    "Softmax",
                    [m.Reshape(m.Node("Conv", [m.Input(1, 3, 5, 4), m.Random(0.5, 0, 6, 3, 3, 3)], ("pads", L(1, 1, 1, 1))), 1, 6, 20)],
                    ("axis", -1)
                ),
            Layers: "conv move.t softmax"
        );
        yield return new(
            "Softmax over the pixels of a max pool",
            (r, m) =>
                m.Node(
                    "Softmax",
                    [m.Reshape(m.Node("MaxPool", [m.Input(1, 3, 6, 4)], ("kernel_shape", L(2, 2)), ("strides", L(2, 1))), 1, 3, 9)],
                    ("axis", -1)
                ),
            Layers: "maxpool move.t softmax"
        );
        yield return new(
            "Softmax over groups of a 1x1 image",
            (r, m) => m.Node("Softmax", [m.Reshape(m.Node("GlobalAveragePool", [m.Input(1, 8, 3, 4)]), 1, 4, 2)], ("axis", -1)),
            Layers: "averagepool move softmax"
        );
        yield return new(
            "Softmax over the two halves of a 1x1 image",
            (r, m) =>
            {
                string x = m.Node("GlobalAveragePool", [m.Input(1, 6, 3, 4)]),
                    both = m.Node("Concat", [m.Conv(x, 6, 5), m.Conv(x, 6, 5)], ("axis", 1));
                return m.Node("Softmax", [m.Transpose(m.Reshape(both, 1, 2, 5), 0, 2, 1)], ("axis", -1));
            }
        );
        yield return new(
            "Attention of one token",
            (r, m) =>
            {
                string x = m.Reshape(m.Node("GlobalAveragePool", [m.Input(1, 6, 3, 4)]), 1, 1, 6);
                string Head() => m.Transpose(m.Reshape(m.Linear(x, 6, 6), 1, 1, 2, 3), 0, 2, 1, 3);
                string s = m.Node("Softmax", [m.Node("MatMul", [Head(), m.Transpose(Head(), 0, 1, 3, 2)])], ("axis", -1));
                return m.Reshape(m.Transpose(m.Node("MatMul", [s, Head()]), 0, 2, 1, 3), 1, 1, 6);
            }
        );
        yield return new(
            "Queries of a constant branch",
            (r, m) =>
            {
                string x = m.Tokens(m.Input(1, 6, 3, 4), 6, 12),
                    queries = m.Random(1, 0, 1, 5, 6);
                string Head(string y, int tokens) => m.Transpose(m.Reshape(y, 1, tokens, 2, 3), 0, 2, 1, 3);
                string own = m.Node(
                    "MatMul",
                    [
                        m.Node("Softmax", [m.Node("MatMul", [Head(queries, 5), m.Transpose(Head(queries, 5), 0, 1, 3, 2)])], ("axis", -1)),
                        Head(queries, 5),
                    ]
                );
                string q = m.Linear(
                    m.Node(
                        "Relu",
                        [
                            m.Node(
                                "LayerNormalization",
                                [m.Reshape(m.Transpose(own, 0, 2, 1, 3), 1, 5, 6), m.Random(1, 0, 6), m.Random(1, 0, 6)]
                            ),
                        ]
                    ),
                    6,
                    6
                );
                string s = m.Node(
                    "Softmax",
                    [m.Node("MatMul", [Head(q, 5), m.Transpose(Head(m.Linear(x, 6, 6), 12), 0, 1, 3, 2)])],
                    ("axis", -1)
                );
                return m.Reshape(m.Transpose(m.Node("MatMul", [s, Head(m.Linear(x, 6, 6), 12)]), 0, 2, 1, 3), 1, 5, 6);
            }
        );
        yield return new(
            "A constant image through Conv, Sigmoid and pool",
            (r, m) =>
            {
                string c = m.Node(
                    "MaxPool",
                    [m.Node("Sigmoid", [m.Conv(m.Random(1, 0, 1, 3, 10, 8), 3, 6)])],
                    ("kernel_shape", L(2, 2)),
                    ("strides", L(2, 2))
                );
                return m.Node("Mul", [m.Conv(m.Input(1, 3, 5, 4), 3, 6), c]);
            },
            Layers: "conv multiply"
        );
        yield return new(
            "Rotary halves of heads",
            (r, m) =>
            {
                string h = m.Transpose(m.Reshape(m.Linear(m.Tokens(m.Input(1, 6, 3, 4), 6, 12), 6, 8), 1, 12, 2, 4), 0, 2, 1, 3);
                string Half(int first) => m.Node("Slice", [h, m.Integers(first), m.Integers(first + 2), m.Integers(3)]);
                string turned = m.Node("Concat", [m.Node("Neg", [Half(2)]), Half(0)], ("axis", 3));
                string sum = m.Node(
                    "Add",
                    [m.Node("Mul", [h, m.Random(1, 0, 1, 1, 12, 4)]), m.Node("Mul", [turned, m.Random(1, 0, 1, 1, 12, 4)])]
                );
                return m.Node("MatMul", [sum, m.Transpose(sum, 0, 1, 3, 2)]);
            }
        );
        yield return new(
            "Two activations of heads",
            (r, m) =>
            {
                string h = m.Transpose(m.Reshape(m.Linear(m.Tokens(m.Input(1, 6, 3, 4), 6, 12), 6, 6), 1, 12, 2, 3), 0, 2, 1, 3);
                return m.Node("MatMul", [m.Node("Tanh", [h]), m.Transpose(m.Node("Sigmoid", [h]), 0, 1, 3, 2)]);
            }
        );
        yield return new(
            "A gate inside a residual block",
            (r, m) =>
            {
                string x = m.Node("Relu", [m.Conv(m.Input(1, 3, 5, 4), 3, 6)]),
                    y = m.Conv(x, 6, 6);
                return m.Node(
                    "Relu",
                    [m.Node("Add", [m.Node("Mul", [y, m.Node("Sigmoid", [m.Conv(m.Node("GlobalAveragePool", [y]), 6, 6)])]), x])]
                );
            },
            Layers: "conv.clamp conv averagepool conv.sigmoid multiply add+.clamp"
        );
        yield return new(
            "A concatenation and an activation",
            (r, m) =>
            {
                string x = m.Input(1, 3, 5, 4);
                return m.Node("Tanh", [m.Node("Concat", [m.Conv(x, 3, 5), m.Conv(x, 3, 2), x], ("axis", 1))]);
            },
            Layers: "conv conv concat.tanh"
        );
        yield return new(
            "Pad with -infinity before a MaxPool",
            (r, m) =>
                m.Node(
                    "MaxPool",
                    [
                        m.Node(
                            "Pad",
                            [m.Conv(m.Input(1, 3, 5, 4), 3, 6), m.Integers(0, 0, 1, 1, 0, 0, 1, 1), m.Number(float.NegativeInfinity)]
                        ),
                    ],
                    ("kernel_shape", L(3, 3)),
                    ("strides", L(2, 2))
                ),
            Layers: "conv maxpool"
        );
        yield return new(
            "Pad with the lowest number before a padded MaxPool",
            (r, m) =>
                m.Node(
                    "MaxPool",
                    [m.Node("Pad", [m.Input(1, 3, 5, 4), m.Integers(0, 0, 1, 0, 0, 0, 0, 2), m.Number(float.MinValue)])],
                    ("kernel_shape", L(3, 3)),
                    ("pads", L(1, 1, 1, 0)),
                    ("strides", L(1, 2))
                ),
            Layers: "maxpool"
        );
        yield return new(
            "Pad with -infinity before a GlobalMaxPool",
            (r, m) =>
                m.Node(
                    "GlobalMaxPool",
                    [m.Node("Pad", [m.Input(1, 3, 5, 4), m.Integers(0, 0, 1, 1, 0, 0, 1, 1), m.Number(float.NegativeInfinity)])]
                ),
            Layers: "maxpool"
        );
        yield return new(
            "Clip with an infinite bound",
            (r, m) => m.Node("Clip", [m.Conv(m.Input(1, 3, 5, 4), 3, 6), m.Number(-0.5f), m.Number(float.PositiveInfinity)]),
            Layers: "conv.clamp"
        );
        yield return new("Round after Conv", (r, m) => m.Node("Round", [m.Conv(m.Input(1, 3, 5, 4), 3, 6)]), Layers: "conv.round");
        yield return new(
            "Round, then Clip",
            (r, m) => m.Node("Clip", [m.Node("Round", [m.Conv(m.Input(1, 3, 5, 4), 3, 6)]), m.Number(-1), m.Number(1)]),
            Layers: "conv.round copy.clamp"
        );
    }
}
