using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using NUnit.Framework;

namespace AccelGen.Onnx.Tests;

/// <summary>ONNX Runtime beside the importer and the float executor.</summary>
internal static class Oracle
{
    /// <summary>Imports a model given as bytes.</summary>
    public static ImportResult Import(byte[] model, (int, int)? size = null)
    {
        string folder = Directory.CreateTempSubdirectory("accelgen-onnx").FullName;
        try
        {
            string path = Path.Combine(folder, "model.onnx");
            File.WriteAllBytes(path, model);
            return OnnxImporter.Import(path, size);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The refusal of a model.</summary>
    public static ImportException Refused(byte[] model, (int, int)? size = null) =>
        Assert.Throws<ImportException>(() => Import(model, size))!;

    /// <summary>What ONNX Runtime computes for an NHWC image, in the order of the file.</summary>
    public static float[] Reference(byte[] model, float[] nhwc, TensorShape shape)
    {
        // Unoptimised: joining Pad with MaxPool, it would leave the padded zeros out of the maximum.
        using InferenceSession session = ExactSession.Open(model, optimise: false);
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> outputs = session.Run([Input(session, nhwc, shape)]);
        return outputs[0].ElementType == TensorElementType.Int64
            ? [.. outputs[0].AsTensor<long>().Select(v => (float)v)]
            : [.. outputs[0].AsTensor<float>()];
    }

    /// <summary>An NHWC image in the order that the model's input has.</summary>
    public static NamedOnnxValue Input(InferenceSession session, float[] nhwc, TensorShape shape)
    {
        string name = session.InputNames[0];
        if (
            session.InputMetadata[name].Dimensions is [_, var rows, var columns, var last]
            && (rows, columns, last) == (shape.Height, shape.Width, shape.Channels)
        )
            return NamedOnnxValue.CreateFromTensor(name, new DenseTensor<float>(nhwc, [1, rows, columns, last]));
        var nchw = new DenseTensor<float>([1, shape.Channels, shape.Height, shape.Width]);
        for (int i = 0; i < nhwc.Length; i++)
            nchw[0, i % shape.Channels, i / shape.Channels / shape.Width, i / shape.Channels % shape.Width] = nhwc[i];
        return NamedOnnxValue.CreateFromTensor(name, nchw);
    }

    /// <summary>What the imported network computes, in the order of the file.</summary>
    public static float[] Run(ImportResult import, float[] nhwc, ExecutionPath? path = null)
    {
        ImportedOutput output = import.Outputs[0];
        return output.Order(
            FloatExecutor.Run(import.Network, new Dictionary<int, float[]> { [import.Network.Inputs[0]] = nhwc }, path)[output.Tensor]
        );
    }

    /// <summary>Imports a model and compares it with ONNX Runtime on one input.</summary>
    /// <returns>Largest difference, as a part of the largest output.</returns>
    public static double Compare(ImportResult import, byte[] model, float[] nhwc, string place, double tolerance = 1e-4)
    {
        Sound(import.Network, place);
        return AssertClose(
            Run(import, nhwc),
            Reference(model, nhwc, import.Network.Tensors[import.Network.Inputs[0]].Shape),
            place,
            tolerance
        );
    }

    /// <summary>Asserts that values agree up to a part of the largest.</summary>
    public static double AssertClose(float[] mine, float[] theirs, string place, double tolerance = 1e-4)
    {
        Assert.That(mine, Has.Length.EqualTo(theirs.Length), place);
        double scale = Math.Max(1e-3, theirs.Max(Math.Abs)),
            worst = 0;
        for (int i = 0; i < mine.Length; i++)
        {
            double error = Math.Abs(mine[i] - theirs[i]) / scale;
            Assert.That(error, Is.LessThan(tolerance), $"{place}: element {i}: {mine[i]}, ONNX Runtime {theirs[i]}");
            worst = Math.Max(worst, error);
        }

        return worst;
    }

    /// <summary>Asserts what holds in every network: tensors written once and before they are read, shapes that fit.</summary>
    public static void Sound(FloatNetwork network, string place)
    {
        var written = network
            .Inputs.Concat(network.Tensors.Where(t => t.Constant is not null).Select(t => t.Id))
            .Select(network.Home)
            .ToHashSet();
        var tensors = new HashSet<int>();
        foreach (FloatTensor t in network.Tensors)
        {
            Assert.That(network.Tensors[t.Id], Is.SameAs(t), $"{place}: {t.Name}");
            Assert.That(
                t.SharesStorageWith is not int home || (home < t.Id && network.Tensors[home].Shape.Elements == t.Shape.Elements),
                $"{place}: {t.Name} shares the memory of an earlier tensor of its size"
            );
            Assert.That(
                t.SharesStorageWith is not int owner
                    || (network.Tensors[owner].Shape.Batch, network.Tensors[owner].Shape.Channels) == (t.Shape.Batch, t.Shape.Channels),
                $"{place}: {t.Name} has other heads or channels than what it shares memory with"
            );
            Assert.That(t.Constant is null || t.Constant.Length == t.Shape.Elements, $"{place}: {t.Name} is constant");
        }

        foreach (FloatLayer layer in network.Layers)
        {
            foreach (int t in layer.Reads)
                Assert.That(
                    written,
                    Does.Contain(network.Home(t)),
                    $"{place}: {layer.Name} reads {network.Tensors[t].Name} before it is written"
                );
            Assert.That(tensors.Add(layer.Output), $"{place}: {layer.Name} writes {network.Tensors[layer.Output].Name} again");
            written.Add(network.Home(layer.Output));
            TensorShape to = network.Tensors[layer.Output].Shape;
            if (layer.Residual is int r && layer.ResidualBroadcast == Broadcast.None)
                Assert.That(network.Tensors[r].Shape, Is.EqualTo(to), $"{place}: residual of {layer.Name}");
            if (layer is FloatConv conv)
                Conv(network, conv, to, place);
            if (layer is FloatMatMul { TransposeOutput: false } m)
            {
                TensorShape x = network.Tensors[m.Input].Shape,
                    right = network.Tensors[m.Right].Shape;
                Assert.That(
                    (x.Batch, x.Width, right.Width, right.Batch, x.Channels, x.Height, right.Height),
                    Is.EqualTo((to.Batch, to.Width, to.Channels, to.Batch, right.Channels, 1, 1)),
                    $"{place}: {layer.Name}"
                );
            }
        }
    }

    private static void Conv(FloatNetwork network, FloatConv conv, TensorShape to, string place)
    {
        TensorShape from = network.Tensors[conv.Input].Shape;
        int Steps(int size, int kernel, int stride, int dilation, int pad) => ((size + pad - ((kernel - 1) * dilation) - 1) / stride) + 1;
        int rows = Steps(from.Height, conv.Kernel.Rows, conv.Stride.Rows, conv.Dilation.Rows, conv.Padding.Top + conv.Padding.Bottom);
        int columns = Steps(
            from.Width,
            conv.Kernel.Columns,
            conv.Stride.Columns,
            conv.Dilation.Columns,
            conv.Padding.Left + conv.Padding.Right
        );
        TensorShape computed = conv.TransposeOutput ? new TensorShape(to.Batch, 1, to.Channels, to.Width) : to;
        if (conv.TransposeOutput)
            Assert.That(rows * columns, Is.EqualTo(computed.Width), $"{place}: pixels of {conv.Name}");
        else
            Assert.That((rows, columns), Is.EqualTo((computed.Height, computed.Width)), $"{place}: pixels of {conv.Name}");
        int inputs = from.Batch * from.Channels,
            outputs = computed.Batch * computed.Channels;
        Assert.That(conv.Bias, Has.Length.EqualTo(outputs), $"{place}: channels of {conv.Name}");
        Assert.That(
            conv.Weights,
            Has.Length.EqualTo(outputs * conv.Kernel.Rows * conv.Kernel.Columns * inputs / conv.Groups),
            $"{place}: weights of {conv.Name}"
        );
    }
}
