using AccelGen.Network.Quantized;

namespace AccelGen.Network.Float;

/// <summary>
/// Finds the residual blocks that a path may skip, and lets each write its result over its shortcut: a skipped block then
/// leaves the stream as it is and moves no data. Both kinds are found: convolutional blocks, and the branches
/// x + f(norm(x)) of a transformer.
/// </summary>
public static class ResidualBlocks
{
    /// <summary>Predicates of the path table.</summary>
    public const int MaxBlocks = 64;

    // Separates the branches of one module, such as the attention and the MLP of an encoder block.
    private const char BranchMark = '#';

    /// <summary>Marks blocks and shared storage.</summary>
    /// <param name="network">Network without blocks.</param>
    public static FloatNetwork Mark(FloatNetwork network)
    {
        FloatTensor[] tensors = [.. network.Tensors];
        FloatLayer[] layers = [.. network.Layers];
        var members = new List<int[]>();
        var producer = new Dictionary<int, int>();
        var readers = new Dictionary<int, List<int>>();
        for (int i = 0; i < layers.Length; i++)
        {
            producer[network.Home(layers[i].Output)] = i;
            foreach (int t in layers[i].Reads.Select(network.Home).Distinct())
            {
                if (!readers.TryGetValue(t, out List<int>? list))
                    readers[t] = list = [];
                list.Add(i);
            }
        }

        HashSet<int> outputs = [.. network.Outputs.Select(network.Home)];
        for (int last = 0; last < layers.Length && members.Count < MaxBlocks; last++)
        {
            foreach (FloatLayer end in Endings(layers[last]))
            {
                int shortcut = network.Home(end.Residual!.Value);
                if (!producer.TryGetValue(shortcut, out int shortcutProducer))
                    continue;
                // The branch starts at the shortcut itself, or, where the shortcut is a slice or pad, at what that reads.
                bool moved = layers[shortcutProducer] is FloatConv { IsDataMovement: true, Residual: null };
                int start = moved ? network.Home(layers[shortcutProducer].Input) : shortcut;
                HashSet<int>? branch = Branch(network, layers, producer, end, last, start);
                // What makes the shortcut runs on every path: a branch that reads the moved pixels starts at them.
                if (moved && branch?.Contains(shortcutProducer) == true)
                    branch = Branch(network, layers, producer, end, last, shortcut);
                if (branch is null)
                    continue;
                bool closed = branch
                    .Where(i => i != last)
                    .Select(i => network.Home(layers[i].Output))
                    .All(t => readers[t].All(branch.Contains) && !outputs.Contains(t));
                bool overwritable =
                    !outputs.Contains(shortcut)
                    && readers[shortcut].All(i => i <= last)
                    && end.Reads.Count(t => network.Home(t) == shortcut) == 1
                    && InPlace(tensors[shortcut].Shape, tensors[end.Output].Shape)
                    && tensors[shortcut].Fixed == tensors[end.Output].Fixed;
                // Skipped, the block's clamp does not act: what it would clamp must be within its bounds already.
                bool clampHolds = Bounds(network, layers, producer, shortcut).Within(end.Range);
                if (!closed || !overwritable || !clampHolds)
                    continue;
                layers[last] = end;
                foreach (int i in branch)
                    layers[i] = layers[i] with { Block = members.Count };
                members.Add([.. branch.Order()]);
                tensors[end.Output] = tensors[end.Output] with { SharesStorageWith = shortcut };
                break;
            }
        }

        string[] names = Names([.. members.Select(m => CommonPath(m.Select(i => layers[i].Name)))]);
        return network with { Tensors = tensors, Layers = layers, Blocks = [.. names.Select((n, i) => new SkippableBlock(i, n))] };
    }

    /// <summary>Replaces the names of modules in a list of blocks by the blocks they consist of: an encoder block has a branch for the
    /// attention and one for the MLP.</summary>
    /// <param name="text">E.g. <c>blocks.3,blocks.5#2</c>; parts that name no module stay as they are.</param>
    /// <param name="blocks">Blocks of the network.</param>
    public static string Expand(string text, IReadOnlyList<SkippableBlock> blocks) =>
        string.Join(
            ',',
            text.Split(',', StringSplitOptions.TrimEntries)
                .Select(part =>
                {
                    string[] branches =
                    [
                        .. blocks.Where(b => b.Name.StartsWith(part + BranchMark, StringComparison.Ordinal)).Select(b => b.Name),
                    ];
                    return branches.Length > 0 && part.Length > 0 && !blocks.Any(b => b.Name == part) ? string.Join(',', branches) : part;
                })
        );

