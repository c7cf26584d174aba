using AccelGen.Isa;
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

    /// <summary>Pixels are added or, with negative padding, cut off at some side: also when not at the top or left.</summary>
    public bool Padded { get; init; }

    /// <summary>A copy of what a layer reads or writes in other rows, beside its own job.</summary>
    public bool Rearranges { get; init; }

    /// <summary>Each output channel reads only its own input channel.</summary>
    public bool Diagonal { get; init; }

    /// <summary>Diagonal layers: a weight tile per tap instead of one for all.</summary>
    public bool WeightPerTap { get; init; } = true;

    /// <summary>Address of the weight tiles [lane tile][vector][kernel row][kernel column]; unused when <see cref="RightOperand"/> is
    /// set.</summary>
    public long WeightAddress { get; init; }

    /// <summary>Right operand of a matrix product, whose tokens become the lanes.</summary>
    public TensorLayout? RightOperand { get; init; }

    /// <summary>
    /// Address of a weight tile per input vector that holds the negative zero point of the right operand: its products with
    /// the input are added first. Null when that zero point is 0.
    /// </summary>
    public long? RightZeroPointAddress { get; init; }

    /// <summary>Address of the bias and scale entries, one per lane tile.</summary>
    public required long ParameterAddress { get; init; }

    /// <summary>One entry serves all lane tiles.</summary>
    public bool ParameterShared { get; init; }

    /// <summary>Second operand at the output, added, subtracted or multiplied.</summary>
    public TensorLayout? Residual { get; init; }
    public int ResidualZeroPoint { get; init; }
    public FixedPointScale ResidualScale { get; init; }
    public bool ResidualSubtract { get; init; }
    public bool Multiply { get; init; }
    public Broadcast ResidualBroadcast { get; init; }

    /// <summary>Address of the activation table, 256 bytes.</summary>
    public long? TableAddress { get; init; }

    /// <summary>Diagonal layers: a kernel column of the loop is several neighbouring taps.</summary>
    public bool RowTaps { get; init; }

    /// <summary>Columns that the last of these reaches beyond its first tap.</summary>
    public int RowTapReach { get; init; }

    /// <summary>Diagonal layers keep the largest tap instead of adding.</summary>
    public bool Maximum { get; init; }

    /// <summary>Average pooling.</summary>
    public bool Average { get; init; }

    /// <summary>Resampling, or null.</summary>
    public ResizeJob? Resize { get; init; }

    /// <summary>Row operator over the computed channels, or null.</summary>
    public RowJob? Row { get; init; }

    /// <summary>
    /// Product that takes the results of this one, pixel by pixel, without a way through memory: attention. This job is then
    /// a matrix product with a softmax.
    /// </summary>
    public LayerJob? Then { get; init; }

    /// <summary>1x1 convolution that computes the input of this one, window by window, without a way through memory; there is a third
    /// product in <see cref="Then"/>.</summary>
    public LayerJob? Before { get; init; }

    /// <summary>
    /// Layer of a row operator that works on this layer's output as well as others do: both are stored. Of that job only the
    /// row operator, what it writes and the block count.
    /// </summary>
    public LayerJob? Also { get; init; }

    /// <summary>Right operand of the denominator of a quotient; its one row becomes lane 0.</summary>
    public TensorLayout? Denominator { get; init; }

    /// <summary>The output is stored with pixels and channels exchanged; <see cref="Output"/> is then as computed, this as
    /// stored.</summary>
    public TensorLayout? Transposed { get; init; }

    /// <summary>Channels that the array computes; the output's, but for an arg max.</summary>
    public int? ComputedChannels { get; init; }

    /// <summary>Channels that the array computes.</summary>
    public int LaneChannels => ComputedChannels ?? Output.Shape.Channels;

    /// <summary>Diagonal layers in which all lanes have the same weights.</summary>
    public bool WeightScalar => Diagonal && (!WeightPerTap || Average || Resize is not null);

    /// <summary>Output rows and columns per pixel that the array computes: the phases of a resampling.</summary>
    public (int Rows, int Columns) Up => Resize?.Up ?? (1, 1);
    public int? InputExtent { get; init; }
    public int? OutputExtent { get; init; }

    /// <summary>Bits by which a path's variant is shifted and added to <see cref="ParameterAddress"/>; 0 where all paths have the same
    /// parameters.</summary>
    public int ParameterVariantShift { get; init; }

    /// <summary>Vectors of output channels before those of this job, where it is a part of a layer whose channels a register
    /// limits.</summary>
    public int ExtentStart { get; init; }

    /// <summary>Plane of the input that each input vector is, or null: its own number.</summary>
    public ValueList? InputOrder { get; init; }

    /// <summary>Plane of the input that an input vector is.</summary>
    /// <param name="vector">Number of the vector.</param>
    public int Plane(int vector) => InputOrder?[vector] ?? vector;

    /// <summary>Input vectors from one on whose planes follow each other: what one LOAD takes.</summary>
    /// <param name="vector">Number of the first.</param>
    public int PlanesTogether(int vector)
    {
        if (InputOrder is null)
            return int.MaxValue;
        int count = 1;
        while (vector + count < InputOrder.Count && InputOrder[vector + count] == InputOrder[vector] + count)
            count++;
        return count;
    }

    public int? Block { get; init; }

    /// <summary>Runs where the block is skipped, instead of where it is kept.</summary>
    public bool WhereSkipped { get; init; }

    /// <summary>The layer without what has no part in the choice of a tiling: addresses, zero points, names.</summary>
    public LayerJob ShapeOnly() =>
        this with
        {
            Name = string.Empty,
            LayerIndex = 0,
            InputZeroPoint = 0,
            OutputZeroPoint = 0,
            ClampLow = 0,
            ClampHigh = 0,
            Batch = 0,
            WeightAddress = 0,
            ParameterAddress = 0,
            ResidualZeroPoint = 0,
            ResidualScale = default,
            ResidualSubtract = false,
            Block = null,
            WhereSkipped = false,
            TableAddress = TableAddress is null ? null : 0,
            Row = Row is null ? null : new RowJob(Row.Function, Row.Channels, Row.ParameterAddress is null ? null : 0),
            Denominator = Denominator is null ? null : Denominator with { Address = 0 },
            Then = Then?.ShapeOnly(),
            Before = Before?.ShapeOnly(),
            Also = Also?.ShapeOnly(),
            Transposed = Transposed is null ? null : Transposed with { Address = 0 },
            RightZeroPointAddress = RightZeroPointAddress is null ? null : 0,
            Input = Input with { Address = 0 },
            Output = Output with { Address = 0 },
            Residual = Residual is null ? null : Residual with { Address = 0 },
            RightOperand = RightOperand is null ? null : RightOperand with { Address = 0 },
        };
}

