using AccelGen.Isa;

namespace AccelGen.Compiler;

/// <summary>
/// Attention of one head, scores kept in the processing elements: for each tile of queries the scores are computed, the
/// row operator turns them into probabilities and forwards them into the input buffers, where the second product reads
/// them. The second product of a tile comes after the scores of the next one, so that the array works while the row
/// operator does.
/// </summary>
internal sealed partial class LayerEmitter
{
    // Of the two halves of the output buffer one holds scores, the other what is stored.
    private const int ScoreSlot = 0, ResultSlot = 1;

    private void EmitAttention(LayerJob first, LayerJob second, Tiling t)
    {
        Geometry g1 = Geometry.Of(config, first, t), g2 = Geometry.Of(config, second, t);
        int r = config.Derived.VectorsPerWord, width = t.PeColumns * t.Columns, tiles = Geometry.Ceil(g1.Width, width);
        int plane = g1.WindowWords; // one row of pixels
        var products1 = new Products(this, first, g1);
        var products2 = new Products(this, second, g2);
        // Small right operands are loaded once for all tiles.
        bool stay = tiles > 1 && products1.Slots + products2.Slots < slots.WeightSlots;
        int written = first.Batch > 0 ? 0 : writtenPending;
        if (first.Batch == 0)
            writtenPending = 0;

        // All stores before have left the output buffer.
        for (int use = Math.Max(0, outputUse - 2); use < outputUse; use++)
            Commands.Add(Empty("VECTOR", first, Semaphore.OutputFree, null));
        outputUse = 0;
        for (; written > 0; written--)
            Commands.Add(Empty("LOAD", first, Semaphore.Written, null));

        // Queries lie in quarters of the input buffer, in the halves by turns: results are forwarded into the one half while
        // the next queries are loaded into the other.
        int start = inputUse;
        int Base(int tile) => ((start + tile) % 2 * slots.InputWords) + (tile / 2 % 2 * (slots.InputWords / 2));
        LoadQueries(0);
        int parameters1 = LoadParameters(first, first.ParameterAddress, 0, 1, table: false);
        int parameters2 = LoadParameters(second, second.ParameterAddress, 0, 1, table: false);
        for (int tile = 0; tile <= tiles; tile++)
        {
            if (tile + 1 < tiles)
                LoadQueries(tile + 1);
            if (tile < tiles)
                Scores(tile);
            if (tile > 0)
                Results(tile - 1);
        }

        // As after any layer: the last two uses of the input buffer have yet to be taken back, none of the output buffer.
        inputUse = start + tiles;
        for (int k = Math.Max(0, tiles - 4); k < tiles - 2; k++)
            Commands.Add(Empty("LOAD", first, Semaphore.InputFree, null));
        Commands.Add(Empty("VECTOR", first, Semaphore.OutputFree, null));
        writtenPending += 1;

        void LoadQueries(int tile)
        {
            int x0 = tile * width, used = Math.Min(t.PeColumns, Geometry.Ceil(g1.Width - x0, t.Columns));
            int xFrom = x0 / r, xTo = Math.Min(first.Input.RowWords, xFrom + (used * plane));
            Command load = New("LOAD", first);
            Extent(load, 'A', null, 0, 0, g1.Vectors);
            Extent(load, 'B', null, 0, 0, 1);
            Wait(load, (tile < 2 ? start + tile >= 2 : tile >= 4) ? Semaphore.InputFree : null);
            load["Signal0"] = Token(Semaphore.InputReady);
            load["Destination"] = 0;
            Scatter(load, t.PeColumns, Base(tile), first.Input, first.Batch, 0, 0, 1, xFrom, xTo, 0, 0, 1, plane, 1, plane);
            Commands.Add(load);
        }

        void Scores(int tile)
        {
            Command vector = NewVector(first, t, g1, 0, ScoreSlot * slots.OutputWords, parameters1);
            Extent(vector, 'B', null, 1, 0, g1.LaneTiles);
            Wait(vector, tile == 0 ? Semaphore.ParameterReady : null);
            products1.Emit(t, tile, tiles, stay, tile * width, Base(tile), Semaphore.InputReady, null, () => Commands.Add(vector));
            Command row = NewRow(first, first.Row!, t, g1, ScoreSlot * slots.OutputWords, parameters1, g1.LaneTiles);
            row["Forward"] = 1;
            row["ForwardBase"] = Base(tile) + (g1.Vectors * plane);
            row["Signal0"] = Token(Semaphore.Forwarded);
            row["Signal1"] = tile == tiles - 1 ? Token(Semaphore.ParameterFree) : 0;
            Commands.Add(row);
        }

        void Results(int tile)
        {
            int outputBase = ResultSlot * slots.OutputWords;
            Command vector = NewVector(second, t, g2, 0, outputBase, parameters2);
            Extent(vector, 'B', null, 1, 0, g2.LaneTiles);
            Wait(vector, tile == 0 ? Semaphore.ParameterReady : null, tile > 0 ? Semaphore.OutputFree : null);
            vector["Signal0"] = Token(Semaphore.OutputReady);
            vector["Signal1"] = tile == tiles - 1 ? Token(Semaphore.ParameterFree) : 0;
            products2.Emit(t, tile, tiles, stay, tile * width, Base(tile) + (g1.Vectors * plane), Semaphore.Forwarded, Semaphore.InputFree, () => Commands.Add(vector));
            List<Command> stores = [.. Stores(second, t, g2, 0, tile * width, 0, g2.LaneTiles, outputBase)];
            Wait(stores[0], Semaphore.OutputReady);
            stores[^1]["Signal0"] = Token(Semaphore.OutputFree);
            stores[^1]["Signal1"] = tile == tiles - 1 ? Token(Semaphore.Written) : 0;
            Commands.AddRange(stores);
        }
    }

