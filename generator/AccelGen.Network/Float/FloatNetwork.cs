using AccelGen.Network.Quantized;

namespace AccelGen.Network.Float;

/// <summary>A float activation tensor, stored NHWC.</summary>
/// <param name="Id">Index in <see cref="FloatNetwork.Tensors"/>.</param>
/// <param name="Name">Name for reports.</param>
/// <param name="Shape">NHWC shape.</param>
/// <param name="SharesStorageWith">
/// Tensor whose memory this one is, or null: a residual stream that a layer overwrites in place, or the same elements under
/// another split into rows and columns, which no layer writes.
/// </param>
/// <param name="Constant">NHWC values of a tensor that no layer writes (an embedding), or null.</param>
public sealed record FloatTensor(int Id, string Name, TensorShape Shape, int? SharesStorageWith = null, float[]? Constant = null)
{
    /// <summary>Quantisation that the file prescribes, or null; set in the tensor that owns the storage.</summary>
    public QuantizationParameters? Fixed { get; init; }
}

/// <summary>An affine quantisation to int8: <c>real = Scale * (q - ZeroPoint)</c>.</summary>
/// <param name="Scale">Step, positive and finite.</param>
/// <param name="ZeroPoint">Count of real zero, -128 to 127.</param>
public readonly record struct QuantizationParameters(double Scale, int ZeroPoint);

/// <summary>An activation given as a table of counts, between two prescribed quantisations.</summary>
/// <param name="Argument">Quantisation of what the table is looked up with.</param>
/// <param name="Counts">256 counts of the output; the first is that of argument -128.</param>
public sealed record FixedTable(QuantizationParameters Argument, sbyte[] Counts);

/// <summary>Integers that float weights stand for: those of the file.</summary>
/// <param name="Weights">Integers, laid out as the weights.</param>
/// <param name="Scales">Weight scale per output channel.</param>
/// <param name="Bias">Bias per output channel in counts of <paramref name="BiasScales"/>, or null where only the float bias counts.</param>
/// <param name="BiasScales">Scale of each bias.</param>
public sealed record FixedWeights(sbyte[] Weights, float[] Scales, int[]? Bias = null, float[]? BiasScales = null);

/// <summary>Activation functions, by their ONNX names; applied after the residual addition and the clamp.</summary>
public enum ActivationKind
{
    /// <summary>None.</summary>
    None,

    /// <summary>x / 2 * (1 + erf(x / sqrt 2)).</summary>
    Gelu,

    /// <summary>GELU by the tanh approximation.</summary>
    GeluTanh,

    /// <summary>1 / (1 + e^-x).</summary>
    Sigmoid,

    /// <summary>x * sigmoid(x).</summary>
    Silu,

    /// <summary>clamp(alpha * x + beta, 0, 1).</summary>
    HardSigmoid,

    /// <summary>x * clamp(x / 6 + 1/2, 0, 1).</summary>
    HardSwish,

    /// <summary>Hyperbolic tangent.</summary>
    Tanh,

    /// <summary>x, or alpha * x below 0.</summary>
    LeakyRelu,

    /// <summary>x, or alpha * (e^x - 1) below 0.</summary>
    Elu,

    /// <summary>Gauss error function.</summary>
    Erf,

    /// <summary>e^x.</summary>
    Exp,

    /// <summary>Square root.</summary>
    Sqrt,

    /// <summary>1 / x.</summary>
    Reciprocal,

    /// <summary>Absolute value.</summary>
    Abs,

    /// <summary>ln(1 + e^x).</summary>
    Softplus,

    /// <summary>The nearest whole number, halves to the even one.</summary>
    Round,
}

