namespace AccelGen.Isa;

/// <summary>A choice that a CHECKPOINT command made.</summary>
/// <param name="Elapsed">Cycles since the start when it was reached.</param>
/// <param name="Number">Number of the checkpoint.</param>
/// <param name="Before">Row of the path table that was active.</param>
/// <param name="After">Row chosen.</param>
/// <param name="Fits">The row chosen fits; false where nothing did.</param>
public readonly record struct Decision(long Elapsed, int Number, int Before, int After, bool Fits)
{
    /// <summary>Reads a choice from the two words of its record.</summary>
    public static Decision Decode(uint low, uint high)
    {
        ulong words = low | ((ulong)high << 32);
        return new Decision((long)Get("Elapsed"), (int)Get("Number"), (int)Get("Before"), (int)Get("After"), Get("Fits") == 1);

        ulong Get(string name)
        {
            Field field = IsaDefinition.DecisionFields.Single(f => f.Name == name);
            return (words >> field.Lsb) & ((1UL << field.Width) - 1);
        }
    }
}

/// <summary>What a program is started with besides its commands: the path table, the row that it starts on, the budget.</summary>
/// <param name="Rows">Rows of the path table, all of them usable.</param>
/// <param name="Selected">Row that the program starts on.</param>
/// <param name="Budget">Cycles that it may take; 0: no budget.</param>
public sealed record FrameControl(IReadOnlyList<PathRow> Rows, int Selected, uint Budget)
{
    /// <summary>One path and no budget.</summary>
    public static FrameControl Of(PathRow row) => new([row], 0, 0);
}

/// <summary>What CHECKPOINT commands choose in one run, command after command.</summary>
/// <param name="control">Path table and budget.</param>
public sealed class CheckpointRule(FrameControl control)
{
    private bool found;

    /// <summary>Active row.</summary>
    public int Active { get; private set; } = control.Selected;

    /// <summary>Choices so far.</summary>
    public List<Decision> Decisions { get; } = [];

    /// <summary>Executes a CHECKPOINT.</summary>
    /// <param name="command">The command.</param>
    /// <param name="elapsed">Cycles since the start.</param>
    public void Execute(Command command, long elapsed)
    {
        bool continues = command[CheckpointCommand.Continues];
        if (!continues)
            found = false;
        if (control.Budget == 0 || ((command[CheckpointCommand.From] >> Active) & 1) == 0 || found)
            return;
        bool fallback = command[CheckpointCommand.Fallback];
        int count = (int)command[CheckpointCommand.Count];
        for (int i = 0; i < Math.Min(count, IsaDefinition.CheckpointCandidates); i++)
        {
            int row = (int)command[CheckpointCommand.Rows[i]];
            bool fits = elapsed + command[CheckpointCommand.Remaining[i]] <= control.Budget;
            if (row >= control.Rows.Count || !(fits || (fallback && i == count - 1)))
                continue;
            Choose(row, fits);
            return;
        }

        // The last candidate was no usable row: it stays as it is.
        if (fallback)
            Choose(Active, false);

        void Choose(int row, bool fits)
        {
            Decisions.Add(new Decision(elapsed, (int)command[CheckpointCommand.Number], Active, row, fits));
            (Active, found) = (row, true);
        }
    }
}
