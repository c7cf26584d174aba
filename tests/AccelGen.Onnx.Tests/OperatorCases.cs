using AccelGen.Tests.Shared;

namespace AccelGen.Onnx.Tests;

/// <summary>Models of one operator or pattern each.</summary>
internal static partial class OperatorCases
{
    /// <summary>All of them.</summary>
    public static IEnumerable<OperatorCase> All() =>
        [
            .. Convolutions(),
            .. Activations(),
            .. Arithmetic(),
            .. Products(),
            .. Normalisations(),
            .. Movements(),
            .. Pools(),
            .. Resizes(),
            .. Attention(),
            .. Forms(),
        ];

    private static IEnumerable<OperatorCase> Convolutions()
    {
        yield return new(
            "Conv with groups, stride, dilation and pads",
            (r, m) =>
                m.Node(
                    "Conv",
                    [m.Input(1, 6, 9, 8), m.Random(0.5, 0, 4, 3, 3, 2), m.Random(1, 0, 4)],
                    ("group", 2),
                    ("strides", L(2, 1)),
                    ("dilations", L(1, 2)),
                    ("pads", L(1, 0, 2, 1)),
                    ("kernel_shape", L(3, 2))
                ),
            Layers: "conv"
        );
        yield return new(
            "Conv depthwise 5x5",
            (r, m) => m.Node("Conv", [m.Input(1, 7, 9, 8), m.Random(0.5, 0, 7, 1, 5, 5)], ("group", 7), ("pads", L(2, 2, 2, 2))),
            Layers: "conv"
        );
        yield return new(
            "Conv auto_pad SAME_UPPER",
            (r, m) => m.Node("Conv", [m.Input(1, 3, 9, 8), m.Random(0.5, 0, 4, 3, 3, 2)], ("auto_pad", "SAME_UPPER"), ("strides", L(2, 2)))
        );
        yield return new(
            "Conv auto_pad SAME_LOWER",
            (r, m) => m.Node("Conv", [m.Input(1, 3, 9, 8), m.Random(0.5, 0, 4, 3, 2, 3)], ("auto_pad", "SAME_LOWER"), ("strides", L(2, 2)))
        );
        yield return new(
            "Conv auto_pad VALID",
            (r, m) => m.Node("Conv", [m.Input(1, 3, 9, 8), m.Random(0.5, 0, 4, 3, 2, 3)], ("auto_pad", "VALID"))
        );
        yield return new("BatchNormalization after Conv", (r, m) => BatchNorm(m, m.Conv(m.Input(1, 3, 5, 4), 3, 6), 6), Layers: "conv");
        yield return new(
            "BatchNormalization before a padded Conv",
            (r, m) => m.Node("Conv", [BatchNorm(m, m.Input(1, 3, 5, 4), 3), m.Random(1, 0, 2, 3, 3, 3)], ("pads", L(1, 1, 1, 1))),
            Layers: "conv conv"
        );
        yield return new(
            "BatchNormalization before a Conv without padding",
            (r, m) => m.Node("Conv", [BatchNorm(m, m.Input(1, 3, 5, 4), 3), m.Random(1, 0, 2, 3, 3, 3)]),
            Layers: "conv"
        );
        yield return new(
            "Conv chain of residual blocks",
            (r, m) =>
            {
                string x = m.Node("Relu", [m.Conv(m.Input(1, 3, 5, 4), 3, 6)]);
                return m.Node("Relu", [m.Node("Add", [m.Conv(m.Node("Relu", [m.Conv(x, 6, 8)]), 8, 6), x])]);
            },
            Layers: "conv.clamp conv.clamp conv+.clamp"
        );
    }

