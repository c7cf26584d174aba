using System.Numerics;
using AccelGen.Config;
using AccelGen.Isa;

namespace AccelGen.Emit.Modules;

/// <summary>Model of acc_pe: a processing element.</summary>
/// <param name="config">Configuration.</param>
internal sealed class PeModel(AcceleratorConfig config)
{
    /// <summary>Functional units.</summary>
    public UnitsConfig Units => config.Units;

    /// <summary>There are factors of pixels: a row operator or a quotient keeps them.</summary>
    public bool Factors => Units.RowOperators || Units.Quotient;

    /// <summary>Row operators and quotients share the unit of reciprocals.</summary>
    public bool SharedInverse => Units.RowOperators && Units.Quotient;

    /// <summary>The memory port.</summary>
    public BusSizes Bus { get; } = new(config);

    /// <summary>Vectors of lanes.</summary>
    public LaneSizes Lanes { get; } = new(config);

    /// <summary>Words of the buffers.</summary>
    public WordSizes Words { get; } = new(config);

    /// <summary>A beat is smaller than a word.</summary>
    public bool WordInBeats => Words.BeatsPerWord > 1;

    /// <summary>A word has several vectors, of which one is selected.</summary>
    public bool SelectsVector => Words.VectorsPerWord > 1;

    /// <summary>Words of a half of the input buffer.</summary>
    public int InputHalfWords => config.Derived.InputWords / 2;

    /// <summary>Words of a half's bank of even, and of odd, words.</summary>
    public int InputBankWords => (InputHalfWords + 1) / 2;

    /// <summary>Words of the residual buffer.</summary>
    public int ResidualWords => config.Derived.ResidualWords;

    /// <summary>Words of a half of the output buffer.</summary>
    public int OutputHalfWords => config.Derived.OutputWords / 2;

    /// <summary>Neighbouring taps of a kernel row that are taken at once.</summary>
    public int RowTaps => config.Derived.RowTaps;

    /// <summary>Last element of the array of their operands, padded to a power of two like the sums.</summary>
    public int LastRowTapPadded => (int)BitOperations.RoundUpToPowerOf2((uint)(RowTaps * Lanes.Count)) - 1;

    /// <summary>Elements of that array that belong to no tap.</summary>
    public IReadOnlyList<int> RowTapPadding => [.. Enumerable.Range(RowTaps * Lanes.Count, LastRowTapPadded + 1 - (RowTaps * Lanes.Count))];

    /// <summary>A partial sum.</summary>
    public BitRange Sum => BitRange.Of(config.Array.AccumulatorBits);

    /// <summary>Last entry of the memory of sums: output pixels, but one.</summary>
    public int LastEntry => config.Buffers.AccumulatorEntries - 1;

    /// <summary>Number of an entry of the memory of sums.</summary>
    public BitRange Entry => BitRange.Index(config.Buffers.AccumulatorEntries);

    /// <summary>Bits of a local address above that number.</summary>
    public BitRange EntryBeyond => new(Entry.Width, IsaDefinition.LocalAddressBits - Entry.Width);

    /// <summary>The bytes of a beat.</summary>
    public IReadOnlyList<ByteSlice> BeatBytes => ByteSlice.First(Bus.BeatBytes);
}
