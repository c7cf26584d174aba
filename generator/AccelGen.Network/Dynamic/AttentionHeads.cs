using AccelGen.Network.Quantized;

namespace AccelGen.Network.Dynamic;

/// <summary>
/// The heads of an attention, backwards from the layer that mixes them: products and softmax, which take one head after the
/// other, up to the projections that make queries, keys and values. A head that the reader drops is computed by none of them.
/// </summary>
internal sealed class AttentionHeads(QuantizedNetwork network, int reader, ILookup<int, int> writers)
{
    private readonly HashSet<int> tensors = [],
        heads = [],
        projections = [];

    /// <summary>The cut, or null: the heads are no independent ones, or others read what would be left out.</summary>
    /// <param name="readers">Layers that read a tensor, by its home.</param>
    public ChannelCut? Cut(ILookup<int, int> readers)
    {
        TensorShape mixed = network.Tensors[network.Layers[reader].Input].Shape;
        if (!Trace(network.Layers[reader].Input, mixed) || !tensors.All(t => readers[t].All(l => l == reader || heads.Contains(l))))
            return null;
        int channels = mixed.Batch * mixed.Channels;
        return new ChannelCut(reader, [new CutPart(channels, [.. projections.Order()], [.. projections.Order()])])
        {
            Unit = mixed.Channels,
            HeadLayers = [.. heads.Order()],
        };
    }

    // Whether each head of a tensor depends on the same head of what it is made of.
    private bool Trace(int tensor, TensorShape mixed)
    {
        int home = network.Home(tensor);
        if (tensors.Contains(home))
            return true;
        // Written once and whole; a view with other heads would mix them.
        if (
            network.Tensors[tensor].Shape.Batch != mixed.Batch
            || network.Tensors[home].Shape.Batch != mixed.Batch
            || network.Tensors[home].Constant is not null
            || network.Inputs.Concat(network.Outputs).Any(t => network.Home(t) == home)
            || writers[home].Count() != 1
        )
            return false;
        int layer = writers[home].Single();
        QuantizedLayer producer = network.Layers[layer];
        if (layer >= reader || producer.Residual is not null)
            return false;
        tensors.Add(home);
        switch (producer)
        {
            case ConvLayer { Groups: 1, IsDataMovement: false } conv when conv.Bias.Length == mixed.Batch * mixed.Channels:
                projections.Add(layer);
                return true;
            case MatMulLayer or SoftmaxLayer:
                heads.Add(layer);
                return producer.Reads.All(t => Trace(t, mixed));
            default:
                return false;
        }
    }
}