    private static IEnumerable<OperatorCase> Activations()
    {
        foreach (
            (string op, (string, object)[] attributes) in new (string, (string, object)[])[]
            {
                ("Relu", []),
                ("Sigmoid", []),
                ("Tanh", []),
                ("LeakyRelu", [("alpha", 0.13f)]),
                ("Elu", [("alpha", 0.7f)]),
                ("HardSigmoid", [("alpha", 0.3f), ("beta", 0.4f)]),
                ("HardSwish", []),
                ("Erf", []),
                ("Exp", []),
                ("Abs", []),
                ("Softplus", []),
                ("Neg", []),
            }
        )
        {
            yield return new(
                $"{op} after Conv",
                (r, m) => m.Node(op, [m.Conv(m.Input(1, 3, 5, 4), 3, 6)], attributes),
                Layers: op switch
                {
                    "Relu" => "conv.clamp",
                    "Neg" => "conv",
                    _ => $"conv.{op.ToLowerInvariant()}",
                }
            );
        }

        yield return new("Relu of the input", (r, m) => m.Node("Relu", [m.Input(1, 3, 5, 4)]), Layers: "copy.clamp");
        yield return new(
            "Clip with bounds as inputs",
            (r, m) => m.Node("Clip", [m.Conv(m.Input(1, 3, 5, 4), 3, 6), m.Number(-0.4f), m.Number(0.7f)]),
            Layers: "conv.clamp"
        );
        yield return new(
            "Clip with bounds as attributes",
            (r, m) => m.Node("Clip", [m.Conv(m.Input(1, 3, 5, 4), 3, 6)], ("min", 0f), ("max", 0.6f)),
            Opset: 10,
            Layers: "conv.clamp"
        );
        yield return new(
            "Clip of an activation",
            (r, m) => m.Node("Clip", [m.Node("Tanh", [m.Conv(m.Input(1, 3, 5, 4), 3, 6)]), m.Number(-0.4f), m.Number(0.7f)]),
            Layers: "conv.tanh copy.clamp"
        );
        yield return new("Gelu node", (r, m) => m.Node("Gelu", [m.Conv(m.Input(1, 3, 5, 4), 3, 6)]), Opset: 20, Layers: "conv.gelu");
        yield return new(
            "Gelu node, tanh",
            (r, m) => m.Node("Gelu", [m.Conv(m.Input(1, 3, 5, 4), 3, 6)], ("approximate", "tanh")),
            Opset: 20,
            Layers: "conv.gelutanh"
        );
        yield return new(
            "Gelu of com.microsoft",
            (r, m) => m.Node("Gelu", [m.Conv(m.Input(1, 3, 5, 4), 3, 6)], "com.microsoft"),
            Layers: "conv.gelu"
        );
        yield return new(
            "GELU x * (1 + erf) * 0.5",
            (r, m) =>
                Fused(
                    m,
                    x =>
                        m.Node(
                            "Mul",
                            [
                                m.Node(
                                    "Mul",
                                    [x, m.Node("Add", [m.Node("Erf", [m.Node("Div", [x, m.Number(1.41421354f)])]), m.Number(1)])]
                                ),
                                m.Number(0.5f),
                            ]
                        )
                ),
            Layers: "conv.gelu"
        );
        yield return new(
            "GELU (0.5 * x) * (1 + erf)",
            (r, m) =>
                Fused(
                    m,
                    x =>
                        m.Node(
                            "Mul",
                            [
                                m.Node("Mul", [m.Number(0.5f), x]),
                                m.Node("Add", [m.Number(1), m.Node("Erf", [m.Node("Mul", [x, m.Number(0.70710677f)])])]),
                            ]
                        )
                ),
            Layers: "conv.gelu"
        );
        yield return new(
            "GELU x * (0.5 * (1 + erf))",
            (r, m) =>
                Fused(
                    m,
                    x =>
                        m.Node(
                            "Mul",
                            [
                                x,
                                m.Node(
                                    "Mul",
                                    [
                                        m.Node("Add", [m.Node("Erf", [m.Node("Div", [x, m.Node("Sqrt", [m.Number(2)])])]), m.Number(1)]),
                                        m.Number(0.5f),
                                    ]
                                ),
                            ]
                        )
                ),
            Layers: "conv.gelu"
        );
        yield return new(
            "GELU by tanh with Pow",
            (r, m) => Fused(m, x => TanhGelu(m, x, m.Node("Pow", [x, m.Number(3)]))),
            Layers: "conv.gelutanh"
        );
        yield return new(
            "GELU by tanh with products",
            (r, m) => Fused(m, x => TanhGelu(m, x, m.Node("Mul", [m.Node("Mul", [x, x]), x]))),
            Layers: "conv.gelutanh"
        );
        yield return new("SiLU x * sigmoid", (r, m) => Fused(m, x => m.Node("Mul", [x, m.Node("Sigmoid", [x])])), Layers: "conv.silu");
        yield return new(
            "Sigmoid 1 / (1 + exp(-x))",
            (r, m) => Fused(m, x => m.Node("Div", [m.Number(1), m.Node("Add", [m.Number(1), m.Node("Exp", [m.Node("Neg", [x])])])])),
            Layers: "conv.sigmoid"
        );
        yield return new(
            "Hard swish x * clip(x + 3, 0, 6) / 6",
            (r, m) =>
                Fused(
                    m,
                    x =>
                        m.Node(
                            "Div",
                            [m.Node("Mul", [x, m.Node("Clip", [m.Node("Add", [x, m.Number(3)]), m.Number(0), m.Number(6)])]), m.Number(6)]
                        )
                ),
            Layers: "conv.hardswish"
        );
        yield return new(
            "Hard swish x * hardsigmoid",
            (r, m) => Fused(m, x => m.Node("Mul", [x, m.Node("HardSigmoid", [x], ("alpha", 1 / 6f), ("beta", 0.5f))])),
            Layers: "conv.hardswish"
        );
        yield return new(
            "Hard swish x * (clip(x + 3, 0, 6) / 6)",
            (r, m) =>
                Fused(
                    m,
                    x =>
                        m.Node(
                            "Mul",
                            [x, m.Node("Div", [m.Node("Clip", [m.Node("Add", [x, m.Number(3)]), m.Number(0), m.Number(6)]), m.Number(6)])]
                        )
                ),
            Layers: "conv.hardswish"
        );
        yield return new(
            "Hard sigmoid clip(x + 3, 0, 6) / 6",
            (r, m) =>
                Fused(m, x => m.Node("Div", [m.Node("Clip", [m.Node("Add", [x, m.Number(3)]), m.Number(0), m.Number(6)]), m.Number(6)])),
            Layers: "conv.hardsigmoid"
        );
        yield return new(
            "Quick GELU x * sigmoid(1.702 x)",
            (r, m) => Fused(m, x => m.Node("Mul", [x, m.Node("Sigmoid", [m.Node("Mul", [x, m.Number(1.702f)])])]))
        );
        yield return new(
            "QuickGelu of com.microsoft",
            (r, m) => Fused(m, x => m.Node("QuickGelu", [x], "com.microsoft", ("alpha", 1.702f)))
        );
        yield return new(
            "Mish",
            (r, m) => Fused(m, x => m.Node("Mul", [x, m.Node("Tanh", [m.Node("Softplus", [x])])])),
            Layers: "conv copy.softplus copy.tanh multiply"
        );
        yield return new("Mish node", (r, m) => Fused(m, x => m.Node("Mish", [x])), Opset: 18);
        yield return new(
            "PRelu with a slope per channel",
            (r, m) => Fused(m, x => m.Node("PRelu", [x, m.Random(0.4, 0.1, 6, 1, 1)])),
            Layers: "conv copy.clamp copy.clamp conv+"
        );
        yield return new(
            "PRelu with a slope per channel of an input",
            (r, m) => m.Node("PRelu", [m.Input(1, 6, 4, 5), m.Random(0.4, 0.1, 1, 6, 1, 1)])
        );
        yield return new("PRelu with one slope", (r, m) => Fused(m, x => m.Node("PRelu", [x, m.Number(0.2f)])), Layers: "conv.leakyrelu");
        yield return new(
            "Sqrt and Reciprocal of a positive value",
            (r, m) => Fused(m, x => m.Node("Reciprocal", [m.Node("Sqrt", [m.Node("Add", [m.Node("Mul", [x, x]), m.Number(1)])])]))
        );
        yield return new(
            "Pow 2 and Pow -0.5",
            (r, m) => Fused(m, x => m.Node("Pow", [m.Node("Add", [m.Node("Pow", [x, m.Number(2)]), m.Number(0.5f)]), m.Number(-0.5f)]))
        );
        yield return new(
            "An activation that two readers need",
            (r, m) =>
                Fused(
                    m,
                    x =>
                    {
                        string y = m.Node("Sigmoid", [x]);
                        return m.Node("Add", [m.Conv(y, 6, 6), m.Node("Mul", [x, y])]);
                    }
                )
        );
        yield return new(
            "An activation of a slice",
            (r, m) => m.Node("Relu", [m.Node("Slice", [m.Conv(m.Input(1, 3, 5, 4), 3, 6), m.Integers(2), m.Integers(5), m.Integers(1)])]),
            Layers: "conv.clamp"
        );
    }

