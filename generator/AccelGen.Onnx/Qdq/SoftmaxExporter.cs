using AccelGen.Network.Quantized;

namespace AccelGen.Onnx.Qdq;

/// <summary>Softmax.</summary>
internal sealed class SoftmaxExporter : OperatorExporter<SoftmaxLayer>
{
    /// <inheritdoc/>
    protected override Held Sum(SoftmaxLayer layer, QdqCall call)
    {
        QdqGraph graph = call.Graph;
        double from = call.From;
        string softmax = graph.Unique(layer.Name);
        float slope = QdqGraph.Nearest(
            layer.ExponentMultiplier / (from * Math.Log2(Math.E) * (1 << 20)),
            f => Math.Round(f * from * Math.Log2(Math.E) * (1 << 20)) == layer.ExponentMultiplier
        );
        graph.Node("Softmax", [graph.Times(graph.Read(layer.Input, false), slope)], softmax, ("axis", -1));
        return new Held(graph.Times(softmax, QdqGraph.Exact(layer.OutputScale, f => f / call.To)), call.X.Shape, false);
    }

    /// <inheritdoc/>
    protected override double TableScale(SoftmaxLayer layer, double from) =>
        layer.OutputScale.Multiplier > 0 ? 1 / layer.OutputScale.ToReal() : from;
}
