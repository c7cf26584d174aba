namespace AccelGen.Isa;

/// <summary>The command COMPUTE and its fields.</summary>
public static class ComputeCommand
{
    /// <inheritdoc cref="Definition"/>
    public static Flag FirstChunk { get; } = new("FirstChunk", 128, 1, "1: sums start from zero.");

    /// <inheritdoc cref="Definition"/>
    public static Flag LastChunk { get; } =
        new(
            "LastChunk",
            129,
            1,
            "1: this command completes the sums. With a dynamic limit on extent A the one that reaches the limit does so as well."
        );

    /// <inheritdoc cref="Definition"/>
    public static Flag Diagonal { get; } =
        new(
            "Diagonal",
            130,
            1,
            "1: each lane tile reads only the input vector that holds its own channels (pooling, depthwise, elementwise)."
        );

    /// <inheritdoc cref="Definition"/>
    public static Flag WeightPerTap { get; } = new("WeightPerTap", 131, 1, "1: a weight tile per kernel tap; 0: one tile for all taps.");

    /// <inheritdoc cref="Definition"/>
    public static Flag Maximum { get; } =
        new("Maximum", 132, 1, "1: diagonal mode keeps the largest tap inside the image instead of adding.");

    /// <inheritdoc cref="Definition"/>
    public static Flag Replicate { get; } =
        new("Replicate", 133, 1, "1: taps outside the image read its nearest pixel instead of contributing nothing.");

    /// <inheritdoc cref="Definition"/>
    public static Flag WeightScalar { get; } =
        new(
            "WeightScalar",
            134,
            1,
            "1: diagonal mode has one weight per tap for all lanes: bytes of the tiles from WeightBase on, the first "
                + "at ScalarBase, of each tile as many as the largest power of two that fits."
        );

    /// <inheritdoc cref="Definition"/>
    public static Flag RowTaps { get; } =
        new(
            "RowTaps",
            135,
            1,
            "1: diagonal mode: each kernel column of the loop is as many neighbouring taps as a word holds vectors, "
                + "plus one; row k of the weight tile holds those of lane k, with WeightScalar consecutive bytes "
                + "those of all lanes, one step's from the next's at the smallest power of two that holds them."
        );

    /// <inheritdoc cref="Definition"/>
    public static Field PesPerRow { get; } = new("PesPerRow", 136, 7, "Columns of the processing-element grid.");

    /// <inheritdoc cref="Definition"/>
    public static Field InputBase { get; } = new("InputBase", 144, 16, "First word of the tile in the input buffers.");

    /// <inheritdoc cref="Definition"/>
    public static Field WeightBase { get; } = new("WeightBase", 160, 16, "First weight tile.");

    /// <inheritdoc cref="Definition"/>
    public static Field TailLanes { get; } =
        new("TailLanes", 176, 7, "Channels used of the last input vector when extent A is not dynamic; 0: all.");

    /// <inheritdoc cref="Definition"/>
    public static Field ZeroPoint { get; } = new("ZeroPoint", 184, 8, "Input zero point.", true);

    /// <inheritdoc cref="Definition"/>
    public static Field KernelRows { get; } = new("KernelRows", 192, 11, "Kernel rows.");

    /// <inheritdoc cref="Definition"/>
    public static Field KernelColumns { get; } = new("KernelColumns", 203, 11, "Kernel columns.");

    /// <inheritdoc cref="Definition"/>
    public static Field RowStepWords { get; } = new("RowStepWords", 214, 16, "Words between output rows: stride rows x window words.");

    /// <inheritdoc cref="Definition"/>
    public static Field TapStepWords { get; } = new("TapStepWords", 230, 16, "Words between kernel rows: dilation rows x window words.");

    /// <inheritdoc cref="Definition"/>
    public static Field Rows { get; } = new("Rows", 256, 12, "Output rows per processing element.");

    /// <inheritdoc cref="Definition"/>
    public static Field Columns { get; } = new("Columns", 268, 12, "Output columns per processing element.");