    private static IEnumerable<OperatorCase> Arithmetic()
    {
        foreach (string op in new[] { "Add", "Sub", "Mul", "Div" })
        {
            yield return new(
                $"{op} with a number",
                (r, m) => m.Node(op, [m.Conv(m.Input(1, 3, 5, 4), 3, 6), m.Number(0.7f)]),
                Layers: "conv"
            );
            yield return new(
                $"{op} with one value per channel",
                (r, m) => m.Node(op, [m.Conv(m.Input(1, 3, 5, 4), 3, 6), m.Random(0.5, 2, 6, 1, 1)]),
                Layers: "conv"
            );
            yield return new(
                $"{op} of a number and an activation",
                (r, m) => m.Node(op, [m.Number(0.7f), m.Node("Exp", [m.Conv(m.Input(1, 3, 5, 4), 3, 6)])])
            );
            yield return new(
                $"{op} of a constant per channel and the input",
                (r, m) => m.Node(op, [m.Random(0.5, 2, 1, 3, 1, 1), m.Node("Exp", [m.Input(1, 3, 5, 4)])])
            );
            yield return new(
                $"{op} with one value per pixel",
                (r, m) => m.Node(op, [m.Conv(m.Input(1, 3, 5, 4), 3, 6), m.Random(0.5, 2, 1, 1, 5, 4)])
            );
            yield return new(
                $"{op} with a constant of the whole shape",
                (r, m) => m.Node(op, [m.Conv(m.Input(1, 3, 5, 4), 3, 6), m.Random(0.5, 2, 1, 6, 5, 4)])
            );
            yield return new($"{op} of two activations", (r, m) => Both(m, op, L(1, 6, 5, 4)));
            yield return new($"{op} with an activation per channel", (r, m) => Both(m, op, L(1, 6, 1, 1)));
            yield return new($"{op} with an activation per pixel", (r, m) => Both(m, op, L(1, 1, 5, 4)));
            yield return new($"{op} of an activation per channel and a whole one", (r, m) => Both(m, op, L(1, 6, 1, 1), swapped: true));
        }

        yield return new("Add of a value to itself", (r, m) => Fused(m, x => m.Node("Add", [x, x])), Layers: "conv");
        yield return new(
            "Add of tokens and a position embedding",
            (r, m) => m.Node("Add", [m.Tokens(m.Conv(m.Input(1, 3, 5, 4), 3, 6), 6, 20), m.Random(1, 0, 1, 20, 6)]),
            Layers: "conv+"
        );
        yield return new(
            "Squeeze and excitation",
            (r, m) =>
            {
                string x = m.Conv(m.Input(1, 3, 5, 4), 3, 6);
                return m.Node(
                    "Mul",
                    [x, m.Node("Sigmoid", [m.Conv(m.Node("Relu", [m.Conv(m.Node("GlobalAveragePool", [x]), 6, 2)]), 2, 6)])]
                );
            },
            Layers: "conv averagepool conv.clamp conv.sigmoid multiply"
        );
        yield return new(
            "Layer scale before the residual addition",
            (r, m) =>
            {
                string x = m.Tokens(m.Conv(m.Input(1, 3, 5, 4), 3, 6), 6, 20);
                return m.Node("Add", [x, m.Node("Mul", [m.Linear(x, 6, 6), m.Random(1, 0, 6)])]);
            },
            Layers: "conv conv+"
        );
    }

    private static IEnumerable<OperatorCase> Products()
    {
        yield return new(
            "MatMul of tokens with a constant",
            (r, m) => m.Linear(m.Tokens(m.Input(1, 5, 3, 4), 5, 12), 5, 7),
            Layers: "conv"
        );
        yield return new(
            "MatMul of a constant with [1, C, N]",
            (r, m) => m.Node("MatMul", [m.Random(1, 0, 7, 5), m.Reshape(m.Input(1, 5, 3, 4), 1, 5, 12)]),
            Layers: "conv"
        );
        yield return new(
            "MatMul over the pixels",
            (r, m) => m.Node("MatMul", [m.Reshape(m.Input(1, 5, 3, 4), 1, 5, 12), m.Random(1, 0, 12, 7)]),
            Layers: "move.t conv"
        );
        yield return new(
            "MatMul per head with one constant",
            (r, m) =>
                m.Node(
                    "MatMul",
                    [m.Transpose(m.Reshape(m.Tokens(m.Input(1, 6, 3, 4), 6, 12), 1, 12, 2, 3), 0, 2, 1, 3), m.Random(1, 0, 3, 4)]
                )
        );
        yield return new(
            "MatMul of a rank 4 image in channel-last order",
            (r, m) => m.Linear(m.Transpose(m.Input(1, 5, 3, 4), 0, 2, 3, 1), 5, 7),
            Layers: "conv"
        );
        yield return new(
            "Gemm with transB, alpha and beta",
            (r, m) =>
                m.Node(
                    "Gemm",
                    [m.Node("Flatten", [m.Input(1, 5, 3, 4)]), m.Random(0.2, 0, 7, 60), m.Random(1, 0, 7)],
                    ("transB", 1),
                    ("alpha", 0.5f),
                    ("beta", 1.5f)
                ),
            Layers: "conv"
        );
        yield return new(
            "Gemm without bias and without transB",
            (r, m) => m.Node("Gemm", [m.Node("Flatten", [m.Input(1, 5, 3, 4)]), m.Random(0.2, 0, 60, 7)]),
            Layers: "conv"
        );
        yield return new(
            "Gemm over tokens",
            (r, m) => m.Node("Gemm", [m.Reshape(m.Tokens(m.Input(1, 5, 3, 4), 5, 12), 12, 5), m.Random(0.2, 0, 5, 7), m.Random(1, 0, 7)]),
            Layers: "conv"
        );
        yield return new(
            "Gemm with transA",
            (r, m) => m.Node("Gemm", [m.Reshape(m.Input(1, 5, 3, 4), 5, 12), m.Random(0.2, 0, 5, 7)], ("transA", 1)),
            Layers: "conv"
        );
        yield return new(
            "MatMul of two activations",
            (r, m) =>
            {
                string x = m.Input(1, 4, 3, 4);
                return m.Node("MatMul", [m.Tokens(m.Conv(x, 4, 5), 5, 12), m.Reshape(m.Conv(x, 4, 5), 1, 5, 12)]);
            },
            Layers: "conv conv matmul"
        );
        yield return new(
            "MatMul of two activations over the pixels",
            (r, m) =>
            {
                string x = m.Input(1, 4, 3, 4);
                return m.Node("MatMul", [m.Reshape(m.Conv(x, 4, 5), 1, 5, 12), m.Tokens(m.Conv(x, 4, 6), 6, 12)]);
            },
            Layers: "conv.t conv.t matmul"
        );
        yield return new(
            "MatMul whose keys are shared by all heads",
            (r, m) =>
            {
                string x = m.Input(1, 4, 3, 4);
                return m.Node(
                    "MatMul",
                    [
                        m.Transpose(m.Reshape(m.Tokens(m.Conv(x, 4, 6), 6, 12), 1, 12, 2, 3), 0, 2, 1, 3),
                        m.Reshape(m.Conv(x, 4, 3), 1, 1, 3, 12),
                    ]
                );
            }
        );
    }

