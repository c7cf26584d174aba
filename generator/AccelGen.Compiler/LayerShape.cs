using AccelGen.Isa;
using AccelGen.Network.Quantized;

namespace AccelGen.Compiler;

/// <summary>
/// A layer as the array sees it: one convolution-shaped loop nest over tensors in memory. Linear layers, pooling,
/// additions and each matrix of a batched product become one of these. Everything that bears on the choice of its tiling is here,
/// and nothing else: layers of equal shape have one tiling.
/// </summary>
internal record LayerShape
{
    public required TensorLayout Input { get; init; }
    public required TensorLayout Output { get; init; }
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
    public bool Depthwise { get; init; }

    /// <summary>Depthwise layers: a weight tile per tap instead of one for all.</summary>
    public bool WeightPerTap { get; init; } = true;

    /// <summary>Right operand of a matrix product, whose tokens become the lanes.</summary>
    public TensorLayout? RightOperand { get; init; }

    /// <summary>One entry serves all lane tiles.</summary>
    public bool ParameterShared { get; init; }

    /// <summary>Second operand at the output, added, subtracted or multiplied.</summary>
    public TensorLayout? Residual { get; init; }

    public bool Multiply { get; init; }
    public Broadcast ResidualBroadcast { get; init; }

    /// <summary>Depthwise layers: a kernel column of the loop is several neighbouring taps.</summary>
    public bool RowTaps { get; init; }

    /// <summary>Columns that the last of these reaches beyond its first tap.</summary>
    public int RowTapReach { get; init; }

    /// <summary>Depthwise layers keep the largest tap instead of adding.</summary>
    public bool Maximum { get; init; }

    /// <summary>Average pooling.</summary>
    public bool Average { get; init; }

    /// <summary>Resampling, or null.</summary>
    public ResizeJob? Resize { get; init; }

    /// <summary>Row operator over the computed channels, or null.</summary>
    public RowShape? Row { get; init; }

    /// <summary>
    /// Product that takes the results of this one, pixel by pixel, without a way through memory: attention. This layer is then
    /// a matrix product with a softmax.
    /// </summary>
    public LayerShape? Consumer { get; init; }

    /// <summary>1x1 convolution that computes the input of this one, window by window, without a way through memory; there is a third
    /// product in <see cref="Consumer"/>.</summary>
    public LayerShape? Producer { get; init; }

    /// <summary>
    /// Layer of a row operator that works on this layer's output as well as others do: both are stored. Of that one only the
    /// row operator, what it writes and the block count.
    /// </summary>
    public LayerShape? SecondResult { get; init; }

    /// <summary>Right operand of the denominator of a quotient; its one row becomes lane 0.</summary>
    public TensorLayout? Denominator { get; init; }

    /// <summary>The output is stored with pixels and channels exchanged; <see cref="Output"/> is then as computed, this as
    /// stored.</summary>
    public TensorLayout? Transposed { get; init; }

    /// <summary>Channels that the array computes; the output's, but for an arg max.</summary>
    public int? ComputedChannels { get; init; }

    /// <summary>Channels that the array computes.</summary>
    public int LaneChannels => ComputedChannels ?? Output.Shape.Channels;

    /// <summary>Depthwise layers in which all lanes have the same weights.</summary>
    public bool WeightScalar => Depthwise && (!WeightPerTap || Average || Resize is not null);

    /// <summary>Output rows and columns per pixel that the array computes: the phases of a resampling.</summary>
    public (int Rows, int Columns) Up => Resize?.Up ?? (1, 1);

    public int? InputExtent { get; init; }
    public int? OutputExtent { get; init; }

    /// <summary>Bits by which a path's variant is shifted and added to <see cref="LayerJob.ParameterAddress"/>; 0 where all paths have the
    /// same parameters.</summary>
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

    /// <summary>Results are looked up in an activation table.</summary>
    public bool HasTable { get; protected init; }

    /// <summary>The right operand's zero point is subtracted by products of its own.</summary>
    public bool HasRightZeroPoint { get; protected init; }

    /// <summary>The shape alone: what a job has beside it stays behind, and so do the addresses of its tensors.</summary>
    public LayerShape Shape() =>
        new(this)
        {
            Input = Input with { Address = 0 },
            Output = Output with { Address = 0 },
            Residual = Residual is null ? null : Residual with { Address = 0 },
            RightOperand = RightOperand is null ? null : RightOperand with { Address = 0 },
            Denominator = Denominator is null ? null : Denominator with { Address = 0 },
            Transposed = Transposed is null ? null : Transposed with { Address = 0 },
            Row = Row?.Shape(),
            Consumer = Consumer?.Shape(),
            Producer = Producer?.Shape(),
            SecondResult = SecondResult?.Shape(),
        };
}

/// <summary>What a row operator computes over the channels of each pixel of a tile.</summary>
/// <param name="Function">Softmax, layer normalisation or arg max.</param>
/// <param name="Channels">Channels of a pixel.</param>
internal record RowShape(RowFunction Function, int Channels)
{
    /// <summary>It has entries of beta, gamma and shift.</summary>
    public bool HasParameters { get; protected init; }

    /// <summary>The shape alone.</summary>
    public RowShape Shape() => new(this);
}

/// <summary>Phases of a resampling: each is a small depthwise convolution that writes every Up-th output pixel.</summary>
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
