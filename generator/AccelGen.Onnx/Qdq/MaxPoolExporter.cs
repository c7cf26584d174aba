using AccelGen.Network.Quantized;

namespace AccelGen.Onnx.Qdq;

/// <summary>MaxPool.</summary>
internal sealed class MaxPoolExporter : OperatorExporter<MaxPoolLayer>
{
    /// <inheritdoc/>
    protected override Held Sum(MaxPoolLayer layer, QdqCall call)
    {
        string largest = call.Graph.Pool("MaxPool", layer.Input, layer.Kernel, layer.Stride, layer.Padding);
        float factor = QdqGraph.Exact(layer.Scale, f => f * call.From / call.To);
        return new Held(call.Graph.Times(largest, factor), call.Computed, true);
    }

    /// <inheritdoc/>
    protected override double TableScale(MaxPoolLayer layer, double from) => Over(from, layer.Scale);
}
