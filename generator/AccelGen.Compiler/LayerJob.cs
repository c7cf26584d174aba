using AccelGen.Network.Quantized;

namespace AccelGen.Compiler;

/// <summary>
/// A layer as the array sees it: one convolution-shaped loop nest over tensors in memory. Linear layers, pooling,
/// additions and each matrix of a batched product become one of these.
/// </summary>
internal sealed record LayerJob
{
    public required string Name { get; init; }
    public required int LayerIndex { get; init; }
    public required TensorLayout Input { get; init; }
    public required int InputZeroPoint { get; init; }
    public required TensorLayout Output { get; init; }
    public required int OutputZeroPoint { get; init; }
    public required int ClampLow { get; init; }
    public required int ClampHigh { get; init; }
    public int Batch { get; init; }
    public (int Rows, int Columns) Kernel { get; init; } = (1, 1);
    public (int Rows, int Columns) Stride { get; init; } = (1, 1);
    public (int Rows, int Columns) Dilation { get; init; } = (1, 1);
    public int PadTop { get; init; }
    public int PadLeft { get; init; }

    /// <summary>Each output channel reads only its own input channel.</summary>
    public bool Diagonal { get; init; }

    /// <summary>Diagonal layers: a weight tile per tap instead of one for all.</summary>
    public bool WeightPerTap { get; init; } = true;

    /// <summary>Address of the weight tiles [lane tile][vector][kernel row][kernel column]; unused when <see cref="RightOperand"/> is set.</summary>
    public long WeightAddress { get; init; }

    /// <summary>Right operand of a matrix product, whose tokens become the lanes.</summary>
    public TensorLayout? RightOperand { get; init; }

    /// <summary>Address of the bias and scale entries, one per lane tile.</summary>
    public required long ParameterAddress { get; init; }
    public TensorLayout? Residual { get; init; }
    public int ResidualZeroPoint { get; init; }
    public FixedPointScale ResidualScale { get; init; }
    public int? InputExtent { get; init; }
    public int? OutputExtent { get; init; }
    public int? Block { get; init; }

    /// <summary>The layer without what has no part in the choice of a tiling: addresses, zero points, names.</summary>
    public LayerJob ShapeOnly() => this with
    {
        Name = string.Empty, LayerIndex = 0, InputZeroPoint = 0, OutputZeroPoint = 0, ClampLow = 0, ClampHigh = 0, Batch = 0, WeightAddress = 0, ParameterAddress = 0,
        ResidualZeroPoint = 0, ResidualScale = default, Block = null,
        Input = Input with { Address = 0 }, Output = Output with { Address = 0 }, Residual = Residual is null ? null : Residual with { Address = 0 },
        RightOperand = RightOperand is null ? null : RightOperand with { Address = 0 },
    };
}
