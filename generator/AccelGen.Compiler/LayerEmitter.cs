using AccelGen.Config;
using AccelGen.Isa;
using AccelGen.Network.Quantized;

namespace AccelGen.Compiler;

/// <summary>
/// Appends the commands of layers to a program. Buffers are rings of fixed slots that run on across layers; every token
/// is given by a command earlier in the program, so that in-order dispatch cannot deadlock.
/// </summary>
internal sealed partial class LayerEmitter(AcceleratorConfig config)
{
    private enum Semaphore
    {
        InputReady = 0,
        WeightReady = 1,
        ParameterReady = 2,
        ResidualReady = 3,
        InputFree = 4,
        WeightFree = 5,
        HalfFree = 6,
        StripInputFree = 7,
        OutputReady = 8,
        ParameterFree = 9,
        Forwarded = 10,
        ResidualFree = 11,
        OutputFree = 12,
        Written = 13,
        Stored = 14,
        StripWritten = 15,
    }

    private readonly AcceleratorConfig config = config;
    private readonly Slots slots = new(config);
    private int inputUse,
        weightUse,
        parameterUse,
        residualUse,
        outputUse;
    private int writtenPending;
    private int parameterSlots = new Slots(config).ParameterSlots; // those that the ring runs through

    public List<Command> Commands { get; init; } = [];

    /// <summary>Appends one layer.</summary>
    /// <param name="job">The layer.</param>
    /// <param name="t">A legal tiling of it.</param>
    /// <param name="head">The head that it computes, where paths may leave heads out.</param>
    public void Emit(LayerJob job, Tiling t, HeadExtent? head)
    {
        int first = Commands.Count;
        Emit(job, t);
        for (int i = first; head is not null && i < Commands.Count; i++)
            Commands[i] = head.Limited(Commands[i]);
    }

    /// <summary>Appends one layer.</summary>
    /// <param name="job">The layer.</param>
    /// <param name="t">A legal tiling of it.</param>
    public void Emit(LayerJob job, Tiling t)
    {
        if (job.Producer is not null)
        {
            EmitBottleneck(job.Producer, job, job.Consumer!, t);
            return;
        }

        if (job.Consumer is not null)
        {
            EmitChain(job, job.Consumer, t);
            return;
        }

        foreach (int _ in Steps(job, t)) { }
    }

