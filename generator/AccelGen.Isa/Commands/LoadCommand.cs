namespace AccelGen.Isa;

/// <summary>The command LOAD and its fields.</summary>
public static class LoadCommand
{
    /// <inheritdoc cref="Definition"/>
    public static EnumField<LoadDestination> Destination { get; } = new("Destination", 128, 3, "Buffer written, coded as LoadDestination.");

    /// <inheritdoc cref="Definition"/>
    public static Flag LengthMode { get; } =
        new("LengthMode", 131, 1, "0: extent A counts segments; 1: extent A multiplies the segment length.");

    /// <inheritdoc cref="Definition"/>
    public static Field PesPerRow { get; } =
        new("PesPerRow", 136, 7, "Columns of the processing-element grid, for the scatter to the input and residual buffers.");

    /// <inheritdoc cref="Definition"/>
    public static Field LocalBase { get; } =
        new("LocalBase", 144, 16, "First word (input, residual), tile (weight) or entry (parameter) written.");

    /// <inheritdoc cref="Definition"/>
    public static Field Address { get; } = new("Address", 160, 40, "Byte address of the first beat, a multiple of the bus width.");

    /// <inheritdoc cref="Definition"/>
    public static Field SegmentBeats { get; } = new("SegmentBeats", 208, 20, "Beats of one contiguous segment.");

    /// <inheritdoc cref="Definition"/>
    public static Field Rows { get; } = new("Rows", 232, 16, "Segments per step of extent A.");

    /// <inheritdoc cref="Definition"/>
    public static Field StrideB { get; } = new("StrideB", 256, 32, "Bytes between steps of extent B.");

    /// <inheritdoc cref="Definition"/>
    public static Field StrideA { get; } = new("StrideA", 288, 32, "Bytes between steps of extent A.");

    /// <inheritdoc cref="Definition"/>
    public static Field StrideRow { get; } = new("StrideRow", 320, 32, "Bytes between segments.");

    /// <inheritdoc cref="Definition"/>
    public static Field RowOrigin { get; } = new("RowOrigin", 352, 12, "Row, relative to the tile, of the first row loaded.");

    /// <inheritdoc cref="Definition"/>
    public static Field ColumnOrigin { get; } =
        new("ColumnOrigin", 364, 12, "Word column, relative to the tile, of the first word loaded.");

    /// <inheritdoc cref="Definition"/>
    public static Field RowWords { get; } = new("RowWords", 376, 16, "Words loaded per row.");

    /// <inheritdoc cref="Definition"/>
    public static Field TileRows { get; } = new("TileRows", 392, 16, "Rows loaded per step of extent A.");

    /// <inheritdoc cref="Definition"/>
    public static Field WindowRows { get; } = new("WindowRows", 408, 12, "Rows that each processing element holds.");

    /// <inheritdoc cref="Definition"/>
    public static Field WindowWords { get; } = new("WindowWords", 420, 12, "Words per row that each processing element holds.");

    /// <inheritdoc cref="Definition"/>
    public static Field PeRowStep { get; } =
        new("PeRowStep", 432, 12, "Rows between the windows of vertically adjacent processing elements.");

    /// <inheritdoc cref="Definition"/>
    public static Field PeColumnStep { get; } =
        new("PeColumnStep", 444, 12, "Words between the windows of horizontally adjacent processing elements.");

    /// <inheritdoc cref="Definition"/>
    public static Field BlockWords { get; } = new("BlockWords", 456, 16, "Words that one step of extent A takes in the buffer.");

    /// <inheritdoc cref="Definition"/>
    public static Field VariantShift { get; } =
        new(
            "VariantShift",
            472,
            5,
            "Bits by which the variant of the active path is shifted and added to Address; 0: the address is the same on every path."
        );

    /// <summary>The command; what a field means stands in its <see cref="Field.Doc"/>.</summary>
    public static CommandDefinition Definition { get; } =
        new(
            "LOAD",
            1,
            Queue.Load,
            "Reads memory into an on-chip buffer. Loops: BCount x (ACount unless LengthMode) x Rows segments of "
                + "SegmentBeats (x ACount in LengthMode) beats.",
            [
                Destination,
                LengthMode,
                new("ReservedLoad0", 132, 4, "Zero."),
                PesPerRow,
                new("ReservedLoad1", 143, 1, "Zero."),
                LocalBase,
                Address,
                new("ReservedLoad2", 200, 8, "Zero."),
                SegmentBeats,
                new("ReservedLoad3", 228, 4, "Zero."),
                Rows,
                new("ReservedLoad4", 248, 8, "Zero."),
                StrideB,
                StrideA,
                StrideRow,
                RowOrigin,
                ColumnOrigin,
                RowWords,
                TileRows,
                WindowRows,
                WindowWords,
                PeRowStep,
                PeColumnStep,
                BlockWords,
                VariantShift,
                new("ReservedLoad5", 477, 35, "Zero."),
            ]
        );
}
