using AccelGen.Config;
using AccelGen.Isa;

namespace AccelGen.Emit.Modules;

/// <summary>Model of acc_cmd: the command processor.</summary>
/// <param name="config">Configuration.</param>
internal sealed class CmdModel(AcceleratorConfig config)
{
    /// <summary>Functional units.</summary>
    public UnitsConfig Units => config.Units;

    /// <summary>The memory port.</summary>
    public BusSizes Bus { get; } = new(config);

    /// <summary>A command comes in several beats.</summary>
    public bool CommandInBeats => config.Derived.BeatsPerCommand > 1;

    /// <summary>Last beat of a command.</summary>
    public int LastCommandBeat => config.Derived.BeatsPerCommand - 1;

    /// <summary>Beats of a program block.</summary>
    public int BlockBeats => config.Control.CommandBlock * config.Derived.BeatsPerCommand;

    /// <summary>Fields of the header.</summary>
    public Named<FieldBits> Header => IsaNames.Header;

    /// <summary>Fields of LOAD.</summary>
    public Named<FieldBits> Load { get; } = IsaNames.Of(LoadCommand.Definition);

    /// <summary>Fields of COMPUTE.</summary>
    public Named<FieldBits> Compute { get; } = IsaNames.Of(ComputeCommand.Definition);

    /// <summary>Fields of VECTOR.</summary>
    public Named<FieldBits> Vector { get; } = IsaNames.Of(VectorCommand.Definition);

    /// <summary>Fields of ROW.</summary>
    public Named<FieldBits> Row { get; } = IsaNames.Of(RowCommand.Definition);

    /// <summary>Fields of STORE.</summary>
    public Named<FieldBits> Store { get; } = IsaNames.Of(StoreCommand.Definition);

    /// <summary>Fields of CHECKPOINT.</summary>
    public Named<FieldBits> Checkpoint { get; } = IsaNames.Of(CheckpointCommand.Definition);
}