    // The commands of one product, a step per output group; a step returns the tile that it works on.
    private IEnumerable<int> Steps(LayerJob job, Tiling t, Placement? place = null)
    {
        bool producer = place is { Produces: true };
        Geometry g = Geometry.Of(config, job, t);
        int tileRows = t.PeRows * t.Rows,
            tileColumns = t.PeColumns * t.Columns;
        int tilesY = Geometry.Ceil(g.Height, tileRows),
            tilesX = Geometry.Ceil(g.Width, tileColumns);
        int tileCount = tilesY * tilesX;
        int taps = job.WeightPerTap ? job.Kernel.Rows * job.Kernel.Columns : 1;
        int reduction = job.Depthwise ? 1 : g.Vectors;
        int groups = Geometry.Ceil(g.LaneTiles, t.GroupTiles);
        int chunks = job.Depthwise ? 1 : Geometry.Ceil(g.Vectors, t.ChunkVectors);
        int segments = config.Derived.LaneSegments,
            phases = job.Resize?.Phases ?? 1;
        // Small weights are loaded once for all tiles, into as many neighbouring slots as they need.
        long allTiles = job.WeightScalar ? TilingSearch.ScalarTiles(config, job) : (long)g.LaneTiles * reduction * taps;
        int stayingSlots = (int)Math.Min(slots.WeightSlots, (allTiles + slots.WeightTiles - 1) / slots.WeightTiles);
        // Between the steps of a strip another layer takes the slots that follow: none can be kept.
        bool weightsStay =
            job.WeightScalar
            || (
                place is null
                && tileCount > 1
                && stayingSlots < slots.WeightSlots
                && job.Denominator is null
                && job.RightZeroPointAddress is null
            );
        SecondResult? second = job.SecondResult is null ? null : new SecondResult(this, job, t, g, tileCount);
        // Stores of earlier layers that the first activation load waits for; the matrices of a batch are independent.
        int written = job.Batch > 0 || place is not null ? 0 : writtenPending;
        if (job.Batch == 0 && place is null)
            writtenPending = 0;
        int stayingBase = -1,
            stayingParameters = -1,
            inputUseAtStart = inputUse,
            residualUseAtStart = residualUse;
        int rounds =
            Enumerable.Range(0, groups).Sum(i => Geometry.Ceil(Math.Min(t.GroupTiles, g.LaneTiles - (i * t.GroupTiles)), t.WeightTiles))
            * chunks
            * phases
            * (job.RightZeroPointAddress is null ? 1 : 2);

        // Output groups that a run-time extent skips, always the last ones, are spread over the tile: the loads between
        // the commands then stay as even as with all groups.
        int[] order =
        [
            .. job.OutputExtent is null
                ? Enumerable.Range(0, groups)
                : Enumerable.Range(0, groups).OrderBy(i => i % Geometry.Ceil(groups, 2)),
        ];

        // Loads of the next tile's input are spread evenly over the commands of this one.
        // They are cut into pieces of about a thousand beats, so that none holds up the weights for long.
        var pending = new System.Collections.Generic.Queue<(Action Load, bool EndsChunk)>();
        int loadsPerTile = 0;
        void QueueInput(int tile)
        {
            int slot = inputUse % 2;
            bool wait = inputUse >= 2;
            inputUse++;
            long planeBeats =
                (long)Math.Min(job.Input.Shape.Height, ((t.PeRows - 1) * t.Rows * job.Stride.Rows) + g.WindowRows)
                * job.Input.RowWords
                * config.Derived.BeatsPerWord;
            planeBeats = Math.Min(planeBeats, (long)config.Array.Pes * g.WindowRows * g.WindowWords * config.Derived.BeatsPerWord);
            int piece = (int)Math.Clamp(512 / Math.Max(1, planeBeats), 1, 4095);
            var pieces = new List<(int From, int Count, bool EndsChunk)>();
            for (int chunk = 0; chunk < chunks; chunk++)
            {
                int first = chunk * (job.Depthwise ? g.Vectors : t.ChunkVectors);
                int end = job.Depthwise ? g.Vectors : Math.Min(first + t.ChunkVectors, g.Vectors);
                for (int from = first, count; from < end; from += count)
                {
                    count = Math.Min(Math.Min(piece, end - from), job.PlanesTogether(from));
                    pieces.Add((from, count, from + count == end));
                }
            }

            loadsPerTile = pieces.Count;
            // The first tile is computed chunk by chunk as it arrives. Later ones arrive while another is computed: there
            // the kept vectors of any run-time extent, always the first ones, are to be spread evenly over time.
            if (tile > 0)
                pieces = [.. Interleave(pieces)];
            for (int i = 0; i < pieces.Count; i++)
            {
                (int from, int count, bool ends) = pieces[i];
                bool waits = wait && i == 0,
                    signals = tile > 0 ? i == pieces.Count - 1 : ends;
                pending.Enqueue((() => LoadInput(tile, slot, from, count, waits, signals), ends));
            }
        }

        int InputBaseOf(int tile, int slot) => place is null ? slot * slots.InputWords : place.InputBase(producer ? tile : slot);
        int InputSlotOf(int tile) => (inputUseAtStart + tile) % 2;

        void LoadInput(int tile, int slot, int vectorsFrom, int vectors, bool wait, bool signal)
        {
            (int y0, int x0) = (tile / tilesX * tileRows, tile % tilesX * tileColumns);
            Command load = InputLoad(
                job,
                t,
                g,
                y0,
                x0,
                InputBaseOf(tile, slot) + (vectorsFrom * g.WindowRows * g.WindowWords),
                vectorsFrom,
                vectors
            );
            Semaphore? strip = place is not null && place.Strips.Remove(tile) ? Semaphore.StripWritten : null;
            Wait(load, wait ? Semaphore.InputFree : null, TakeWritten(), strip);
            if (signal)
                load[Header.Signal0] = Token(Semaphore.InputReady);
            Commands.Add(load);
        }

        Semaphore? TakeWritten()
        {
            if (written == 0)
                return null;
            // More than one token to take: extra ones by empty loads before.
            while (written > 1)
            {
                Commands.Add(Empty(LoadCommand.Definition, job, Semaphore.Written, null));
                written--;
            }

            written = 0;
            return Semaphore.Written;
        }

        void LoadWeights(
            TensorLayout? rightOperand,
            int laneTile,
            int laneTiles,
            int chunk,
            int weightBase,
            int waits,
            bool zeroPoint = false
        )
        {
            // A command takes one token of a semaphore.
            for (; waits > 1; waits--)
                Commands.Add(Empty(LoadCommand.Definition, job, Semaphore.WeightFree, null));
            int vectorsFrom = chunk * t.ChunkVectors,
                tileBeats = config.Derived.BeatsPerWeightTile,
                tileBytes = config.Derived.WeightTileBytes;
            int vectors = job.Depthwise ? 1 : Math.Min(t.ChunkVectors, g.Vectors - vectorsFrom);
            Command load = WeightLoad(job, rightOperand, g, laneTile, laneTiles, job.Depthwise ? 0 : vectorsFrom, vectors, weightBase);
            if (job.WeightScalar)
            {
                Extent(load, Header.A, null, ExtentUnit.Vectors, 0, 1);
                Extent(load, Header.B, null, ExtentUnit.Vectors, 0, 1);
                Wait(load, waits > 0 ? Semaphore.WeightFree : null);
                load[LoadCommand.Address] = job.WeightAddress;
                load[LoadCommand.SegmentBeats] = TilingSearch.ScalarTiles(config, job) * tileBeats;
            }
            else if (zeroPoint)
            {
                // The same tiles for all lane tiles.
                Wait(load, waits > 0 ? Semaphore.WeightFree : null, TakeWritten());
                load[LoadCommand.LengthMode] = true;
                load[LoadCommand.Address] = job.RightZeroPointAddress!.Value + ((long)vectorsFrom * tileBytes);
                load[LoadCommand.SegmentBeats] = tileBeats;
                load[LoadCommand.StrideA] = 0;
                load[LoadCommand.StrideB] = 0;
            }
            else
            {
                Wait(load, waits > 0 ? Semaphore.WeightFree : null, rightOperand is null ? null : TakeWritten());
            }

            Commands.Add(load);
        }

        if (!producer)
            QueueInput(0);
        for (int tile = 0; tile < tileCount; tile++)
        {
            (int y0, int x0) = (tile / tilesX * tileRows, tile % tilesX * tileColumns);
            int inputBase = InputBaseOf(tile, InputSlotOf(tile));
            int round = 0,
                loaded = 0;
            // The first sweep over the tile's input waits for it; that of a strip came before the weights, which are waited for.
            bool inputArrives = !producer;
            for (int step = 0; step < groups; step++)
            {
                int group = order[step];
                int from = group * t.GroupTiles,
                    count = Math.Min(t.GroupTiles, g.LaneTiles - from);
                bool lastGroup = step == groups - 1;
                if (place is not null)
                    stayingBase = -1;
                int outputBase = second?.OutputBase(tile) ?? (outputUse % 2 * slots.OutputWords);
                bool tableWithRow = job.Row?.ParameterAddress is not null;
                // The factors of all phases come together where they fit.
                bool together = phases <= slots.ParameterTiles;
                int parameterSlot = second?.ParameterSlot ?? 0;
                for (int phase = 0; phase < phases; phase++)
                {
                    bool keepsParameters = place is { Produces: false };
                    bool parametersTaken =
                        (together && phase > 0)
                        || ((second is not null || keepsParameters || t.ParametersStay) && tile > 0)
                        || ((keepsParameters || t.ParametersStay) && step > 0);
                    if (keepsParameters)
                        parameterSlot = parametersTaken
                            ? KeptParameterSlot
                            : LoadParameters(
                                job,
                                job.ParameterAddress,
                                0,
                                job.ParameterShared ? phases : g.LaneTiles,
                                table: true,
                                keptSlot: KeptParameterSlot
                            );
                    else if (t.ParametersStay)
                        parameterSlot = parametersTaken
                            ? stayingParameters
                            : stayingParameters = LoadParameters(
                                job,
                                job.ParameterAddress,
                                0,
                                job.ParameterShared ? 1 : g.LaneTiles,
                                table: true
                            );
                    else if (!parametersTaken)
                        parameterSlot =
                            second?.LoadParameters()
                            ?? LoadParameters(
                                job,
                                job.ParameterAddress,
                                job.ParameterShared ? phase : from,
                                job.ParameterShared ? (together ? phases : 1) : count,
                                table: !tableWithRow
                            );
                    if (job.Denominator is not null && step == 0)
                    {
                        Command capture = NewVector(job, t, g, phase, outputBase, parameterSlot);
                        Extent(capture, Header.B, null, ExtentUnit.LaneTiles, 0, 1);
                        capture[VectorCommand.CaptureReciprocal] = true;
                        capture[VectorCommand.TableEnable] = false;
                        Wait(capture, Semaphore.ParameterReady);
                        parametersTaken = true;
                        Sweeps(job.Denominator, 0, 0, 1, () => Commands.Add(capture), false, false);
                    }

                    Command vector = NewVector(job, t, g, phase, outputBase, parameterSlot);
                    if ((keepsParameters || t.ParametersStay) && !job.ParameterShared)
                        vector[VectorCommand.ParameterBase] += from;
                    OutputExtent(vector, Header.B, job, ExtentUnit.LaneTiles, from, count);
                    bool firstPhase = phase == 0,
                        lastPhase = phase == phases - 1;
                    void EmitVector()
                    {
                        Semaphore? residualReady = null;
                        if (job.Residual is not null)
                        {
                            // One residual tile for all phases.
                            if (firstPhase)
                            {
                                // The slot is free: the parameter load before took the token of the VECTOR command two groups back.
                                Semaphore? taken =
                                    second is not null ? SecondResult.ResidualTaken(tile)
                                    : keepsParameters && residualUse - residualUseAtStart >= 2 ? Semaphore.ResidualFree
                                    : null;
                                LoadResidual(job, t, g, y0, x0, from, count, residualUse % 2, taken, TakeWritten());
                                residualUse++;
                                residualReady = Semaphore.ResidualReady;
                            }

                            vector[VectorCommand.ResidualBase] = (residualUse - 1) % 2 * slots.ResidualWords;
                        }

                        Wait(
                            vector,
                            parametersTaken ? null : Semaphore.ParameterReady,
                            residualReady,
                            firstPhase && (second?.VectorTakesOutput(tile) ?? outputUse >= 2) ? Semaphore.OutputFree : null
                        );
                        if (lastPhase && job.Row is null)
                            vector[Header.Signal0] = Token(Semaphore.OutputReady);
                        bool frees = !t.ParametersStay || (tile == tileCount - 1 && lastGroup);
                        // The activation table of a row operator without parameters of its own is in this slot.
                        if ((job.Row is null || tableWithRow) && (lastPhase || !together) && frees)
                            vector[Header.Signal1] = Token(Semaphore.ParameterFree);
                        // Parameters that stay do not tell that the residual slot has been read.
                        if (keepsParameters)
                            vector[Header.Signal1] = lastPhase && job.Residual is not null ? Token(Semaphore.ResidualFree) : null;
                        second?.SignalVector(vector, tile);
                        Commands.Add(vector);
                    }

                    Sweeps(job.RightOperand, phase, from, count, EmitVector, lastPhase, lastGroup && lastPhase);
                }

                if (second is not null)
                {
                    second.Emit(tile, y0, x0, outputBase);
                    outputUse++;
                    continue;
                }

                if (job.Row is RowJob row)
                {
                    parameterSlot = row.ParameterAddress is long address
                        ? LoadParameters(job with { LayerIndex = row.LayerIndex }, address, 0, count, table: true)
                        : (parameterUse - 1) % parameterSlots;
                    Commands.Add(NewRow(job, row, t, g, outputBase, parameterSlot, count));
                }

                bool lastStore = tile == tileCount - 1 && lastGroup && !producer;
                AddStores(job, t, g, y0, x0, from, count, outputBase, lastStore);
                outputUse++;
                yield return tile;
            }

            while (pending.Count > 0)
                pending.Dequeue().Load();

            // All products of a range of lane tiles over the tile's input, a command per lane tiles and chunk of vectors.
            void Sweeps(TensorLayout? rightOperand, int phase, int from, int count, Action emitVector, bool lastOfGroup, bool last)
            {
                bool vectorEmitted = false;
                int step = job.WeightScalar ? count : t.WeightTiles;
                for (int laneTile = from; laneTile < from + count; laneTile += step)
                {
                    int laneTiles = Math.Min(step, from + count - laneTile);
                    // A zero point of the right operand is a sweep of its own, before the operand itself.
                    int zeroPointSweeps = job.RightZeroPointAddress is null ? 0 : chunks;
                    for (int sweep = 0; sweep < chunks + zeroPointSweeps; sweep++)
                    {
                        bool zeroPoint = sweep < zeroPointSweeps,
                            arrives = inputArrives && sweep < chunks;
                        int chunk = zeroPoint ? sweep : sweep - zeroPointSweeps;
                        bool lastRound = last && !zeroPoint && laneTile + laneTiles == from + count;
                        int weightBase,
                            commandSlots = stayingSlots;
                        bool waitWeights,
                            freeWeights;
                        if (weightsStay)
                        {
                            int firstWaits = 0;
                            // Scalars come with the first sweep, all others with the sweep that needs them first.
                            bool load = job.WeightScalar ? stayingBase < 0 : tile == 0;
                            if (stayingBase < 0)
                                (stayingBase, firstWaits) = ReserveWeights(job, stayingSlots);
                            weightBase =
                                stayingBase
                                + (job.WeightScalar ? 0 : ((laneTile * reduction) + (chunk * (job.Depthwise ? 0 : t.ChunkVectors))) * taps);
                            if (load)
                                LoadWeights(rightOperand, laneTile, laneTiles, chunk, weightBase, firstWaits);
                            waitWeights = load;
                            freeWeights =
                                (place is null ? tile == tileCount - 1 && lastRound : lastOfGroup && laneTile + laneTiles == from + count)
                                && chunk == chunks - 1;
                        }
                        else
                        {
                            int tiles = laneTiles * (job.Depthwise ? 1 : Math.Min(t.ChunkVectors, g.Vectors - (chunk * t.ChunkVectors)));
                            commandSlots = Geometry.Ceil(tiles * taps, slots.WeightTiles);
                            (weightBase, int waits) = ReserveWeights(job, commandSlots);
                            LoadWeights(rightOperand, laneTile, laneTiles, chunk, weightBase, waits, zeroPoint);
                            waitWeights = freeWeights = true;
                        }

                        if (arrives)
                        {
                            // This tile's own input, as far as the tile before did not load it ahead.
                            while (pending.TryDequeue(out (Action Load, bool EndsChunk) next))
                            {
                                next.Load();
                                if (next.EndsChunk)
                                    break;
                            }

                            if (chunk == chunks - 1 && tile + 1 < tileCount)
                                QueueInput(tile + 1);
                        }
                        else if (pending.Count > 0)
                        {
                            int spread = Math.Max(1, rounds - chunks - (rounds * (8 - t.InputEighths) / 8));
                            for (
                                int due = Geometry.Ceil((round - chunks + 1) * loadsPerTile, spread);
                                loaded < due && pending.Count > 0;
                                loaded++
                            )
                                pending.Dequeue().Load();
                        }

                        round++;

                        if (!vectorEmitted)
                        {
                            emitVector();
                            vectorEmitted = true;
                        }

                        Command compute = NewCompute(job, t, g, chunk, chunks, laneTile, laneTiles, phase, y0, x0, inputBase, weightBase);
                        Wait(
                            compute,
                            waitWeights ? Semaphore.WeightReady : null,
                            arrives && (tile == 0 || chunk == 0) ? Semaphore.InputReady : null
                        );
                        if (zeroPoint || zeroPointSweeps > 0)
                        {
                            compute[ComputeCommand.FirstChunk] = sweep == 0;
                            compute[ComputeCommand.LastChunk] = sweep == chunks + zeroPointSweeps - 1;
                        }

                        Semaphore? inputFree =
                            !lastRound || chunk != chunks - 1 ? null
                            : producer ? Semaphore.StripInputFree
                            : Semaphore.InputFree;
                        Semaphore? weightFree = freeWeights ? Semaphore.WeightFree : null;
                        compute[Header.Signal0] = weightFree is null ? null : Token(weightFree.Value);
                        compute[Header.Signal1] = inputFree is null ? null : Token(inputFree.Value);
                        Commands.Add(compute);
                        // A command gives one slot back; further ones are given back by empty commands.
                        for (int k = 1; freeWeights && k < commandSlots; k++)
                            Commands.Add(Empty(ComputeCommand.Definition, job, null, Semaphore.WeightFree));
                    }

                    inputArrives = false;
                }
            }
        }

        second?.End();
        writtenPending += producer ? 0 : 1 + written;
    }

