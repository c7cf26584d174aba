using AccelGen.Network.Quantized;

namespace AccelGen.Onnx.Qdq;

/// <summary>The first summand: the other is the residual.</summary>
internal sealed class AddExporter : OperatorExporter<AddLayer>
{
    /// <inheritdoc/>
    protected override Held Sum(AddLayer layer, QdqCall call)
    {
        bool first = call.Graph.ChannelsFirst(layer.Input);
        float factor = QdqGraph.Exact(layer.Scale, f => f * call.From / call.To);
        return new Held(call.Graph.Times(call.Graph.Read(layer.Input, first), factor), call.X.Shape, first);
    }

    /// <inheritdoc/>
    protected override double TableScale(AddLayer layer, double from) => Over(from, layer.Scale);
}
