using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Golden;
using AccelGen.Isa;
using AccelGen.Network.Quantized;

namespace AccelGen.Sim.Tests;

/// <summary>What a host sees of the registers, probed one by one; says what is not as the manual has it.</summary>
internal sealed class RegisterProbe : IDisposable
{
    private const uint Okay = 0,
        SlaveError = 2;
    private static readonly MemoryTiming Timing = new();

    private readonly AcceleratorConfig config;
    private readonly Simulator simulator;
    private readonly CompiledProgram program;
    private readonly QuantizedNetwork network;
    private readonly Dictionary<int, sbyte[]> inputs;
    private readonly List<string> problems = [];

    private RegisterProbe(AcceleratorConfig config, string library)
    {
        this.config = config;
        simulator = new Simulator(config, library);
        (network, inputs, _) = LayerSpec.Parse("conv 8x8x32 k1 -> 12, keep 16", "conv").Build(1);
        program = new NetworkCompiler(config, Timing).Compile(network);
    }

    /// <summary>Probes a design.</summary>
    /// <param name="config">Its configuration.</param>
    /// <param name="library">Its simulation model.</param>
    /// <returns>What is wrong; empty when all is as it should be.</returns>
    public static IReadOnlyList<string> Problems(AcceleratorConfig config, string library)
    {
        using var probe = new RegisterProbe(config, library);
        try
        {
            probe.Answers();
            probe.Rows();
            probe.Counters();
            probe.Interrupts();
            probe.Refusals();
            probe.LimitOfTheStart();
            probe.UnusableRows();
            probe.LongPrograms();
        }
        catch (SimulationException e)
        {
            probe.problems.Add(e.Message);
        }

        if (probe.simulator.AssertionFailed)
            probe.problems.Add("an assertion of the RTL failed");
        return probe.problems;
    }

    public void Dispose() => simulator.Dispose();

    private void Expect(bool right, string claim)
    {
        if (!right)
            problems.Add(claim);
    }

    // Every address that is there answers OKAY, every other one SLVERR and changes nothing.
    private void Answers()
    {
        for (int offset = 0; offset < 0x1400; offset += 4)
        {
            int at = offset;
            Register? register = IsaDefinition.Registers.SingleOrDefault(r => r.Offset == at);
            int row = (offset - IsaDefinition.PathTableBase) / IsaDefinition.PathRowBytes,
                within = offset % IsaDefinition.PathRowBytes;
            bool table =
                offset >= IsaDefinition.PathTableBase
                && row < config.Control.Paths
                && (within < 16 || within >= IsaDefinition.PathExtentOffset);
            bool counter = offset is >= IsaDefinition.CounterBase and < IsaDefinition.CounterBase + 0x100,
                exists = register is not null || counter || table;
            Expect(
                simulator.TryRead(offset).Response == (exists ? Okay : SlaveError),
                $"a read of 0x{offset:X} is not answered as the map says"
            );
            if (register?.Name is not ("Control" or "InterruptStatus"))
            {
                bool writable = register is { Access: Access.ReadWrite } || table;
                uint before = simulator.TryRead(offset).Value;
                uint answer = simulator.TryWrite(offset, 0);
                Expect(answer == (writable ? Okay : SlaveError), $"a write of 0x{offset:X} is not answered as the map says");
                Expect(writable || counter || simulator.TryRead(offset).Value == before, $"a refused write of 0x{offset:X} changed it");
            }
        }

        foreach (int offset in new[] { 1, 2, 3, 0x1E, 0x22 })
            Expect(
                simulator.TryRead(offset).Response == SlaveError && simulator.TryWrite(offset, 5) == SlaveError,
                $"a misaligned access of 0x{offset:X} is not refused"
            );
        simulator.WriteRegister("InterruptEnable", 1);
        for (byte strobes = 0; strobes < 15; strobes++)
            Expect(
                simulator.TryWrite(0x18, 2, strobes) == SlaveError && simulator.ReadRegister("InterruptEnable") == 1,
                $"a write with strobes {strobes} is not refused"
            );
        Expect(simulator.TryWrite(0x1C, (uint)config.Control.Paths) == SlaveError, "a path that does not exist is not refused");
    }

