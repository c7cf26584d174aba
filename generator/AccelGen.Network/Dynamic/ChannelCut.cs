using AccelGen.Network.Quantized;

namespace AccelGen.Network.Dynamic;

/// <summary>Channels of a cut that one run of producers computes.</summary>
/// <param name="Channels">Number of channels.</param>
/// <param name="Sources">Layers whose output channels they are: dense convolutions.</param>
/// <param name="Layers">All layers that compute these channels and nothing else, the sources among them.</param>
public sealed record CutPart(int Channels, IReadOnlyList<int> Sources, IReadOnlyList<int> Layers);

/// <summary>
/// A convolution or linear layer that can do with fewer of its input channels, and everything that is computed for its input
/// alone: what a path drops is not computed either.
/// </summary>
/// <param name="Reader">The layer that reads fewer channels; a dense convolution.</param>
/// <param name="Parts">Producers of its input channels, in order; more than one where it reads a concatenation.</param>
public sealed record ChannelCut(int Reader, IReadOnlyList<CutPart> Parts)
{
    /// <summary>Channels that are kept or dropped together: those of an attention head, otherwise 1.</summary>
    public int Unit { get; init; } = 1;

    /// <summary>Layers that take one head after the other: those of dropped heads are not computed.</summary>
    public IReadOnlyList<int> HeadLayers { get; init; } = [];

    /// <summary>Whether whole vectors of the input are kept or dropped: of each part of a concatenation, of each head.</summary>
    /// <param name="vectorWidth">Channels of a vector.</param>
    public bool InWholeVectors(int vectorWidth) =>
        (Parts.Count == 1 || Parts.All(p => p.Channels % vectorWidth == 0)) && (Unit == 1 || Unit % vectorWidth == 0);

    /// <summary>A fraction of the channels in whole vectors, or whole heads: the nearest number, at least one.</summary>
    /// <param name="fraction">Above 0 and at most 1.</param>
    /// <param name="vectorWidth">Channels of a vector.</param>
    public int Fraction(double fraction, int vectorWidth) => WholeVectors(Channels, fraction, Unit > 1 ? Unit : vectorWidth);

    /// <summary>Input channels of the reader.</summary>
    public int Channels => Parts.Sum(p => p.Channels);

    /// <summary>A fraction of some channels in whole vectors, the nearest number, at least one.</summary>
    /// <param name="channels">Channels.</param>
    /// <param name="fraction">Above 0 and at most 1.</param>
    /// <param name="vectorWidth">Channels of a vector.</param>
    public static int WholeVectors(int channels, double fraction, int vectorWidth) =>
        Math.Max(1, (int)Math.Round(fraction * channels / vectorWidth)) * vectorWidth;

    /// <summary>Channels of each part among the first ones in an order.</summary>
    /// <param name="kept">Channels kept.</param>
    /// <param name="order">Order: place to channel.</param>
    public int[] KeptOfParts(int kept, IReadOnlyList<int> order)
    {
        int[] counts = new int[Parts.Count];
        for (int i = 0; i < kept; i++)
            counts[PartOf(order[i])]++;
        return counts;
    }

    private int PartOf(int channel)
    {
        int part = 0;
        for (int first = Parts[0].Channels; channel >= first; first += Parts[part].Channels)
            part++;
        return part;
    }
}

/// <summary>Finds the cuts of a network.</summary>
public static class ChannelCuts
{
    /// <summary>All cuts, in the order of their readers.</summary>
    /// <param name="network">Network without dynamic extents.</param>
    public static IReadOnlyList<ChannelCut> Find(QuantizedNetwork network)
    {
        ILookup<int, int> writers = Enumerable.Range(0, network.Layers.Count).ToLookup(i => network.Home(network.Layers[i].Output));
        ILookup<int, int> readers = Enumerable
            .Range(0, network.Layers.Count)
            .SelectMany(i => network.Layers[i].Reads.Select(network.Home).Distinct().Select(t => (Tensor: t, Layer: i)))
            .ToLookup(r => r.Tensor, r => r.Layer);
        return
        [
            .. Enumerable.Range(0, network.Layers.Count).Select(i => new Region(network, i, writers).Cut(readers)).OfType<ChannelCut>(),
        ];
    }

