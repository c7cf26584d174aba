namespace AccelGen.Isa;

/// <summary>The command ROW and its fields.</summary>
public static class RowCommand
{
    /// <inheritdoc cref="Definition"/>
    public static EnumField<RowFunction> Function { get; } = new("Function", 128, 2, "Coded as RowFunction.");

    /// <inheritdoc cref="Definition"/>
    public static Flag Overlap { get; } =
        new(
            "Overlap",
            130,
            1,
            "1: commands behind it in the vector queue may start while it runs, but for another ROW and for a VECTOR "
                + "with Forward, CaptureReciprocal or UseReciprocal. Only for softmax with Forward and MaximumKnown, "
                + "without a table; no command that can be done before it gives its semaphores."
        );

    /// <inheritdoc cref="Definition"/>
    public static Flag TableEnable { get; } = new("TableEnable", 133, 1, "1: results are looked up in the activation table.");

    /// <inheritdoc cref="Definition"/>
    public static Field TableSlot { get; } = new("TableSlot", 134, 1, "Half of the activation table.");

    /// <inheritdoc cref="Definition"/>
    public static Flag Forward { get; } = new("Forward", 138, 1, "1: results go to the input buffers at ForwardBase instead of back.");

    /// <inheritdoc cref="Definition"/>
    public static Flag MaximumKnown { get; } =
        new("MaximumKnown", 139, 1, "Softmax: 1: the VECTOR command before has tracked the maxima; the first pass is left out.");

    /// <inheritdoc cref="Definition"/>
    public static Field OutputBase { get; } = new("OutputBase", 144, 16, "First word of the tile in the output buffers.");

    /// <inheritdoc cref="Definition"/>
    public static Field Channels { get; } = new("Channels", 160, 16, "Channels of a pixel.");

    /// <inheritdoc cref="Definition"/>
    public static Field ParameterBase { get; } =
        new(
            "ParameterBase",
            176,
            16,
            "First entry of the parameter buffer: beta, gamma (signed) and shift per channel; layer normalisation only."
        );

    /// <inheritdoc cref="Definition"/>
    public static Field ZeroPoint { get; } = new("ZeroPoint", 192, 8, "Output zero point.", true);

    /// <inheritdoc cref="Definition"/>
    public static Field ClampLow { get; } = new("ClampLow", 200, 8, "Smallest output.", true);

    /// <inheritdoc cref="Definition"/>
    public static Field ClampHigh { get; } = new("ClampHigh", 208, 8, "Largest output.", true);

    /// <inheritdoc cref="Definition"/>
    public static Field ExponentMultiplier { get; } = new("ExponentMultiplier", 224, 24, "Softmax: input scale x log2(e) x 2^20.");

    /// <inheritdoc cref="Definition"/>
    public static Field Rows { get; } = new("Rows", 256, 12, "Output rows per processing element.");

    /// <inheritdoc cref="Definition"/>
    public static Field Columns { get; } = new("Columns", 268, 12, "Output columns per processing element.");

    /// <inheritdoc cref="Definition"/>
    public static Field BlockWords { get; } = new("BlockWords", 288, 16, "Words of one channel block in the output buffers.");

    /// <inheritdoc cref="Definition"/>
    public static Field RowStepWords { get; } =
        new("RowStepWords", 304, 12, "Words from one row of pixels to the next in the output buffers.");

    /// <inheritdoc cref="Definition"/>
    public static Field OutputMultiplier { get; } = new("OutputMultiplier", 320, 24, "Softmax: multiplier of 1 / output scale.");

    /// <inheritdoc cref="Definition"/>
    public static Field OutputShift { get; } = new("OutputShift", 344, 6, "Softmax: shift of 1 / output scale, 1 to 24.");

    /// <inheritdoc cref="Definition"/>
    public static Field Epsilon { get; } = new("Epsilon", 352, 48, "Layer normalisation: epsilon x channels^2 / input scale^2.");

    /// <inheritdoc cref="Definition"/>
    public static Field ForwardBase { get; } =
        new("ForwardBase", 400, 16, "First word of the tile in the input buffers; only with Forward.");

    /// <summary>The command; what a field means stands in its <see cref="Field.Doc"/>.</summary>
    public static CommandDefinition Definition { get; } =
        new(
            "ROW",
            6,
            Queue.Vector,
            "Row operator: softmax, layer normalisation or arg max over the channels of each pixel of a tile in the "
                + "output buffers, in place. BCount lane tiles x Rows x Columns pixels per pass.",
            [
                Function,
                Overlap,
                new("ReservedRow0", 131, 2, "Zero."),
                TableEnable,
                TableSlot,
                new("ReservedRow8", 135, 3, "Zero."),
                Forward,
                MaximumKnown,
                new("ReservedRow9", 140, 4, "Zero."),
                OutputBase,
                Channels,
                ParameterBase,
                ZeroPoint,
                ClampLow,
                ClampHigh,
                new("ReservedRow1", 216, 8, "Zero."),
                ExponentMultiplier,
                new("ReservedRow2", 248, 8, "Zero."),
                Rows,
                Columns,
                new("ReservedRow3", 280, 8, "Zero."),
                BlockWords,
                RowStepWords,
                new("ReservedRow4", 316, 4, "Zero."),
                OutputMultiplier,
                OutputShift,
                new("ReservedRow5", 350, 2, "Zero."),
                Epsilon,
                ForwardBase,
                new("ReservedRow6", 416, 48, "Zero."),
                new("ReservedRow7", 464, 48, "Zero."),
            ]
        );
}
