using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Network.Dynamic;

/// <summary>What a path keeps: skipped blocks and, of some cuts, only the first channels.</summary>
/// <param name="Name">Name for reports.</param>
/// <param name="SkippedBlocks">Indices of the skipped blocks.</param>
/// <param name="Kept">Channels kept by reader of a cut; a cut that is absent keeps all.</param>
public sealed record PathPlan(string Name, IReadOnlySet<int> SkippedBlocks, IReadOnlyDictionary<int, int> Kept)
{
    /// <summary>Whether biases take in the mean of what the path drops, where the cuts know it.</summary>
    public bool TakesMeans { get; init; } = true;

    /// <summary>Whether biases take in means, or null where the path drops nothing that has one.</summary>
    /// <param name="cuts">Cuts in use.</param>
    public bool? TakesMeansOf(IEnumerable<OrderedCut> cuts) =>
        cuts.Any(c => c.Means is not null && KeptOf(c.Cut) < c.Cut.Channels) ? TakesMeans : null;

    /// <summary>Channels kept of a cut.</summary>
    /// <param name="cut">Cut.</param>
    public int KeptOf(ChannelCut cut) => Kept.GetValueOrDefault(cut.Reader, cut.Channels);
}

/// <summary>A cut in use: its order, and the statistics from which biases take in the mean of what is dropped.</summary>
/// <param name="Cut">Cut.</param>
/// <param name="Order">Place to channel of the reader's input.</param>
/// <param name="Means">Mean per input channel in counts less the zero point, or null: what is dropped counts as zero.</param>
public sealed record OrderedCut(ChannelCut Cut, int[] Order, double[]? Means);

/// <summary>A network made ready for its paths.</summary>
/// <param name="Network">Channels in their orders, dynamic registers and variants of biases where paths differ.</param>
/// <param name="Paths">The paths, in order.</param>
public sealed record DynamicNetwork(QuantizedNetwork Network, IReadOnlyList<ExecutionPath> Paths)
{
    /// <summary>What each path keeps, in the order of the paths; empty where only blocks are skipped.</summary>
    public IReadOnlyList<PathPlan> Plans { get; init; } = [];

    /// <summary>The cuts in use.</summary>
    public IReadOnlyList<OrderedCut> Cuts { get; init; } = [];

    /// <summary>Float networks of the paths, in order, where each path is a network of its own (a subnet); else
    /// empty.</summary>
    public IReadOnlyList<FloatNetwork> Floats { get; init; } = [];

    /// <summary>Index of the path that is the whole network, or null: none is, or only blocks are skipped.</summary>
    public int? Whole
    {
        get
        {
            for (int p = 0; p < Plans.Count; p++)
            {
                if (Plans[p].SkippedBlocks.Count == 0 && Cuts.All(c => Plans[p].KeptOf(c.Cut) == c.Cut.Channels))
                    return p;
            }

            return null;
        }
    }

    /// <summary>Most variants: the field of the path table has eight bits.</summary>
    public const int MostVariants = 256;