    // Bias and scale entries, and with them the activation table; gives ParameterReady. Returns the slot.
    // Further entries come behind them in the slot.
    private int LoadParameters(
        LayerJob job,
        long address,
        int from,
        int count,
        bool table,
        (long Address, int Count, int VariantShift)? further = null,
        int? keptSlot = null
    )
    {
        int slot = keptSlot ?? parameterUse % parameterSlots;
        Command load = New(LoadCommand.Definition, job);
        load[Header.A.Count] = 1;
        load[Header.B.Count] = 1;
        Wait(load, keptSlot is null && parameterUse >= parameterSlots ? Semaphore.ParameterFree : null);
        load.Set(LoadCommand.Destination, LoadDestination.Parameter);
        load[LoadCommand.LocalBase] = slot * slots.ParameterTiles;
        load[LoadCommand.Rows] = 1;
        load[LoadCommand.SegmentBeats] = count * (config.Derived.ParameterTileBytes / config.Derived.BeatBytes);
        load[LoadCommand.Address] = address + ((long)from * config.Derived.ParameterTileBytes);
        load[LoadCommand.VariantShift] = address == job.ParameterAddress ? job.ParameterVariantShift : 0;
        Commands.Add(load);
        if (further is { } more)
        {
            load = New(LoadCommand.Definition, job);
            load[Header.A.Count] = 1;
            load[Header.B.Count] = 1;
            load.Set(LoadCommand.Destination, LoadDestination.Parameter);
            load[LoadCommand.LocalBase] = (slot * slots.ParameterTiles) + count;
            load[LoadCommand.Rows] = 1;
            load[LoadCommand.SegmentBeats] = more.Count * (config.Derived.ParameterTileBytes / config.Derived.BeatBytes);
            load[LoadCommand.Address] = more.Address;
            load[LoadCommand.VariantShift] = more.VariantShift;
            Commands.Add(load);
        }

        parameterUse += keptSlot is null ? 1 : 0;
        if (table && job.TableAddress is long tableAddress)
        {
            int beats = 256 / config.Derived.BeatBytes;
            load = New(LoadCommand.Definition, job);
            load[Header.A.Count] = 1;
            load[Header.B.Count] = 1;
            load.Set(LoadCommand.Destination, LoadDestination.Table);
            load[LoadCommand.LocalBase] = slot * beats;
            load[LoadCommand.Rows] = 1;
            load[LoadCommand.SegmentBeats] = beats;
            load[LoadCommand.Address] = tableAddress;
            Commands.Add(load);
        }

        load[Header.Signal0] = Token(Semaphore.ParameterReady);
        return slot;
    }