    // A row that is written while a program runs is that of the next program.
    private void Rows()
    {
        ExecutionPath all = ExecutionPath.Whole,
            half = new("half", new HashSet<int>(), new Dictionary<int, int> { [network.Layers[0].InputExtent!.Value] = 16 });
        Load();
        simulator.WritePath(0, program.Row(all));
        Start(Timing);
        Expect(simulator.TryWrite(0x10, 1) == SlaveError, "a start while a program runs is not refused");
        Expect(simulator.TryWrite(0x10, 2) == SlaveError, "a clear while a program runs is not refused");
        PathRow row = program.Row(half);
        for (int i = 0; i < row.Extents.Count; i++)
        {
            int offset = IsaDefinition.PathTableBase + IsaDefinition.PathExtentOffset + (4 * i);
            Expect(
                simulator.TryWrite(offset, row.Extents[i]) == Okay && simulator.TryRead(offset) == (row.Extents[i], Okay),
                $"a path row is not written while a program runs"
            );
        }

        Expect(simulator.Running, "the program ended before its row was written");
        Finish("None");
        Same(all, "a row written while a program ran changed that program");
        Start(Timing);
        Finish("None");
        Same(half, "a row written while a program ran is not that of the next");
    }

    // The high word belongs to the low word that was read before it.
    private void Counters()
    {
        Start(Timing);
        (uint low, _) = simulator.TryRead(IsaDefinition.CounterBase);
        for (int i = 0; i < 20; i++)
            simulator.Step();
        uint later = simulator.TryRead(IsaDefinition.CounterBase).Value;
        Expect(later > low, $"the cycle counter stands: {low}, then {later}");
        Expect(simulator.TryRead(IsaDefinition.CounterBase + 4).Value == 0, "the high word of a counter");
        Finish("None");
    }

    private void Interrupts()
    {
        simulator.WriteRegister("InterruptStatus", 3);
        simulator.WriteRegister("InterruptEnable", 2);
        Start(Timing);
        Finish("None");
        Expect(
            !simulator.Interrupt && simulator.ReadRegister("InterruptStatus") == 1,
            "Done raises an interrupt that is not enabled, or leaves no status"
        );
        simulator.WriteRegister("InterruptEnable", 1);
        simulator.Step();
        Expect(simulator.Interrupt, "an enabled interrupt is not raised");
        simulator.WriteRegister("InterruptStatus", 2);
        simulator.Step();
        Expect(simulator.Interrupt, "clearing another bit clears the interrupt");
        simulator.WriteRegister("InterruptStatus", 1);
        simulator.Step();
        Expect(!simulator.Interrupt, "the interrupt is not cleared by its bit");
    }

    // Programs that no host should start; after each the next one is right.
    private void Refusals()
    {
        long at = program.ProgramAddress;
        Refused("Misaligned", () => simulator.WriteRegister("ProgramLow", (uint)at + 8));
        Refused("Misaligned", () => simulator.WriteRegister("ProgramLow", (uint)at + 32));
        // A multiple of what the address bits reach lies beyond them, wherever the memory is said to end.
        Refused(
            "BadAddress",
            () =>
            {
                simulator.WriteRegister("MemoryLimitHigh", 0xFF);
                simulator.WriteRegister("ProgramHigh", (uint)((1L << config.Axi.AddressBits) >> 32));
            }
        );
        foreach (string field in new[] { "Rows", "Words", "PeRows", "PesPerRow" })
            Refused("NothingToCount", () => Damage(Queue.Store, field));
        foreach (string field in new[] { "SegmentBeats", "Rows" })
            Refused("NothingToCount", () => Damage(Queue.Load, field));
        foreach (string field in new[] { "Rows", "Columns", "KernelRows", "KernelColumns" })
            Refused("NothingToCount", () => Damage(Queue.Compute, field));
        foreach (int destination in new[] { 6, 7 })
            Refused("BadOpcode", () => Damage(Queue.Load, "Destination", destination));
    }

