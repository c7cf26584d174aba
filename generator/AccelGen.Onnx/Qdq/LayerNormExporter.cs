using AccelGen.Network.Quantized;
using AccelGen.Onnx.Proto;
using AccelGen.Quantization;

namespace AccelGen.Onnx.Qdq;

/// <summary>LayerNormalization.</summary>
internal sealed class LayerNormExporter : OperatorExporter<LayerNormLayer>
{
    /// <inheritdoc/>
    protected override Held Sum(LayerNormLayer layer, QdqCall call)
    {
        (QdqGraph graph, QuantizedTensor x) = (call.Graph, call.X);
        string normal = graph.Unique(layer.Name);
        var gamma = new float[layer.Gamma.Length];
        var beta = new float[layer.Gamma.Length];
        for (int c = 0; c < gamma.Length; c++)
        {
            gamma[c] = QdqGraph.Nearest(
                Math.ScaleB(layer.Gamma[c], 12 - layer.Shift[c]) * call.To,
                g =>
                    LayerNormIntegers.Normal(g, 0, call.To) is var (v, _, s)
                    && Math.ScaleB(v, -s) == Math.ScaleB(layer.Gamma[c], -layer.Shift[c])
            );
            beta[c] = QdqGraph.Nearest(
                Math.ScaleB(layer.Beta[c], -layer.Shift[c]) * call.To,
                b => LayerNormIntegers.Normal(gamma[c], b, call.To) == (layer.Gamma[c], layer.Beta[c], layer.Shift[c])
            );
        }

        NodeProto node = graph.Node(
            "LayerNormalization",
            [graph.Read(layer.Input, false), graph.Reals($"{normal}_scale", gamma), graph.Reals($"{normal}_bias", beta)],
            normal,
            ("axis", -1)
        );
        // The variance is at least 1 in the network's units; a little keeps it from 0 here.
        double unit = Math.Pow(call.From / x.Shape.Channels, 2);
        float epsilon = QdqGraph.Nearest(
            Math.Max(0.25, layer.Epsilon) * unit,
            e => LayerNormIntegers.Epsilon(e, x.Shape.Channels, call.From) == layer.Epsilon
        );
        node.Attribute.Add(
            new AttributeProto
            {
                Name = "epsilon",
                Type = 1,
                F = epsilon,
            }
        );
        return new Held(normal, x.Shape, false);
    }
}
