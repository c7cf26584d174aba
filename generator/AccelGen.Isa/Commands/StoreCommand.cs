namespace AccelGen.Isa;

/// <summary>The command STORE and its fields.</summary>
public static class StoreCommand
{
    /// <inheritdoc cref="Definition"/>
    public static Flag Transpose { get; } =
        new(
            "Transpose",
            128,
            1,
            "1: blocks of VectorWidth pixels x VectorWidth channels are written with pixels and channels exchanged. "
                + "Rows counts blocks of pixels; LastWords is of the last channel block."
        );

    /// <inheritdoc cref="Definition"/>
    public static Field PesPerRow { get; } = new("PesPerRow", 136, 7, "Columns of the processing-element grid that hold output.");

    /// <inheritdoc cref="Definition"/>
    public static Field LocalBase { get; } = new("LocalBase", 144, 16, "First word read.");

    /// <inheritdoc cref="Definition"/>
    public static Field Address { get; } = new("Address", 160, 40, "Byte address of the first beat, a multiple of the bus width.");

    /// <inheritdoc cref="Definition"/>
    public static Field PeRows { get; } = new("PeRows", 208, 7, "Rows of the processing-element grid that hold output.");

    /// <inheritdoc cref="Definition"/>
    public static Field Rows { get; } = new("Rows", 216, 12, "Output rows per processing element.");

    /// <inheritdoc cref="Definition"/>
    public static Field LastRows { get; } = new("LastRows", 228, 12, "Output rows of the last row of processing elements.");

    /// <inheritdoc cref="Definition"/>
    public static Field Words { get; } = new("Words", 240, 12, "Words per row of a processing element.");

    /// <inheritdoc cref="Definition"/>
    public static Field LastWords { get; } = new("LastWords", 252, 12, "Words per row of the last column of processing elements.");

    /// <inheritdoc cref="Definition"/>
    public static Field PeRowSkip { get; } = new("PeRowSkip", 264, 7, "Processing elements at the end of a grid row that hold no output.");

    /// <inheritdoc cref="Definition"/>
    public static Field StrideA { get; } = new("StrideA", 288, 32, "Bytes between channel blocks.");

    /// <inheritdoc cref="Definition"/>
    public static Field StrideRow { get; } = new("StrideRow", 320, 32, "Bytes between rows.");

    /// <inheritdoc cref="Definition"/>
    public static Field StridePeRow { get; } = new("StridePeRow", 352, 32, "Bytes between vertically adjacent processing elements.");

    /// <inheritdoc cref="Definition"/>
    public static Field StridePeColumn { get; } =
        new("StridePeColumn", 384, 32, "Bytes between horizontally adjacent processing elements.");

    /// <inheritdoc cref="Definition"/>
    public static Field BlockWords { get; } = new("BlockWords", 416, 16, "Words of one channel block in the buffer.");

    /// <inheritdoc cref="Definition"/>
    public static Field RowWords { get; } = new("RowWords", 432, 12, "Words of one row in the buffer.");

    /// <summary>The command; what a field means stands in its <see cref="Field.Doc"/>.</summary>
    public static CommandDefinition Definition { get; } =
        new(
            "STORE",
            4,
            Queue.Store,
            "Writes the output buffers to memory: for every processing element, ACount channel blocks x rows of words.",
            [
                Transpose,
                new("ReservedStore0", 129, 7, "Zero."),
                PesPerRow,
                new("ReservedStore1", 143, 1, "Zero."),
                LocalBase,
                Address,
                new("ReservedStore2", 200, 8, "Zero."),
                PeRows,
                new("ReservedStore3", 215, 1, "Zero."),
                Rows,
                LastRows,
                Words,
                LastWords,
                PeRowSkip,
                new("ReservedStore4", 271, 17, "Zero."),
                StrideA,
                StrideRow,
                StridePeRow,
                StridePeColumn,
                BlockWords,
                RowWords,
                new("ReservedStore5", 444, 60, "Zero."),
                new("ReservedStore6", 504, 8, "Zero."),
            ]
        );
}
