using AccelGen.Config;
using AccelGen.Isa;

namespace AccelGen.Emit.Modules;

/// <summary>Model of acc_row_sequencer: the passes of ROW commands.</summary>
/// <param name="config">Configuration.</param>
internal sealed class RowSequencerModel(AcceleratorConfig config)
{
    /// <summary>Lanes of a processing element.</summary>
    public int Lanes => config.Array.Lanes;

    /// <summary>Words of the buffers.</summary>
    public WordSizes Words { get; } = new(config);

    /// <summary>Fields of the header.</summary>
    public Named<FieldBits> Header => IsaNames.Header;

    /// <summary>Fields of ROW.</summary>
    public Named<FieldBits> Row { get; } = IsaNames.Of(RowCommand.Definition);
}
