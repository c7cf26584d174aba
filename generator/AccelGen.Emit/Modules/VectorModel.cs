using AccelGen.Config;
using AccelGen.Isa;

namespace AccelGen.Emit.Modules;

/// <summary>Model of acc_vector: the vector queue, with the parameter buffer.</summary>
/// <param name="config">Configuration.</param>
internal sealed class VectorModel(AcceleratorConfig config)
{
    /// <summary>Functional units.</summary>
    public UnitsConfig Units => config.Units;

    /// <summary>The memory port.</summary>
    public BusSizes Bus { get; } = new(config);

    /// <summary>Vectors of lanes.</summary>
    public LaneSizes Lanes { get; } = new(config);

    /// <summary>Words of the buffers.</summary>
    public WordSizes Words { get; } = new(config);

    /// <summary>Commands that wait in the queue.</summary>
    public int QueueDepth => config.Control.QueueDepth;

    /// <summary>Entries of the parameter buffer.</summary>
    public int ParameterEntries => config.Buffers.ParameterEntries;

    /// <summary>An entry of the parameter buffer, in whole beats.</summary>
    public BitRange ParameterEntry => BitRange.Of(8 * config.Derived.ParameterTileBytes);

    /// <summary>Bits of an entry that no lane has; there may be none.</summary>
    public BitRange ParameterPadding => new(Lanes.Parameters.Width, ParameterEntry.Width - Lanes.Parameters.Width);

    /// <summary>Entries have such bits.</summary>
    public bool ParametersPadded => ParameterPadding.Width > 0;

    /// <summary>Fields of the header.</summary>
    public Named<FieldBits> Header => IsaNames.Header;

    /// <summary>Fields of VECTOR.</summary>
    public Named<FieldBits> Vector { get; } = IsaNames.Of(VectorCommand.Definition);

    /// <summary>Fields of ROW.</summary>
    public Named<FieldBits> Row { get; } = IsaNames.Of(RowCommand.Definition);
}
