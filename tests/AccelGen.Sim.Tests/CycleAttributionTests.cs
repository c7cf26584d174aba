using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Isa;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>Small programs of which is known what hides behind the array and what does not.</summary>
public sealed class CycleAttributionTests
{
    private const int First = 0,
        Second = 1,
        Program = 2;
    private static readonly MemoryTiming Timing = new(ReadLatency: 25, WriteLatency: 9);
    private static readonly AcceleratorConfig Config = ConfigLoader.Load("tiny", "axi.dataBits=256");

    [Test]
    public void A_load_that_the_array_waits_for_is_exposed_and_its_latency_is_overhead()
    {
        CycleShares[] shares = Attribute(Load(First, 40, signal: 0), Compute(Second, 50, wait: 0));
        AssertUnit(shares[First], Work.Load, worked: 40, hidden: 0, exposed: 40);
        // The load takes two cycles to its address. The array's command is there three cycles after the load; two cycles after the
        // last beat it sees the token.
        Assert.That(shares[First].Exposed[(int)Work.Overhead], Is.EqualTo(2 + Timing.ReadLatency - 3 + 2));
        Assert.That(shares[Second].Worked[(int)Work.Array], Is.EqualTo(50));
    }

    [Test]
    public void A_load_behind_the_work_of_another_layer_is_hidden()
    {
        CycleShares[] shares = Attribute(Compute(First, 500), Load(Second, 40, signal: 0), Compute(Second, 50, wait: 0));
        AssertUnit(shares[Second], Work.Load, worked: 40, hidden: 40, exposed: 0);
        Assert.That(shares[First].Worked[(int)Work.Array], Is.EqualTo(500));
        // It takes the token in the cycle in which it is free, and starts.
        Assert.That((shares[Second].Worked[(int)Work.Array], shares[Second].Exposed[(int)Work.Overhead]), Is.EqualTo((50L, 1L)));
    }

    [Test]
    public void A_row_operator_is_exposed_by_as_much_as_the_array_waits_for_it()
    {
        // It takes a pass over 60 pixels and a second, each settling for 7 cycles.
        const int Row = 2 * (60 + 7);
        Command[] Program(int other) => [RowOperator(First, 60, signal: 10), Compute(Second, other), Compute(Second, 50, wait: 10)];
        // The array's first command comes three cycles later; the last of them is its own start.
        AssertUnit(Attribute(Program(300))[First], Work.RowOperator, worked: Row, hidden: Row - 3, exposed: 2);
        CycleShares[] part = Attribute(Program(100));
        AssertUnit(part[First], Work.RowOperator, worked: Row, hidden: 100, exposed: Row - 100 - 1);
        Assert.That(part[Second].Worked[(int)Work.Array], Is.EqualTo(150));
    }

    [Test]
    public void What_the_row_operator_waits_for_is_exposed_in_its_own_name()
    {
        CycleShares[] shares = Attribute(
            Load(First, 40, signal: 0),
            RowOperator(Second, 60, signal: 10, wait: 0),
            Compute(Second, 50, wait: 10)
        );
        AssertUnit(shares[First], Work.Load, worked: 40, hidden: 0, exposed: 40);
        AssertUnit(shares[Second], Work.RowOperator, worked: 2 * (60 + 7), hidden: 0, exposed: 2 * (60 + 7));
    }

    [Test]
    public void A_store_that_must_free_the_output_buffer_is_exposed()
    {
        Command store = new(StoreCommand.Definition)
        {
            [Header.Tag] = First,
            [Header.A.Count] = 1,
            [Header.B.Count] = 1,
            [StoreCommand.PeRows] = 1,
            [StoreCommand.PesPerRow] = 1,
            [StoreCommand.Rows] = 1,
            [StoreCommand.LastRows] = 1,
            [StoreCommand.Words] = 200,
            [StoreCommand.LastWords] = 200,
            [Header.Wait0] = 8,
            [Header.Signal0] = 12,
        };
        Command[] commands =
        [
            Vector(First, 20, signal: 8),
            Compute(First, 20, final: true),
            store,
            Vector(Second, 20, signal: 8, wait: 12),
            Compute(Second, 20, final: true),
        ];
        CycleShares[] shares = Attribute(commands);
        long words = 200L * Config.Derived.BeatsPerWord;
        Assert.That(shares[First].Worked[(int)Work.Store], Is.EqualTo(words + 2), "two cycles from the buffer to the bus");
        Assert.That(shares[First].Exposed[(int)Work.Store], Is.GreaterThan(words - 10).And.LessThanOrEqualTo(words));
        AssertUnit(shares[First], Work.PostProcessing, worked: 26, hidden: 20, exposed: shares[First].Exposed[(int)Work.PostProcessing]);
    }

