using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Isa;
using AccelGen.Network.Quantized;

namespace AccelGen.Sim;

/// <summary>A loop of a layer.</summary>
/// <param name="Name">What it runs over.</param>
/// <param name="Count">Passes; of an uneven loop the most.</param>
/// <param name="Spatial">The passes run side by side, in hardware.</param>
/// <param name="Detail">What one pass does.</param>
public sealed record LoopLevel(string Name, long Count, bool Spatial, string Detail);

/// <summary>A loop nest, outermost loop first. A layer has several where its parts differ, or where it takes part in the computation of others.</summary>
/// <param name="Does">What it does among several, or null.</param>
/// <param name="Levels">Loops.</param>
public sealed record LoopNest(string? Does, IReadOnlyList<LoopLevel> Levels);

/// <summary>What a buffer holds while a layer runs.</summary>
/// <param name="Buffer">Buffer.</param>
/// <param name="Bytes">Bytes of a slot that the layer fills (per processing element where it is theirs), of <paramref name="SlotBytes"/>.</param>
/// <param name="SlotBytes">Bytes of a slot; of the weight buffer, all of it.</param>
/// <param name="Loads">How often a byte is read from memory on average; 0 for what is not read.</param>
/// <param name="Stays">How long the content stays.</param>
public sealed record BufferUse(string Buffer, long Bytes, long SlotBytes, double Loads, string Stays);

/// <summary>Bytes that a layer moves over the bus, by kind.</summary>
/// <param name="Input">Left operand.</param>
/// <param name="Weights">Weights, or the right operand of a product.</param>
/// <param name="Parameters">Bias, scale and activation tables.</param>
/// <param name="Residual">Operand at the output.</param>
/// <param name="Program">Commands fetched meanwhile.</param>
/// <param name="Output">Written.</param>
public sealed record Traffic(long Input, long Weights, long Parameters, long Residual, long Program, long Output);

/// <summary>What a resource alone would take.</summary>
/// <param name="Resource">Resource.</param>
/// <param name="Cycles">Cycles in which the layer's commands occupy it.</param>
public sealed record Bound(string Resource, long Cycles);

/// <summary>
/// How a layer runs, read from the commands that run it and the cycle model's figures for them, not from the compiler's
/// intentions.
/// </summary>
public sealed record LayerExplanation
{
    /// <summary>Name of the layer.</summary>
    public required string Name { get; init; }

    /// <summary>Operator, as <see cref="Workload.Operator"/> names it.</summary>
    public required string Op { get; init; }

    /// <summary>Other layers that the same commands compute.</summary>
    public required IReadOnlyList<string> Joined { get; init; }

    /// <summary>Layer whose commands compute this one, or null.</summary>
    public required string? ComputedBy { get; init; }

    /// <summary>Shapes of the tensors read and of the one written.</summary>
    public required string Shapes { get; init; }

    /// <summary>Loop nests; none for a layer without commands.</summary>
    public required IReadOnlyList<LoopNest> Nests { get; init; }

    /// <summary>What follows the sums: the row operator, or null.</summary>
    public required string? RowOperator { get; init; }

    /// <summary>What the buffers hold.</summary>
    public required IReadOnlyList<BufferUse> Buffers { get; init; }

    /// <summary>Bytes moved.</summary>
    public required Traffic Bytes { get; init; }

    /// <summary>Commands.</summary>
    public required int Commands { get; init; }

    /// <summary>Cycles from the end of the layer before to the end of this one.</summary>
    public required long Cycles { get; init; }

    /// <summary>Cycle in which the first command starts and the last is done.</summary>
    public required (long First, long Last) Span { get; init; }

    /// <summary>Compute, weight bandwidth, activation bandwidth, parameter bandwidth, read bandwidth (the three together), store bandwidth, vector unit (but for row operators that run beside it), row operators.</summary>
    public required IReadOnlyList<Bound> Bounds { get; init; }

    /// <summary>Resource that takes longest; where that is the read bandwidth, the kind that moves most, with the cycles of all reads.</summary>
    public required Bound Limit { get; init; }

