using AccelGen.Network.Quantized;

namespace AccelGen.Compiler;

/// <content>Attention heads that a path drops: their commands have keep bits of their own.</content>
public sealed partial class NetworkCompiler
{
    // Keep bits of heads, behind those of conditions.
    private readonly List<HeadCondition> heads = [];

    // The last keep bit that neither a block nor a condition nor a head has, or null.
    private int? FreeBit(QuantizedNetwork network)
    {
        int bit = 63 - conditions.Count - heads.Count;
        return network.Layers.Any(l => l.Block >= bit) || network.Blocks.Any(b => b.Index >= bit) ? null : bit;
    }

    // The commands of one head run where their block does and the path keeps the head. The first head is always kept.
    private LayerJob OfHead(LayerJob job, QuantizedNetwork network)
    {
        QuantizedLayer layer = network.Layers[job.LayerIndex];
        if (layer.HeadExtent is not int register || job.Batch == 0)
            return job;
        int channels = (job.Batch + 1) * layer.HeadChannels;
        HeadCondition? head = heads.Find(h => (h.With, h.Register, h.Channels) == (job.Block, register, channels));
        if (head is null)
        {
            if (FreeBit(network) is not int bit)
            {
                const string Many = "the paths drop attention heads of more layers than there are keep bits (64, of which each block takes one): drop heads of fewer layers";
                if (!problems.Contains(Many))
                    problems.Add(Many);
                return job;
            }

            heads.Add(head = new HeadCondition(bit, job.Block, register, channels));
        }

        return job with { Block = head.Bit, Then = job.Then is null ? null : job.Then with { Block = head.Bit } };
    }
}
