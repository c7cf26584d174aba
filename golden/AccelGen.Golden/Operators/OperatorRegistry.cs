using AccelGen.Network.Quantized;

namespace AccelGen.Golden.Operators;

/// <summary>The golden operator of each kind of layer.</summary>
internal static class OperatorRegistry
{
    private static readonly Dictionary<Type, GoldenOperator> ByKind = new GoldenOperator[]
    {
        new Convolution(),
        new MatMul(),
        new NormalizedMatMul(),
        new AveragePool(),
        new MaxPool(),
        new Resize(),
        new Add(),
        new Multiply(),
        new Concat(),
        new Softmax(),
        new LayerNorm(),
        new ArgMax(),
    }.ToDictionary(o => o.Kind);

    /// <summary>Kinds of layers that have an operator.</summary>
    public static IReadOnlyCollection<Type> Kinds => ByKind.Keys;

    /// <summary>The operator of a layer, or null.</summary>
    public static GoldenOperator? Of(QuantizedLayer layer) => ByKind.GetValueOrDefault(layer.GetType());
}
