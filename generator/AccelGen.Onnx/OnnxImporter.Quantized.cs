using AccelGen.Files;
using AccelGen.Network;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Onnx;

/// <content>
/// Networks that are quantised already. A tensor that QuantizeLinear writes keeps its scale and zero point for good; what
/// lies between two such tensors is one integer operator, or a table of 256 counts.
/// </content>
public sealed partial class OnnxImporter
{
    private const int UInt8 = 2,
        Int8 = 3,
        Int32 = 6;

    // Movements, and what selects among counts.
    private static readonly HashSet<string> CountOperators =
    [
        "Identity",
        "Flatten",
        "Reshape",
        "Squeeze",
        "Unsqueeze",
        "Transpose",
        "Expand",
        "Slice",
        "Split",
        "Gather",
        "Pad",
        "Concat",
        "MaxPool",
        "GlobalMaxPool",
        "Resize",
        "Upsample",
        "ArgMax",
    ];

    // Scales, zero points and type of QuantizeLinear or DequantizeLinear.
    private readonly record struct Parameters(float[] Scales, long[] ZeroPoints, int Type)
    {
        public QuantizationParameters Single => new(Scales[0], (int)ZeroPoints[0] - (Type == UInt8 ? 128 : 0));
    }

    private static Parameters Quantisation(OnnxNode node, Value?[] inputs, int absent)
    {
        OnnxTensor scale = Parameter(inputs, 1, "scale");
        float[] scales = Floats(scale, "scale");
        int bad = Array.FindIndex(scales, s => !(float.IsFinite(s) && s > 0));
        if (scales.Length == 0 || bad >= 0)
            throw scales.Length == 0
                ? new InputException(FaultCodes.IllegalQuantisation, "the scale is empty")
                : new InputException(
                    FaultCodes.IllegalQuantisation,
                    string.Empty,
                    $"the scale {(scales.Length > 1 ? $"of channel {bad} " : string.Empty)}is {scales[bad]}",
                    "it must be positive and finite: calibrate with inputs that exercise the layer"
                );
        if (scale.Dims.Length > 1)
            throw new InputException(
                FaultCodes.UnsupportedQuantisation,
                string.Empty,
                $"the scale has shape {Text(scale.Dims)}",
                "one number or one per channel is supported"
            );
        if (node.Integer("block_size", 0) != 0)
            throw new InputException(
                FaultCodes.UnsupportedQuantisation,
                string.Empty,
                "a scale per block (block_size) is not supported",
                "one number or one per channel is"
            );
        OnnxTensor? zero = inputs.Length > 2 && inputs[2] is not null ? Parameter(inputs, 2, "zero point") : null;
        int type = zero?.Type ?? (node.Integer("output_dtype", 0) is > 0 and var asked ? (int)asked : absent);
        if (type is not (UInt8 or Int8 or Int32))
            throw new InputException(
                FaultCodes.UnsupportedQuantisation,
                string.Empty,
                $"quantises to {OnnxTensor.TypeName(type)}",
                "int8 and uint8 are supported: quantise the model to 8 bits"
            );
        long[] zeros = zero is null ? new long[scales.Length] : ConstantFolder.Whole(zero);
        if (zeros.Length != scales.Length)
            throw new InputException(FaultCodes.IllegalQuantisation, $"{zeros.Length} zero points for {scales.Length} scales");
        long range = Array.Find(
            zeros,
            z =>
                type switch
                {
                    UInt8 => z is < 0 or > 255,
                    Int8 => z is < -128 or > 127,
                    _ => z != 0,
                }
        );
        return range == 0
            ? new Parameters(scales, zeros, type)
            : throw new InputException(
                FaultCodes.IllegalQuantisation,
                $"the zero point {range} is no {OnnxTensor.TypeName(type)}{(type == Int32 ? " 0" : string.Empty)}"
            );
    }

