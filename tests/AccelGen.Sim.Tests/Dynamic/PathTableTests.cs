using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Golden;
using AccelGen.Isa;
using AccelGen.Network.Quantized;
using NUnit.Framework;

namespace AccelGen.Sim.Tests.Dynamic;

/// <summary>The path table as a host uses it: rows that cannot be used, rows written while a frame runs, withdrawals, the switch.</summary>
public sealed class PathTableTests
{
    private const uint Okay = 0,
        SlaveError = 2,
        Ample = 1_000_000;
    private const int Whole = 0,
        Next = 1,
        Third = 2;

    // The first block of a program is so long on its way that a row can be rewritten before the checkpoint.
    private static readonly MemoryTiming Timing = new(ReadLatency: 250);
    private static readonly AcceleratorConfig Config = ConfigLoader.Load("tiny");

    private CompiledProgram program = null!;
    private QuantizedNetwork network = null!;
    private Dictionary<int, sbyte[]> inputs = null!;
    private ExecutionPath[] paths = null!;
    private PathRow[] rows = null!;
    private string library = null!;
    private Simulator simulator = null!;

    [OneTimeSetUp]
    public async Task CompileAsync()
    {
        (network, inputs, _) = LayerSpec.Parse("conv 8x8x32 k1 -> 12, keep 16", "conv").Build(1);
        int register = network.Layers[0].InputExtent!.Value;
        paths =
        [
            .. new[] { 32, 24, 16, 8 }.Select(n => new ExecutionPath(
                $"{n} channels",
                new HashSet<int>(),
                new Dictionary<int, int> { [register] = n }
            )),
        ];
        program = Checkpoints.Insert(new NetworkCompiler(Config, Timing).Compile(network), paths, Timing);
        rows = [.. program.Budget!.Rows(program)];
        library = (await new ModelBuild().BuildAsync(Config)).Library;
    }

    [SetUp]
    public void Load()
    {
        simulator = new Simulator(Config, library);
        simulator.LoadMemory(program.MemoryBytes, program.Image);
        program.WriteInput(network.Inputs[0], inputs[network.Inputs[0]], simulator.Memory);
        simulator.WriteRegister("ProgramLow", (uint)program.ProgramAddress);
        simulator.WriteRegister("ProgramHashLow", (uint)Config.Hash.Value);
        simulator.WriteRegister("ProgramHashHigh", (uint)(Config.Hash.Value >> 32));
    }

    [TearDown]
    public void Unload()
    {
        Assert.That(simulator.AssertionFailed, Is.False, "an assertion of the RTL failed");
        simulator.Dispose();
    }

    [Test]
    public void A_start_on_a_row_that_was_never_written_ends_with_BadPath_and_the_block_runs_on()
    {
        simulator.WritePath(Whole, rows[Whole]);
        simulator.WriteRegister("PathSelect", Third);
        Start(0);
        End("BadPath");
        Assert.That(simulator.ReadRegister("CommandsDispatched"), Is.Zero);
        simulator.WriteRegister("PathSelect", Whole);
        Start(0);
        Ends(Whole);
        simulator.WritePath(Third, rows[Third]);
        simulator.WriteRegister("PathSelect", Third);
        Start(0);
        Ends(Third);
    }

    [Test]
    public void A_start_on_a_withdrawn_row_ends_with_BadPath_and_the_block_runs_on()
    {
        WriteAll();
        Withdraw(Whole, 1);
        Start(0);
        End("BadPath");
        simulator.WriteRegister("PathSelect", Next);
        Start(0);
        Ends(Next);
        Withdraw(Whole, 0);
        simulator.WriteRegister("PathSelect", Whole);
        Start(0);
        Ends(Whole);
    }

    [Test]
    public void Rows_are_written_while_a_frame_without_a_budget_runs_and_the_frame_keeps_its_own()
    {
        WriteAll();
        Start(0);
        Assert.That(Write(Whole, rows[Third]), Has.All.EqualTo(Okay));
        Assert.That(simulator.Running);
        Ends(Whole);
        Start(0);
        Ends(Third, active: Whole);
    }

