namespace AccelGen.Network.Float.Operators;

/// <summary>The first summand: the other is the residual.</summary>
internal sealed class Add : FloatOperator<FloatAdd>
{
    /// <inheritdoc/>
    protected override float[] Execute(FloatAdd layer, FloatCall call) => (float[])call.X.Clone();
}