    // The commands of one product over a tile: its right operand in as many COMPUTE commands as its weight slots ask for.
    private sealed class Products(LayerEmitter emitter, LayerJob job, Geometry g)
    {
        private readonly int chunkVectors = Math.Min(g.Vectors, emitter.slots.CommandTiles);
        private int stayingBase = -1;

        private int LaneTilesPerCommand => chunkVectors < g.Vectors ? 1 : Math.Min(g.LaneTiles, Math.Max(1, emitter.slots.CommandTiles / g.Vectors));

        /// <summary>Weight slots that the whole right operand takes.</summary>
        public int Slots => Geometry.Ceil(g.LaneTiles * g.Vectors, emitter.slots.WeightTiles);

        public void Emit(Tiling t, int tile, int tiles, bool stay, int x0, int inputBase, Semaphore ready, Semaphore? free, Action emitVector)
        {
            int chunks = Geometry.Ceil(g.Vectors, chunkVectors);
            bool first = true;
            for (int laneTile = 0; laneTile < g.LaneTiles; laneTile += LaneTilesPerCommand)
            {
                int laneTiles = Math.Min(LaneTilesPerCommand, g.LaneTiles - laneTile);
                for (int chunk = 0; chunk < chunks; chunk++)
                {
                    int vectorsFrom = chunk * chunkVectors, vectors = Math.Min(chunkVectors, g.Vectors - vectorsFrom);
                    bool last = laneTile + laneTiles == g.LaneTiles && chunk == chunks - 1, load = !stay || tile == 0;
                    int weightBase, waits = 0, freed = stay ? Slots : Geometry.Ceil(laneTiles * vectors, emitter.slots.WeightTiles);
                    if (!stay)
                    {
                        (weightBase, waits) = emitter.ReserveWeights(job, freed);
                    }
                    else
                    {
                        if (stayingBase < 0)
                            (stayingBase, waits) = emitter.ReserveWeights(job, Slots);
                        weightBase = stayingBase + (laneTile * g.Vectors) + vectorsFrom;
                    }

                    if (load)
                        Load(laneTile, laneTiles, vectorsFrom, vectors, weightBase, waits);
                    if (first)
                        emitVector();
                    Command compute = emitter.NewCompute(job, t with { ChunkVectors = chunkVectors }, g, chunk, chunks, laneTile, laneTiles, 0, 0, x0, inputBase, weightBase);
                    Wait(compute, load ? Semaphore.WeightReady : null, first ? ready : null);
                    bool frees = !stay || (tile == tiles - 1 && last);
                    compute["Signal0"] = frees ? Token(Semaphore.WeightFree) : 0;
                    compute["Signal1"] = last && free is Semaphore f ? Token(f) : 0;
                    emitter.Commands.Add(compute);
                    for (int k = 1; frees && k < freed; k++)
                        emitter.Commands.Add(Empty("COMPUTE", job, null, Semaphore.WeightFree));
                    first = false;
                }
            }
        }

        private void Load(int laneTile, int laneTiles, int vectorsFrom, int vectors, int weightBase, int waits)
        {
            for (; waits > 1; waits--)
                emitter.Commands.Add(Empty("LOAD", job, Semaphore.WeightFree, null));
            TensorLayout right = job.RightOperand!;
            int tileBytes = emitter.config.Derived.WeightTileBytes;
            Command load = New("LOAD", job);
            Extent(load, 'A', null, 0, vectorsFrom, vectors);
            Extent(load, 'B', null, 1, laneTile, laneTiles);
            Wait(load, waits > 0 ? Semaphore.WeightFree : null);
            load["Signal0"] = Token(Semaphore.WeightReady);
            load["Destination"] = 2;
            load["LocalBase"] = weightBase;
            load["Rows"] = 1;
            load["Address"] = right.Address + (job.Batch * right.BatchBytes) + (vectorsFrom * right.PlaneBytes) + ((long)laneTile * tileBytes);
            load["SegmentBeats"] = emitter.config.Derived.BeatsPerWeightTile;
            load["StrideA"] = right.PlaneBytes;
            load["StrideB"] = tileBytes;
            emitter.Commands.Add(load);
        }
    }
}