    // The forms in which a layer ends a branch: an addition may have its operands the other way round.
    private static IEnumerable<FloatLayer> Endings(FloatLayer layer)
    {
        if (
            layer
            is not {
                Residual: int residual,
                ResidualSubtract: false,
                ResidualBroadcast: Broadcast.None,
                TransposeOutput: false,
                Activation.Kind: ActivationKind.None,
                Table: null
            }
        )
            yield break;
        yield return layer;
        if (layer is FloatAdd { Factor: 1, ResidualFactor: 1 } add)
            yield return add with
            {
                Input = residual,
                Residual = add.Input,
            };
    }

    // The elements of both are in the same places, whatever the rows and columns.
    private static bool InPlace(TensorShape a, TensorShape b) => a.Batch == b.Batch && a.Channels == b.Channels && a.Elements == b.Elements;

    // Layers from the start tensor to the last layer, or null when the branch also reads something else.
    private static HashSet<int>? Branch(
        FloatNetwork network,
        FloatLayer[] layers,
        Dictionary<int, int> producer,
        FloatLayer end,
        int last,
        int start
    )
    {
        var branch = new HashSet<int> { last };
        // All that the last layer reads but its residual, which comes last.
        var open = new Stack<int>(end.Reads.Take(end.Reads.Count - 1).Select(network.Home));
        bool reached = false;
        while (open.TryPop(out int tensor))
        {
            if (tensor == start)
            {
                reached = true;
                continue;
            }

            if (network.Tensors[tensor].Constant is not null)
                continue;
            // A layer of another block, or none at all: not a closed residual branch.
            if (!producer.TryGetValue(tensor, out int layer) || layers[layer].Block is not null)
                return null;
            if (branch.Add(layer))
            {
                foreach (int read in layers[layer].Reads)
                    open.Push(network.Home(read));
            }
        }

        return reached ? branch : null;
    }

    private static OutputRange Bounds(FloatNetwork network, FloatLayer[] layers, Dictionary<int, int> producer, int tensor)
    {
        if (!producer.TryGetValue(network.Home(tensor), out int at))
            return OutputRange.Unbounded;
        FloatLayer layer = layers[at];
        if (layer.Table is not null)
            return OutputRange.Unbounded;
        if (layer.Activation.Kind != ActivationKind.None)
            return layer.Activation.Kind is ActivationKind.Sigmoid or ActivationKind.HardSigmoid
                ? new OutputRange(0, 1)
                : OutputRange.Unbounded;
        if (layer is not FloatConv { IsDataMovement: true, Residual: null } move)
            return layer.Range;
        OutputRange source = Bounds(network, layers, producer, move.Input);
        return new OutputRange(
            Math.Clamp(Math.Min(0, source.Low), move.Range.Low, move.Range.High),
            Math.Clamp(Math.Max(0, source.High), move.Range.Low, move.Range.High)
        );
    }

    // The common part of the layers' paths: "/layer1/layer1.0/conv1/Conv" and ".../conv2/Conv" give "layer1", "layer1.0".
    private static string[] CommonPath(IEnumerable<string> layerNames)
    {
        string[][] paths = [.. layerNames.Select(n => n.Split('/', StringSplitOptions.RemoveEmptyEntries))];
        int common = 0;
        while (paths.All(p => p.Length > common + 1 && p[common] == paths[0][common]))
            common++;
        return paths.Length > 1 ? paths[0][..common] : [];
    }

    // The shortest end of each path that no other path has; branches of one path are numbered.
    private static string[] Names(string[][] paths)
    {
        string[] full = [.. paths.Select(p => string.Join('/', p))],
            names = new string[paths.Length];
        for (int i = 0; i < paths.Length; i++)
        {
            string name = $"block{i}";
            for (int parts = 1; parts <= paths[i].Length; parts++)
            {
                string tail = string.Join('/', paths[i][^parts..]);
                name = tail;
                if (!paths.Where((p, k) => full[k] != full[i] && p.Length >= parts && string.Join('/', p[^parts..]) == tail).Any())
                    break;
            }

            int[] same = [.. Enumerable.Range(0, paths.Length).Where(k => paths[i].Length > 0 && full[k] == full[i])];
            names[i] = same.Length > 1 ? $"{name}{BranchMark}{Array.IndexOf(same, i) + 1}" : name;
        }

        return names;
    }
}
