using AccelGen.Isa;

namespace AccelGen.Emit.Modules;

/// <summary>Model of acc_budget: the choices of CHECKPOINT commands and their record.</summary>
internal sealed class BudgetModel
{
    /// <summary>Candidates of a command.</summary>
    public int Candidates => IsaDefinition.CheckpointCandidates;

    /// <summary>Number of the last candidate.</summary>
    public int LastCandidate => Candidates - 1;

    /// <summary>Choices that the record holds.</summary>
    public int DecisionEntries => IsaDefinition.DecisionEntries;

    /// <summary>The header of a command, which the command processor reads.</summary>
    public BitRange CommandHeader => BitRange.Of(IsaDefinition.HeaderBits);

    /// <summary>Fields of CHECKPOINT.</summary>
    public Named<FieldBits> Checkpoint { get; } = IsaNames.Of(CheckpointCommand.Definition);
}
