namespace AccelGen.Isa;

/// <summary>The command CHECKPOINT and its fields.</summary>
public static class CheckpointCommand
{
    /// <inheritdoc cref="Definition"/>
    public static Field From { get; } =
        new(
            "From",
            128,
            32,
            "Rows that agree on all that lies before this command, a bit per row; while another one is active the command does nothing."
        );

    /// <inheritdoc cref="Definition"/>
    public static Field Number { get; } = new("Number", 160, 8, "Number of the checkpoint, for the record.");

    /// <inheritdoc cref="Definition"/>
    public static Field Count { get; } = new("Count", 168, 4, "Candidates, 1 to 8.");

    /// <inheritdoc cref="Definition"/>
    public static Flag Continues { get; } =
        new("Continues", 172, 1, "1: the candidates go on from those of the CHECKPOINT before; nothing is done where that one has chosen.");

    /// <inheritdoc cref="Definition"/>
    public static Flag Fallback { get; } = new("Fallback", 173, 1, "1: where nothing fits, the last candidate is chosen.");

    /// <summary>Rows of the candidates.</summary>
    public static IReadOnlyList<Field> Rows { get; } =
    [
        .. Enumerable
            .Range(0, IsaDefinition.CheckpointCandidates)
            .Select(i => new Field($"Row{i}", 192 + (40 * i), 8, $"Row of candidate {i}.")),
    ];

    /// <summary>Remaining cycles of the candidates.</summary>
    public static IReadOnlyList<Field> Remaining { get; } =
    [
        .. Enumerable
            .Range(0, IsaDefinition.CheckpointCandidates)
            .Select(i => new Field($"Remaining{i}", 200 + (40 * i), 32, "Cycles from this command to the end of the program on that row.")),
    ];

    /// <summary>The command; what a field means stands in its <see cref="Field.Doc"/>.</summary>
    public static CommandDefinition Definition { get; } =
        new(
            "CHECKPOINT",
            7,
            null,
            "In a program with a budget: goes on with the first of its candidates, rows of the path table, whose "
                + "remaining cycles still fit into the budget. It takes the same time whatever it chooses, with a "
                + "budget and without. A row that was never written or is withdrawn is no candidate.",
            [
                From,
                Number,
                Count,
                Continues,
                Fallback,
                new("ReservedCheckpoint0", 174, 18, "Zero."),
                .. Rows.Zip(Remaining, (row, remaining) => new[] { row, remaining }).SelectMany(f => f),
            ]
        );
}