    /// <summary>Useful multiply-accumulates over what the array could do in the compute cycles; 0 where there are none.</summary>
    public required double ArrayUse { get; init; }

    /// <summary>Explains every layer of a program.</summary>
    /// <param name="program">Program.</param>
    /// <param name="timing">Timing of the memory.</param>
    /// <param name="path">Execution path, or null for the whole network.</param>
    public static IReadOnlyList<LayerExplanation> Explain(CompiledProgram program, MemoryTiming timing, ExecutionPath? path = null)
    {
        path ??= ExecutionPath.Whole;
        PathRow row = program.Row(path);
        CyclePrediction model = new CycleModel(program.Config, timing).Predict(program.Commands, program.ProgramAddress, row);
        var result = new List<LayerExplanation>();
        long end = 0;
        for (int i = 0; i < program.Layers.Count; i++)
        {
            CompiledLayer layer = program.Layers[i];
            long before = end;
            for (int c = layer.FirstCommand; c < layer.EndCommand; c++)
            {
                if (program.Commands[c].Definition.Queue == Queue.Store)
                    end = Math.Max(end, model.Commands[c].Done);
            }

            result.Add(new Reader(program, timing, path, row, model, layer, [.. program.Layers.Where((l, n) => n == i || l.FusedInto == i).Select(l => l.Layer)]).Explain(end - before));
        }

        return result;
    }

    // The sums that one VECTOR command takes.
    private sealed record Pass(Command Vector, int Index)
    {
        public List<Command> Computes { get; } = [];
        public bool Captures => Vector["CaptureReciprocal"] == 1;
        public bool Forwards { get; set; }
        public (long, long) Phase => (Vector["RowOffsetWords"], Vector["ColumnOffset"]);
        public (long, long) Tile => (Computes[0]["OriginRow"], Computes[0]["OriginColumn"]);
    }

    private sealed class Reader(CompiledProgram program, MemoryTiming timing, ExecutionPath path, PathRow row, CyclePrediction model, CompiledLayer compiled, QuantizedLayer[] members)
    {
        private readonly AcceleratorConfig config = program.Config;
        private readonly QuantizedLayer layer = compiled.Layer;
        private readonly IEnumerable<int> indices = Enumerable.Range(compiled.FirstCommand, compiled.EndCommand - compiled.FirstCommand);

        public LayerExplanation Explain(long cycles)
        {
            QuantizedNetwork network = program.Network;
            Traffic bytes = new(Read(0), Read(2), Read(3) + Read(5), Read(1), Read(4), Beats(i => Queue(i) == Isa.Queue.Store) * config.Derived.BeatBytes);
            IReadOnlyList<Bound> bounds = Bounds();
            int[] executed = [.. indices.Where(i => model.Commands[i] != default)];
            long compute = bounds[0].Cycles;
            return new LayerExplanation
            {
                Name = layer.Name,
                Op = string.Join(" + ", members.Select(Workload.Operator)),
                Joined = [.. members.Where(l => l != layer).Select(l => l.Name)],
                ComputedBy = compiled.FusedInto is int other && Passes().Count == 0 ? program.Layers[other].Layer.Name : null,
                Shapes = $"{string.Join(", ", members.SelectMany((l, i) => l.Reads.Where(t => members.Take(i).All(m => m.Output != t))).Select(t => network.Tensors[t].Shape))} to {network.Tensors[members[^1].Output].Shape}",
                Nests = Nests(),
                RowOperator = RowText(),
                Buffers = [.. Buffers(bytes)],
                Bytes = bytes,
                Commands = compiled.EndCommand - compiled.FirstCommand,
                Cycles = cycles,
                Span = executed.Length == 0 ? (0, 0) : (executed.Min(i => model.Commands[i].Start), executed.Max(i => model.Commands[i].Done)),
                Bounds = bounds,
                Limit = Limiting(bounds),
                ArrayUse = compute == 0 ? 0 : (double)members.Sum(l => Workload.Macs(network, l, path).Executed) / compute / config.Derived.PeakMacsPerCycle,
            };
        }

