using System.Numerics;
using System.Runtime.InteropServices;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Files;
using AccelGen.Isa;

namespace AccelGen.Sim;

/// <summary>The design made no progress, failed an assertion or reported an error.</summary>
public sealed class SimulationException(string message) : Exception(message);

/// <summary>What one run of a program showed.</summary>
/// <param name="Counters">Every counter of the ISA table, by its index.</param>
/// <param name="Commands">Start and end of every command that a queue executed.</param>
/// <param name="ErrorCode">Code of the Error register; 0 without an error.</param>
/// <param name="Error">Whole Error register.</param>
public sealed record RunResult(long[] Counters, CommandTiming[] Commands, int ErrorCode, uint Error)
{
    /// <summary>Cycles from start to done.</summary>
    public long TotalCycles => Counters[0];

    /// <summary>Row of the path table that the program ended on.</summary>
    public int Row { get; init; }

    /// <summary>Recorded choices of CHECKPOINT commands.</summary>
    public IReadOnlyList<Decision> Decisions { get; init; } = [];
}

/// <summary>The accelerator in simulation with its memory: registers through AXI4-Lite, data through AXI4.</summary>
public sealed unsafe class Simulator : IDisposable
{
    private readonly AcceleratorConfig config;
    private readonly VerilatedModel model;
    private readonly MemoryBus bus;
    private byte[]? memoryArray;
    private GCHandle pin;

    /// <summary>Loads a model and resets it.</summary>
    /// <param name="config">Configuration that the model was built for.</param>
    /// <param name="library">Path of the shared library.</param>
    public Simulator(AcceleratorConfig config, string library)
    {
        this.config = config;
        model = new VerilatedModel(library);
        bus = new MemoryBus(model, config);
        Reset();
        ulong hash = ReadRegister("ConfigHashLow") | ((ulong)ReadRegister("ConfigHashHigh") << 32);
        if (hash != config.Hash.Value)
            throw new SimulationException(
                $"the model has configuration hash {hash:x16}, the configuration {config.Name} has {config.Hash.Hex}"
            );
    }

    /// <summary>Cycles simulated so far, register accesses included.</summary>
    public long Cycle { get; private set; }

    /// <summary>Memory behind the AXI port.</summary>
    public Span<byte> Memory => memoryArray;

    /// <summary>Gives the accelerator a memory of its own with this content.</summary>
    /// <param name="bytes">Size.</param>
    /// <param name="image">Content from address 0.</param>
    public void LoadMemory(long bytes, ReadOnlySpan<byte> image)
    {
        FreeMemory();
        memoryArray = new byte[bytes];
        image.CopyTo(memoryArray);
        pin = GCHandle.Alloc(memoryArray, GCHandleType.Pinned);
        bus.Attach((byte*)pin.AddrOfPinnedObject(), bytes);
        WriteRegister("MemoryLimitLow", (uint)bytes);
        WriteRegister("MemoryLimitHigh", (uint)(bytes >> 32));
    }

    /// <summary>Writes a register by its name in the ISA table.</summary>
    public void WriteRegister(string name, uint value) => WriteAddress(OffsetOf(name), value);

    /// <summary>Reads a register by its name in the ISA table.</summary>
    public uint ReadRegister(string name) => ReadAddress(OffsetOf(name));

    /// <summary>Writes a row of the path table.</summary>
    public void WritePath(int row, PathRow path)
    {
        int offset = IsaDefinition.PathTableBase + (row * IsaDefinition.PathRowBytes);
        WriteAddress(offset, (uint)path.Keep);
        WriteAddress(offset + 4, (uint)(path.Keep >> 32));
        WriteAddress(offset + IsaDefinition.PathVariantOffset, (uint)path.Variant);
        for (int i = 0; i < path.Extents.Count; i++)
            WriteAddress(offset + IsaDefinition.PathExtentOffset + (4 * i), path.Extents[i]);
    }

    /// <summary>Writes a waveform of the next run; the model must be built for it.</summary>
    /// <param name="path">FST file, written as <see cref="OutputFile"/> does when the run is over.</param>
    /// <param name="from">First cycle of the run in it; 0 is the start of the program.</param>
    /// <param name="to">Cycle after the last one.</param>
    /// <exception cref="SimulationException">The model was built without waveforms.</exception>
    public void OpenWaveform(string path, long from = 0, long to = long.MaxValue)
    {
        if (!model.CanTrace)
            throw new SimulationException("the model was built without waveforms");
        waveform = (path, from, to);
    }

    /// <summary>Cycles since the start of the current or last program.</summary>
    public long RunCycle => Cycle - startCycle;

