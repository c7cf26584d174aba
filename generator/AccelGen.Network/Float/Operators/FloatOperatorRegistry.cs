namespace AccelGen.Network.Float.Operators;

/// <summary>The float operator of each kind of layer.</summary>
internal static class FloatOperatorRegistry
{
    private static readonly Dictionary<Type, FloatOperator> ByKind = new FloatOperator[]
    {
        new Convolution(),
        new MatMul(),
        new NormalizedMatMul(),
        new AveragePool(),
        new MaxPool(),
        new Resize(),
        new Add(),
        new Copy(),
        new Multiply(),
        new Concat(),
        new Softmax(),
        new LayerNorm(),
        new ArgMax(),
    }.ToDictionary(o => o.Kind);

    /// <summary>Kinds of layers that have an operator.</summary>
    public static IReadOnlyCollection<Type> Kinds => ByKind.Keys;

    /// <summary>The operator of a layer, or null.</summary>
    public static FloatOperator? Of(FloatLayer layer) => ByKind.GetValueOrDefault(layer.GetType());
}
