using System.Numerics.Tensors;

namespace AccelGen.Network.Float.Operators;

/// <summary>Index of the largest channel.</summary>
internal sealed class ArgMax : FloatOperator<FloatArgMax>
{
    /// <inheritdoc/>
    protected override float[] Execute(FloatArgMax layer, FloatCall call) =>
        [
            .. Enumerable
                .Range(0, (int)call.To.Elements)
                .Select(p => (float)TensorPrimitives.IndexOfMax<float>(call.X.AsSpan(p * call.From.Channels, call.From.Channels))),
        ];
}
