using AccelGen.Network.Quantized;

namespace AccelGen.Compiler;

/// <summary>
/// Checks where tensors lie by running the network on names instead of numbers: each byte of memory holds the name of the
/// layer that wrote it last, and whoever reads a tensor must find the names that the network says. It knows nothing of how
/// places were found: parts of concatenations, streams updated in place, views and lifetimes are all one question to it.
/// </summary>
/// <param name="network">Network.</param>
/// <param name="layouts">Final layout of each tensor.</param>
/// <param name="vectorWidth">Channels of a plane.</param>
/// <param name="computedIn">For each layer the layer in whose commands it is computed; its own index without one.</param>
/// <param name="inMemory">Whether a layer's output is written to memory.</param>
internal sealed class StorageAudit(QuantizedNetwork network, TensorLayout[] layouts, int vectorWidth, int[] computedIn, bool[] inMemory)
{
    /// <summary>Bytes [Start, End) that hold what a writer put there, from the writer's byte Offset on.</summary>
    /// <param name="Start">First byte.</param>
    /// <param name="End">Byte after the last.</param>
    /// <param name="Writer">Layer; a negative number for a tensor that is there before the program.</param>
    /// <param name="Offset">Byte of the writer's output at <paramref name="Start"/>.</param>
    private readonly record struct Piece(long Start, long End, int Writer, long Offset)
    {
        public Piece Moved(long by) => this with { Start = Start + by, End = End + by };

        public Piece Cut(long start, long end) =>
            new(Math.Max(Start, start), Math.Min(End, end), Writer, Offset + Math.Max(0, start - Start));
    }

    private readonly List<Piece> memory = [];
    private readonly List<string> problems = [];

    /// <summary>What reads something else than it should; empty when all is well.</summary>
    public IReadOnlyList<string> Problems()
    {
        (Dictionary<int, IReadOnlyList<Piece>>[] reads, IReadOnlyList<Piece>[] results, Dictionary<int, IReadOnlyList<Piece>> last) =
            Meaning();
        foreach (int t in Initial())
            Write(layouts[t].Address, [Whole(t, -1 - t)]);
        foreach (int l in Enumerable.Range(0, network.Layers.Count).OrderBy(l => computedIn[l]).ThenBy(l => l))
        {
            QuantizedLayer layer = network.Layers[l];
            foreach ((int tensor, IReadOnlyList<Piece> content) in reads[l].Where(r => !InPlace(layer, r.Key)))
                Expect(tensor, content, $"layer {layer.Name} reads");
            if (inMemory[l])
                Write(layouts[layer.Output].Address, Written(layer, results[l]));
        }

        foreach (int t in network.Outputs)
            Expect(t, last[network.Home(t)], "the network ends with");
        return problems;
    }

    // What the network says, in its own order: for each layer the contents of what it reads and of its output, and those at the end.
    private (
        Dictionary<int, IReadOnlyList<Piece>>[] Reads,
        IReadOnlyList<Piece>[] Results,
        Dictionary<int, IReadOnlyList<Piece>> Last
    ) Meaning()
    {
        var content = new Dictionary<int, IReadOnlyList<Piece>>();
        var onChip = new HashSet<int>();
        foreach (int t in Initial())
            content[network.Home(t)] = [Whole(t, -1 - t)];
        var reads = new Dictionary<int, IReadOnlyList<Piece>>[network.Layers.Count];
        var results = new IReadOnlyList<Piece>[network.Layers.Count];
        for (int l = 0; l < reads.Length; l++)
        {
            QuantizedLayer layer = network.Layers[l];
            reads[l] = layer
                .Reads.Distinct()
                .Where(t => !onChip.Contains(network.Home(t)))
                .ToDictionary(t => t, t => content[network.Home(t)]);
            int home = network.Home(layer.Output);
            content[home] = results[l] = layer is ConcatLayer concat ? Concatenated(concat, l, content, onChip) : [Whole(layer.Output, l)];
            if (inMemory[l])
                onChip.Remove(home);
            else
                onChip.Add(home);
        }

        return (reads, results, content);
    }

