using AccelGen.Config;
using AccelGen.Isa;

namespace AccelGen.Compiler;

/// <summary>
/// Layers whose results are read strip by strip while the next strip is computed: the commands of a consumer and of its
/// producers alternate, so that the stores of the one and the array's work for the other take place at the same time.
/// Results go through memory. A strip is what one tile of the consumer reads first; it is computed two tiles ahead.
/// </summary>
internal sealed partial class LayerEmitter
{
    // The consumer loads its bias and scale once: the others' parameters come and go meanwhile.
    private const int KeptParameterSlot = 1;

    // Tiles between a strip and the tile that reads it: the tile's input is loaded while the one before is computed.
    private const int StripLead = 2;

    /// <summary>Appends a consumer and its producers.</summary>
    /// <param name="consumer">Layer that reads all producers' outputs through its input.</param>
    /// <param name="t">Tiling of the consumer, legal with input slots smaller by <paramref name="stripWords"/>.</param>
    /// <param name="producers">Producers in program order, with tilings whose inputs fit <paramref name="stripWords"/>.</param>
    /// <param name="stripWords">Words of an input slot of the producers.</param>
    public void EmitStrips(LayerJob consumer, Tiling t, IReadOnlyList<(LayerJob Job, Tiling Tiling)> producers, int stripWords)
    {
        int consumerWords = slots.InputWords - stripWords,
            stripUse = 0;
        List<(int Producer, int Tile)>[] batches = Batches(consumer, t, producers);
        for (; writtenPending > 0; writtenPending--)
            Commands.Add(Empty(LoadCommand.Definition, consumer, Semaphore.Written, null));
        // The input buffers are divided in another way from here on, and a parameter slot is the consumer's.
        Take(Semaphore.InputFree, ref inputUse, 2);
        Take(Semaphore.ParameterFree, ref parameterUse, slots.ParameterSlots);
        parameterSlots = slots.ParameterSlots - 1;
        int residualStart = residualUse;
        var runs = new IEnumerator<int>[producers.Count];
        int[][] inputBases = new int[producers.Count][];
        for (int p = 0; p < producers.Count; p++)
        {
            int[] bases = inputBases[p] = new int[TileCount(producers[p].Job, producers[p].Tiling)];
            runs[p] = Steps(producers[p].Job, producers[p].Tiling, new Placement { Produces = true, InputBase = tile => bases[tile] })
                .GetEnumerator();
        }

        // Neighbouring taps are read from one half of the buffers: no slot lies across the two.
        var place = new Placement { InputBase = slot => slot * slots.InputWords };

        // The first strips have nothing to be hidden behind.
        for (int batch = 0; batch < Math.Min(StripLead, batches.Length); batch++)
        {
            foreach (Action group in Groups(batch))
                group();
        }

        int current = -1,
            done = 0,
            all = 0,
            steps = StepsPerTile(consumer, t);
        Queue<Action> groups = [];
        foreach (int tile in Steps(consumer, t, place))
        {
            if (tile != current)
            {
                (current, done) = (tile, 0);
                groups = new Queue<Action>(tile + StripLead < batches.Length ? Groups(tile + StripLead) : []);
                all = groups.Count;
            }

            done++;
            while (groups.Count > 0 && all - groups.Count < Geometry.Ceil(done * all, steps))
                groups.Dequeue()();
        }

        foreach (IEnumerator<int> run in runs)
        {
            if (run.MoveNext())
                throw new InvalidOperationException("a producer has steps left");
            run.Dispose();
        }

        Take(Semaphore.StripInputFree, ref stripUse, 2);
        Take(Semaphore.InputFree, ref inputUse, 2);
        Take(Semaphore.ParameterFree, ref parameterUse, parameterSlots);
        parameterSlots = slots.ParameterSlots;
        int residuals = consumer.Residual is null ? 0 : residualUse - residualStart;
        Take(Semaphore.ResidualFree, ref residuals, 2);

        // The output groups of a batch, one by one.
        List<Action> Groups(int batch)
        {
            var result = new List<Action>();
            foreach ((int producer, int tile) in batches[batch])
            {
                for (int group = 0; group < StepsPerTile(producers[producer].Job, producers[producer].Tiling); group++)
                {
                    bool first = group == 0;
                    result.Add(() =>
                    {
                        if (first)
                            LoadTile(producer, tile);
                        runs[producer].MoveNext();
                    });
                }
            }

            if (result.Count > 0)
            {
                Action last = result[^1];
                result[^1] = () =>
                {
                    last();
                    Commands.FindLast(c => c.Definition.Queue == Queue.Store)![Header.Signal1] = Token(Semaphore.StripWritten);
                    place.Strips.Add(batch);
                };
            }

            return result;
        }

        void LoadTile(int producer, int tile)
        {
            (LayerJob job, Tiling tiling) = producers[producer];
            Geometry g = Geometry.Of(config, job, tiling);
            (int y0, int x0) = TileOrigin(g, tiling, tile);
            int localBase = inputBases[producer][tile] = (stripUse % 2 * slots.InputWords) + consumerWords;
            Command load = InputLoad(job, tiling, g, y0, x0, localBase, 0, g.Vectors);
            Wait(load, stripUse >= 2 ? Semaphore.StripInputFree : null);
            Commands.Add(load);
            stripUse++;
        }

        void Take(Semaphore semaphore, ref int uses, int most)
        {
            for (int k = Math.Min(most, uses); k > 0; k--)
                Commands.Add(Empty(LoadCommand.Definition, consumer, semaphore, null));
            uses = 0;
        }
    }