/// <summary>An activation function with its parameters.</summary>
/// <param name="Kind">Function.</param>
/// <param name="Alpha">First parameter, where the function has one.</param>
/// <param name="Beta">Second parameter, where the function has one.</param>
public readonly record struct Activation(ActivationKind Kind, float Alpha = 0, float Beta = 0);

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
    /// <summary>Constant factor of what the layer computes, before the residual addition.</summary>
    public float Factor { get; init; } = 1;

    /// <summary>Clamp of the output, after the residual addition.</summary>
    public OutputRange Range { get; init; } = OutputRange.Unbounded;

    /// <summary>Tensor added to the result before the clamp, or null.</summary>
    public int? Residual { get; init; }

    /// <summary>The residual is subtracted instead of added.</summary>
    public bool ResidualSubtract { get; init; }

    /// <summary>Axes of the residual that are repeated.</summary>
    public Broadcast ResidualBroadcast { get; init; }

    /// <summary>Constant factor of the residual.</summary>
    public float ResidualFactor { get; init; } = 1;

    /// <summary>Activation, after the residual and the clamp.</summary>
    public Activation Activation { get; init; }

    /// <summary>Activation as a table, in place of <see cref="Activation"/>, or null.</summary>
    public FixedTable? Table { get; init; }

    /// <summary>The output is written with pixels and channels exchanged: [Batch, 1, Channels, Height * Width] of what the layer
    /// computes.</summary>
    public bool TransposeOutput { get; init; }

    /// <summary>Skippable block the layer belongs to, or null.</summary>
    public int? Block { get; init; }

    /// <summary>Every tensor that the layer reads: the operator's, then the residual.</summary>
    public IReadOnlyList<int> Reads => Residual is int r ? [.. Operands, r] : Operands;

    /// <summary>Tensors that the operator reads, in order; the first is <see cref="Input"/>.</summary>
    protected virtual IReadOnlyList<int> Operands => [Input];

    /// <summary>Weights and biases, those of normalisations included; data movement has none.</summary>
    public virtual long Parameters => 0;

    /// <summary>Multiply-accumulates; 0 for what is neither a convolution nor a matrix product.</summary>
    /// <param name="from">Shape of <see cref="Input"/>.</param>
    /// <param name="to">Shape of <see cref="Output"/>.</param>
    public virtual long Macs(TensorShape from, TensorShape to) => 0;

    /// <summary>Shape of what the layer computes, before <see cref="TransposeOutput"/>.</summary>
    /// <param name="from">Shape of <see cref="Input"/>.</param>
    /// <param name="to">Shape of <see cref="Output"/>.</param>
    public TensorShape Computed(TensorShape from, TensorShape to)
    {
        if (!TransposeOutput)
            return to;
        Size pixels = Pixels((from.Height, from.Width));
        return new TensorShape(to.Batch, pixels.Rows, pixels.Columns, to.Width);
    }

    /// <summary>The layer on other tensors.</summary>
    /// <param name="reads">Tensors in the order of <see cref="Reads"/>.</param>
    public FloatLayer Reading(IReadOnlyList<int> reads) =>
        Residual is null ? WithOperands(reads) : WithOperands([.. reads.SkipLast(1)]) with { Residual = reads[^1] };

    /// <summary>A layer of the same shape whose values fit any scale.</summary>
    public virtual FloatLayer WithoutValues() => this with { Factor = 1, ResidualFactor = 1 };

    /// <summary>Each element of the output is one of the input's: both can have one scale and zero point.</summary>
    public virtual bool SelectsElements => false;

    /// <summary>A positive factor of a channel of every operand is the factor of that channel of the result.</summary>
    public virtual bool CarriesChannelFactors => false;

    /// <summary>Operands whose zero point must be 0.</summary>
    public virtual IReadOnlyList<int> SymmetricOperands => [];

    /// <summary>Rows and columns of what the operator computes of an image.</summary>
    /// <param name="image">Rows and columns of <see cref="Input"/>.</param>
    protected virtual Size Pixels(Size image) => image;

    /// <summary>The operator on other tensors.</summary>
    /// <param name="operands">Tensors in the order of <see cref="Operands"/>.</param>
    protected virtual FloatLayer WithOperands(IReadOnlyList<int> operands) => this with { Input = operands[0] };
}

/// <summary>Convolution (cross-correlation) as ONNX Conv; a linear layer is one whose kernel covers its whole input.</summary>
public sealed record FloatConv(string Name, int Input, int Output) : FloatLayer(Name, Input, Output)
{
    /// <summary>Weights [output channel][kernel row][kernel column][input channel of the group].</summary>
    public required float[] Weights { get; init; }

    /// <summary>Bias per output channel.</summary>
    public required float[] Bias { get; init; }

    /// <summary>Kernel rows and columns.</summary>
    public required Size Kernel { get; init; }

    /// <summary>Stride in rows and columns.</summary>
    public Size Stride { get; init; } = (1, 1);

    /// <summary>Dilation in rows and columns.</summary>
    public Size Dilation { get; init; } = (1, 1);

    /// <summary>Padding at the top, left, bottom and right.</summary>
    public Padding Padding { get; init; }

