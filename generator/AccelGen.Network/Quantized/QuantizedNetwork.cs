namespace AccelGen.Network.Quantized;

/// <summary>Shape of an activation tensor; elements are stored batch, row, column, channel (NHWC), channel innermost.</summary>
/// <param name="Batch">
/// Attention heads: independent matrices of a batched matrix multiplication; 1 for images. To a convolution the heads are
/// groups of channels, head-major: channel c of head h is channel <c>h * Channels + c</c>.
/// </param>
/// <param name="Height">Rows. A token matrix of M tokens is 1 x M.</param>
/// <param name="Width">Columns.</param>
/// <param name="Channels">Channels; the reduction axis of a linear layer.</param>
public readonly record struct TensorShape(int Batch, int Height, int Width, int Channels)
{
    /// <summary>Number of elements.</summary>
    public long Elements => (long)Batch * Height * Width * Channels;

    /// <summary>Index of an element in the NHWC array.</summary>
    public int Index(int batch, int row, int column, int channel) => (((((batch * Height) + row) * Width) + column) * Channels) + channel;

    /// <inheritdoc/>
    public override string ToString() => $"{Batch}x{Height}x{Width}x{Channels}";
}

/// <summary>An int8 activation tensor: <c>real = Scale * (q - ZeroPoint)</c>.</summary>
/// <param name="Id">Index in <see cref="QuantizedNetwork.Tensors"/>.</param>
/// <param name="Name">Name for reports.</param>
/// <param name="Shape">NHWC shape.</param>
/// <param name="Scale">Step in real units per count, positive and finite.</param>
/// <param name="ZeroPoint">Count that stands for real zero, -128 to 127.</param>
/// <param name="SharesStorageWith">
/// Tensor whose memory this one overwrites in place (a residual stream), or reads as other rows and columns; null for memory of its own.
/// </param>
/// <param name="Constant">NHWC elements of a tensor that no layer writes (an embedding), or null.</param>
public sealed record QuantizedTensor(
    int Id,
    string Name,
    TensorShape Shape,
    double Scale,
    int ZeroPoint,
    int? SharesStorageWith = null,
    sbyte[]? Constant = null
);

/// <summary>
/// Fixed-point factor <c>Multiplier / 2^Shift</c> of a requantisation. The result is rounded once, halves towards
/// plus infinity: <c>floor(x * Multiplier / 2^Shift + 1/2)</c>.
/// </summary>
/// <param name="Multiplier">Mantissa, 0 or 2^23 to 2^24 - 1 (24 bits).</param>
/// <param name="Shift">Right shift, 1 to 63.</param>
public readonly record struct FixedPointScale(uint Multiplier, int Shift)
{
    /// <summary>Bits of the mantissa.</summary>
    public const int MultiplierBits = 24;

    /// <summary>Largest right shift.</summary>
    public const int MaxShift = 63;

    /// <summary>The nearest fixed-point factor to a real one.</summary>
    /// <param name="factor">Non-negative and finite, below 2^22.</param>
    /// <exception cref="ArgumentOutOfRangeException">The factor is negative, not finite or too large.</exception>
    public static FixedPointScale FromReal(double factor)
    {
        if (!double.IsFinite(factor) || factor < 0 || factor >= 1 << 22)
            throw new ArgumentOutOfRangeException(nameof(factor), factor, "a requantisation factor is finite, 0 or more, and below 2^22");
        if (factor == 0)
            return new FixedPointScale(0, 1);
        int exponent = Math.ILogB(factor) + 1; // factor = f * 2^exponent with f in [1/2, 1)
        double mantissa = Math.Round(Math.ScaleB(factor, MultiplierBits - exponent), MidpointRounding.ToEven);
        if (mantissa >= 1 << MultiplierBits)
        {
            mantissa /= 2;
            exponent++;
        }

        int shift = MultiplierBits - exponent;
        return shift > MaxShift ? new FixedPointScale(0, 1) : new FixedPointScale((uint)mantissa, shift);
    }

    /// <summary>The factor as a real number.</summary>
    public double ToReal() => Math.ScaleB(Multiplier, -Shift);
}