    // Input rows and words of a row that a tile reads, as far as they lie in the image.
    private (int YFrom, int YTo, int XFrom, int XTo) InputSpan(LayerJob job, Tiling t, Geometry g, int y0, int x0)
    {
        int r = config.Derived.VectorsPerWord;
        int top = (y0 * job.Stride.Rows) - job.PadTop,
            left = FloorDiv((x0 * job.Stride.Columns) - job.PadLeft, r);
        int usedRows = Math.Min(t.PeRows, Geometry.Ceil(g.Height - y0, t.Rows)),
            usedColumns = Math.Min(t.PeColumns, Geometry.Ceil(g.Width - x0, t.Columns));
        return (
            Math.Max(0, top),
            Math.Min(job.Input.Shape.Height, top + ((usedRows - 1) * t.Rows * job.Stride.Rows) + g.WindowRows),
            Math.Max(0, left),
            Math.Min(job.Input.RowWords, left + ((usedColumns - 1) * t.Columns * job.Stride.Columns / r) + g.WindowWords)
        );
    }

    // A tile's input, scattered over the elements; tokens are the caller's.
    private Command InputLoad(LayerJob job, Tiling t, Geometry g, int y0, int x0, int localBase, int vectorsFrom, int vectors)
    {
        int r = config.Derived.VectorsPerWord;
        int top = (y0 * job.Stride.Rows) - job.PadTop,
            left = FloorDiv((x0 * job.Stride.Columns) - job.PadLeft, r);
        int peRowStep = t.Rows * job.Stride.Rows,
            peColumnStep = t.Columns * job.Stride.Columns / r;
        (int yFrom, int yTo, int xFrom, int xTo) = InputSpan(job, t, g, y0, x0);
        Command load = New(LoadCommand.Definition, job);
        load.Set(LoadCommand.Destination, LoadDestination.Input);
        Extent(load, Header.B, null, ExtentUnit.Vectors, 0, 1);
        if (yFrom >= yTo || xFrom >= xTo)
        {
            // Padding only: no tap of the tile lies in the image. The tokens move, no data do.
            Extent(load, Header.A, null, ExtentUnit.Vectors, vectorsFrom, 0);
            return load;
        }

        // Each lane of a depthwise layer reads the channel that it computes.
        if (job.Depthwise)
            OutputExtent(load, Header.A, job, ExtentUnit.Vectors, vectorsFrom, vectors);
        else
            Extent(load, Header.A, job.InputExtent, ExtentUnit.Vectors, vectorsFrom, vectors);
        Scatter(
            load,
            t.PeColumns,
            localBase,
            job.Input,
            job.Batch,
            job.Plane(vectorsFrom),
            yFrom,
            yTo,
            xFrom,
            xTo,
            yFrom - top,
            xFrom - left,
            g.WindowRows,
            g.WindowWords,
            peRowStep,
            peColumnStep
        );
        return load;
    }

