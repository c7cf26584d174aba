using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AccelGen.Tests.Shared;

/// <summary>Runs a float network by ONNX Runtime; every layer becomes its ONNX operators, on tensors in the order of the network.</summary>
internal static class FloatOnnxModel
{
    /// <summary>Runs a network with one input.</summary>
    /// <returns>Output of each layer, by name, with its shape; and, with ".before" after the name, what its activation is applied
    /// to.</returns>
    public static Dictionary<string, (float[] Values, TensorShape Shape)> Run(FloatNetwork network, float[] input)
    {
        var m = new OnnxModelWriter { OpsetVersion = 17 };
        var held = new Dictionary<int, (string Value, TensorShape Shape)>();
        int names = 0;
        FloatTensor image = network.Tensors[network.Inputs[0]];
        m.Input("image", OnnxModelWriter.Float, Dims(image.Shape));
        held[image.Id] = ("image", image.Shape);
        foreach (FloatLayer layer in network.Layers)
        {
            TensorShape to = network.Tensors[layer.Output].Shape;
            string y = Operator(layer, to);
            if (layer.Residual is int residual)
                y = Add("Add", y, Read(residual));
            if (layer.Range == OutputRange.Relu)
                y = Add("Relu", y);
            if (layer.Activation.Kind != ActivationKind.None)
                m.Node("Identity", [y], $"{layer.Name}.before").Output($"{layer.Name}.before", OnnxModelWriter.Float, -1, -1, -1, -1);
            if (layer.Activation.Kind == ActivationKind.Gelu)
                y = Add(
                    "Mul",
                    y,
                    Add("Mul", Constant(0.5f), Add("Add", Constant(1), Add("Erf", Add("Mul", y, Constant((float)Math.Sqrt(0.5))))))
                );
            m.Node("Identity", [y], layer.Name).Output(layer.Name, OnnxModelWriter.Float, -1, -1, -1, -1);
            held[network.Home(layer.Output)] = (layer.Name, to);
        }

        FloatLayer last = network.Layers[^1];
        m.Node("Identity", [last.Name], "end");
        using InferenceSession session = ExactSession.Open(m.Build("end", OnnxModelWriter.Float, -1, -1, -1, -1));
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> outputs = session.Run([
            NamedOnnxValue.CreateFromTensor("image", new DenseTensor<float>(input, [.. Dims(image.Shape).Select(d => (int)d)])),
        ]);
        return outputs
            .Where(o => o.Name != "end")
            .ToDictionary(
                o => o.Name,
                o =>
                {
                    var t = o.AsTensor<float>();
                    return (t.ToArray(), new TensorShape(t.Dimensions[0], t.Dimensions[1], t.Dimensions[2], t.Dimensions[3]));
                }
            );

        string Operator(FloatLayer layer, TensorShape to)
        {
            TensorShape from = network.Tensors[layer.Input].Shape;
            switch (layer)
            {
                case FloatConv conv:
                    int outputs = conv.Bias.Length,
                        taps = conv.Kernel.Rows * conv.Kernel.Columns,
                        depth = from.Batch * from.Channels / conv.Groups;
                    var weights = new float[conv.Weights.Length];
                    for (int i = 0; i < weights.Length; i++)
                        weights[(((i / (taps * depth) * depth) + (i % depth)) * taps) + (i / depth % taps)] = conv.Weights[i];
                    m.Initializer(conv.Name + ".w", weights, outputs, depth, conv.Kernel.Rows, conv.Kernel.Columns)
                        .Initializer(conv.Name + ".b", conv.Bias, outputs);
                    string planes = Reshape(
                            Transpose(Read(conv.Input), 0, 3, 1, 2),
                            1,
                            from.Batch * from.Channels,
                            from.Height,
                            from.Width
                        ),
                        y = $"n{names++}";
                    m.Node("Conv", [planes, conv.Name + ".w", conv.Name + ".b"], y)
                        .Ints("strides", conv.Stride.Rows, conv.Stride.Columns)
                        .Int("group", conv.Groups)
                        .Ints("pads", conv.Padding.Top, conv.Padding.Left, conv.Padding.Bottom, conv.Padding.Right);
                    return conv.TransposeOutput
                        ? Reshape(y, to.Batch, 1, outputs / to.Batch, -1)
                        : Transpose(Reshape(y, to.Batch, outputs / to.Batch, to.Height, -1), 0, 2, 3, 1);
                case FloatLayerNorm norm:
                    m.Initializer(norm.Name + ".g", norm.Gamma, norm.Gamma.Length)
                        .Initializer(norm.Name + ".b", norm.Beta, norm.Beta.Length);
                    string normal = $"n{names++}";
                    m.Node("LayerNormalization", [Read(norm.Input), norm.Name + ".g", norm.Name + ".b"], normal)
                        .Real("epsilon", norm.Epsilon);
                    return normal;
                case FloatMatMul product:
                    return Add(
                        "Mul",
                        Add("MatMul", Read(product.Input), Transpose(Read(product.Right), 0, 1, 3, 2)),
                        Constant(product.Factor)
                    );
                case FloatSoftmax:
                    return Add("Softmax", Read(layer.Input));
                case FloatConcat concat:
                    string all = $"n{names++}";
                    m.Node("Concat", [.. concat.Inputs.Select(Read)], all).Int("axis", 3);
                    return all;
                case FloatResize resize:
                    string size = $"n{names++}",
                        resized = $"n{names++}";
                    m.Initializer(size, [1f, 1f, resize.Up.Rows, resize.Up.Columns], 4);
                    m.Node("Resize", [Transpose(Read(resize.Input), 0, 3, 1, 2), string.Empty, size], resized)
                        .String("mode", "linear")
                        .String("coordinate_transformation_mode", "half_pixel");
                    return Transpose(resized, 0, 2, 3, 1);
                case FloatArgMax:
                    string index = $"n{names++}",
                        real = $"n{names++}";
                    m.Node("ArgMax", [Read(layer.Input)], index)
                        .Int("axis", 3)
                        .Node("Cast", [index], real)
                        .Int("to", OnnxModelWriter.Float);
                    return real;
                default:
                    throw new ArgumentException($"layer {layer.Name}: {layer.GetType().Name} has no ONNX form here");
            }
        }

        string Read(int tensor)
        {
            (string value, TensorShape shape) = held[network.Home(tensor)];
            TensorShape wanted = network.Tensors[tensor].Shape;
            return shape == wanted ? value : Reshape(value, Dims(wanted));
        }

        string Add(string op, params string[] inputs)
        {
            m.Node(op, inputs, $"n{names++}");
            return $"n{names - 1}";
        }

        string Constant(float value)
        {
            m.Initializer($"n{names++}", [value]);
            return $"n{names - 1}";
        }

        string Reshape(string input, params long[] dims)
        {
            m.Initializer($"n{names++}", dims, dims.Length);
            return Add("Reshape", input, $"n{names - 1}");
        }

        string Transpose(string input, params long[] order)
        {
            m.Node("Transpose", [input], $"n{names++}").Ints("perm", order);
            return $"n{names - 1}";
        }
    }

    private static long[] Dims(TensorShape s) => [s.Batch, s.Height, s.Width, s.Channels];
}