/// <summary>Which axes of a second operand are repeated.</summary>
public enum Broadcast
{
    /// <summary>None: the operand has the output's shape.</summary>
    None,

    /// <summary>One pixel for all: the operand is 1 x 1 x Channels.</summary>
    Pixels,

    /// <summary>One channel for all: the operand is Height x Width x 1.</summary>
    Channels,
}

/// <summary>A residual operand added after requantisation, with its own factor to the output scale.</summary>
/// <param name="Tensor">Tensor added; of the layer's output shape, but for the axes that are repeated.</param>
/// <param name="Scale">Factor from the operand's scale to the output's.</param>
/// <param name="Subtract">The operand is subtracted instead.</param>
/// <param name="Broadcast">Axes of the operand that are repeated.</param>
public sealed record ResidualAdd(int Tensor, FixedPointScale Scale, bool Subtract = false, Broadcast Broadcast = Broadcast.None);

/// <summary>A layer of a quantised network.</summary>
/// <param name="Name">Name for reports and for layer patterns.</param>
/// <param name="Input">Tensor read.</param>
/// <param name="Output">Tensor written.</param>
/// <param name="ClampLow">Smallest output count (the output zero point when ReLU is fused).</param>
/// <param name="ClampHigh">Largest output count.</param>
public abstract record QuantizedLayer(string Name, int Input, int Output, int ClampLow, int ClampHigh)
{
    /// <summary>Skippable block the layer belongs to (index in <see cref="QuantizedNetwork.Blocks"/>), or null.</summary>
    public int? Block { get; init; }

    /// <summary>Dynamic register that limits the input channels at run time, or null.</summary>
    public int? InputExtent { get; init; }

    /// <summary>Dynamic register that limits the output channels at run time, or null.</summary>
    public int? OutputExtent { get; init; }

    /// <summary>
    /// Dynamic register that limits the heads at run time, or null; of layers that take one head after the other. It counts
    /// channels, <see cref="HeadChannels"/> of each head.
    /// </summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)]
    public int? HeadExtent { get; init; }

    /// <summary>Channels of a head, as <see cref="HeadExtent"/> counts them.</summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingDefault)]
    public int HeadChannels { get; init; }

    /// <summary>Heads that a path computes, always the first ones.</summary>
    /// <param name="to">Shape of <see cref="Output"/>.</param>
    /// <param name="path">Path.</param>
    public int Heads(TensorShape to, ExecutionPath path) =>
        HeadExtent is int e && path.Extents.TryGetValue(e, out int channels) ? Math.Min(to.Batch, channels / HeadChannels) : to.Batch;

    /// <summary>Operand added to the requantised result, or null.</summary>
    public ResidualAdd? Residual { get; init; }

    /// <summary>Activation: 256 counts, looked up with the clamped result + 128, or null.</summary>
    public sbyte[]? Table { get; init; }

    /// <summary>Zero point of the counts that <see cref="Table"/> is looked up with; it takes the place of the output's, which the entries
    /// have.</summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingDefault)]
    public int TableZeroPoint { get; init; }

    /// <summary>Scale of the counts that <see cref="Table"/> is looked up with, for reports and exports; 0 where it is not known.</summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingDefault)]
    public double TableScale { get; init; }

    /// <summary>
    /// The output is written with pixels and channels exchanged: its shape is [Batch, 1, Channels, Height * Width] of what
    /// the layer computes.
    /// </summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingDefault)]
    public bool TransposeOutput { get; init; }

    /// <summary>Shape of what the layer computes, before <see cref="TransposeOutput"/>; a residual operand has this shape.</summary>
    /// <param name="from">Shape of <see cref="Input"/>.</param>
    /// <param name="to">Shape of <see cref="Output"/>.</param>
    public TensorShape Computed(TensorShape from, TensorShape to)
    {
        if (!TransposeOutput)
            return to;
        Size pixels = Pixels((from.Height, from.Width));
        return new TensorShape(to.Batch, pixels.Rows, pixels.Columns, to.Width);
    }

