using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Golden;
using AccelGen.Isa;
using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>A design with its memory, which holds two programs of different networks.</summary>
internal sealed class BusRig : IDisposable
{
    private const int CycleLimit = 400_000;

    private readonly AcceleratorConfig config;
    private readonly Simulator simulator;
    private readonly BusMonitor monitor;
    private CompiledProgram program = null!;
    private Dictionary<int, sbyte[]> inputs = [];
    private IReadOnlyDictionary<int, sbyte[]>? golden;

    // What each layer writes: address, bytes, and which of them are elements and not padding.
    private readonly List<(long Address, byte[] Bytes, bool[] Element)> results = [];
    private byte[] before = [];

    public BusRig(AcceleratorConfig config, string library)
    {
        this.config = config;
        simulator = new Simulator(config, library);
        monitor = new BusMonitor(simulator.Model, config);
        simulator.BeforeEdge = monitor.Observe;
    }

    public int Exact { get; private set; }

    public int ReadErrors { get; private set; }

    public int WriteErrors { get; private set; }

    public int Aborts { get; private set; }

    public int Timeouts { get; private set; }

    public int Resets { get; private set; }

    public int Stalled { get; private set; }

    public string Summary =>
        $"{Exact} programs exact in bits and cycles, {Stalled} under stalls exact in bits, {ReadErrors} read errors, "
        + $"{WriteErrors} write errors, {Aborts} aborts, {Timeouts} timeouts, {Resets} resets, {monitor.Bursts} "
        + $"bursts, {monitor.EmptyBeats} beats that completed a burst and wrote nothing";

    public void Dispose() => simulator.Dispose();

    public void Next(int seed)
    {
        var random = new Random(seed);
        if (golden is null || random.Next(8) == 0)
            Load(random);
        Prepare();
        var timing = new MemoryTiming(random.Next(1, 60), random.Next(1, 4), random.Next(1, 60), random.Next(1, 4));
        bool stalls = random.Next(3) > 0;
        var faults = new MemoryFaults(
            stalls ? random.Next() : null,
            Decode: random.Next(2) == 0,
            Acceptance: stalls ? (AddressAcceptance)random.Next(3) : AddressAcceptance.Freely
        );
        CyclePrediction model = new CycleModel(config, timing).Predict(
            program.Commands,
            program.ProgramAddress,
            program.Row(ExecutionPath.Whole)
        );
        int kind = random.Next(7);
        long at = random.NextInt64(model.TotalCycles + 20);
        if (kind == 1)
            faults = faults with { ReadErrorAt = random.NextInt64(model.Counters[2]) };
        if (kind == 2)
            faults = faults with
            {
                WriteErrorAt = random.Next(Math.Max(1, program.Commands.Count(c => c.Definition.Queue == Queue.Store))),
            };
        // A memory that is silent for longer than the program may wait, or a limit that no wait comes near.
        uint patience =
            kind == 6 ? (uint)random.Next(1, 300)
            : random.Next(2) == 0 ? 0
            : 20_000u;
        if (kind == 6)
            timing = timing with { ReadLatency = (int)patience + random.Next(5, 400) };
        simulator.WriteRegister("ProgressTimeout", patience);
        string what =
            $"seed {seed}: {timing}, {faults}, "
            + $"{(kind == 3 ? $"abort at {at}" : kind == 4 ? $"reset at {at}" : kind == 6 ? $"timeout {patience}" : "")}";
        before = simulator.Memory.ToArray();
        simulator.Behave(timing, faults);
        simulator.WriteRegister("Control", 1);
        long start = simulator.Cycle;
        while (simulator.Running || simulator.Cycle <= start + 2)
        {
            Assert.That(simulator.Cycle - start, Is.LessThan(CycleLimit), $"hang, {what}");
            if (kind == 3 && simulator.Cycle - start == at)
                simulator.WriteRegister("Control", 4);
            if (kind == 4 && simulator.Cycle - start == at)
            {
                simulator.Reset();
                monitor.Reset();
                Resets++;
                Assert.That(monitor.Broken, Is.Empty, what);
                Registers();
                return;
            }

            simulator.Step();
        }

        Assert.That(simulator.Bus.Open, Is.Zero, $"open bursts, {what}");
        Check(random, model, faults, kind, at, what);
    }

