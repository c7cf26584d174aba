using AccelGen.Config;
using AccelGen.Network.Quantized;

namespace AccelGen.Compiler;

/// <summary>How a layer is cut up.</summary>
/// <param name="PeRows">Rows of the processing-element grid.</param>
/// <param name="PeColumns">Columns of the processing-element grid.</param>
/// <param name="Rows">Output rows per processing element.</param>
/// <param name="Columns">Output columns per processing element, a multiple of the vectors per word.</param>
/// <param name="GroupTiles">Lane tiles per VECTOR command.</param>
/// <param name="WeightTiles">Lane tiles per COMPUTE command when all input vectors fit a weight slot; else 1.</param>
/// <param name="ChunkVectors">Input vectors per COMPUTE command.</param>
public sealed record Tiling(int PeRows, int PeColumns, int Rows, int Columns, int GroupTiles, int WeightTiles, int ChunkVectors)
{
    /// <summary>Bias and scale entries of all channels are loaded once and stay, instead of those of an output group with each.</summary>
    public bool ParametersStay { get; init; }

    /// <summary>
    /// Eighths of a tile's rounds over which the input of the next one is spread. Where a run-time extent skips rounds, those
    /// kept are shorter of time at the end of a tile.
    /// </summary>
    public int InputEighths { get; init; } = MostInputEighths;

    /// <summary>The last eighth is left free: what is late must not hold up the next tile.</summary>
    public const int MostInputEighths = 7;

    /// <inheritdoc/>
    public override string ToString() =>
        $"grid {PeRows}x{PeColumns}, {Rows}x{Columns} pixels per PE, {GroupTiles} lane tiles per output group, "
        + $"{WeightTiles} per weight slot, {ChunkVectors} vectors per chunk"
        + (ParametersStay ? ", parameters stay" : string.Empty)
        + (InputEighths < MostInputEighths ? ", next input early" : string.Empty);
}

/// <summary>Sizes of the buffer slots, fixed by the configuration and the same for all layers but those that share the input
/// buffers.</summary>
internal sealed record Slots
{
    public Slots(AcceleratorConfig config)
    {
        InputWords = config.Derived.InputWords / 2;
        OutputWords = config.Derived.OutputWords / 2;
        ResidualWords = config.Derived.ResidualWords / 2;
        // Many small slots: a round that a run-time extent skips holds one for nothing until its turn comes.
        WeightSlots = Math.Clamp(config.Derived.WeightTiles / 32, 2, 8);
        WeightTiles = config.Derived.WeightTiles / WeightSlots;
        CommandTiles = Math.Max(WeightTiles * Math.Max(1, WeightSlots / 4), Math.Min(64, config.Derived.WeightTiles / 2));
        int segments = config.Derived.LaneSegments;
        ParameterSlots = 2; // the residual slots rely on it: see LayerEmitter
        ParameterTiles = Math.Max(1, config.Buffers.ParameterEntries / ParameterSlots / segments * segments);
    }

    public int InputWords { get; init; }
    public int OutputWords { get; }
    public int ResidualWords { get; }
    public int WeightSlots { get; }
    public int WeightTiles { get; }

    /// <summary>Most weight tiles of one command: it may take several slots.</summary>
    public int CommandTiles { get; }
    public int ParameterSlots { get; }
    public int ParameterTiles { get; }
}

/// <summary>Sizes of a layer under a tiling. Height and width count the pixels that the array computes, per phase of a resampling; RowWords
/// are those of an output row.</summary>
internal sealed record Geometry(
    int Height,
    int Width,
    int WindowRows,
    int WindowWords,
    int ColumnOffset,
    int Vectors,
    int LaneTiles,
    int RowWords
)
{
    public static Geometry Of(AcceleratorConfig config, LayerJob job, Tiling t)
    {
        int r = config.Derived.VectorsPerWord;
        TensorShape o = job.Output.Shape,
            i = job.Input.Shape;
        int windowRows = ((t.Rows - 1) * job.Stride.Rows) + ((job.Kernel.Rows - 1) * job.Dilation.Rows) + 1 + (job.Resize?.Rows.Extra ?? 0);
        int windowColumns =
            ((t.Columns - 1) * job.Stride.Columns)
            + ((job.Kernel.Columns - 1) * job.Dilation.Columns)
            + 1
            + (job.Resize?.Columns.Extra ?? 0)
            + job.RowTapReach;
        int offset = ((-job.PadLeft % r) + r) % r;
        return new Geometry(
            o.Height / job.Up.Rows,
            o.Width / job.Up.Columns,
            windowRows,
            (offset + windowColumns + r - 1) / r,
            offset,
            Ceil(i.Channels, config.Array.VectorWidth),
            Ceil(job.LaneChannels, config.Array.Lanes),
            t.Columns * job.Up.Columns / r
        );
    }

    /// <summary>Sizes of a 1x1 convolution that computes the input window of a tile of another layer.</summary>
    public static Geometry OfWindow(AcceleratorConfig config, LayerJob job, Geometry window) =>
        new(
            window.Height,
            window.Width,
            window.WindowRows,
            window.WindowWords,
            0,
            Ceil(job.Input.Shape.Channels, config.Array.VectorWidth),
            Ceil(job.LaneChannels, config.Array.Lanes),
            window.WindowWords
        );

    public static int Ceil(int a, int b) => (a + b - 1) / b;
}