    /// <summary>Every tensor that the layer reads: the operator's, then the residual.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public IReadOnlyList<int> Reads => Residual is { } r ? [.. Operands, r.Tensor] : Operands;

    /// <summary>Tensors that the operator reads, in order; the first is <see cref="Input"/>.</summary>
    protected virtual IReadOnlyList<int> Operands => [Input];

    /// <summary>The layer on other tensors.</summary>
    /// <param name="reads">Tensors in the order of <see cref="Reads"/>.</param>
    public QuantizedLayer Reading(IReadOnlyList<int> reads) =>
        Residual is not { } r
            ? WithOperands(reads)
            : WithOperands([.. reads.SkipLast(1)]) with
            {
                Residual = r with { Tensor = reads[^1] },
            };

    /// <summary>Name of the operator in reports.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public virtual string Operator => OperatorNameAttribute.Kinds[GetType()];

    /// <summary>Class that the layer's cycles are counted in.</summary>
    /// <param name="from">Shape of <see cref="Input"/>.</param>
    public virtual string Class(TensorShape from) => Operator;

    /// <summary>Multiply-accumulates; 0 for what is neither a convolution nor a matrix product.</summary>
    /// <param name="from">Shape of <see cref="Input"/>.</param>
    /// <param name="computed">Shape of what the layer computes.</param>
    public virtual long Macs(TensorShape from, TensorShape computed) =>
        (long)computed.Height * computed.Width * Products * ChannelsRead(from) * computed.Batch * computed.Channels;

    /// <summary>Multiply-accumulates that a path executes.</summary>
    /// <param name="from">Shape of <see cref="Input"/>.</param>
    /// <param name="computed">Shape of what the layer computes.</param>
    /// <param name="path">Path.</param>
    public long Macs(TensorShape from, TensorShape computed, ExecutionPath path)
    {
        if (Block is int block && path.SkippedBlocks.Contains(block))
            return 0;
        int inputs = ChannelsRead(from),
            outputs = computed.Batch * computed.Channels,
            keptIn = Kept(InputExtent, inputs),
            keptOut = Kept(OutputExtent, outputs),
            heads = Heads(computed, path);
        return heads < computed.Batch ? Macs(from, computed) / computed.Batch * heads
            : keptIn == inputs && keptOut == outputs ? Macs(from, computed)
            : (long)computed.Height * computed.Width * Products * keptIn * keptOut;

        int Kept(int? extent, int channels) =>
            extent is int e && path.Extents.TryGetValue(e, out int kept) ? Math.Min(kept, channels) : channels;
    }

    /// <summary>Takes one head after the other; to others heads are groups of channels.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public virtual bool IsHeadByHead => true;

    /// <summary>Channels of the output beyond those that a subnet has are 0 where those of operands are.</summary>
    /// <param name="zero">Of a tensor: its channels there are 0, and it has as many as the output.</param>
    public virtual bool StaysZero(Func<int, bool> zero) => false;

    /// <summary>Products of an element of the output with each channel that it reads.</summary>
    protected virtual int Products => 0;

    /// <summary>Input channels that an output channel reads.</summary>
    /// <param name="from">Shape of <see cref="Input"/>.</param>
    protected virtual int ChannelsRead(TensorShape from) => from.Channels;

    /// <summary>Rows and columns of what the operator computes of an image.</summary>
    /// <param name="image">Rows and columns of <see cref="Input"/>.</param>
    protected virtual Size Pixels(Size image) => image;

    /// <summary>The operator on other tensors.</summary>
    /// <param name="operands">Tensors in the order of <see cref="Operands"/>.</param>
    protected virtual QuantizedLayer WithOperands(IReadOnlyList<int> operands) => this with { Input = operands[0] };
}