    /// <summary>Prepares a network: nothing that the whole network computes changes.</summary>
    /// <param name="network">Network without dynamic extents.</param>
    /// <param name="cuts">Cuts in use; no layer belongs to two of them.</param>
    /// <param name="plans">Paths.</param>
    /// <param name="vectorWidth">Channels of a vector.</param>
    /// <param name="registers">Dynamic registers of the configuration.</param>
    /// <exception cref="InputException">A path keeps what is not there, or the paths need more registers or variants than there
    /// are.</exception>
    public static DynamicNetwork Prepare(
        QuantizedNetwork network,
        IReadOnlyList<OrderedCut> cuts,
        IReadOnlyList<PathPlan> plans,
        int vectorWidth,
        int registers
    )
    {
        List<Fault> problems =
        [
            .. cuts.Select(c => c.Cut)
                .Where(c => c.Unit > 1 && c.Unit % vectorWidth != 0 && plans.Any(p => p.KeptOf(c) < c.Channels))
                .Select(c => new Fault(
                    FaultCodes.Kept,
                    network.Layers[c.Reader].Name,
                    $"its attention heads have {c.Unit} channels, no whole number of vectors of {vectorWidth}",
                    $"set array.vectorWidth to {c.Unit} or a part of it, or keep all heads"
                )),
            .. plans.SelectMany(p => cuts.SelectMany(c => Problems(network, c.Cut, p, vectorWidth))),
        ];
        if (problems.Count > 0)
            throw new InputException(problems);
        QuantizedLayer[] layers = [.. network.Layers];
        foreach (OrderedCut cut in cuts)
            Reorder(layers, cut, vectorWidth);

        // Columns of kept channels, a row per path: equal ones share a register.
        var columns = new List<int[]>();
        int? Register(int[] kept, int channels)
        {
            if (kept.All(k => k == channels))
                return null;
            int known = columns.FindIndex(c => c.SequenceEqual(kept));
            if (known < 0)
                columns.Add(kept);
            return known < 0 ? columns.Count - 1 : known;
        }

        foreach (OrderedCut ordered in cuts)
        {
            ChannelCut cut = ordered.Cut;
            int[] kept = [.. plans.Select(p => p.KeptOf(cut))];
            int? all = Register(kept, cut.Channels);
            layers[cut.Reader] = layers[cut.Reader] with { InputExtent = all };
            int[][] counts = [.. kept.Select(k => cut.KeptOfParts(k, ordered.Order))];
            for (int p = 0; p < cut.Parts.Count; p++)
            {
                int? register = Register([.. counts.Select(c => c[p])], cut.Parts[p].Channels);
                foreach (int layer in cut.Parts[p].Layers)
                    layers[layer] = layers[layer] with { OutputExtent = register };
            }

            foreach (int layer in cut.HeadLayers)
                layers[layer] = layers[layer] with { HeadExtent = all, HeadChannels = cut.Unit };
        }

        if (columns.Count > registers)
            throw new InputException(
                FaultCodes.Registers,
                string.Empty,
                $"the paths need {columns.Count} dynamic registers, one for each way in which kept channels change from path to path",
                $"there are {registers}: keep the same fraction in more layers, or raise control.dynamicRegisters up to 16"
            );
        int[] variants = Variants(layers, cuts, plans);
        ExecutionPath[] paths =
        [
            .. plans.Select(
                (plan, i) =>
                    new ExecutionPath(plan.Name, plan.SkippedBlocks, columns.Select((c, r) => (c, r)).ToDictionary(c => c.r, c => c.c[i]))
                    {
                        Variant = variants[i],
                    }
            ),
        ];
        return new DynamicNetwork(network with { Layers = layers }, paths) { Plans = plans, Cuts = cuts };
    }

    private static IEnumerable<Fault> Problems(QuantizedNetwork network, ChannelCut cut, PathPlan plan, int vectorWidth)
    {
        if (!plan.Kept.TryGetValue(cut.Reader, out int kept) || kept == cut.Channels)
            yield break;
        Fault Illegal(string cure) =>
            new(FaultCodes.Kept, $"path {plan.Name}, {network.Layers[cut.Reader].Name}", $"keeps {kept} of {cut.Channels} channels", cure);
        if (kept < 1 || kept > cut.Channels)
            yield return Illegal($"legal are 1 to {cut.Channels}");
        else if (cut.Parts.Count > 1 && kept % vectorWidth != 0)
            yield return Illegal(
                $"behind a concatenation whole vectors are kept: multiples of {vectorWidth}, such as "
                    + $"{Math.Max(vectorWidth, kept / vectorWidth * vectorWidth)}"
            );
        else if (kept % cut.Unit != 0)
            yield return Illegal(
                $"whole attention heads are kept: multiples of {cut.Unit}, such as {Math.Max(cut.Unit, kept / cut.Unit * cut.Unit)}"
            );
        if (cut.Parts.Count > 1 && cut.Parts.FirstOrDefault(p => p.Channels % vectorWidth != 0) is { } part)
            yield return Illegal(
                $"{network.Layers[part.Layers[^1]].Name}, a part of the concatenation, has {part.Channels} channels, no whole "
                    + $"number of vectors of {vectorWidth}"
            );
    }