    private static IEnumerable<OperatorCase> Normalisations()
    {
        yield return new(
            "LayerNormalization node",
            (r, m) =>
                m.Node(
                    "LayerNormalization",
                    [m.Tokens(m.Input(1, 5, 3, 4), 5, 12), m.Random(1, 0, 5), m.Random(1, 0, 5)],
                    ("axis", -1),
                    ("epsilon", 1e-4f)
                ),
            Layers: "layernorm"
        );
        yield return new(
            "LayerNormalization without bias",
            (r, m) => m.Node("LayerNormalization", [m.Tokens(m.Input(1, 5, 3, 4), 5, 12), m.Random(1, 0, 5)]),
            Layers: "layernorm"
        );
        yield return new(
            "Layer norm by Pow and Sqrt",
            (r, m) => Decomposed(m, m.Tokens(m.Input(1, 5, 3, 4), 5, 12), 2, false),
            Layers: "layernorm"
        );
        yield return new(
            "Layer norm with two subtractions and a product",
            (r, m) => Decomposed(m, m.Tokens(m.Input(1, 5, 3, 4), 5, 12), -1, true),
            Layers: "layernorm"
        );
        yield return new(
            "Layer norm of the channels of an image",
            (r, m) =>
            {
                string x = m.Input(1, 5, 3, 4),
                    d = m.Node("Sub", [x, m.Node("ReduceMean", [x], ("axes", L(1)))]);
                string n = m.Node(
                    "Div",
                    [d, m.Node("Sqrt", [m.Node("Add", [m.Node("ReduceMean", [m.Node("Mul", [d, d])], ("axes", L(1))), m.Number(1e-3f)])])]
                );
                return m.Node("Add", [m.Node("Mul", [n, m.Random(1, 0, 5, 1, 1)]), m.Random(1, 0, 5, 1, 1)]);
            },
            Layers: "layernorm"
        );
        yield return new(
            "Layer norm by a reciprocal",
            (r, m) =>
            {
                string x = m.Tokens(m.Input(1, 5, 3, 4), 5, 12),
                    d = m.Node("Sub", [x, m.Node("ReduceMean", [x], ("axes", L(-1)))]);
                return m.Node(
                    "Mul",
                    [
                        d,
                        m.Node(
                            "Reciprocal",
                            [
                                m.Node(
                                    "Sqrt",
                                    [
                                        m.Node(
                                            "Add",
                                            [m.Number(1e-3f), m.Node("ReduceMean", [m.Node("Pow", [d, m.Number(2)])], ("axes", L(-1)))]
                                        ),
                                    ]
                                ),
                            ]
                        ),
                    ]
                );
            },
            Layers: "layernorm"
        );
        yield return new(
            "Variance that is no layer norm",
            (r, m) =>
            {
                string x = m.Tokens(m.Input(1, 5, 3, 4), 5, 12),
                    d = m.Node("Sub", [x, m.Node("ReduceMean", [x], ("axes", L(-1)))]);
                return m.Node("Sqrt", [m.Node("Add", [m.Node("ReduceMean", [m.Node("Mul", [d, d])], ("axes", L(-1))), m.Number(1e-3f)])]);
            }
        );
        yield return new(
            "Distance from the mean of the channels",
            (r, m) =>
            {
                string x = m.Conv(m.Input(1, 5, 3, 4), 5, 6);
                return m.Node("Relu", [m.Node("Sub", [x, m.Node("ReduceMean", [x], ("axes", L(1)))])]);
            }
        );
        yield return new(
            "Softmax over the last axis",
            (r, m) => m.Node("Softmax", [m.Tokens(m.Input(1, 5, 3, 4), 5, 12)], ("axis", -1)),
            Layers: "softmax"
        );
        yield return new(
            "Softmax over the channels of an image",
            (r, m) => m.Node("Softmax", [m.Input(1, 5, 3, 4)], ("axis", 1)),
            Layers: "softmax"
        );
        yield return new(
            "Softmax over the pixels",
            (r, m) => m.Node("Softmax", [m.Reshape(m.Input(1, 5, 3, 4), 1, 5, 12)], ("axis", -1)),
            Layers: "move.t softmax"
        );
        yield return new(
            "Softmax of operator set 11",
            (r, m) => m.Node("Softmax", [m.Node("Flatten", [m.Node("GlobalAveragePool", [m.Input(1, 5, 3, 4)])])]),
            Opset: 11,
            Layers: "averagepool softmax"
        );
        yield return new(
            "ArgMax over the channels",
            (r, m) => m.Node("ArgMax", [m.Conv(m.Input(1, 5, 3, 4), 5, 9)], ("axis", 1)),
            Layers: "conv argmax",
            OutputType: OnnxModelWriter.Int64
        );
        yield return new(
            "ArgMax as a byte and as a float",
            (r, m) =>
                m.Node(
                    "Cast",
                    [m.Node("Cast", [m.Node("ArgMax", [m.Conv(m.Input(1, 5, 3, 4), 5, 9)], ("axis", 1))], ("to", 3))],
                    ("to", 1)
                ),
            Layers: "conv argmax"
        );
        yield return new(
            "ArgMax without the axis",
            (r, m) => m.Node("ArgMax", [m.Conv(m.Input(1, 5, 3, 4), 5, 9)], ("axis", 1), ("keepdims", 0)),
            Layers: "conv argmax",
            OutputType: OnnxModelWriter.Int64
        );
    }

