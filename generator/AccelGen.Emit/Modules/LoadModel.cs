using AccelGen.Config;
using AccelGen.Isa;

namespace AccelGen.Emit.Modules;

/// <summary>Model of acc_load: the load queue.</summary>
/// <param name="config">Configuration.</param>
internal sealed class LoadModel(AcceleratorConfig config)
{
    /// <summary>The memory port.</summary>
    public BusSizes Bus { get; } = new(config);

    /// <summary>Words of the buffers.</summary>
    public WordSizes Words { get; } = new(config);

    /// <summary>Commands that wait in the queue.</summary>
    public int QueueDepth => config.Control.QueueDepth;

    /// <summary>Read bursts in flight.</summary>
    public int OutstandingReads => config.Axi.OutstandingReads;

    /// <summary>Last beat of a weight tile.</summary>
    public int LastTileBeat => config.Derived.BeatsPerWeightTile - 1;

    /// <summary>Last beat of an entry of the parameter buffer.</summary>
    public int LastParameterBeat => (config.Derived.ParameterTileBytes / config.Derived.BeatBytes) - 1;

    /// <summary>Fields of the header.</summary>
    public Named<FieldBits> Header => IsaNames.Header;

    /// <summary>Fields of LOAD.</summary>
    public Named<FieldBits> Load { get; } = IsaNames.Of(LoadCommand.Definition);
}
