using System.Numerics;
using AccelGen.Config;

namespace AccelGen.Emit.Modules;

/// <summary>What a lane has of the vectors of all lanes.</summary>
/// <param name="Index">Number of the lane.</param>
/// <param name="SumBits">Bits of a partial sum.</param>
internal sealed record Lane(int Index, int SumBits)
{
    /// <summary>Bits of a lane's entry in the parameter buffer: bias or beta, multiplier or gamma, shift.</summary>
    public const int ParameterBits = 64;

    /// <summary>Bits of a multiplier.</summary>
    public const int MultiplierBits = 24;

    /// <summary>Bits of a shift.</summary>
    public const int ShiftBits = 6;

    private const int BiasBits = 32;

    /// <summary>Its value, of eight bits.</summary>
    public BitRange Byte => BitRange.Element(Index, 8);

    /// <summary>Bias, or beta, in the parameters.</summary>
    public BitRange Bias => new(Index * ParameterBits, BiasBits);

    /// <summary>Multiplier, or gamma, in the parameters.</summary>
    public BitRange ParameterMultiplier => new(Bias.Msb + 1, MultiplierBits);

    /// <summary>Shift in the parameters.</summary>
    public BitRange ParameterShift => new(ParameterMultiplier.Msb + 1, ShiftBits);

    /// <summary>Its multiplier among the multipliers.</summary>
    public BitRange Multiplier => BitRange.Element(Index, MultiplierBits);

    /// <summary>Its shift among the shifts.</summary>
    public BitRange Shift => BitRange.Element(Index, ShiftBits);

    /// <summary>Its partial sum among the sums.</summary>
    public BitRange Sum => BitRange.Element(Index, SumBits);
}

/// <summary>Vectors with something for every lane.</summary>
/// <param name="config">Configuration.</param>
internal sealed class LaneSizes(AcceleratorConfig config)
{
    /// <summary>Lanes of a processing element.</summary>
    public int Count => config.Array.Lanes;

    /// <summary>The lanes.</summary>
    public IReadOnlyList<Lane> All { get; } =
    [.. Enumerable.Range(0, config.Array.Lanes).Select(k => new Lane(k, config.Array.AccumulatorBits))];

    /// <summary>Last element of an array padded to a power of two: a write by loop index then needs no bounds check.</summary>
    public int LastPadded => (int)BitOperations.RoundUpToPowerOf2((uint)Count) - 1;

    /// <summary>Elements of such an array that belong to no lane.</summary>
    public IReadOnlyList<int> Padding => [.. Enumerable.Range(Count, LastPadded + 1 - Count)];

    /// <summary>A bit for every lane.</summary>
    public BitRange Flags => BitRange.Of(Count);

    /// <summary>Values of eight bits.</summary>
    public BitRange Bytes => BitRange.Of(8 * Count);

    /// <summary>Entries of the parameter buffer.</summary>
    public BitRange Parameters => BitRange.Of(Lane.ParameterBits * Count);

    /// <summary>Multipliers.</summary>
    public BitRange Multipliers => BitRange.Of(Lane.MultiplierBits * Count);

    /// <summary>Shifts.</summary>
    public BitRange Shifts => BitRange.Of(Lane.ShiftBits * Count);

    /// <summary>Partial sums.</summary>
    public BitRange Sums => BitRange.Of(config.Array.AccumulatorBits * Count);
}