/// <summary>
/// Convolution, cross-correlation form as ONNX Conv. A linear layer is a 1x1 convolution over 1 x N tokens.
/// <c>y = clamp(zo + round((sum (x - zi) * w + bias) * scale[k]) + round((r - zr) * residualScale))</c>; taps outside
/// the image contribute nothing.
/// </summary>
[OperatorName("conv")]
public sealed record ConvLayer(string Name, int Input, int Output, int ClampLow, int ClampHigh)
    : QuantizedLayer(Name, Input, Output, ClampLow, ClampHigh)
{
    /// <summary>Weights [output channel][kernel row][kernel column][input channel of the group].</summary>
    public required sbyte[] Weights { get; init; }

    /// <summary>Bias per output channel, in accumulator counts.</summary>
    public required int[] Bias { get; init; }

    /// <summary>Requantisation factor per output channel.</summary>
    public required FixedPointScale[] Scales { get; init; }

    /// <summary>
    /// Real numbers that a count of the weights stands for, per output channel: <see cref="Scales"/> is the fixed-point form of input scale
    /// times this by output scale. Null where it is not known, as in files of earlier versions; the integers do not need it.
    /// </summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)]
    public double[]? WeightScales { get; init; }

    /// <summary>Kernel rows and columns.</summary>
    public required Size Kernel { get; init; }

    /// <summary>Stride in rows and columns.</summary>
    public Size Stride { get; init; } = (1, 1);

    /// <summary>Dilation in rows and columns.</summary>
    public Size Dilation { get; init; } = (1, 1);

    /// <summary>Padding at the top, left, bottom and right; a negative one cuts rows or columns off.</summary>
    public Padding Padding { get; init; }

    /// <summary>Channel groups; equal to the channels for a depthwise convolution.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>The layer stands for data movement (slice, channel pad): its products are not counted as work.</summary>
    public bool IsDataMovement { get; init; }

    /// <summary>Order in which equal blocks of the input's channels meet the weights: place to block; null is the input's own. Only without
    /// groups.</summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)]
    public int[]? InputOrder { get; init; }

    /// <summary>Biases and factors by <see cref="ExecutionPath.Variant"/>, in place of <see cref="Bias"/> and <see cref="Scales"/>; null
    /// where all paths have those.</summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ConvParameters>? Variants { get; init; }

    /// <summary>The window that goes over the input.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public Window Window => new(Kernel, Stride, Dilation, Padding);

    /// <inheritdoc/>
    [System.Text.Json.Serialization.JsonIgnore]
    public override bool IsHeadByHead => false;

    /// <inheritdoc/>
    [System.Text.Json.Serialization.JsonIgnore]
    public override string Operator => IsDataMovement ? "move" : base.Operator;

    /// <summary>True: these channels have no weights and no bias on the subnet's path.</summary>
    /// <param name="zero">Not asked.</param>
    public override bool StaysZero(Func<int, bool> zero) => true;

    /// <inheritdoc/>
    public override string Class(TensorShape from) =>
        IsDataMovement ? "movement"
        : Groups > 1 && Groups == from.Batch * from.Channels ? "depthwise conv"
        : (Kernel, Stride, Groups) == ((1, 1), (1, 1), 1) ? "linear, 1x1 conv"
        : Operator;

    /// <inheritdoc/>
    protected override int Products => IsDataMovement ? 0 : Kernel.Rows * Kernel.Columns;

    /// <inheritdoc/>
    protected override int ChannelsRead(TensorShape from) => from.Batch * from.Channels / Groups;

    /// <inheritdoc/>
    protected override Size Pixels(Size image) => Window.Over(image);

    /// <summary>The layer as a path computes it.</summary>
    /// <param name="path">Path.</param>
    public ConvLayer On(ExecutionPath path) =>
        Variants is { } v ? this with { Bias = v[path.Variant].Bias, Scales = v[path.Variant].Scales } : this;
}

/// <summary>Biases and requantisation factors of a convolution.</summary>
/// <param name="Bias">Bias per output channel, in accumulator counts.</param>
/// <param name="Scales">Requantisation factor per output channel.</param>
public sealed record ConvParameters(int[] Bias, FixedPointScale[] Scales)
{
    /// <summary>As <see cref="ConvLayer.WeightScales"/>; files do not keep it.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public double[]? WeightScales { get; init; }
}

