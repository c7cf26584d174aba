using AccelGen.Network.Quantized;

namespace AccelGen.Onnx.Qdq;

/// <summary>Concat of tensors in the scale of the output.</summary>
internal sealed class ConcatExporter : OperatorExporter<ConcatLayer>
{
    /// <inheritdoc/>
    protected override Held Sum(ConcatLayer layer, QdqCall call)
    {
        QdqGraph graph = call.Graph;
        bool first = graph.ChannelsFirst(layer.Input);
        string[] parts =
        [
            .. layer.Inputs.Select(
                (t, i) => graph.Times(graph.Read(t, first), QdqGraph.Exact(layer.Scales[i], f => f * call.Scale(t) / call.To))
            ),
        ];
        string all = graph.Unique(layer.Name);
        graph.Node("Concat", parts, all, ("axis", first ? 1 : 3));
        TensorShape shape = call.X.Shape with { Channels = layer.Inputs.Sum(t => graph.Network.Tensors[t].Shape.Channels) };
        return new Held(all, shape, first);
    }

    /// <inheritdoc/>
    protected override double TableScale(ConcatLayer layer, double from) => Over(from, layer.Scales[0]);
}
