using AccelGen.Network.Quantized;

namespace AccelGen.Onnx.Qdq;

/// <summary>AveragePool that counts its padding.</summary>
internal sealed class AveragePoolExporter : OperatorExporter<AveragePoolLayer>
{
    /// <inheritdoc/>
    protected override Held Sum(AveragePoolLayer layer, QdqCall call)
    {
        string average = call.Graph.Pool("AveragePool", layer.Input, layer.Kernel, layer.Stride, layer.Padding, ("count_include_pad", 1));
        float factor = QdqGraph.Exact(layer.Scale, f => f * call.From / ((double)layer.Kernel.Rows * layer.Kernel.Columns) / call.To);
        return new Held(call.Graph.Times(average, factor), call.Computed, true);
    }
}