/// <summary>
/// Batched matrix product of two activations. Input is [B, 1, M, K]; <see cref="Right"/> is [B, 1, N, K], that is the
/// transpose of the mathematical right operand; output is [B, 1, M, N]. Either operand may have a zero point.
/// </summary>
/// <param name="Name">Name for reports and for layer patterns.</param>
/// <param name="Input">Tensor read.</param>
/// <param name="Right">Tensor of the right operand, transposed.</param>
/// <param name="Output">Tensor written.</param>
/// <param name="ClampLow">Smallest output count.</param>
/// <param name="ClampHigh">Largest output count.</param>
/// <param name="Scale">Requantisation factor.</param>
[OperatorName("matmul")]
public sealed record MatMulLayer(string Name, int Input, int Right, int Output, int ClampLow, int ClampHigh, FixedPointScale Scale)
    : QuantizedLayer(Name, Input, Output, ClampLow, ClampHigh)
{
    /// <inheritdoc/>
    protected override IReadOnlyList<int> Operands => [Input, Right];

    /// <inheritdoc/>
    protected override int Products => 1;

    /// <inheritdoc/>
    protected override MatMulLayer WithOperands(IReadOnlyList<int> operands) => this with { Input = operands[0], Right = operands[1] };
}

/// <summary>Average pooling: the sum of <c>x - zi</c> over the window, requantised with <see cref="Scale"/>.</summary>
[OperatorName("averagepool")]
public sealed record AveragePoolLayer(string Name, int Input, int Output, int ClampLow, int ClampHigh)
    : QuantizedLayer(Name, Input, Output, ClampLow, ClampHigh)
{
    /// <summary>Window rows and columns.</summary>
    public required Size Kernel { get; init; }

    /// <summary>Stride in rows and columns.</summary>
    public required Size Stride { get; init; }

    /// <summary>Padding, counted in the divisor.</summary>
    public Padding Padding { get; init; }

    /// <summary>Factor that includes the division by the window's size.</summary>
    public required FixedPointScale Scale { get; init; }

    /// <summary>The window that goes over the input.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public Window Window => new(Kernel, Stride, Padding);

    /// <inheritdoc/>
    public override bool StaysZero(Func<int, bool> zero) => zero(Input);

    /// <inheritdoc/>
    public override string Class(TensorShape from) => "pooling";

    /// <inheritdoc/>
    protected override Size Pixels(Size image) => Window.Over(image);
}

/// <summary>Sum of two tensors with their own factors: <c>clamp(zo + round((x - zx) * Scale) + round((r - zr) * Residual.Scale))</c>;
/// <see cref="QuantizedLayer.Residual"/> is set.</summary>
[OperatorName("add")]
public sealed record AddLayer(string Name, int Input, int Output, int ClampLow, int ClampHigh, FixedPointScale Scale)
    : QuantizedLayer(Name, Input, Output, ClampLow, ClampHigh)
{
    /// <inheritdoc/>
    public override bool StaysZero(Func<int, bool> zero) => zero(Input);

    /// <inheritdoc/>
    public override string Class(TensorShape from) => "elementwise";
}

/// <summary>
/// Product of two tensors: <c>clamp(zo + round((x - zx) * (r - zr) * Scale))</c>.
/// </summary>
/// <param name="Name">Name for reports and for layer patterns.</param>
/// <param name="Input">Tensor read.</param>
/// <param name="Right">Second operand, of the output's shape but for the axes that are repeated.</param>
/// <param name="Output">Tensor written.</param>
/// <param name="ClampLow">Smallest output count.</param>
/// <param name="ClampHigh">Largest output count.</param>
/// <param name="Scale">Requantisation factor.</param>
[OperatorName("multiply")]
public sealed record MultiplyLayer(string Name, int Input, int Right, int Output, int ClampLow, int ClampHigh, FixedPointScale Scale)
    : QuantizedLayer(Name, Input, Output, ClampLow, ClampHigh)
{
    /// <summary>Axes of the second operand that are repeated.</summary>
    public Broadcast Broadcast { get; init; }

    /// <inheritdoc/>
    protected override IReadOnlyList<int> Operands => [Input, Right];

    /// <inheritdoc/>
    public override bool StaysZero(Func<int, bool> zero) => zero(Input) || zero(Right);

    /// <inheritdoc/>
    public override string Class(TensorShape from) => "elementwise";

    /// <inheritdoc/>
    protected override MultiplyLayer WithOperands(IReadOnlyList<int> operands) => this with { Input = operands[0], Right = operands[1] };
}