    // Weights, or the rows of a right operand, of a range of lane tiles and input vectors; waits are the caller's.
    private Command WeightLoad(
        LayerJob job,
        TensorLayout? rightOperand,
        Geometry g,
        int laneTile,
        int laneTiles,
        int vectorsFrom,
        int vectors,
        int weightBase
    )
    {
        int tileBytes = config.Derived.WeightTileBytes,
            tileBeats = config.Derived.BeatsPerWeightTile;
        int taps = job.WeightPerTap ? job.Kernel.Rows * job.Kernel.Columns : 1;
        Command load = New(LoadCommand.Definition, job);
        Extent(load, Header.A, job.Depthwise ? null : job.InputExtent, ExtentUnit.Vectors, vectorsFrom, vectors);
        OutputExtent(load, Header.B, job, ExtentUnit.LaneTiles, laneTile, laneTiles);
        load.Set(LoadCommand.Destination, LoadDestination.Weight);
        load[LoadCommand.LocalBase] = weightBase;
        load[LoadCommand.Rows] = 1;
        load[Header.Signal0] = Token(Semaphore.WeightReady);
        if (rightOperand is TensorLayout right)
        {
            load[LoadCommand.Address] =
                right.Address + (job.Batch * right.BatchBytes) + (vectorsFrom * right.PlaneBytes) + ((long)laneTile * tileBytes);
            load[LoadCommand.SegmentBeats] = tileBeats;
            load[LoadCommand.StrideA] = right.PlaneBytes;
            load[LoadCommand.StrideB] = tileBytes;
        }
        else if (!job.WeightScalar)
        {
            long perLaneTile = (long)(job.Depthwise ? 1 : g.Vectors) * taps * tileBytes;
            load[LoadCommand.LengthMode] = true;
            load[LoadCommand.Address] = job.WeightAddress + (laneTile * perLaneTile) + ((long)vectorsFrom * taps * tileBytes);
            load[LoadCommand.SegmentBeats] = taps * tileBeats;
            load[LoadCommand.StrideB] = perLaneTile;
        }

        return load;
    }

    // A tile of the second operand at the output; gives ResidualReady.
    private void LoadResidual(
        LayerJob job,
        Tiling t,
        Geometry g,
        int y0,
        int x0,
        int from,
        int count,
        int slot,
        Semaphore? free,
        Semaphore? written
    )
    {
        int r = config.Derived.VectorsPerWord,
            segments = config.Derived.LaneSegments,
            rows = t.Rows * job.Up.Rows,
            height = job.Output.Shape.Height,
            width = job.Output.Shape.Width;
        (y0, x0) = (y0 * job.Up.Rows, x0 * job.Up.Columns);
        int usedRows = Math.Min(t.PeRows, Geometry.Ceil(height - y0, rows)),
            usedColumns = Math.Min(t.PeColumns, Geometry.Ceil(width - x0, t.Columns * job.Up.Columns));
        int yTo = Math.Min(height, y0 + (usedRows * rows)),
            xFrom = x0 / r;
        int xTo = Math.Min(job.Residual!.RowWords, xFrom + (usedColumns * g.RowWords));
        Command load = New(LoadCommand.Definition, job);
        OutputExtent(load, Header.A, job, ExtentUnit.Vectors, from / segments, Geometry.Ceil(count, segments));
        Extent(load, Header.B, null, ExtentUnit.Vectors, 0, 1);
        Wait(load, free, written);
        load[Header.Signal0] = Token(Semaphore.ResidualReady);
        load.Set(LoadCommand.Destination, LoadDestination.Residual);
        int localBase = slot * slots.ResidualWords;
        if (job.ResidualBroadcast == Broadcast.Pixels)
        {
            // One word for all elements and pixels.
            Scatter(load, 1, localBase, job.Residual, job.Batch, from / segments, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0);
        }
        else
        {
            bool oneChannel = job.ResidualBroadcast == Broadcast.Channels;
            if (oneChannel)
                Extent(load, Header.A, null, ExtentUnit.Vectors, 0, 1);
            Scatter(
                load,
                t.PeColumns,
                localBase,
                job.Residual,
                job.Batch,
                oneChannel ? 0 : from / segments,
                y0,
                yTo,
                xFrom,
                xTo,
                0,
                0,
                rows,
                g.RowWords,
                rows,
                g.RowWords
            );
        }

        Commands.Add(load);
    }

