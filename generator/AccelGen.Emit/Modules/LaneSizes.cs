using System.Numerics;
using AccelGen.Config;
using AccelGen.Isa;

namespace AccelGen.Emit.Modules;

/// <summary>What a lane has of the vectors of all lanes.</summary>
/// <param name="Index">Number of the lane.</param>
/// <param name="SumBits">Bits of a partial sum.</param>
internal sealed record Lane(int Index, int SumBits)
{
    /// <summary>Its value, of eight bits.</summary>
    public BitRange Byte => BitRange.Element(Index, 8);

    /// <summary>Bias, or beta, in the parameters.</summary>
    public BitRange Bias => Parameter(ParameterEntry.Bias);

    /// <summary>Multiplier, or gamma, in the parameters.</summary>
    public BitRange ParameterMultiplier => Parameter(ParameterEntry.Multiplier);

    /// <summary>Shift in the parameters.</summary>
    public BitRange ParameterShift => Parameter(ParameterEntry.Shift);

    /// <summary>Its multiplier among the multipliers.</summary>
    public BitRange Multiplier => BitRange.Element(Index, ParameterEntry.Multiplier.Width);

    /// <summary>Its shift among the shifts.</summary>
    public BitRange Shift => BitRange.Element(Index, ParameterEntry.Shift.Width);

    /// <summary>Its partial sum among the sums.</summary>
    public BitRange Sum => BitRange.Element(Index, SumBits);

    private BitRange Parameter(Field field) => new((Index * ParameterEntry.Bits) + field.Lsb, field.Width);
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

    /// <summary>Lane 0.</summary>
    public Lane First => All[0];

    /// <summary>Last element of an array padded to a power of two: a write by loop index then needs no bounds check.</summary>
    public int LastPadded => (int)BitOperations.RoundUpToPowerOf2((uint)Count) - 1;

    /// <summary>Elements of such an array that belong to no lane.</summary>
    public IReadOnlyList<int> Padding => [.. Enumerable.Range(Count, LastPadded + 1 - Count)];

    /// <summary>A bit for every lane.</summary>
    public BitRange Flags => BitRange.Of(Count);

    /// <summary>Values of eight bits.</summary>
    public BitRange Bytes => BitRange.Of(8 * Count);

    /// <summary>Entries of the parameter buffer.</summary>
    public BitRange Parameters => BitRange.Of(ParameterEntry.Bits * Count);

    /// <summary>Multipliers.</summary>
    public BitRange Multipliers => BitRange.Of(ParameterEntry.Multiplier.Width * Count);

    /// <summary>Shifts.</summary>
    public BitRange Shifts => BitRange.Of(ParameterEntry.Shift.Width * Count);

    /// <summary>Partial sums.</summary>
    public BitRange Sums => BitRange.Of(config.Array.AccumulatorBits * Count);
}
