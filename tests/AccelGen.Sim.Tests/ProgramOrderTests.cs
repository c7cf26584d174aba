using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Isa;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>Programs that the hardware would not run as written are refused by the model, at compile time.</summary>
public sealed class ProgramOrderTests
{
    // Found by a random layer: two waits for one semaphore take one token in the RTL.
    private static IEnumerable<TestCaseData> Pairs()
    {
        yield return new TestCaseData(Header.Wait0, Header.Wait1).SetArgDisplayNames("Wait0", "Wait1");
        yield return new TestCaseData(Header.Wait0, Header.Wait2).SetArgDisplayNames("Wait0", "Wait2");
        yield return new TestCaseData(Header.Signal0, Header.Signal1).SetArgDisplayNames("Signal0", "Signal1");
    }

    [TestCaseSource(nameof(Pairs))]
    public void A_semaphore_named_twice_is_refused(TokenField first, TokenField second)
    {
        var load = new Command(LoadCommand.Definition)
        {
            [Header.B.Count] = 1,
            [first] = 5,
            [second] = 5,
        };
        Assert.That(
            () =>
                Predict(
                    new Command(ComputeCommand.Definition) { [Header.B.Count] = 1, [Header.Signal0] = 5 },
                    new Command(ComputeCommand.Definition) { [Header.B.Count] = 1, [Header.Signal0] = 5 },
                    load,
                    new Command(IsaDefinition.End)
                ),
            Throws.TypeOf<ProgramOrderException>().With.Message.Contains("twice")
        );
    }

    [Test]
    public void A_wait_for_a_token_that_nothing_gave_is_refused() =>
        Assert.That(
            () => Predict(new Command(LoadCommand.Definition) { [Header.B.Count] = 1, [Header.Wait0] = 5 }, new Command(IsaDefinition.End)),
            Throws.TypeOf<ProgramOrderException>().With.Message.Contains("no earlier command gives it")
        );

    private static IEnumerable<TestCaseData> Shared()
    {
        yield return new TestCaseData(RowCommand.Function, 1).SetArgDisplayNames("Function", "1");
        yield return new TestCaseData(RowCommand.Forward, 0).SetArgDisplayNames("Forward", "0");
        yield return new TestCaseData(RowCommand.MaximumKnown, 0).SetArgDisplayNames("MaximumKnown", "0");
        yield return new TestCaseData(RowCommand.TableEnable, 1).SetArgDisplayNames("TableEnable", "1");
    }

    [TestCaseSource(nameof(Shared))]
    public void A_row_operator_that_shares_its_parts_with_VECTOR_may_not_overlap(Field field, int value)
    {
        Assert.That(() => Predict(Softmax(), new Command(IsaDefinition.End)), Throws.Nothing);
        Command row = Softmax();
        row[field] = value;
        Assert.That(
            () => Predict(row, new Command(IsaDefinition.End)),
            Throws.TypeOf<ProgramOrderException>().With.Message.Contains("overlaps although")
        );
    }

    [Test]
    public void A_token_that_overtakes_the_one_of_an_overlapping_ROW_is_refused()
    {
        Command row = Softmax(),
            beside = new(VectorCommand.Definition) { [Header.B.Count] = 1, [Header.Signal0] = 10 },
            other = new(VectorCommand.Definition) { [Header.B.Count] = 1, [Header.Signal0] = 8 };
        Assert.That(() => Predict(row, other, new Command(IsaDefinition.End)), Throws.Nothing);
        Assert.That(
            () => Predict(row, beside, new Command(IsaDefinition.End)),
            Throws.TypeOf<ProgramOrderException>().With.Message.Contains("semaphore 10")
        );
    }

    private static Command Softmax() =>
        new(RowCommand.Definition)
        {
            [Header.A.Count] = 1,
            [Header.B.Count] = 2,
            [RowCommand.Rows] = 4,
            [RowCommand.Columns] = 4,
            [RowCommand.Forward] = true,
            [RowCommand.MaximumKnown] = true,
            [RowCommand.Overlap] = true,
            [Header.Signal0] = 10,
        };

    [Test]
    public void A_program_without_an_end_is_refused() =>
        Assert.That(() => Predict(new Command(LoadCommand.Definition) { [Header.B.Count] = 1 }), Throws.TypeOf<ProgramOrderException>());

    private static void Predict(params Command[] commands)
    {
        AcceleratorConfig config = ConfigLoader.Load("tiny");
        var program = new List<Command>(commands);
        while (program.Count < config.Control.CommandBlock)
            program.Add(new Command(IsaDefinition.Nop));
        new CycleModel(config, new MemoryTiming()).Predict(program, 0, new PathRow(ulong.MaxValue, new uint[PathRow.Registers]));
    }
}