    /// <inheritdoc cref="Definition"/>
    public static Field ColumnOffset { get; } =
        new("ColumnOffset", 280, 6, "Column of the first tap in the window: the part of the tile's origin that is not a whole word.");

    /// <inheritdoc cref="Definition"/>
    public static Field BlockWords { get; } = new("BlockWords", 288, 16, "Words of one input vector plane in the buffer.");

    /// <inheritdoc cref="Definition"/>
    public static Field OriginRow { get; } = new("OriginRow", 304, 16, "Image row of the window's row 0 in processing element 0.", true);

    /// <inheritdoc cref="Definition"/>
    public static Field OriginColumn { get; } =
        new("OriginColumn", 320, 16, "Image column of the window's column 0 in processing element 0.", true);

    /// <inheritdoc cref="Definition"/>
    public static Field PeRowStep { get; } = new("PeRowStep", 336, 12, "Image rows between vertically adjacent processing elements.");

    /// <inheritdoc cref="Definition"/>
    public static Field PeColumnStep { get; } =
        new("PeColumnStep", 348, 12, "Image columns between horizontally adjacent processing elements.");

    /// <inheritdoc cref="Definition"/>
    public static Field ImageRows { get; } = new("ImageRows", 360, 16, "Rows of the input image; taps outside contribute nothing.");

    /// <inheritdoc cref="Definition"/>
    public static Field ImageColumns { get; } = new("ImageColumns", 376, 16, "Columns of the input image.");

    /// <inheritdoc cref="Definition"/>
    public static Field RowOffset { get; } = new("RowOffset", 392, 6, "Row of the first tap in the window; only with Replicate.");

    /// <inheritdoc cref="Definition"/>
    public static Field ScalarBase { get; } = new("ScalarBase", 398, 16, "First weight; only with WeightScalar.");

    /// <inheritdoc cref="Definition"/>
    public static Field StrideRows { get; } = new("StrideRows", 414, 9, "Stride in rows.");

    /// <inheritdoc cref="Definition"/>
    public static Field StrideColumns { get; } = new("StrideColumns", 423, 9, "Stride in columns.");

    /// <inheritdoc cref="Definition"/>
    public static Field DilationRows { get; } = new("DilationRows", 432, 10, "Dilation in rows.");

    /// <inheritdoc cref="Definition"/>
    public static Field DilationColumns { get; } = new("DilationColumns", 442, 10, "Dilation in columns.");

    /// <summary>The command; what a field means stands in its <see cref="Field.Doc"/>.</summary>
    public static CommandDefinition Definition { get; } =
        new(
            "COMPUTE",
            2,
            Queue.Compute,
            "Multiplies and accumulates a range of lane tiles (extent B) over a range of input vectors (extent A), "
                + "all kernel taps and all output pixels of the tile; hands sums to the active VECTOR command.",
            [
                FirstChunk,
                LastChunk,
                Diagonal,
                WeightPerTap,
                Maximum,
                Replicate,
                WeightScalar,
                RowTaps,
                PesPerRow,
                new("ReservedCompute1", 143, 1, "Zero."),
                InputBase,
                WeightBase,
                TailLanes,
                new("ReservedCompute2", 183, 1, "Zero."),
                ZeroPoint,
                KernelRows,
                KernelColumns,
                RowStepWords,
                TapStepWords,
                new("ReservedCompute4", 246, 10, "Zero."),
                Rows,
                Columns,
                ColumnOffset,
                new("ReservedCompute3", 286, 2, "Zero."),
                BlockWords,
                OriginRow,
                OriginColumn,
                PeRowStep,
                PeColumnStep,
                ImageRows,
                ImageColumns,
                RowOffset,
                ScalarBase,
                StrideRows,
                StrideColumns,
                DilationRows,
                DilationColumns,
                new("ReservedCompute5", 452, 60, "Zero."),
            ]
        );
}