    private string? QuantizeNode(OnnxNode node, Value?[] inputs)
    {
        Activation x = Operand(node, inputs, 0);
        if (x.Counts != 0)
            throw new InputException(
                FaultCodes.ReadsCounts,
                string.Empty,
                "quantises what is quantised already",
                "put a DequantizeLinear before it"
            );
        Parameters p = Quantisation(node, inputs, UInt8);
        if (p.Scales.Length > 1)
            throw new InputException(
                FaultCodes.UnsupportedQuantisation,
                string.Empty,
                $"an activation has {p.Scales.Length} scales",
                "one is supported: quantise activations per tensor, weights per channel"
            );
        if (p.Type == Int32)
            throw new InputException(
                FaultCodes.UnsupportedQuantisation,
                string.Empty,
                "quantises an activation to int32",
                "int8 and uint8 are supported"
            );
        View result = Rounded(x, p.Single, node);
        return Bind(node, new Activation(result) { Counts = p.Type }, "keeps the counts");
    }

    // A value rounded to a quantisation. A function of counts is a table; anything else is rounded by the layer that makes it.
    private View Rounded(Activation x, QuantizationParameters to, OnnxNode node)
    {
        if (network.Fixed(x.View.Tensor) is { } from)
            return x.IsPlain && from == to ? x.View : LookUp(node, x, from, to, Table(x.Function, from, to));
        if (!x.IsPlain && x.Function.Affine is null && x.Function is not Clamped { Inner.Affine: not null })
        {
            OnnxNode at = x.Origin ?? node;
            throw new InputException(
                FaultCodes.NotQuantised,
                string.Empty,
                $"{(at == node ? "its argument" : $"{at.Name} ({at.Written}) reads a value that")} has no scale and " + "zero point",
                "put QuantizeLinear and DequantizeLinear before it, or use an operator that the quantiser does not leave in float"
            );
        }

        View view = Compute(node, x);
        bool input = Array.IndexOf(inputTensors, network.Home(view.Tensor)) >= 0;
        if (!input && !Covers(view))
        {
            Arrangement at = Arrange(view, []);
            view = Result(at, network.Arrange(at.Singles, at.Layout, false, node.Name));
        }

        int tensor = network.Round(view.Tensor, to, node.Name, out string layer);
        layerOf[node] = layer;
        return view with { Tensor = tensor };
    }

    // The quantisation that follows a value at once, where it is the only thing that does.
    private QuantizationParameters? Next(string value) =>
        readers[value].ToArray() is [{ Operator: "QuantizeLinear" } q, ..]
        && readers[value].All(r => r?.Operator == "QuantizeLinear" && r.Inputs.Skip(1).SequenceEqual(q.Inputs.Skip(1)))
            ? Quantisation(q, [null, .. q.Inputs.Skip(1).Select(i => i.Length == 0 ? null : Lookup(i))], UInt8) is { Scales.Length: 1 } p
                ? p.Single
                : null
            : null;

    private View LookUp(OnnxNode node, Activation x, QuantizationParameters from, QuantizationParameters to, sbyte[] table)
    {
        string entries = Convert.ToHexString(System.Runtime.InteropServices.MemoryMarshal.AsBytes<sbyte>(table));
        string key = $"{x.View.Key}={x.Function}@{from}{to}{entries}";
        if (computed.TryGetValue(key, out View? known))
            return known;
        OnnxNode maker = x.Origin ?? node;
        View view = x.View;
        Arrangement? at = null;
        if (!Covers(view))
        {
            at = Arrange(view, []);
            view = view with { Tensor = network.Arrange(at.Singles, at.Layout, false, maker.Name) };
        }

        int output = Emit(
            maker,
            network.Shape(view.Tensor),
            (name, result) => new FloatCopy(name, view.Tensor, result) { Table = new FixedTable(from, table) }
        );
        network.Fix(output, to);
        if (maker != node)
            layerOf[node] = layerOf[maker];
        return computed[key] = at is null ? view with { Tensor = output } : Result(at, output);
    }

    // The view has every element of its tensor: what is done to each may be done to the whole.
    private bool Covers(View view) =>
        View.Product(view.Dims.SelectMany(d => d).Where(a => a.Axis != TensorAxis.None)) == network.Shape(view.Tensor).Elements;

