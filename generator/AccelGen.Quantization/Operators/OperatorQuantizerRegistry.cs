using AccelGen.Files;
using AccelGen.Network.Float;

namespace AccelGen.Quantization.Operators;

/// <summary>The quantiser of each kind of layer.</summary>
internal static class OperatorQuantizerRegistry
{
    private static readonly Dictionary<Type, OperatorQuantizer> ByKind = new OperatorQuantizer[]
    {
        new ConvQuantizer(),
        new MatMulQuantizer(),
        new NormalizedMatMulQuantizer(),
        new AveragePoolQuantizer(),
        new MaxPoolQuantizer(),
        new ResizeQuantizer(),
        new AddQuantizer(),
        new CopyQuantizer(),
        new MultiplyQuantizer(),
        new ConcatQuantizer(),
        new SoftmaxQuantizer(),
        new LayerNormQuantizer(),
        new ArgMaxQuantizer(),
    }.ToDictionary(o => o.Kind);

    /// <summary>Kinds of layers that have a quantiser.</summary>
    public static IReadOnlyCollection<Type> Kinds => ByKind.Keys;

    /// <summary>The quantiser of a layer.</summary>
    /// <exception cref="InputException">There is none.</exception>
    public static OperatorQuantizer Of(FloatLayer layer) =>
        ByKind.GetValueOrDefault(layer.GetType())
        ?? throw new InputException(FaultCodes.NotQuantisable, $"layer {layer.Name}", $"{layer.GetType().Name} cannot be quantised");
}
