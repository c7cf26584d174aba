using System.Numerics;
using AccelGen.Config;

namespace AccelGen.Emit.Modules;

/// <summary>Model of acc_weight: the weight buffer and the tile that it gives.</summary>
/// <param name="config">Configuration.</param>
internal sealed class WeightModel(AcceleratorConfig config)
{
    /// <summary>Functional units.</summary>
    public UnitsConfig Units => config.Units;

    /// <summary>The memory port.</summary>
    public BusSizes Bus { get; } = new(config);

    /// <summary>Channels of a vector, and a row of the tile.</summary>
    public WordSizes Words { get; } = new(config);

    /// <summary>Lanes: rows of a tile.</summary>
    public int Lanes => config.Array.Lanes;

    /// <summary>A tile without gaps between its rows.</summary>
    public BitRange Tile => BitRange.Of(Lanes * Words.Vector.Width);

    /// <summary>The rows of a tile.</summary>
    public IReadOnlyList<VectorSlice> TileRows => VectorSlice.First(config, Lanes);

    /// <summary>A tile as it lies in memory, in whole beats.</summary>
    public BitRange StoredTile => BitRange.Of(config.Derived.BeatsPerWeightTile * Bus.Data.Width);

    /// <summary>There are bytes between the rows of a tile in memory.</summary>
    public bool Padded => Words.Vector.Width != Words.PitchBits;

    /// <summary>Tiles that the buffer holds.</summary>
    public int Tiles => config.Derived.WeightTiles;

    /// <summary>Scalar weights of the neighbouring taps that are taken at once.</summary>
    public BitRange RowTaps => BitRange.Of(8 * config.Derived.RowTaps);

    /// <summary>Bits from the scalar weights of one such step to those of the next.</summary>
    public int RowTapPitch => 8 * config.Derived.RowTapScalars;

    /// <summary>Binary logarithm of the scalar weights of such a step.</summary>
    public int RowTapShift => BitOperations.Log2((uint)config.Derived.RowTapScalars);
}
