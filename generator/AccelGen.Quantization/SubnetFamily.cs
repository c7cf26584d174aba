using AccelGen.Files;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Quantization.Operators;

namespace AccelGen.Quantization;

/// <summary>
/// A network and subnets of it, quantised as one: weights once, each tensor with one scale and zero point for all, biases and
/// factors of every subnet. <see cref="Join"/> makes a path of each.
/// </summary>
public sealed class SubnetFamily
{
    private readonly FloatNetwork whole;
    private readonly ConvParameters?[][] parameters;

    private SubnetFamily(FloatNetwork whole, QuantizedNetwork quantized, IReadOnlyList<SubnetMatch> subnets) =>
        (this.whole, Whole, Subnets, parameters) = (
            whole,
            quantized,
            subnets,
            [.. subnets.Select(s => new ConvParameters?[s.Layers.Count])]
        );

    /// <summary>The largest network.</summary>
    public QuantizedNetwork Whole { get; private set; }

    /// <summary>The subnets.</summary>
    public IReadOnlyList<SubnetMatch> Subnets { get; }

    /// <summary>Quantises a network and its subnets.</summary>
    /// <param name="whole">The largest network.</param>
    /// <param name="ranges">Its ranges.</param>
    /// <param name="subnets">Subnets with their ranges, each calibrated with its own weights.</param>
    /// <exception cref="InputException">A layer cannot be quantised.</exception>
    public static SubnetFamily Quantize(
        FloatNetwork whole,
        IReadOnlyList<ValueRange> ranges,
        IReadOnlyList<(SubnetMatch Match, IReadOnlyList<ValueRange> Ranges)> subnets
    )
    {
        var family = new SubnetFamily(whole, Quantizer.Quantize(whole, Union(whole, ranges, subnets)), [.. subnets.Select(s => s.Match)]);
        for (int s = 0; s < subnets.Count; s++)
        {
            SubnetMatch match = subnets[s].Match;
            for (int i = 0; i < match.Layers.Count; i++)
            {
                if (match.Subnet.Layers[i] is FloatConv own)
                    family.parameters[s][i] = family.Parameters(own, match.Layers[i], match.Factors[i]);
            }
        }

        return family;
    }

    /// <summary>A subnet by itself: what the joined program computes on its path.</summary>
    /// <param name="index">Index of the subnet.</param>
    public QuantizedNetwork Alone(int index)
    {
        SubnetMatch match = Subnets[index];
        FloatNetwork subnet = match.Subnet;
        var known = new Dictionary<int, QuantizedTensor>();
        for (int i = 0; i < subnet.Inputs.Count; i++)
            known[subnet.Inputs[i]] = Whole.Tensors[whole.Inputs[i]];
        for (int i = 0; i < match.Layers.Count; i++)
        {
            FloatLayer large = whole.Layers[match.Layers[i]],
                small = subnet.Layers[i];
            foreach ((int l, int s) in large.Reads.Append(large.Output).Zip(small.Reads.Append(small.Output)))
                known[s] = known[subnet.Home(s)] = Whole.Tensors[l];
        }

        QuantizedTensor[] tensors =
        [
            .. subnet.Tensors.Select(t =>
                (known.GetValueOrDefault(t.Id) ?? known.GetValueOrDefault(subnet.Home(t.Id))) is { } as_
                    ? new QuantizedTensor(t.Id, t.Name, t.Shape, as_.Scale, as_.ZeroPoint, t.SharesStorageWith, as_.Constant)
                    : new QuantizedTensor(t.Id, t.Name, t.Shape, 1, 0, t.SharesStorageWith)
            ),
        ];
        QuantizedLayer[] layers = [.. subnet.Layers.Select((l, i) => Alone(l, Whole.Layers[match.Layers[i]], parameters[index][i]))];
        return new QuantizedNetwork(subnet.Name, tensors, layers, subnet.Blocks, subnet.Inputs, subnet.Outputs);
    }

    /// <summary>Takes other biases: what a correction found for the largest network or a subnet by itself.</summary>
    /// <param name="index">Index of the subnet, or null for the largest network.</param>
    /// <param name="corrected">The network that <see cref="Whole"/> or <see cref="Alone(int)"/> gave, with other biases.</param>
    public void Correct(int? index, QuantizedNetwork corrected)
    {
        if (index is not int subnet)
        {
            Whole = corrected;
            return;
        }

        for (int i = 0; i < corrected.Layers.Count; i++)
        {
            if (corrected.Layers[i] is ConvLayer conv)
                parameters[subnet][i] = new ConvParameters(conv.Bias, conv.Scales);
        }
    }