    private static void AssertUnit(CycleShares shares, Work unit, long worked, long hidden, long exposed) =>
        Assert.That(
            (shares.Worked[(int)unit], shares.Hidden[(int)unit], shares.Exposed[(int)unit]),
            Is.EqualTo((worked, hidden, exposed)),
            $"{unit}: worked, hidden, exposed"
        );

    private static Command Load(int tag, int beats, int signal) =>
        new(LoadCommand.Definition)
        {
            [Header.Tag] = tag,
            [Header.A.Count] = 1,
            [Header.B.Count] = 1,
            [LoadCommand.Rows] = 1,
            [LoadCommand.SegmentBeats] = beats,
            [Header.Signal0] = signal,
        };

    private static Command Compute(int tag, int pixels, int? wait = null, bool final = false) =>
        new(ComputeCommand.Definition)
        {
            [Header.Tag] = tag,
            [Header.A.Count] = 1,
            [Header.B.Count] = 1,
            [ComputeCommand.KernelRows] = 1,
            [ComputeCommand.KernelColumns] = 1,
            [ComputeCommand.Rows] = 1,
            [ComputeCommand.Columns] = pixels,
            [ComputeCommand.FirstChunk] = true,
            [ComputeCommand.LastChunk] = final,
            [Header.Wait0] = wait,
        };

    private static Command Vector(int tag, int pixels, int signal, int? wait = null) =>
        new(VectorCommand.Definition)
        {
            [Header.Tag] = tag,
            [Header.A.Count] = 1,
            [Header.B.Count] = 1,
            [VectorCommand.Rows] = 1,
            [VectorCommand.Columns] = pixels,
            [Header.Wait0] = wait,
            [Header.Signal0] = signal,
        };

    // Layer normalisation: two passes.
    private static Command RowOperator(int tag, int pixels, int signal, int? wait = null) =>
        new(RowCommand.Definition)
        {
            [Header.Tag] = tag,
            [Header.A.Count] = 1,
            [Header.B.Count] = 1,
            [RowCommand.Function] = 1,
            [RowCommand.Rows] = 1,
            [RowCommand.Columns] = pixels,
            [Header.Wait0] = wait,
            [Header.Signal0] = signal,
        };

    // What holds of every program is checked of each.
    private static CycleShares[] Attribute(params Command[] commands)
    {
        // When the commands come all have been fetched, so that the fetch is behind nothing.
        IEnumerable<Command> before = Enumerable
            .Range(0, Config.Control.CommandBlock - commands.Length - 1)
            .Select(_ => new Command(IsaDefinition.Nop));
        List<Command> program = [.. before, .. commands, new Command(IsaDefinition.End)];
        var log = new ActivityLog();
        CyclePrediction model = new CycleModel(Config, Timing).Predict(
            program,
            0,
            new PathRow(ulong.MaxValue, new uint[PathRow.Registers]),
            log
        );
        CycleShares[] shares = [.. CycleAttribution.Attribute(program, model, log, 3, c => c < 0 ? Program : (int)program[c][Header.Tag])];
        Assert.That(shares.Sum(s => s.Cycles), Is.EqualTo(model.TotalCycles));
        AssertUnit(
            shares[Program],
            Work.Load,
            Config.Control.CommandBlock * Config.Derived.BeatsPerCommand,
            0,
            Config.Control.CommandBlock * Config.Derived.BeatsPerCommand
        );
        return shares;
    }
}
