using AccelGen.Files;
using AccelGen.Network.Quantized;

namespace AccelGen.Onnx.Qdq;

/// <summary>The ONNX form of each kind of layer.</summary>
internal static class OperatorExporterRegistry
{
    private static readonly Dictionary<Type, OperatorExporter> ByKind = new OperatorExporter[]
    {
        new ConvExporter(),
        new MatMulExporter(),
        new NormalizedMatMulExporter(),
        new AveragePoolExporter(),
        new MaxPoolExporter(),
        new ResizeExporter(),
        new AddExporter(),
        new MultiplyExporter(),
        new ConcatExporter(),
        new SoftmaxExporter(),
        new LayerNormExporter(),
        new ArgMaxExporter(),
    }.ToDictionary(o => o.Kind);

    /// <summary>Kinds of layers that have an ONNX form.</summary>
    public static IReadOnlyCollection<Type> Kinds => ByKind.Keys;

    /// <summary>The ONNX form of a layer.</summary>
    /// <exception cref="InputException">There is none.</exception>
    public static OperatorExporter Of(QuantizedLayer layer) =>
        ByKind.GetValueOrDefault(layer.GetType())
        ?? throw new InputException(FaultCodes.NotExportable, $"layer {layer.Name}", $"{layer.GetType().Name} has no ONNX form");
}
