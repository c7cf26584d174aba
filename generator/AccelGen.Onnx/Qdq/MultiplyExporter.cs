using AccelGen.Network.Quantized;

namespace AccelGen.Onnx.Qdq;

/// <summary>Mul.</summary>
internal sealed class MultiplyExporter : OperatorExporter<MultiplyLayer>
{
    /// <inheritdoc/>
    protected override Held Sum(MultiplyLayer layer, QdqCall call)
    {
        QdqGraph graph = call.Graph;
        bool first = graph.ChannelsFirst(layer.Input);
        double second = call.Scale(layer.Right);
        string product = graph.Add("Mul", graph.Read(layer.Input, first), graph.Read(layer.Right, first));
        return new Held(graph.Times(product, QdqGraph.Exact(layer.Scale, f => f * call.From * second / call.To)), call.X.Shape, first);
    }
}