    // What is written for the next program is not the running one's.
    private void LimitOfTheStart()
    {
        Load();
        simulator.WriteRegister("MemoryLimitLow", (uint)program.MemoryBytes);
        simulator.WriteRegister("MemoryLimitHigh", 0);
        simulator.WritePath(0, program.Row(ExecutionPath.Whole));
        Start(Timing);
        simulator.WriteRegister("MemoryLimitLow", 0);
        Expect(simulator.Running, "the program ended before the limit was written");
        Finish("None");
        Same(ExecutionPath.Whole, "a limit written while a program ran changed that program");
        simulator.WriteRegister("MemoryLimitLow", uint.MaxValue);
        simulator.WriteRegister("MemoryLimitHigh", 0xFF);
    }

    // A row that was never written, or is withdrawn, is no path; the block is ready for the next start.
    private void UnusableRows()
    {
        simulator.Reset();
        Load();
        Start(Timing);
        Finish("BadPath");
        simulator.WritePath(0, program.Row(ExecutionPath.Whole));
        Start(Timing);
        Finish("None");
        Same(ExecutionPath.Whole, "the program after a row that was not written");
        simulator.TryWrite(IsaDefinition.PathTableBase + IsaDefinition.PathWithdrawnOffset, 1);
        Start(Timing);
        Finish("BadPath");
        simulator.TryWrite(IsaDefinition.PathTableBase + IsaDefinition.PathWithdrawnOffset, 0);
        // Without a checkpoint in the program a budget only guards the rows.
        simulator.WriteRegister("Budget", 1);
        uint word = simulator.TryRead(IsaDefinition.PathTableBase).Value;
        Start(Timing);
        simulator.WriteRegister("Budget", 0);
        Expect(
            simulator.TryWrite(IsaDefinition.PathTableBase, ~word) == SlaveError
                && simulator.TryRead(IsaDefinition.PathTableBase).Value == word,
            "a row of a program with a budget is written"
        );
        Expect(simulator.Running, "the program ended before its row was written");
        Finish("None");
        Same(ExecutionPath.Whole, "the program after a withdrawn row");
    }

    // Commands that do nothing are dispatched, and counted, like others; and a program goes on while they are.
    private void LongPrograms()
    {
        const int Nops = 66_000,
            LeastPerCommand = 3,
            FirstToken = 0;
        Nothing(Nops);
        simulator.Behave(Timing, new MemoryFaults());
        simulator.WriteRegister("Control", 1);
        simulator.Step();
        Finish("None", Nops * 30);
        uint dispatched = simulator.ReadRegister("CommandsDispatched");
        Expect(dispatched > Nops, $"a program of more than {Nops} commands counts {dispatched}");
        // Dispatch waits until the whole block is there; then nothing moves but commands that do nothing.
        int waiting = config.Control.QueueDepth + 2,
            left = config.Control.CommandBlock - waiting - 2;
        Write([
            new Command(LoadCommand.Definition)
            {
                [Header.A.Count] = 1,
                [Header.B.Count] = 1,
                [LoadCommand.Destination] = 3,
                [LoadCommand.Rows] = 1,
                [LoadCommand.SegmentBeats] = 1,
                [Header.Signal0] = FirstToken,
            },
            new Command(ComputeCommand.Definition) { [Header.Wait0] = FirstToken },
            .. Enumerable.Range(1, waiting - 1).Select(_ => new Command(ComputeCommand.Definition)),
            .. Enumerable.Range(0, left).Select(_ => new Command(IsaDefinition.Nop)),
            new Command(IsaDefinition.End),
        ]);
        simulator.WriteRegister("ProgressTimeout", (uint)(left * LeastPerCommand * 3 / 4));
        Start(new MemoryTiming(4, 1, 4, 1));
        Finish("None");
        simulator.WriteRegister("ProgressTimeout", 0);
    }

