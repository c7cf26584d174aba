using AccelGen.Isa;

namespace AccelGen.Compiler;

/// <summary>
/// Two products of which the second reads the results of the first at the same pixels: they are forwarded into the input
/// buffers and never go to memory. Attention is one (scores, softmax, values), a depthwise convolution with the 1x1
/// convolution behind it another. The second product of a tile comes after the first of the next tile, so that the array
/// works while a row operator does. Softmax lets post-processing go on beside it.
/// </summary>
internal sealed partial class LayerEmitter
{
    // With a row operator one half of the output buffer holds its tile, the other what is stored.
    private const int RowSlot = 0,
        ResultSlot = 1;

    private void EmitChain(LayerJob first, LayerJob second, Tiling t)
    {
        Geometry g1 = Geometry.Of(config, first, t),
            g2 = Geometry.Of(config, second, t);
        int tiles = TileCount(first, t);
        int forwarded = g1.Vectors * g1.WindowRows * g1.WindowWords; // where the forwarded tile begins
        var products1 = new Products(this, first, g1);
        var products2 = new Products(this, second, g2);
        SecondResult? also = second.SecondResult is null ? null : new SecondResult(this, second, t, g2, tiles, oneSlot: true);
        // Small weights and right operands are loaded once for all tiles.
        bool stay = tiles > 1 && products1.Slots + products2.Slots < slots.WeightSlots;
        int written = first.Batch > 0 ? 0 : writtenPending;
        if (first.Batch == 0)
            writtenPending = 0;
        // A softmax runs beside post-processing. Where two tiles of scores fit their slot, the scores of the next tile are
        // written meanwhile: a ROW waits for the one before, so that VECTOR finds the half free that it wrote two tiles ago.
        bool overlap = first.Row?.Function == RowFunction.Softmax && first.TableAddress is null;
        int scoreWords = Geometry.Ceil(g1.LaneTiles, config.Derived.LaneSegments) * t.Rows * g1.RowWords;
        bool ahead = overlap && 2 * scoreWords <= slots.OutputWords;
        int ScoreBase(int tile) => (RowSlot * slots.OutputWords) + (ahead ? tile % 2 * scoreWords : 0);
        if (first.Row is not null)
        {
            // All stores before have left the output buffer.
            for (int use = Math.Max(0, outputUse - 2); use < outputUse; use++)
                Commands.Add(Empty(VectorCommand.Definition, first, Semaphore.OutputFree, null));
            outputUse = 0;
        }

        for (; written > 0; written--)
            Commands.Add(Empty(LoadCommand.Definition, first, Semaphore.Written, null));

        // Inputs lie in quarters of the input buffer, in the halves by turns: results are forwarded into the one half while
        // the next input is loaded into the other.
        int start = inputUse,
            residualStart = residualUse;
        int Base(int tile) => ((start + tile) % 2 * slots.InputWords) + (tile / 2 % 2 * (slots.InputWords / 2));
        (int Y, int X) Origin(int tile) => TileOrigin(g1, t, tile);
        LoadInput(0);
        int parameters1 = LoadParameters(first, first.ParameterAddress, 0, first.ParameterShared ? 1 : g1.LaneTiles, table: true);
        int parameters2 =
            also?.LoadParameters()
            ?? LoadParameters(second, second.ParameterAddress, 0, second.ParameterShared ? 1 : g2.LaneTiles, table: true);
        if (tiles > 1)
            LoadInput(1);
        for (int tile = 0; tile <= tiles; tile++)
        {
            if (ahead && tile < tiles)
                First(tile);
            // The half of the input buffer into which the tile before was forwarded can be loaded into again.
            if (tile > 0)
                Commands.Add(Empty(ComputeCommand.Definition, first, Semaphore.Forwarded, tile + 1 < tiles ? Semaphore.HalfFree : null));
            if (!ahead && tile > 0 && tile + 1 < tiles)
                LoadInput(tile + 1);
            if (!ahead && tile < tiles)
                First(tile);
            if (tile > 0)
                Second(tile - 1);
            // The load waits for the row operator: it must not hold up the weights of the second product.
            if (ahead && tile > 0 && tile + 1 < tiles)
                LoadInput(tile + 1);
        }

        also?.End();
        // As after any layer: the last two uses of the input buffer have yet to be taken back.
        inputUse = start + tiles;
        for (int k = Math.Max(0, tiles - 4); k < tiles - 2; k++)
            Commands.Add(Empty(LoadCommand.Definition, first, Semaphore.InputFree, null));
        if (first.Row is not null)
            Commands.Add(Empty(VectorCommand.Definition, first, Semaphore.OutputFree, null));
        writtenPending += 1;

        void LoadInput(int tile)
        {
            (int y0, int x0) = Origin(tile);
            Command load = InputLoad(first, t, g1, y0, x0, Base(tile), 0, g1.Vectors);
            Wait(load, (tile < 2 ? start + tile >= 2 : tile >= 4) ? Semaphore.InputFree : null, tile >= 2 ? Semaphore.HalfFree : null);
            load[Header.Signal0] = Token(Semaphore.InputReady);
            Commands.Add(load);
        }

        void First(int tile)
        {
            (int y0, int x0) = Origin(tile);
            int forwardBase = Base(tile) + forwarded;
            Command vector = NewVector(first, t, g1, 0, first.Row is null ? forwardBase : ScoreBase(tile), parameters1);
            OutputExtent(vector, Header.B, first, ExtentUnit.LaneTiles, 0, g1.LaneTiles);
            if (first.Residual is not null)
                AddResidual(first, g1, y0, x0, vector);
            Wait(vector, tile == 0 ? Semaphore.ParameterReady : null, first.Residual is null ? null : Semaphore.ResidualReady);
            Command last = vector;
            if (first.Row is not null)
            {
                last = NewRow(first, first.Row, t, g1, ScoreBase(tile), parameters1, g1.LaneTiles);
                last[RowCommand.Overlap] = overlap;
                last[RowCommand.ForwardBase] = forwardBase;
            }

            last[first.Row is null ? VectorCommand.Forward : RowCommand.Forward] = true;
            last[Header.Signal0] = Token(Semaphore.Forwarded);
            last[Header.Signal1] = tile == tiles - 1 ? Token(Semaphore.ParameterFree) : null;
            if (first.Residual is not null && tile + 2 < tiles)
                vector[Header.Signal1] = Token(Semaphore.ResidualFree);
            products1.Emit(
                t,
                (y0, x0),
                stay,
                tile == 0,
                tile == tiles - 1,
                Base(tile),
                Semaphore.InputReady,
                null,
                () => Commands.Add(vector)
            );
            if (first.Row is not null)
                Commands.Add(last);
        }

        // Of the two products at most one adds something. Nothing else tells that a slot has been read: the parameters stay.
        void AddResidual(LayerJob job, Geometry g, int y0, int x0, Command vector)
        {
            int slot = residualUse % 2;
            LoadResidual(job, t, g, y0, x0, 0, g.LaneTiles, slot, residualUse - residualStart >= 2 ? Semaphore.ResidualFree : null, null);
            vector[VectorCommand.ResidualBase] = slot * slots.ResidualWords;
            residualUse++;
        }

        void Second(int tile)
        {
            (int y0, int x0) = Origin(tile);
            int outputBase = also?.OutputBase(tile) ?? ((first.Row is null ? outputUse % 2 : ResultSlot) * slots.OutputWords);
            Command vector = NewVector(second, t, g2, 0, outputBase, parameters2);
            OutputExtent(vector, Header.B, second, ExtentUnit.LaneTiles, 0, g2.LaneTiles);
            bool outputTaken = also?.VectorTakesOutput(tile) ?? (first.Row is null ? outputUse >= 2 : tile > 0);
            if (second.Residual is not null)
                AddResidual(second, g2, y0, x0, vector);
            Wait(
                vector,
                tile == 0 ? Semaphore.ParameterReady : null,
                second.Residual is null ? null : Semaphore.ResidualReady,
                outputTaken ? Semaphore.OutputFree : null
            );
            vector[Header.Signal0] = Token(Semaphore.OutputReady);
            vector[Header.Signal1] =
                tile == tiles - 1 ? Token(Semaphore.ParameterFree)
                : second.Residual is not null && tile + 2 < tiles ? Token(Semaphore.ResidualFree)
                : null;
            also?.SignalVector(vector, tile);
            products2.Emit(
                t,
                (y0, x0),
                stay,
                tile == 0,
                tile == tiles - 1,
                Base(tile) + forwarded,
                null,
                Semaphore.InputFree,
                () => Commands.Add(vector)
            );
            if (also is not null)
            {
                also.Emit(tile, y0, x0, outputBase);
                outputUse++;
                return;
            }

            AddStores(second, t, g2, y0, x0, 0, g2.LaneTiles, outputBase, tile == tiles - 1);
            if (first.Row is null)
                outputUse++;
        }
    }

