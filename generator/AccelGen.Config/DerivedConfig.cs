using System.Numerics;
using AccelGen.Isa;

namespace AccelGen.Config;

/// <summary>Sizes that follow from an <see cref="AcceleratorConfig"/>, computed once per configuration.</summary>
public sealed record DerivedConfig
{
    /// <summary>Bytes of one command in memory.</summary>
    public const int CommandByteCount = 64;

    internal DerivedConfig(AcceleratorConfig config)
    {
        var array = config.Array;
        VectorPitchBytes = (int)BitOperations.RoundUpToPowerOf2((uint)array.VectorWidth);
        BeatBytes = config.Axi.DataBits / 8;
        WordBytes = Math.Max(VectorPitchBytes, BeatBytes);
        VectorsPerWord = WordBytes / VectorPitchBytes;
        BeatsPerWord = WordBytes / BeatBytes;
        InputWords = config.Buffers.InputKibibytes * 1024 / WordBytes;
        OutputWords = config.Buffers.OutputKibibytes * 1024 / WordBytes;
        ResidualWords = config.Buffers.ResidualKibibytes * 1024 / WordBytes;
        WeightTileBytes = array.Lanes * VectorPitchBytes;
        BeatsPerWeightTile = WeightTileBytes / BeatBytes;
        WeightTiles = config.Buffers.WeightKibibytes * 1024 / WeightTileBytes;
        LaneSegments = array.VectorWidth / array.Lanes;
        ParameterTileBytes = (array.Lanes * ParameterEntry.Bytes + BeatBytes - 1) / BeatBytes * BeatBytes;
        PeakMacsPerCycle = array.VectorWidth * array.Lanes * array.Pes;
        BeatsPerCommand = Math.Max(1, CommandByteCount / BeatBytes);
    }

    /// <summary>Bytes from one vector to the next in memory and in buffers: the next power of two.</summary>
    public int VectorPitchBytes { get; }

    /// <summary>Bytes in one AXI beat.</summary>
    public int BeatBytes { get; }

    /// <summary>Bytes in one buffer word: the larger of a vector and a beat.</summary>
    public int WordBytes { get; }

    /// <summary>Vectors in a word of the input buffer.</summary>
    public int VectorsPerWord { get; }

    /// <summary>Beats of a word of the input buffer.</summary>
    public int BeatsPerWord { get; }

    /// <summary>Words in the input buffer of one PE.</summary>
    public int InputWords { get; }

    /// <summary>Words in the output buffer of one PE.</summary>
    public int OutputWords { get; }

    /// <summary>Words in the residual buffer of one PE.</summary>
    public int ResidualWords { get; }

    /// <summary>Bytes of one weight tile: one vector for each lane.</summary>
    public int WeightTileBytes { get; }

    /// <summary>Beats of a weight tile.</summary>
    public int BeatsPerWeightTile { get; }

    /// <summary>Neighbouring taps of a kernel row that a diagonal layer takes at once: all that two words are sure to hold.</summary>
    public int RowTaps => VectorsPerWord + 1;

    /// <summary>Bytes from one step's weights to the next where all lanes have the same: a power of two, so that they lie in one
    /// tile.</summary>
    public int RowTapScalars => (int)BitOperations.RoundUpToPowerOf2((uint)RowTaps);

    /// <summary>Weights of one byte that a weight tile holds when all lanes have the same: a power of two.</summary>
    public int ScalarsPerWeightTile => 1 << BitOperations.Log2((uint)WeightTileBytes);

    /// <summary>Tiles that the shared weight buffer holds.</summary>
    public int WeightTiles { get; }

    /// <summary>Lane groups in one vector: passes that a lane-wise operator makes over it.</summary>
    public int LaneSegments { get; }

    /// <summary>Bytes of one tile of bias and scale, in whole beats.</summary>
    public int ParameterTileBytes { get; }

    /// <summary>Multiply-accumulates of the whole array in one cycle.</summary>
    public int PeakMacsPerCycle { get; }

    /// <summary>Bytes of one command.</summary>
    public int CommandBytes => CommandByteCount;

    /// <summary>Beats of a command.</summary>
    public int BeatsPerCommand { get; }
}
