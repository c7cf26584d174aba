using AccelGen.Network.Quantized;

namespace AccelGen.Network.Float;

/// <summary>
/// Finds the residual blocks that a path may skip, and lets each write its result over its shortcut: a skipped block then
/// leaves the stream as it is and moves no data.
/// </summary>
public static class ResidualBlocks
{
    /// <summary>Predicates of the path table.</summary>
    public const int MaxBlocks = 64;

    /// <summary>Marks blocks and shared storage.</summary>
    /// <param name="network">Network without blocks.</param>
    public static FloatNetwork Mark(FloatNetwork network)
    {
        FloatTensor[] tensors = [.. network.Tensors];
        FloatLayer[] layers = [.. network.Layers];
        var blocks = new List<SkippableBlock>();
        var producer = new Dictionary<int, int>();
        for (int i = 0; i < layers.Length; i++)
            producer[layers[i].Output] = i;
        List<int> Readers(int tensor) => [.. Enumerable.Range(0, layers.Length).Where(i => layers[i].Input == tensor || layers[i].Residual == tensor)];

        for (int last = 0; last < layers.Length && blocks.Count < MaxBlocks; last++)
        {
            if (layers[last].Residual is not int shortcut || !producer.TryGetValue(shortcut, out int shortcutProducer))
                continue;
            // The branch starts at the shortcut itself, or, where the shortcut is a slice or pad, at what that reads.
            bool moved = layers[shortcutProducer] is FloatConv { IsDataMovement: true };
            int start = moved ? layers[shortcutProducer].Input : shortcut;
            if (Branch(layers, producer, last, start) is not { } branch)
                continue;
            bool closed = branch.Where(i => i != last).All(i => Readers(layers[i].Output).All(branch.Contains) && !network.Outputs.Contains(layers[i].Output));
            bool overwritable = !network.Outputs.Contains(shortcut) && Readers(shortcut).All(i => i <= last) && layers[last].Input != shortcut;
            // Skipped, the block's clamp does not act: what it would clamp must be within its bounds already.
            bool clampHolds = Bounds(layers, producer, shortcut).Within(layers[last].Range);
            if (!closed || !overwritable || !clampHolds)
                continue;
            var block = new SkippableBlock(blocks.Count, BlockName(branch.Select(i => layers[i].Name), blocks));
            blocks.Add(block);
            foreach (int i in branch)
                layers[i] = layers[i] with { Block = block.Index };
            tensors[layers[last].Output] = tensors[layers[last].Output] with { SharesStorageWith = shortcut };
        }

        return network with { Tensors = tensors, Layers = layers, Blocks = blocks };
    }

    // Layers from the start tensor to the last layer, or null when the branch also reads something else.
    private static HashSet<int>? Branch(FloatLayer[] layers, Dictionary<int, int> producer, int last, int start)
    {
        var branch = new HashSet<int> { last };
        var open = new Stack<int>([layers[last].Input]);
        bool reached = false;
        while (open.TryPop(out int tensor))
        {
            if (tensor == start)
            {
                reached = true;
                continue;
            }

            // A layer of another block, or none at all: not a closed residual branch.
            if (!producer.TryGetValue(tensor, out int layer) || layers[layer].Block is not null)
                return null;
            if (!branch.Add(layer))
                continue;
            open.Push(layers[layer].Input);
            if (layers[layer].Residual is int residual)
                open.Push(residual);
        }

        return reached ? branch : null;
    }

    private static OutputRange Bounds(FloatLayer[] layers, Dictionary<int, int> producer, int tensor)
    {
        if (!producer.TryGetValue(tensor, out int layer))
            return OutputRange.Unbounded;
        if (layers[layer] is not FloatConv { IsDataMovement: true } move)
            return layers[layer].Range;
        OutputRange source = Bounds(layers, producer, move.Input);
        return new OutputRange(Math.Min(0, source.Low), Math.Max(0, source.High));
    }

    // The last common part of the layers' paths: "/layer1/layer1.0/conv1/Conv" and ".../conv2/Conv" give "layer1.0".
    private static string BlockName(IEnumerable<string> layerNames, List<SkippableBlock> taken)
    {
        string[][] paths = [.. layerNames.Select(n => n.Split('/', StringSplitOptions.RemoveEmptyEntries))];
        int common = 0;
        while (paths.All(p => p.Length > common + 1 && p[common] == paths[0][common]))
            common++;
        string name = common > 0 && paths.Length > 1 ? paths[0][common - 1] : $"block{taken.Count}";
        return taken.Any(b => b.Name == name) ? $"{name}#{taken.Count}" : name;
    }
}
