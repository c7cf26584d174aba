using AccelGen.Network.Quantized;
using AccelGen.Onnx.Proto;

namespace AccelGen.Onnx.Qdq;

/// <summary>Conv, with weights of 8 bits and a bias of 32.</summary>
internal sealed class ConvExporter : OperatorExporter<ConvLayer>
{
    /// <inheritdoc/>
    protected override Held Sum(ConvLayer layer, QdqCall call)
    {
        (QdqGraph graph, QuantizedTensor x, TensorShape computed) = (call.Graph, call.X, call.Computed);
        int channels = layer.Bias.Length,
            taps = layer.Kernel.Rows * layer.Kernel.Columns,
            inputs = x.Shape.Batch * x.Shape.Channels,
            depth = inputs / layer.Groups;
        var weights = new sbyte[layer.Weights.Length];
        int[] bias = (int[])layer.Bias.Clone();
        var scales = new float[channels];
        var biasScales = new float[channels];
        for (int k = 0; k < channels; k++)
        {
            // A factor of 0 has no scale: the channel is 0.
            bool zero = layer.Scales[k].Multiplier == 0;
            scales[k] = zero ? 1 : WeightScale(layer, k, call.From, call.To);
            biasScales[k] = (float)(scales[k] * call.From);
            if (zero)
                bias[k] = 0;
            for (int i = 0; !zero && i < taps * depth; i++)
                weights[(((k * depth) + (i % depth)) * taps) + (i / depth)] = layer.Weights[(k * taps * depth) + i];
        }

        string w = graph.Unique($"{layer.Name}_weights"),
            b = graph.Unique($"{layer.Name}_bias"),
            sums = graph.Unique(layer.Name);
        graph.Node(
            "DequantizeLinear",
            [
                graph.Counts($"{w}_quantized", weights, [channels, depth, layer.Kernel.Rows, layer.Kernel.Columns]),
                graph.Reals($"{w}_scale", scales),
                graph.Counts($"{w}_zero_point", new sbyte[channels], [channels]),
            ],
            w,
            ("axis", 0)
        );
        graph.Node("DequantizeLinear", [graph.Int32s($"{b}_quantized", bias), graph.Reals($"{b}_scale", biasScales)], b, ("axis", 0));
        string image = graph.Read(layer.Input, true);
        if (x.Shape.Batch > 1)
            image = graph.Reshape(image, [1, inputs, x.Shape.Height, x.Shape.Width]);
        (int top, int left, int bottom, int right) = layer.Padding;
        if (Math.Min(Math.Min(top, left), Math.Min(bottom, right)) < 0)
            image = graph.Crop(
                image,
                Math.Max(0, -top),
                Math.Max(0, -left),
                x.Shape.Height - Math.Max(0, -bottom),
                x.Shape.Width - Math.Max(0, -right)
            );
        NodeProto node = graph.Node("Conv", [image, w, b], sums, ("group", layer.Groups));
        QdqGraph.Window(node, layer.Kernel, layer.Stride, (Math.Max(0, top), Math.Max(0, left), Math.Max(0, bottom), Math.Max(0, right)));
        node.Attribute.Add(QdqGraph.Ints("dilations", layer.Dilation.Rows, layer.Dilation.Columns));
        return new Held(computed.Batch > 1 ? graph.Reshape(sums, QdqGraph.Dims(computed, true)) : sums, computed, true);
    }

    // The scale that the weights were rounded with, unless the factor is not made of it: it saturates, or it is another path's.
    private static float WeightScale(ConvLayer conv, int channel, double from, double to)
    {
        FixedPointScale wanted = conv.Scales[channel];
        return conv.WeightScales is { } scales && (float)scales[channel] is var own && Fits(own)
            ? own
            : QdqGraph.Exact(wanted, f => from * f / to);

        bool Fits(float scale) =>
            scale > 0 && float.IsFinite(scale) && from * scale / to is var f and < 1 << 22 && FixedPointScale.FromReal(f) == wanted;
    }
}