    // Counts of a function of counts: of the identity by the integer operators' own rounding, of others in single precision
    // as the file's operators compute, so that halves are rounded as they are there.
    private static sbyte[] Table(Pointwise f, QuantizationParameters from, QuantizationParameters to)
    {
        var table = new sbyte[256];
        double ratio = from.Scale / to.Scale;
        OutputRange range =
            f is Clamped { Range: var r, Inner: var inner } && ReferenceEquals(inner, Pointwise.X) ? r : OutputRange.Unbounded;
        bool rescales = (ReferenceEquals(f, Pointwise.X) || range != OutputRange.Unbounded) && ratio < 1 << 22;
        int low = Count(range.Low),
            high = Count(range.High);
        FixedPointScale scale = rescales ? FixedPointScale.FromReal(ratio) : default;
        for (int i = 0; i < 256; i++)
        {
            int x = i - 128 - from.ZeroPoint;
            if (rescales)
            {
                table[i] = (sbyte)
                    Math.Clamp((((x * (long)scale.Multiplier) + (1L << (scale.Shift - 1))) >> scale.Shift) + to.ZeroPoint, low, high);
                continue;
            }

            float y = (float)f.Evaluate((float)from.Scale * x),
                count = MathF.Round(y / (float)to.Scale, MidpointRounding.ToEven) + to.ZeroPoint;
            table[i] = (sbyte)(float.IsNaN(count) ? to.ZeroPoint : Math.Clamp(count, -128, 127));
        }

        return table;

        int Count(float bound) => (int)Math.Clamp(Math.Round(bound / to.Scale, MidpointRounding.ToEven) + to.ZeroPoint, -128, 127);
    }

    private string? DequantizeNode(OnnxNode node, Value?[] inputs)
    {
        if (Source(inputs, 0) is not Activation { Counts: not 0 } x)
            throw new InputException(
                FaultCodes.NotQuantised,
                "its input is not quantised: it reads the result of QuantizeLinear or an initialiser of 8-bit integers"
            );
        Parameters p = Quantisation(node, inputs, x.Counts);
        if (p.Scales.Length > 1)
            throw new InputException(
                FaultCodes.UnsupportedQuantisation,
                string.Empty,
                $"an activation has {p.Scales.Length} scales",
                "one is supported: quantise activations per tensor, weights per channel"
            );
        if (p.Type != x.Counts)
            throw new InputException(
                FaultCodes.IllegalQuantisation,
                $"the zero point is {OnnxTensor.TypeName(p.Type)}, the value {OnnxTensor.TypeName(x.Counts)}"
            );
        if (network.Fixed(x.View.Tensor) is not { } from)
        {
            // Counts of the outside, or of a table: this says what they mean.
            network.Fix(x.View.Tensor, p.Single);
            return Bind(node, x with { Counts = 0 }, "gives counts their scale");
        }

        if (from == p.Single)
            return Bind(node, x with { Counts = 0 }, "passes through");
        // The same counts under another scale.
        return Bind(node, new Activation(LookUp(node, x, from, p.Single, [.. Enumerable.Range(-128, 256).Select(i => (sbyte)i)])));
    }

    // Weights and other constants.
    private static OnnxTensor QuantizeConstant(OnnxNode node, Value?[] inputs)
    {
        OnnxTensor x = Parameter(inputs, 0, "value");
        float[] values = Floats(x, "value");
        if (Array.FindIndex(values, v => !float.IsFinite(v)) is >= 0 and int bad)
            throw new InputException(
                FaultCodes.NotFinite,
                $"input 0 ({node.Inputs[0]})",
                $"element {bad} is {values[bad]}",
                "weights must be finite"
            );
        Parameters p = Quantisation(node, inputs, UInt8);
        int[] channel = Channels(node, x, p);
        (long low, long high) = p.Type switch
        {
            UInt8 => (0L, 255L),
            Int8 => (-128L, 127L),
            _ => (int.MinValue, int.MaxValue),
        };
        return OnnxTensor.Of(
            x.Dims,
            [
                .. values.Select(
                    (v, i) =>
                        (long)
                            Math.Clamp(
                                Math.Round((double)(v / p.Scales[channel[i]]), MidpointRounding.ToEven) + p.ZeroPoints[channel[i]],
                                low,
                                high
                            )
                ),
            ],
            p.Type
        );
    }