        private Command Command(int index) => program.Commands[index];

        private Queue? Queue(int index) => Command(index).Definition.Queue;

        private long Beats(Func<int, bool> which) => indices.Where(which).Sum(i => model.Beats[i]);

        private bool Loads(int index, int destination) => Queue(index) == Isa.Queue.Load && Command(index)["Destination"] == destination;

        private long Read(int destination) => Beats(i => Loads(i, destination)) * config.Derived.BeatBytes;

        private long Busy(Queue queue) => indices.Where(i => Queue(i) == queue).Sum(i => model.Busy[i]);

        private IReadOnlyList<Bound> Bounds()
        {
            long Bus(params int[] destinations) => Beats(i => destinations.Any(d => Loads(i, d))) * timing.ReadInterval;
            return
            [
                new("compute", Busy(Isa.Queue.Compute)),
                new("weight bandwidth", Bus(2)),
                new("activation bandwidth", Bus(0, 1)),
                new("parameter bandwidth", Bus(3, 4, 5)),
                new("read bandwidth", Bus(0, 1, 2, 3, 4, 5)),
                // Exchanging pixels and channels takes cycles besides those of the bus.
                new("store bandwidth", Math.Max(Busy(Isa.Queue.Store), Beats(i => Queue(i) == Isa.Queue.Store) * timing.WriteInterval)),
                new("vector unit", indices.Where(i => Queue(i) == Isa.Queue.Vector && !Overlaps(i)).Sum(i => model.Busy[i])),
                new("row operators", indices.Where(i => Command(i).Definition.Name == "ROW").Sum(i => model.Busy[i])),
            ];
        }

        private bool Overlaps(int index) => Command(index) is { Definition.Name: "ROW" } c && c["Overlap"] == 1;

        private static Bound Limiting(IReadOnlyList<Bound> bounds)
        {
            Bound most = new[] { 0, 4, 5, 6, 7 }.Select(i => bounds[i]).MaxBy(b => b.Cycles)!;
            return most == bounds[4] ? new Bound(bounds.Skip(1).Take(3).MaxBy(b => b.Cycles)!.Resource, most.Cycles) : most;
        }

        private List<Pass> Passes()
        {
            var passes = new List<Pass>();
            foreach (int i in indices)
            {
                Command c = Command(i);
                if (row.Skips(c))
                    continue;
                if (c.Definition.Name == "VECTOR")
                    passes.Add(new Pass(c, i));
                else if (c.Definition.Name == "COMPUTE")
                    passes[^1].Computes.Add(c);
                if (c.Definition.Name is "VECTOR" or "ROW" && c["Forward"] == 1)
                    passes[^1].Forwards = true;
            }

            return passes;
        }

        // Heads and parts of a concatenation run one after the other: each starts again with the first tile and group.
        private IReadOnlyList<LoopNest> Nests()
        {
            var parts = new List<List<Pass>>();
            var seen = new HashSet<object>();
            foreach (Pass pass in Passes())
            {
                object key = (pass.Tile, pass.Vector["BBase"], pass.Phase, pass.Captures, pass.Forwards);
                if (parts.Count == 0 || !seen.Add(key))
                {
                    parts.Add([]);
                    seen.Clear();
                    seen.Add(key);
                }

                parts[^1].Add(pass);
            }

            // Results that are forwarded to a second product, and that product, take turns tile by tile.
            var nests = parts.SelectMany((part, i) => part.GroupBy(p => p.Forwards)
                .Select(g => (Forwards: g.Key, Both: part.Any(p => p.Forwards), Levels: Levels([.. g], part[0].Index, i + 1 < parts.Count ? parts[i + 1][0].Index : compiled.EndCommand))));
            // Parts that do the same are one more loop.
            return [.. nests.GroupBy(n => (n.Forwards, n.Both, string.Join(';', n.Levels))).Select(g => new LoopNest(
                !g.Key.Both ? null : g.Key.Forwards ? "first product, its results forwarded into the input buffers" : "second product, a tile behind the first",
                [new LoopLevel(layer is ConcatLayer ? "part" : "head", g.Count(), false, $"{(layer is ConcatLayer ? "operands" : "matrices")} one after the other"), .. g.First().Levels]))];
        }