    private static IEnumerable<OperatorCase> Movements()
    {
        yield return new(
            "Slice of channels",
            (r, m) => m.Node("Slice", [m.Input(1, 6, 5, 4), m.Integers(1), m.Integers(4), m.Integers(1)]),
            Layers: "move"
        );
        yield return new(
            "Slice of channels from the last",
            (r, m) => m.Node("Slice", [m.Input(1, 6, 5, 4), m.Integers(-1), m.Integers(-7), m.Integers(1), m.Integers(-2)]),
            Layers: "move"
        );
        yield return new(
            "Slice of a window of pixels",
            (r, m) => m.Node("Slice", [m.Input(1, 3, 7, 6), m.Integers(1, 2), m.Integers(6, 5), m.Integers(2, 3), m.Integers(2, 1)]),
            Layers: "move"
        );
        yield return new(
            "Slice of operator set 9",
            (r, m) => m.Node("Slice", [m.Input(1, 6, 5, 4)], ("starts", L(1, 0)), ("ends", L(4, 3)), ("axes", L(1, 2))),
            Opset: 9,
            Layers: "move"
        );
        yield return new(
            "Slices of a convolution become convolutions",
            (r, m) =>
            {
                string x = m.Conv(m.Input(1, 3, 5, 4), 3, 8);
                return m.Node(
                    "Mul",
                    [
                        m.Node("Slice", [x, m.Integers(0), m.Integers(4), m.Integers(1)]),
                        m.Node("Slice", [x, m.Integers(4), m.Integers(8), m.Integers(1)]),
                    ]
                );
            },
            Layers: "conv conv multiply"
        );
        yield return new(
            "Split into unequal parts",
            (r, m) =>
            {
                string a = m.Node("Split", [m.Conv(m.Input(1, 3, 5, 4), 3, 7), m.Integers(2, 5)], ("axis", 1)),
                    b = m.Output();
                return m.Node("Concat", [b, a], ("axis", 1));
            }
        );
        yield return new(
            "Split of operator set 11",
            (r, m) =>
            {
                string a = m.Node("Split", [m.Conv(m.Input(1, 3, 5, 4), 3, 8)], ("axis", 1), ("split", L(4, 4))),
                    b = m.Output();
                return m.Node("Sub", [a, b]);
            },
            Opset: 11,
            Layers: "conv conv+"
        );
        yield return new(
            "Gather of one token",
            (r, m) => m.Node("Gather", [m.Tokens(m.Input(1, 5, 3, 4), 5, 12), m.Index(3)], ("axis", 1)),
            Layers: "move"
        );
        yield return new(
            "Gather of some channels in another order",
            (r, m) => m.Node("Gather", [m.Input(1, 6, 5, 4), m.Integers(4, 0, 3, -1)], ("axis", 1)),
            Layers: "move"
        );
        yield return new(
            "Gather of every second channel",
            (r, m) => m.Node("Gather", [m.Input(1, 6, 5, 4), m.Integers(1, 3, 5)], ("axis", 1)),
            Layers: "move"
        );
        yield return new(
            "Pad of rows and columns before a Conv",
            (r, m) =>
                m.Node(
                    "Conv",
                    [m.Node("Pad", [m.Input(1, 3, 5, 4), m.Integers(0, 0, 1, 2, 0, 0, 3, 0)]), m.Random(1, 0, 2, 3, 3, 3)],
                    ("pads", L(1, 1, 1, 1))
                ),
            Layers: "conv"
        );
        yield return new(
            "Pad of channels",
            (r, m) => m.Node("Pad", [m.Input(1, 3, 5, 4), m.Integers(0, 1, 0, 0, 0, 2, 0, 0)]),
            Layers: "move"
        );
        yield return new(
            "Pad with a value",
            (r, m) => m.Node("Pad", [m.Input(1, 3, 5, 4), m.Integers(0, 0, 1, 2, 0, 0, 1, 0), m.Number(0.75f)], ("mode", "constant")),
            Layers: "move+"
        );
        yield return new(
            "Pad of channels with a value",
            (r, m) => m.Node("Pad", [m.Input(1, 3, 5, 4), m.Integers(0, 1, 0, 0, 0, 2, 0, 0), m.Number(0.75f)])
        );
        yield return new(
            "Pad of channels behind an activation that is not 0 at 0",
            (r, m) => m.Node("Pad", [m.Node("Exp", [m.Conv(m.Input(1, 3, 5, 4), 3, 6)]), m.Integers(0, 1, 0, 0, 0, 2, 0, 0)]),
            Layers: "conv.exp move"
        );
        yield return new(
            "Pad with axes",
            (r, m) => m.Node("Pad", [m.Input(1, 3, 5, 4), m.Integers(2, 1), m.Number(0), m.Integers(-1)]),
            Opset: 18,
            Layers: "move"
        );
        yield return new(
            "Pad of operator set 9",
            (r, m) => m.Node("Pad", [m.Input(1, 3, 5, 4)], ("pads", L(0, 0, 1, 2, 0, 0, 1, 0)), ("value", 0f)),
            Opset: 9,
            Layers: "move"
        );
        yield return new(
            "Max pool of a padded image",
            (r, m) =>
                m.Node(
                    "MaxPool",
                    [m.Node("Pad", [m.Input(1, 3, 5, 4), m.Integers(0, 0, 1, 1, 0, 0, 1, 1)])],
                    ("kernel_shape", L(3, 3)),
                    ("strides", L(2, 2))
                ),
            Layers: "move maxpool"
        );
        yield return new(
            "Concat of channels",
            (r, m) =>
            {
                string x = m.Input(1, 3, 5, 4);
                return m.Node("Concat", [m.Conv(x, 3, 4), x, m.Conv(x, 3, 2)], ("axis", 1));
            },
            Layers: "conv conv concat"
        );
        yield return new(
            "Concat of channels with a constant",
            (r, m) => m.Node("Concat", [m.Input(1, 3, 5, 4), m.Random(1, 0, 1, 2, 5, 4)], ("axis", 1)),
            Layers: "concat"
        );
        yield return new(
            "Concat of rows",
            (r, m) =>
            {
                string x = m.Input(1, 3, 5, 4);
                return m.Node("Concat", [m.Conv(x, 3, 3), m.Conv(x, 3, 3)], ("axis", 2));
            }
        );
        yield return new(
            "Concat of columns",
            (r, m) =>
            {
                string x = m.Input(1, 3, 5, 4);
                return m.Node("Concat", [m.Conv(x, 3, 3), x, m.Conv(x, 3, 3)], ("axis", 3));
            }
        );
        yield return new(
            "Concat of a class token and patches",
            (r, m) =>
                m.Node(
                    "Add",
                    [
                        m.Node("Concat", [m.Random(1, 0, 1, 1, 6), m.Tokens(m.Conv(m.Input(1, 3, 5, 4), 3, 6), 6, 20)], ("axis", 1)),
                        m.Random(1, 0, 1, 21, 6),
                    ]
                ),
            Layers: "conv move+"
        );
        yield return new(
            "Concat of two token lists",
            (r, m) =>
            {
                string x = m.Input(1, 6, 5, 4);
                return m.Node(
                    "Concat",
                    [m.Tokens(x, 6, 20), m.Tokens(m.Node("MaxPool", [x], ("kernel_shape", L(2, 2)), ("strides", L(2, 2))), 6, 4)],
                    ("axis", 1)
                );
            }
        );
        yield return new("Reshape with 0 and -1", (r, m) => m.Conv(m.Reshape(m.Input(1, 6, 4, 6), 0, 0, 2, -1), 6, 3), Layers: "conv");
        yield return new(
            "Patches by Reshape and Transpose",
            (r, m) => m.Linear(m.Reshape(m.Transpose(m.Reshape(m.Input(1, 2, 6, 4), 1, 2, 3, 2, 2, 2), 0, 2, 4, 1, 3, 5), 1, 6, 8), 8, 5),
            Layers: "conv"
        );
        yield return new(
            "Transpose of tokens as the output",
            (r, m) => m.Node("Relu", [m.Tokens(m.Conv(m.Input(1, 3, 5, 4), 3, 6), 6, 20)]),
            Layers: "conv.clamp"
        );
        yield return new(
            "Channel shuffle",
            (r, m) => m.Conv(m.Reshape(m.Transpose(m.Reshape(m.Input(1, 6, 3, 4), 1, 2, 3, 3, 4), 0, 2, 1, 3, 4), 1, 6, 3, 4), 6, 5),
            Layers: "conv"
        );
        yield return new(
            "Focus: every second pixel as channels",
            (r, m) =>
                m.Conv(m.Reshape(m.Transpose(m.Reshape(m.Input(1, 3, 4, 6), 1, 3, 2, 2, 3, 2), 0, 3, 5, 1, 2, 4), 1, 12, 2, 3), 12, 5),
            Layers: "conv"
        );
        yield return new(
            "Squeeze and Unsqueeze",
            (r, m) =>
                m.Node(
                    "Squeeze",
                    [m.Node("Unsqueeze", [m.Node("GlobalAveragePool", [m.Input(1, 5, 3, 4)]), m.Integers(0)]), m.Integers(-1, -2)]
                ),
            Layers: "averagepool"
        );
        yield return new(
            "Squeeze and Unsqueeze of operator set 11",
            (r, m) =>
                m.Node(
                    "Squeeze",
                    [m.Node("Unsqueeze", [m.Node("GlobalAveragePool", [m.Input(1, 5, 3, 4)])], ("axes", L(0)))],
                    ("axes", L(3, 4))
                ),
            Opset: 11,
            Layers: "averagepool"
        );
        yield return new(
            "Expand of an activation in an addition",
            (r, m) =>
            {
                string x = m.Conv(m.Input(1, 3, 5, 4), 3, 6);
                return m.Node("Add", [x, m.Node("Expand", [m.Node("GlobalAveragePool", [x]), m.Integers(1, 6, 5, 4)])]);
            }
        );
        yield return new(
            "Expand of a constant class token",
            (r, m) =>
                m.Node(
                    "Concat",
                    [m.Node("Expand", [m.Random(1, 0, 1, 1, 6), m.Integers(1, 1, 6)]), m.Tokens(m.Input(1, 6, 3, 4), 6, 12)],
                    ("axis", 1)
                ),
            Layers: "move+"
        );
        yield return new(
            "Shape arithmetic",
            (r, m) =>
            {
                string x = m.Input(1, 6, 3, 4),
                    shape = m.Node("Shape", [x]);
                string n = m.Node(
                    "Mul",
                    [m.Node("Gather", [shape, m.Integers(2)], ("axis", 0)), m.Node("Gather", [shape, m.Integers(3)], ("axis", 0))]
                );
                return m.Linear(m.Transpose(m.Node("Reshape", [x, m.Node("Concat", [m.Integers(1, 6), n], ("axis", 0))]), 0, 2, 1), 6, 4);
            },
            Layers: "conv"
        );
        yield return new(
            "Cast, Identity and Dropout",
            (r, m) => m.Node("Dropout", [m.Node("Identity", [m.Node("Cast", [m.Conv(m.Input(1, 3, 5, 4), 3, 6)], ("to", 1))])]),
            Layers: "conv"
        );
    }

