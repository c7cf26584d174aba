using AccelGen.Isa;

namespace AccelGen.Compiler;

/// <summary>
/// Three products as one: a 1x1 convolution, a convolution over windows of its results, and a 1x1 convolution of those. Each
/// processing element computes the whole window of its tile itself, so that only the input and the output go over the bus; what
/// windows of neighbours share is computed twice. In each step the array works on three tiles: it widens one, filters the
/// one before and narrows the one before that, so that no product waits for the results of the last.
/// </summary>
internal sealed partial class LayerEmitter
{
    private void EmitBottleneck(LayerJob before, LayerJob first, LayerJob second, Tiling t)
    {
        Geometry g1 = Geometry.Of(config, first, t),
            g2 = Geometry.Of(config, second, t),
            g0 = Geometry.OfWindow(config, before, g1);
        int tiles = TileCount(first, t);
        int plane = g1.WindowRows * g1.WindowWords,
            windowColumns = g1.WindowWords * config.Derived.VectorsPerWord;
        int widened = g0.Vectors * plane,
            filtered = widened + (g1.Vectors * plane); // where the results begin in a half
        Tiling window = t with { Rows = g1.WindowRows, Columns = windowColumns };
        var widen = new Products(this, before, g0);
        var filter = new Products(this, first, g1);
        var narrow = new Products(this, second, g2);
        SecondResult? also = second.SecondResult is null ? null : new SecondResult(this, second, t, g2, tiles, oneSlot: true);
        for (; writtenPending > 0; writtenPending--)
            Commands.Add(Empty(LoadCommand.Definition, first, Semaphore.Written, null));
        // A half is used two steps long: here all of it is free at once.
        for (int k = Math.Min(2, inputUse); k > 0; k--)
            Commands.Add(Empty(LoadCommand.Definition, first, Semaphore.InputFree, null));

        // In a step all results are forwarded into one half, that of the tile widened, while the next input is loaded into the other.
        int start = inputUse + 1,
            residualStart = residualUse;
        int Half(int step) => (start + step) % 2 * slots.InputWords;
        (int Y, int X) Origin(int tile) => TileOrigin(g1, t, tile);
        LoadInput(0);
        int entries = before.ParameterShared ? 1 : g0.LaneTiles;
        int own = LoadParameters(
            before with
            {
                TableAddress = first.TableAddress,
            },
            before.ParameterAddress,
            0,
            entries,
            table: true,
            (first.ParameterAddress, first.ParameterShared ? 1 : g1.LaneTiles, first.ParameterVariantShift)
        );
        int results =
            also?.LoadParameters()
            ?? LoadParameters(second, second.ParameterAddress, 0, second.ParameterShared ? 1 : g2.LaneTiles, table: true);
        // All weights are loaded once and side by side.
        int weightSlots = Geometry.Ceil(widen.Tiles + filter.Tiles + narrow.Tiles, slots.WeightTiles);
        (int weightBase, int waits) = ReserveWeights(first, weightSlots);
        for (; waits > 0; waits--)
            Commands.Add(Empty(LoadCommand.Definition, first, Semaphore.WeightFree, null));
        widen.Keep(weightBase);
        filter.Keep(weightBase + widen.Tiles);
        narrow.Keep(weightBase + widen.Tiles + filter.Tiles);
        int forwards = 0;
        for (int step = 0; step < tiles + 2; step++)
        {
            // The half into which the step before has forwarded can be loaded into again when its last results have arrived.
            for (; forwards > 0; forwards--)
                Commands.Add(
                    Empty(
                        ComputeCommand.Definition,
                        first,
                        Semaphore.Forwarded,
                        forwards == 1 && step + 1 < tiles ? Semaphore.HalfFree : null
                    )
                );
            if (step + 1 < tiles)
                LoadInput(step + 1);
            if (step < tiles)
                Widen(step);
            if (step >= 1 && step - 1 < tiles)
                Filter(step - 1);
            if (step >= 2)
                Narrow(step - 2);
        }

        for (int k = 0; k < weightSlots; k++)
            Commands.Add(Empty(ComputeCommand.Definition, first, null, Semaphore.WeightFree));
        also?.End();
        // As after any layer: the last two uses of the input buffer have yet to be taken back.
        for (int k = Math.Min(2, tiles); k < Math.Min(2, inputUse + tiles); k++)
            Commands.Add(Empty(ComputeCommand.Definition, first, null, Semaphore.InputFree));
        inputUse += tiles;
        writtenPending += 1;

        void LoadInput(int tile)
        {
            (int y0, int x0) = Origin(tile);
            Command load = InputLoad(
                first with
                {
                    Input = before.Input,
                    InputExtent = before.InputExtent,
                    Depthwise = false,
                },
                t,
                g1,
                y0,
                x0,
                Half(tile),
                0,
                g0.Vectors
            );
            Wait(load, tile > 1 ? Semaphore.HalfFree : null);
            load[Header.Signal0] = Token(Semaphore.InputReady);
            Commands.Add(load);
        }

        void Widen(int tile)
        {
            (int y0, int x0) = Origin(tile);
            Command place = NewCompute(first, t, g1, 0, 1, 0, 1, 0, y0, x0, 0, 0);
            Pieces(
                tile,
                widen,
                before,
                window,
                g0,
                g1.WindowWords,
                Half(tile),
                Semaphore.InputReady,
                null,
                () =>
                {
                    Command vector = NewVector(before, window, g0, 0, Half(tile) + widened, own);
                    vector[VectorCommand.TableEnable] = false;
                    vector[VectorCommand.Forward] = true;
                    return vector;
                },
                (vector, firstPiece, lastPiece) =>
                {
                    Wait(vector, tile == 0 && firstPiece ? Semaphore.ParameterReady : null);
                    vector[Header.Signal0] = lastPiece ? Token(Semaphore.Forwarded) : null;
                },
                (compute, row) =>
                {
                    // Pixels of the window are pixels of the image: those outside it are not read.
                    foreach (
                        Field field in (ReadOnlySpan<Field>)
                            [
                                ComputeCommand.OriginColumn,
                                ComputeCommand.PeRowStep,
                                ComputeCommand.PeColumnStep,
                                ComputeCommand.ImageRows,
                                ComputeCommand.ImageColumns,
                            ]
                    )
                        compute[field] = place[field];
                    compute[ComputeCommand.OriginRow] = place[ComputeCommand.OriginRow] + row;
                }
            );
            forwards++;
        }

        void Filter(int tile)
        {
            Pieces(
                tile,
                filter,
                first,
                t,
                g1,
                first.Stride.Rows * g1.WindowWords,
                Half(tile) + widened,
                null,
                null,
                () =>
                {
                    Command vector = NewVector(first, t, g1, 0, Half(tile + 1) + filtered, own);
                    vector[VectorCommand.ParameterBase] += entries;
                    vector[VectorCommand.Forward] = true;
                    return vector;
                },
                (vector, firstPiece, lastPiece) =>
                {
                    vector[Header.Signal0] = lastPiece ? Token(Semaphore.Forwarded) : null;
                    vector[Header.Signal1] = lastPiece && tile == tiles - 1 ? Token(Semaphore.ParameterFree) : null;
                },
                (compute, row) => compute[ComputeCommand.OriginRow] += row * first.Stride.Rows
            );
            forwards++;
        }

        void Narrow(int tile)
        {
            (int y0, int x0) = Origin(tile);
            int outputBase = also?.OutputBase(tile) ?? (outputUse % 2 * slots.OutputWords);
            bool outputTaken = also?.VectorTakesOutput(tile) ?? (outputUse >= 2);
            int residualBase = residualUse % 2 * slots.ResidualWords;
            if (second.Residual is not null)
            {
                // Nothing else tells that the slot has been read: the parameters stay.
                LoadResidual(
                    second,
                    t,
                    g2,
                    y0,
                    x0,
                    0,
                    g2.LaneTiles,
                    residualUse % 2,
                    residualUse - residualStart >= 2 ? Semaphore.ResidualFree : null,
                    null
                );
                residualUse++;
            }

            Pieces(
                tile,
                narrow,
                second,
                t,
                g2,
                g2.WindowWords,
                Half(tile + 1) + filtered,
                null,
                tile >= tiles - 2 ? Semaphore.InputFree : null,
                () =>
                {
                    Command vector = NewVector(second, t, g2, 0, outputBase, results);
                    vector[VectorCommand.ResidualBase] = second.Residual is null ? 0 : residualBase;
                    return vector;
                },
                (vector, firstPiece, lastPiece) =>
                {
                    if (firstPiece)
                        Wait(
                            vector,
                            tile == 0 ? Semaphore.ParameterReady : null,
                            second.Residual is null ? null : Semaphore.ResidualReady,
                            outputTaken ? Semaphore.OutputFree : null
                        );
                    if (!lastPiece)
                        return;
                    vector[Header.Signal0] = Token(Semaphore.OutputReady);
                    vector[Header.Signal1] =
                        tile == tiles - 1 ? Token(Semaphore.ParameterFree)
                        : second.Residual is not null && tile + 2 < tiles ? Token(Semaphore.ResidualFree)
                        : null;
                    also?.SignalVector(vector, tile);
                },
                (_, _) => { }
            );
            if (also is not null)
            {
                also.Emit(tile, y0, x0, outputBase);
                outputUse++;
                return;
            }

            AddStores(second, t, g2, y0, x0, 0, g2.LaneTiles, outputBase, tile == tiles - 1);
            outputUse++;
        }

        // A product in pieces of as many rows as the accumulators have entries for.
        void Pieces(
            int tile,
            Products products,
            LayerJob job,
            Tiling size,
            Geometry g,
            int rowWords,
            int inputBase,
            Semaphore? ready,
            Semaphore? free,
            Func<Command> vectorOf,
            Action<Command, bool, bool> tokens,
            Action<Command, int> place
        )
        {
            int rows = Math.Max(1, config.Buffers.AccumulatorEntries / size.Columns);
            for (int row = 0; row < size.Rows; row += rows)
            {
                int from = row,
                    count = Math.Min(rows, size.Rows - from);
                bool firstPiece = from == 0,
                    lastPiece = from + count == size.Rows;
                Command vector = vectorOf();
                OutputExtent(vector, Header.B, job, ExtentUnit.LaneTiles, 0, g.LaneTiles);
                vector[VectorCommand.Rows] = count;
                vector[VectorCommand.OutputBase] += from * g.RowWords;
                if (job.Residual is not null && job.ResidualBroadcast != Network.Quantized.Broadcast.Pixels)
                    vector[VectorCommand.ResidualBase] += from * g.RowWords;
                tokens(vector, firstPiece, lastPiece);
                products.Emit(
                    size,
                    Origin(tile),
                    stay: true,
                    tile == 0 && firstPiece,
                    tile == tiles - 1 && lastPiece,
                    inputBase,
                    firstPiece ? ready : null,
                    lastPiece ? free : null,
                    () => Commands.Add(vector),
                    compute =>
                    {
                        compute[ComputeCommand.Rows] = count;
                        compute[ComputeCommand.InputBase] += from * rowWords;
                        place(compute, from);
                    }
                );
            }
        }
    }
}
