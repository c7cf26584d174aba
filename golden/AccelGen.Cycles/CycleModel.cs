using AccelGen.Config;
using AccelGen.Isa;

namespace AccelGen.Cycles;

/// <summary>Timing of a memory behind the AXI port: deterministic, in-order, reads and writes independent.</summary>
/// <param name="ReadLatency">Cycles from an accepted read address to its first beat, 1 or more.</param>
/// <param name="ReadInterval">Cycles from one read beat to the next; bandwidth is bus width / interval.</param>
/// <param name="WriteLatency">Cycles from the last write beat of a burst to its response, 1 or more.</param>
/// <param name="WriteInterval">Cycles from one write beat to the next.</param>
public sealed record MemoryTiming(int ReadLatency = 40, int ReadInterval = 1, int WriteLatency = 10, int WriteInterval = 1);

/// <summary>When a command ran: cycles since the start of the program.</summary>
/// <param name="Start">Cycle in which it leaves its queue.</param>
/// <param name="Done">Cycle in which its work is complete.</param>
public readonly record struct CommandTiming(long Start, long Done);

/// <summary>What the cycle model predicts for one run of a program.</summary>
/// <param name="TotalCycles">Cycles from start to done.</param>
/// <param name="Counters">Every counter of the ISA table, by its index.</param>
/// <param name="Commands">Timing per command of the program; commands that no queue executes have zeros.</param>
/// <param name="Beats">Beats that each command moves over the bus.</param>
/// <param name="Busy">Cycles in which each command issues work, the one of its start not counted: with one per command they are the Busy
/// counters, but for what a VECTOR does while a ROW works as well.</param>
public sealed record CyclePrediction(long TotalCycles, long[] Counters, CommandTiming[] Commands, long[] Beats, long[] Busy)
{
    /// <summary>Cycles since the start at which each CHECKPOINT of the program is reached, by its index; what a budget is compared
    /// with.</summary>
    public IReadOnlyDictionary<int, long> Checkpoints { get; init; } = new Dictionary<int, long>();

    /// <summary>What they chose.</summary>
    public IReadOnlyList<Decision> Decisions { get; init; } = [];

    /// <summary>Row of the path table that the program ended on.</summary>
    public int Row { get; init; }
}

/// <summary>The program cannot run to its end: a command waits for a token that no earlier command gives.</summary>
public sealed class ProgramOrderException(string message) : Exception(message);

/// <summary>
/// Exact model of the RTL's timing. Commands are visited in program order; because every token is given by a command
/// earlier in the program and every arbiter is in order, each start and end is a maximum over times already known.
/// </summary>
public sealed class CycleModel(AcceleratorConfig config, MemoryTiming memory)
{
    private const int DescriptorDepth = 4; // loads whose data are on the way
    private const int DataDepth = 8; // beats buffered in front of the write channel
    private const int PostProcessing = 6; // cycles from the issue of a pixel to its result in the buffer
    private const int RowSettling = 7; // cycles after each pass of a row operator
    private const int Choosing = 1 + IsaDefinition.CheckpointCandidates; // cycles of a CHECKPOINT beyond those of any command

    private enum Category
    {
        Busy,
        WaitLoad,
        WaitCompute,
        WaitVector,
        WaitStore,
        MemoryStall,
        Idle,
    }

    /// <summary>Predicts a run.</summary>
    /// <param name="program">Commands in program order, as they lie in memory; the first block is at
    /// <paramref name="programAddress"/>.</param>
    /// <param name="programAddress">Byte address of the program.</param>
    /// <param name="path">Active row of the path table.</param>
    /// <param name="log">Takes the cycles in which each unit works and waits, or null.</param>
    /// <exception cref="ProgramOrderException">A command waits for a token that no earlier command gives.</exception>
    public CyclePrediction Predict(IReadOnlyList<Command> program, long programAddress, PathRow path, ActivityLog? log = null) =>
        Predict(program, programAddress, FrameControl.Of(path), log);

    /// <summary>Predicts a run with its budget.</summary>
    /// <param name="program">Commands in program order, as they lie in memory; the first block is at
    /// <paramref name="programAddress"/>.</param>
    /// <param name="programAddress">Byte address of the program.</param>
    /// <param name="control">Path table, row that the program starts on, budget.</param>
    /// <param name="log">Takes the cycles in which each unit works and waits, or null.</param>
    /// <exception cref="ProgramOrderException">A command waits for a token that no earlier command gives.</exception>
    public CyclePrediction Predict(IReadOnlyList<Command> program, long programAddress, FrameControl control, ActivityLog? log = null)
    {
        var run = new Run(config, memory, program, control, log);
        run.Execute(programAddress);
        return run.Result();
    }

