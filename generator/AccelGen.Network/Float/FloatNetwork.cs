using AccelGen.Network.Quantized;

namespace AccelGen.Network.Float;

/// <summary>A float activation tensor, stored NHWC.</summary>
/// <param name="Id">Index in <see cref="FloatNetwork.Tensors"/>.</param>
/// <param name="Name">Name for reports.</param>
/// <param name="Shape">NHWC shape.</param>
/// <param name="SharesStorageWith">Tensor whose memory this one overwrites in place (a residual stream), or null.</param>
public sealed record FloatTensor(int Id, string Name, TensorShape Shape, int? SharesStorageWith = null);

/// <summary>Bounds that a layer's output is clamped to: ReLU is 0 to infinity.</summary>
/// <param name="Low">Lower bound, in real units.</param>
/// <param name="High">Upper bound, in real units.</param>
public readonly record struct OutputRange(float Low, float High)
{
    /// <summary>No clamp.</summary>
    public static OutputRange Unbounded { get; } = new(float.NegativeInfinity, float.PositiveInfinity);

    /// <summary>ReLU.</summary>
    public static OutputRange Relu { get; } = new(0, float.PositiveInfinity);

    /// <summary>Every value in this range is also in the other.</summary>
    public bool Within(OutputRange other) => Low >= other.Low && High <= other.High;
}

/// <summary>A layer of a float network.</summary>
/// <param name="Name">Name, after the ONNX node.</param>
/// <param name="Input">Tensor read.</param>
/// <param name="Output">Tensor written.</param>
public abstract record FloatLayer(string Name, int Input, int Output)
{
    /// <summary>Clamp of the output, after the residual addition.</summary>
    public OutputRange Range { get; init; } = OutputRange.Unbounded;

    /// <summary>Tensor added to the result before the clamp, or null.</summary>
    public int? Residual { get; init; }

    /// <summary>Skippable block the layer belongs to, or null.</summary>
    public int? Block { get; init; }
}

/// <summary>Convolution (cross-correlation) as ONNX Conv; a linear layer is one whose kernel covers its whole input.</summary>
public sealed record FloatConv(string Name, int Input, int Output) : FloatLayer(Name, Input, Output)
{
    /// <summary>Weights [output channel][kernel row][kernel column][input channel of the group].</summary>
    public required float[] Weights { get; init; }

    /// <summary>Bias per output channel.</summary>
    public required float[] Bias { get; init; }

    /// <summary>Kernel rows and columns.</summary>
    public required (int Rows, int Columns) Kernel { get; init; }

    /// <summary>Stride in rows and columns.</summary>
    public (int Rows, int Columns) Stride { get; init; } = (1, 1);

    /// <summary>Dilation in rows and columns.</summary>
    public (int Rows, int Columns) Dilation { get; init; } = (1, 1);

    /// <summary>Padding at the top, left, bottom and right.</summary>
    public (int Top, int Left, int Bottom, int Right) Padding { get; init; }

    /// <summary>Channel groups.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Slice or pad: weights are 0 and 1 and select channels.</summary>
    public bool IsDataMovement { get; init; }
}

/// <summary>Average over windows; padding counts in the divisor.</summary>
public sealed record FloatAveragePool(string Name, int Input, int Output) : FloatLayer(Name, Input, Output)
{
    /// <summary>Window rows and columns.</summary>
    public required (int Rows, int Columns) Kernel { get; init; }

    /// <summary>Stride in rows and columns.</summary>
    public required (int Rows, int Columns) Stride { get; init; }

    /// <summary>Padding at the top, left, bottom and right.</summary>
    public (int Top, int Left, int Bottom, int Right) Padding { get; init; }
}

/// <summary>Sum of <see cref="FloatLayer.Input"/> and <see cref="FloatLayer.Residual"/>.</summary>
public sealed record FloatAdd(string Name, int Input, int Output) : FloatLayer(Name, Input, Output);

/// <summary>A float network: what an import gives and the quantiser reads.</summary>
/// <param name="Name">Name for reports.</param>
/// <param name="Tensors">Activation tensors; <see cref="FloatTensor.Id"/> is the index.</param>
/// <param name="Layers">Layers in execution order.</param>
/// <param name="Blocks">Residual blocks that a path may skip.</param>
/// <param name="Inputs">Tensors given by the user.</param>
/// <param name="Outputs">Tensors returned.</param>
public sealed record FloatNetwork(
    string Name,
    IReadOnlyList<FloatTensor> Tensors,
    IReadOnlyList<FloatLayer> Layers,
    IReadOnlyList<SkippableBlock> Blocks,
    IReadOnlyList<int> Inputs,
    IReadOnlyList<int> Outputs)
{
    /// <summary>The tensor that owns the storage of a tensor.</summary>
    public int Home(int tensor)
    {
        while (Tensors[tensor].SharesStorageWith is int other)
            tensor = other;
        return tensor;
    }

    /// <summary>Number of weights and biases; data movement has none.</summary>
    public long Parameters => Layers.OfType<FloatConv>().Where(c => !c.IsDataMovement).Sum(c => c.Weights.LongLength + c.Bias.Length);

    /// <summary>Multiply-accumulates for one input.</summary>
    public long Macs => Layers.OfType<FloatConv>().Where(c => !c.IsDataMovement)
        .Sum(c => Tensors[c.Output].Shape.Elements * (c.Weights.LongLength / c.Bias.Length));
}