    // A program of so many commands that do nothing, each block beginning with the load of the next.
    private void Nothing(int count)
    {
        int block = config.Control.CommandBlock,
            blocks = (count / (block - 1)) + 1;
        Write([
            .. Enumerable
                .Range(0, blocks * block)
                .Select(i =>
                    i == (blocks * block) - 1 ? new Command(IsaDefinition.End)
                    : i % block > 0 || i / block == blocks - 1 ? new Command(IsaDefinition.Nop)
                    : new Command(LoadCommand.Definition)
                    {
                        [Header.A.Count] = 1,
                        [Header.B.Count] = 1,
                        [LoadCommand.Destination] = 4,
                        [LoadCommand.Rows] = 1,
                        [LoadCommand.SegmentBeats] = block * config.Derived.BeatsPerCommand,
                        [LoadCommand.Address] = (long)(i + block) * IsaDefinition.CommandBytes,
                    }
                ),
        ]);
    }

    // Commands at the start of memory, which has a block more than they need.
    private void Write(Command[] commands)
    {
        byte[] image = new byte[(commands.Length + config.Control.CommandBlock) * IsaDefinition.CommandBytes];
        for (int i = 0; i < commands.Length; i++)
            commands[i].Encode(image.AsSpan(i * IsaDefinition.CommandBytes));
        simulator.LoadMemory(image.Length, image);
        simulator.WriteRegister("ProgramLow", 0);
    }

    private void Damage(Queue queue, string field, int value = 0)
    {
        int position = Enumerable.Range(0, program.Commands.Count).Last(i => program.Commands[i].Definition.Queue == queue);
        int from = (int)program.ProgramAddress + (position * IsaDefinition.CommandBytes);
        Command command = Command.Decode(program.Image.AsSpan(from, IsaDefinition.CommandBytes));
        command[Header.Fields.Concat(command.Definition.Fields).Single(f => f.Name == field)] = value;
        command.Encode(simulator.Memory.Slice(from, IsaDefinition.CommandBytes));
    }

    private void Refused(string error, Action spoil)
    {
        Load();
        simulator.WritePath(0, program.Row(ExecutionPath.Whole));
        spoil();
        Start(Timing);
        Finish(error);
        Load();
        Start(Timing);
        Finish("None");
        Same(ExecutionPath.Whole, $"the program after {error}");
    }

    private void Load()
    {
        simulator.LoadMemory(program.MemoryBytes, program.Image);
        program.WriteInput(network.Inputs[0], inputs[network.Inputs[0]], simulator.Memory);
        simulator.WriteRegister("ProgramLow", (uint)program.ProgramAddress);
        simulator.WriteRegister("ProgramHigh", 0);
        simulator.WriteRegister("ProgramHashLow", (uint)config.Hash.Value);
        simulator.WriteRegister("ProgramHashHigh", (uint)(config.Hash.Value >> 32));
        simulator.WriteRegister("PathSelect", 0);
    }

    private void Start(MemoryTiming timing)
    {
        simulator.Behave(timing, new MemoryFaults());
        simulator.WriteRegister("Control", 1);
        // The response is taken; from then on the registers are those of the new program.
        simulator.Step();
    }

    private void Finish(string error, int most = 50_000)
    {
        for (int i = 0; i < 3 || simulator.Running; i++)
        {
            simulator.Step();
            if (i > most)
                throw new SimulationException($"the program that should end with {error} does not end");
        }

        uint code = simulator.ReadRegister("Error") & 15;
        string name = IsaDefinition.Enums.Single(e => e.Name == "ErrorCode").Values.Single(v => v.Value == code).Name;
        Expect(name == error, $"a program ends with {name}, not {error}");
    }

    private void Same(ExecutionPath path, string claim)
    {
        int output = network.Outputs[0];
        Expect(
            program.Tensors[output].Unpack(config, simulator.Memory).SequenceEqual(GoldenExecutor.Run(network, path, inputs)[output]),
            claim
        );
    }
}