    /// <summary>Makes one network of all: the largest is the first path, then a path for each subnet.</summary>
    /// <param name="registers">Dynamic registers of the configuration.</param>
    /// <exception cref="InputException">There are more subnets than variants of parameters, or too few registers.</exception>
    public DynamicNetwork Join(int registers)
    {
        int paths = Subnets.Count + 1;
        if (paths > DynamicNetwork.MostVariants)
            throw new InputException(
                FaultCodes.Variants,
                string.Empty,
                $"{Subnets.Count} subnets",
                $"with the whole network at most {DynamicNetwork.MostVariants} paths have parameters of their own"
            );
        QuantizedLayer[] layers = [.. Whole.Layers];
        IReadOnlyDictionary<int, int>[] channels = [.. Subnets.Select(s => s.Channels(whole))];
        var columns = new ExtentColumns();
        ILookup<int, int> writers = Enumerable.Range(0, layers.Length).ToLookup(i => Whole.Home(layers[i].Output)),
            readers = Enumerable.Range(0, layers.Length).ToLookup(i => Whole.Home(layers[i].Input));
        HashSet<int> zeroBeyond = ZeroBeyond();
        foreach (IGrouping<int, int> tensor in writers)
        {
            int all = Whole.Tensors[tensor.Key].Shape.Channels;
            double work = tensor.Concat(readers[tensor.Key]).Distinct().Sum(l => (double)whole.LayerMacs(whole.Layers[l]));
            columns.Add(
                tensor.Key,
                [all, .. channels.Select(c => c.TryGetValue(tensor.Key, out int kept) ? kept : (int?)null)],
                all,
                work,
                zeroBeyond.Contains(tensor.Key)
            );
        }

        (IReadOnlyDictionary<int, int> register, int[][] kept) = columns.Assign(registers);
        int? Register(int tensor) => register.TryGetValue(Whole.Home(tensor), out int r) ? r : null;
        for (int i = 0; i < layers.Length; i++)
        {
            layers[i] = layers[i] with { OutputExtent = Register(layers[i].Output) };
            if (layers[i] is not ConvLayer conv)
                continue;
            conv = conv with { InputExtent = conv.Groups == 1 ? Register(conv.Input) : null };
            ConvParameters own = new(conv.Bias, conv.Scales);
            ConvParameters[] variants =
            [
                own,
                .. Subnets.Select(
                    (s, n) =>
                        Enumerable.Range(0, s.Layers.Count).FirstOrDefault(k => s.Layers[k] == i, -1) is >= 0 and int at
                            ? Padded(parameters[n][at]!, conv.Bias.Length)
                            : own
                ),
            ];
            layers[i] = variants.All(v => v.Bias.SequenceEqual(own.Bias) && v.Scales.SequenceEqual(own.Scales))
                ? conv
                : conv with
                {
                    Variants = variants,
                };
        }

        // What is the same in every layer is one variant.
        var distinct = new List<int>();
        int[] variant = new int[paths];
        for (int p = 0; p < paths; p++)
        {
            int known = distinct.FindIndex(d =>
                layers.All(l =>
                    l is not ConvLayer { Variants: { } v } || (v[d].Bias.SequenceEqual(v[p].Bias) && v[d].Scales.SequenceEqual(v[p].Scales))
                )
            );
            variant[p] = known < 0 ? distinct.Count : known;
            if (known < 0)
                distinct.Add(p);
        }

        for (int i = 0; i < layers.Length; i++)
        {
            if (layers[i] is ConvLayer { Variants: { } v } conv)
                layers[i] = conv with { Variants = [.. distinct.Select(d => v[d])] };
        }

        ExecutionPath Path(string name, int p, IReadOnlySet<int> skipped) =>
            new(name, skipped, kept.Select((k, r) => (k, r)).ToDictionary(c => c.r, c => c.k[p])) { Variant = variant[p] };
        return new DynamicNetwork(
            Whole with
            {
                Layers = layers,
            },
            [Path("whole", 0, new HashSet<int>()), .. Subnets.Select((s, i) => Path(s.Name, i + 1, s.SkippedBlocks))]
        )
        {
            Floats = [whole, .. Subnets.Select(s => s.Subnet)],
        };
    }

    // Ranges that hold for all: those of the layers and tensors that a subnet has are joined with its own.
    private static ValueRange[] Union(
        FloatNetwork whole,
        IReadOnlyList<ValueRange> ranges,
        IReadOnlyList<(SubnetMatch Match, IReadOnlyList<ValueRange> Ranges)> subnets
    )
    {
        ValueRange[] union = [.. ranges];
        int[] arguments = Arguments(whole);
        foreach ((SubnetMatch match, IReadOnlyList<ValueRange> own) in subnets)
        {
            FloatNetwork subnet = match.Subnet;
            int[] ownArguments = Arguments(subnet);
            for (int i = 0; i < subnet.Inputs.Count; i++)
                Join(whole.Inputs[i], own[subnet.Inputs[i]]);
            for (int i = 0; i < match.Layers.Count; i++)
            {
                Join(whole.Layers[match.Layers[i]].Output, own[subnet.Layers[i].Output]);
                if (ownArguments[i] >= 0)
                    Join(arguments[match.Layers[i]], own[ownArguments[i]]);
            }
        }

        return union;

        void Join(int at, ValueRange range) =>
            union[at] = new ValueRange(Math.Min(union[at].Low, range.Low), Math.Max(union[at].High, range.High));

        // Where the range before each layer's activation is; -1 where it has none.
        static int[] Arguments(FloatNetwork network)
        {
            int next = network.Tensors.Count;
            return [.. network.Layers.Select(l => l.Activation.Kind == ActivationKind.None ? -1 : next++)];
        }
    }