    // After the end: status, error and memory; then silence.
    private void Check(Random random, CyclePrediction model, MemoryFaults faults, int kind, long at, string what)
    {
        uint status = simulator.ReadRegister("Status"),
            error = simulator.ReadRegister("Error"),
            interrupt = simulator.ReadRegister("InterruptStatus");
        Assert.That(status & 0b1011, Is.EqualTo(2), $"done, not running, not stopping, {what}");
        Assert.That(simulator.Interrupt, what);
        Assert.That(interrupt, Is.EqualTo((status & 4) != 0 ? 3 : 1), what);
        string name = IsaDefinition.Enums.Single(e => e.Name == "ErrorCode").Values.Single(v => v.Value == (error & 15)).Name;
        int tag = (int)(error >> 16);
        if (name != "None")
            OnlyResults(what);
        if (simulator.Bus.ReadErrorAddress >= 0)
        {
            ReadErrors++;
            Assert.That(name, Is.EqualTo(faults.Decode ? "ReadDecode" : "ReadSlave").Or.EqualTo("Aborted"), what);
            Assert.That(Tags(Queue.Load, simulator.Bus.ReadErrorAddress), Does.Contain(tag), $"tag of the command that read, {what}");
        }
        else if (simulator.Bus.WriteErrorAddress >= 0)
        {
            WriteErrors++;
            Assert.That(name, Is.EqualTo(faults.Decode ? "WriteDecode" : "WriteSlave"), what);
            Assert.That(Tags(Queue.Store, simulator.Bus.WriteErrorAddress), Does.Contain(tag), $"tag of the command that wrote, {what}");
        }
        else if (name == "Aborted")
        {
            Assert.That(kind, Is.EqualTo(3), what);
            Aborts++;
        }
        else if (name == "Timeout")
        {
            Assert.That(kind, Is.EqualTo(6), what);
            Timeouts++;
        }
        else
        {
            Assert.That(name, Is.EqualTo("None"), what);
            Assert.That(kind, Is.Not.EqualTo(6), $"a timeout that did not end the program, {what}");
            // Stalls only make a program longer.
            Assert.That(kind != 3 || at >= model.TotalCycles - 20, $"an abort that did not end the program, {what}");
            foreach (int t in program.Network.Outputs)
                Assert.That(
                    program.Tensors[t].Unpack(config, simulator.Memory),
                    Is.EqualTo(golden![t]),
                    $"output {program.Network.Tensors[t].Name}, {what}"
                );
            if (faults.StallSeed is null)
            {
                Assert.That(simulator.ReadRegisterAt(IsaDefinition.CounterBase), Is.EqualTo((uint)model.TotalCycles), $"cycles, {what}");
                Exact++;
            }
            else
            {
                Stalled++;
            }
        }

        if (random.Next(2) == 0)
            simulator.WriteRegister("InterruptStatus", 3);
        else
            simulator.WriteRegister("Control", 2);
        // Cleared in the cycle after the write has taken effect.
        simulator.Step();
        Assert.That(simulator.Interrupt, Is.False, what);
        for (int i = random.Next(60); i > 0; i--)
            simulator.Step();
        Assert.That(simulator.AssertionFailed, Is.False, $"an assertion of the RTL failed, {what}");
        Assert.That(monitor.Broken, Is.Empty, what);
    }

    // Another network in another memory.
    private void Load(Random random)
    {
        (QuantizedNetwork Network, Dictionary<int, sbyte[]> Inputs) drawn;
        CompiledProgram? compiled = null;
        do
        {
            drawn = RandomQuantizedGraphs.Build(random.Next(), config.Array.VectorWidth);
            try
            {
                compiled = new NetworkCompiler(config, new MemoryTiming(), 1) { AnyTiling = random }.Compile(drawn.Network);
            }
            catch (CompileException)
            {
                // Too large for this configuration: another one.
            }
        } while (compiled is null);
        (program, inputs) = (compiled, drawn.Inputs);
        // A tag for each command: an error that names another one of the same layer is seen.
        for (int i = 0; i < program.Commands.Count; i++)
        {
            program.Commands[i][Header.Tag] = i;
            program.Commands[i].Encode(program.Image.AsSpan((int)program.ProgramAddress + (i * IsaDefinition.CommandBytes)));
        }

        results.Clear();
        golden = GoldenExecutor.Run(
            drawn.Network,
            ExecutionPath.Whole,
            inputs,
            (layer, values) =>
            {
                QuantizedLayer by = program.Network.Layers[layer];
                if (program.Layers[layer].InMemory)
                    results.Add(Result(program.Tensors[by.Output], values, whole: by is not ConcatLayer));
            }
        );
        simulator.LoadMemory(program.MemoryBytes, program.Image);
        monitor.Readable = (0, program.MemoryBytes);
        monitor.Writable = [.. program.Network.Layers.Select(l => program.Tensors[l.Output]).Select(t => (t.Address, t.Address + t.Bytes))];
        Registers();
    }

