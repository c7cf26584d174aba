using AccelGen.Files;

namespace AccelGen.Network.Quantized;

/// <summary>What must hold in every quantised network.</summary>
public static class QuantizedNetworkRules
{
    // Sums have 32 bits.
    private const long MaxSum = int.MaxValue;

    /// <summary>Most pixels of a layer that reads or writes them as tokens: with other rows, or as channels.</summary>
    public const int MaxTokens = 32000;

    /// <summary>What keeps a network from running on any configuration: what is wrong with it, or combinations that no layer can
    /// have.</summary>
    /// <param name="network">Network.</param>
    /// <param name="name">How a layer is called in a message, or null for its own name.</param>
    public static IReadOnlyList<Fault> Obstacles(QuantizedNetwork network, Func<QuantizedLayer, string>? name = null)
    {
        if (Problems(network, name) is { Count: > 0 } problems)
            return problems;
        return [.. network.Layers.SelectMany(l => Combinations(network, l).Select(p => p.At(name is null ? $"layer {l.Name}" : name(l))))];
    }

    /// <summary>Everything that is wrong with a network; empty when it is sound.</summary>
    /// <param name="network">Network.</param>
    /// <param name="name">How a layer is called in a message, or null for its own name.</param>
    public static IReadOnlyList<Fault> Problems(QuantizedNetwork network, Func<QuantizedLayer, string>? name = null)
    {
        var problems = new List<Fault>();
        int count = network.Tensors.Count;
        bool Known(int tensor) => tensor >= 0 && tensor < count;
        if (network.Tensors.Any(t => t is null) || network.Layers.Any(l => l is null) || network.Blocks.Any(b => b is null))
            return [new Fault(FaultCodes.NotQuantizedNetwork, "a tensor, layer or block is null")];
        for (int i = 0; i < count; i++)
        {
            QuantizedTensor t = network.Tensors[i];
            if (t.Id != i)
                problems.Add(new Fault(FaultCodes.IllegalTensor, $"tensor {t.Name}", $"id {t.Id} must be its position {i}"));
            if (t.Shape.Batch < 1 || t.Shape.Height < 1 || t.Shape.Width < 1 || t.Shape.Channels < 1 || !Fits(t.Shape))
                problems.Add(
                    new Fault(
                        FaultCodes.IllegalTensor,
                        $"tensor {t.Name}",
                        $"shape {t.Shape}",
                        "sizes must be positive and the elements below 2^31"
                    )
                );
            if (!double.IsFinite(t.Scale) || t.Scale <= 0)
                problems.Add(new Fault(FaultCodes.IllegalTensor, $"tensor {t.Name}", $"scale {t.Scale}", "it must be positive and finite"));
            if (t.ZeroPoint is < -128 or > 127)
                problems.Add(new Fault(FaultCodes.IllegalTensor, $"tensor {t.Name}", $"zero point {t.ZeroPoint}", "legal are -128 to 127"));
            if (t.SharesStorageWith is int other && (!Known(other) || other >= i || !SameStorage(network.Tensors[other].Shape, t.Shape)))
                problems.Add(
                    new Fault(
                        FaultCodes.IllegalTensor,
                        $"tensor {t.Name}",
                        $"shares storage with {other}, which is no earlier tensor of shape {t.Shape}",
                        "rows and columns alone may be divided in another way"
                    )
                );
            if (
                t.Constant is { } constant
                && (constant.LongLength != t.Shape.Elements || t.SharesStorageWith is not null || network.Inputs.Contains(i))
            )
                problems.Add(
                    new Fault(
                        FaultCodes.IllegalTensor,
                        $"tensor {t.Name}",
                        $"a constant has the {t.Shape.Elements} elements of its shape (not {constant.Length}), storage of its "
                            + "own, and is no network input"
                    )
                );
        }

        problems.AddRange(
            network
                .Inputs.Concat(network.Outputs)
                .Where(t => !Known(t))
                .Select(t => new Fault(FaultCodes.IllegalTensor, $"network input or output {t} is no tensor"))
        );
        problems.AddRange(
            new[] { network.Inputs, network.Outputs }
                .SelectMany(l => l.GroupBy(t => t))
                .Where(g => g.Count() > 1)
                .Select(g => new Fault(FaultCodes.IllegalTensor, $"tensor {g.Key} is listed {g.Count()} times as network input or output"))
        );
        if (network.Inputs.Count == 0 || network.Outputs.Count == 0)
            problems.Add(new Fault(FaultCodes.IllegalTensor, "the network needs an input and an output"));
        for (int i = 0; i < network.Blocks.Count; i++)
        {
            if (network.Blocks[i].Index != i || i > 63)
                problems.Add(
                    new Fault(
                        FaultCodes.IllegalAttributes,
                        $"block {network.Blocks[i].Name}",
                        $"index {network.Blocks[i].Index} must be its position {i}, at most 63"
                    )
                );
        }

        if (problems.Count > 0)
            return problems;
        HashSet<int> constants = [.. network.Tensors.Where(t => t.Constant is not null).Select(t => t.Id)];
        HashSet<int> written = [.. network.Inputs.Select(network.Home), .. constants],
            always = [.. written];
        // Storage that only the layers of these blocks have written so far.
        var ofBlocks = new Dictionary<int, HashSet<int>>();
        foreach (QuantizedLayer layer in network.Layers)
        {
            string place = name is null ? $"layer {layer.Name}" : name(layer);
            IReadOnlyList<int> reads = layer.Reads;
            if (!Known(layer.Input) || !Known(layer.Output) || reads.Any(t => !Known(t)))
            {
                problems.Add(new Fault(FaultCodes.IllegalOrder, place, "names a tensor that does not exist"));
                continue;
            }

            problems.AddRange(
                reads
                    .Where(t => !written.Contains(network.Home(t)))
                    .Select(t => new Fault(FaultCodes.IllegalOrder, place, $"reads {network.Tensors[t].Name} before anything wrote it"))
            );
            problems.AddRange(
                reads
                    .Where(t => Missing(t, layer.Block))
                    .Select(t => new Fault(
                        FaultCodes.IllegalOrder,
                        place,
                        $"reads {network.Tensors[t].Name}, which nothing writes where block {OnlyWriters(t)} is skipped"
                    ))
            );
            if (layer.Block is int b)
                (
                    ofBlocks.TryGetValue(network.Home(layer.Output), out HashSet<int>? blocks)
                        ? blocks
                        : ofBlocks[network.Home(layer.Output)] = []
                ).Add(b);
            else
                always.Add(network.Home(layer.Output));
            if (constants.Contains(network.Home(layer.Output)))
                problems.Add(new Fault(FaultCodes.IllegalOrder, place, $"writes the constant {network.Tensors[layer.Output].Name}"));
            written.Add(network.Home(layer.Output));
            if (layer.ClampLow < -128 || layer.ClampHigh > 127 || layer.ClampLow > layer.ClampHigh)
                problems.Add(
                    new Fault(FaultCodes.IllegalAttributes, place, $"clamp {layer.ClampLow} to {layer.ClampHigh}", "legal are -128 to 127")
                );
            if (layer.Block is int block && (block < 0 || block >= network.Blocks.Count))
                problems.Add(new Fault(FaultCodes.IllegalAttributes, place, $"block {block} does not exist"));
            if (layer.InputExtent is < 0 or > 15 || layer.OutputExtent is < 0 or > 15 || layer.HeadExtent is < 0 or > 15)
                problems.Add(new Fault(FaultCodes.IllegalAttributes, place, "dynamic registers are 0 to 15"));
            if (layer.HeadExtent is not null && (layer is ConvLayer or ConcatLayer || layer.HeadChannels < 1))
                problems.Add(
                    new Fault(
                        FaultCodes.IllegalAttributes,
                        place,
                        "a dynamic register limits the heads of a layer that takes one after the other, and counts at least "
                            + "one channel of each"
                    )
                );
            if (layer.Table is { Length: not 256 } table)
                problems.Add(new Fault(FaultCodes.LayerDoesNotFit, place, $"its table has {table.Length} entries", "256 are needed"));
            if (layer.TableZeroPoint is < -128 or > 127)
                problems.Add(
                    new Fault(FaultCodes.IllegalAttributes, place, $"table zero point {layer.TableZeroPoint}", "legal are -128 to 127")
                );
            TensorShape from = network.Tensors[layer.Input].Shape,
                to = network.Tensors[layer.Output].Shape;
            if (Attributes(layer, from) is { } wrong)
            {
                problems.Add(new Fault(FaultCodes.IllegalAttributes, place, wrong));
                continue;
            }

            TensorShape computed = layer.Computed(from, to);
            if (
                layer.TransposeOutput
                && (to.Height != 1 || computed.Height < 1 || computed.Width < 1 || (long)computed.Height * computed.Width != to.Channels)
            )
                problems.Add(
                    new Fault(
                        FaultCodes.LayerDoesNotFit,
                        place,
                        $"its {computed.Height}x{computed.Width} pixels are no {to.Channels} channels of one row: the "
                            + $"transposed output {to} does not fit"
                    )
                );
            if (layer.Residual is { } residual)
            {
                TensorShape shape = network.Tensors[residual.Tensor].Shape;
                if (layer is SoftmaxLayer or LayerNormLayer or ArgMaxLayer or NormalizedMatMulLayer)
                    problems.Add(new Fault(FaultCodes.Combination, place, $"{layer.GetType().Name} takes no residual"));
                else if (shape != Operand(computed, residual.Broadcast))
                    problems.Add(
                        new Fault(
                            FaultCodes.LayerDoesNotFit,
                            place,
                            $"the residual has shape {shape}",
                            $"{Operand(computed, residual.Broadcast)} is needed"
                        )
                    );
                if (!Legal(residual.Scale))
                    problems.Add(new Fault(FaultCodes.IllegalAttributes, place, $"the residual's {IllegalScale}"));
            }

            problems.AddRange(Shapes(network, layer, network.Tensors[layer.Input], computed).Select(p => p.At(place)));
        }

        problems.AddRange(
            network
                .Outputs.Where(t => !written.Contains(network.Home(t)))
                .Select(t => new Fault(FaultCodes.IllegalOrder, $"output {network.Tensors[t].Name}", "no layer writes it"))
        );
        problems.AddRange(
            network
                .Outputs.Where(t => Known(t) && Missing(t, null))
                .Select(t => new Fault(
                    FaultCodes.IllegalOrder,
                    $"output {network.Tensors[t].Name}",
                    $"nothing writes it where block {OnlyWriters(t)} is skipped"
                ))
        );
        return problems;

        bool Missing(int tensor, int? reader) =>
            network.Home(tensor) is var home
            && !always.Contains(home)
            && ofBlocks.TryGetValue(home, out HashSet<int>? writers)
            && !(reader is int r && writers.Contains(r));

        string OnlyWriters(int tensor) =>
            string.Join(
                " or ",
                ofBlocks[network.Home(tensor)].Order().Select(b => b >= 0 && b < network.Blocks.Count ? network.Blocks[b].Name : $"{b}")
            );
    }

