namespace AccelGen.Isa;

/// <summary>
/// An entry of parameters, one per output channel: what a LOAD with destination Parameter brings for post-processing or for the
/// row operator. In memory the entries of a lane tile follow each other, little-endian, padded to whole beats.
/// </summary>
/// <param name="Name">UpperCamelCase name.</param>
/// <param name="Doc">What is computed with it.</param>
/// <param name="Fields">Fields from bit 0 to <see cref="Bits"/> - 1.</param>
public sealed record ParameterEntry(string Name, string Doc, IReadOnlyList<Field> Fields)
{
    /// <summary>Bits of an entry.</summary>
    public const int Bits = 64;

    /// <summary>Bytes of an entry.</summary>
    public const int Bytes = Bits / 8;

    /// <summary>Addend of a channel's sum.</summary>
    public static Field Bias { get; } = new("Bias", 0, 32, "Added to the sum before it is scaled.", Signed: true);

    /// <summary>Mantissa of a channel's factor.</summary>
    public static Field Multiplier { get; } = new("Multiplier", 32, 24, "Mantissa of the factor from sums to output counts.");

    /// <summary>Addend of a normalised channel.</summary>
    public static Field Beta { get; } = new("Beta", 0, 32, "Added to the product with gamma, before the shift.", Signed: true);

    /// <summary>Factor of a normalised channel.</summary>
    public static Field Gamma { get; } = new("Gamma", 32, 24, "Factor of the normalised value.", Signed: true);

    /// <summary>Shift of either.</summary>
    public static Field Shift { get; } = new("Shift", 56, 6, "Places that the product is shifted right, rounding to nearest.");

    private static Field Reserved { get; } = new("ReservedEntry", 62, 2, "Zero.");

    /// <summary>Bias, multiplier and shift of post-processing.</summary>
    public static ParameterEntry Requantisation { get; } =
        new("Requantisation", "Post-processing: the sum plus Bias, times Multiplier, shifted.", [Bias, Multiplier, Shift, Reserved]);

    /// <summary>Beta, gamma and shift of a layer normalisation.</summary>
    public static ParameterEntry Affine { get; } =
        new("Affine", "Layer normalisation: the normalised value times Gamma, plus Beta, shifted.", [Beta, Gamma, Shift, Reserved]);

    /// <summary>Both forms.</summary>
    public static IReadOnlyList<ParameterEntry> All { get; } = [Requantisation, Affine];

    /// <summary>An entry of post-processing.</summary>
    /// <param name="bias">Bias in accumulator counts.</param>
    /// <param name="multiplier">Mantissa of the factor.</param>
    /// <param name="shift">Its shift.</param>
    /// <exception cref="FieldRangeException">A value does not fit.</exception>
    public static ulong Encode(long bias, long multiplier, int shift) =>
        Requantisation.Place(Bias, bias) | Requantisation.Place(Multiplier, multiplier) | Requantisation.Place(Shift, shift);

    /// <summary>An entry of a layer normalisation.</summary>
    /// <param name="beta">Addend, in counts shifted left by <paramref name="shift"/>.</param>
    /// <param name="gamma">Factor.</param>
    /// <param name="shift">Shift of their sum.</param>
    /// <exception cref="FieldRangeException">A value does not fit.</exception>
    public static ulong EncodeAffine(long beta, long gamma, int shift) =>
        Affine.Place(Beta, beta) | Affine.Place(Gamma, gamma) | Affine.Place(Shift, shift);

    private ulong Place(Field field, long value) => field.Encode(Name, value) << field.Lsb;
}
