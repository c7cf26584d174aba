using AccelGen.Network;
using AccelGen.Network.Architectures;
using AccelGen.Network.Float;

namespace AccelGen.Tests.Shared;

/// <summary>A network of the Once-For-All space as an exporter would write it: batch normalisations unfolded.</summary>
internal static class OfaOnnxModel
{
    /// <summary>Writes a network.</summary>
    /// <param name="genome">Genome.</param>
    /// <param name="size">Rows and columns of the image.</param>
    /// <param name="seed">Seed.</param>
    /// <param name="classes">Classes.</param>
    public static byte[] Build(OfaGenome genome, int size, int seed, int classes)
    {
        FloatNetwork network = OfaResNet50.Build(genome, size, size, seed, classes);
        var unfolded = OfaResNet50.Convolutions(genome, size, size, seed, classes).ToDictionary(c => c.Name);
        var m = new OnnxModelWriter();
        m.Input("image", OnnxModelWriter.Float, 1, 3, size, size);
        var names = new Dictionary<int, string> { [network.Home(network.Inputs[0])] = "image" };
        foreach (FloatLayer layer in network.Layers)
        {
            string x = names[network.Home(layer.Input)],
                y = $"{layer.Name}.y",
                path = $"/{layer.Name.Replace('.', '/')}";
            switch (layer)
            {
                case FloatConv conv when unfolded.TryGetValue(conv.Name, out OfaResNet50.Unfolded? own):
                    int outputs = conv.Bias.Length;
                    m.Initializer(
                        $"{y}.w",
                        Planes(own.Weights, outputs, conv.Kernel),
                        outputs,
                        network.Tensors[conv.Input].Shape.Channels,
                        conv.Kernel.Rows,
                        conv.Kernel.Columns
                    );
                    m.Initializer($"{y}.g", own.Gamma, outputs)
                        .Initializer($"{y}.b", own.Beta, outputs)
                        .Initializer($"{y}.m", own.Mean, outputs)
                        .Initializer($"{y}.v", own.Variance, outputs);
                    m.Node("Conv", [x, $"{y}.w"], $"{y}.c", name: $"{path}/Conv")
                        .Ints("pads", conv.Padding.Top, conv.Padding.Left, conv.Padding.Bottom, conv.Padding.Right)
                        .Ints("strides", conv.Stride.Rows, conv.Stride.Columns);
                    m.Node(
                            "BatchNormalization",
                            [$"{y}.c", $"{y}.g", $"{y}.b", $"{y}.m", $"{y}.v"],
                            $"{y}.n",
                            name: $"{path}/BatchNormalization"
                        )
                        .Real("epsilon", OfaResNet50.Epsilon);
                    string sum = $"{y}.n";
                    if (conv.Residual is int shortcut)
                        m.Node("Add", [$"{y}.n", names[network.Home(shortcut)]], sum = $"{y}.s", name: $"{path}/Add");
                    m.Node(conv.Range == OutputRange.Relu ? "Relu" : "Identity", [sum], y, name: $"{path}/Relu");
                    break;
                case FloatConv conv:
                    m.Initializer($"{y}.w", conv.Weights, classes, conv.Weights.Length / classes).Initializer($"{y}.b", conv.Bias, classes);
                    m.Node("Flatten", [x], $"{y}.f", name: $"{path}/Flatten")
                        .Node("Gemm", [$"{y}.f", $"{y}.w", $"{y}.b"], y, name: $"{path}/Gemm")
                        .Int("transB", 1);
                    break;
                case FloatAdd add:
                    m.Node("Add", [x, names[network.Home(add.Residual!.Value)]], y, name: $"{path}/Add");
                    break;
                case FloatMaxPool pool:
                    m.Node("MaxPool", [x], y, name: $"{path}/MaxPool")
                        .Ints("kernel_shape", pool.Kernel.Rows, pool.Kernel.Columns)
                        .Ints("strides", pool.Stride.Rows, pool.Stride.Columns)
                        .Ints("pads", pool.Padding.Top, pool.Padding.Left, pool.Padding.Bottom, pool.Padding.Right);
                    break;
                case FloatAveragePool { Output: var o } when network.Tensors[o].Shape is { Height: 1, Width: 1 }:
                    m.Node("GlobalAveragePool", [x], y, name: $"{path}/GlobalAveragePool");
                    break;
                case FloatAveragePool pool:
                    m.Node("AveragePool", [x], y, name: $"{path}/AveragePool")
                        .Ints("kernel_shape", pool.Kernel.Rows, pool.Kernel.Columns)
                        .Ints("strides", pool.Stride.Rows, pool.Stride.Columns);
                    break;
                default:
                    throw new ArgumentException($"layer {layer.Name}: {layer.GetType().Name} has no ONNX form here");
            }

            names[network.Home(layer.Output)] = y;
        }

        return m.Build(names[network.Home(network.Outputs[0])]);
    }

    // [output][tap][input] as [output][input][tap].
    private static float[] Planes(float[] weights, int outputs, Size kernel)
    {
        int taps = kernel.Rows * kernel.Columns,
            inputs = weights.Length / outputs / taps;
        var planes = new float[weights.Length];
        for (int i = 0; i < weights.Length; i++)
            planes[(((i / (taps * inputs) * inputs) + (i % inputs)) * taps) + (i / inputs % taps)] = weights[i];
        return planes;
    }
}
