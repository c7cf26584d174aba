namespace AccelGen.Network.Float.Operators;

/// <summary>The input as it is.</summary>
internal sealed class Copy : FloatOperator<FloatCopy>
{
    /// <inheritdoc/>
    protected override float[] Execute(FloatCopy layer, FloatCall call) => (float[])call.X.Clone();
}
