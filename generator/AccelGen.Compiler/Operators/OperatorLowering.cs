using AccelGen.Network;
using AccelGen.Network.Quantized;
using static AccelGen.Compiler.NetworkCompiler;

namespace AccelGen.Compiler.Operators;

/// <summary>Units that an operator may need beyond the array; residual, table and transposition are any layer's.</summary>
[Flags]
internal enum OperatorUnits
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Each lane reads its own channel.</summary>
    LaneWise = 1,

    /// <summary>Products of two tensors, element by element.</summary>
    Multiply = 2,

    /// <summary>Row operators.</summary>
    Row = 4,

    /// <summary>Quotients of two products.</summary>
    Quotient = 8,

    /// <summary>Resampling.</summary>
    Resize = 16,
}

/// <summary>One kind of layer as jobs: loop nests of the array, with addresses, weights and entries of parameters.</summary>
internal abstract class OperatorLowering
{
    /// <summary>Kind of layer.</summary>
    public abstract Type Kind { get; }

    /// <summary>Units that a layer needs.</summary>
    public abstract OperatorUnits Needs(QuantizedLayer layer);

    /// <summary>Padding of the image.</summary>
    public abstract Padding Padding(QuantizedLayer layer);

    /// <summary>The jobs, in the order in which they run.</summary>
    public abstract List<LayerJob> Lower(LoweringCall call);
}

/// <summary>One kind of layer as jobs.</summary>
/// <typeparam name="T">Kind of layer.</typeparam>
internal abstract class OperatorLowering<T> : OperatorLowering
    where T : QuantizedLayer
{
    /// <inheritdoc/>
    public override Type Kind => typeof(T);

    /// <inheritdoc/>
    public override OperatorUnits Needs(QuantizedLayer layer) => Needs((T)layer);

    /// <inheritdoc/>
    public override Padding Padding(QuantizedLayer layer) => Padding((T)layer);

    /// <inheritdoc/>
    public override List<LayerJob> Lower(LoweringCall call) => Lower((T)call.Layer, call);

    /// <summary>Units that a layer needs.</summary>
    protected abstract OperatorUnits Needs(T layer);

    /// <summary>Padding of the image.</summary>
    protected virtual Padding Padding(T layer) => default;

    /// <summary>The jobs, in the order in which they run.</summary>
    protected abstract List<LayerJob> Lower(T layer, LoweringCall call);
}