    [Test]
    public void In_a_frame_with_a_budget_a_write_to_a_row_that_is_not_withdrawn_is_refused_and_has_no_effect()
    {
        WriteAll();
        Start(Ample);
        uint[] before = Words(Third);
        Assert.That(Write(Third, rows[Next] with { Keep = 5, Variant = 3 }, words: 4), Has.All.EqualTo(SlaveError));
        Assert.That(Words(Third), Is.EqualTo(before));
        Assert.That(simulator.Running);
        Ends(Whole);
        simulator.WriteRegister("PathSelect", Third);
        Start(0);
        Ends(Third);
    }

    [Test]
    public void In_a_frame_with_a_budget_a_withdrawn_row_is_written()
    {
        WriteAll();
        Start(Ample);
        Assert.That(Withdraw(Third, 1), Is.EqualTo(Okay));
        Assert.That(Write(Third, rows[Next], words: 8), Has.All.EqualTo(Okay));
        Assert.That(Withdraw(Third, 0), Is.EqualTo(Okay));
        Assert.That(Write(Third, rows[Third], words: 1), Has.All.EqualTo(SlaveError), "a row that is released again");
        Assert.That(simulator.Running);
        Ends(Whole);
        Assert.That(Words(Third)[0], Is.EqualTo((uint)rows[Next].Keep));
    }

    [Test]
    public void A_withdrawn_row_is_not_chosen_by_a_checkpoint_the_next_that_fits_is()
    {
        WriteAll();
        Start(Fitting(Next));
        Ends(Next);
        Withdraw(Next, 1);
        Start(Fitting(Next));
        Ends(Third);
        Withdraw(Next, 0);
        Start(Fitting(Next));
        Ends(Next);
    }

    [Test]
    public void A_row_that_was_never_written_is_not_chosen_by_a_checkpoint()
    {
        foreach (int row in new[] { Whole, Third, 3 })
            simulator.WritePath(row, rows[row]);
        Start(Fitting(Next));
        Ends(Third);
    }

    [Test]
    public void A_row_withdrawn_around_the_choice_is_taken_whole_or_not_at_all()
    {
        var chosen = new HashSet<int>();
        long at = program.Budget!.Checkpoints[0].Classes[0].Elapsed;
        for (long cycle = at - 16; cycle < at + 16; cycle++)
        {
            WriteAll();
            Start(Fitting(Next));
            while (simulator.RunCycle < cycle)
                simulator.Step();
            Assert.That(Withdraw(Next, 1), Is.EqualTo(Okay));
            Assert.That(Write(Next, rows[3], words: 6), Has.All.EqualTo(Okay));
            chosen.Add(End("None"));
            Same((int)simulator.ReadRegister("PathActive"), $"withdrawn at cycle {cycle}, the checkpoint at {at}");
            Withdraw(Next, 0);
        }

        Assert.That(chosen, Is.EquivalentTo(new[] { Next, Third }));
    }

    [Test]
    public void An_active_row_that_is_withdrawn_and_rewritten_stays_what_it_was_for_its_frame()
    {
        WriteAll();
        Start(1);
        for (int row = 0; row < rows.Length; row++)
            Withdraw(row, 1);
        Assert.That(Write(Whole, rows[3]), Has.All.EqualTo(Okay));
        Assert.That(simulator.ReadRegister("Decisions"), Is.Zero, "the checkpoint came before the row was written");
        Ends(Whole, fits: false);
    }

    [Test]
    public void The_record_ends_with_the_choices()
    {
        WriteAll();
        Start(Fitting(Next));
        Ends(Next);
        uint count = simulator.ReadRegister("Decisions");
        Assert.That(count, Is.EqualTo(1));
        for (int i = 0; i < IsaDefinition.DecisionEntries; i++)
            Assert.That(
                simulator.TryRead(IsaDefinition.DecisionBase + (8 * i)).Response,
                Is.EqualTo(i < count ? Okay : SlaveError),
                $"entry {i}"
            );
        Start(0);
        Ends(Whole);
        Assert.That(simulator.ReadRegister("Decisions"), Is.Zero);
    }

