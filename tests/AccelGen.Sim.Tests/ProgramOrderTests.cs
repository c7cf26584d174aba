using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Isa;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>Programs that the hardware would not run as written are refused by the model, at compile time.</summary>
public sealed class ProgramOrderTests
{
    // Found by a random layer: two waits for one semaphore take one token in the RTL.
    [TestCase("Wait0", "Wait1")]
    [TestCase("Wait0", "Wait2")]
    [TestCase("Signal0", "Signal1")]
    public void A_semaphore_named_twice_is_refused(string first, string second)
    {
        var load = new Command("LOAD") { ["BCount"] = 1, [first] = 16 | 5, [second] = 16 | 5 };
        Assert.That(() => Predict(new Command("COMPUTE") { ["BCount"] = 1, ["Signal0"] = 16 | 5 }, new Command("COMPUTE") { ["BCount"] = 1, ["Signal0"] = 16 | 5 }, load, new Command("END")),
            Throws.TypeOf<ProgramOrderException>().With.Message.Contains("twice"));
    }

    [Test]
    public void A_wait_for_a_token_that_nothing_gave_is_refused() => Assert.That(
        () => Predict(new Command("LOAD") { ["BCount"] = 1, ["Wait0"] = 16 | 5 }, new Command("END")),
        Throws.TypeOf<ProgramOrderException>().With.Message.Contains("no earlier command gives it"));

    [TestCase("Function", 1)]
    [TestCase("Forward", 0)]
    [TestCase("MaximumKnown", 0)]
    [TestCase("TableEnable", 1)]
    public void A_row_operator_that_shares_its_parts_with_VECTOR_may_not_overlap(string field, int value)
    {
        Assert.That(() => Predict(Softmax(), new Command("END")), Throws.Nothing);
        Command row = Softmax();
        row[field] = value;
        Assert.That(() => Predict(row, new Command("END")), Throws.TypeOf<ProgramOrderException>().With.Message.Contains("overlaps although"));
    }

    [Test]
    public void A_token_that_overtakes_the_one_of_an_overlapping_ROW_is_refused()
    {
        Command row = Softmax(), beside = new("VECTOR") { ["BCount"] = 1, ["Signal0"] = 16 | 10 }, other = new("VECTOR") { ["BCount"] = 1, ["Signal0"] = 16 | 8 };
        Assert.That(() => Predict(row, other, new Command("END")), Throws.Nothing);
        Assert.That(() => Predict(row, beside, new Command("END")), Throws.TypeOf<ProgramOrderException>().With.Message.Contains("semaphore 10"));
    }

    private static Command Softmax() => new("ROW")
    {
        ["ACount"] = 1, ["BCount"] = 2, ["Rows"] = 4, ["Columns"] = 4, ["Forward"] = 1, ["MaximumKnown"] = 1, ["Overlap"] = 1, ["Signal0"] = 16 | 10,
    };

    [Test]
    public void A_program_without_an_end_is_refused() => Assert.That(() => Predict(new Command("LOAD") { ["BCount"] = 1 }), Throws.TypeOf<ProgramOrderException>());

    private static void Predict(params Command[] commands)
    {
        AcceleratorConfig config = ConfigLoader.Load("tiny");
        var program = new List<Command>(commands);
        while (program.Count < config.Control.CommandBlock)
            program.Add(new Command("NOP"));
        new CycleModel(config, new MemoryTiming()).Predict(program, 0, new PathRow(ulong.MaxValue, new uint[PathRow.Registers]));
    }
}
