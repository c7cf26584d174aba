using AccelGen.Compiler;
using AccelGen.Network.Quantized;

namespace AccelGen.Sim.Tests;

/// <summary>
/// A second look at where a program's tensors lie, from the network and the final layouts alone: what is needed at the same
/// time lies apart, but for views of one memory and the parts of a concatenation, which lie where it wants them.
/// </summary>
internal static class MemoryCheck
{
    /// <summary>A tensor in memory, with the layers between which it is needed.</summary>
    private sealed record Placed(int Tensor, TensorLayout Layout, int First, int Last);

    /// <summary>Everything that is wrong.</summary>
    public static IReadOnlyList<string> Problems(CompiledProgram program)
    {
        QuantizedNetwork network = program.Network;
        var problems = new List<string>();
        Placed[] placed = [.. Lives(program)];
        long lowest = program.Memory is { Addresses: { Count: > 0 } addresses } ? addresses.Min() : 0;
        foreach (Placed p in placed)
        {
            if (p.Layout.Address < lowest || p.Layout.Address + p.Layout.Bytes > program.ProgramAddress)
                problems.Add($"{Name(p)} at {p.Layout.Address} lies outside the tensors' memory {lowest} to {program.ProgramAddress}");
        }

        for (int i = 0; i < placed.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                (Placed a, Placed b) = (placed[i], placed[j]);
                bool overlap = a.Layout.Address < b.Layout.Address + b.Layout.Bytes && b.Layout.Address < a.Layout.Address + a.Layout.Bytes;
                if (
                    overlap
                    && a.First <= b.Last
                    && b.First <= a.Last
                    && network.Home(a.Tensor) != network.Home(b.Tensor)
                    && !Within(program, a.Tensor, b.Tensor)
                    && !Within(program, b.Tensor, a.Tensor)
                )
                {
                    long at = Math.Max(a.Layout.Address, b.Layout.Address);
                    problems.Add($"{Name(a)} and {Name(b)} are needed together and overlap at {at}");
                }
            }
        }

        return problems;

        string Name(Placed p) => $"{network.Tensors[p.Tensor].Name} {p.Layout.Shape} (layers {p.First} to {p.Last})";
    }

    // A part of a concatenation at its place in it, directly or within another.
    private static bool Within(CompiledProgram program, int part, int whole)
    {
        int width = program.Config.Array.VectorWidth;
        foreach (ConcatLayer concat in program.Network.Layers.OfType<ConcatLayer>().Where(c => c.Inputs.Contains(part)))
        {
            int first = concat.Inputs.TakeWhile(t => t != part).Sum(t => program.Network.Tensors[t].Shape.Channels);
            TensorLayout home = program.Tensors[concat.Output];
            if (
                first % width == 0
                && program.Tensors[part].Address == home.Address + (first / width * home.PlaneBytes)
                && (concat.Output == whole || Within(program, concat.Output, whole))
            )
                return true;
        }

        return false;
    }

    private static IEnumerable<Placed> Lives(CompiledProgram program)
    {
        QuantizedNetwork network = program.Network;
        int count = network.Tensors.Count;
        int[] first = Enumerable.Repeat(int.MaxValue, count).ToArray(),
            last = Enumerable.Repeat(int.MinValue, count).ToArray();
        void Need(int tensor, int step) => (first[tensor], last[tensor]) = (Math.Min(first[tensor], step), Math.Max(last[tensor], step));
        for (int i = 0; i < program.Layers.Count; i++)
        {
            CompiledLayer layer = program.Layers[i];
            // Where another layer's commands compute it, then; its own commands, where it has some, when it is its turn.
            int[] steps =
                layer.FusedInto is not int by ? [i]
                : layer.Alternates || layer.FirstCommand == layer.EndCommand ? [by]
                : [by, i];
            foreach (int step in steps)
            {
                foreach (int t in layer.Layer.Reads)
                    Need(t, step);
                Need(layer.Layer.Output, step);
            }
        }

        var onChip = program.Layers.Where(l => !l.InMemory).Select(l => l.Layer.Output).ToHashSet();
        foreach (int t in network.Inputs)
            Need(t, -1);
        foreach (int t in network.Outputs)
            Need(t, int.MaxValue);
        for (int t = 0; t < count; t++)
        {
            if (network.Tensors[t].Constant is not null)
                (first[t], last[t]) = (-1, int.MaxValue);
        }

        // One memory, whatever it is read as, is needed as long as any of its readings.
        for (int t = 0; t < count; t++)
        {
            // A reading that nothing asks for needs nothing.
            if (first[t] == int.MaxValue)
                continue;
            int home = network.Home(t);
            Need(home, first[t]);
            Need(home, last[t]);
        }

        for (int t = 0; t < count; t++)
        {
            if (network.Home(t) == t && !onChip.Contains(t) && first[t] != int.MaxValue)
                yield return new Placed(t, program.Tensors[t], first[t], last[t]);
        }
    }
}