    // Bias and factor of each output channel, on the integers that the larger layer has.
    private ConvParameters Parameters(FloatConv own, int layer, double[] factors)
    {
        var conv = (ConvLayer)Whole.Layers[layer];
        var real = (FloatConv)whole.Layers[layer];
        double x = Whole.Tensors[conv.Input].Scale,
            y = conv.Table is null ? Whole.Tensors[conv.Output].Scale : conv.TableScale;
        // A layer that is 0 on every calibration image of all networks is that constant.
        if (conv.Scales.All(s => s.Multiplier == 0))
            return new ConvParameters(conv.Bias[..factors.Length], conv.Scales[..factors.Length]) { WeightScales = conv.WeightScales };
        double[] weightScales = [.. factors.Select((f, k) => f * ConvQuantizer.WeightScale(real, k, x))];
        (int Bias, FixedPointScale Scale)[] channels =
        [
            .. factors.Select(
                (f, k) =>
                    f == 1 && own.Bias[k] == real.Bias[k]
                        ? (conv.Bias[k], conv.Scales[k])
                        : ConvQuantizer.Parameters(own, k, weightScales[k], x, y)
            ),
        ];
        return new ConvParameters([.. channels.Select(c => c.Bias)], [.. channels.Select(c => c.Scale)])
        {
            WeightScales = [.. weightScales.Select(s => own.Factor * s)],
        };
    }

    private static QuantizedLayer Alone(FloatLayer small, QuantizedLayer large, ConvParameters? own)
    {
        QuantizedLayer layer = large is ConvLayer c
            ? c with
            {
                Weights = Slice(c, ((FloatConv)small).Weights.Length, own!.Bias.Length),
                Bias = own.Bias,
                Scales = own.Scales,
                WeightScales = own.WeightScales,
                Groups = ((FloatConv)small).Groups,
            }
            : large;
        return layer.Reading(small.Reads) with { Name = small.Name, Output = small.Output, Block = small.Block };
    }

    private static sbyte[] Slice(ConvLayer large, int weights, int outputs)
    {
        int taps = large.Kernel.Rows * large.Kernel.Columns,
            depth = weights / outputs / taps,
            stride = large.Weights.Length / large.Bias.Length / taps;
        var slice = new sbyte[weights];
        for (int row = 0; row < outputs * taps; row++)
            large.Weights.AsSpan(row * stride, depth).CopyTo(slice.AsSpan(row * depth));
        return slice;
    }

    // Channels that a subnet has not are 0 where a register keeps them all the same.
    private static ConvParameters Padded(ConvParameters own, int channels) =>
        new(
            [.. own.Bias, .. Enumerable.Repeat(0, channels - own.Bias.Length)],
            [.. own.Scales, .. Enumerable.Repeat(new FixedPointScale(0, 1), channels - own.Scales.Length)]
        );

    // Storages whose channels beyond a subnet's are zero on its path, whatever the layers before left there.
    private HashSet<int> ZeroBeyond()
    {
        HashSet<int> zero = [.. Whole.Layers.Select(l => Whole.Home(l.Output))];
        // A storage is so until one of its writers shows otherwise; what that spoils is found in further rounds.
        for (bool moved = true; moved; )
        {
            moved = false;
            foreach (QuantizedLayer layer in Whole.Layers.Where(l => zero.Contains(Whole.Home(l.Output)) && !KeepsZero(l)))
                moved |= zero.Remove(Whole.Home(layer.Output));
        }

        return zero;

        bool KeepsZero(QuantizedLayer layer)
        {
            int zeroPoint = Whole.Tensors[layer.Output].ZeroPoint,
                before = layer.Table is null ? zeroPoint : layer.TableZeroPoint;
            if (
                Math.Clamp(before, layer.ClampLow, layer.ClampHigh) != before
                || (layer.Table is { } table && table[before + 128] != zeroPoint)
            )
                return false;
            bool Zero(int tensor) =>
                zero.Contains(Whole.Home(tensor)) && Whole.Tensors[tensor].Shape.Channels == Whole.Tensors[layer.Output].Shape.Channels;
            return (layer.Residual is null || Zero(layer.Residual.Tensor)) && layer.StaysZero(Zero);
        }
    }
}
