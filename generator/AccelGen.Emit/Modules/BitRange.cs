using System.Globalization;
using System.Numerics;

namespace AccelGen.Emit.Modules;

/// <summary>Neighbouring bits of a vector.</summary>
/// <param name="Lsb">Least significant of them.</param>
/// <param name="Width">How many there are.</param>
internal readonly record struct BitRange(int Lsb, int Width)
{
    /// <summary>Most significant of them.</summary>
    public int Msb => Lsb + Width - 1;

    /// <summary>As a constant part select, and as the bounds of a packed dimension: "7:0".</summary>
    public string Range => string.Create(CultureInfo.InvariantCulture, $"{Msb}:{Lsb}");

    /// <summary>As an indexed part select: "0 +: 8".</summary>
    public string Part => string.Create(CultureInfo.InvariantCulture, $"{Lsb} +: {Width}");

    /// <summary>The bits of a whole vector.</summary>
    /// <param name="width">Its width.</param>
    public static BitRange Of(int width) => new(0, width);

    /// <summary>Element of a vector of elements without gaps.</summary>
    /// <param name="index">Place of the element.</param>
    /// <param name="width">Bits of an element.</param>
    public static BitRange Element(int index, int width) => new(index * width, width);

    /// <summary>Bits that count so many things, one at least.</summary>
    /// <param name="count">How many there are.</param>
    public static BitRange Index(int count) => Of(Math.Max(1, BitOperations.Log2((uint)Math.Max(1, count - 1)) + (count > 1 ? 1 : 0)));
}