/// <summary>Maximum of <c>x - zi</c> over the window's taps inside the image, requantised with <see cref="Scale"/>.</summary>
[OperatorName("maxpool")]
public sealed record MaxPoolLayer(string Name, int Input, int Output, int ClampLow, int ClampHigh)
    : QuantizedLayer(Name, Input, Output, ClampLow, ClampHigh)
{
    /// <summary>Window rows and columns.</summary>
    public required Size Kernel { get; init; }

    /// <summary>Stride in rows and columns.</summary>
    public required Size Stride { get; init; }

    /// <summary>Padding; smaller than the kernel, so that each window has a tap inside the image.</summary>
    public Padding Padding { get; init; }

    /// <summary>Requantisation factor; 2^23 / 2^23 where input and output share scale and zero point.</summary>
    public required FixedPointScale Scale { get; init; }

    /// <summary>The window that goes over the input.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public Window Window => new(Kernel, Stride, Padding);

    /// <inheritdoc/>
    public override bool StaysZero(Func<int, bool> zero) => zero(Input);

    /// <inheritdoc/>
    public override string Class(TensorShape from) => "pooling";

    /// <inheritdoc/>
    protected override Size Pixels(Size image) => Window.Over(image);
}

/// <summary>
/// Softmax over the channels of each pixel (docs/operators.md): <c>y = clamp(zo + round(OutputScale * e(max - x) / sum e(max - x)))</c>
/// with <c>e(d) = 2^(-d * ExponentMultiplier / 2^20)</c>.
/// </summary>
/// <param name="Name">Name for reports and for layer patterns.</param>
/// <param name="Input">Tensor read.</param>
/// <param name="Output">Tensor written.</param>
/// <param name="ClampLow">Smallest output count.</param>
/// <param name="ClampHigh">Largest output count.</param>
/// <param name="ExponentMultiplier">round(input scale * log2(e) * 2^20), below 2^24.</param>
/// <param name="OutputScale">1 / output scale; shift 1 to 24.</param>
[OperatorName("softmax")]
public sealed record SoftmaxLayer(
    string Name,
    int Input,
    int Output,
    int ClampLow,
    int ClampHigh,
    uint ExponentMultiplier,
    FixedPointScale OutputScale
) : QuantizedLayer(Name, Input, Output, ClampLow, ClampHigh);

/// <summary>
/// Layer normalisation over the channels of each pixel (docs/operators.md):
/// <c>y = clamp(zo + round((z * Gamma + Beta) / 2^Shift))</c> with <c>z = 2^12 (x - mean) / sqrt(variance + epsilon)</c>.
/// </summary>
[OperatorName("layernorm")]
public sealed record LayerNormLayer(string Name, int Input, int Output, int ClampLow, int ClampHigh)
    : QuantizedLayer(Name, Input, Output, ClampLow, ClampHigh)
{
    /// <summary>Factor per channel, -2^23 to 2^23 - 1: gamma / output scale * 2^(Shift - 12).</summary>
    public required int[] Gamma { get; init; }

    /// <summary>Addend per channel: beta / output scale * 2^Shift.</summary>
    public required int[] Beta { get; init; }

    /// <summary>Right shift per channel, 1 to 63.</summary>
    public required int[] Shift { get; init; }

    /// <summary>epsilon * channels^2 / input scale^2, rounded; below 2^47.</summary>
    public required long Epsilon { get; init; }
}

/// <summary>Index of the largest channel of each pixel, the lowest where several are; the output has one channel and holds index - 128. At
/// most 256 channels.</summary>
[OperatorName("argmax")]
public sealed record ArgMaxLayer(string Name, int Input, int Output) : QuantizedLayer(Name, Input, Output, -128, 127);

