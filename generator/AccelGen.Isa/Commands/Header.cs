namespace AccelGen.Isa;

/// <summary>Fields of the header, which every command has.</summary>
public static class Header
{
    /// <inheritdoc cref="Fields"/>
    public static Field Opcode { get; } = new("Opcode", 0, 8, "Command code.");

    /// <inheritdoc cref="Fields"/>
    public static Flag PredicateEnable { get; } =
        new("PredicateEnable", 8, 1, "1: the command does its work only when its predicate holds. Tokens move in either case.");

    /// <inheritdoc cref="Fields"/>
    public static Flag PredicateInvert { get; } =
        new("PredicateInvert", 9, 1, "1: the work is done when the block is skipped instead of when it is kept.");

    /// <inheritdoc cref="Fields"/>
    public static Field PredicateIndex { get; } = new("PredicateIndex", 10, 6, "Block whose keep bit in the active path is the predicate.");

    /// <inheritdoc cref="Fields"/>
    public static TokenField Wait0 { get; } =
        new(
            "Wait0",
            16,
            5,
            "Token taken before the start: bit 4 enables, bits 3:0 name the semaphore. A semaphore holds at most 255 "
                + "tokens. The counters take the queue with a quarter of its number (0 to 3 load, 4 to 7 compute, 8 "
                + "to 11 vector, 12 to 15 store) to be the one that gives its tokens."
        );

    /// <inheritdoc cref="Fields"/>
    public static TokenField Wait1 { get; } =
        new("Wait1", 21, 5, "A second token, of another semaphore than Wait0: a command takes one token of each.");

    /// <inheritdoc cref="Fields"/>
    public static TokenField Wait2 { get; } = new("Wait2", 26, 5, "A third token, of a third semaphore.");

    /// <inheritdoc cref="Fields"/>
    public static TokenField Signal0 { get; } = new("Signal0", 32, 5, "Token given when the command has finished with its buffers.");

    /// <inheritdoc cref="Fields"/>
    public static TokenField Signal1 { get; } =
        new("Signal1", 37, 5, "Second token; a STORE gives it when memory has acknowledged the data. Another semaphore than Signal0.");

    /// <inheritdoc cref="Fields"/>
    public static Field Tag { get; } = new("Tag", 48, 16, "Layer number, for reports; no effect.");

    /// <summary>Extent A.</summary>
    public static Axis A { get; } =
        new(
            new("ADynamic", 64, 1, "1: extent A is limited by a dynamic register of the active path."),
            new("ARegister", 65, 4, "Dynamic register of extent A."),
            new("AUnit", 69, 1, "Unit of extent A: 0 input vectors (VectorWidth channels), 1 lane tiles (Lanes channels)."),
            new("ABase", 70, 12, "Position of this command's extent A in the whole axis."),
            new("ACount", 82, 12, "Extent A without a limit; 0: the command has no work to do, its tokens move.")
        );

    /// <summary>Extent B.</summary>
    public static Axis B { get; } =
        new(
            new("BDynamic", 94, 1, "1: extent B is limited by a dynamic register of the active path."),
            new("BRegister", 95, 4, "Dynamic register of extent B."),
            new("BUnit", 99, 1, "Unit of extent B, coded like AUnit."),
            new("BBase", 100, 12, "Position of this command's extent B in the whole axis."),
            new("BCount", 112, 12, "Extent B without a limit; 0 as in ACount.")
        );

    /// <summary>Tokens taken before the start.</summary>
    public static IReadOnlyList<TokenField> Waits { get; } = [Wait0, Wait1, Wait2];

    /// <summary>Tokens given at the end.</summary>
    public static IReadOnlyList<TokenField> Signals { get; } = [Signal0, Signal1];

    /// <summary>All fields, by their place; what each means stands in its <see cref="Field.Doc"/>.</summary>
    public static IReadOnlyList<Field> Fields { get; } =
    [
        Opcode,
        PredicateEnable,
        PredicateInvert,
        PredicateIndex,
        Wait0,
        Wait1,
        Wait2,
        new("ReservedHeader0", 31, 1, "Zero."),
        Signal0,
        Signal1,
        new("ReservedHeader1", 42, 6, "Zero."),
        Tag,
        A.Dynamic,
        A.Register,
        A.Unit,
        A.Base,
        A.Count,
        B.Dynamic,
        B.Register,
        B.Unit,
        B.Base,
        B.Count,
        new("ReservedHeader2", 124, 4, "Zero."),
    ];
}