    private static OnnxTensor DequantizeConstant(OnnxNode node, Value?[] inputs)
    {
        OnnxTensor x = Parameter(inputs, 0, "value");
        if (x.Integers is not { } values || x.Type is not (UInt8 or Int8 or Int32))
            throw new InputException(
                FaultCodes.UnsupportedQuantisation,
                string.Empty,
                $"the constant is {OnnxTensor.TypeName(x.Type)}",
                "int8, uint8 and int32 are supported: quantise the model to 8 bits"
            );
        Parameters p = Quantisation(node, inputs, x.Type);
        if (p.Type != x.Type)
            throw new InputException(
                FaultCodes.IllegalQuantisation,
                $"the zero point is {OnnxTensor.TypeName(p.Type)}, the value {OnnxTensor.TypeName(x.Type)}"
            );
        int[] channel = Channels(node, x, p);
        var counts = new long[values.Length];
        for (int i = 0; i < counts.Length; i++)
            counts[i] = values[i] - p.ZeroPoints[channel[i]];
        return OnnxTensor.OfIntegers(
            x.Dims,
            counts,
            p.Scales.Length == 1 ? p.Scales : [.. channel.Select(c => p.Scales[c])],
            p.Scales.Length == 1 && x.Type != Int32 ? p.Single : null
        );
    }

    // Which scale each element has.
    private static int[] Channels(OnnxNode node, OnnxTensor x, Parameters p)
    {
        var channel = new int[x.Count];
        if (p.Scales.Length == 1)
            return channel;
        int axis = ConstantFolder.Axis(node.Integer("axis", 1), x.Dims.Length),
            inner = OnnxTensor.CountOf(x.Dims[(axis + 1)..]);
        if (x.Dims[axis] != p.Scales.Length)
            throw new InputException(
                FaultCodes.IllegalQuantisation,
                string.Empty,
                $"{p.Scales.Length} scales for axis {axis} of {Text(x.Dims)}",
                $"{x.Dims[axis]} are needed"
            );
        for (int i = 0; i < channel.Length; i++)
            channel[i] = i / inner % p.Scales.Length;
        return channel;
    }

    // Integers and scale per output channel of weights whose element i belongs to channel Channel(i), or null where they are float. In a
    // network whose activations are float, integers that no int8 layer can hold as they are (a zero point far off, a scale per input
    // channel) are values like any other: they are rounded anew.
    private (sbyte[] Integers, float[] Scales)? WeightIntegers(OnnxTensor weights, int channels, Func<int, int> channel)
    {
        if (weights is not { Scales: { } scales, Counts: { } counts })
            return quantized
                ? throw new InputException(
                    FaultCodes.NotQuantised,
                    string.Empty,
                    "its weights are float in a quantised network",
                    "quantise them too (DequantizeLinear of int8 weights)"
                )
                : null;
        var result = new float[channels];
        var integers = new sbyte[weights.Count];
        for (int i = 0; i < weights.Count; i++)
        {
            int k = channel(i);
            float scale = scales.Length == 1 ? scales[0] : scales[i];
            if (result[k] != 0 && result[k] != scale)
                return !quantized
                    ? null
                    : throw new InputException(
                        FaultCodes.UnsupportedQuantisation,
                        string.Empty,
                        $"the weights of output channel {k} have more than one scale",
                        "one per output channel is supported"
                    );
            result[k] = scale;
            int count = counts[i];
            if (count is < -128 or > 127)
                return !quantized
                    ? null
                    : throw new InputException(
                        FaultCodes.UnsupportedQuantisation,
                        string.Empty,
                        $"a weight of output channel {k} is {count} counts from its zero point",
                        "-128 to 127 are supported: quantise weights symmetrically (int8 with zero point 0, or uint8 with 128)"
                    );
            integers[i] = (sbyte)count;
        }

        return (integers, result);
    }