    private static IEnumerable<OperatorCase> Pools()
    {
        yield return new(
            "MaxPool with pads",
            (r, m) => m.Node("MaxPool", [m.Input(1, 3, 7, 6)], ("kernel_shape", L(3, 2)), ("strides", L(2, 2)), ("pads", L(1, 0, 1, 1))),
            Layers: "maxpool"
        );
        yield return new(
            "MaxPool with ceil_mode",
            (r, m) => m.Node("MaxPool", [m.Input(1, 3, 8, 7)], ("kernel_shape", L(3, 3)), ("strides", L(2, 3)), ("ceil_mode", 1)),
            Layers: "maxpool"
        );
        yield return new(
            "MaxPool auto_pad SAME_UPPER",
            (r, m) => m.Node("MaxPool", [m.Input(1, 3, 7, 6)], ("kernel_shape", L(3, 3)), ("strides", L(2, 2)), ("auto_pad", "SAME_UPPER")),
            Layers: "maxpool"
        );
        yield return new("GlobalMaxPool", (r, m) => m.Node("GlobalMaxPool", [m.Input(1, 3, 7, 6)]), Layers: "maxpool");
        yield return new(
            "AveragePool that counts its pads",
            (r, m) =>
                m.Node(
                    "AveragePool",
                    [m.Input(1, 3, 7, 6)],
                    ("kernel_shape", L(3, 3)),
                    ("strides", L(2, 2)),
                    ("pads", L(1, 1, 1, 1)),
                    ("count_include_pad", 1)
                ),
            Layers: "averagepool"
        );
        yield return new(
            "AveragePool that does not count its pads",
            (r, m) =>
                m.Node("AveragePool", [m.Input(1, 3, 7, 6)], ("kernel_shape", L(3, 3)), ("strides", L(2, 1)), ("pads", L(1, 1, 1, 1))),
            Layers: "averagepool multiply"
        );
        yield return new("GlobalAveragePool", (r, m) => m.Node("GlobalAveragePool", [m.Input(1, 3, 7, 6)]), Layers: "averagepool");
        yield return new(
            "ReduceMean over rows and columns",
            (r, m) => m.Node("ReduceMean", [m.Input(1, 3, 7, 6)], ("axes", L(2, 3)), ("keepdims", 0)),
            Layers: "averagepool"
        );
        yield return new(
            "ReduceMean over columns",
            (r, m) => m.Node("ReduceMean", [m.Input(1, 3, 7, 6)], ("axes", L(3))),
            Layers: "averagepool"
        );
        yield return new(
            "ReduceMean over rows",
            (r, m) => m.Node("ReduceMean", [m.Input(1, 3, 7, 6)], ("axes", L(2)), ("keepdims", 0)),
            Layers: "averagepool"
        );
        yield return new(
            "ReduceMean over tokens",
            (r, m) => m.Node("ReduceMean", [m.Tokens(m.Input(1, 5, 3, 4), 5, 12)], ("axes", L(1)), ("keepdims", 0)),
            Layers: "averagepool"
        );
        yield return new("ReduceMean over channels", (r, m) => m.Node("ReduceMean", [m.Input(1, 5, 3, 4)], ("axes", L(1))), Layers: "conv");
        yield return new("ReduceMean over everything", (r, m) => m.Node("ReduceMean", [m.Input(1, 5, 3, 4)]), Layers: "averagepool conv");
        yield return new(
            "ReduceMean with axes as input",
            (r, m) => m.Node("ReduceMean", [m.Input(1, 5, 3, 4), m.Integers(2, 3)]),
            Opset: 18,
            Layers: "averagepool"
        );
        yield return new(
            "ReduceSum over channels",
            (r, m) => m.Node("ReduceSum", [m.Input(1, 5, 3, 4), m.Integers(1)], ("keepdims", 1)),
            Layers: "conv"
        );
    }

