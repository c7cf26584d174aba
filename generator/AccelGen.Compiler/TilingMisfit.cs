using AccelGen.Config;
using AccelGen.Isa;

namespace AccelGen.Compiler;

/// <summary>Why a tile of a layer does not fit: what it needs and what there is.</summary>
/// <param name="What">What is counted.</param>
/// <param name="Needed">How much of it the tile needs.</param>
/// <param name="Available">How much there is.</param>
/// <param name="Setting">Field of the configuration that gives more of it; null where the instruction set is the limit.</param>
internal readonly record struct TilingMisfit(string What, long Needed, long Available, string? Setting)
{
    private static readonly Dictionary<(string Command, string Field), long> Most = IsaDefinition
        .Commands.SelectMany(c => c.Fields.Select(f => (Key: (c.Name, f.Name), f.Max)))
        .ToDictionary(f => f.Key, f => f.Max);

    // Those that limit the size of a tile; every other one is checked when the tile's commands are written.
    private static readonly long WindowRows = Most[("LOAD", "WindowRows")],
        WindowWords = Most[("LOAD", "WindowWords")],
        PeRowStep = Most[("LOAD", "PeRowStep")],
        PeColumnStep = Most[("COMPUTE", "PeColumnStep")],
        Columns = Most[("COMPUTE", "Columns")],
        BlockWords = Most[("COMPUTE", "BlockWords")];

    /// <summary>The first command field that is too small for a tile's geometry, or null.</summary>
    /// <param name="job">Layer.</param>
    /// <param name="g">Its geometry under the tiling.</param>
    /// <param name="rows">Output rows per processing element.</param>
    /// <param name="columns">Output columns per processing element.</param>
    public static TilingMisfit? OfFields(LayerJob job, Geometry g, int rows, int columns)
    {
        // Looked at in full only when something is wrong: this runs for each of thousands of tiles.
        if (
            g.WindowRows <= WindowRows
            && g.WindowWords <= WindowWords
            && (long)rows * job.Stride.Rows <= PeRowStep
            && (long)columns * job.Stride.Columns <= PeColumnStep
            && columns <= Columns
            && (long)g.WindowRows * g.WindowWords <= BlockWords
        )
            return null;
        return OfField("LOAD", "WindowRows", g.WindowRows)
            ?? OfField("LOAD", "WindowWords", g.WindowWords)
            ?? OfField("LOAD", "PeRowStep", (long)rows * job.Stride.Rows)
            ?? OfField("COMPUTE", "PeColumnStep", (long)columns * job.Stride.Columns)
            ?? OfField("COMPUTE", "Columns", columns)
            ?? OfField("COMPUTE", "BlockWords", (long)g.WindowRows * g.WindowWords);
    }

    /// <summary>A command field that is too small for a value, or null.</summary>
    /// <param name="command">Name of the command.</param>
    /// <param name="field">Name of the field.</param>
    /// <param name="value">What it should hold.</param>
    public static TilingMisfit? OfField(string command, string field, long value) =>
        value <= Most[(command, field)]
            ? null
            : new TilingMisfit($"for the command field {command}.{field}", value, Most[(command, field)], null);

    /// <summary>A window that half of an input buffer does not hold, or null.</summary>
    /// <param name="config">Configuration.</param>
    /// <param name="slots">Sizes of the slots.</param>
    /// <param name="g">Geometry of the tile.</param>
    public static TilingMisfit? OfInput(AcceleratorConfig config, Slots slots, Geometry g)
    {
        long needed = (long)g.WindowRows * g.WindowWords * g.Vectors;
        return needed <= slots.InputWords
            ? null
            : new TilingMisfit(
                $"words of {config.Derived.WordBytes} bytes in half of an input buffer, for the window of the "
                    + $"smallest tile ({g.WindowRows} rows x {g.WindowWords} words x {g.Vectors} vectors of channels)",
                needed,
                slots.InputWords,
                "buffers.inputKibibytes"
            );
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Needed:N0} {What} where {Available:N0} are the most; "
        + (Setting is null ? "make the layer smaller (another window, stride or image)" : $"raise {Setting}");
}
