namespace AccelGen.Isa;

/// <summary>The command VECTOR and its fields.</summary>
public static class VectorCommand
{
    /// <inheritdoc cref="Definition"/>
    public static Flag ResidualEnable { get; } = new("ResidualEnable", 128, 1, "1: the residual operand is added.");

    /// <inheritdoc cref="Definition"/>
    public static Flag ResidualSubtract { get; } = new("ResidualSubtract", 129, 1, "1: the residual operand is subtracted.");

    /// <inheritdoc cref="Definition"/>
    public static Flag Multiply { get; } =
        new("Multiply", 130, 1, "1: the sums are multiplied by the residual operand less its zero point; ResidualEnable is 0.");

    /// <inheritdoc cref="Definition"/>
    public static Flag ResidualOnePixel { get; } = new("ResidualOnePixel", 131, 1, "1: the residual operand has one pixel for all.");

    /// <inheritdoc cref="Definition"/>
    public static Flag ResidualOneChannel { get; } = new("ResidualOneChannel", 132, 1, "1: the residual operand has one channel for all.");

    /// <inheritdoc cref="Definition"/>
    public static Flag TableEnable { get; } = new("TableEnable", 133, 1, "1: results are looked up in the activation table.");

    /// <inheritdoc cref="Definition"/>
    public static Field TableSlot { get; } = new("TableSlot", 134, 1, "Half of the activation table.");

    /// <inheritdoc cref="Definition"/>
    public static Flag CaptureReciprocal { get; } =
        new("CaptureReciprocal", 135, 1, "1: per pixel, keeps the multiplier and shift divided by the sum of lane 0; writes no output.");

    /// <inheritdoc cref="Definition"/>
    public static Flag UseReciprocal { get; } =
        new("UseReciprocal", 136, 1, "1: multiplier and shift per pixel, as captured, instead of per lane.");

    /// <inheritdoc cref="Definition"/>
    public static Flag ParameterShared { get; } = new("ParameterShared", 137, 1, "1: the first parameter entry serves all lane tiles.");

    /// <inheritdoc cref="Definition"/>
    public static Flag Forward { get; } =
        new(
            "Forward",
            138,
            1,
            "1: results go to the input buffers, where a product of the same pixels reads them; OutputBase is a word of the input buffers."
        );

    /// <inheritdoc cref="Definition"/>
    public static Flag TrackMaximum { get; } =
        new(
            "TrackMaximum",
            139,
            1,
            "1: per pixel, keeps the largest result for a softmax that follows. The last lane tile counts TrackLanes channels."
        );

    /// <inheritdoc cref="Definition"/>
    public static Field OutputBase { get; } = new("OutputBase", 144, 16, "First word of the tile in the output buffers.");

    /// <inheritdoc cref="Definition"/>
    public static Field ResidualBase { get; } = new("ResidualBase", 160, 16, "First word of the tile in the residual buffers.");

    /// <inheritdoc cref="Definition"/>
    public static Field ParameterBase { get; } = new("ParameterBase", 176, 16, "First entry of the parameter buffer.");

    /// <inheritdoc cref="Definition"/>
    public static Field ZeroPoint { get; } = new("ZeroPoint", 192, 8, "Output zero point.", true);

    /// <inheritdoc cref="Definition"/>
    public static Field ClampLow { get; } = new("ClampLow", 200, 8, "Smallest output.", true);

    /// <inheritdoc cref="Definition"/>
    public static Field ClampHigh { get; } = new("ClampHigh", 208, 8, "Largest output.", true);

    /// <inheritdoc cref="Definition"/>
    public static Field ResidualZeroPoint { get; } = new("ResidualZeroPoint", 216, 8, "Zero point of the residual operand.", true);

    /// <inheritdoc cref="Definition"/>
    public static Field ResidualMultiplier { get; } = new("ResidualMultiplier", 224, 24, "Multiplier of the residual operand.");

    /// <inheritdoc cref="Definition"/>
    public static Field ResidualShift { get; } = new("ResidualShift", 248, 6, "Right shift of the residual operand, 1 to 63.");

    /// <inheritdoc cref="Definition"/>
    public static Field Rows { get; } = new("Rows", 256, 12, "Output rows per processing element.");

    /// <inheritdoc cref="Definition"/>
    public static Field Columns { get; } = new("Columns", 268, 12, "Output columns per processing element.");

    /// <inheritdoc cref="Definition"/>
    public static Field BlockWords { get; } = new("BlockWords", 288, 16, "Words of one channel block in the output and residual buffers.");

    /// <inheritdoc cref="Definition"/>
    public static Field RowStepWords { get; } =
        new("RowStepWords", 304, 12, "Words from one row of pixels to the next in the output and residual buffers.");

    /// <inheritdoc cref="Definition"/>
    public static Field RowOffsetWords { get; } = new("RowOffsetWords", 316, 12, "Words before the first row of pixels.");

    /// <inheritdoc cref="Definition"/>
    public static Field ColumnStep { get; } = new("ColumnStep", 328, 6, "Columns of the buffer from one pixel to the next.");

    /// <inheritdoc cref="Definition"/>
    public static Field ColumnOffset { get; } = new("ColumnOffset", 334, 6, "Column of the buffer of the first pixel.");

    /// <inheritdoc cref="Definition"/>
    public static Field ResidualBlockWords { get; } =
        new("ResidualBlockWords", 340, 16, "Words of one channel block in the residual buffers.");

    /// <inheritdoc cref="Definition"/>
    public static Field TrackLanes { get; } = new("TrackLanes", 356, 7, "Channels of the last lane tile; only with TrackMaximum.");

    /// <summary>The command; what a field means stands in its <see cref="Field.Doc"/>.</summary>
    public static CommandDefinition Definition { get; } =
        new(
            "VECTOR",
            3,
            Queue.Vector,
            "Takes the sums of BCount lane tiles x Rows x Columns pixels: adds the bias, requantises, adds the "
                + "residual, clamps, and writes the output buffer.",
            [
                ResidualEnable,
                ResidualSubtract,
                Multiply,
                ResidualOnePixel,
                ResidualOneChannel,
                TableEnable,
                TableSlot,
                CaptureReciprocal,
                UseReciprocal,
                ParameterShared,
                Forward,
                TrackMaximum,
                new("ReservedVector0", 140, 4, "Zero."),
                OutputBase,
                ResidualBase,
                ParameterBase,
                ZeroPoint,
                ClampLow,
                ClampHigh,
                ResidualZeroPoint,
                ResidualMultiplier,
                ResidualShift,
                new("ReservedVector1", 254, 2, "Zero."),
                Rows,
                Columns,
                new("ReservedVector2", 280, 8, "Zero."),
                BlockWords,
                RowStepWords,
                RowOffsetWords,
                ColumnStep,
                ColumnOffset,
                ResidualBlockWords,
                TrackLanes,
                new("ReservedVector3", 363, 45, "Zero."),
                new("ReservedVector4", 408, 52, "Zero."),
                new("ReservedVector5", 460, 52, "Zero."),
            ]
        );
}