    /// <summary>Runs a program on the path that PathSelect names.</summary>
    /// <param name="program">Commands as they lie in memory, to match the trace with.</param>
    /// <param name="address">Byte address of the program.</param>
    /// <param name="programHash">Configuration hash that the program carries.</param>
    /// <param name="timing">Timing of the memory.</param>
    /// <param name="faults">Misbehaviour of the memory, or null.</param>
    /// <param name="limit">Cycles without any progress after which the run is given up.</param>
    /// <param name="storeDone">Called with the number of STORE commands whose data are in memory, each time it grows.</param>
    /// <exception cref="SimulationException">The design hangs or fails an assertion.</exception>
    /// <exception cref="InputException">The window of the waveform begins after the run.</exception>
    /// <exception cref="IOException">The waveform cannot be written.</exception>
    public RunResult Run(
        IReadOnlyList<Command> program,
        long address,
        ulong programHash,
        MemoryTiming timing,
        MemoryFaults? faults = null,
        long limit = 200_000,
        Action<int>? storeDone = null
    )
    {
        try
        {
            RunResult result = Execute(program, address, programHash, timing, faults, limit, storeDone);
            RequireWaveformBefore(result.TotalCycles);
            return result;
        }
        catch (SimulationException e) when (waveformFile is not null)
        {
            // The cycles up to here are what the fault is looked for in.
            try
            {
                CloseWaveform();
            }
            catch (IOException w)
            {
                throw new SimulationException($"{e.Message}; {w.Message}");
            }

            throw;
        }
    }

    /// <summary>Refuses a waveform's window that begins after a run; nothing where no waveform waits.</summary>
    /// <param name="cycles">Cycles of the run, or what it takes at least.</param>
    /// <exception cref="InputException">The window begins after the run.</exception>
    internal void RequireWaveformBefore(long cycles)
    {
        if (waveform is { } w && waveformFile is null && w.From >= cycles)
            throw new InputException(
                FaultCodes.Waveform,
                string.Empty,
                $"the waveform's window begins at cycle {w.From}",
                $"the run has the cycles 0 to {cycles - 1}"
            );
    }

    private RunResult Execute(
        IReadOnlyList<Command> program,
        long address,
        ulong programHash,
        MemoryTiming timing,
        MemoryFaults? faults,
        long limit,
        Action<int>? storeDone
    )
    {
        WriteRegister("ProgramLow", (uint)address);
        WriteRegister("ProgramHigh", (uint)(address >> 32));
        WriteRegister("ProgramHashLow", (uint)programHash);
        WriteRegister("ProgramHashHigh", (uint)(programHash >> 32));
        WriteRegister("Control", 2);

        // Commands per queue in order: what the trace pulses refer to.
        var starts = new List<long>[4];
        var ends = new List<long>[5]; // ROW by itself: commands behind it may be done before
        for (int q = 0; q < 4; q++)
            starts[q] = [];
        for (int q = 0; q < 5; q++)
            ends[q] = [];

        bus.Behave(timing, faults ?? new MemoryFaults());
        WriteRegister("Control", 1);
        // The slave registers the start pulse with the write; the response came one cycle later.
        long origin = startCycle,
            lastProgress = Cycle,
            lastPulse = Cycle,
            started = 0;
        long waveformEvent = waveform is { } w ? origin + w.From : long.MaxValue;
        byte* running = model.Pointer(Port.Running);
        ushort* trace = (ushort*)model.Pointer(Port.Trace);
        while (*running != 0 || Cycle <= origin + 2)
        {
            if (Cycle >= waveformEvent)
                waveformEvent = SwitchWaveform(origin);
            bus.Drive(Cycle);
            model.Clock();
            Cycle++;
            uint pulses = *trace;
            if (pulses != 0)
            {
                lastProgress = lastPulse = Cycle;
                for (int q = 0; q < 4; q++)
                {
                    // The trace is registered: the event was one cycle before this cycle's outputs.
                    if ((pulses >> q & 1) != 0)
                        starts[q].Add(Cycle - 1 - origin);
                }

                // The command processor makes one itself, which fetches the first block.
                started += BitOperations.PopCount(pulses & 0xF);
                if (started > program.Count + 1)
                    throw new SimulationException(
                        $"{Port.Trace} shows {started} commands after {RunCycle} cycles; the program has {program.Count}"
                    );

                for (int q = 0; q < 5; q++)
                {
                    if ((pulses >> (4 + q) & 1) != 0)
                        ends[q].Add(Cycle - 1 - origin);
                }

                if ((pulses & 0x80) != 0)
                    storeDone?.Invoke(ends[3].Count);
            }

            if (bus.Moved)
                lastProgress = Cycle;
            if (Cycle - lastProgress > limit)
                throw new SimulationException($"the design made no progress for {limit} cycles: {DescribeQueues()}");
            if (Cycle - lastPulse > CommandLimit)
                throw new SimulationException(
                    $"{Port.Trace} shows no command for {CommandLimit} cycles, though data move on the bus: {DescribeQueues()}"
                );
        }

        bus.Drive(Cycle);
        if (waveformFile is not null)
            CloseWaveform();
        if (model.Failed)
            throw new SimulationException("an assertion of the RTL failed; its message is on the standard output");
        uint error = ReadRegister("Error");
        long[] counters = new long[IsaDefinition.Counters.Count];
        for (int i = 0; i < counters.Length; i++)
            counters[i] =
                ReadAddress(IsaDefinition.CounterBase + (8 * i)) | ((long)ReadAddress(IsaDefinition.CounterBase + (8 * i) + 4) << 32);
        return new RunResult(counters, MatchTrace(program, starts, ends), (int)(error & 15), error)
        {
            Row = (int)ReadRegister("PathActive"),
            Decisions = ReadDecisions(),
        };
    }