    private const string IllegalScale = "scale is not of 24 bits with a shift of 1 to 63";

    // Attributes that must be sound before a shape can be computed.
    private static string? Attributes(QuantizedLayer layer, TensorShape from)
    {
        switch (layer)
        {
            case ConvLayer c when !Positive(c.Kernel) || !Positive(c.Stride) || !Positive(c.Dilation) || c.Groups < 1 || !Sane(c.Padding):
                return $"kernel {c.Kernel}, stride {c.Stride}, dilation {c.Dilation} and groups {c.Groups} must be "
                    + $"positive and padding {c.Padding} at most 2^20";
            case AveragePoolLayer p when !Positive(p.Kernel) || !Positive(p.Stride) || !NotNegative(p.Padding):
                return $"kernel {p.Kernel} and stride {p.Stride} must be positive and padding {p.Padding} 0 or more";
            case MaxPoolLayer p
                when !Positive(p.Kernel)
                    || !Positive(p.Stride)
                    || !NotNegative(p.Padding)
                    || Math.Max(p.Padding.Top, p.Padding.Bottom) >= p.Kernel.Rows
                    || Math.Max(p.Padding.Left, p.Padding.Right) >= p.Kernel.Columns:
                return $"kernel {p.Kernel} and stride {p.Stride} must be positive and padding {p.Padding} smaller than the kernel";
            case ResizeLayer r
                when !Positive(r.Up)
                    || !Positive(r.Down)
                    || !Positive(r.Taps)
                    || (long)from.Height * r.Up.Rows > int.MaxValue
                    || (long)from.Width * r.Up.Columns > int.MaxValue:
                return $"{r.Up} output pixels per {r.Down} input pixels by {r.Taps} taps must be positive, and below 2^31 in all";
            case ResizeLayer r when (long)r.Up.Rows * r.Up.Columns > ResizeLayer.MostPhases:
                return $"{r.Up.Rows} by {r.Up.Columns} output pixels per period; at most {ResizeLayer.MostPhases} in "
                    + $"all have weights of their own";
            default:
                return null;
        }
    }

