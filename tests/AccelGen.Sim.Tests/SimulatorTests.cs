using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Isa;
using AccelGen.Network.Quantized;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>The simulator ends where the design does not, and says what it waited for.</summary>
public sealed class SimulatorTests
{
    private static readonly AcceleratorConfig Config = ConfigLoader.Load("tiny");
    private static readonly MemoryTiming Timing = new();

    [Test]
    [CancelAfter(120_000)]
    public async Task Registers_that_never_answer_are_given_up_with_the_signal_and_the_cycles()
    {
        using Simulator simulator = await NewAsync();
        // Held in reset the slave takes an address and answers nothing.
        simulator.Model.Bit(Port.Reset) = 0;
        long before = simulator.Cycle;
        Assert.That(
            () => simulator.ReadRegister("Id"),
            Throws
                .TypeOf<SimulationException>()
                .With.Message.EqualTo($"the register at 0x0 does not answer: s_rvalid_o is low, waited {Simulator.AccessLimit} cycles")
        );
        Assert.That(simulator.Cycle - before, Is.InRange(Simulator.AccessLimit, Simulator.AccessLimit + 2));
        Assert.That(
            () => simulator.WritePath(0, new PathRow(0, [])),
            Throws
                .TypeOf<SimulationException>()
                .With.Message.EqualTo($"the register at 0x1000 does not answer: s_bvalid_o is low, waited {Simulator.AccessLimit} cycles")
        );
        Assert.That(
            () => simulator.WriteRegister("Budget", 1),
            Throws
                .TypeOf<SimulationException>()
                .With.Message.EndsWith("does not answer a write: s_bvalid_o is low in the cycle of the response")
        );
        simulator.Reset();
        Assert.That(simulator.ReadRegister("IsaVersion"), Is.EqualTo(IsaDefinition.Version));
    }

    [Test]
    [CancelAfter(120_000)]
    public async Task A_design_that_begins_more_commands_than_the_program_has_is_given_up()
    {
        using Simulator simulator = await NewAsync();
        (QuantizedNetwork network, _, ExecutionPath path) = LayerSpec.Parse("conv 4x4x8 k1 -> 8", "conv").Build(1);
        CompiledProgram program = new NetworkCompiler(Config, Timing).Compile(network);
        simulator.LoadMemory(program.MemoryBytes, program.Image);
        simulator.WritePath(0, program.Row(path));
        Assert.That(
            () => simulator.Run([.. program.Commands.Take(2)], program.ProgramAddress, Config.Hash.Value, Timing),
            Throws.TypeOf<SimulationException>().With.Message.Match(@"^trace_o shows \d commands after \d+ cycles; the program has 2$")
        );
    }

    [Test]
    [CancelAfter(120_000)]
    public async Task A_model_that_was_disposed_is_not_reached_any_more_and_may_be_disposed_again()
    {
        Simulator simulator = await NewAsync();
        simulator.Dispose();
        simulator.Dispose();
        Assert.Multiple(() =>
        {
            Assert.That(simulator.Step, Throws.TypeOf<ObjectDisposedException>());
            Assert.That(() => simulator.ReadRegister("Id"), Throws.TypeOf<ObjectDisposedException>());
            Assert.That(() => simulator.Model.Clock(), Throws.TypeOf<ObjectDisposedException>());
            Assert.That(() => simulator.Model.Failed, Throws.TypeOf<ObjectDisposedException>());
            Assert.That(() => simulator.Running, Throws.TypeOf<ObjectDisposedException>());
        });
    }

    private static async Task<Simulator> NewAsync() => new(Config, (await new ModelBuild().BuildAsync(Config)).Library);
}
