using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Network.Dynamic;

/// <summary>A smaller network found in a larger one: its layers are layers of the larger, its weights the first slices of theirs.</summary>
/// <param name="Name">Name for reports; the path is called so.</param>
/// <param name="Subnet">The smaller network.</param>
/// <param name="Layers">Layer of the larger network for each of its own.</param>
/// <param name="SkippedBlocks">Blocks of the larger network that it has not.</param>
/// <param name="Factors">
/// By its convolutions, for each output channel: factor from the larger network's weights to its own. Not 1 where a normalisation of
/// its own is folded into them.
/// </param>
public sealed record SubnetMatch(
    string Name,
    FloatNetwork Subnet,
    IReadOnlyList<int> Layers,
    IReadOnlySet<int> SkippedBlocks,
    IReadOnlyDictionary<int, double[]> Factors
)
{
    /// <summary>Channels that it has of the larger network's tensors, by the tensor that owns the storage; absent where it does not compute
    /// the tensor.</summary>
    /// <param name="whole">The larger network.</param>
    public IReadOnlyDictionary<int, int> Channels(FloatNetwork whole)
    {
        var channels = new Dictionary<int, int>();
        for (int i = 0; i < Layers.Count; i++)
            channels[whole.Home(whole.Layers[Layers[i]].Output)] = Subnet.Tensors[Subnet.Layers[i].Output].Shape.Channels;
        return channels;
    }

    /// <summary>Finds a network in a larger one.</summary>
    /// <param name="whole">The larger network, its blocks marked.</param>
    /// <param name="subnet">The smaller one.</param>
    /// <param name="name">Name for reports.</param>
    /// <exception cref="InputException">It is no part of the larger one; the first layer that is none is named, with the
    /// reason.</exception>
    public static SubnetMatch Find(FloatNetwork whole, FloatNetwork subnet, string name) => new SubnetMatcher(whole, subnet, name).Run();
}

/// <summary>
/// Pairs the layers of two networks in order. What a layer reads must have been written by the pairs before, in both networks by
/// the same; only whole blocks of the larger network may be left without a partner.
/// </summary>
internal sealed class SubnetMatcher(FloatNetwork whole, FloatNetwork subnet, string name)
{
    // Of the largest weight of a channel: what half precision leaves, far below a step of int8.
    private const double Tolerance = 1.0 / 2048;

    // Which write of the smaller network a storage holds: by storage of the larger, and of the smaller itself.
    private sealed record State(
        int Layer,
        Dictionary<int, int> Held,
        Dictionary<int, int> Own,
        List<int> Pairs,
        HashSet<int> Skipped,
        HashSet<int> Entered
    );

    private readonly Dictionary<int, double[]> factors = [];

    // The closest that any way of leaving out blocks came: pairs made, and how far the next pair was right.
    private (int Pairs, double Right, string Reason) closest = (-1, 0, string.Empty);

    public SubnetMatch Run()
    {
        State start = new(0, [], [], [], [], []);
        Require(
            whole.Inputs.Count == subnet.Inputs.Count && whole.Outputs.Count == subnet.Outputs.Count,
            "inputs and outputs",
            $"{subnet.Inputs.Count} and {subnet.Outputs.Count}",
            $"{whole.Inputs.Count} and {whole.Outputs.Count}"
        );
        for (int i = 0; i < whole.Inputs.Count; i++)
        {
            TensorShape from = subnet.Tensors[subnet.Inputs[i]].Shape,
                to = whole.Tensors[whole.Inputs[i]].Shape;
            Require(
                from == to,
                "input",
                $"{from.Height}x{from.Width} with {from.Channels} channels",
                $"{to.Height}x{to.Width} with {to.Channels}; export both for one input size"
            );
            start.Held[whole.Home(whole.Inputs[i])] = start.Own[subnet.Home(subnet.Inputs[i])] = -1 - i;
        }

        var open = new Stack<State>([start]);
        var tried = new HashSet<(int, int)>();
        while (open.TryPop(out State? state))
        {
            if (Follow(state, open, tried) is { } found)
                return new SubnetMatch(name, subnet, found.Pairs, found.Skipped, factors);
        }

        throw new InputException(FaultCodes.NoSubnet, $"{name} is no subnet of {whole.Name}: {closest.Reason}");
    }

