using AccelGen.Files;

namespace AccelGen.Network.Quantized.Rules;

/// <summary>A layer in its network.</summary>
/// <param name="Network">Network.</param>
/// <param name="Layer">Layer.</param>
/// <param name="To">Shape of what it computes.</param>
internal sealed record LayerPlace(QuantizedNetwork Network, QuantizedLayer Layer, TensorShape To)
{
    /// <summary>Shape of the input.</summary>
    public TensorShape From => Network.Tensors[Layer.Input].Shape;

    /// <summary>Largest count of the input less its zero point.</summary>
    public long Largest => Network.Tensors[Layer.Input].ZeroPoint is var zero ? Math.Max(127 - zero, zero + 128) : 0;
}

/// <summary>What is legal in one kind of layer.</summary>
internal abstract class LayerRules
{
    /// <summary>Sums have 32 bits.</summary>
    protected const long MaxSum = int.MaxValue;

    /// <summary>What is wrong with a scale that is not <see cref="Legal"/>.</summary>
    public const string IllegalScale = "scale is not of 24 bits with a shift of 1 to 63";

    /// <summary>Kind of layer.</summary>
    public abstract Type Kind { get; }

    /// <summary>A residual can be added to the result.</summary>
    public virtual bool TakesResidual => true;

    /// <summary>Each pixel of the output is made of the same pixel of the input.</summary>
    public abstract bool IsPointwise(QuantizedLayer layer);

    /// <summary>What is wrong with attributes that must be sound before a shape can be computed, or null.</summary>
    public abstract Fault? Attributes(QuantizedLayer layer, TensorShape from);

    /// <summary>What is wrong with shapes, weights and factors.</summary>
    public abstract IEnumerable<Fault> Shapes(LayerPlace place);

    /// <summary>What no configuration can do in one layer of this kind, whatever its shapes are.</summary>
    public abstract IEnumerable<Fault> Refusals(QuantizedLayer layer, QuantizedNetwork network);

    /// <summary>What no configuration can do in one layer of this kind, <see cref="Refusals"/> among it.</summary>
    public abstract IEnumerable<Fault> Combinations(LayerPlace place);

    // [B, 1, M, K] x [B, 1, N, K] -> [B, 1, M, N]; the pixels of each may be rows and columns.
    protected static bool Product(TensorShape left, TensorShape right, TensorShape to) =>
        left.Batch == to.Batch
        && right.Batch == to.Batch
        && left.Channels == right.Channels
        && right.Height * right.Width == to.Channels
        && left.Height * left.Width == to.Height * to.Width;

    /// <summary>Shape of an operand some of whose axes are repeated.</summary>
    public static TensorShape Operand(TensorShape shape, Broadcast broadcast) =>
        broadcast switch
        {
            Broadcast.Pixels => shape with { Height = 1, Width = 1 },
            Broadcast.Channels => shape with { Channels = 1 },
            _ => shape,
        };

    protected static bool Positive(Size v) => v.Rows > 0 && v.Columns > 0;

    // Negative padding cuts rows and columns off.
    protected static bool Sane(Padding v) => new[] { v.Top, v.Left, v.Bottom, v.Right }.All(p => p is >= -(1 << 20) and <= 1 << 20);

    protected static bool NotNegative(Padding v) => v is { Top: >= 0, Left: >= 0, Bottom: >= 0, Right: >= 0 };

    /// <summary>A factor that the hardware can hold.</summary>
    public static bool Legal(FixedPointScale s) =>
        s.Multiplier < 1 << FixedPointScale.MultiplierBits && s.Shift is >= 1 and <= FixedPointScale.MaxShift;
}

/// <summary>What is legal in one kind of layer.</summary>
/// <typeparam name="T">Kind of layer.</typeparam>
internal abstract class LayerRules<T> : LayerRules
    where T : QuantizedLayer
{
    /// <inheritdoc/>
    public override Type Kind => typeof(T);

    /// <inheritdoc/>
    public override bool IsPointwise(QuantizedLayer layer) => IsPointwise((T)layer);

    /// <inheritdoc/>
    public override Fault? Attributes(QuantizedLayer layer, TensorShape from) => Attributes((T)layer, from);

    /// <inheritdoc/>
    public override IEnumerable<Fault> Shapes(LayerPlace place) => Shapes((T)place.Layer, place);

    /// <inheritdoc/>
    public override IEnumerable<Fault> Refusals(QuantizedLayer layer, QuantizedNetwork network) => Refusals((T)layer, network);

    /// <inheritdoc/>
    public override IEnumerable<Fault> Combinations(LayerPlace place) => Combinations((T)place.Layer, place);

    /// <summary>Each pixel of the output is made of the same pixel of the input.</summary>
    protected virtual bool IsPointwise(T layer) => true;

    /// <summary>What is wrong with attributes that must be sound before a shape can be computed, or null.</summary>
    protected virtual Fault? Attributes(T layer, TensorShape from) => null;

    /// <summary>What is wrong with shapes, weights and factors.</summary>
    protected abstract IEnumerable<Fault> Shapes(T layer, LayerPlace place);

    /// <summary>What no configuration can do in one layer of this kind, whatever its shapes are.</summary>
    protected virtual IEnumerable<Fault> Refusals(T layer, QuantizedNetwork network) => [];

    /// <summary>What no configuration can do in one layer of this kind, <see cref="Refusals(T, QuantizedNetwork)"/> among it.</summary>
    protected virtual IEnumerable<Fault> Combinations(T layer, LayerPlace place)
    {
        if (layer.TransposeOutput && !IsPointwise(layer) && place.To.Height > 1)
            yield return new Fault(
                FaultCodes.Combination,
                string.Empty,
                "its output is needed with pixels and channels exchanged, which only a layer of 1x1 kernels can give",
                "insert a copy"
            );
        foreach (Fault refusal in Refusals(layer, place.Network))
            yield return refusal;
    }
}