    // What no configuration can do in one layer.
    private static IEnumerable<Fault> Combinations(QuantizedNetwork network, QuantizedLayer layer)
    {
        TensorShape from = network.Tensors[layer.Input].Shape,
            to = network.Tensors[layer.Output].Shape,
            computed = layer.Computed(from, to);
        (bool pointwise, int rows) = layer switch
        {
            ConvLayer c => (c.Window.KeepsPixels, computed.Height),
            AveragePoolLayer or MaxPoolLayer => (false, computed.Height),
            ResizeLayer => (false, computed.Height),
            _ => (true, computed.Height),
        };
        if (layer is MultiplyLayer or ConcatLayer && layer.Residual is not null)
            yield return new Fault(
                FaultCodes.Combination,
                string.Empty,
                $"a {(layer is ConcatLayer ? "concatenation" : "product")} cannot take a residual as well",
                "make the addition a layer of its own"
            );
        if (layer is ConcatLayer or ResizeLayer && layer.TransposeOutput)
            yield return new Fault(
                FaultCodes.Combination,
                string.Empty,
                $"a {(layer is ConcatLayer ? "concatenation" : "resampling")} cannot be stored with pixels and " + "channels exchanged",
                "insert a copy"
            );
        else if (layer.TransposeOutput && !pointwise && rows > 1)
            yield return new Fault(
                FaultCodes.Combination,
                string.Empty,
                "its output is needed with pixels and channels exchanged, which only a layer of 1x1 kernels can give",
                "insert a copy"
            );
        if (layer is ConvLayer && layer.Residual is { Broadcast: Broadcast.Channels } wide && network.Tensors[wide.Tensor].Shape.Batch > 1)
            yield return new Fault(
                FaultCodes.Combination,
                string.Empty,
                $"the residual {network.Tensors[wide.Tensor].Name} has one channel per head",
                "make the addition a layer of its own"
            );
        if (layer is ConcatLayer concat && (to.Batch > 1 || concat.Inputs.Any(t => network.Tensors[t].Shape.Batch > 1)))
            yield return new Fault(FaultCodes.Combination, $"heads cannot be concatenated: the output has shape {to}");
        bool asTokens = layer.TransposeOutput || (pointwise && from.Height != computed.Height);
        if (asTokens && (long)computed.Height * computed.Width is > MaxTokens and var tokens)
            yield return new Fault(FaultCodes.Combination, string.Empty, $"{tokens} tokens", $"at most {MaxTokens} are supported");
    }