/// <summary>
/// Resampling by fixed taps per output phase. Output row <c>p + Up * j</c> reads the input rows <c>Down * j + FirstRow[p] + t</c>,
/// t from 0 to TapRows - 1, moved to the nearest row of the image where they lie outside; columns likewise.
/// <c>y = clamp(zo + round(sum (x - zx) * w[phase][tap] * Scales[phase]))</c>; phase is row phase * column phases + column phase.
/// </summary>
[OperatorName("resize")]
public sealed record ResizeLayer(string Name, int Input, int Output, int ClampLow, int ClampHigh)
    : QuantizedLayer(Name, Input, Output, ClampLow, ClampHigh)
{
    /// <summary>Most phases of a period, each with weights and a factor of its own.</summary>
    public const int MostPhases = 1 << 18;

    /// <summary>Output rows and columns per period: the numbers of phases.</summary>
    public required Size Up { get; init; }

    /// <summary>Input rows and columns per period.</summary>
    public required Size Down { get; init; }

    /// <summary>Taps in rows and columns.</summary>
    public required Size Taps { get; init; }

    /// <summary>First input row of each row phase at j = 0; may be negative.</summary>
    public required int[] FirstRow { get; init; }

    /// <summary>First input column of each column phase at j = 0; may be negative.</summary>
    public required int[] FirstColumn { get; init; }

    /// <summary>Weights [phase][tap row][tap column], -127 to 127.</summary>
    public required sbyte[] Weights { get; init; }

    /// <summary>Requantisation factor per phase.</summary>
    public required FixedPointScale[] Scales { get; init; }

    /// <inheritdoc/>
    public override bool StaysZero(Func<int, bool> zero) => zero(Input);

    /// <inheritdoc/>
    protected override Size Pixels(Size image) => Window.Resampled(image, Up, Down);
}

/// <summary>Tensors side by side along the channels; one alone is a copy that may clamp, rescale or look up a table: <c>y = clamp(zo +
/// round((x - zx) * scale))</c> of the input that holds the channel.</summary>
/// <param name="Name">Name for reports and for layer patterns.</param>
/// <param name="Inputs">Tensors in order; <see cref="QuantizedLayer.Input"/> is the first.</param>
/// <param name="Output">Tensor written.</param>
/// <param name="ClampLow">Smallest output count.</param>
/// <param name="ClampHigh">Largest output count.</param>
/// <param name="Scales">Factor of each input.</param>
[OperatorName("concat")]
public sealed record ConcatLayer(
    string Name,
    IReadOnlyList<int> Inputs,
    int Output,
    int ClampLow,
    int ClampHigh,
    IReadOnlyList<FixedPointScale> Scales
) : QuantizedLayer(Name, Inputs is { Count: > 0 } ? Inputs[0] : -1, Output, ClampLow, ClampHigh)
{
    /// <inheritdoc/>
    [System.Text.Json.Serialization.JsonIgnore]
    public override bool IsHeadByHead => false;

    /// <inheritdoc/>
    protected override IReadOnlyList<int> Operands => Inputs;

    /// <inheritdoc/>
    public override bool StaysZero(Func<int, bool> zero) => Inputs.Count == 1 && zero(Input);

    /// <inheritdoc/>
    public override string Class(TensorShape from) => Inputs.Count == 1 ? "elementwise" : Operator;

    /// <inheritdoc/>
    protected override ConcatLayer WithOperands(IReadOnlyList<int> operands) => this with { Input = operands[0], Inputs = operands };
}

