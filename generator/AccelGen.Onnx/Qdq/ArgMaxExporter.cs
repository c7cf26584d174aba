using AccelGen.Network.Quantized;

namespace AccelGen.Onnx.Qdq;

/// <summary>ArgMax.</summary>
internal sealed class ArgMaxExporter : OperatorExporter<ArgMaxLayer>
{
    /// <inheritdoc/>
    protected override Held Sum(ArgMaxLayer layer, QdqCall call)
    {
        QdqGraph graph = call.Graph;
        string index = graph.Unique(layer.Name);
        graph.Node("ArgMax", [graph.Read(layer.Input, false)], index, ("axis", -1), ("keepdims", 1));
        string label = graph.Cast(index, QdqGraph.FloatType);
        // The count is index - 128, whatever scale and zero point say.
        if (call.Y.ZeroPoint != -128)
            label = graph.Add("Sub", label, graph.Real(128 + call.Y.ZeroPoint));
        return new Held(graph.Times(label, (float)call.Y.Scale), call.X.Shape with { Channels = 1 }, false);
    }
}