    private static IEnumerable<Fault> Shapes(QuantizedNetwork network, QuantizedLayer layer, QuantizedTensor input, TensorShape to)
    {
        TensorShape from = input.Shape;
        long largest = Math.Max(127 - input.ZeroPoint, input.ZeroPoint + 128);
        switch (layer)
        {
            case ConvLayer c:
                long inputs = (long)from.Batch * from.Channels,
                    outputs = (long)to.Batch * to.Channels;
                if (inputs % c.Groups != 0 || outputs % c.Groups != 0)
                    yield return new Fault(FaultCodes.LayerDoesNotFit, $"{c.Groups} groups do not divide the channels of {from} -> {to}");
                else if (
                    c.Weights.LongLength != outputs * c.Kernel.Rows * c.Kernel.Columns * (inputs / c.Groups)
                    || c.Bias.Length != outputs
                    || c.Scales.Length != outputs
                )
                    yield return new Fault(
                        FaultCodes.LayerDoesNotFit,
                        $"{c.Weights.Length} weights, {c.Bias.Length} biases and {c.Scales.Length} scales do not fit {from} -> {to}"
                    );
                else if (c.Scales.Any(s => !Legal(s)))
                    yield return new Fault(FaultCodes.IllegalAttributes, $"a {IllegalScale}");
                else if (c.Weights.Chunk(c.Weights.Length / c.Bias.Length).Any(w => w.Sum(v => (long)Math.Abs((int)v)) * largest > MaxSum))
                    yield return new Fault(
                        FaultCodes.SumOverflow,
                        $"{c.Weights.Length / c.Bias.Length} products can leave the 32 bits of a sum"
                    );
                break;
            case AveragePoolLayer p:
                if (from.Channels != to.Channels || from.Batch != to.Batch)
                    yield return new Fault(FaultCodes.LayerDoesNotFit, $"a pooling keeps the channels: {from} -> {to}");
                else if (!Legal(p.Scale))
                    yield return new Fault(FaultCodes.IllegalAttributes, $"its {IllegalScale}");
                else if ((long)p.Kernel.Rows * p.Kernel.Columns * largest > MaxSum)
                    yield return new Fault(FaultCodes.SumOverflow, $"a window of {p.Kernel} can leave the 32 bits of a sum");
                break;
            case MaxPoolLayer p:
                if (from.Channels != to.Channels || from.Batch != to.Batch)
                    yield return new Fault(FaultCodes.LayerDoesNotFit, $"a pooling keeps the channels: {from} -> {to}");
                else if (!Legal(p.Scale))
                    yield return new Fault(FaultCodes.IllegalAttributes, $"its {IllegalScale}");
                else if (
                    ((long)(to.Height - 1) * p.Stride.Rows) - p.Padding.Top >= from.Height
                    || ((long)(to.Width - 1) * p.Stride.Columns) - p.Padding.Left >= from.Width
                )
                    yield return new Fault(FaultCodes.LayerDoesNotFit, $"the last window of {to} has no tap in the image {from}");
                break;
            case ResizeLayer r:
                long phases = (long)r.Up.Rows * r.Up.Columns;
                if (from.Channels != to.Channels || from.Batch != to.Batch)
                    yield return new Fault(FaultCodes.LayerDoesNotFit, $"a resize keeps the channels: {from} -> {to}");
                else if (to.Height % r.Up.Rows != 0 || to.Width % r.Up.Columns != 0)
                    yield return new Fault(
                        FaultCodes.LayerDoesNotFit,
                        $"{to} is no whole number of periods of {r.Up.Rows} rows and {r.Up.Columns} columns"
                    );
                else if (
                    r.FirstRow.Length != r.Up.Rows
                    || r.FirstColumn.Length != r.Up.Columns
                    || r.Scales.Length != phases
                    || r.Weights.LongLength != phases * r.Taps.Rows * r.Taps.Columns
                )
                    yield return new Fault(
                        FaultCodes.LayerDoesNotFit,
                        $"{r.FirstRow.Length} first rows, {r.FirstColumn.Length} first columns, {r.Weights.Length} weights "
                            + $"and {r.Scales.Length} scales do not fit {r.Up} phases of {r.Taps} taps"
                    );
                else if (r.Scales.Any(s => !Legal(s)))
                    yield return new Fault(FaultCodes.IllegalAttributes, $"a {IllegalScale}");
                else if (Array.IndexOf(r.Weights, (sbyte)-128) >= 0)
                    yield return new Fault(FaultCodes.IllegalAttributes, string.Empty, "a weight is -128", "legal are -127 to 127");
                else if ((long)r.Taps.Rows * r.Taps.Columns * 127 * largest > MaxSum)
                    yield return new Fault(FaultCodes.SumOverflow, $"{r.Taps} taps can leave the 32 bits of a sum");
                break;
            case AddLayer a:
                if (a.Residual is null || from != to)
                    yield return new Fault(
                        FaultCodes.LayerDoesNotFit,
                        string.Empty,
                        $"an addition needs two operands of the output's shape {to}",
                        $"the first is {from}"
                    );
                else if (!Legal(a.Scale))
                    yield return new Fault(FaultCodes.IllegalAttributes, $"its {IllegalScale}");
                break;
            case MultiplyLayer m:
                if (from != to || network.Tensors[m.Right].Shape != Operand(to, m.Broadcast))
                    yield return new Fault(
                        FaultCodes.LayerDoesNotFit,
                        $"a multiplication into {to} needs operands {to} and {Operand(to, m.Broadcast)}, not {from} and "
                            + $"{network.Tensors[m.Right].Shape}"
                    );
                else if (!Legal(m.Scale))
                    yield return new Fault(FaultCodes.IllegalAttributes, $"its {IllegalScale}");
                break;
            case ConcatLayer c:
                TensorShape[] parts = [.. c.Inputs.Select(t => network.Tensors[t].Shape)];
                if (parts.Length == 0 || c.Input != c.Inputs[0] || c.Scales.Count != parts.Length)
                    yield return new Fault(
                        FaultCodes.LayerDoesNotFit,
                        $"{parts.Length} inputs, at least one, need as many scales, not {c.Scales.Count}, and the first is "
                            + "the layer's input"
                    );
                else if (
                    parts.Any(p => p with { Channels = 1 } != to with { Channels = 1 })
                    || parts.Sum(p => (long)p.Channels) != to.Channels
                )
                    yield return new Fault(FaultCodes.LayerDoesNotFit, $"{string.Join(" and ", parts)} side by side are not {to}");
                else if (c.Scales.Any(s => !Legal(s)))
                    yield return new Fault(FaultCodes.IllegalAttributes, $"a {IllegalScale}");
                break;
            case MatMulLayer m:
                QuantizedTensor right = network.Tensors[m.Right];
                if (!Product(from, right.Shape, to))
                    yield return new Fault(FaultCodes.LayerDoesNotFit, $"{from} times {right.Shape} is not {to}");
                else if (!Legal(m.Scale))
                    yield return new Fault(FaultCodes.IllegalAttributes, $"its {IllegalScale}");
                else if (from.Channels * (long)Math.Max(127 - right.ZeroPoint, right.ZeroPoint + 128) * largest > MaxSum)
                    yield return new Fault(FaultCodes.SumOverflow, $"{from.Channels} products can leave the 32 bits of a sum");
                break;
            case NormalizedMatMulLayer m:
                (QuantizedTensor numerator, QuantizedTensor denominator) = (network.Tensors[m.Right], network.Tensors[m.Denominator]);
                if (!Product(from, numerator.Shape, to) || !Product(from, denominator.Shape, to with { Channels = 1 }))
                    yield return new Fault(
                        FaultCodes.LayerDoesNotFit,
                        $"{from} times {numerator.Shape} and {denominator.Shape} is not {to}"
                    );
                else if (numerator.ZeroPoint != 0 || denominator.ZeroPoint != 0)
                    yield return new Fault(
                        FaultCodes.IllegalAttributes,
                        string.Empty,
                        $"the zero points of the right operands are {numerator.ZeroPoint} and {denominator.ZeroPoint}",
                        "they must be 0"
                    );
                else if (!Legal(m.Scale))
                    yield return new Fault(FaultCodes.IllegalAttributes, $"its {IllegalScale}");
                else if (from.Channels * 128 * largest > MaxSum)
                    yield return new Fault(FaultCodes.SumOverflow, $"{from.Channels} products can leave the 32 bits of a sum");
                break;
            case SoftmaxLayer s:
                if (from != to || to.Channels >= 1 << 17)
                    yield return new Fault(
                        FaultCodes.LayerDoesNotFit,
                        $"softmax keeps the shape, of less than 2^17 channels: {from} -> {to}"
                    );
                else if (s.ExponentMultiplier >= 1 << 24)
                    yield return new Fault(
                        FaultCodes.IllegalAttributes,
                        string.Empty,
                        $"exponent multiplier {s.ExponentMultiplier}",
                        "it must be below 2^24"
                    );
                else if (!Legal(s.OutputScale) || s.OutputScale.Shift > 24)
                    yield return new Fault(
                        FaultCodes.IllegalAttributes,
                        string.Empty,
                        $"output scale {s.OutputScale.Multiplier} / 2^{s.OutputScale.Shift}",
                        "it has 24 bits and a shift of 1 to 24"
                    );
                break;
            case LayerNormLayer n:
                if (from != to || n.Gamma.Length != to.Channels || n.Beta.Length != to.Channels || n.Shift.Length != to.Channels)
                    yield return new Fault(
                        FaultCodes.LayerDoesNotFit,
                        $"{n.Gamma.Length} factors, {n.Beta.Length} addends and {n.Shift.Length} shifts do not fit {from} -> {to}"
                    );
                else if (n.Gamma.Any(g => g is < -(1 << 23) or >= 1 << 23) || n.Shift.Any(s => s is < 1 or > 63))
                    yield return new Fault(FaultCodes.IllegalAttributes, "a factor is not of 24 bits or a shift not 1 to 63");
                else if (n.Epsilon is < 0 or >= 1L << 47 || ((decimal)to.Channels * to.Channels * 16256.25m) + n.Epsilon >= 1L << 48)
                    yield return new Fault(
                        FaultCodes.IllegalAttributes,
                        $"epsilon {n.Epsilon} and {to.Channels} channels: epsilon is 0 to 2^47 - 1, and the variance must "
                            + "stay below 2^48"
                    );
                break;
            case ArgMaxLayer:
                if (to.Channels != 1 || to with { Channels = from.Channels } != from)
                    yield return new Fault(FaultCodes.LayerDoesNotFit, $"arg max leaves one channel: {from} -> {to}");
                else if (from.Channels > 256)
                    yield return new Fault(
                        FaultCodes.IllegalAttributes,
                        string.Empty,
                        $"arg max over {from.Channels} channels",
                        "at most 256 have an index of 8 bits"
                    );
                else if (layer.ClampLow != -128 || layer.ClampHigh != 127)
                    yield return new Fault(
                        FaultCodes.IllegalAttributes,
                        $"arg max does not clamp, but {layer.ClampLow} to {layer.ClampHigh} is given"
                    );
                break;
            default:
                yield return new Fault(FaultCodes.LayerDoesNotFit, $"{layer.GetType().Name} is unknown");
                break;
        }
    }