    /// <summary>Channel groups.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Integer weights and biases that the file prescribes, or null.</summary>
    public FixedWeights? Fixed { get; init; }

    /// <summary>Slice, pad, transpose or placement: weights are 0 and 1 and select channels; it may carry a clamp, an activation and a
    /// residual.</summary>
    public bool IsDataMovement { get; init; }

    /// <summary>The window that goes over the input.</summary>
    public Window Window => new(Kernel, Stride, Dilation, Padding);

    /// <inheritdoc/>
    public override bool SelectsElements => IsDataMovement;

    /// <inheritdoc/>
    public override FloatConv WithoutValues() =>
        this with
        {
            Weights = new float[Weights.Length],
            Bias = new float[Bias.Length],
            Fixed = null,
            Factor = 1,
            ResidualFactor = 1,
        };

    /// <inheritdoc/>
    protected override Size Pixels(Size image) => Window.Over(image);

    /// <inheritdoc/>
    public override long Parameters => IsDataMovement ? 0 : Weights.LongLength + Bias.Length;

    /// <inheritdoc/>
    public override long Macs(TensorShape from, TensorShape to) => IsDataMovement ? 0 : to.Elements * (Weights.LongLength / Bias.Length);
}

/// <summary>Average over windows; padding counts in the divisor.</summary>
public sealed record FloatAveragePool(string Name, int Input, int Output) : FloatLayer(Name, Input, Output)
{
    /// <summary>Window rows and columns.</summary>
    public required Size Kernel { get; init; }

    /// <summary>Stride in rows and columns.</summary>
    public required Size Stride { get; init; }

    /// <summary>Padding at the top, left, bottom and right.</summary>
    public Padding Padding { get; init; }

    /// <summary>The window that goes over the input.</summary>
    public Window Window => new(Kernel, Stride, Padding);

    /// <inheritdoc/>
    public override bool CarriesChannelFactors => true;

    /// <inheritdoc/>
    protected override Size Pixels(Size image) => Window.Over(image);
}

/// <summary>Sum of <see cref="FloatLayer.Input"/> and <see cref="FloatLayer.Residual"/>.</summary>
public sealed record FloatAdd(string Name, int Input, int Output) : FloatLayer(Name, Input, Output)
{
    /// <inheritdoc/>
    public override bool CarriesChannelFactors => true;
}

/// <summary>The input as it is: carries an activation or a clamp that nothing before could take.</summary>
public sealed record FloatCopy(string Name, int Input, int Output) : FloatLayer(Name, Input, Output)
{
    /// <inheritdoc/>
    public override bool SelectsElements => true;

    /// <inheritdoc/>
    public override bool CarriesChannelFactors => true;
}

/// <summary>Product of two tensors.</summary>
/// <param name="Name">Name for reports and for layer patterns.</param>
/// <param name="Input">Tensor read.</param>
/// <param name="Right">Second operand, of the output's shape but for the axes that are repeated.</param>
/// <param name="Output">Tensor written.</param>
public sealed record FloatMultiply(string Name, int Input, int Right, int Output) : FloatLayer(Name, Input, Output)
{
    /// <summary>Axes of the second operand that are repeated.</summary>
    public Broadcast Broadcast { get; init; }

    /// <inheritdoc/>
    protected override IReadOnlyList<int> Operands => [Input, Right];

    /// <inheritdoc/>
    protected override FloatMultiply WithOperands(IReadOnlyList<int> operands) => this with { Input = operands[0], Right = operands[1] };
}

/// <summary>Batched product of two activations, <c>x * r^T</c>: input [B, 1, M, K], right [B, 1, N, K], output [B, 1, M, N].</summary>
/// <param name="Name">Name for reports and for layer patterns.</param>
/// <param name="Input">Tensor read.</param>
/// <param name="Right">Right operand, transposed.</param>
/// <param name="Output">Tensor written.</param>
public sealed record FloatMatMul(string Name, int Input, int Right, int Output) : FloatLayer(Name, Input, Output)
{
    /// <inheritdoc/>
    protected override IReadOnlyList<int> Operands => [Input, Right];

    /// <inheritdoc/>
    public override IReadOnlyList<int> SymmetricOperands => [Right];

    /// <inheritdoc/>
    protected override FloatMatMul WithOperands(IReadOnlyList<int> operands) => this with { Input = operands[0], Right = operands[1] };

    /// <inheritdoc/>
    public override long Macs(TensorShape from, TensorShape to) => to.Elements * from.Channels;
}

