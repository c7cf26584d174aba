using System.Globalization;
using AccelGen.Isa;

namespace AccelGen.Emit.Modules;

/// <summary>Where a field lies in its command, as the templates write it.</summary>
/// <param name="Field">Field of the ISA table.</param>
internal sealed record FieldBits(Field Field)
{
    /// <summary>Least significant bit.</summary>
    public int Lsb => Field.Lsb;

    /// <summary>Width in bits.</summary>
    public int Width => Field.Width;

    /// <summary>As a constant select: "19:12", of a field of one bit "12".</summary>
    public string Range => Width == 1 ? Lsb.ToString(CultureInfo.InvariantCulture) : new BitRange(Lsb, Width).Range;

    /// <summary>As an indexed part select: "12 +: 8".</summary>
    public string Part => new BitRange(Lsb, Width).Part;
}