    // The commands of one product over a tile: its weights or right operand in as many COMPUTE commands as they need.
    private sealed class Products(LayerEmitter emitter, LayerJob job, Geometry g)
    {
        private readonly int taps = job.WeightPerTap ? job.Kernel.Rows * job.Kernel.Columns : 1;
        private readonly int reduction = job.Depthwise ? 1 : g.Vectors;
        private int stayingBase = -1;
        private bool kept;

        // Input vectors of one command; all of them where their weights fit.
        private int ChunkVectors => Math.Max(1, Math.Min(reduction, emitter.slots.CommandTiles / taps));

        private int LaneTilesPerCommand
        {
            get
            {
                if (ChunkVectors < reduction)
                    return 1;
                int segments = job.Depthwise ? emitter.config.Derived.LaneSegments : 1;
                return Math.Min(
                    Geometry.Ceil(g.LaneTiles, segments) * segments,
                    Math.Max(1, emitter.slots.CommandTiles / (reduction * taps) / segments) * segments
                );
            }
        }

        /// <summary>Tiles of all weights.</summary>
        public int Tiles => g.LaneTiles * reduction * taps;

        /// <summary>Weight slots that all weights take.</summary>
        public int Slots => Geometry.Ceil(Tiles, emitter.slots.WeightTiles);

