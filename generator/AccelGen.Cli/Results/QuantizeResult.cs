namespace AccelGen.Cli.Results;

/// <summary>Result of <c>quantize</c>.</summary>
/// <param name="Network">File that was written, as it was named.</param>
/// <param name="Quantization">How it was quantised.</param>
/// <param name="Tensors">Its tensors.</param>
/// <param name="Layers">Noise of the layers, the worst first, or null: not asked for.</param>
internal sealed record QuantizeResult(
    string Network,
    Quantization? Quantization,
    IReadOnlyList<TensorRange> Tensors,
    IReadOnlyList<LayerNoise>? Layers
) : IResult;

/// <summary>A tensor of a quantised network.</summary>
/// <param name="Name">Name.</param>
/// <param name="Shape">Shape, NxHxWxC.</param>
/// <param name="Low">Smallest value that calibration takes it to have.</param>
/// <param name="High">Largest value.</param>
/// <param name="Scale">Value of a count.</param>
/// <param name="ZeroPoint">Count of the value 0.</param>
internal sealed record TensorRange(string Name, string Shape, float Low, float High, double Scale, int ZeroPoint);

/// <summary>Quantisation noise of a layer.</summary>
/// <param name="Layer">Name.</param>
/// <param name="OwnSignalToNoiseDb">Signal to noise in dB of what the layer loses alone; null: it is exact.</param>
/// <param name="SignalToNoiseDb">The same with all layers before it; null: it is exact.</param>
/// <param name="Saturated">Share of its values that saturate, 0 to 1.</param>
internal sealed record LayerNoise(string Layer, double OwnSignalToNoiseDb, double SignalToNoiseDb, double Saturated);