    private Command NewVector(LayerJob job, Tiling t, Geometry g, int phase, int outputBase, int parameterSlot)
    {
        Command vector = New(VectorCommand.Definition, job);
        int blockWords = t.Rows * job.Up.Rows * g.RowWords;
        vector[Header.A.Count] = 1;
        if (job.Residual is not null)
        {
            vector[job.Multiply ? VectorCommand.Multiply : VectorCommand.ResidualEnable] = true;
            vector[VectorCommand.ResidualSubtract] = job.ResidualSubtract;
            vector[VectorCommand.ResidualOnePixel] = job.ResidualBroadcast == Broadcast.Pixels;
            vector[VectorCommand.ResidualOneChannel] = job.ResidualBroadcast == Broadcast.Channels;
            vector[VectorCommand.ResidualZeroPoint] = job.ResidualZeroPoint;
            vector[VectorCommand.ResidualMultiplier] = job.ResidualScale.Multiplier;
            vector[VectorCommand.ResidualShift] = job.ResidualScale.Shift;
            vector[VectorCommand.ResidualBlockWords] = job.ResidualBroadcast switch
            {
                Broadcast.Pixels => 1,
                Broadcast.Channels => 0,
                _ => blockWords,
            };
        }

        vector[VectorCommand.ParameterShared] = job.ParameterShared;
        vector[VectorCommand.UseReciprocal] = !(job.Denominator is null);
        if (job.TableAddress is not null && job.Row is null)
        {
            vector[VectorCommand.TableEnable] = true;
            vector[VectorCommand.TableSlot] = parameterSlot;
        }

        if (job.Row?.Function == RowFunction.Softmax)
        {
            vector[VectorCommand.TrackMaximum] = true;
            vector[VectorCommand.TrackLanes] = job.LaneChannels - ((g.LaneTiles - 1) * config.Array.Lanes);
        }

        vector[VectorCommand.OutputBase] = outputBase;
        vector[VectorCommand.ParameterBase] =
            (parameterSlot * slots.ParameterTiles) + (job.Resize is { } && job.Resize.Phases <= slots.ParameterTiles ? phase : 0);
        vector[VectorCommand.ZeroPoint] = job.OutputZeroPoint;
        vector[VectorCommand.ClampLow] = job.ClampLow;
        vector[VectorCommand.ClampHigh] = job.ClampHigh;
        vector[VectorCommand.Rows] = t.Rows;
        vector[VectorCommand.Columns] = t.Columns;
        vector[VectorCommand.BlockWords] = blockWords;
        vector[VectorCommand.RowStepWords] = job.Up.Rows * g.RowWords;
        vector[VectorCommand.RowOffsetWords] = phase / job.Up.Columns * g.RowWords;
        vector[VectorCommand.ColumnStep] = job.Up.Columns;
        vector[VectorCommand.ColumnOffset] = phase % job.Up.Columns;
        return vector;
    }

    private Command NewRow(LayerJob job, RowJob row, Tiling t, Geometry g, int outputBase, int parameterSlot, int laneTiles)
    {
        Command command = New(RowCommand.Definition, job, row.LayerIndex);
        command[Header.A.Count] = 1;
        Extent(command, Header.B, null, ExtentUnit.LaneTiles, 0, laneTiles);
        command.Set(RowCommand.Function, row.Function);
        command[RowCommand.MaximumKnown] = row.Function == RowFunction.Softmax;
        command[RowCommand.OutputBase] = outputBase;
        command[RowCommand.Channels] = row.Channels;
        command[RowCommand.ParameterBase] = parameterSlot * slots.ParameterTiles;
        command[RowCommand.ZeroPoint] = row.ZeroPoint;
        command[RowCommand.ClampLow] = row.ClampLow;
        command[RowCommand.ClampHigh] = row.ClampHigh;
        command[RowCommand.ExponentMultiplier] = row.ExponentMultiplier;
        command[RowCommand.OutputMultiplier] = row.OutputScale.Multiplier;
        command[RowCommand.OutputShift] = row.OutputScale.Shift;
        command[RowCommand.Epsilon] = row.Epsilon;
        command[RowCommand.Rows] = t.Rows;
        command[RowCommand.Columns] = t.Columns;
        command[RowCommand.BlockWords] = t.Rows * g.RowWords;
        command[RowCommand.RowStepWords] = g.RowWords;
        if (job.TableAddress is not null)
        {
            command[RowCommand.TableEnable] = true;
            command[RowCommand.TableSlot] = parameterSlot;
        }

        if (row.ParameterAddress is not null)
            Wait(command, Semaphore.ParameterReady);
        command[Header.Signal0] = Token(Semaphore.OutputReady);
        command[Header.Signal1] = Token(Semaphore.ParameterFree);
        return command;
    }

    private Command NewCompute(
        LayerJob job,
        Tiling t,
        Geometry g,
        int chunk,
        int chunks,
        int laneTile,
        int laneTiles,
        int phase,
        int y0,
        int x0,
        int inputBase,
        int weightBase
    )
    {
        Command compute = New(ComputeCommand.Definition, job);
        int vectorsFrom = chunk * t.ChunkVectors;
        int vectors = job.Depthwise ? 1 : Math.Min(t.ChunkVectors, g.Vectors - vectorsFrom);
        Extent(compute, Header.A, job.Depthwise ? null : job.InputExtent, ExtentUnit.Vectors, job.Depthwise ? 0 : vectorsFrom, vectors);
        OutputExtent(compute, Header.B, job, ExtentUnit.LaneTiles, laneTile, laneTiles);
        compute[ComputeCommand.FirstChunk] = job.Depthwise || chunk == 0;
        compute[ComputeCommand.LastChunk] = job.Depthwise || chunk == chunks - 1;
        compute[ComputeCommand.Diagonal] = job.Depthwise;
        compute[ComputeCommand.WeightPerTap] = job.WeightPerTap;
        compute[ComputeCommand.WeightScalar] = job.WeightScalar;
        compute[ComputeCommand.ScalarBase] = job.WeightScalar ? phase * TilingSearch.PhaseScalars(config, job) : 0;
        compute[ComputeCommand.RowTaps] = job.RowTaps;
        compute[ComputeCommand.Maximum] = job.Maximum;
        compute[ComputeCommand.PesPerRow] = t.PeColumns;
        int plane = g.WindowRows * g.WindowWords;
        int firstPlane = job.Depthwise ? laneTile / config.Derived.LaneSegments : vectorsFrom;
        compute[ComputeCommand.InputBase] = inputBase + (firstPlane * plane);
        compute[ComputeCommand.WeightBase] = weightBase;
        compute[ComputeCommand.TailLanes] = job.Depthwise || chunk != chunks - 1 ? 0 : job.Input.Shape.Channels % config.Array.VectorWidth;
        compute[ComputeCommand.ZeroPoint] = job.InputZeroPoint;
        compute[ComputeCommand.KernelRows] = job.Kernel.Rows;
        compute[ComputeCommand.KernelColumns] = job.Kernel.Columns;
        compute[ComputeCommand.StrideColumns] = job.Stride.Columns;
        compute[ComputeCommand.DilationColumns] = job.Dilation.Columns;
        compute[ComputeCommand.RowStepWords] = job.Stride.Rows * g.WindowWords;
        compute[ComputeCommand.TapStepWords] = job.Dilation.Rows * g.WindowWords;
        compute[ComputeCommand.StrideRows] = job.Stride.Rows;
        compute[ComputeCommand.DilationRows] = job.Dilation.Rows;
        compute[ComputeCommand.Rows] = t.Rows;
        compute[ComputeCommand.Columns] = t.Columns;
        compute[ComputeCommand.ColumnOffset] = g.ColumnOffset;
        compute[ComputeCommand.BlockWords] = plane;
        compute[ComputeCommand.OriginRow] = (y0 * job.Stride.Rows) - job.PadTop;
        compute[ComputeCommand.OriginColumn] = (x0 * job.Stride.Columns) - job.PadLeft - g.ColumnOffset;
        compute[ComputeCommand.PeRowStep] = t.Rows * job.Stride.Rows;
        compute[ComputeCommand.PeColumnStep] = t.Columns * job.Stride.Columns;
        compute[ComputeCommand.ImageRows] = job.Input.Shape.Height;
        compute[ComputeCommand.ImageColumns] = job.Input.Shape.Width;
        if (job.Resize is ResizeJob resize)
        {
            // The taps of a phase start a little further into the window that all phases share.
            compute[ComputeCommand.Replicate] = true;
            compute[ComputeCommand.RowOffset] = resize.FirstRow[phase / job.Up.Columns] + job.PadTop;
            compute[ComputeCommand.ColumnOffset] = g.ColumnOffset + resize.FirstColumn[phase % job.Up.Columns] + job.PadLeft;
        }

        return compute;
    }