    // What is computed for one reader alone, found from its input backwards.
    private sealed class Region(QuantizedNetwork network, int reader, ILookup<int, int> writers)
    {
        private readonly HashSet<int> tensors = [],
            members = [];
        private readonly Dictionary<int, List<CutPart>?> traced = [];

        public ChannelCut? Cut(ILookup<int, int> readers)
        {
            if (
                network.Layers[reader] is not ConvLayer { Groups: 1, IsDataMovement: false, InputExtent: null } conv
                || conv.Reads.Count(t => network.Home(t) == network.Home(conv.Input)) > 1
            )
                return null;
            if (network.Tensors[conv.Input].Shape.Batch > 1)
                return new AttentionHeads(network, reader, writers).Cut(readers);
            if (Trace(conv.Input) is not { } parts)
                return null;
            // Nothing else may read what is left out.
            bool closed = tensors.All(t => readers[t].All(l => l == reader || members.Contains(l)));
            return closed && parts.Sum(p => p.Channels) > 1 ? new ChannelCut(reader, parts) : null;
        }

        private List<CutPart>? Trace(int tensor)
        {
            int home = network.Home(tensor);
            if (traced.TryGetValue(home, out List<CutPart>? known))
                return known;
            // Written once, by the layers of this network, whole.
            if (
                network.Tensors[tensor].Shape.Batch > 1
                || network.Tensors[home].Constant is not null
                || network.Inputs.Any(t => network.Home(t) == home)
                || network.Outputs.Any(t => network.Home(t) == home)
                || writers[home].Count() != 1
            )
                return traced[home] = null;
            int layer = writers[home].Single();
            if (network.Layers[layer] is not { TransposeOutput: false, OutputExtent: null } producer || layer >= reader)
                return traced[home] = null;
            List<CutPart>? parts = Parts(layer, producer);
            if (parts is not null)
            {
                tensors.Add(home);
                members.Add(layer);
            }

            return traced[home] = parts;
        }

        private List<CutPart>? Parts(int layer, QuantizedLayer producer)
        {
            switch (producer)
            {
                case ConvLayer { Groups: 1, IsDataMovement: false, Residual: null } conv:
                    return [new CutPart(conv.Bias.Length, [layer], [layer])];
                case ConvLayer conv when conv.Groups != network.Tensors[conv.Input].Shape.Channels || conv.Groups != conv.Bias.Length:
                    return null;
                case ConcatLayer { Residual: null, Inputs.Count: > 1 } concat:
                    var side = new List<CutPart>();
                    foreach (int input in concat.Inputs)
                    {
                        // The same part twice, or a concatenation within it, has no order of its own.
                        if (Trace(input) is not [var part] || side.Contains(part))
                            return null;
                        side.Add(part);
                    }

                    return side;
                case ConvLayer or AddLayer or MultiplyLayer or AveragePoolLayer or MaxPoolLayer or ResizeLayer or ConcatLayer:
                    return Channelwise(layer, producer);
                default:
                    return null;
            }
        }

        // Each channel from the same channel of the operands.
        private List<CutPart>? Channelwise(int layer, QuantizedLayer producer)
        {
            List<CutPart>? all = null;
            foreach (int operand in producer.Reads.Distinct())
            {
                // One channel for all of them is no operand that could be cut.
                if (network.Tensors[operand].Shape.Channels == 1 && network.Tensors[producer.Output].Shape.Channels > 1)
                    continue;
                List<CutPart>? parts = Trace(operand);
                // Behind a concatenation the channels of a path are no first ones.
                if (parts is not [_])
                    return null;
                all = all is null
                    ? parts
                    :
                    [
                        new CutPart(
                            all[0].Channels,
                            [.. all[0].Sources.Union(parts[0].Sources)],
                            [.. all[0].Layers.Union(parts[0].Layers)]
                        ),
                    ];
            }

            return all is [var one] ? [one with { Layers = [.. one.Layers, layer] }] : null;
        }
    }
}
