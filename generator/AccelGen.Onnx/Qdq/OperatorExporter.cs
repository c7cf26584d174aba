using AccelGen.Network.Quantized;

namespace AccelGen.Onnx.Qdq;

/// <summary>What an operator is written with.</summary>
/// <param name="Graph">Graph.</param>
/// <param name="Layer">Layer.</param>
/// <param name="X">Tensor of the input.</param>
/// <param name="Y">Scale and zero point of what the layer computes.</param>
/// <param name="Computed">Shape of that.</param>
internal sealed record QdqCall(QdqGraph Graph, QuantizedLayer Layer, QuantizedTensor X, QuantizedTensor Y, TensorShape Computed)
{
    /// <summary>Scale of the input, as the file has it.</summary>
    public double From => QdqGraph.Scale(X);

    /// <summary>Scale of what the layer computes, as the file has it.</summary>
    public double To => QdqGraph.Scale(Y);

    /// <summary>Scale of a tensor, as the file has it.</summary>
    /// <param name="tensor">Tensor.</param>
    public double Scale(int tensor) => QdqGraph.Scale(Graph.Network.Tensors[tensor]);
}

/// <summary>One kind of layer as ONNX nodes.</summary>
internal abstract class OperatorExporter
{
    /// <summary>Kind of layer.</summary>
    public abstract Type Kind { get; }

    /// <summary>What the layer computes before the residual operand, in real units of the output.</summary>
    public abstract Held Sum(QdqCall call);

    /// <summary>Scale of the counts of a table that leaves the factor of the operand at 1.</summary>
    /// <param name="layer">Layer.</param>
    /// <param name="from">Scale of the input.</param>
    public abstract double TableScale(QuantizedLayer layer, double from);
}

/// <summary>One kind of layer as ONNX nodes.</summary>
/// <typeparam name="T">Kind of layer.</typeparam>
internal abstract class OperatorExporter<T> : OperatorExporter
    where T : QuantizedLayer
{
    /// <inheritdoc/>
    public override Type Kind => typeof(T);

    /// <inheritdoc/>
    public override Held Sum(QdqCall call) => Sum((T)call.Layer, call);

    /// <inheritdoc/>
    public override double TableScale(QuantizedLayer layer, double from) => TableScale((T)layer, from);

    /// <summary>What the layer computes before the residual operand, in real units of the output.</summary>
    protected abstract Held Sum(T layer, QdqCall call);

    /// <summary>Scale of the counts of a table that leaves the factor of the operand at 1.</summary>
    protected virtual double TableScale(T layer, double from) => from;

    /// <summary>The scale of an operand over its factor, or the scale where that is 0.</summary>
    protected static double Over(double from, FixedPointScale factor) => factor.Multiplier > 0 ? from / factor.ToReal() : from;
}
