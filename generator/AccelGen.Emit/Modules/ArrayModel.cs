using AccelGen.Config;

namespace AccelGen.Emit.Modules;

/// <summary>Model of acc_array: the processing elements, and the word of one of them that a store reads.</summary>
/// <param name="config">Configuration.</param>
internal sealed class ArrayModel(AcceleratorConfig config)
{
    // Of the number of a processing element in commands.
    private const int PeNumberBits = 7;

    /// <summary>Functional units.</summary>
    public UnitsConfig Units => config.Units;

    /// <summary>There are factors of pixels: a row operator or a quotient keeps them.</summary>
    public bool Factors => Units.RowOperators || Units.Quotient;

    /// <summary>The memory port.</summary>
    public BusSizes Bus { get; } = new(config);

    /// <summary>Vectors of lanes.</summary>
    public LaneSizes Lanes { get; } = new(config);

    /// <summary>Words of the buffers.</summary>
    public WordSizes Words { get; } = new(config);

    /// <summary>A weight tile.</summary>
    public BitRange Tile => BitRange.Of(8 * Lanes.Count * Words.VectorWidth);

    /// <summary>The weights of a tile.</summary>
    public IReadOnlyList<ByteSlice> Weights => ByteSlice.First(Lanes.Count * Words.VectorWidth);

    /// <summary>Numbers of the processing elements.</summary>
    public IReadOnlyList<int> Pes => [.. Enumerable.Range(0, config.Array.Pes)];

    /// <summary>Number of the last processing element.</summary>
    public int LastPe => config.Array.Pes - 1;

    /// <summary>Bits of a processing element's number that are used.</summary>
    public BitRange PeIndex => BitRange.Index(config.Array.Pes);

    /// <summary>The number in a command has bits that are not used.</summary>
    public bool PeIndexPartial => PeIndexBeyond.Width > 0;

    /// <summary>Those bits.</summary>
    public BitRange PeIndexBeyond => new(PeIndex.Width, PeNumberBits - PeIndex.Width);
}
