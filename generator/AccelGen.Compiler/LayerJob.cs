using AccelGen.Isa;
using AccelGen.Network.Quantized;

namespace AccelGen.Compiler;

/// <summary>A layer of a shape at its place: addresses, zero points, factors, and when it runs.</summary>
internal sealed record LayerJob : LayerShape
{
    public required string Name { get; init; }
    public required int LayerIndex { get; init; }
    public required int InputZeroPoint { get; init; }
    public required int OutputZeroPoint { get; init; }
    public required int ClampLow { get; init; }
    public required int ClampHigh { get; init; }
    public int Batch { get; init; }

    /// <summary>Address of the weight tiles [lane tile][vector][kernel row][kernel column]; unused when
    /// <see cref="LayerShape.RightOperand"/> is
    /// set.</summary>
    public long WeightAddress { get; init; }

    /// <summary>
    /// Address of a weight tile per input vector that holds the negative zero point of the right operand: its products with
    /// the input are added first. Null when that zero point is 0.
    /// </summary>
    public long? RightZeroPointAddress
    {
        get;
        init => HasRightZeroPoint = (field = value) is not null;
    }

    /// <summary>Address of the bias and scale entries, one per lane tile.</summary>
    public required long ParameterAddress { get; init; }

    public int ResidualZeroPoint { get; init; }
    public FixedPointScale ResidualScale { get; init; }
    public bool ResidualSubtract { get; init; }

    /// <summary>Address of the activation table, 256 bytes.</summary>
    public long? TableAddress
    {
        get;
        init => HasTable = (field = value) is not null;
    }

    public int? Block { get; init; }

    /// <summary>Runs where the block is skipped, instead of where it is kept.</summary>
    public bool WhereSkipped { get; init; }

    /// <inheritdoc cref="LayerShape.Row"/>
    public new RowJob? Row
    {
        get => (RowJob?)base.Row;
        init => base.Row = value;
    }

    /// <inheritdoc cref="LayerShape.Consumer"/>
    public new LayerJob? Consumer
    {
        get => (LayerJob?)base.Consumer;
        init => base.Consumer = value;
    }

    /// <inheritdoc cref="LayerShape.Producer"/>
    public new LayerJob? Producer
    {
        get => (LayerJob?)base.Producer;
        init => base.Producer = value;
    }

    /// <inheritdoc cref="LayerShape.SecondResult"/>
    public new LayerJob? SecondResult
    {
        get => (LayerJob?)base.SecondResult;
        init => base.SecondResult = value;
    }
}

/// <summary>A row operator at its place: addresses and factors.</summary>
/// <inheritdoc cref="RowShape"/>
internal sealed record RowJob(RowFunction Function, int Channels) : RowShape(Function, Channels)
{
    /// <summary>Address of the entries of beta, gamma and shift, or null.</summary>
    public long? ParameterAddress
    {
        get;
        init => HasParameters = (field = value) is not null;
    }

    /// <summary>Layer that it is, also where it joins the layer before.</summary>
    public int LayerIndex { get; init; }
    public uint ExponentMultiplier { get; init; }
    public FixedPointScale OutputScale { get; init; } = new(0, 1);
    public long Epsilon { get; init; }
    public int ZeroPoint { get; init; }
    public int ClampLow { get; init; }
    public int ClampHigh { get; init; }
}