    // An operator between counts: movements keep them, tables map them.
    private string? LowerCounts(OnnxNode node, Value?[] inputs)
    {
        if (node.Operator is "DequantizeLinear" or "QuantizeLinear")
            return Lower(node, inputs);
        if (node.Operator == "Cast" && inputs is [Activation { Counts: not 0 } cast])
        {
            if (node.Integer("to", 1) is not (Int32 or 7))
                throw new InputException(
                    FaultCodes.ReadsCounts,
                    string.Empty,
                    $"casts counts to {OnnxTensor.TypeName((int)node.Integer("to", 1))}",
                    "use DequantizeLinear"
                );
            return Bind(node, cast, "passes through");
        }

        if (node.Operator == "Gather" && inputs is [Constant { Tensor: var table }, Activation { Counts: not 0 } index])
            return GatherTable(node, table, index);
        if (!CountOperators.Contains(node.Operator))
            throw new InputException(
                FaultCodes.ReadsCounts,
                string.Empty,
                "reads counts",
                "movements, MaxPool and nearest Resize do so, other operators need DequantizeLinear before and "
                    + "QuantizeLinear behind them"
            );
        Activation first = inputs.OfType<Activation>().First(a => a.Counts != 0);
        if (
            inputs
                .OfType<Activation>()
                .Any(a => a.Counts != first.Counts || network.Fixed(a.View.Tensor) != network.Fixed(first.View.Tensor))
        )
            throw new InputException(
                FaultCodes.ReadsCounts,
                string.Empty,
                "joins counts of different scales",
                "put DequantizeLinear before and QuantizeLinear behind it"
            );
        if (node.Operator == "Resize" && node.Text("mode", "nearest") != "nearest")
            throw new InputException(
                FaultCodes.ReadsCounts,
                string.Empty,
                "interpolates counts",
                "put DequantizeLinear before and QuantizeLinear behind it"
            );
        QuantizationParameters? from = network.Fixed(first.View.Tensor);
        Value?[] real =
        [
            .. inputs.Select(
                (v, i) =>
                    v switch
                    {
                        Activation a => a with { Counts = 0 },
                        Constant { Tensor: { Integers: { } n, Type: UInt8 or Int8 } t }
                            when node.Operator == "Concat" || (node.Operator == "Pad" && i == 2) => new Constant(Real(t, n)),
                        _ => v,
                    }
            ),
        ];
        if (node.Operator == "Pad" && (real.Length < 3 || real[2] is null))
            real =
            [
                real[0],
                real.Length > 1 ? real[1] : null,
                new Constant(Real(OnnxTensor.Of([], [0L], first.Counts), [0])),
                .. real.Skip(3),
            ];
        string? note = Lower(node, real);
        if (node.Operator != "ArgMax")
        {
            foreach (string output in node.Outputs.Where(values.ContainsKey))
            {
                Activation y = values[output] is Moment m ? Force(node, m) : (Activation)values[output];
                values[output] = new Activation(from is { } q ? Rounded(y, q, node) : y.View) { Counts = first.Counts };
            }
        }

        return note;

        OnnxTensor Real(OnnxTensor t, long[] counts)
        {
            if (from is not { } q)
                throw new InputException(FaultCodes.ReadsCounts, "joins a constant with counts whose scale is not known");
            int zero = q.ZeroPoint + (t.Type == UInt8 ? 128 : 0);
            return OnnxTensor.OfIntegers(t.Dims, [.. counts.Select(v => v - zero)], [(float)q.Scale], q);
        }
    }

    private string? GatherTable(OnnxNode node, OnnxTensor table, Activation index)
    {
        if (
            index.Counts != UInt8
            || table.Dims is not [256]
            || table.Type is not (UInt8 or Int8)
            || node.Integer("axis", 0) != 0
            || network.Fixed(index.View.Tensor) is not { } from
        )
            throw new InputException(
                FaultCodes.ReadsCounts,
                string.Empty,
                $"looks counts up in a table of shape {Text(table.Dims)}",
                "256 bytes indexed by uint8 counts are supported"
            );
        sbyte[] counts = [.. table.Integers!.Select(v => (sbyte)(v - (table.Type == UInt8 ? 128 : 0)))];
        // DequantizeLinear says later what the counts mean; until then no other reader may.
        int tensor = index.View.Tensor;
        int output = Emit(
            node,
            network.Shape(tensor),
            (name, to) => new FloatCopy(name, tensor, to) { Table = new FixedTable(from, counts) }
        );
        return Bind(node, new Activation(index.View with { Tensor = output }) { Counts = table.Type });
    }

    // Taps of a resize side by side: gathered rows and columns, integer weights for each, and the size of a group.
    private sealed record Gathered(View X, int[] Rows, int[]? Columns = null, float[]? Weights = null, Size? Window = null) : Value;

    // A Gather of rows that begins a resize: columns, a product, an average and another product follow.
    private bool BeginsResize(OnnxNode node, View x, int axis)
    {
        if (!quantized || axis != 2 || x.Rank != 4 || x.Sizes[0] != 1 || network.Fixed(x.Tensor) is null)
            return false;
        OnnxNode at = node;
        foreach (string op in new[] { "Gather", "Mul", "AveragePool", "Mul" })
        {
            if (readers[at.Outputs[0]].ToArray() is not [{ } next] || next.Operator != op)
                return false;
            at = next;
        }

        return true;
    }

