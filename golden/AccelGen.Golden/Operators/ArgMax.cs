using AccelGen.Network.Quantized;

namespace AccelGen.Golden.Operators;

/// <summary>Index of the largest channel.</summary>
internal sealed class ArgMax : GoldenOperator<ArgMaxLayer>
{
    /// <inheritdoc/>
    protected override sbyte[] Execute(ArgMaxLayer layer, OperatorCall call) => RowOperators.ArgMax(call.X);
}