        private List<LoopLevel> Levels(List<Pass> part, int from, int to)
        {
            Pass[] passes = [.. part.Where(p => !p.Captures)];
            Command first = passes[0].Computes[0];
            Command[] computes = [.. passes.SelectMany(p => p.Computes)];
            bool diagonal = first["Diagonal"] == 1;
            int lanes = config.Array.Lanes, width = config.Array.VectorWidth;
            int Distinct<T>(Func<Pass, T> of) => passes.Select(of).Distinct().Count();
            long tilesY = Distinct(p => p.Tile.Item1), tilesX = Distinct(p => p.Tile.Item2);
            (int gridRows, int gridColumns) = Grid(from, to);
            long rows = first["Rows"], columns = first["Columns"];
            long groupTiles = passes.Max(p => (long)row.Resolve(p.Vector, 'B'));
            long commandTiles = computes.Max(c => (long)row.Resolve(c, 'B')), vectors = diagonal ? 1 : computes.Max(c => (long)row.Resolve(c, 'A'));
            long chunks = passes.Max(p => p.Computes.Select(c => c["ABase"]).Distinct().Count());
            string captured = part.Count > passes.Length ? "; before the first group the denominators of the tile's pixels" : string.Empty;
            return
            [
                new("tile", tilesY * tilesX, false, $"{tilesY} x {tilesX} tiles of {gridRows * rows} x {gridColumns * columns} pixels; the input window stays for all output channels{captured}"),
                new("output group", Distinct(p => p.Vector["BBase"]), false, $"{groupTiles} lane tiles = {groupTiles * lanes} channels, written to the output buffer, then stored"),
                new("phase", Distinct(p => p.Phase), false, "every so many-th output pixel, with weights of its own"),
                new("command", passes.Max(p => p.Computes.Select(c => c["BBase"]).Distinct().Count()), false, $"{commandTiles} lane tiles = {commandTiles * lanes} channels, with one load of weights"),
                new("input chunk", chunks, false, $"{vectors} vectors = {vectors * width} input channels; sums stay in the accumulators"),
                new("lane tile", commandTiles, false, $"{lanes} output channels"),
                new("input vector", vectors, false, diagonal ? "the one with the lane tile's own channels" : $"{width} input channels"),
                new("kernel tap", first["KernelRows"] * first["KernelColumns"], false, $"{first["KernelRows"]} x {first["KernelColumns"]}{(first["RowTaps"] == 1 ? $" times up to {config.Derived.RowTaps} neighbouring taps of a row" : string.Empty)}; one weight tile is held"),
                new("pixel", rows * columns, false, $"{rows} x {columns} of each processing element, one per cycle"),
                new("processing element", gridRows * gridColumns, true, $"{gridRows} x {gridColumns} over the output pixels of a tile; weights are broadcast"),
                new("lane", lanes, true, "over the output channels"),
                new("vector element", width, true, diagonal ? "over the input channels, of which each lane uses its own" : "over the input channels, added up"),
            ];
        }

        // Elements that hold output: an edge tile uses fewer than the others.
        private (int Rows, int Columns) Grid(int from, int to)
        {
            Command[] stores = [.. indices.Where(i => i >= from && i < to && Queue(i) == Isa.Queue.Store).Select(Command)];
            return ((int)stores.Max(s => s["PeRows"]), (int)stores.Max(s => s["PesPerRow"]));
        }