    private void Require(bool holds, string what, string has, string needs)
    {
        if (!holds)
            throw new InputException(
                FaultCodes.NoSubnet,
                string.Empty,
                $"{name} is no subnet of {whole.Name}: its {what}: {has}",
                $"{whole.Name} has {needs}"
            );
    }

    // Pairs layer after layer; each block that could be left out instead is put on the stack for later.
    private State? Follow(State state, Stack<State> open, HashSet<(int, int)> tried)
    {
        for (int at = state.Layer; ; at++)
        {
            while (at < whole.Layers.Count && whole.Layers[at].Block is int gone && state.Skipped.Contains(gone))
                at++;
            int next = state.Pairs.Count;
            if (at == whole.Layers.Count || next == subnet.Layers.Count)
            {
                // Blocks at the end that the smaller network has not.
                while (at < whole.Layers.Count && whole.Layers[at].Block is int last && !state.Entered.Contains(last))
                {
                    state.Skipped.Add(last);
                    at++;
                }

                if (at < whole.Layers.Count)
                    return Failed(next, 0, $"it ends before {Of(whole, at)}, which is in no block that can be left out");
                if (next < subnet.Layers.Count)
                    return Failed(next, 0, $"{Of(subnet, next)} comes behind the last layer of {whole.Name}: it has more operations");
                for (int i = 0; i < whole.Outputs.Count; i++)
                {
                    if (
                        state.Held.GetValueOrDefault(whole.Home(whole.Outputs[i]), int.MinValue)
                            != state.Own[subnet.Home(subnet.Outputs[i])]
                        || whole.Tensors[whole.Outputs[i]].Shape != subnet.Tensors[subnet.Outputs[i]].Shape
                    )
                        return Failed(
                            next,
                            0,
                            $"its output {i} is {subnet.Tensors[subnet.Outputs[i]].Shape}, that of {whole.Name} "
                                + $"{whole.Tensors[whole.Outputs[i]].Shape}, or another value"
                        );
                }

                return state;
            }

            FloatLayer layer = whole.Layers[at];
            if (layer.Block is int block && !state.Entered.Contains(block))
            {
                if (tried.Add((at, next)))
                    open.Push(
                        new State(at, new(state.Held), new(state.Own), [.. state.Pairs], [.. state.Skipped, block], [.. state.Entered])
                    );
                state.Entered.Add(block);
            }

            if (Difference(layer, subnet.Layers[next], state, next) is var (right, reason))
                return Failed(next, right, reason);
            state.Held[whole.Home(layer.Output)] = state.Own[subnet.Home(subnet.Layers[next].Output)] = next;
            state.Pairs.Add(at);
        }
    }

    private State? Failed(int pairs, double right, string reason)
    {
        if ((pairs, right).CompareTo((closest.Pairs, closest.Right)) > 0)
            closest = (pairs, right, reason);
        return null;
    }

    private static string Of(FloatNetwork network, int layer) => $"layer {network.Layers[layer].Name}";

    // How two layers differ, and how much of them is the same; null where the smaller one is a slice of the larger.
    private (double Right, string Reason)? Difference(FloatLayer large, FloatLayer small, State state, int index)
    {
        string pair = $"{Of(subnet, index)} against {large.Name} of {whole.Name}: ";
        if (large.GetType() != small.GetType())
            return (0, $"{pair}{Operator(small)} instead of {Operator(large)}");
        if (Attributes(large, small) is { } attribute)
            return (0.1, $"{pair}another {attribute}");
        foreach ((int l, int s) in large.Reads.Zip(small.Reads))
        {
            if (whole.Tensors[whole.Home(l)].Constant is { } values)
            {
                if (subnet.Tensors[subnet.Home(s)].Constant is not { } own || !own.AsSpan().SequenceEqual(values))
                    return (0.2, $"{pair}its constant operand {subnet.Tensors[s].Name} has other values, or is none");
            }
            else if (
                !state.Held.TryGetValue(whole.Home(l), out int held)
                || !state.Own.TryGetValue(subnet.Home(s), out int made)
                || held != made
            )
            {
                return (0.2, $"{pair}it reads {subnet.Tensors[s].Name}, which is another value than {whole.Tensors[l].Name}");
            }

            if (Shapes(whole.Tensors[l].Shape, subnet.Tensors[s].Shape) is { } read)
                return (0.3, $"{pair}its operand is {read}");
        }

        if (Shapes(whole.Tensors[large.Output].Shape, subnet.Tensors[small.Output].Shape) is { } written)
            return (0.3, $"{pair}its result is {written}");
        if (Channels(large, small) is { } channels)
            return (0.4, pair + channels);
        return (large, small) is (FloatConv c, FloatConv d) ? Weights(c, d, pair, index) : null;
    }