    [Test]
    public void A_switch_of_the_path_costs_no_bytes_and_at_most_100_cycles()
    {
        WriteAll();
        Start(0);
        Ends(Whole);
        foreach (int row in new[] { Third, Whole, Next, 3 })
        {
            simulator.Behave(Timing, new MemoryFaults());
            long before = simulator.Cycle;
            simulator.WriteRegister("PathSelect", (uint)row);
            simulator.WriteRegister("Control", 1);
            long cycles = simulator.Cycle - before;
            TestContext.Out.WriteLine($"{paths[row].Name}: two writes, {cycles} cycles");
            Assert.That(cycles, Is.LessThanOrEqualTo(100));
            End("None");
            Same(row, "the path switched to");
            // All that moves is what the path itself needs.
            CyclePrediction model = new CycleModel(Config, Timing).Predict(program.Commands, program.ProgramAddress, rows[row]);
            long[] counters = [.. Enumerable.Range(0, 4).Select(i => (long)simulator.ReadRegisterAt(IsaDefinition.CounterBase + (8 * i)))];
            Assert.That(counters, Is.EqualTo(model.Counters.Take(4)), paths[row].Name);
        }
    }

    // Cycles that a path, and no better one, needs.
    private uint Fitting(int row) => (uint)program.Budget!.Paths[row].Cycles;

    private void WriteAll()
    {
        for (int row = 0; row < rows.Length; row++)
            simulator.WritePath(row, rows[row]);
        simulator.WriteRegister("PathSelect", Whole);
    }

    private uint Withdraw(int row, uint value) => simulator.TryWrite(Place(row) + IsaDefinition.PathWithdrawnOffset, value);

    private static int Place(int row) => IsaDefinition.PathTableBase + (row * IsaDefinition.PathRowBytes);

    // Words that make the difference first, then the others; the answers.
    private uint[] Write(int row, PathRow content, int words = 19)
    {
        int extents = Place(row) + IsaDefinition.PathExtentOffset;
        (int Offset, uint Value)[] all =
        [
            (extents, content.Extents[0]),
            (Place(row), (uint)content.Keep),
            (Place(row) + 4, (uint)(content.Keep >> 32)),
            (Place(row) + IsaDefinition.PathVariantOffset, (uint)content.Variant),
            .. Enumerable.Range(1, content.Extents.Count - 1).Select(i => (extents + (4 * i), content.Extents[i])),
        ];
        return [.. all.Take(words).Select(w => simulator.TryWrite(w.Offset, w.Value))];
    }

    private uint[] Words(int row) =>
        [
            .. new[] { 0, 4, 8, 12 }
                .Concat(Enumerable.Range(0, 16).Select(i => IsaDefinition.PathExtentOffset + (4 * i)))
                .Select(o => simulator.TryRead(Place(row) + o).Value),
        ];

    private void Start(uint budget)
    {
        simulator.WriteRegister("Budget", budget);
        simulator.Behave(Timing, new MemoryFaults());
        simulator.WriteRegister("Control", 1);
        simulator.Step();
    }

    // Runs to the end and gives the row that it ended on.
    private int End(string error)
    {
        for (int i = 0; i < 3 || simulator.Running; i++)
        {
            Assert.That(i, Is.LessThan(50_000), "the program does not end");
            simulator.Step();
        }

        uint code = simulator.ReadRegister("Error") & 15;
        Assert.That(IsaDefinition.Enums.Single(e => e.Name == "ErrorCode").Values.Single(v => v.Value == code).Name, Is.EqualTo(error));
        Assert.That(simulator.ReadRegister("Status"), Is.EqualTo(error == "None" ? 2 : 6));
        return (int)simulator.ReadRegister("PathActive");
    }

    private void Ends(int path, int? active = null, bool fits = true)
    {
        Assert.That(End("None"), Is.EqualTo(active ?? path), "the row that the frame ended on");
        Same(path, paths[path].Name);
        if (simulator.ReadRegister("Decisions") > 0)
        {
            Decision last = Decision.Decode(
                simulator.ReadRegisterAt(IsaDefinition.DecisionBase),
                simulator.ReadRegisterAt(IsaDefinition.DecisionBase + 4)
            );
            Assert.That((last.Before, last.After, last.Fits), Is.EqualTo((Whole, path, fits)));
        }
    }

    private void Same(int path, string what)
    {
        int output = network.Outputs[0];
        Assert.That(
            program.Tensors[output].Unpack(Config, simulator.Memory),
            Is.EqualTo(GoldenExecutor.Run(network, paths[path], inputs)[output]),
            what
        );
    }
}