        private string? RowText()
        {
            Command[] commands = [.. indices.Select(Command).Where(c => c.Definition.Name == "ROW" && !row.Skips(c))];
            if (commands.Length == 0)
                return null;
            string function = IsaDefinition.Enums.Single(e => e.Name == "RowFunction").Values.Single(v => v.Value == commands[0]["Function"]).Name;
            return $"{commands.Length} ROW commands ({function}) over up to {commands.Max(c => row.Resolve(c, 'B'))} lane tiles of {commands[0]["Rows"]} x {commands[0]["Columns"]} pixels in the output buffer, {indices.Where(i => Command(i).Definition.Name == "ROW").Sum(i => model.Busy[i]):N0} cycles";
        }

        private IEnumerable<BufferUse> Buffers(Traffic bytes)
        {
            List<Pass> passes = Passes();
            if (passes.Count == 0)
                yield break;
            DerivedConfig d = config.Derived;
            Command[] computes = [.. passes.SelectMany(p => p.Computes)];
            long planes = passes.Max(p => p.Computes[0]["Diagonal"] == 1
                ? 1 + p.Computes.Max(c => (c["BBase"] + row.Resolve(c, 'B') - 1) / d.LaneSegments)
                : p.Computes.Max(c => c["ABase"] + row.Resolve(c, 'A')));
            int tiles = passes.Select(p => p.Tile).Distinct().Count();
            yield return new("input, per PE", computes.Max(c => c["BlockWords"]) * planes * d.WordBytes, d.InputWords / 2 * d.WordBytes, Again(0), tiles > 1 ? "a tile; the next one is loaded meanwhile" : "the layer");
            double weightLoads = Again(2);
            yield return new("weights, shared", Math.Min(Once(2), (long)d.WeightTiles * d.WeightTileBytes), (long)d.WeightTiles * d.WeightTileBytes, weightLoads, weightLoads > 1 ? "a command; they come again for each tile" : tiles > 1 ? "the layer, for all tiles" : "a command");
            yield return new("accumulators, per PE", computes.Max(c => c["Rows"] * c["Columns"]) * config.Array.Lanes * 4, (long)config.Buffers.AccumulatorEntries * config.Array.Lanes * 4, 0, "a lane tile, over all input channels and taps");
            yield return new("output, per PE", passes.Max(p => p.Vector["BlockWords"] * ((row.Resolve(p.Vector, 'B') + d.LaneSegments - 1) / d.LaneSegments)) * d.WordBytes, d.OutputWords / 2 * d.WordBytes, 0, "an output group; the next one is computed while it is stored");
            yield return new("bias and scale, shared", passes.Max(p => p.Vector["ParameterShared"] == 1 ? 1 : row.Resolve(p.Vector, 'B')) * d.ParameterTileBytes, config.Buffers.ParameterEntries / 2 * d.ParameterTileBytes, Again(3), "an output group");
            if (bytes.Residual > 0)
                yield return new("residual, per PE", passes.Max(p => p.Vector["ResidualBlockWords"] == 0 ? p.Vector["BlockWords"] : p.Vector["ResidualBlockWords"] * ((row.Resolve(p.Vector, 'B') + d.LaneSegments - 1) / d.LaneSegments)) * d.WordBytes, d.ResidualWords / 2 * d.WordBytes, Again(1), "an output group");
        }

        // Bytes behind different addresses: the same data come again under the same address.
        private long Once(int destination) => indices.Where(i => Loads(i, destination) && model.Beats[i] > 0).DistinctBy(i => (Command(i)["Address"], Command(i)["BBase"], Command(i)["ABase"])).Sum(i => model.Beats[i]) * config.Derived.BeatBytes;

        private double Again(int destination)
        {
            // Windows of neighbouring tiles overlap: against the operand's own size.
            QuantizedLayer first = members[0];
            long once = destination switch
            {
                0 => first switch { ConcatLayer c => c.Inputs.Sum(Bytes), _ => Bytes(first.Input) },
                1 => members.Sum(l => l is MultiplyLayer m ? Bytes(m.Right) : l.Residual is { } r ? Bytes(r.Tensor) : 0),
                _ => Once(destination),
            };
            return once == 0 ? 0 : (double)Read(destination) / once;
        }

        private long Bytes(int tensor) => program.Tensors[tensor].Bytes;
    }
}