    // Parts that a concatenation only moves keep their names.
    private List<Piece> Concatenated(ConcatLayer concat, int index, Dictionary<int, IReadOnlyList<Piece>> content, HashSet<int> onChip)
    {
        QuantizedTensor whole = network.Tensors[concat.Output];
        TensorLayout to = layouts[concat.Output];
        bool moves =
            Aligned(concat)
            && concat is { Table: null, Residual: null, ClampLow: -128, ClampHigh: 127, TransposeOutput: false }
            && whole.Shape.Batch == 1;
        if (!moves)
            return [Whole(concat.Output, index)];
        var result = new List<Piece>();
        foreach ((int part, long from, long bytes) in Parts(concat))
        {
            QuantizedTensor p = network.Tensors[part];
            bool same =
                p.Scale == whole.Scale
                && p.ZeroPoint == whole.ZeroPoint
                && p.Shape.Batch == 1
                && layouts[part].PlaneBytes == to.PlaneBytes
                && !onChip.Contains(network.Home(part));
            result.AddRange(same ? content[network.Home(part)].Select(c => c.Moved(from)) : [new Piece(from, from + bytes, index, from)]);
        }

        return result;
    }

    // What a layer's commands write of its result: of a concatenation only what is not in place.
    private IEnumerable<Piece> Written(QuantizedLayer layer, IReadOnlyList<Piece> result)
    {
        if (layer is not ConcatLayer concat || !Aligned(concat))
            return result;
        return Parts(concat)
            .Where(p => !InPlace(concat, p.Part))
            .SelectMany(p => result.Where(r => r.Start < p.From + p.Bytes && r.End > p.From).Select(r => r.Cut(p.From, p.From + p.Bytes)));
    }

    // Whether a tensor is a part of a concatenation that nobody moves: it may be written later than the layer stands in the
    // network, since the layer has no commands. Whoever reads the whole then finds the part, or does not.
    private bool InPlace(QuantizedLayer layer, int part) =>
        layer is ConcatLayer concat
        && Aligned(concat)
        && layouts[concat.Output] is var to
        && Parts(concat)
            .Any(p => p.Part == part && layouts[part].Address == to.Address + p.From && layouts[part].PlaneBytes == to.PlaneBytes);

    // Whether the parts of a concatenation are whole planes of it.
    private bool Aligned(ConcatLayer concat) => concat.Inputs.SkipLast(1).All(t => network.Tensors[t].Shape.Channels % vectorWidth == 0);

    private IEnumerable<(int Part, long From, long Bytes)> Parts(ConcatLayer concat)
    {
        long from = 0,
            plane = layouts[concat.Output].PlaneBytes;
        foreach (int part in concat.Inputs)
        {
            long bytes = (network.Tensors[part].Shape.Channels + vectorWidth - 1) / vectorWidth * plane;
            yield return (part, from, bytes);
            from += bytes;
        }
    }

    private IEnumerable<int> Initial() => network.Inputs.Concat(network.Tensors.Where(t => t.Constant is not null).Select(t => t.Id));

    private Piece Whole(int tensor, int writer) => new(0, layouts[tensor].Bytes, writer, 0);

    // Memory after a write; pieces are relative to the address.
    private void Write(long address, IEnumerable<Piece> pieces)
    {
        foreach (Piece piece in pieces.Select(p => p.Moved(address)))
        {
            foreach (Piece old in memory.Where(m => m.Start < piece.End && m.End > piece.Start).ToList())
            {
                memory.Remove(old);
                if (old.Start < piece.Start)
                    memory.Add(old.Cut(old.Start, piece.Start));
                if (old.End > piece.End)
                    memory.Add(old.Cut(piece.End, old.End));
            }

            memory.Add(piece);
        }
    }

    // What a tensor's memory holds must be what it stands for.
    private void Expect(int tensor, IReadOnlyList<Piece> content, string who)
    {
        long address = layouts[tensor].Address;
        foreach (Piece piece in content.Select(c => c.Moved(address)))
        {
            long at = piece.Start;
            while (at < piece.End)
            {
                Piece? there = memory.Cast<Piece?>().FirstOrDefault(m => m!.Value.Start <= at && m.Value.End > at);
                Piece wanted = piece.Cut(at, piece.End);
                if (there is not Piece t || t.Writer != wanted.Writer || t.Cut(at, t.End).Offset != wanted.Offset)
                {
                    problems.Add(
                        $"{who} {network.Tensors[tensor].Name} at address {at}, byte {at - address} of it: "
                            + $"{Name(there?.Writer)} is there, {Name(wanted.Writer)} should be"
                    );
                    return;
                }

                at = t.End;
            }
        }
    }

    private string Name(int? writer) =>
        writer switch
        {
            null => "nothing",
            < 0 => $"tensor {network.Tensors[-1 - writer.Value].Name}",
            _ => $"what layer {network.Layers[writer.Value].Name} wrote",
        };
}
