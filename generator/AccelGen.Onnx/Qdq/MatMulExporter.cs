using AccelGen.Network.Quantized;

namespace AccelGen.Onnx.Qdq;

/// <summary>MatMul.</summary>
internal sealed class MatMulExporter : OperatorExporter<MatMulLayer>
{
    /// <inheritdoc/>
    protected override Held Sum(MatMulLayer layer, QdqCall call)
    {
        QdqGraph graph = call.Graph;
        double right = call.Scale(layer.Right);
        return new Held(
            graph.Times(
                graph.Add("MatMul", graph.Read(layer.Input, false), graph.Transposed(layer.Right)),
                QdqGraph.Exact(layer.Scale, f => f * call.From * right / call.To)
            ),
            call.X.Shape with
            {
                Channels = call.Computed.Channels,
            },
            false
        );
    }
}
