namespace AccelGen.Network.Quantized.Rules;

/// <summary>The rules of each kind of layer.</summary>
internal static class LayerRulesRegistry
{
    private static readonly Dictionary<Type, LayerRules> ByKind = new LayerRules[]
    {
        new ConvRules(),
        new MatMulRules(),
        new NormalizedMatMulRules(),
        new AveragePoolRules(),
        new MaxPoolRules(),
        new ResizeRules(),
        new AddRules(),
        new MultiplyRules(),
        new ConcatRules(),
        new SoftmaxRules(),
        new LayerNormRules(),
        new ArgMaxRules(),
    }.ToDictionary(r => r.Kind);

    /// <summary>Kinds of layers that have rules.</summary>
    public static IReadOnlyCollection<Type> Kinds => ByKind.Keys;

    /// <summary>The rules of a layer, or null.</summary>
    public static LayerRules? Of(QuantizedLayer layer) => ByKind.GetValueOrDefault(layer.GetType());
}
