using AccelGen.Config;

namespace AccelGen.Emit.Modules;

/// <summary>Model of acc_row: the arithmetic of row operators.</summary>
/// <param name="config">Configuration.</param>
internal sealed class RowModel(AcceleratorConfig config)
{
    // Fractional bits of an entry of the table.
    private const int PowerFraction = 23;

    // Of maxima: while one is tracked, the other one is used.
    private const int Sets = 2;

    /// <summary>Vectors of lanes.</summary>
    public LaneSizes Lanes { get; } = new(config);

    /// <summary>Number of a pixel in the tile.</summary>
    public BitRange Entry => BitRange.Index(config.Buffers.AccumulatorEntries);

    /// <summary>Last entry of the maxima of all pixels.</summary>
    public int LastMaximum => (Sets << Entry.Width) - 1;

    /// <summary>2^-x from 0 to 1.</summary>
    public IReadOnlyList<long> Power { get; } = FunctionSteps.Of(64, x => Math.ScaleB(Math.Pow(2, -x), PowerFraction));
}