/// <summary>
/// Quotient of two matrix products with one left operand, as in linear attention (docs/operators.md):
/// <c>y = clamp(zo + round(Scale * (x * Right^T) / max(1, x * Denominator^T)))</c>. Input is [B, 1, M, K], Right [B, 1, N, K],
/// Denominator [B, 1, 1, K]; the zero points of Right and Denominator are 0.
/// </summary>
/// <param name="Name">Name for reports and for layer patterns.</param>
/// <param name="Input">Tensor read.</param>
/// <param name="Right">Right operand of the numerator, transposed.</param>
/// <param name="Denominator">Right operand of the denominator, transposed.</param>
/// <param name="Output">Tensor written.</param>
/// <param name="ClampLow">Smallest output count.</param>
/// <param name="ClampHigh">Largest output count.</param>
/// <param name="Scale">Factor from the quotient of the sums to output counts.</param>
[OperatorName("normalizedmatmul")]
public sealed record NormalizedMatMulLayer(
    string Name,
    int Input,
    int Right,
    int Denominator,
    int Output,
    int ClampLow,
    int ClampHigh,
    FixedPointScale Scale
) : QuantizedLayer(Name, Input, Output, ClampLow, ClampHigh)
{
    /// <inheritdoc/>
    protected override IReadOnlyList<int> Operands => [Input, Right, Denominator];

    /// <inheritdoc/>
    [System.Text.Json.Serialization.JsonIgnore]
    public override string Operator => "quotient";

    /// <summary>Those of both products: the denominator is one more column.</summary>
    /// <param name="from">Shape of the left operand.</param>
    /// <param name="computed">Shape of the quotient.</param>
    public override long Macs(TensorShape from, TensorShape computed) =>
        base.Macs(from, computed) + ((long)computed.Height * computed.Width * from.Channels * computed.Batch);

    /// <inheritdoc/>
    protected override int Products => 1;

    /// <inheritdoc/>
    protected override NormalizedMatMulLayer WithOperands(IReadOnlyList<int> operands) =>
        this with
        {
            Input = operands[0],
            Right = operands[1],
            Denominator = operands[2],
        };
}

/// <summary>A residual block that a path may skip. Skipping leaves the residual stream as it is.</summary>
/// <param name="Index">Predicate index, 0 to 63.</param>
/// <param name="Name">Name for the command line and reports.</param>
public sealed record SkippableBlock(int Index, string Name);

/// <summary>An execution path: which blocks are skipped and how many channels each dynamic register keeps.</summary>
/// <param name="Name">Name for reports.</param>
/// <param name="SkippedBlocks">Indices of the skipped blocks.</param>
/// <param name="Extents">Channels kept, by dynamic register; a register that is absent keeps everything.</param>
public sealed record ExecutionPath(string Name, IReadOnlySet<int> SkippedBlocks, IReadOnlyDictionary<int, int> Extents)
{
    /// <summary>Which of the biases and factors of layers that have several (<see cref="ConvLayer.Variants"/>).</summary>
    public int Variant { get; init; }

    /// <summary>The path that skips nothing.</summary>
    public static ExecutionPath Whole { get; } = new("whole", new HashSet<int>(), new Dictionary<int, int>());
}

/// <summary>A quantised network: what the compiler maps and the golden model executes.</summary>
/// <param name="Name">Name for reports.</param>
/// <param name="Tensors">Activation tensors; <see cref="QuantizedTensor.Id"/> is the index.</param>
/// <param name="Layers">Layers in execution order.</param>
/// <param name="Blocks">Skippable blocks.</param>
/// <param name="Inputs">Tensors written by the host.</param>
/// <param name="Outputs">Tensors read by the host.</param>
public sealed record QuantizedNetwork(
    string Name,
    IReadOnlyList<QuantizedTensor> Tensors,
    IReadOnlyList<QuantizedLayer> Layers,
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

    /// <summary>Multiply-accumulates, whole and as a path executes them.</summary>
    /// <param name="path">Path.</param>
    public (long Whole, long Executed) Macs(ExecutionPath path) =>
        Layers
            .Select(l => LayerMacs(l, path))
            .Aggregate((Whole: 0L, Executed: 0L), (sum, l) => (sum.Whole + l.Whole, sum.Executed + l.Executed));

    /// <summary>Multiply-accumulates of one layer, whole and as a path executes them.</summary>
    /// <param name="layer">Layer.</param>
    /// <param name="path">Path.</param>
    public (long Whole, long Executed) LayerMacs(QuantizedLayer layer, ExecutionPath path)
    {
        TensorShape from = Tensors[layer.Input].Shape,
            computed = layer.Computed(from, Tensors[layer.Output].Shape);
        return (layer.Macs(from, computed), layer.Macs(from, computed, path));
    }
}