    // [B, 1, M, K] x [B, 1, N, K] -> [B, 1, M, N]; the pixels of each may be rows and columns.
    private static bool Product(TensorShape left, TensorShape right, TensorShape to) =>
        left.Batch == to.Batch
        && right.Batch == to.Batch
        && left.Channels == right.Channels
        && right.Height * right.Width == to.Channels
        && left.Height * left.Width == to.Height * to.Width;

    private static TensorShape Operand(TensorShape shape, Broadcast broadcast) =>
        broadcast switch
        {
            Broadcast.Pixels => shape with { Height = 1, Width = 1 },
            Broadcast.Channels => shape with { Channels = 1 },
            _ => shape,
        };

    private static bool SameStorage(TensorShape a, TensorShape b) =>
        a.Batch == b.Batch && a.Channels == b.Channels && (long)a.Height * a.Width == (long)b.Height * b.Width;

    private static bool Fits(TensorShape s) => (Int128)s.Batch * s.Height * s.Width * s.Channels <= int.MaxValue;

    private static bool Positive(Size v) => v.Rows > 0 && v.Columns > 0;

    // Negative padding cuts rows and columns off.
    private static bool Sane(Padding v) => new[] { v.Top, v.Left, v.Bottom, v.Right }.All(p => p is >= -(1 << 20) and <= 1 << 20);

    private static bool NotNegative(Padding v) => v is { Top: >= 0, Left: >= 0, Bottom: >= 0, Right: >= 0 };

    private static bool Legal(FixedPointScale s) =>
        s.Multiplier < 1 << FixedPointScale.MultiplierBits && s.Shift is >= 1 and <= FixedPointScale.MaxShift;
}
