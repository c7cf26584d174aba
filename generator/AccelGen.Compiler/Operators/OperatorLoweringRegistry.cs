using AccelGen.Network.Quantized;

namespace AccelGen.Compiler.Operators;

/// <summary>The lowering of each kind of layer.</summary>
internal static class OperatorLoweringRegistry
{
    private static readonly Dictionary<Type, OperatorLowering> ByKind = new OperatorLowering[]
    {
        new ConvLowering(),
        new MatMulLowering(),
        new NormalizedMatMulLowering(),
        new AveragePoolLowering(),
        new MaxPoolLowering(),
        new ResizeLowering(),
        new AddLowering(),
        new MultiplyLowering(),
        new ConcatLowering(),
        new SoftmaxLowering(),
        new LayerNormLowering(),
        new ArgMaxLowering(),
    }.ToDictionary(o => o.Kind);

    /// <summary>Kinds of layers that have a lowering.</summary>
    public static IReadOnlyCollection<Type> Kinds => ByKind.Keys;

    /// <summary>The lowering of a layer, or null.</summary>
    public static OperatorLowering? Of(QuantizedLayer layer) => ByKind.GetValueOrDefault(layer.GetType());
}