        /// <summary>All weights stay at a place that is reserved, and given back, by others.</summary>
        public void Keep(int weightBase) => (stayingBase, kept) = (weightBase, true);

        public void Emit(
            Tiling t,
            (int Y, int X) origin,
            bool stay,
            bool firstTile,
            bool lastTile,
            int inputBase,
            Semaphore? ready,
            Semaphore? free,
            Action emitVector,
            Action<Command>? adjust = null
        )
        {
            int chunkVectors = ChunkVectors,
                chunks = Geometry.Ceil(reduction, chunkVectors),
                step = LaneTilesPerCommand;
            bool first = true;
            for (int laneTile = 0; laneTile < g.LaneTiles; laneTile += step)
            {
                int laneTiles = Math.Min(step, g.LaneTiles - laneTile);
                for (int chunk = 0; chunk < chunks; chunk++)
                {
                    int vectorsFrom = chunk * chunkVectors,
                        vectors = Math.Min(chunkVectors, reduction - vectorsFrom);
                    bool last = laneTile + laneTiles == g.LaneTiles && chunk == chunks - 1,
                        load = !stay || firstTile;
                    int weightBase,
                        waits = 0,
                        freed = stay ? Slots : Geometry.Ceil(laneTiles * vectors * taps, emitter.slots.WeightTiles);
                    if (!stay)
                    {
                        (weightBase, waits) = emitter.ReserveWeights(job, freed);
                    }
                    else
                    {
                        if (stayingBase < 0)
                            (stayingBase, waits) = emitter.ReserveWeights(job, Slots);
                        weightBase = stayingBase + (((laneTile * reduction) + vectorsFrom) * taps);
                    }

                    if (load)
                        Load(laneTile, laneTiles, vectorsFrom, vectors, weightBase, waits);
                    if (first)
                        emitVector();
                    Command compute = emitter.NewCompute(
                        job,
                        t with
                        {
                            ChunkVectors = chunkVectors,
                        },
                        g,
                        chunk,
                        chunks,
                        laneTile,
                        laneTiles,
                        0,
                        origin.Y,
                        origin.X,
                        inputBase,
                        weightBase
                    );
                    Wait(compute, load ? Semaphore.WeightReady : null, first ? ready : null);
                    bool frees = !kept && (!stay || (lastTile && last));
                    compute[Header.Signal0] = frees ? Token(Semaphore.WeightFree) : null;
                    compute[Header.Signal1] = last && free is Semaphore f ? Token(f) : null;
                    adjust?.Invoke(compute);
                    emitter.Commands.Add(compute);
                    for (int k = 1; frees && k < freed; k++)
                        emitter.Commands.Add(Empty(ComputeCommand.Definition, job, null, Semaphore.WeightFree));
                    first = false;
                }
            }
        }

        private void Load(int laneTile, int laneTiles, int vectorsFrom, int vectors, int weightBase, int waits)
        {
            for (; waits > 1; waits--)
                emitter.Commands.Add(Empty(LoadCommand.Definition, job, Semaphore.WeightFree, null));
            Command load = emitter.WeightLoad(job, job.RightOperand, g, laneTile, laneTiles, vectorsFrom, vectors, weightBase);
            Wait(load, waits > 0 ? Semaphore.WeightFree : null);
            emitter.Commands.Add(load);
        }
    }
}
