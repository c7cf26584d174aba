using AccelGen.Network.Quantized;

namespace AccelGen.Compiler;

/// <summary>Memory of the tensors: each only as long as something needs it, and none for what stays on chip.</summary>
public sealed partial class NetworkCompiler
{
    // Plans the memory behind the weights and moves layouts and jobs from their provisional addresses to the final ones.
    private MemoryPlan Settle(
        QuantizedNetwork network,
        List<List<LayerJob>> jobs,
        TensorLayout[] layouts,
        long[] homes,
        (int? Into, bool InMemory)[] fused
    )
    {
        // A tensor that lies within a concatenation belongs to its memory.
        var sizes = new SortedDictionary<long, long>();
        for (int t = 0; t < homes.Length; t++)
            sizes[homes[t]] = Math.Max(
                sizes.GetValueOrDefault(homes[t]),
                layouts[t].Address == homes[t] ? layouts[t].Bytes + config.Derived.WeightTileBytes : 0
            );
        foreach ((TensorLayout copy, _, _) in copies)
            sizes[copy.Address] = copy.Bytes + config.Derived.WeightTileBytes;
        long[] starts = [.. sizes.Keys];
        int Region(long address) =>
            Array.BinarySearch(starts, address) is >= 0 and int exact ? exact : ~Array.BinarySearch(starts, address) - 1;
        int[] first = new int[starts.Length],
            last = new int[starts.Length];
        string[] names = new string[starts.Length];
        Array.Fill(first, int.MaxValue);
        Array.Fill(last, -1);
        void Need(int tensor, int step)
        {
            int region = Region(layouts[tensor].Address);
            first[region] = Math.Min(first[region], step);
            last[region] = Math.Max(last[region], step);
            names[region] ??= network.Tensors[tensor].Name;
        }

        var onChip = new HashSet<int>();
        for (int i = 0; i < jobs.Count; i++)
        {
            if (!fused[i].InMemory)
                onChip.Add(network.Layers[i].Output);
        }

        for (int i = 0; i < jobs.Count; i++)
        {
            // Where another layer's commands compute it on some paths only, those and its own.
            int[] steps =
                fused[i].Into is not int by ? [i]
                : jobs[i].Count == 0 || by > i ? [by]
                : [by, i];
            foreach (int step in steps)
            {
                foreach (int t in network.Layers[i].Reads.Where(t => !onChip.Contains(t)))
                    Need(t, step);
                if (onChip.Contains(network.Layers[i].Output))
                    continue;
                Need(network.Layers[i].Output, step);
                // The last stores may still be on their way when the next layer's begin.
                Need(network.Layers[i].Output, step + 1);
            }
        }

        // A copy serves one layer; as of any layer, its last stores may still be on their way in the next step.
        foreach ((TensorLayout copy, int layer, string name) in copies)
        {
            int region = Region(copy.Address);
            (first[region], last[region], names[region]) = (layer, layer + 1, name);
        }

        foreach (int t in network.Inputs.Concat(network.Tensors.Where(t => t.Constant is not null).Select(t => t.Id)))
            Need(t, -1);
        foreach (int t in network.Outputs.Concat(network.Tensors.Where(t => t.Constant is not null).Select(t => t.Id)))
            Need(t, int.MaxValue);
        int[] used = [.. Enumerable.Range(0, starts.Length).Where(r => last[r] >= 0 || first[r] < 0)];
        MemoryPlan plan = MemoryPlan.Place(
            [.. used.Select(r => new MemoryBlock(names[r], sizes[starts[r]], first[r], last[r]))],
            next,
            Page
        );
        if (plan.Conflicts() is [var conflict, ..])
            throw new InvalidOperationException(conflict);
        long[] finals = new long[starts.Length];
        for (int k = 0; k < used.Length; k++)
            finals[used[k]] = plan.Addresses[k];
        TensorLayout Final(TensorLayout t) =>
            t.Address < Provisional ? t : t with { Address = finals[Region(t.Address)] + (t.Address - starts[Region(t.Address)]) };
        for (int t = 0; t < layouts.Length; t++)
            layouts[t] = Final(layouts[t]);
        foreach (List<LayerJob> list in jobs)
        {
            for (int k = 0; k < list.Count; k++)
                list[k] = Move(list[k]);
        }

        return plan;

        LayerJob Move(LayerJob job) =>
            job with
            {
                Input = Final(job.Input),
                Output = Final(job.Output),
                Residual = job.Residual is null ? null : Final(job.Residual),
                RightOperand = job.RightOperand is null ? null : Final(job.RightOperand),
                Denominator = job.Denominator is null ? null : Final(job.Denominator),
                Transposed = job.Transposed is null ? null : Final(job.Transposed),
                Consumer = job.Consumer is null ? null : Move(job.Consumer),
                Producer = job.Producer is null ? null : Move(job.Producer),
                SecondResult = job.SecondResult is null ? null : Move(job.SecondResult),
            };
    }
}
