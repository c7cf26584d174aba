using AccelGen.Config;

namespace AccelGen.Emit.Modules;

/// <summary>Model of acc_top: the ports of the block, and the wires between its modules.</summary>
/// <param name="config">Configuration.</param>
internal sealed class TopModel(AcceleratorConfig config)
{
    /// <summary>Functional units.</summary>
    public UnitsConfig Units => config.Units;

    /// <summary>The memory port.</summary>
    public BusSizes Bus { get; } = new(config);

    /// <summary>What the memory port has constant.</summary>
    public AxiConfig Axi => config.Axi;

    /// <summary>Vectors of lanes.</summary>
    public LaneSizes Lanes { get; } = new(config);

    /// <summary>A weight tile.</summary>
    public BitRange Tile => BitRange.Of(8 * config.Array.Lanes * config.Array.VectorWidth);

    /// <summary>A word of the output buffers.</summary>
    public BitRange Word => BitRange.Of(8 * config.Derived.WordBytes);
}