    private static IEnumerable<OperatorCase> Resizes()
    {
        foreach (string mode in new[] { "nearest", "linear", "cubic" })
        {
            foreach (string coordinates in new[] { "half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric" })
            {
                yield return new(
                    $"Resize {mode} {coordinates}, scale 2",
                    (r, m) =>
                        m.Node(
                            "Resize",
                            [m.Input(1, 3, 4, 5), string.Empty, m.Constant([1, 1, 2, 2], 4)],
                            ("mode", mode),
                            ("coordinate_transformation_mode", coordinates)
                        ),
                    Layers: mode == "cubic" ? "resize resize" : "resize"
                );
                yield return new(
                    $"Resize {mode} {coordinates}, to other sizes",
                    (r, m) =>
                        m.Node(
                            "Resize",
                            [m.Input(1, 3, 4, 5), string.Empty, string.Empty, m.Integers(1, 3, 6, 9)],
                            ("mode", mode),
                            ("coordinate_transformation_mode", coordinates)
                        )
                );
                yield return new(
                    $"Resize {mode} {coordinates}, ends within a period",
                    (r, m) =>
                        m.Node(
                            "Resize",
                            [m.Input(1, 3, 3, 5), string.Empty, m.Constant([1, 1, 1.5f, 2.5f], 4)],
                            ("mode", mode),
                            ("coordinate_transformation_mode", coordinates)
                        )
                );
                yield return new(
                    $"Resize {mode} {coordinates}, smaller",
                    (r, m) =>
                        m.Node(
                            "Resize",
                            [m.Input(1, 3, 8, 9), string.Empty, string.Empty, m.Integers(1, 3, 4, 6)],
                            ("mode", mode),
                            ("coordinate_transformation_mode", coordinates)
                        )
                );
            }
        }

        foreach (string nearest in new[] { "floor", "ceil", "round_prefer_floor", "round_prefer_ceil" })
            yield return new(
                $"Resize nearest_mode {nearest}",
                (r, m) =>
                    m.Node(
                        "Resize",
                        [m.Input(1, 3, 4, 6), string.Empty, m.Constant([1, 1, 2.5f, 1.5f], 4)],
                        ("mode", "nearest"),
                        ("nearest_mode", nearest),
                        ("coordinate_transformation_mode", "asymmetric")
                    )
            );
        yield return new(
            "Resize cubic_coeff_a",
            (r, m) =>
                m.Node(
                    "Resize",
                    [m.Input(1, 3, 4, 5), string.Empty, m.Constant([1, 1, 4, 4], 4)],
                    ("mode", "cubic"),
                    ("cubic_coeff_a", -0.5f)
                ),
            Layers: "resize resize"
        );
        yield return new(
            "Resize of operator set 10",
            (r, m) => m.Node("Resize", [m.Input(1, 3, 4, 5), m.Constant([1, 1, 2, 3], 4)], ("mode", "nearest")),
            Opset: 10,
            Layers: "resize"
        );
        yield return new(
            "Resize with axes",
            (r, m) => m.Node("Resize", [m.Input(1, 3, 4, 5), string.Empty, m.Constant([2, 3], 2)], ("mode", "linear"), ("axes", L(2, 3))),
            Opset: 18,
            Layers: "resize"
        );
        yield return new(
            "Upsample",
            (r, m) => m.Node("Upsample", [m.Input(1, 3, 4, 5), m.Constant([1, 1, 2, 2], 4)], ("mode", "nearest")),
            Opset: 9,
            Layers: "resize"
        );
        yield return new(
            "Resize of one pixel",
            (r, m) =>
                m.Node(
                    "Resize",
                    [m.Node("GlobalAveragePool", [m.Input(1, 3, 4, 5)]), string.Empty, string.Empty, m.Integers(1, 3, 4, 5)],
                    ("mode", "linear"),
                    ("coordinate_transformation_mode", "align_corners")
                )
        );
        yield return new(
            "Resize and residual addition",
            (r, m) =>
            {
                string x = m.Input(1, 3, 4, 6);
                return m.Node(
                    "Add",
                    [
                        x,
                        m.Node(
                            "Resize",
                            [
                                m.Node("AveragePool", [m.Conv(x, 3, 3)], ("kernel_shape", L(2, 2)), ("strides", L(2, 2))),
                                string.Empty,
                                m.Constant([1, 1, 2, 2], 4),
                            ],
                            ("mode", "linear")
                        ),
                    ]
                );
            },
            Layers: "conv averagepool resize+"
        );
    }

    private static IEnumerable<OperatorCase> Attention()
    {
        yield return new(
            "Attention with a joint projection",
            (r, m) =>
            {
                string x = m.Tokens(m.Input(1, 6, 3, 4), 6, 12),
                    qkv = m.Transpose(m.Reshape(m.Linear(x, 6, 18), 1, 12, 3, 2, 3), 2, 0, 3, 1, 4);
                string q = m.Node("Gather", [qkv, m.Index(0)], ("axis", 0)),
                    k = m.Node("Gather", [qkv, m.Index(1)], ("axis", 0)),
                    v = m.Node("Gather", [qkv, m.Index(2)], ("axis", 0));
                return m.Node("Add", [x, Attend(m, q, m.Transpose(k, 0, 1, 3, 2), v, 6, 12)]);
            },
            Layers: "conv conv matmul softmax conv.t matmul conv+"
        );
        yield return new(
            "Attention with projections of its own",
            (r, m) =>
            {
                string x = m.Tokens(m.Input(1, 6, 3, 4), 6, 12);
                string Head(string y) => m.Transpose(m.Reshape(y, 1, 12, 2, 3), 0, 2, 1, 3);
                return Attend(m, Head(m.Linear(x, 6, 6)), m.Transpose(Head(m.Linear(x, 6, 6)), 0, 1, 3, 2), Head(m.Linear(x, 6, 6)), 6, 12);
            },
            Layers: "conv conv matmul softmax conv.t matmul conv"
        );
        yield return new(
            "Attention with reduced keys and values",
            (r, m) =>
            {
                string image = m.Input(1, 6, 4, 4),
                    x = m.Tokens(image, 6, 16);
                string reduced = m.Node(
                    "Conv",
                    [m.Reshape(m.Transpose(x, 0, 2, 1), 1, 6, 4, 4), m.Random(0.2, 0, 6, 6, 2, 2)],
                    ("strides", L(2, 2))
                );
                string y = m.Node("LayerNormalization", [m.Tokens(reduced, 6, 4), m.Random(1, 0, 6), m.Random(1, 0, 6)]);
                string q = m.Transpose(m.Reshape(m.Linear(x, 6, 6), 1, 16, 2, 3), 0, 2, 1, 3),
                    k = m.Transpose(m.Reshape(m.Linear(y, 6, 6), 1, 4, 2, 3), 0, 2, 3, 1),
                    v = m.Transpose(m.Reshape(m.Linear(y, 6, 6), 1, 4, 2, 3), 0, 2, 1, 3);
                return m.Node("Add", [Attend(m, q, k, v, 6, 16), x]);
            },
            Layers: "conv layernorm conv conv matmul softmax conv.t matmul conv+"
        );
        yield return new(
            "Attention with a position bias",
            (r, m) =>
            {
                string x = m.Tokens(m.Input(1, 6, 3, 4), 6, 12);
                string Head(string y) => m.Transpose(m.Reshape(y, 1, 12, 2, 3), 0, 2, 1, 3);
                string s = m.Node(
                    "Softmax",
                    [
                        m.Node(
                            "Add",
                            [
                                m.Node("MatMul", [Head(m.Linear(x, 6, 6)), m.Transpose(Head(m.Linear(x, 6, 6)), 0, 1, 3, 2)]),
                                m.Random(1, 0, 1, 2, 12, 12),
                            ]
                        ),
                    ],
                    ("axis", -1)
                );
                return m.Reshape(m.Transpose(m.Node("MatMul", [s, Head(m.Linear(x, 6, 6))]), 0, 2, 1, 3), 1, 12, 6);
            },
            Layers: "conv conv matmul+ softmax conv.t matmul"
        );
        yield return new(
            "Attention over the channels",
            (r, m) =>
            {
                string x = m.Input(1, 6, 3, 4);
                string Head(string y) => m.Reshape(y, 1, 2, 3, 12);
                string a = m.Node(
                    "Softmax",
                    [m.Node("MatMul", [Head(m.Conv(x, 6, 6)), m.Transpose(Head(m.Conv(x, 6, 6)), 0, 1, 3, 2)])],
                    ("axis", -1)
                );
                return m.Conv(m.Reshape(m.Node("MatMul", [a, Head(m.Conv(x, 6, 6))]), 1, 6, 3, 4), 6, 5);
            }
        );
        yield return new(
            "Linear attention with padded values",
            (r, m) => LinearAttention(m, padded: true),
            Layers: "conv.t.clamp conv.clamp conv.t matmul matmul normalizedmatmul"
        );
        yield return new("Linear attention with the sum of the keys", (r, m) => LinearAttention(m, padded: false));
        yield return new(
            "A quotient that is no linear attention",
            (r, m) =>
            {
                string x = m.Input(1, 6, 3, 4);
                return m.Node("Div", [m.Conv(x, 6, 4), m.Node("Add", [m.Node("Sigmoid", [m.Conv(x, 6, 1)]), m.Number(0.5f)])]);
            }
        );
        yield return new(
            "Mix-FFN with a depthwise convolution between linear layers",
            (r, m) =>
            {
                string x = m.Tokens(m.Input(1, 6, 3, 4), 6, 12),
                    h = m.Reshape(m.Transpose(m.Linear(x, 6, 8), 0, 2, 1), 1, 8, 3, 4);
                string d = m.Node("Conv", [h, m.Random(0.5, 0, 8, 1, 3, 3), m.Random(1, 0, 8)], ("group", 8), ("pads", L(1, 1, 1, 1)));
                return m.Node("Add", [m.Linear(m.Node("Gelu", [m.Tokens(d, 8, 12)], "com.microsoft"), 8, 6), x]);
            },
            Layers: "conv conv.gelu conv+"
        );
    }

