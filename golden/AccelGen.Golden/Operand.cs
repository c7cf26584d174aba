using AccelGen.Network.Quantized;

namespace AccelGen.Golden;

/// <summary>A tensor that an operator reads.</summary>
/// <param name="Shape">NHWC shape.</param>
/// <param name="ZeroPoint">Count of real zero.</param>
/// <param name="Values">Elements.</param>
public readonly record struct Operand(TensorShape Shape, int ZeroPoint, sbyte[] Values);