    // Stores an output group and gives its slot back; the last one of a layer tells when its results are in memory.
    private void AddStores(LayerJob job, Tiling t, Geometry g, int y0, int x0, int from, int count, int outputBase, bool last)
    {
        List<Command> stores = [.. Stores(job, t, g, y0, x0, from, count, outputBase)];
        Wait(stores[0], Semaphore.OutputReady);
        stores[^1][Header.Signal0] = Token(Semaphore.OutputFree);
        stores[^1][Header.Signal1] = last ? Token(Semaphore.Written) : null;
        Commands.AddRange(stores);
    }

    // The commands that store an output group: one, or one per head where pixels and channels are exchanged.
    private IEnumerable<Command> Stores(LayerJob job, Tiling t, Geometry g, int y0, int x0, int from, int count, int outputBase)
    {
        int segments = config.Derived.LaneSegments,
            blocksFrom = from / segments,
            blocks = Geometry.Ceil(count, segments);
        if (job.Transposed is not TensorLayout target)
        {
            Command store = New(StoreCommand.Definition, job, job.Row?.LayerIndex);
            OutputExtent(store, Header.A, job, ExtentUnit.Vectors, blocksFrom, job.Row?.Function == RowFunction.ArgMax ? 1 : blocks);
            Extent(store, Header.B, null, ExtentUnit.Vectors, 0, 1);
            FillStore(store, job, t, g, y0, x0, blocksFrom, outputBase);
            yield return store;
            yield break;
        }

        int r = config.Derived.VectorsPerWord,
            c0 = config.Array.VectorWidth,
            channels = target.Shape.Width;
        int perHead = Geometry.Ceil(channels, c0),
            blockWords = t.Rows * g.RowWords;
        int pixelsLeft = g.Width - x0,
            elements = Math.Min(t.PeColumns, Geometry.Ceil(pixelsLeft, t.Columns));
        for (int block = blocksFrom; block < blocksFrom + blocks; )
        {
            int head = job.Batch + (block / perHead),
                inHead = block % perHead,
                here = Math.Min(perHead - inHead, blocksFrom + blocks - block);
            if (head >= target.Shape.Batch)
                yield break;
            Command store = New(StoreCommand.Definition, job, job.Row?.LayerIndex);
            OutputExtent(store, Header.A, job, ExtentUnit.Vectors, block, here);
            Extent(store, Header.B, null, ExtentUnit.Vectors, 0, 1);
            store[StoreCommand.Transpose] = true;
            store[StoreCommand.PesPerRow] = elements;
            store[StoreCommand.PeRows] = 1;
            store[StoreCommand.LocalBase] = outputBase + ((block - blocksFrom) * blockWords);
            store[StoreCommand.Address] =
                target.Address
                + (head * target.BatchBytes)
                + (x0 / c0 * target.PlaneBytes)
                + ((long)inHead * c0 * config.Derived.VectorPitchBytes);
            store[StoreCommand.Rows] = t.Columns / c0;
            store[StoreCommand.LastRows] =
                Geometry.Ceil(pixelsLeft - ((elements - 1) * t.Columns), c0) is var last && last > t.Columns / c0 ? t.Columns / c0 : last;
            store[StoreCommand.Words] = c0 / r;
            store[StoreCommand.LastWords] = inHead + here == perHead ? Geometry.Ceil(channels - ((perHead - 1) * c0), r) : c0 / r;
            store[StoreCommand.StrideA] = (long)c0 * config.Derived.VectorPitchBytes;
            store[StoreCommand.StrideRow] = target.PlaneBytes;
            store[StoreCommand.StridePeRow] = 0;
            store[StoreCommand.StridePeColumn] = t.Columns / c0 * target.PlaneBytes;
            store[StoreCommand.BlockWords] = blockWords;
            store[StoreCommand.RowWords] = c0 / r;
            yield return store;
            block += here;
        }
    }

    // Neighbouring weight slots; and how many tokens of slots given back their load takes.
    private (int Base, int Waits) ReserveWeights(LayerJob job, int count)
    {
        // Slots at the end of the ring that are too few are passed by: loaded with nothing and given back in their turn.
        while ((weightUse % slots.WeightSlots) + count > slots.WeightSlots)
        {
            Commands.Add(
                Empty(LoadCommand.Definition, job, weightUse >= slots.WeightSlots ? Semaphore.WeightFree : null, Semaphore.WeightReady)
            );
            Commands.Add(Empty(ComputeCommand.Definition, job, Semaphore.WeightReady, Semaphore.WeightFree));
            weightUse++;
        }

        int first = weightUse % slots.WeightSlots,
            waits = 0;
        for (int i = 0; i < count; i++)
            waits += weightUse++ >= slots.WeightSlots ? 1 : 0;
        return (first * slots.WeightTiles, waits);
    }