    private Decision[] ReadDecisions()
    {
        int count = Math.Min((int)ReadRegister("Decisions"), IsaDefinition.DecisionEntries);
        return
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => IsaDefinition.DecisionBase + (8 * i))
                .Select(at => Decision.Decode(ReadAddress(at), ReadAddress(at + 4))),
        ];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        model.Dispose();
        waveformFile?.Dispose();
        FreeMemory();
    }

    private long startCycle;
    private (string Path, long From, long To)? waveform;
    private OutputFile? waveformFile;

    // Opens the waveform, or closes it; the cycle of the next switch.
    private long SwitchWaveform(long origin)
    {
        (string path, _, long to) = waveform!.Value;
        if (waveformFile is not null)
        {
            CloseWaveform();
            return long.MaxValue;
        }

        waveformFile = OutputFile.Create(path);
        model.OpenWaveform(waveformFile.WorkPath);
        return to == long.MaxValue ? to : origin + to;
    }

    private void CloseWaveform()
    {
        (string path, OutputFile file) = (waveform!.Value.Path, waveformFile!);
        (waveform, waveformFile) = (null, null);
        using (file)
        {
            model.CloseWaveform();
            if (!FstFile.IsWhole(file.WorkPath))
                throw new IOException($"{path} cannot be written: the disk took only a part of the waveform");
            file.Publish();
        }
    }

    private static CommandTiming[] MatchTrace(IReadOnlyList<Command> program, List<long>[] starts, List<long>[] ends)
    {
        var timings = new CommandTiming[program.Count];
        // The load queue begins with the command that fetches the first block.
        int[] next = [1, 0, 0, 0],
            nextEnd = [1, 0, 0, 0, 0];
        for (int i = 0; i < program.Count; i++)
        {
            if (program[i].Definition.Queue is not Queue queue)
                continue;
            int q = (int)queue,
                e = program[i].Is(RowCommand.Definition) ? 4 : q,
                k = next[q]++,
                end = nextEnd[e]++;
            timings[i] = new CommandTiming(k < starts[q].Count ? starts[q][k] : -1, end < ends[e].Count ? ends[e][end] : -1);
        }

        return timings;
    }

    private string DescribeQueues()
    {
        try
        {
            return QueueStates();
        }
        catch (SimulationException e)
        {
            return e.Message;
        }
    }

    private string QueueStates()
    {
        uint state = ReadRegister("QueueState"),
            dispatched = ReadRegister("CommandsDispatched");
        var parts = new List<string> { $"{dispatched} commands dispatched" };
        for (int q = 0; q < 4; q++)
        {
            uint s = (state >> (8 * q)) & 0xFF;
            string text =
                (s & 1) == 0 ? "no command waiting"
                : (s & 4) != 0 ? $"waits for semaphore {((s >> 4) - 1) & 15}"
                : "command waiting";
            parts.Add($"{(Queue)q}: {text}, {((s & 2) != 0 ? "working" : "idle")}");
        }

        return string.Join("; ", parts);
    }

    /// <summary>Resets the design; memory keeps its content and forgets every open burst.</summary>
    public void Reset()
    {
        model.Bit(Port.Reset) = 0;
        model.Settle();
        for (int i = 0; i < 4; i++)
            model.Clock();
        bus.Reset();
        model.Bit(Port.Reset) = 1;
        model.Clock();
        Cycle += 5;
    }

    /// <summary>Behaviour of the memory from now on, for what is driven cycle by cycle.</summary>
    /// <param name="timing">Timing.</param>
    /// <param name="faults">Misbehaviour within the rules of the bus.</param>
    internal void Behave(MemoryTiming timing, MemoryFaults faults) => bus.Behave(timing, faults);

    /// <summary>The memory on the bus.</summary>
    internal MemoryBus Bus => bus;

    /// <summary>The verilated design, for what looks at the ports itself.</summary>
    internal VerilatedModel Model => model;

    /// <summary>Called with the ports as they are before each clock edge, by <see cref="Step"/> and register accesses.</summary>
    internal Action? BeforeEdge { get; set; }

    /// <summary>A program runs.</summary>
    public bool Running => model.Bit(Port.Running) != 0;

    /// <summary>The interrupt is raised.</summary>
    public bool Interrupt => model.Bit(Port.Interrupt) != 0;

    /// <summary>An assertion of the RTL has failed since the model was made.</summary>
    internal bool AssertionFailed => model.Failed;

    /// <summary>Reads a register by its byte address.</summary>
    internal uint ReadRegisterAt(int offset) => ReadAddress(offset);

    /// <summary>One clock cycle with the memory driven.</summary>
    public void Step()
    {
        ObjectDisposedException.ThrowIf(model.IsDisposed, this);
        bus.Drive(Cycle);
        BeforeEdge?.Invoke();
        model.Clock();
        Cycle++;
    }

    private static int OffsetOf(string name) => IsaDefinition.Registers.Single(r => r.Name == name).Offset;

    /// <summary>Cycles that a handshake of the registers may take: longer than any access does.</summary>
    internal const int AccessLimit = 1000;

    /// <summary>Cycles from one start or end of a command to the next: longer than any command of the largest block takes.</summary>
    internal const long CommandLimit = 100_000_000;

    private void WriteAddress(int offset, uint value)
    {
        if (TryWrite(offset, value) is not 0 and uint answer)
            throw new SimulationException($"the register at 0x{offset:X} answered a write of 0x{value:X} with {Answer(answer)}");
    }

    private uint ReadAddress(int offset)
    {
        (uint value, uint answer) = TryRead(offset);
        return answer == 0 ? value : throw new SimulationException($"the register at 0x{offset:X} answered a read with {Answer(answer)}");
    }

    private static string Answer(uint response) =>
        response switch
        {
            2 => "SLVERR",
            3 => "DECERR",
            _ => $"response {response}",
        };

    /// <summary>Writes to the AXI4-Lite slave.</summary>
    /// <param name="offset">Byte address.</param>
    /// <param name="value">Value.</param>
    /// <param name="strobes">Byte strobes.</param>
    /// <returns>The response: 0 OKAY, 2 SLVERR, 3 DECERR.</returns>
    internal uint TryWrite(int offset, uint value, byte strobes = 15)
    {
        model.Bit(Port.SAwValid) = 1;
        model.Bit(Port.SWValid) = 1;
        model.Half(Port.SAwAddr) = (ushort)offset;
        model.Word(Port.SWData) = value;
        model.Bit(Port.SWStrb) = strobes;
        model.Bit(Port.SBReady) = 1;
        Await(offset, Port.SAwReady, Port.SWReady);
        Step();
        model.Bit(Port.SAwValid) = 0;
        model.Bit(Port.SWValid) = 0;
        // Address and data are in registers now. What the write causes is, after the next edge: cycle 0 of a program.
        Step();
        // A write to the path table waits while a choice is made; no other one does.
        if (offset >= IsaDefinition.PathTableBase)
            Await(offset, Port.SBValid);
        startCycle = Cycle;
        return model.Bit(Port.SBValid) != 0
            ? model.Bit(Port.SBResp)
            : throw new SimulationException(
                $"the register at 0x{offset:X} does not answer a write: {Port.SBValid} is low in the cycle of the response"
            );
    }

    /// <summary>Reads from the AXI4-Lite slave.</summary>
    /// <param name="offset">Byte address.</param>
    /// <returns>The value, and the response as of a write.</returns>
    internal (uint Value, uint Response) TryRead(int offset)
    {
        model.Bit(Port.SArValid) = 1;
        model.Half(Port.SArAddr) = (ushort)offset;
        model.Bit(Port.SRReady) = 1;
        Await(offset, Port.SArReady);
        Step();
        model.Bit(Port.SArValid) = 0;
        Await(offset, Port.SRValid);
        (uint, uint) result = (model.Word(Port.SRData), model.Bit(Port.SRResp));
        Step();
        return result;
    }

    // Steps until all of the ports are high, in the same cycle.
    private void Await(int offset, params ReadOnlySpan<Port> ports)
    {
        model.Settle();
        for (int waited = 0; Low(ports) is { } low; waited++)
        {
            if (waited == AccessLimit)
                throw new SimulationException($"the register at 0x{offset:X} does not answer: {low} is low, waited {AccessLimit} cycles");
            Step();
        }
    }

    // The first port that is low.
    private Port? Low(ReadOnlySpan<Port> ports)
    {
        foreach (Port port in ports)
        {
            if (model.Bit(port) == 0)
                return port;
        }

        return null;
    }

    private void FreeMemory()
    {
        if (pin.IsAllocated)
            pin.Free();
    }
}
