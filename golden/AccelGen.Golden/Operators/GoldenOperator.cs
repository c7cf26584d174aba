using AccelGen.Network.Quantized;

namespace AccelGen.Golden.Operators;

/// <summary>What an operator is run on.</summary>
/// <param name="Layer">Layer.</param>
/// <param name="Operands">Tensors that it reads, in the order of <see cref="QuantizedLayer.Reads"/>.</param>
/// <param name="Shape">Shape of what it computes.</param>
/// <param name="ZeroPoint">Zero point of what it computes.</param>
/// <param name="KeepInputs">Input channels of a convolution from here on contribute nothing; null keeps all.</param>
/// <param name="KeepOutputs">Output channels of a convolution from here on are left at 0; null computes all.</param>
internal sealed record OperatorCall(
    QuantizedLayer Layer,
    IReadOnlyList<Operand> Operands,
    TensorShape Shape,
    int ZeroPoint,
    int? KeepInputs,
    int? KeepOutputs
)
{
    /// <summary>The first operand.</summary>
    public Operand X => Operands[0];

    private Operand? Residual => Layer.Residual is null ? null : Operands[^1];

    /// <summary>Requantises sums, adds the residual and clamps.</summary>
    public sbyte[] Finish(int[] sums, FixedPointScale[] scales, int[]? bias = null, Func<int, int, int>? phase = null, int? keep = null) =>
        new PostProcessing(Layer, Shape, ZeroPoint, Residual, scales, bias, phase, keep).FinishAll(sums);

    /// <summary>The same of sums that come one after the other, while they are in the cache.</summary>
    public sbyte[] Stream(Action<PostProcessing> compute, FixedPointScale[] scales, int[]? bias = null, int? keep = null)
    {
        var post = new PostProcessing(Layer, Shape, ZeroPoint, Residual, scales, bias, null, keep);
        compute(post);
        return post.Result;
    }

    /// <summary>Counts of an operand less its zero point.</summary>
    public static int[] Counts(Operand x)
    {
        var sums = new int[x.Values.Length];
        for (int i = 0; i < sums.Length; i++)
            sums[i] = x.Values[i] - x.ZeroPoint;
        return sums;
    }
}

/// <summary>The definition of one kind of layer: its counts before a table and a transposition.</summary>
internal abstract class GoldenOperator
{
    /// <summary>Kind of layer.</summary>
    public abstract Type Kind { get; }

    /// <summary>Runs it.</summary>
    public abstract sbyte[] Execute(OperatorCall call);
}

/// <summary>The definition of one kind of layer.</summary>
/// <typeparam name="T">Kind of layer.</typeparam>
internal abstract class GoldenOperator<T> : GoldenOperator
    where T : QuantizedLayer
{
    /// <inheritdoc/>
    public override Type Kind => typeof(T);

    /// <inheritdoc/>
    public override sbyte[] Execute(OperatorCall call) => Execute((T)call.Layer, call);

    /// <summary>Runs it.</summary>
    protected abstract sbyte[] Execute(T layer, OperatorCall call);
}