/// <summary>What a row operator computes over the channels of each pixel of a tile.</summary>
/// <param name="Function">Softmax, layer normalisation or arg max.</param>
/// <param name="Channels">Channels of a pixel.</param>
/// <param name="ParameterAddress">Address of the entries of beta, gamma and shift, or null.</param>
internal sealed record RowJob(RowFunction Function, int Channels, long? ParameterAddress)
{
    /// <summary>Layer that it is, also where it joins the layer before.</summary>
    public int LayerIndex { get; init; }
    public uint ExponentMultiplier { get; init; }
    public FixedPointScale OutputScale { get; init; } = new(0, 1);
    public long Epsilon { get; init; }
    public int ZeroPoint { get; init; }
    public int ClampLow { get; init; }
    public int ClampHigh { get; init; }
}

/// <summary>Phases of a resampling: each is a small diagonal convolution that writes every Up-th output pixel.</summary>
/// <param name="Up">Phases in rows and columns.</param>
/// <param name="FirstRow">First input row of each row phase.</param>
/// <param name="FirstColumn">First input column of each column phase.</param>
/// <param name="Rows">Rows of the window that all phases share.</param>
/// <param name="Columns">Columns of that window.</param>
internal sealed record ResizeJob(
    (int Rows, int Columns) Up,
    ValueList FirstRow,
    ValueList FirstColumn,
    (int First, int Extra) Rows,
    (int First, int Extra) Columns
)
{
    public int Phases => Up.Rows * Up.Columns;

    /// <summary>
    /// First row (or column) of the window, and how many rows it has beyond the taps of one phase. A period's own pixels
    /// are in it, because the nearest pixel of a tap outside the image is one of them.
    /// </summary>
    public static (int First, int Extra) Window(ValueList first, int taps, int down)
    {
        int from = Math.Min(first.Min, down - 1),
            to = Math.Max(first.Max + taps - 1, 0);
        return (from, to - from - (taps - 1));
    }
}

/// <summary>Numbers that are equal when their values are: part of the key under which tilings are kept.</summary>
internal sealed class ValueList(IReadOnlyList<int> values) : IEquatable<ValueList>
{
    public int this[int index] => values[index];
    public int Count => values.Count;
    public int Min => values.Min();
    public int Max => values.Max();

    public bool Equals(ValueList? other) => other is not null && values.SequenceEqual(other.Values);

    public override bool Equals(object? obj) => Equals(obj as ValueList);

    public override int GetHashCode() => values.Aggregate(17, HashCode.Combine);

    private IReadOnlyList<int> Values => values;
}