    // For each tile of the consumer: the producers' tiles that it reads and no tile before it.
    private List<(int Producer, int Tile)>[] Batches(LayerJob consumer, Tiling t, IReadOnlyList<(LayerJob Job, Tiling Tiling)> producers)
    {
        Geometry g = Geometry.Of(config, consumer, t);
        int tiles = TileCount(consumer, t);
        var result = new List<(int, int)>[tiles];
        int[] next = new int[producers.Count];
        int read = 0;
        for (int tile = 0; tile < tiles; tile++)
        {
            result[tile] = [];
            (int y0, int x0) = TileOrigin(g, t, tile);
            (_, int yTo, _, int xTo) = InputSpan(consumer, t, g, y0, x0);
            read = Math.Max(read, ((yTo - 1) * consumer.Input.RowWords) + xTo);
            for (int p = 0; p < producers.Count; p++)
            {
                (LayerJob job, Tiling tiling) = producers[p];
                Geometry own = Geometry.Of(config, job, tiling);
                // What nobody reads is computed with the last tile.
                while (next[p] < TileCount(job, tiling) && (tile == tiles - 1 || FirstWord(job, TileOrigin(own, tiling, next[p])) < read))
                    result[tile].Add((p, next[p]++));
            }
        }

        return result;

        int FirstWord(LayerJob job, (int Y, int X) origin) =>
            (origin.Y * job.Up.Rows * job.Output.RowWords) + (origin.X * job.Up.Columns / config.Derived.VectorsPerWord);
    }

    /// <summary>Words of an output plane from the first to the last that a tile of a layer writes.</summary>
    internal static int StripOf(AcceleratorConfig config, LayerJob job, Tiling t)
    {
        int rows = Math.Min(t.PeRows * t.Rows * job.Up.Rows, job.Output.Shape.Height);
        int words = Math.Min(t.PeColumns * t.Columns * job.Up.Columns / config.Derived.VectorsPerWord, job.Output.RowWords);
        return ((rows - 1) * job.Output.RowWords) + words;
    }

    private int StepsPerTile(LayerJob job, Tiling t) => Geometry.Ceil(Geometry.Of(config, job, t).LaneTiles, t.GroupTiles);

    private int TileCount(LayerJob job, Tiling t)
    {
        Geometry g = Geometry.Of(config, job, t);
        return Geometry.Ceil(g.Height, t.PeRows * t.Rows) * Geometry.Ceil(g.Width, t.PeColumns * t.Columns);
    }

    private static (int Y, int X) TileOrigin(Geometry g, Tiling t, int tile)
    {
        int tilesX = Geometry.Ceil(g.Width, t.PeColumns * t.Columns);
        return (tile / tilesX * t.PeRows * t.Rows, tile % tilesX * t.PeColumns * t.Columns);
    }

    // How a layer runs whose commands alternate with those of others.
    private sealed class Placement
    {
        /// <summary>Its input is loaded by others, before its weights; others wait for its stores.</summary>
        public bool Produces { get; init; }

        /// <summary>First word of the input of a tile (of a producer) or of an input slot (of a consumer).</summary>
        public required Func<int, int> InputBase { get; init; }

        /// <summary>Consumers: tiles whose first load waits for a strip.</summary>
        public HashSet<int> Strips { get; } = [];
    }
}
