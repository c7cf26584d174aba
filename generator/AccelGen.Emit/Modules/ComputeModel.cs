using System.Numerics;
using AccelGen.Config;
using AccelGen.Isa;

namespace AccelGen.Emit.Modules;

/// <summary>Model of acc_compute: the compute queue.</summary>
/// <param name="config">Configuration.</param>
internal sealed class ComputeModel(AcceleratorConfig config)
{
    /// <summary>Functional units.</summary>
    public UnitsConfig Units => config.Units;

    /// <summary>Commands that wait in the queue.</summary>
    public int QueueDepth => config.Control.QueueDepth;

    /// <summary>Words of the buffers.</summary>
    public WordSizes Words { get; } = new(config);

    /// <summary>Scalar weights from one step to the next where neighbouring taps are taken at once.</summary>
    public int RowTapScalars => config.Derived.RowTapScalars;

    /// <summary>Mask of a scalar weight's place in its tile.</summary>
    public int ScalarMask => config.Derived.ScalarsPerWeightTile - 1;

    /// <summary>Binary logarithm of the scalar weights of a tile.</summary>
    public int ScalarShift => BitOperations.Log2((uint)config.Derived.ScalarsPerWeightTile);

    /// <summary>Fields of the header.</summary>
    public Named<FieldBits> Header => IsaNames.Header;

    /// <summary>Fields of COMPUTE.</summary>
    public Named<FieldBits> Compute { get; } = IsaNames.Of(ComputeCommand.Definition);
}