    private static string? Shapes(TensorShape large, TensorShape small) =>
        (large.Batch, large.Height, large.Width) == (small.Batch, small.Height, small.Width) && small.Channels <= large.Channels
            ? null
            : $"{small}, of {large}: the rows and columns must be the same, the channels not more";

    private static string Operator(FloatLayer layer) => layer.GetType().Name["Float".Length..];

    // What must be the same whatever the channels; null where all is.
    private static string? Attributes(FloatLayer a, FloatLayer b)
    {
        if (a.Reads.Count != b.Reads.Count)
            return "number of operands";
        if ((a.Range, a.Activation) != (b.Range, b.Activation) || (a.Table is null) != (b.Table is null))
            return "activation";
        if (
            (a.Factor, a.ResidualFactor, a.ResidualSubtract, a.ResidualBroadcast, a.TransposeOutput)
            != (b.Factor, b.ResidualFactor, b.ResidualSubtract, b.ResidualBroadcast, b.TransposeOutput)
        )
            return "factor or form of its operands";
        return (a, b) switch
        {
            (FloatConv c, FloatConv d) when c.Kernel != d.Kernel =>
                $"kernel: {d.Kernel.Rows}x{d.Kernel.Columns} instead of {c.Kernel.Rows}x{c.Kernel.Columns}",
            (FloatConv c, FloatConv d)
                when (c.Stride, c.Dilation, Start(c.Padding), c.IsDataMovement)
                    != (d.Stride, d.Dilation, Start(d.Padding), d.IsDataMovement) => "stride, dilation or padding",
            (FloatAveragePool p, FloatAveragePool q)
                when (p.Kernel, p.Stride, Start(p.Padding)) != (q.Kernel, q.Stride, Start(q.Padding)) => "window",
            (FloatMaxPool p, FloatMaxPool q) when (p.Kernel, p.Stride, Start(p.Padding)) != (q.Kernel, q.Stride, Start(q.Padding)) =>
                "window",
            (FloatMultiply p, FloatMultiply q) when p.Broadcast != q.Broadcast => "form of its operands",
            (FloatSoftmax p, FloatSoftmax q) when p.Slope != q.Slope => "slope",
            (FloatNormalizedMatMul p, FloatNormalizedMatMul q) when p.Epsilon != q.Epsilon => "epsilon",
            (FloatLayerNorm p, FloatLayerNorm q)
                when p.Epsilon != q.Epsilon || !p.Gamma.SequenceEqual(q.Gamma) || !p.Beta.SequenceEqual(q.Beta) =>
                "scale, bias or epsilon: those of a layer normalisation must be the same",
            (FloatResize p, FloatResize q)
                when (p.Up, p.Down, p.Taps, p.Copies) != (q.Up, q.Down, q.Taps, q.Copies)
                    || !p.FirstRow.SequenceEqual(q.FirstRow)
                    || !p.FirstColumn.SequenceEqual(q.FirstColumn)
                    || !p.RowWeights.SequenceEqual(q.RowWeights)
                    || !p.ColumnWeights.SequenceEqual(q.ColumnWeights) => "resampling",
            _ => null,
        };

        // How far the padding reaches at the end is told by the size of the result.
        static (int, int) Start(Padding padding) => (padding.Top, padding.Left);
    }

