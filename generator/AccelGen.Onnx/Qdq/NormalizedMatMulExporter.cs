using AccelGen.Network.Quantized;

namespace AccelGen.Onnx.Qdq;

/// <summary>Div of two MatMul.</summary>
internal sealed class NormalizedMatMulExporter : OperatorExporter<NormalizedMatMulLayer>
{
    /// <inheritdoc/>
    protected override Held Sum(NormalizedMatMulLayer layer, QdqCall call)
    {
        QdqGraph graph = call.Graph;
        double right = call.Scale(layer.Right),
            below = call.Scale(layer.Denominator);
        string numerator = graph.Add("MatMul", graph.Read(layer.Input, false), graph.Transposed(layer.Right));
        // A denominator of less than one count is one count.
        string denominator = graph.Add(
            "Max",
            graph.Add("MatMul", graph.Read(layer.Input, false), graph.Transposed(layer.Denominator)),
            graph.Real(call.From * below)
        );
        return new Held(
            graph.Times(graph.Add("Div", numerator, denominator), QdqGraph.Exact(layer.Scale, f => f * right / below / call.To)),
            call.X.Shape with
            {
                Channels = call.Computed.Channels,
            },
            false
        );
    }
}
