using AccelGen.Config;

namespace AccelGen.Emit.Modules;

/// <summary>Model of acc_pkg: the sizes of a configuration as constants.</summary>
/// <param name="config">Configuration.</param>
internal sealed class PackageModel(AcceleratorConfig config)
{
    /// <summary>Processing elements.</summary>
    public int Pes => config.Array.Pes;

    /// <summary>Bits of a partial sum.</summary>
    public int AccumulatorBits => config.Array.AccumulatorBits;

    /// <summary>Output pixels of a processing element.</summary>
    public int AccumulatorEntries => config.Buffers.AccumulatorEntries;

    /// <summary>The memory port.</summary>
    public BusSizes Bus { get; } = new(config);

    /// <summary>Vectors of lanes.</summary>
    public LaneSizes Lanes { get; } = new(config);

    /// <summary>Words of the buffers.</summary>
    public WordSizes Words { get; } = new(config);

    /// <summary>Sizes that follow from the configuration.</summary>
    public DerivedConfig Derived => config.Derived;

    /// <summary>Beats of an entry of the parameter buffer.</summary>
    public int ParameterBeats => config.Derived.ParameterTileBytes / config.Derived.BeatBytes;

    /// <summary>Commands of a program block.</summary>
    public int CommandBlock => config.Control.CommandBlock;

    /// <summary>Identity of the configuration, hexadecimal.</summary>
    public string Hash => config.Hash.Hex;
}