    private string LowerGathered(OnnxNode node, Value?[] inputs)
    {
        int at = Array.FindIndex(inputs, v => v is Gathered);
        Gathered g = (Gathered)inputs[at]!;
        OnnxTensor? operand = inputs.Length > 1 && inputs[1 - Math.Min(at, 1)] is Constant c ? c.Tensor : null;
        switch (node.Operator)
        {
            case "Gather" when g.Columns is null && ConstantFolder.Axis(node.Integer("axis", 0), 4) == 3 && operand is { Dims.Length: 1 }:
                values[node.Outputs[0]] = g with { Columns = Indices(operand, g.X.Sizes[3]) };
                break;
            case "Mul"
                when g is { Columns: { } columns, Weights: null }
                    && operand is { Grid: { ZeroPoint: 0 } grid, Floats: { } weights }
                    && operand.Dims.SequenceEqual([1L, 1, g.Rows.Length, columns.Length]):
                values[node.Outputs[0]] = g with { Weights = [.. weights.Select(w => (float)Math.Round(w / grid.Scale))], Window = (0, 0) };
                if (grid.Scale != 1)
                    throw new InputException(
                        FaultCodes.UnsupportedQuantisation,
                        string.Empty,
                        $"weighs gathered pixels in steps of {grid.Scale}",
                        "1 is supported"
                    );
                break;
            case "AveragePool"
                when g is { Weights: not null, Window: (0, 0) }
                    && Pair(node, "kernel_shape") is var window
                    && Pair(node, "strides") == window
                    && (node.Integers("pads") ?? []).All(p => p == 0)
                    && node.Text("auto_pad", "NOTSET") is "NOTSET" or "VALID"
                    && g.Rows.Length % window.Rows == 0
                    && g.Columns!.Length % window.Columns == 0:
                values[node.Outputs[0]] = g with { Window = window };
                break;
            case "Mul"
                when g is { Window: (> 0, > 0) }
                    && operand is { Floats: { } factors }
                    && operand.Dims.SequenceEqual([1L, 1, g.Rows.Length / g.Window.Value.Rows, g.Columns!.Length / g.Window.Value.Columns]):
                return Bind(node, ImageValue(Resample(node, g, factors))) ?? "resize";
            default:
                throw new InputException(
                    FaultCodes.Arrangement,
                    string.Empty,
                    "takes pixels in an order of its own",
                    "a Gather of rows, one of columns, a product with int8 weights, an average of each group and a "
                        + "product with factors are a resize"
                );
        }

        return "part of a resize";
    }

    private static int[] Indices(OnnxTensor list, long size) =>
        [
            .. ConstantFolder
                .Whole(list)
                .Select(i =>
                    i >= 0 && i < size
                        ? (int)i
                        : throw new InputException(FaultCodes.IllegalAttribute, $"index {i} is outside an axis of {size}")
                ),
        ];

    private int Resample(OnnxNode node, Gathered g, float[] factors)
    {
        (int tapRows, int tapColumns) = g.Window!.Value;
        int height = g.Rows.Length / tapRows,
            width = g.Columns!.Length / tapColumns,
            line = width * tapColumns;
        int tensor = network.Arrange(g.X, Layout.Image, true, node.Name);
        TensorShape shape = network.Shape(tensor);
        bool SameRows(int a, int b) =>
            factors.AsSpan(a * width, width).SequenceEqual(factors.AsSpan(b * width, width))
            && g.Weights.AsSpan(a * tapRows * line, tapRows * line).SequenceEqual(g.Weights.AsSpan(b * tapRows * line, tapRows * line));
        bool SameColumns(int a, int b)
        {
            for (int row = 0; row < height * tapRows; row++)
            {
                if (
                    factors[(row / tapRows * width) + a] != factors[(row / tapRows * width) + b]
                    || !g
                        .Weights.AsSpan((row * line) + (a * tapColumns), tapColumns)
                        .SequenceEqual(g.Weights.AsSpan((row * line) + (b * tapColumns), tapColumns))
                )
                    return false;
            }

            return true;
        }

        (int upRows, int downRows, int[] firstRow) = Period(g.Rows, tapRows, shape.Height, SameRows);
        (int upColumns, int downColumns, int[] firstColumn) = Period(g.Columns, tapColumns, shape.Width, SameColumns);
        int taps = tapRows * tapColumns;
        var weights = new sbyte[upRows * upColumns * taps];
        var steps = new double[upRows * upColumns];
        for (int phase = 0; phase < steps.Length; phase++)
        {
            (int p, int q) = Math.DivRem(phase, upColumns);
            steps[phase] = factors[(p * width) + q] / (double)taps;
            for (int t = 0; t < taps; t++)
                weights[(phase * taps) + t] = (sbyte)
                    g.Weights![(((p * tapRows) + (t / tapColumns)) * line) + (q * tapColumns) + (t % tapColumns)];
        }

        return Emit(
            node,
            shape with
            {
                Height = height,
                Width = width,
            },
            (name, to) =>
                new FloatResize(name, tensor, to)
                {
                    Up = (upRows, upColumns),
                    Down = (downRows, downColumns),
                    Taps = (tapRows, tapColumns),
                    FirstRow = firstRow,
                    FirstColumn = firstColumn,
                    RowWeights = [],
                    ColumnWeights = [],
                    Fixed = new FixedTaps(weights, steps),
                }
        );
    }