/// <summary>Quotient of two products with one left operand, as in linear attention: <c>x * r^T / (x * d^T + Epsilon)</c>.</summary>
/// <param name="Name">Name for reports and for layer patterns.</param>
/// <param name="Input">Tensor read.</param>
/// <param name="Right">Right operand of the numerator, [B, 1, N, K].</param>
/// <param name="Denominator">Right operand of the denominator, [B, 1, 1, K].</param>
/// <param name="Output">Tensor written.</param>
public sealed record FloatNormalizedMatMul(string Name, int Input, int Right, int Denominator, int Output) : FloatLayer(Name, Input, Output)
{
    /// <summary>Added to the denominator.</summary>
    public float Epsilon { get; init; }

    /// <inheritdoc/>
    protected override IReadOnlyList<int> Operands => [Input, Right, Denominator];

    /// <inheritdoc/>
    public override IReadOnlyList<int> SymmetricOperands => [Right, Denominator];

    /// <inheritdoc/>
    public override FloatNormalizedMatMul WithoutValues() => this with { Epsilon = 0, Factor = 1, ResidualFactor = 1 };

    /// <inheritdoc/>
    protected override FloatNormalizedMatMul WithOperands(IReadOnlyList<int> operands) =>
        this with
        {
            Input = operands[0],
            Right = operands[1],
            Denominator = operands[2],
        };

    /// <summary>Those of both products: the denominator is one more column.</summary>
    /// <param name="from">Shape of the left operand.</param>
    /// <param name="to">Shape of the output.</param>
    public override long Macs(TensorShape from, TensorShape to) => (to.Elements * from.Channels) + from.Elements;
}

/// <summary>Softmax over the channels of each pixel.</summary>
public sealed record FloatSoftmax(string Name, int Input, int Output) : FloatLayer(Name, Input, Output)
{
    /// <summary>Constant factor of the input, positive.</summary>
    public float Slope { get; init; } = 1;

    /// <inheritdoc/>
    public override FloatSoftmax WithoutValues() => this with { Slope = 1, Factor = 1, ResidualFactor = 1 };
}

/// <summary>Layer normalisation over the channels of each pixel.</summary>
public sealed record FloatLayerNorm(string Name, int Input, int Output) : FloatLayer(Name, Input, Output)
{
    /// <summary>Factor per channel.</summary>
    public required float[] Gamma { get; init; }

    /// <summary>Addend per channel.</summary>
    public required float[] Beta { get; init; }

    /// <summary>Added to the variance.</summary>
    public required float Epsilon { get; init; }

    /// <inheritdoc/>
    public override FloatLayerNorm WithoutValues() =>
        this with
        {
            Gamma = new float[Gamma.Length],
            Beta = new float[Beta.Length],
            Epsilon = 0,
            Factor = 1,
            ResidualFactor = 1,
        };

    /// <inheritdoc/>
    public override long Parameters => (long)Gamma.Length + Beta.Length;
}

/// <summary>Index of the largest channel of each pixel, the lowest where several are; one output channel.</summary>
public sealed record FloatArgMax(string Name, int Input, int Output) : FloatLayer(Name, Input, Output);

/// <summary>Maximum over windows; padding takes no part.</summary>
public sealed record FloatMaxPool(string Name, int Input, int Output) : FloatLayer(Name, Input, Output)
{
    /// <summary>Window rows and columns.</summary>
    public required Size Kernel { get; init; }

    /// <summary>Stride in rows and columns.</summary>
    public required Size Stride { get; init; }

    /// <summary>Padding at the top, left, bottom and right.</summary>
    public Padding Padding { get; init; }

    /// <summary>The window that goes over the input.</summary>
    public Window Window => new(Kernel, Stride, Padding);

    /// <inheritdoc/>
    public override bool SelectsElements => true;

    /// <inheritdoc/>
    public override bool CarriesChannelFactors => true;

    /// <inheritdoc/>
    protected override Size Pixels(Size image) => Window.Over(image);
}

/// <summary>Resampling by fixed taps per output phase; see <see cref="ResizeLayer"/> for the indices.</summary>
public sealed record FloatResize(string Name, int Input, int Output) : FloatLayer(Name, Input, Output)
{
    /// <summary>Output rows and columns per period: the numbers of phases.</summary>
    public required Size Up { get; init; }

    /// <summary>Input rows and columns per period.</summary>
    public required Size Down { get; init; }