    // A command that moves nothing, only tokens.
    private static Command Empty(CommandDefinition definition, LayerJob job, Semaphore? wait, Semaphore? signal)
    {
        Command command = New(definition, job);
        command[Header.B.Count] = 1;
        Wait(command, wait);
        command[Header.Signal0] = signal is Semaphore s ? Token(s) : null;
        return command;
    }

    // The items in an order in which every prefix of them is spread evenly: by the multiples of the golden section.
    private static IEnumerable<T> Interleave<T>(IReadOnlyList<T> items) =>
        Enumerable.Range(0, items.Count).OrderBy(i => i * 0.6180339887498949 % 1).Select(i => items[i]);

    private void FillStore(Command store, LayerJob job, Tiling t, Geometry g, int y0, int x0, int block, int localBase)
    {
        int r = config.Derived.VectorsPerWord;
        long rowBytes = (long)job.Output.RowPitchWords * config.Derived.WordBytes;
        (int upRows, int upColumns) = job.Up;
        y0 *= upRows;
        x0 *= upColumns;
        int rows = t.Rows * upRows,
            rowsLeft = job.Output.Shape.Height - y0,
            wordsLeft = job.Output.RowWords - (x0 / r);
        int peRows = Math.Min(t.PeRows, Geometry.Ceil(rowsLeft, rows)),
            peColumns = Math.Min(t.PeColumns, Geometry.Ceil(wordsLeft, g.RowWords));
        store[StoreCommand.PesPerRow] = peColumns;
        store[StoreCommand.LocalBase] = localBase;
        store[StoreCommand.Address] =
            job.Output.Address
            + (job.Batch * job.Output.BatchBytes)
            + (block * job.Output.PlaneBytes)
            + (y0 * rowBytes)
            + ((long)(x0 / r) * config.Derived.WordBytes);
        store[StoreCommand.PeRows] = peRows;
        store[StoreCommand.PeRowSkip] = t.PeColumns - peColumns;
        store[StoreCommand.Rows] = rows;
        store[StoreCommand.LastRows] = Math.Min(rows, rowsLeft - ((peRows - 1) * rows));
        store[StoreCommand.Words] = g.RowWords;
        store[StoreCommand.LastWords] = Math.Min(g.RowWords, wordsLeft - ((peColumns - 1) * g.RowWords));
        store[StoreCommand.StrideA] = job.Output.PlaneBytes;
        store[StoreCommand.StrideRow] = rowBytes;
        store[StoreCommand.StridePeRow] = rows * rowBytes;
        store[StoreCommand.StridePeColumn] = (long)g.RowWords * config.Derived.WordBytes;
        store[StoreCommand.BlockWords] = rows * g.RowWords;
        store[StoreCommand.RowWords] = g.RowWords;
    }

    private void Scatter(
        Command load,
        int pesPerRow,
        int localBase,
        TensorLayout tensor,
        int batch,
        int block,
        int yFrom,
        int yTo,
        int xFrom,
        int xTo,
        int rowOrigin,
        int columnOrigin,
        int windowRows,
        int windowWords,
        int peRowStep,
        int peColumnStep
    )
    {
        int rows = yTo - yFrom,
            words = xTo - xFrom,
            wordBytes = config.Derived.WordBytes,
            beats = config.Derived.BeatsPerWord;
        long rowBytes = (long)tensor.RowPitchWords * wordBytes;
        bool whole = words == tensor.RowPitchWords;
        load[LoadCommand.PesPerRow] = pesPerRow;
        load[LoadCommand.LocalBase] = localBase;
        load[LoadCommand.Address] =
            tensor.Address + (batch * tensor.BatchBytes) + (block * tensor.PlaneBytes) + (yFrom * rowBytes) + ((long)xFrom * wordBytes);
        load[LoadCommand.SegmentBeats] = (whole ? rows : 1) * words * beats;
        load[LoadCommand.Rows] = whole ? 1 : rows;
        load[LoadCommand.StrideA] = tensor.PlaneBytes;
        load[LoadCommand.StrideRow] = rowBytes;
        load[LoadCommand.RowOrigin] = rowOrigin;
        load[LoadCommand.ColumnOrigin] = columnOrigin;
        load[LoadCommand.RowWords] = words;
        load[LoadCommand.TileRows] = rows;
        load[LoadCommand.WindowRows] = windowRows;
        load[LoadCommand.WindowWords] = windowWords;
        load[LoadCommand.PeRowStep] = peRowStep;
        load[LoadCommand.PeColumnStep] = peColumnStep;
        load[LoadCommand.BlockWords] = windowRows * windowWords;
    }

    private static Command New(CommandDefinition definition, LayerJob job, int? layer = null)
    {
        var command = new Command(definition) { [Header.Tag] = layer ?? job.LayerIndex };
        if (job.Block is int block)
        {
            command[Header.PredicateEnable] = true;
            command[Header.PredicateIndex] = block;
            command[Header.PredicateInvert] = job.WhereSkipped;
        }

        return command;
    }

    private static void Extent(Command command, Axis axis, int? register, ExtentUnit unit, int from, int count)
    {
        command[axis.Base] = from;
        command[axis.Count] = count;
        command.Set(axis.Unit, unit);
        if (register is int r)
        {
            command[axis.Dynamic] = true;
            command[axis.Register] = r;
        }
    }

    // An axis of output channels, in vectors or lane tiles from the layer's first.
    private void OutputExtent(Command command, Axis axis, LayerJob job, ExtentUnit unit, int from, int count) =>
        Extent(
            command,
            axis,
            job.OutputExtent,
            unit,
            from + (job.OutputExtent is null ? 0 : job.ExtentStart * (unit == ExtentUnit.Vectors ? 1 : config.Derived.LaneSegments)),
            count
        );

    private static int Token(Semaphore semaphore) => (int)semaphore;

    private static void Wait(Command command, params ReadOnlySpan<Semaphore?> semaphores)
    {
        int index = 0;
        foreach (Semaphore? semaphore in semaphores)
        {
            if (semaphore is Semaphore s)
                command[Header.Waits[index++]] = Token(s);
        }
    }

    private static int FloorDiv(int a, int b) => (a / b) - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}
