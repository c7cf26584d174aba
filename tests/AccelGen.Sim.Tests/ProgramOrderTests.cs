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