    // The shortest period of a list of taps that fits it a whole number of times: outputs and inputs per period, and the first
    // input of each output of the first.
    private static (int Up, int Down, int[] First) Period(int[] at, int taps, int size, Func<int, int, bool> same)
    {
        int outputs = at.Length / taps;
        bool Inside(int i) => at[i] > 0 && at[i] < size - 1;
        for (int up = 1; up < outputs; up++)
        {
            if (outputs % up != 0)
                continue;
            // Two taps a period apart, neither moved to the edge, say how far a period reaches.
            int i = Enumerable.Range(0, at.Length - (up * taps)).FirstOrDefault(i => Inside(i) && Inside(i + (up * taps)), -1);
            if (i < 0 || at[i + (up * taps)] - at[i] is not (> 0 and var down))
                continue;
            if (Enumerable.Range(up, outputs - up).All(o => same(o, o - up)) && Firsts(up, down) is { } first)
                return (up, down, first);
        }

        return (
            outputs,
            size,
            Firsts(outputs, size) ?? throw new InputException(FaultCodes.Arrangement, "takes pixels that do not follow each other")
        );

        int[]? Firsts(int up, int down)
        {
            var first = new int[up];
            for (int p = 0; p < up; p++)
            {
                bool Fits(int candidate)
                {
                    for (int i = 0; i < at.Length; i++)
                    {
                        if (i / taps % up == p && at[i] != Math.Clamp((i / taps / up * down) + candidate + (i % taps), 0, size - 1))
                            return false;
                    }

                    return true;
                }

                int found = Enumerable.Range(-taps - size, (2 * (size + taps)) + 1).FirstOrDefault(Fits, int.MinValue);
                if (found == int.MinValue)
                    return null;
                first[p] = found;
            }

            return first;
        }
    }

    // What of a quantised network would have to be computed in float.
    private IEnumerable<Fault> NotQuantised(FloatNetwork result)
    {
        string Where(FloatLayer layer) => $"{graph.Path}: {Place(layer.Name)}";
        foreach (int input in result.Inputs.Where(t => result.Tensors[result.Home(t)].Fixed is null))
        {
            FloatLayer reader = result.Layers.First(l => l.Reads.Any(t => result.Home(t) == input));
            yield return new Fault(
                FaultCodes.NotQuantised,
                Where(reader),
                $"reads the input {result.Tensors[input].Name} without QuantizeLinear, or it is quantised in two ways",
                "quantise the input once, and leave normalisation of the image to the caller"
            );
        }

        foreach (FloatLayer layer in result.Layers)
        {
            if (result.Tensors[result.Home(layer.Output)].Fixed is null)
                yield return new Fault(
                    FaultCodes.NotQuantised,
                    Where(layer),
                    "its result has no scale and zero point of its own",
                    "put QuantizeLinear and DequantizeLinear behind it"
                );
            else if (layer.Activation.Kind != ActivationKind.None)
                yield return new Fault(
                    FaultCodes.NotQuantised,
                    Where(layer),
                    $"the argument of {layer.Activation.Kind} has no scale and zero point",
                    "put QuantizeLinear and DequantizeLinear before the activation"
                );
        }
    }
}