    // A concatenation adds its parts one after the other to what is there: any value is one of them.
    private (long, byte[], bool[]) Result(TensorLayout layout, sbyte[] values, bool whole)
    {
        TensorLayout here = layout with { Address = 0 };
        byte[] bytes = new byte[layout.Bytes],
            ones = new byte[layout.Bytes];
        here.Pack(config, values, bytes);
        here.Pack(config, [.. values.Select(_ => (sbyte)1)], ones);
        return (layout.Address, bytes, [.. ones.Select(b => whole && b != 0)]);
    }

    // A program that ends early has written results of its layers or nothing: every byte is one of them or as it was.
    private void OnlyResults(string what)
    {
        ReadOnlySpan<byte> after = simulator.Memory;
        bool[] right = new bool[after.Length];
        for (int i = 0; i < right.Length; i++)
            right[i] = after[i] == before[i];
        foreach ((long address, byte[] bytes, bool[] element) in results)
        {
            for (int i = 0; i < bytes.Length; i++)
                right[address + i] |= !element[i] || bytes[i] == after[(int)address + i];
        }

        Assert.That(Array.IndexOf(right, false), Is.EqualTo(-1), $"a byte that no command computed was written, {what}");
    }

    private void Registers()
    {
        simulator.WriteRegister("MemoryLimitLow", (uint)program.MemoryBytes);
        simulator.WriteRegister("MemoryLimitHigh", 0);
        simulator.WriteRegister("ProgramLow", (uint)program.ProgramAddress);
        simulator.WriteRegister("ProgramHigh", 0);
        simulator.WriteRegister("ProgramHashLow", (uint)config.Hash.Value);
        simulator.WriteRegister("ProgramHashHigh", (uint)(config.Hash.Value >> 32));
        simulator.WriteRegister("InterruptEnable", 3);
        simulator.WritePath(0, program.Row(ExecutionPath.Whole));
    }

    // Inputs that a program may have overwritten in place, and outputs that show whether they are written.
    private void Prepare()
    {
        foreach ((int tensor, sbyte[] values) in inputs)
            program.WriteInput(tensor, values, simulator.Memory);
    }

    // Tags of the commands of a queue that may touch an address.
    private IEnumerable<int> Tags(Queue queue, long address)
    {
        PathRow row = program.Row(ExecutionPath.Whole);
        var tags = program
            .Commands.Where(c => c.Definition.Queue == queue && !row.Skips(c) && Reaches(c, row, address))
            .Select(c => (int)c[Header.Tag])
            .Distinct()
            .ToList();
        // The command that fetches the first block is made by the command processor and has tag 0.
        if (queue == Queue.Load && address >= program.ProgramAddress)
            tags.Add(0);
        return tags;
    }

    private bool Reaches(Command c, PathRow row, long address)
    {
        int a = row.Resolve(c, Header.A),
            b = row.Resolve(c, Header.B);
        if (c.Definition.Queue == Queue.Store)
            return address >= c[StoreCommand.Address] && address < c[StoreCommand.Address] + Span(c, a);
        long segment = c[LoadCommand.SegmentBeats] * config.Derived.BeatBytes * (c[LoadCommand.LengthMode] ? a : 1);
        for (int ib = 0; ib < b; ib++)
        {
            for (int ia = 0; ia < (c[LoadCommand.LengthMode] ? 1 : a); ia++)
            {
                for (int r = 0; r < c[LoadCommand.Rows]; r++)
                {
                    long from =
                        row.Address(c) + (ib * c[LoadCommand.StrideB]) + (ia * c[LoadCommand.StrideA]) + (r * c[LoadCommand.StrideRow]);
                    if (address >= from && address < from + segment)
                        return true;
                }
            }
        }

        return false;
    }

    private long Span(Command c, int a) =>
        ((a - 1) * c[StoreCommand.StrideA])
        + ((c[StoreCommand.Rows] - 1) * c[StoreCommand.StrideRow])
        + ((c[StoreCommand.PeRows] - 1) * c[StoreCommand.StridePeRow])
        + ((c[StoreCommand.PesPerRow] - 1) * c[StoreCommand.StridePeColumn])
        + (c[StoreCommand.Words] * config.Derived.WordBytes);
}
