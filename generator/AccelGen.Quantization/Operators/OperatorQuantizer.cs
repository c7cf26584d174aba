using System.Numerics.Tensors;
using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization.Operators;

/// <summary>What an operator is quantised with.</summary>
/// <param name="Layer">Float layer.</param>
/// <param name="Tensors">Tensors by id.</param>
/// <param name="Y">Scale and zero point of what the layer computes: those of its output, or of its activation's argument.</param>
/// <param name="Low">Smallest output count.</param>
/// <param name="High">Largest output count.</param>
internal sealed record QuantizerCall(FloatLayer Layer, QuantizedTensor[] Tensors, QuantizedTensor Y, int Low, int High)
{
    /// <summary>Tensor of the input.</summary>
    public QuantizedTensor X => Tensors[Layer.Input];
}

/// <summary>From one kind of float layer to a quantised one.</summary>
internal abstract class OperatorQuantizer
{
    /// <summary>Below the limit of 2^22 by more than rounding adds.</summary>
    public const double LargestFactor = (1 << 22) * 0.999;

    /// <summary>Kind of layer.</summary>
    public abstract Type Kind { get; }

    /// <summary>The result is clamped before a table.</summary>
    public virtual bool Clamps => true;

    /// <summary>Quantises a layer; residual, block, table and transposition are the caller's.</summary>
    public abstract QuantizedLayer Quantize(QuantizerCall call);

    /// <summary>Smallest scale of what a layer computes, times <see cref="LargestFactor"/>, without regard to its residual.</summary>
    public abstract double LeastScale(FloatLayer layer, Func<int, double> scale);

    /// <summary>Smallest scale of a layer's input.</summary>
    public abstract double LeastInputScale(FloatLayer layer);

    /// <summary>Scale and zero point that the result has by its nature, or null: they are those of its range.</summary>
    /// <param name="options">Choices.</param>
    /// <param name="free">No other tensor needs them to be others.</param>
    public virtual (double Scale, int ZeroPoint)? Natural(QuantizerOptions options, bool free) => null;

    /// <summary>A factor in fixed point. One of whole sums that saturates all but 0 does so as well when it is the largest. Sums to which
    /// something is added, and what is no whole number, have no such freedom.</summary>
    /// <param name="layer">Layer.</param>
    /// <param name="factor">Factor.</param>
    /// <param name="whole">It is a factor of whole sums.</param>
    /// <exception cref="InputException">The factor is outside what the integer operators can hold.</exception>
    public static FixedPointScale Factor(FloatLayer layer, double factor, bool whole = true) =>
        factor switch
        {
            >= 0 and < 1 << 22 => FixedPointScale.FromReal(factor),
            < 0 => throw new InputException(
                FaultCodes.ScaleOutOfRange,
                $"layer {layer.Name}",
                $"its factor {factor:G3} is negative",
                "negate an operand instead"
            ),
            >= 1 << 22 when whole && layer.Residual is null => FixedPointScale.FromReal(LargestFactor),
            _ => throw new InputException(
                FaultCodes.ScaleOutOfRange,
                $"layer {layer.Name}",
                $"one count of its operands is {factor:G3} counts of its output",
                "it must be below 2^22: its output needs a larger scale"
            ),
        };
}

/// <summary>From one kind of float layer to a quantised one.</summary>
/// <typeparam name="T">Kind of layer.</typeparam>
internal abstract class OperatorQuantizer<T> : OperatorQuantizer
    where T : FloatLayer
{
    /// <inheritdoc/>
    public override Type Kind => typeof(T);

    /// <inheritdoc/>
    public override QuantizedLayer Quantize(QuantizerCall call) => Quantize((T)call.Layer, call);

    /// <inheritdoc/>
    public override double LeastScale(FloatLayer layer, Func<int, double> scale) => LeastScale((T)layer, scale);

    /// <inheritdoc/>
    public override double LeastInputScale(FloatLayer layer) => LeastInputScale((T)layer);

    /// <summary>Quantises a layer; residual, block, table and transposition are the caller's.</summary>
    protected abstract QuantizedLayer Quantize(T layer, QuantizerCall call);

    /// <summary>Smallest scale of what a layer computes: only where something is added to its sums.</summary>
    protected virtual double LeastScale(T layer, Func<int, double> scale) => layer.Residual is null ? 0 : Unit(layer, scale);

    /// <summary>Real number that a count of the layer's sums stands for.</summary>
    protected virtual double Unit(T layer, Func<int, double> scale) => layer.Factor * scale(layer.Input);

    /// <summary>Smallest scale of a layer's input.</summary>
    protected virtual double LeastInputScale(T layer) => 0;

    /// <summary>Largest magnitude among values, 0 where there are none.</summary>
    protected static double Largest(float[] values) =>
        values.Length == 0 ? 0 : Math.Abs((double)TensorPrimitives.MaxMagnitude<float>(values));
}
