using AccelGen.Network.Quantized;

namespace AccelGen.Network.Float.Operators;

/// <summary>What an operator is run on.</summary>
/// <param name="Layer">Layer.</param>
/// <param name="Operands">NHWC values of the tensors that it reads, in the order of <see cref="FloatLayer.Reads"/>.</param>
/// <param name="Shapes">Shapes of these tensors.</param>
/// <param name="To">Shape of what it computes.</param>
internal sealed record FloatCall(FloatLayer Layer, IReadOnlyList<float[]> Operands, IReadOnlyList<TensorShape> Shapes, TensorShape To)
{
    /// <summary>Values of the first operand.</summary>
    public float[] X => Operands[0];

    /// <summary>Shape of the first operand.</summary>
    public TensorShape From => Shapes[0];
}

/// <summary>One kind of float layer: what it computes before transposition, factor, residual, clamp and activation.</summary>
internal abstract class FloatOperator
{
    /// <summary>Kind of layer.</summary>
    public abstract Type Kind { get; }

    /// <summary>Runs it; the values are new ones.</summary>
    public abstract float[] Execute(FloatCall call);
}

/// <summary>One kind of float layer.</summary>
/// <typeparam name="T">Kind of layer.</typeparam>
internal abstract class FloatOperator<T> : FloatOperator
    where T : FloatLayer
{
    /// <inheritdoc/>
    public override Type Kind => typeof(T);

    /// <inheritdoc/>
    public override float[] Execute(FloatCall call) => Execute((T)call.Layer, call);

    /// <summary>Runs it.</summary>
    protected abstract float[] Execute(T layer, FloatCall call);
}