    // Brings the channels of a cut into their order: a permutation of the producers' outputs and of the reader's inputs.
    private static void Reorder(QuantizedLayer[] layers, OrderedCut ordered, int vectorWidth)
    {
        (ChannelCut cut, int[] order) = (ordered.Cut, ordered.Order);
        int first = 0;
        foreach (CutPart part in cut.Parts)
        {
            int[] own = [.. order.Where(c => c >= first && c < first + part.Channels).Select(c => c - first)];
            foreach (int layer in part.Layers)
                layers[layer] = WithOutputs(layers[layer], own);
            first += part.Channels;
        }

        var reader = (ConvLayer)layers[cut.Reader];
        layers[cut.Reader] = reader with
        {
            Weights = [.. reader.Weights.Chunk(order.Length).SelectMany(w => order.Select(c => w[c]))],
            InputOrder = InputOrder(cut, order, vectorWidth),
        };
    }

    private static QuantizedLayer WithOutputs(QuantizedLayer layer, int[] order)
    {
        if (layer is not ConvLayer conv)
            return layer;
        sbyte[][] rows = [.. conv.Weights.Chunk(conv.Weights.Length / conv.Bias.Length)];
        return conv with
        {
            Weights = [.. order.SelectMany(k => rows[k])],
            Bias = [.. order.Select(k => conv.Bias[k])],
            Scales = [.. order.Select(k => conv.Scales[k])],
            WeightScales = conv.WeightScales is { } scales ? [.. order.Select(k => scales[k])] : null,
        };
    }

    // Within a part the producer has the order; the vectors of several parts are read in another one than they lie in.
    private static int[]? InputOrder(ChannelCut cut, int[] order, int vectorWidth)
    {
        if (cut.Parts.Count == 1 || order.Select((c, i) => c == i).All(same => same))
            return null;
        int[] next = new int[cut.Parts.Count],
            firsts = new int[cut.Parts.Count];
        for (int p = 1; p < firsts.Length; p++)
            firsts[p] = firsts[p - 1] + cut.Parts[p - 1].Channels;
        int[] vectors = new int[order.Length / vectorWidth];
        for (int v = 0; v < vectors.Length; v++)
        {
            int part = Array.FindLastIndex(firsts, f => f <= order[v * vectorWidth]);
            vectors[v] = (firsts[part] / vectorWidth) + next[part]++;
        }

        return vectors;
    }

    // Biases of each path: what the channels that it drops give on average stays.
    private static int[] Variants(QuantizedLayer[] layers, IReadOnlyList<OrderedCut> cuts, IReadOnlyList<PathPlan> plans)
    {
        OrderedCut[] withMeans = [.. cuts.Where(c => c.Means is not null && plans.Any(p => p.KeptOf(c.Cut) < c.Cut.Channels))];
        var known = new List<int[]>();
        int[] variants = new int[plans.Count];
        for (int i = 0; i < plans.Count; i++)
        {
            int[] kept = [.. withMeans.Select(c => plans[i].TakesMeans ? plans[i].KeptOf(c.Cut) : c.Cut.Channels)];
            int at = known.FindIndex(k => k.SequenceEqual(kept));
            if (at < 0)
                known.Add(kept);
            variants[i] = at < 0 ? known.Count - 1 : at;
        }

        if (known.Count > MostVariants)
            throw new InputException(
                FaultCodes.Variants,
                string.Empty,
                $"the paths need {known.Count} variants of biases",
                $"at most {MostVariants} are possible"
            );
        for (int c = 0; c < withMeans.Length; c++)
        {
            var reader = (ConvLayer)layers[withMeans[c].Cut.Reader];
            double[] means = [.. withMeans[c].Order.Select(channel => withMeans[c].Means![channel])];
            var byKept = known
                .Select(k => k[c])
                .Distinct()
                .ToDictionary(k => k, k => new ConvParameters(Bias(reader, means, k), reader.Scales));
            layers[withMeans[c].Cut.Reader] = reader with { Variants = [.. known.Select(k => byKept[k[c]])] };
        }

        return variants;
    }

    private static int[] Bias(ConvLayer reader, double[] means, int kept)
    {
        int[] bias = [.. reader.Bias];
        int run = reader.Weights.Length / bias.Length;
        for (int k = 0; k < bias.Length; k++)
        {
            double sum = 0;
            for (int i = 0; i < run; i++)
            {
                if (i % means.Length is var c && c >= kept)
                    sum += reader.Weights[(k * run) + i] * means[c];
            }

            bias[k] = (int)Math.Clamp(bias[k] + Math.Round(sum), int.MinValue, int.MaxValue);
        }

        return bias;
    }
}
