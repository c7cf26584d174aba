using System.Numerics.Tensors;

namespace AccelGen.Network.Float.Operators;

/// <summary>Average over windows.</summary>
internal sealed class AveragePool : FloatOperator<FloatAveragePool>
{
    /// <inheritdoc/>
    protected override float[] Execute(FloatAveragePool layer, FloatCall call)
    {
        float[] y = Windows.Each(call, layer.Window, 0, (sum, tap) => TensorPrimitives.Add(sum, tap, sum));
        TensorPrimitives.Divide(y, (float)(layer.Kernel.Rows * layer.Kernel.Columns), y);
        return y;
    }
}
