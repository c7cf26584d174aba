using System.Numerics.Tensors;

namespace AccelGen.Network.Float.Operators;

/// <summary>Maximum over windows.</summary>
internal sealed class MaxPool : FloatOperator<FloatMaxPool>
{
    /// <inheritdoc/>
    protected override float[] Execute(FloatMaxPool layer, FloatCall call) =>
        Windows.Each(call, layer.Window, float.NegativeInfinity, (best, tap) => TensorPrimitives.Max(best, tap, best));
}
