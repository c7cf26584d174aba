using AccelGen.Config;
using AccelGen.Isa;

namespace AccelGen.Emit.Modules;

/// <summary>Model of acc_store: the store queue.</summary>
/// <param name="config">Configuration.</param>
internal sealed class StoreModel(AcceleratorConfig config)
{
    /// <summary>Functional units.</summary>
    public UnitsConfig Units => config.Units;

    /// <summary>The memory port.</summary>
    public BusSizes Bus { get; } = new(config);

    /// <summary>Words of the buffers.</summary>
    public WordSizes Words { get; } = new(config);

    /// <summary>A beat is smaller than a word.</summary>
    public bool WordInBeats => Words.BeatsPerWord > 1;

    /// <summary>Commands that wait in the queue.</summary>
    public int QueueDepth => config.Control.QueueDepth;

    /// <summary>Write bursts in flight.</summary>
    public int OutstandingWrites => config.Axi.OutstandingWrites;

    /// <summary>Fields of the header.</summary>
    public Named<FieldBits> Header => IsaNames.Header;

    /// <summary>Fields of STORE.</summary>
    public Named<FieldBits> Store { get; } = IsaNames.Of(StoreCommand.Definition);
}