    // Where fewer channels are more than a first part of the same thing.
    private string? Channels(FloatLayer large, FloatLayer small)
    {
        int Large(int t) => whole.Tensors[t].Shape.Channels;
        int Small(int t) => subnet.Tensors[t].Shape.Channels;
        bool Fewer((int Large, int Small) pair) => Large(pair.Large) != Small(pair.Small);
        (int, int)[] all = [.. large.Reads.Zip(small.Reads), (large.Output, small.Output)];
        if (!all.Any(Fewer))
            return large is FloatConv { Groups: var g } && g != ((FloatConv)small).Groups
                ? $"{((FloatConv)small).Groups} groups instead of {g}"
                : null;
        string fewer = $"{Small(small.Output)} of {Large(large.Output)} channels";
        if (large.TransposeOutput || all.Any(p => whole.Tensors[p.Item1].Shape.Batch > 1))
            return $"{fewer}: where pixels and channels are exchanged, or channels are divided into heads, all must be kept";
        switch (large, small)
        {
            case (FloatConv c, FloatConv d)
                when c.Groups > 1
                    && !(
                        c.Groups == Large(c.Input) && c.Groups == c.Bias.Length && d.Groups == Small(d.Input) && d.Groups == d.Bias.Length
                    ):
                return $"{fewer}: of a convolution with {c.Groups} groups of several channels all must be kept";
            case (FloatConv or FloatAdd or FloatCopy or FloatMultiply or FloatAveragePool or FloatMaxPool or FloatResize, _):
                return null;
            case (FloatConcat c, FloatConcat d):
                return c.Inputs.Zip(d.Inputs).SkipLast(1).Any(Fewer)
                    ? $"{fewer}: of a concatenation only the last part may have fewer channels, since others would leave a gap"
                    : null;
            default:
                return $"{fewer}: {Operator(large)} needs them all";
        }
    }

    // Each output channel's weights must be a multiple of the first ones of the larger layer's channel of the same number.
    private (double, string)? Weights(FloatConv large, FloatConv small, string pair, int index)
    {
        int outputs = small.Bias.Length,
            taps = small.Kernel.Rows * small.Kernel.Columns,
            depth = small.Weights.Length / outputs / taps,
            stride = large.Weights.Length / large.Bias.Length / taps;
        double[] found = new double[outputs];
        for (int k = 0; k < outputs; k++)
        {
            double products = 0,
                squares = 0,
                largest = 0;
            for (int t = 0; t < taps; t++)
            {
                ReadOnlySpan<float> w = Row(large.Weights, k, t, stride),
                    s = Row(small.Weights, k, t, depth);
                for (int c = 0; c < s.Length; c++)
                {
                    products += (double)w[c] * s[c];
                    squares += (double)w[c] * w[c];
                    largest = Math.Max(largest, Math.Abs(s[c]));
                }
            }

            // A channel without weights is a multiple of any; one without weights in the larger network has none here either.
            double factor = squares == 0 ? 1 : products / squares,
                off = 0;
            int worst = 0;
            for (int t = 0; t < taps; t++)
            {
                ReadOnlySpan<float> w = Row(large.Weights, k, t, stride),
                    s = Row(small.Weights, k, t, depth);
                for (int c = 0; c < s.Length; c++)
                {
                    if (Math.Abs(s[c] - (factor * w[c])) is var d && d > off)
                        (off, worst) = (d, c);
                }
            }

            double part = 0.5 + (0.5 * k / outputs);
            if (off > largest * Tolerance)
                return (
                    part,
                    $"{pair}the weights of output channel {k} are no multiple of the first ones of channel {k} there: "
                        + $"that of input channel {worst} is off by {off / largest:P1} of the largest"
                );
            if (factor < 0)
                return (
                    part,
                    $"{pair}the weights of output channel {k} are {factor:G3} times those of channel {k} there; a "
                        + $"factor below 0, from a normalisation of another sign, cannot be shared"
                );
            if (large.IsDataMovement && Math.Abs(factor - 1) > 1e-6)
                return (part, $"{pair}it selects other channels");
            // What is 1 but for the rounding of single precision is the same channel.
            found[k] = Math.Abs(factor - 1) < 1e-6 ? 1 : factor;
        }

        factors[index] = found;
        return null;

        ReadOnlySpan<float> Row(float[] weights, int channel, int tap, int run) => weights.AsSpan(((channel * taps) + tap) * run, depth);
    }
}
