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

/// <summary>A loop nest, outermost loop first. A layer has several where its parts differ, or where it takes part in the computation of
/// others.</summary>
/// <param name="Layer">Layer whose products it computes: of several that run as one, each has its own.</param>
/// <param name="Does">What it does among several, or null.</param>
/// <param name="Levels">Loops.</param>
public sealed record LoopNest(string Layer, string? Does, IReadOnlyList<LoopLevel> Levels);

/// <summary>What a buffer holds while a layer runs.</summary>
/// <param name="Buffer">Buffer.</param>
/// <param name="Bytes">Bytes of a slot that the layer fills (per processing element where it is theirs), of
/// <paramref name="SlotBytes"/>.</param>
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

    /// <summary>Name of the operator.</summary>
    public required string Op { get; init; }

    /// <summary>Other layers that the same commands compute.</summary>
    public required IReadOnlyList<string> Joined { get; init; }

    /// <summary>Layer whose commands compute this one, or null.</summary>
    public required string? ComputedBy { get; init; }

    /// <summary>Layers whose commands alternate with this one's, strip by strip: the one that reads it, or those that it reads.</summary>
    public required IReadOnlyList<string> AlternatesWith { get; init; }

    /// <summary>Layer that the cycles count with, or null: this layer's commands alternate with that one's.</summary>
    public required string? CountedWith { get; init; }

    /// <summary>Shapes of the tensors read and of those written.</summary>
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

    /// <summary>Cycles from the end of the layer before to the end of this one and of those that alternate with it; 0 when they count with
    /// another.</summary>
    public required long Cycles { get; init; }

    /// <summary>Cycle in which the first command starts and the last is done.</summary>
    public required (long First, long Last) Span { get; init; }

    /// <summary>Compute, weight bandwidth, activation bandwidth, parameter bandwidth, read bandwidth (the three together), store bandwidth,
    /// vector unit (but for row operators that run beside it), row operators.</summary>
    public required IReadOnlyList<Bound> Bounds { get; init; }

    /// <summary>Resource that takes longest; where that is the read bandwidth, the kind that moves most, with the cycles of all
    /// reads.</summary>
    public required Bound Limit { get; init; }

    /// <summary>The same for this layer and those that alternate with it, together; null when there are none, or at one of those.</summary>
    public Bound? LimitTogether { get; init; }

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

            result.Add(new Reader(program, timing, path, row, model, i).Explain(end - before));
        }

        // The units are shared: what each does for the layers of a group adds up.
        for (int i = 0; i < result.Count; i++)
        {
            LayerExplanation[] producers = [.. result.Where((_, p) => program.Layers[p].Alternates && program.Layers[p].FusedInto == i)];
            if (producers.Length > 0)
                result[i] = result[i] with
                {
                    LimitTogether = Reader.Limiting([
                        .. result[i].Bounds.Select((b, k) => b with { Cycles = b.Cycles + producers.Sum(p => p.Bounds[k].Cycles) }),
                    ]),
                };
        }

        return result;
    }

    // The sums that one VECTOR command takes: all rows of a tile, or a piece of them.
    private sealed record Piece(Command Vector)
    {
        public List<Command> Computes { get; } = [];
    }

    // The pieces of an output group of a tile.
    private sealed record Pass(int Index, Piece First)
    {
        public List<Piece> Pieces { get; } = [First];
        public Command Vector => First.Vector;
        public IEnumerable<Command> Computes => Pieces.SelectMany(p => p.Computes);
        public long Product => Vector[Header.Tag];
        public bool Captures => Vector[VectorCommand.CaptureReciprocal];
        public (long, long) Phase => (Vector[VectorCommand.RowOffsetWords], Vector[VectorCommand.ColumnOffset]);
        public (long, long) Tile => (First.Computes[0][ComputeCommand.OriginRow], First.Computes[0][ComputeCommand.OriginColumn]);

        // The results go on into the input buffers: at once, or those of a row operator.
        public bool Forwards { get; set; }

        // A token has told that the results are there: what comes next is another pass.
        public bool Complete { get; set; }

        public bool IsContinuedBy(Command vector) =>
            !Complete
            && (
                vector[Header.B.Base],
                vector[VectorCommand.RowOffsetWords],
                vector[VectorCommand.ColumnOffset],
                vector[VectorCommand.CaptureReciprocal]
            ) == (Vector[Header.B.Base], Phase.Item1, Phase.Item2, Captures);
    }

    private sealed class Reader
    {
        private readonly CompiledProgram program;
        private readonly MemoryTiming timing;
        private readonly ExecutionPath path;
        private readonly PathRow row;
        private readonly CyclePrediction model;
        private readonly AcceleratorConfig config;
        private readonly CompiledLayer compiled;
        private readonly QuantizedLayer layer;

        // The layer and those that the same commands compute; others whose commands alternate with these are not among them.
        private readonly CompiledLayer[] members;
        private readonly int[] alternating,
            indices;
        private readonly List<Pass> passes;

        // A part is a head, or what else starts again with the first tile and output group.
        private readonly List<List<Pass>> parts = [];

        public Reader(CompiledProgram program, MemoryTiming timing, ExecutionPath path, PathRow row, CyclePrediction model, int index)
        {
            (this.program, this.timing, this.path, this.row, this.model) = (program, timing, path, row, model);
            config = program.Config;
            compiled = program.Layers[index];
            layer = compiled.Layer;
            members = [.. program.Layers.Where((l, n) => n == index || (l.FusedInto == index && !l.Alternates))];
            alternating = compiled.Alternates
                ? [compiled.FusedInto!.Value]
                :
                [
                    .. Enumerable
                        .Range(0, program.Layers.Count)
                        .Where(n => program.Layers[n].FusedInto == index && program.Layers[n].Alternates),
                ];
            indices = [.. program.CommandsOf(index)];
            passes = Passes();
            var seen = new HashSet<object>();
            foreach (Pass pass in passes)
            {
                object key = (pass.Product, pass.Tile, pass.Vector[Header.B.Base], pass.Phase, pass.Captures);
                if (parts.Count == 0 || !seen.Add(key))
                {
                    parts.Add([]);
                    seen.Clear();
                    seen.Add(key);
                }

                parts[^1].Add(pass);
            }
        }

        public LayerExplanation Explain(long cycles)
        {
            QuantizedNetwork network = program.Network;
            Traffic bytes = new(
                Read(LoadDestination.Input),
                Read(LoadDestination.Weight),
                Read(LoadDestination.Parameter) + Read(LoadDestination.Table),
                Read(LoadDestination.Residual),
                Read(LoadDestination.Command),
                Beats(i => Queue(i) == Isa.Queue.Store) * config.Derived.BeatBytes
            );
            IReadOnlyList<Bound> bounds = Bounds();
            int[] executed = [.. indices.Where(i => model.Commands[i] != default)];
            long compute = bounds[0].Cycles;
            int[] written = [.. members.Where((m, i) => m.InMemory || i == members.Length - 1).Select(m => m.Layer.Output)];
            // Operands that no other layer of the group computes.
            IEnumerable<int> fromOutside = members.SelectMany(
                (m, i) => m.Layer.Reads.Where(t => members.Take(i).All(b => b.Layer.Output != t))
            );
            return new LayerExplanation
            {
                Name = layer.Name,
                Op = string.Join(" + ", members.Select(m => m.Layer.Operator)),
                Joined = [.. members.Where(m => m != compiled).Select(m => m.Layer.Name)],
                ComputedBy =
                    compiled is { FusedInto: int other, Alternates: false } && passes.Count == 0 ? program.Layers[other].Layer.Name : null,
                AlternatesWith = [.. alternating.Select(n => program.Layers[n].Layer.Name)],
                CountedWith = compiled.Alternates ? program.Layers[alternating[0]].Layer.Name : null,
                Shapes =
                    $"{string.Join(", ", fromOutside.Select(t => network.Tensors[t].Shape))} "
                    + $"to {string.Join(", ", written.Select(t => network.Tensors[t].Shape))}",
                Nests = Nests(),
                RowOperator = RowText(),
                Buffers = [.. Buffers(bytes)],
                Bytes = bytes,
                Commands = indices.Length,
                Cycles = cycles,
                Span =
                    executed.Length == 0 ? (0, 0) : (executed.Min(i => model.Commands[i].Start), executed.Max(i => model.Commands[i].Done)),
                Bounds = bounds,
                Limit = Limiting(bounds),
                ArrayUse =
                    compute == 0
                        ? 0
                        : (double)members.Sum(m => network.LayerMacs(m.Layer, path).Executed) / compute / config.Derived.PeakMacsPerCycle,
            };
        }

        public static Bound Limiting(IReadOnlyList<Bound> bounds)
        {
            Bound most = new[] { 0, 4, 5, 6, 7 }.Select(i => bounds[i]).MaxBy(b => b.Cycles)!;
            return most == bounds[4] ? new Bound(bounds.Skip(1).Take(3).MaxBy(b => b.Cycles)!.Resource, most.Cycles) : most;
        }

        private Command Command(int index) => program.Commands[index];

        private Queue? Queue(int index) => Command(index).Definition.Queue;

        private long Beats(Func<int, bool> which) => indices.Where(which).Sum(i => model.Beats[i]);

        private bool Loads(int index, LoadDestination destination) =>
            Command(index) is var c && c.Is(LoadCommand.Definition) && c.Get(LoadCommand.Destination) == destination;

        private long Read(LoadDestination destination) => Beats(i => Loads(i, destination)) * config.Derived.BeatBytes;

        private long Busy(Queue queue) => indices.Where(i => Queue(i) == queue).Sum(i => model.Busy[i]);

        private IReadOnlyList<Bound> Bounds()
        {
            long Bus(params LoadDestination[] destinations) => Beats(i => destinations.Any(d => Loads(i, d))) * timing.ReadInterval;
            return
            [
                new("compute", Busy(Isa.Queue.Compute)),
                new("weight bandwidth", Bus(LoadDestination.Weight)),
                new("activation bandwidth", Bus(LoadDestination.Input, LoadDestination.Residual)),
                new("parameter bandwidth", Bus(LoadDestination.Parameter, LoadDestination.Command, LoadDestination.Table)),
                new(
                    "read bandwidth",
                    Bus(
                        LoadDestination.Input,
                        LoadDestination.Residual,
                        LoadDestination.Weight,
                        LoadDestination.Parameter,
                        LoadDestination.Command,
                        LoadDestination.Table
                    )
                ),
                // Exchanging pixels and channels takes cycles besides those of the bus.
                new("store bandwidth", Math.Max(Busy(Isa.Queue.Store), Beats(i => Queue(i) == Isa.Queue.Store) * timing.WriteInterval)),
                new("vector unit", indices.Where(i => Queue(i) == Isa.Queue.Vector && !Overlaps(i)).Sum(i => model.Busy[i])),
                new("row operators", indices.Where(i => Command(i).Is(RowCommand.Definition)).Sum(i => model.Busy[i])),
            ];
        }

        private bool Overlaps(int index) => Command(index) is { Definition.Name: "ROW" } c && c[RowCommand.Overlap];

        private List<Pass> Passes()
        {
            var result = new List<Pass>();
            var latest = new Dictionary<long, Pass>();
            Pass? current = null;
            foreach (int i in indices)
            {
                Command c = Command(i);
                if (row.Skips(c))
                    continue;
                if (c.Is(VectorCommand.Definition))
                {
                    var piece = new Piece(c);
                    if (latest.TryGetValue(c[Header.Tag], out current) && current.IsContinuedBy(c))
                        current.Pieces.Add(piece);
                    else
                        result.Add(latest[c[Header.Tag]] = current = new Pass(i, piece));
                }
                else if (c.Is(ComputeCommand.Definition))
                {
                    current!.Pieces[^1].Computes.Add(c);
                }

                if (current is not null && c.Definition.Queue == Isa.Queue.Vector)
                {
                    current.Forwards |= c.Is(RowCommand.Definition) ? c[RowCommand.Forward] : c[VectorCommand.Forward];
                    current.Complete |= c[Header.Signal0] is not null;
                }
            }

            return result;
        }

        // What the parts that follow each other are.
        private (string Name, string Detail) Part =>
            layer switch
            {
                ConcatLayer => ("operand", "operands one after the other"),
                _ when program.Network.Tensors[layer.Input].Shape.Batch > 1 => ("head", "matrices one after the other"),
                _ => ("part", "parts of the channels one after the other"),
            };

        private IReadOnlyList<LoopNest> Nests()
        {
            var nests = new List<(long Product, string? Does, List<LoopLevel> Levels)>();
            for (int i = 0; i < parts.Count; i++)
            {
                // Products that run as one take turns tile by tile.
                IGrouping<long, Pass>[] products = [.. parts[i].GroupBy(p => p.Product)];
                int to =
                    i + 1 < parts.Count ? parts[i + 1][0].Index
                    : compiled.Alternates ? int.MaxValue
                    : compiled.EndCommand;
                for (int k = 0; k < products.Length; k++)
                {
                    string behind = k == 0 ? string.Empty : $", {(k == 1 ? "a tile" : $"{k} tiles")} behind the first";
                    string forwarded = products[k].First().Forwards ? ", its results forwarded into the input buffers" : string.Empty;
                    string? does = products.Length == 1 ? null : $"{Order(k)} product, {Name(products[k].Key)}{behind}{forwarded}";
                    Pass[] captures = [.. products[k].Where(p => p.Captures)];
                    if (captures.Length > 0)
                        nests.Add(
                            (
                                products[k].Key,
                                "denominators of a tile's pixels, before its first output group",
                                Levels(captures, parts[i][0].Index, to, k > 0)
                            )
                        );
                    nests.Add(
                        (
                            products[k].Key,
                            captures.Length > 0 ? "quotients" : does,
                            Levels([.. products[k].Except(captures)], parts[i][0].Index, to, k > 0)
                        )
                    );
                }
            }

            // Parts that do the same are one more loop.
            return
            [
                .. nests
                    .GroupBy(n => (n.Product, n.Does, string.Join(';', n.Levels)))
                    .Select(g => new LoopNest(
                        Name(g.Key.Product),
                        g.Key.Does,
                        [new LoopLevel(Part.Name, g.Count(), false, Part.Detail), .. g.First().Levels]
                    )),
            ];

            static string Order(int k) =>
                k switch
                {
                    0 => "first",
                    1 => "second",
                    2 => "third",
                    _ => $"{k + 1}th",
                };
        }

        private string Name(long tag) => program.Layers[(int)tag].Layer.Name;

        private List<LoopLevel> Levels(Pass[] passes, int from, int to, bool forwarded)
        {
            Command first = passes[0].First.Computes[0];
            Command[] computes = [.. passes.SelectMany(p => p.Computes)];
            bool diagonal = first[ComputeCommand.Diagonal];
            int lanes = config.Array.Lanes,
                width = config.Array.VectorWidth;
            int Distinct<T>(Func<Pass, T> of) => passes.Select(of).Distinct().Count();
            long tilesY = Distinct(p => p.Tile.Item1),
                tilesX = Distinct(p => p.Tile.Item2);
            (int gridRows, int gridColumns) = Grid(from, to);
            long rows = computes.Max(c => c[ComputeCommand.Rows]),
                columns = first[ComputeCommand.Columns],
                pieces = passes.Max(p => p.Pieces.Count);
            long tileRows = passes.Max(p => p.Pieces.Sum(q => q.Computes[0][ComputeCommand.Rows]));
            // Elements that compute more pixels than there are from one to the next.
            bool overlap =
                (tileRows * first[ComputeCommand.StrideRows] > first[ComputeCommand.PeRowStep] && tilesY * gridRows > 1)
                || (columns * first[ComputeCommand.StrideColumns] > first[ComputeCommand.PeColumnStep] && tilesX * gridColumns > 1);
            long groupTiles = passes.Max(p => (long)row.Resolve(p.Vector, Header.B));
            long commandTiles = computes.Max(c => (long)row.Resolve(c, Header.B)),
                vectors = diagonal ? 1 : computes.Max(c => (long)row.Resolve(c, Header.A));
            long commands = passes.Max(p => p.First.Computes.Select(c => c[Header.B.Base]).Distinct().Count());
            long sweeps = passes.Max(p => p.First.Computes.GroupBy(c => c[Header.B.Base]).Max(g => g.Count()));
            string zeroPoint =
                sweeps > passes.Max(p => p.Computes.Select(c => c[Header.A.Base]).Distinct().Count())
                    ? ", first times the zero point of the right operand"
                    : string.Empty;
            string size = overlap
                ? $"{gridRows} x {gridColumns} windows of {tileRows} x {columns} pixels; "
                    + "pixels that neighbouring windows share are computed in each of them, twice or more often"
                : $"{gridRows * tileRows} x {gridColumns * columns} pixels";
            string input = forwarded
                ? "the input is what the product before has forwarded"
                : "the input window stays for all output channels";
            string results =
                passes[0].Captures ? "kept as reciprocals"
                : passes[0].Forwards ? "forwarded into the input buffers"
                : "written to the output buffer, then stored";
            string rowTaps = first[ComputeCommand.RowTaps]
                ? $" times up to {config.Derived.RowTaps} neighbouring taps of a row"
                : string.Empty;
            return
            [
                new("tile", tilesY * tilesX, false, $"{tilesY} x {tilesX} tiles of {size}; {input}"),
                new(
                    "output group",
                    Distinct(p => p.Vector[Header.B.Base]),
                    false,
                    $"{groupTiles} lane tiles = {groupTiles * lanes} channels, {results}"
                ),
                new("phase", Distinct(p => p.Phase), false, "every so many-th output pixel, with weights of its own"),
                new(
                    "piece",
                    pieces,
                    false,
                    $"in pieces of up to {rows} of the {tileRows} rows of each processing element: the accumulators have no more entries"
                ),
                new(
                    "command",
                    commands,
                    false,
                    $"{commandTiles} lane tiles = {commandTiles * lanes} channels, whose weights come with one load"
                ),
                new(
                    "input chunk",
                    sweeps,
                    false,
                    $"{vectors} vectors = {vectors * width} input channels{zeroPoint}; sums stay in the accumulators"
                ),
                new("lane tile", commandTiles, false, $"{lanes} output channels"),
                new("input vector", vectors, false, diagonal ? "the one with the lane tile's own channels" : $"{width} input channels"),
                new(
                    "kernel tap",
                    first[ComputeCommand.KernelRows] * first[ComputeCommand.KernelColumns],
                    false,
                    $"{first[ComputeCommand.KernelRows]} x {first[ComputeCommand.KernelColumns]}{rowTaps}; one weight tile is held"
                ),
                new("pixel", rows * columns, false, $"{rows} x {columns} of each processing element, one per cycle"),
                new(
                    "processing element",
                    gridRows * gridColumns,
                    true,
                    $"{gridRows} x {gridColumns} over the output pixels of a tile; weights are broadcast"
                ),
                new("lane", lanes, true, "over the output channels"),
                new(
                    "vector element",
                    width,
                    true,
                    diagonal ? "over the input channels, of which each lane uses its own" : "over the input channels, added up"
                ),
            ];
        }

        // Elements that hold output: an edge tile uses fewer than the others.
        private (int Rows, int Columns) Grid(int from, int to)
        {
            Command[] stores = [.. indices.Where(i => i >= from && i < to && Queue(i) == Isa.Queue.Store).Select(Command)];
            return ((int)stores.Max(s => s[StoreCommand.PeRows]), (int)stores.Max(s => s[StoreCommand.PesPerRow]));
        }

        private string? RowText()
        {
            int[] rows = [.. indices.Where(i => Command(i).Is(RowCommand.Definition) && !row.Skips(Command(i)))];
            return rows.Length == 0 ? null : string.Join("; then ", rows.GroupBy(i => Command(i)[Header.Tag]).Select(Text));

            string Text(IGrouping<long, int> commands)
            {
                Command first = Command(commands.First());
                RowFunction function = first.Get(RowCommand.Function);
                string also =
                    SecondResult == commands.Key ? "; the tile has been stored before, and is stored once more as a second result"
                    : first[RowCommand.Forward] ? "; its results are forwarded into the input buffers"
                    : string.Empty;
                return $"{commands.Count()} ROW commands ({function}, {Name(commands.Key)}) over up to "
                    + $"{commands.Max(i => row.Resolve(Command(i), Header.B))} lane tiles of {first[RowCommand.Rows]} "
                    + $"x {first[RowCommand.Columns]} pixels in the output buffer, {commands.Sum(i => model.Busy[i]):N0} "
                    + $"cycles{(first[RowCommand.Overlap] ? ", with post-processing beside them" : string.Empty)}{also}";
            }
        }

        // Tag of a second result: the last of several that are stored.
        private long? SecondResult =>
            indices
                .Select(Command)
                .Where(c => c.Definition.Queue == Isa.Queue.Store && !row.Skips(c))
                .Select(c => c[Header.Tag])
                .Distinct()
                .ToList()
                is { Count: > 1 } stored
                ? stored[^1]
                : null;

        // Words of the input buffer that a tile can have.
        private long InputSlotWords()
        {
            long half = config.Derived.InputWords / 2;
            if (alternating.Length == 0)
                return parts.Max(p => p.Select(q => q.Product).Distinct().Count()) == 2 ? half / 2 : half;
            // Two slots of the layer that reads come first, then two of those that it reads.
            int reader = compiled.Alternates ? alternating[0] : Array.IndexOf([.. program.Layers], compiled);
            long readers =
                Enumerable
                    .Range(0, program.Layers.Count)
                    .Where(n => program.Layers[n].Alternates && program.Layers[n].FusedInto == reader)
                    .SelectMany(program.CommandsOf)
                    .Where(i => Loads(i, LoadDestination.Input) && Command(i)[Header.A.Count] > 0)
                    .Min(i => Command(i)[LoadCommand.LocalBase]) / 2;
            return compiled.Alternates ? half - readers : readers;
        }

        private IEnumerable<BufferUse> Buffers(Traffic bytes)
        {
            if (passes.Count == 0)
                yield break;
            DerivedConfig d = config.Derived;
            Command[] computes = [.. passes.SelectMany(p => p.Computes)];
            IGrouping<long, Pass>[] products = [.. passes.GroupBy(p => p.Product)];
            string all = parts.Count > 1 ? $"the {Part.Name}" : "the layer";
            int tiles = passes.Select(p => p.Tile).Distinct().Count();
            // What is forwarded lies behind the input.
            long input = products.Sum(g =>
                g.Max(p =>
                    p.First.Computes[0][ComputeCommand.BlockWords]
                    * (
                        p.First.Computes[0][ComputeCommand.Diagonal]
                            ? 1 + p.Computes.Max(c => (c[Header.B.Base] + row.Resolve(c, Header.B) - 1) / d.LaneSegments)
                            : p.Computes.Max(c => c[Header.A.Base] + row.Resolve(c, Header.A))
                    )
                )
            );
            yield return new(
                products.Length > 1 ? "input and what is forwarded, per PE" : "input, per PE",
                input * d.WordBytes,
                InputSlotWords() * d.WordBytes,
                Again(LoadDestination.Input),
                tiles > 1 ? "a tile; the next one is loaded meanwhile" : all
            );
            double weightLoads = Again(LoadDestination.Weight);
            string weights =
                weightLoads > 1
                    ? computes.Any(c => c[ComputeCommand.WeightScalar])
                        ? "an output group; they come again for the next"
                        : "a command; they come again for each tile"
                    : tiles > 1
                        ? $"{all}, for all tiles"
                        : "a command";
            yield return new(
                "weights, shared",
                Math.Min(Once(LoadDestination.Weight), (long)d.WeightTiles * d.WeightTileBytes),
                (long)d.WeightTiles * d.WeightTileBytes,
                weightLoads,
                weights
            );
            yield return new(
                "accumulators, per PE",
                computes.Max(c => c[ComputeCommand.Rows] * c[ComputeCommand.Columns]) * config.Array.Lanes * 4,
                (long)config.Buffers.AccumulatorEntries * config.Array.Lanes * 4,
                0,
                "a lane tile, over all input channels and taps"
            );
            Pass[] scores = [.. passes.Where(p => p.Forwards && !p.Vector[VectorCommand.Forward])],
                results = [.. passes.Where(p => !p.Forwards)];
            long OutputBytes(Pass[] of) =>
                of.Max(p => p.Vector[VectorCommand.BlockWords] * ((row.Resolve(p.Vector, Header.B) + d.LaneSegments - 1) / d.LaneSegments))
                * d.WordBytes;
            long half = d.OutputWords / 2 * d.WordBytes;
            if (scores.Length > 0)
                yield return new(
                    "output for the row operator, per PE",
                    OutputBytes(scores),
                    scores.Select(p => p.Vector[VectorCommand.OutputBase]).Distinct().Count() > 1 ? half / 2 : half,
                    0,
                    "a tile, until the row operator has forwarded it"
                );
            yield return new(
                "output, per PE",
                OutputBytes(results),
                SecondResult is null ? half : half / 2,
                0,
                SecondResult is not null ? "a tile, until it is stored for the second time; the next ones are computed meanwhile"
                    : scores.Length > 0 ? "a tile, until it is stored"
                    : "an output group; the next one is computed while it is stored"
            );
            (int parameterLoads, long parameters) = Parameters(products);
            int groups = passes.Count(p => !p.Captures && p.Phase == passes[0].Phase);
            yield return new(
                "bias and scale, shared",
                parameters,
                config.Buffers.ParameterEntries / 2 * d.ParameterTileBytes,
                Again(LoadDestination.Parameter),
                (tiles == 1 && products.Length > 1) || parameterLoads < groups ? all : "an output group"
            );
            Pass[] added = [.. passes.Where(p => p.Vector[VectorCommand.ResidualEnable] || p.Vector[VectorCommand.Multiply])];
            if (bytes.Residual > 0)
                yield return new(
                    "residual, per PE",
                    added.Max(p =>
                        p.Vector[VectorCommand.ResidualBlockWords] == 0
                            ? p.Vector[VectorCommand.BlockWords]
                            : p.Vector[VectorCommand.ResidualBlockWords]
                                * ((row.Resolve(p.Vector, Header.B) + d.LaneSegments - 1) / d.LaneSegments)
                    ) * d.WordBytes,
                    d.ResidualWords / 2 * d.WordBytes,
                    Again(LoadDestination.Residual),
                    "an output group"
                );
        }

        // How often a slot of bias and scale is loaded, and bytes of the fullest: a token follows the last load.
        private (int Loads, long Bytes) Parameters(IGrouping<long, Pass>[] products)
        {
            int loads = 0;
            long beats = 0,
                most = 0;
            foreach (
                int i in indices.Where(i => (Loads(i, LoadDestination.Parameter) || Loads(i, LoadDestination.Table)) && model.Beats[i] > 0)
            )
            {
                beats += Loads(i, LoadDestination.Parameter) ? model.Beats[i] : 0;
                most = Math.Max(most, beats);
                if (Command(i)[Header.Signal0] is null)
                    continue;
                loads += products.Any(p => p.Key == Command(i)[Header.Tag]) ? 1 : 0;
                beats = 0;
            }

            return (loads, most * config.Derived.BeatBytes);
        }

        // Bytes behind different addresses: the same data come again under the same address.
        private long Once(LoadDestination destination) =>
            indices
                .Where(i => Loads(i, destination) && model.Beats[i] > 0)
                .DistinctBy(i => (Command(i)[LoadCommand.Address], Command(i)[Header.B.Base], Command(i)[Header.A.Base]))
                .Sum(i => model.Beats[i]) * config.Derived.BeatBytes;

        private double Again(LoadDestination destination)
        {
            // Windows of neighbouring tiles overlap: against the operand's own size.
            QuantizedLayer first = members[0].Layer;
            long once = destination switch
            {
                LoadDestination.Input => first switch
                {
                    ConcatLayer c => c.Inputs.Sum(Bytes),
                    _ => Bytes(first.Input),
                },
                LoadDestination.Residual => members
                    .Select(m => m.Layer)
                    .Sum(l =>
                        l is MultiplyLayer m ? Bytes(m.Right)
                        : l.Residual is { } r ? Bytes(r.Tensor)
                        : 0
                    ),
                _ => Once(destination),
            };
            return once == 0 ? 0 : (double)Read(destination) / once;
        }

        private long Bytes(int tensor) => program.Tensors[tensor].Bytes;
    }
}