    private sealed class Run(
        AcceleratorConfig config,
        MemoryTiming memory,
        IReadOnlyList<Command> program,
        FrameControl control,
        ActivityLog? log
    )
    {
        private readonly CheckpointRule rule = new(control);
        private readonly Dictionary<int, long> checkpoints = [];
        private PathRow path = control.Rows[control.Selected];
        private readonly int beatBytes = config.Derived.BeatBytes;
        private readonly int queueDepth = config.Control.QueueDepth;
        private readonly long[][] categories = [new long[7], new long[7], new long[7], new long[7]];
        private readonly CommandTiming[] timings = new CommandTiming[program.Count];
        private readonly Queue<(long Time, int Giver)>[] tokens = Enumerable
            .Range(0, IsaDefinition.Semaphores)
            .Select(_ => new Queue<(long Time, int Giver)>())
            .ToArray();
        private readonly List<long>[] pops =
        [
            [],
            [],
            [],
            [],
        ];
        private readonly long[] filled = new long[program.Count]; // first cycle in which a command can be read from the buffer
        private readonly long[] beatsMoved = new long[program.Count];
        private readonly long[] busyCycles = new long[program.Count];

        // Load queue.
        private long loadFree = 1,
            lastAddress = -1,
            lastBeat = long.MinValue / 2,
            lastDescriptorPop = long.MinValue / 2,
            readBeats;
        private readonly List<long> descriptorPops = [];
        private readonly List<long> burstEnds = [];
        private int fetched;

        // Compute and vector queues.
        private long computeFree = 1,
            macCycles;
        private long vectorFree = 1,
            vectorActive,
            emitted;
        private long rowStart,
            rowFree = 1; // the last ROW works from the one to before the other
        private readonly long[] givenLast = new long[IsaDefinition.Semaphores];
        private int vectorLeft;
        private int vectorCommand = -1;

        // Store queue.
        private long storeFree = 1,
            lastRead = -1,
            lastWrite = long.MinValue / 2,
            writeBeats,
            beatIndex;
        private readonly long[] writeTimes = new long[DataDepth];
        private readonly List<long> completions = [];
        private long total;

        public void Execute(long programAddress)
        {
            // Cycle 0 carries the start pulse; in cycle 1 the command processor queues the load of the first block.
            Load(-1, Command.Fetch(programAddress, config.Control.CommandBlock * config.Derived.BeatsPerCommand), 1);
            long read = 2;
            for (int n = 0; n < program.Count; n++)
            {
                Command command = program[n];
                if (n >= fetched)
                    throw new ProgramOrderException($"command {n} lies beyond the blocks fetched so far");
                read = Math.Max(read, filled[n]);
                long push = read + 2;
                if (command.Definition.Queue is Queue queue)
                {
                    List<long> popped = pops[(int)queue];
                    // The boot command is the first entry of the load queue.
                    if (popped.Count >= queueDepth)
                        push = Math.Max(push, popped[^queueDepth] + 1);
                    switch (queue)
                    {
                        case Queue.Load:
                            Load(n, command, push);
                            break;
                        case Queue.Compute:
                            Compute(n, command, push);
                            break;
                        case Queue.Vector when command.Is(RowCommand.Definition):
                            Row(n, command, push);
                            break;
                        case Queue.Vector:
                            Vector(n, command, push);
                            break;
                        default:
                            Store(n, command, push);
                            break;
                    }
                }
                else if (command.Is(IsaDefinition.End))
                {
                    total = Math.Max(push + 1, Math.Max(lastDescriptorPop + 3, loadFree));
                    total = Math.Max(total, Math.Max(computeFree, Math.Max(vectorFree, rowFree)));
                    total = Math.Max(total, storeFree);
                    if (completions.Count > 0)
                        total = Math.Max(total, completions[^1] + 1);
                    if (vectorLeft > 0)
                        throw new ProgramOrderException("a VECTOR command never receives all its sums");
                    Idle(Queue.Load, loadFree, total + 1, lastDescriptorPop);
                    Idle(Queue.Compute, computeFree, total + 1, -1);
                    Idle(Queue.Vector, vectorFree, total + 1, -1);
                    Idle(Queue.Store, storeFree, total + 1, completions.Count > 0 ? completions[^1] : -1);
                    return;
                }
                else if (command.Is(CheckpointCommand.Definition))
                {
                    // The counter stands at the cycles before this one.
                    checkpoints[n] = push - 1;
                    rule.Execute(command, push - 1);
                    path = control.Rows[rule.Active];
                    push += Choosing;
                }

                read = push + 1;
            }

            throw new ProgramOrderException("the program has no END");
        }

        public CyclePrediction Result()
        {
            long[] counters = new long[IsaDefinition.Counters.Count];
            counters[0] = total;
            counters[1] = macCycles;
            counters[2] = readBeats;
            counters[3] = writeBeats;
            for (int q = 0; q < 4; q++)
                categories[q].CopyTo(counters, 4 + (7 * q));
            return new CyclePrediction(total, counters, timings, beatsMoved, busyCycles)
            {
                Checkpoints = checkpoints,
                Decisions = rule.Decisions,
                Row = rule.Active,
            };
        }

        // Cycles [from, to) in which a queue has no command; the memory stalls it while transfers are in flight.
        private void Idle(Queue queue, long from, long to, long lastTransfer)
        {
            if (to <= from)
                return;
            long stalled = Math.Clamp(lastTransfer + 1 - from, 0, to - from);
            categories[(int)queue][(int)Category.MemoryStall] += stalled;
            Attribute(queue, Category.Idle, from + stalled, to);
        }

        // Cycles [from, to) of a queue. The vector queue is busy while a ROW works, whatever the commands behind it do.
        private void Attribute(Queue queue, Category category, long from, long to) =>
            categories[(int)queue][(int)category] += queue == Queue.Vector ? WithoutRow(from, to) : to - from;

        private long WithoutRow(long from, long to) => to - from - Math.Max(0, Math.Min(to, rowFree) - Math.Max(from, rowStart));

        // Cycle in which a queue takes a command that was pushed in a given cycle; attributes the cycles before.
        private long Start(Queue queue, int n, Command command, long push, long free, long space, long lastTransfer)
        {
            long cursor = Math.Max(free, push + 1);
            Idle(queue, free, cursor, lastTransfer);
            long[] category = categories[(int)queue];
            if (space > cursor)
            {
                category[(int)Category.MemoryStall] += space - cursor;
                cursor = space;
            }

            // What shares a part with the row operators waits for them: the ROW's own cycles, counted already.
            if (
                queue == Queue.Vector
                && (
                    command.Is(RowCommand.Definition)
                    || command[VectorCommand.Forward]
                    || command[VectorCommand.CaptureReciprocal]
                    || command[VectorCommand.UseReciprocal]
                )
            )
                cursor = Math.Max(cursor, rowFree);

            // The queues take and give tokens as one mask: a semaphore named twice would move one token.
            if (
                Twice(command[Header.Wait0], command[Header.Wait1])
                || Twice(command[Header.Wait0], command[Header.Wait2])
                || Twice(command[Header.Wait1], command[Header.Wait2])
                || Twice(command[Header.Signal0], command[Header.Signal1])
            )
                throw new ProgramOrderException($"command {n} ({command}) names a semaphore twice");
            for (int w = 0; w < Header.Waits.Count; w++)
            {
                if (command[Header.Waits[w]] is not int semaphore)
                    continue;
                if (!tokens[semaphore].TryDequeue(out (long Time, int Giver) token))
                    throw new ProgramOrderException(
                        $"command {n} ({command}) waits for semaphore {semaphore}, and no earlier command gives it"
                    );
                if (token.Time > cursor)
                {
                    Attribute(queue, Category.WaitLoad + (semaphore >> 2), cursor, token.Time);
                    log?.Waits(queue, n, cursor, token.Time, token.Giver);
                    cursor = token.Time;
                }
            }

            Attribute(queue, Category.Busy, cursor, cursor + 1);
            log?.Starts(queue, n, cursor);
            pops[(int)queue].Add(cursor);
            return cursor;
        }

        private static bool Twice(int? a, int? b) => a is not null && a == b;

        private void Signal(int n, Command command, TokenField field, long visible)
        {
            if (command[field] is not int semaphore)
                return;
            // Whoever waits could not tell the tokens apart.
            if (command.Definition.Queue == Queue.Vector && visible <= givenLast[semaphore])
                throw new ProgramOrderException($"{command} gives semaphore {semaphore} before the ROW command that it runs beside");
            givenLast[semaphore] = visible;
            tokens[semaphore].Enqueue((visible, n));
        }

        private void Load(int n, Command command, long push)
        {
            long space = descriptorPops.Count >= DescriptorDepth ? descriptorPops[^DescriptorDepth] + 1 : 0;
            long start = Start(Queue.Load, n, command, push, loadFree, space, lastDescriptorPop);
            long descriptorReady = Math.Max(start + 1, lastDescriptorPop + 1);
            long pop;
            if (n >= 0 && path.Skips(command))
            {
                pop = descriptorReady;
                loadFree = start + 1;
            }
            else
            {
                int a = n < 0 ? 1 : path.Resolve(command, Header.A),
                    b = n < 0 ? 1 : path.Resolve(command, Header.B);
                bool lengthMode = command[LoadCommand.LengthMode];
                long segment = command[LoadCommand.SegmentBeats] * (lengthMode ? a : 1);
                int outer = lengthMode ? 1 : a;
                int rows = (int)command[LoadCommand.Rows];
                long address = n < 0 ? command[LoadCommand.Address] : path.Address(command),
                    strideRow = command[LoadCommand.StrideRow],
                    strideA = command[LoadCommand.StrideA],
                    strideB = command[LoadCommand.StrideB];
                long first = start + 1;
                bool fetch = command.Fetches;
                long issued = 0;
                lastAddress = Math.Max(lastAddress, start);
                for (int ib = 0; ib < b; ib++)
                {
                    for (int ia = 0; ia < outer; ia++)
                    {
                        for (int row = 0; row < rows; row++)
                        {
                            long cursor = address + (ib * strideB) + (ia * strideA) + (row * strideRow);
                            long left = segment;
                            while (left > 0)
                            {
                                long beats = Math.Min(Math.Min(left, (4096 - (cursor & 4095)) / beatBytes), config.Axi.MaxBurstBeats);
                                long issue = Math.Max(lastAddress + 1, first);
                                if (burstEnds.Count >= config.Axi.OutstandingReads)
                                    issue = Math.Max(issue, burstEnds[^config.Axi.OutstandingReads] + 1);
                                lastAddress = issue;
                                issued++;
                                long beat = Math.Max(
                                    issue + 1 + memory.ReadLatency,
                                    Math.Max(lastBeat + memory.ReadInterval, descriptorReady)
                                );
                                if (fetch)
                                    Fill(beat, beats);
                                lastBeat = beat + ((beats - 1) * memory.ReadInterval);
                                log?.Works(Work.Load, n, beat, lastBeat + memory.ReadInterval);
                                burstEnds.Add(lastBeat);
                                readBeats += beats;
                                if (n >= 0)
                                    beatsMoved[n] += beats;
                                left -= beats;
                                cursor += beats * beatBytes;
                            }
                        }
                    }
                }

                categories[0][(int)Category.Busy] += issued;
                if (n >= 0)
                    busyCycles[n] = issued;
                categories[0][(int)Category.MemoryStall] += lastAddress - start - issued;
                loadFree = lastAddress + 1;
                pop = lastBeat;
            }

            lastDescriptorPop = pop;
            descriptorPops.Add(pop);
            Signal(n, command, Header.Signal0, pop + 3);
            Signal(n, command, Header.Signal1, pop + 3);
            if (n >= 0)
                timings[n] = new CommandTiming(start, pop + 2);
        }

        private int fillBeat;

        // Beats of a program block: a command can be read three cycles after its last beat.
        private void Fill(long firstBeat, long beats)
        {
            for (long i = 0; i < beats; i++)
            {
                if (++fillBeat < config.Derived.BeatsPerCommand)
                    continue;
                fillBeat = 0;
                if (fetched < filled.Length)
                    filled[fetched] = firstBeat + (i * memory.ReadInterval) + 3;
                fetched++;
            }
        }

        private void Compute(int n, Command command, long push)
        {
            long start = Start(Queue.Compute, n, command, push, computeFree, 0, -1);
            if (path.Skips(command))
            {
                computeFree = start + 1;
                Signal(n, command, Header.Signal0, start + 1);
                Signal(n, command, Header.Signal1, start + 1);
                timings[n] = new CommandTiming(start, start);
                return;
            }

            int a = command[ComputeCommand.Diagonal] ? 1 : path.Resolve(command, Header.A),
                tiles = path.Resolve(command, Header.B);
            bool final = command[Header.A.Dynamic]
                ? command[ComputeCommand.LastChunk] || command[Header.A.Base] + command[Header.A.Count] >= path.Limit(command, Header.A)
                : command[ComputeCommand.LastChunk];
            long pixels = command[ComputeCommand.Rows] * command[ComputeCommand.Columns];
            long steps = a * command[ComputeCommand.KernelRows] * command[ComputeCommand.KernelColumns];
            long cursor = start + 1,
                since = cursor;
            for (int tile = 0; tile < tiles; tile++)
            {
                cursor += (steps - 1) * pixels;
                if (final)
                {
                    if (vectorLeft == 0)
                        throw new ProgramOrderException($"command {n} ({command}) completes sums that no VECTOR command takes");
                    if (vectorActive > cursor)
                    {
                        categories[1][(int)Category.WaitVector] += vectorActive - cursor;
                        log?.Works(Work.Array, n, since, cursor);
                        log?.Waits(Queue.Compute, n, cursor, vectorActive, vectorCommand);
                        since = cursor = vectorActive;
                    }

                    emitted += WithoutRow(cursor, cursor + pixels);
                    log?.Works(Work.PostProcessing, vectorCommand, cursor, cursor + pixels + (vectorLeft == 1 ? PostProcessing : 0));
                    if (--vectorLeft == 0)
                        FinishVector(cursor + pixels - 1);
                }

                cursor += pixels;
            }

            log?.Works(Work.Array, n, since, cursor);
            macCycles += tiles * steps * pixels;
            busyCycles[n] = tiles * steps * pixels;
            categories[1][(int)Category.Busy] += busyCycles[n];
            computeFree = cursor;
            Signal(n, command, Header.Signal0, cursor);
            Signal(n, command, Header.Signal1, cursor);
            timings[n] = new CommandTiming(start, cursor - 1);
        }

        private void FinishVector(long lastPixel)
        {
            Command command = program[vectorCommand];
            busyCycles[vectorCommand] =
                ((long)path.Resolve(command, Header.B) * command[VectorCommand.Rows] * command[VectorCommand.Columns]) + PostProcessing;
            vectorFree = lastPixel + PostProcessing + 1;
            categories[2][(int)Category.Busy] += emitted + WithoutRow(lastPixel + 1, vectorFree);
            categories[2][(int)Category.WaitCompute] += WithoutRow(vectorActive, lastPixel + 1) - emitted;
            Signal(vectorCommand, command, Header.Signal0, vectorFree);
            Signal(vectorCommand, command, Header.Signal1, vectorFree);
            timings[vectorCommand] = timings[vectorCommand] with { Done = vectorFree - 1 };
        }

        private void Vector(int n, Command command, long push)
        {
            if (vectorLeft > 0)
                throw new ProgramOrderException($"command {n} ({command}) comes before the sums of the VECTOR command before it");
            long start = Start(Queue.Vector, n, command, push, vectorFree, 0, -1);
            timings[n] = new CommandTiming(start, start);
            if (path.Skips(command))
            {
                vectorFree = start + 1;
                Signal(n, command, Header.Signal0, start + 1);
                Signal(n, command, Header.Signal1, start + 1);
                return;
            }

            vectorActive = start + 1;
            emitted = 0;
            vectorLeft = path.Resolve(command, Header.B);
            vectorCommand = n;
        }

        // Passes over the tile, a lane tile per cycle: maximum and sum for softmax, sum for layer normalisation, maximum for
        // arg max; then the pass that writes, of an index only one lane tile.
        private void Row(int n, Command command, long push)
        {
            if (vectorLeft > 0)
                throw new ProgramOrderException($"command {n} ({command}) comes before the sums of the VECTOR command before it");
            long start = Start(Queue.Vector, n, command, push, vectorFree, 0, -1);
            timings[n] = new CommandTiming(start, start);
            vectorFree = rowStart = rowFree = start + 1;
            if (!path.Skips(command))
            {
                bool overlaps = command[RowCommand.Overlap];
                if (
                    overlaps
                    && (
                        command.Get(RowCommand.Function) != RowFunction.Softmax
                        || !command[RowCommand.Forward]
                        || !command[RowCommand.MaximumKnown]
                        || command[RowCommand.TableEnable]
                    )
                )
                    throw new ProgramOrderException(
                        $"command {n} ({command}) overlaps although it is no forwarded softmax with known maxima and without a table"
                    );
                long pixels = command[RowCommand.Rows] * command[RowCommand.Columns],
                    tiles = path.Resolve(command, Header.B);
                int passes = command.Get(RowCommand.Function) == RowFunction.Softmax && !command[RowCommand.MaximumKnown] ? 3 : 2;
                long lanePasses = command.Get(RowCommand.Function) == RowFunction.ArgMax ? tiles + 1 : passes * tiles;
                long busy = (pixels * lanePasses) + (passes * RowSettling);
                busyCycles[n] = busy;
                categories[2][(int)Category.Busy] += busy;
                log?.Works(Work.RowOperator, n, rowFree, rowFree + busy);
                rowFree += busy;
                timings[n] = new CommandTiming(start, rowFree - 1);
                if (!overlaps)
                    vectorFree = rowFree;
            }

            Signal(n, command, Header.Signal0, rowFree);
            Signal(n, command, Header.Signal1, rowFree);
        }

        private void Store(int n, Command command, long push)
        {
            int outstanding = config.Axi.OutstandingWrites;
            long Space() => completions.Count >= outstanding ? completions[^outstanding] + 1 : 0;
            long LastCompletion() => completions.Count > 0 ? completions[^1] : long.MinValue / 2;
            long start = Start(Queue.Store, n, command, push, storeFree, Space(), LastCompletion());
            if (path.Skips(command))
            {
                long pop = Math.Max(start + 1, LastCompletion() + 1);
                completions.Add(pop);
                storeFree = start + 1;
                Signal(n, command, Header.Signal0, start + 1);
                Signal(n, command, Header.Signal1, pop + 1);
                timings[n] = new CommandTiming(start, pop);
                return;
            }

            int blocks = path.Resolve(command, Header.A);
            int peRows = (int)command[StoreCommand.PeRows],
                peColumns = (int)command[StoreCommand.PesPerRow];
            long address = command[StoreCommand.Address],
                issued = 0;
            bool transpose = command[StoreCommand.Transpose];
            int fill = config.Array.VectorWidth / config.Derived.VectorsPerWord; // words read before a transposed segment
            long fills = 0;
            long strideI = command[StoreCommand.StridePeRow],
                strideJ = command[StoreCommand.StridePeColumn],
                strideA = command[StoreCommand.StrideA],
                strideRow = command[StoreCommand.StrideRow];
            lastRead = Math.Max(lastRead, start);
            for (int i = 0; i < peRows; i++)
            {
                for (int j = 0; j < peColumns; j++)
                {
                    long rows =
                        (transpose ? j == peColumns - 1 : i == peRows - 1) ? command[StoreCommand.LastRows] : command[StoreCommand.Rows];
                    for (int block = 0; block < blocks; block++)
                    {
                        long beats =
                            (
                                (transpose ? block == blocks - 1 : j == peColumns - 1)
                                    ? command[StoreCommand.LastWords]
                                    : command[StoreCommand.Words]
                            ) * config.Derived.BeatsPerWord;
                        for (long row = 0; row < rows; row++)
                        {
                            long cursor = address + (i * strideI) + (j * strideJ) + (block * strideA) + (row * strideRow);
                            long left = beats;
                            if (transpose)
                            {
                                lastRead += fill;
                                fills += fill;
                            }

                            while (left > 0)
                            {
                                long burst = Math.Min(Math.Min(left, (4096 - (cursor & 4095)) / beatBytes), config.Axi.MaxBurstBeats);
                                for (long k = 0; k < burst; k++)
                                {
                                    long read = lastRead + 1;
                                    if (k == 0)
                                        read = Math.Max(read, Space());
                                    int slot = (int)(beatIndex % DataDepth);
                                    if (beatIndex >= DataDepth)
                                        read = Math.Max(read, writeTimes[slot] + 1);
                                    lastRead = read;
                                    lastWrite = Math.Max(read + 2, lastWrite + memory.WriteInterval);
                                    writeTimes[slot] = lastWrite;
                                    beatIndex++;
                                }

                                completions.Add(Math.Max(lastWrite + memory.WriteLatency, LastCompletion() + 1));
                                issued += burst;
                                left -= burst;
                                cursor += burst * beatBytes;
                            }
                        }
                    }
                }
            }

            log?.Works(Work.Store, n, start + 1, lastWrite + 1);
            writeBeats += issued;
            beatsMoved[n] = issued;
            busyCycles[n] = issued + fills;
            categories[3][(int)Category.Busy] += busyCycles[n];
            categories[3][(int)Category.MemoryStall] += lastRead - start - issued - fills;
            storeFree = lastRead + 1;
            Signal(n, command, Header.Signal0, lastRead + 1);
            Signal(n, command, Header.Signal1, LastCompletion() + 1);
            timings[n] = new CommandTiming(start, LastCompletion());
        }
    }
}
