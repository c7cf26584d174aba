using System.Numerics;
using AccelGen.Config;

namespace AccelGen.Emit.Modules;

/// <summary>A byte of a vector of bytes.</summary>
/// <param name="Index">Its number.</param>
internal sealed record ByteSlice(int Index)
{
    /// <summary>Its bits.</summary>
    public BitRange Byte => BitRange.Element(Index, 8);

    /// <summary>The first bytes of a vector.</summary>
    /// <param name="count">How many.</param>
    public static IReadOnlyList<ByteSlice> First(int count) => [.. Enumerable.Range(0, count).Select(i => new ByteSlice(i))];
}

/// <summary>A vector of channels among several.</summary>
/// <param name="Index">Its number.</param>
/// <param name="Bits">Bits of a vector.</param>
/// <param name="Pitch">Bits from one vector to the next in memory.</param>
internal sealed record VectorSlice(int Index, int Bits, int Pitch)
{
    /// <summary>Where it lies at the pitch of memory.</summary>
    public BitRange Spread => new(Index * Pitch, Bits);

    /// <summary>Where it lies without gaps.</summary>
    public BitRange Packed => BitRange.Element(Index, Bits);

    /// <summary>The first vectors of a word or of a tile.</summary>
    /// <param name="config">Configuration.</param>
    /// <param name="count">How many.</param>
    public static IReadOnlyList<VectorSlice> First(AcceleratorConfig config, int count) =>
        [.. Enumerable.Range(0, count).Select(v => new VectorSlice(v, 8 * config.Array.VectorWidth, 8 * config.Derived.VectorPitchBytes))];
}

/// <summary>Words of the buffers and the vectors in them.</summary>
/// <param name="config">Configuration.</param>
internal sealed class WordSizes(AcceleratorConfig config)
{
    // Of the counters of bytes within a word, which count modulo its size.
    private const int ByteCounterBits = 8;

    /// <summary>Channels of a vector.</summary>
    public int VectorWidth => config.Array.VectorWidth;

    /// <summary>Last channel of a vector.</summary>
    public int LastChannel => VectorWidth - 1;

    /// <summary>The channels of a vector.</summary>
    public IReadOnlyList<ByteSlice> Channels => ByteSlice.First(VectorWidth);

    /// <summary>A vector.</summary>
    public BitRange Vector => BitRange.Of(8 * VectorWidth);

    /// <summary>A word, whose vectors lie at the pitch of memory.</summary>
    public BitRange Word => BitRange.Of(8 * config.Derived.WordBytes);

    /// <summary>Two neighbouring words.</summary>
    public BitRange TwoWords => BitRange.Of(2 * Word.Width);

    /// <summary>The vectors of a word without gaps between them, as the output buffers keep it.</summary>
    public BitRange Packed => BitRange.Of(8 * VectorWidth * VectorsPerWord);

    /// <summary>Bits from one vector to the next.</summary>
    public int PitchBits => 8 * config.Derived.VectorPitchBytes;

    /// <summary>Bytes from one vector to the next, as an operand of eight bits.</summary>
    public int PitchBytesModulo => config.Derived.VectorPitchBytes % (1 << ByteCounterBits);

    /// <summary>Vectors of a word, a power of two.</summary>
    public int VectorsPerWord => config.Derived.VectorsPerWord;

    /// <summary>Last vector of a word: the mask of a vector's place in its word.</summary>
    public int LastVector => VectorsPerWord - 1;

    /// <summary>Binary logarithm of the vectors of a word.</summary>
    public int VectorShift => BitOperations.Log2((uint)VectorsPerWord);

    /// <summary>The vectors of a word.</summary>
    public IReadOnlyList<VectorSlice> Vectors => VectorSlice.First(config, VectorsPerWord);

    /// <summary>The vectors of a word but the first.</summary>
    public IReadOnlyList<VectorSlice> OtherVectors => [.. Vectors.Skip(1)];

    /// <summary>Words that the transposition of a square of channels and pixels takes, but one.</summary>
    public int LastWordOfSquare => (VectorWidth / VectorsPerWord) - 1;

    /// <summary>Beats of a word.</summary>
    public int BeatsPerWord => config.Derived.BeatsPerWord;

    /// <summary>Last beat of a word.</summary>
    public int LastBeat => BeatsPerWord - 1;

    /// <summary>Lane tiles of a vector.</summary>
    public int Segments => config.Derived.LaneSegments;

    /// <summary>Last lane tile of a vector.</summary>
    public int LastSegment => Segments - 1;
}