    private static long[] L(params long[] values) => values;

    private static string Fused(ModelSketch m, Func<string, string> activation) => activation(m.Conv(m.Input(1, 3, 5, 4), 3, 6));

    private static string TanhGelu(ModelSketch m, string x, string cube)
    {
        string inner = m.Node("Mul", [m.Node("Add", [x, m.Node("Mul", [cube, m.Number(0.044715f)])]), m.Number(0.7978846f)]);
        return m.Node("Mul", [m.Node("Mul", [x, m.Number(0.5f)]), m.Node("Add", [m.Node("Tanh", [inner]), m.Number(1)])]);
    }

    // Two activations; the second has the given shape and is positive.
    private static string Both(ModelSketch m, string op, long[] shape, bool swapped = false)
    {
        string x = m.Input(1, 3, 5, 4),
            a = m.Conv(x, 3, 6),
            b = m.Conv(x, 3, (int)shape[1]);
        if (shape[2] == 1)
            b = m.Node("GlobalAveragePool", [b]);
        b = m.Node("Add", [m.Node("Sigmoid", [b]), m.Number(0.5f)]);
        if (swapped)
            a = m.Node("Add", [m.Node("Sigmoid", [a]), m.Number(0.5f)]);
        return m.Node(op, swapped ? [b, a] : [a, b]);
    }

    private static string BatchNorm(ModelSketch m, string x, int channels) =>
        m.Node(
            "BatchNormalization",
            [x, m.Random(0.5, 1, channels), m.Random(0.5, 0, channels), m.Random(0.5, 0, channels), m.Random(0.5, 1, channels)],
            ("epsilon", 1e-4f)
        );

    private static string Decomposed(ModelSketch m, string x, int axis, bool twice)
    {
        string mean = m.Node("ReduceMean", [x], ("axes", L(axis))),
            d = m.Node("Sub", [x, mean]),
            again = twice ? m.Node("Sub", [x, mean]) : d;
        string variance = m.Node(
            "ReduceMean",
            [twice ? m.Node("Mul", [again, again]) : m.Node("Pow", [d, m.Number(2)])],
            ("axes", L(axis))
        );
        string n = m.Node("Div", [d, m.Node("Sqrt", [m.Node("Add", [variance, m.Number(1e-4f)])])]);
        return m.Node("Add", [m.Node("Mul", [n, m.Random(1, 0, 5)]), m.Random(1, 0, 5)]);
    }

    private static string Attend(ModelSketch m, string q, string k, string v, int width, int tokens)
    {
        string s = m.Node("Softmax", [m.Node("Mul", [m.Node("MatMul", [q, k]), m.Number(0.577f)])], ("axis", -1));
        return m.Linear(m.Reshape(m.Transpose(m.Node("MatMul", [s, v]), 0, 2, 1, 3), 1, tokens, width), width, width);
    }

    private static string LinearAttention(ModelSketch m, bool padded)
    {
        string qkv = m.Reshape(m.Conv(m.Input(1, 6, 3, 4), 6, 18), 1, 2, 9, 12);
        string Part(int first) => m.Node("Slice", [qkv, m.Integers(first), m.Integers(first + 3), m.Integers(2)]);
        string q = m.Transpose(m.Node("Relu", [Part(0)]), 0, 1, 3, 2),
            k = m.Node("Relu", [Part(3)]),
            v = m.Transpose(Part(6), 0, 1, 3, 2),
            numerator,
            denominator;
        if (padded)
        {
            string y = m.Node("MatMul", [q, m.Node("MatMul", [k, m.Node("Pad", [v, m.Integers(0, 0, 0, 0, 0, 0, 0, 1), m.Number(1)])])]);
            numerator = m.Node("Slice", [y, m.Integers(0), m.Integers(-1), m.Integers(3)]);
            denominator = m.Node("Slice", [y, m.Integers(-1), m.Integers(int.MaxValue), m.Integers(3)]);
        }
        else
        {
            numerator = m.Node("MatMul", [q, m.Node("MatMul", [k, v])]);
            denominator = m.Node("MatMul", [q, m.Node("ReduceSum", [k, m.Integers(-1)], ("keepdims", 1))]);
        }

        return m.Reshape(m.Transpose(m.Node("Div", [numerator, m.Node("Add", [denominator, m.Number(1e-3f)])]), 0, 1, 3, 2), 1, 6, 3, 4);
    }
}