    /// <summary>Taps in rows and columns.</summary>
    public required Size Taps { get; init; }

    /// <summary>First input row of each row phase.</summary>
    public required int[] FirstRow { get; init; }

    /// <summary>First input column of each column phase.</summary>
    public required int[] FirstColumn { get; init; }

    /// <summary>Weights of each row phase, [phase][tap].</summary>
    public required float[] RowWeights { get; init; }

    /// <summary>Weights of each column phase, [phase][tap].</summary>
    public required float[] ColumnWeights { get; init; }

    /// <summary>Integer weights that the file prescribes in place of the two above, or null.</summary>
    public FixedTaps? Fixed { get; init; }

    /// <summary>
    /// Rows of the input that are the same one after the other: each tap row stands so many times in a row, with the part of its
    /// weight that the quantiser gives it. Integer weights are then sums, and finer; see <see cref="Finer"/>.
    /// </summary>
    public int Copies { get; init; } = 1;

    /// <inheritdoc/>
    public override bool SelectsElements => Taps == (1, 1);

    /// <inheritdoc/>
    public override bool CarriesChannelFactors => Fixed is null;

    /// <inheritdoc/>
    protected override Size Pixels(Size image) => Window.Resampled(image, Up, Down);

    /// <summary>Copies for cubic weights: one leaves 0.5 % of the results two steps off, two none.</summary>
    public const int CubicCopies = 2;

    /// <summary>The same resampling of an input whose rows come several times, and the layer that repeats them.</summary>
    /// <param name="copies">Times.</param>
    /// <param name="name">Name of the layer that repeats the rows.</param>
    /// <param name="tensor">Tensor of the repeated rows, of the input's shape with so many times its rows.</param>
    public (FloatResize Repeat, FloatResize Fine) Finer(int copies, string name, int tensor)
    {
        int taps = Taps.Rows;
        var repeat = new FloatResize(name, Input, tensor)
        {
            Up = (copies, 1),
            Down = (1, 1),
            Taps = (1, 1),
            FirstRow = new int[copies],
            FirstColumn = [0],
            RowWeights = [.. Enumerable.Repeat(1f, copies)],
            ColumnWeights = [1],
        };
        return (
            repeat,
            this with
            {
                Input = tensor,
                Copies = copies,
                Down = (Down.Rows * copies, Down.Columns),
                Taps = (taps * copies, Taps.Columns),
                FirstRow = [.. FirstRow.Select(f => f * copies)],
                RowWeights = [.. Enumerable.Range(0, RowWeights.Length * copies).Select(i => RowWeights[i / copies] / copies)],
            }
        );
    }
}

/// <summary>Integers that the weights of a resize stand for.</summary>
/// <param name="Weights">Weights [row phase][column phase][tap row][tap column].</param>
/// <param name="Scales">Weight scale of each phase.</param>
public sealed record FixedTaps(sbyte[] Weights, double[] Scales);

/// <summary>Tensors side by side along the channels.</summary>
/// <param name="Name">Name for reports and for layer patterns.</param>
/// <param name="Inputs">Tensors in order; <see cref="FloatLayer.Input"/> is the first.</param>
/// <param name="Output">Tensor written.</param>
public sealed record FloatConcat(string Name, IReadOnlyList<int> Inputs, int Output) : FloatLayer(Name, Inputs[0], Output)
{
    /// <inheritdoc/>
    protected override IReadOnlyList<int> Operands => Inputs;

    /// <inheritdoc/>
    protected override FloatConcat WithOperands(IReadOnlyList<int> operands) => this with { Input = operands[0], Inputs = operands };
}

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
    IReadOnlyList<int> Outputs
)
{
    /// <summary>The tensor that owns the storage of a tensor.</summary>
    public int Home(int tensor)
    {
        while (Tensors[tensor].SharesStorageWith is int other)
            tensor = other;
        return tensor;
    }

    /// <summary>Number of weights and biases, those of normalisations included; data movement has none.</summary>
    public long Parameters => Layers.Sum(l => l.Parameters);

    /// <summary>Multiply-accumulates of convolutions and matrix products for one input.</summary>
    public long Macs => Layers.Sum(LayerMacs);

    /// <summary>Multiply-accumulates of one layer; 0 for what is neither a convolution nor a matrix product.</summary>
    public long LayerMacs(FloatLayer layer) => layer.Macs(Tensors[layer.Input].Shape, Tensors[layer.Output].Shape);
}
