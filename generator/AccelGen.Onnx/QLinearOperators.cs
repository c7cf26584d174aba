using AccelGen.Files;
using AccelGen.Onnx.Proto;

namespace AccelGen.Onnx;

/// <summary>
/// Operators on quantised tensors as what they stand for: DequantizeLinear of each operand, the float operator, and
/// QuantizeLinear of the result.
/// </summary>
internal static class QLinearOperators
{
    private const string Microsoft = "com.microsoft.";

    /// <summary>Operators that can be written so.</summary>
    public static IReadOnlySet<string> Operators { get; } =
        new HashSet<string>
        {
            "QLinearConv",
            "QLinearMatMul",
            Microsoft + "QLinearAdd",
            Microsoft + "QLinearMul",
            Microsoft + "QLinearConcat",
            Microsoft + "QLinearAveragePool",
            Microsoft + "QLinearGlobalAveragePool",
            Microsoft + "QLinearSigmoid",
            Microsoft + "QLinearLeakyRelu",
            Microsoft + "QLinearSoftmax",
            Microsoft + "QGemm",
        };

    /// <summary>The nodes that a node stands for.</summary>
    /// <param name="node">One of <see cref="Operators"/>.</param>
    /// <exception cref="InputException">An input is missing or an attribute is not supported.</exception>
    public static IReadOnlyList<OnnxNode> Expand(OnnxNode node)
    {
        var nodes = new List<OnnxNode>();
        if (node.Outputs.Count != 1 || node.Outputs[0].Length == 0)
            throw new InputException(FaultCodes.MissingOperand, string.Empty, $"has {node.Outputs.Count} outputs", "one is needed");
        string output = node.Outputs[0];
        if (node.Integer("channels_last", 0) != 0)
            throw new InputException(
                FaultCodes.UnsupportedForm,
                string.Empty,
                "channels_last = 1 is not supported",
                "export the model with images [N, C, H, W]"
            );
        switch (node.Operator)
        {
            case "QLinearConv":
                List<string> operands = [Real(0), Real(3, axis: 0)];
                if (Has(8))
                    operands.Add(Bias(8, 1, 4));
                Result("Conv", operands, 6, "auto_pad", "dilations", "group", "kernel_shape", "pads", "strides");
                break;
            case "QLinearMatMul":
                Result("MatMul", [Real(0), Real(3, axis: -1)], 6);
                break;
            case Microsoft + "QLinearAdd" or Microsoft + "QLinearMul":
                Result(node.Operator.EndsWith("Add", StringComparison.Ordinal) ? "Add" : "Mul", [Real(0), Real(3)], 6);
                break;
            case Microsoft + "QLinearConcat":
                if (node.Inputs.Count < 5 || (node.Inputs.Count - 2) % 3 != 0)
                    throw new InputException(
                        FaultCodes.MissingOperand,
                        string.Empty,
                        $"has {node.Inputs.Count} inputs",
                        "scale and zero point of the result and three inputs for each part are needed"
                    );
                Result("Concat", [.. Enumerable.Range(0, (node.Inputs.Count - 2) / 3).Select(i => Real((3 * i) + 2))], 0, "axis");
                break;
            case Microsoft + "QLinearAveragePool":
                Result("AveragePool", [Real(0)], 3, "auto_pad", "ceil_mode", "count_include_pad", "kernel_shape", "pads", "strides");
                break;
            case Microsoft + "QLinearGlobalAveragePool":
                Result("GlobalAveragePool", [Real(0)], 3);
                break;
            case Microsoft + "QLinearSigmoid":
                Result("Sigmoid", [Real(0)], 3);
                break;
            case Microsoft + "QLinearLeakyRelu":
                Result("LeakyRelu", [Real(0)], 3, "alpha");
                break;
            case Microsoft + "QLinearSoftmax":
                if (node.Integer("opset", 13) < 13 && node.Integer("axis", -1) != -1)
                    throw new InputException(
                        FaultCodes.UnsupportedForm,
                        string.Empty,
                        "opset below 13 joins the axes from axis on",
                        "write axis -1 or opset 13"
                    );
                Result("Softmax", [Real(0)], 3, "axis");
                break;
            case Microsoft + "QGemm":
                operands = [Real(0), Real(3, axis: node.Integer("transB", 0) != 0 ? 0 : 1)];
                if (node.Real("alpha", 1) != 1)
                    throw new InputException(
                        FaultCodes.UnsupportedForm,
                        string.Empty,
                        $"alpha {node.Real("alpha", 1)} is not supported",
                        "1 is"
                    );
                if (Has(6))
                    operands.Add(Bias(6, 1, 4));
                if (Has(7))
                    Result("Gemm", operands, 7, "transA", "transB");
                else
                    nodes.Add(Part("Gemm", operands, output, false, "transA", "transB"));
                break;
        }

        return nodes;

        bool Has(int input) => input < node.Inputs.Count && node.Inputs[input].Length > 0;

        string Input(int input, string what) =>
            Has(input) ? node.Inputs[input] : throw new InputException(FaultCodes.MissingOperand, $"input {input} ({what}) is missing");

        // Value, scale and zero point, one after the other.
        string Real(int input, long axis = 1)
        {
            string result = $"{output}/real{input}";
            OnnxNode part = Part(
                "DequantizeLinear",
                [Input(input, "value"), Input(input + 1, "scale"), input + 2 < node.Inputs.Count ? node.Inputs[input + 2] : string.Empty],
                result,
                true
            );
            part.Proto.Attribute.Add(
                new AttributeProto
                {
                    Name = "axis",
                    Type = 2,
                    I = axis,
                }
            );
            nodes.Add(new OnnxNode(part.Proto, node.Index, node.Operator, helper: true));
            return result;
        }

        // A bias has 32 bits, the product of the operands' scales, and zero point 0.
        string Bias(int input, int scale, int other)
        {
            string product = $"{output}/bias.scale",
                result = $"{output}/bias";
            nodes.Add(Part("Mul", [Input(scale, "scale"), Input(other, "scale")], product, true));
            OnnxNode part = Part("DequantizeLinear", [node.Inputs[input], product], result, true);
            part.Proto.Attribute.Add(
                new AttributeProto
                {
                    Name = "axis",
                    Type = 2,
                    I = 0,
                }
            );
            nodes.Add(new OnnxNode(part.Proto, node.Index, node.Operator, helper: true));
            return result;
        }

        void Result(string op, IReadOnlyList<string> inputs, int scale, params string[] attributes)
        {
            nodes.Add(Part(op, inputs, $"{output}/result", false, attributes));
            nodes.Add(
                Part(
                    "QuantizeLinear",
                    [
                        $"{output}/result",
                        Input(scale, "scale of the result"),
                        scale + 1 < node.Inputs.Count ? node.Inputs[scale + 1] : string.Empty,
                    ],
                    output,
                    true
                )
            );
        }

        OnnxNode Part(string op, IReadOnlyList<string> inputs, string result, bool helper, params string[] attributes)
        {
            var proto = new NodeProto
            {
                OpType = op,
                Name = node.Name,
                Input = { inputs },
                Output = { result },
            };
            proto.Attribute.Add(node.Proto.Attribute.Where(a => attributes.Contains(a.Name)));
            return new OnnxNode(proto, node.Index, node.Operator, helper);
        }
    }
}
