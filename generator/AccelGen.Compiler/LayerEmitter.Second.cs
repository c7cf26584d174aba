using AccelGen.Isa;

namespace AccelGen.Compiler;

/// <summary>
/// A second result: a tile is stored as it is, then a row operator works on it in place and the tile is stored once more, as
/// the output of another layer.
/// </summary>
internal sealed partial class LayerEmitter
{
    /// <summary>
    /// What a layer with a second result does in another way. Tiles take the two halves of the output buffer by turns, and in
    /// each half two places by turns: the array writes the next tile but one while this one is stored for the second time.
    /// The row operator of a tile comes after the results of the next one, so that neither waits for a store.
    /// Parameters stay for the layer: bias and scale, and behind them those of a row operator before the first store, in one
    /// slot, those of the second result in the other. Where two products run as one, each has a slot: those of the second
    /// result are then behind the second product's.
    /// </summary>
    private sealed class SecondResult(LayerEmitter emitter, LayerJob job, Tiling t, Geometry g, int tiles, bool oneSlot = false)
    {
        private readonly LayerJob second = job.SecondResult!;
        private readonly Slots slots = emitter.slots;
        private readonly int outputsBefore = emitter.outputUse;
        private (int Y, int X, int OutputBase) stored;
        private int secondSlot;

        /// <summary>Slot of the layer's own parameters, once loaded.</summary>
        public int ParameterSlot { get; private set; }

        /// <summary>Where a tile lies in the output buffer.</summary>
        public int OutputBase(int tile) => ((outputsBefore + tile) % 2 * slots.OutputWords) + (tile / 2 % 2 * (slots.OutputWords / 2));

        /// <summary>Loads the layer's own parameters and what else goes into their slot.</summary>
        public int LoadParameters() =>
            ParameterSlot = (oneSlot ? second : job).Row?.ParameterAddress is long address
                ? emitter.LoadParameters(job, job.ParameterAddress, 0, OwnEntries, table: true, (address, g.LaneTiles, 0))
                : emitter.LoadParameters(job, job.ParameterAddress, 0, OwnEntries, table: true);

        /// <summary>
        /// The first two tiles take their halves from the layer before, the next two find the other places there free, those
        /// after them wait for the second store of the tile that was in theirs. With a row operator before the first store
        /// that one waits already, for the store that reads the same half.
        /// </summary>
        public bool VectorTakesOutput(int tile) => tile < 2 ? emitter.outputUse >= 2 : job.Row is null && tile >= 4;

        /// <summary>Nothing else tells that the slot has been read: the parameters stay.</summary>
        public static Semaphore? ResidualTaken(int tile) => tile >= 2 ? Semaphore.ResidualFree : null;

        /// <summary>Tokens that a VECTOR command gives.</summary>
        public void SignalVector(Command vector, int tile)
        {
            bool last = tile == tiles - 1;
            vector[Header.Signal0] = job.Row is null ? Token(Semaphore.OutputReady) : null;
            vector[Header.Signal1] =
                last && job.Row is null && !oneSlot ? Token(Semaphore.ParameterFree)
                : job.Residual is not null && tile + 2 < tiles ? Token(Semaphore.ResidualFree)
                : null;
        }

        /// <summary>What follows the products of a tile.</summary>
        public void Emit(int tile, int y0, int x0, int outputBase)
        {
            if (job.Row is RowJob row)
            {
                Command first = emitter.NewRow(job, row, t, g, outputBase, ParameterSlot, g.LaneTiles);
                first[RowCommand.ParameterBase] += OwnEntries;
                first[Header.Wait0] = tile >= 2 ? Token(Semaphore.OutputFree) : null;
                first[Header.Signal1] = tile == tiles - 1 ? Token(Semaphore.ParameterFree) : null;
                emitter.Commands.Add(first);
            }

            List<Command> stores = [.. emitter.Stores(job, t, g, y0, x0, 0, g.LaneTiles, outputBase)];
            Wait(stores[0], Semaphore.OutputReady);
            stores[^1][Header.Signal0] = Token(Semaphore.Stored);
            emitter.Commands.AddRange(stores);
            if (tile > 0)
                EmitSecond(tile - 1);
            else if (!oneSlot)
                LoadSecondParameters();
            stored = (y0, x0, outputBase);
        }

        /// <summary>What is left when all tiles are computed.</summary>
        public void End()
        {
            EmitSecond(tiles - 1);
            // As after any layer: the last two uses of the output buffer have yet to be taken back.
            for (int k = 2; job.Row is null && k < Math.Min(tiles, 4); k++)
                emitter.Commands.Add(Empty(VectorCommand.Definition, job, Semaphore.OutputFree, null));
        }

        private int OwnEntries => job.ParameterShared ? 1 : g.LaneTiles;

        private void LoadSecondParameters()
        {
            if (second.Row!.ParameterAddress is long address)
            {
                secondSlot = emitter.LoadParameters(second, address, 0, g.LaneTiles, table: true);
                return;
            }

            // Nothing to load, but the slot is taken: that the VECTOR command two loads back is done frees its residual slot as well.
            secondSlot = emitter.parameterUse % slots.ParameterSlots;
            emitter.Commands.Add(
                Empty(
                    LoadCommand.Definition,
                    second,
                    emitter.parameterUse++ >= slots.ParameterSlots ? Semaphore.ParameterFree : null,
                    Semaphore.ParameterReady
                )
            );
        }

        private void EmitSecond(int tile)
        {
            Command row = emitter.NewRow(second, second.Row!, t, g, stored.OutputBase, oneSlot ? ParameterSlot : secondSlot, g.LaneTiles);
            row[RowCommand.ParameterBase] += oneSlot ? OwnEntries : 0;
            row[Header.Wait0] = Token(Semaphore.Stored);
            row[Header.Wait1] = tile == 0 && !oneSlot ? Token(Semaphore.ParameterReady) : null;
            row[Header.Signal1] = tile == tiles - 1 ? Token(Semaphore.ParameterFree) : null;
            emitter.Commands.Add(row);
            emitter.AddStores(second, t, g, stored.Y, stored.X, 0, g.LaneTiles, stored.OutputBase, tile == tiles - 1);
        }
    }
}
