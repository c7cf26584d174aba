using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Emit;
using AccelGen.Isa;
using AccelGen.Network.Quantized;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>Defects are found and errors are reported without hanging.</summary>
public sealed class FaultTests
{
    private static readonly AcceleratorConfig Config = ConfigLoader.Load("tiny");
    private static readonly MemoryTiming Timing = new();

    [TestCase("acc_pe", "(64'sd1 <<< (shift - 6'd1))", "64'sd0", true, TestName = "A_wrong_rounding_is_found_as_a_mismatch")]
    [TestCase(
        "acc_pe",
        "origin_row_q <= 17'(origin_row_i)",
        "origin_row_q <= 17'sd1 + 17'(origin_row_i)",
        true,
        TestName = "A_wrong_padding_is_found_as_a_mismatch"
    )]
    [TestCase(
        "acc_vector",
        "state_q == StDrain && drain_q == 3'd5",
        "state_q == StDrain && drain_q == 3'd6",
        false,
        TestName = "One_cycle_too_many_is_found_as_a_cycle_difference"
    )]
    [CancelAfter(120_000)]
    public async Task A_defect_is_found(string module, string good, string bad, bool values)
    {
        List<EmittedFile> files = [.. RtlEmitter.EmitRtl(Config)];
        int index = files.FindIndex(f => f.Path == $"rtl/{module}.sv");
        string text = System.Text.RegularExpressions.Regex.Replace(files[index].Text, " +", " ");
        Assert.That(text, Does.Contain(good));
        files[index] = files[index] with { Text = text.Replace(good, bad, StringComparison.Ordinal) };
        BuiltModel built = await new ModelBuild().BuildAsync(Config, false, files);
        (CompiledProgram program, Dictionary<int, sbyte[]> inputs, ExecutionPath path) = Layer("conv 8x8x16 k3 -> 12");
        using var workload = new Workload(program, built.Library, Timing);
        WorkloadResult result = workload.Run(inputs, path, replay: "the replay command");
        if (values)
        {
            Assert.That(result.Mismatches, Is.Positive);
            Assert.That(
                result.FirstMismatch,
                Does.Contain("layer conv").And.Contain("PE ").And.Contain("lane ").And.Contain("expected").And.Contain("the replay command")
            );
        }
        else
        {
            Assert.That(result.Mismatches, Is.Zero);
            Assert.That(result.CounterDifferences, Is.Not.Empty);
            Assert.That(result.CommandDifferences, Is.Positive);
        }
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task A_program_for_another_configuration_is_refused()
    {
        using Simulator simulator = await NewSimulatorAsync();
        (CompiledProgram program, _, ExecutionPath path) = Layer("conv 4x4x8 k1 -> 8");
        simulator.LoadMemory(program.MemoryBytes, program.Image);
        simulator.WritePath(0, program.Row(path));
        RunResult result = simulator.Run(program.Commands, program.ProgramAddress, Config.Hash.Value ^ 1, Timing);
        Assert.That(result.ErrorCode, Is.EqualTo(Code("BadHash")));
    }

    [TestCase(0L, -1L, "ReadSlave")]
    [TestCase(150L, -1L, "ReadSlave")]
    [TestCase(-1L, 0L, "WriteSlave")]
    [TestCase(-1L, 3L, "WriteSlave")]
    [CancelAfter(60_000)]
    public async Task A_bus_error_is_reported_and_the_next_run_is_right(long read, long write, string code)
    {
        BuiltModel built = await new ModelBuild().BuildAsync(Config);
        (CompiledProgram program, Dictionary<int, sbyte[]> inputs, ExecutionPath path) = Layer("conv 8x8x16 k3 -> 24");
        using var workload = new Workload(program, built.Library, Timing);
        program.WriteInput(0, inputs[0], workload.Simulator.Memory);
        workload.Simulator.WritePath(0, program.Row(path));
        RunResult result = workload.Simulator.Run(
            program.Commands,
            program.ProgramAddress,
            Config.Hash.Value,
            Timing,
            new MemoryFaults(null, read, write)
        );
        Assert.That(result.ErrorCode, Is.EqualTo(Code(code)));
        WorkloadResult again = workload.Run(inputs, path);
        Assert.That(again.Mismatches, Is.Zero);
        Assert.That(again.CounterDifferences, Is.Empty);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task An_undefined_opcode_is_reported()
    {
        using Simulator simulator = await NewSimulatorAsync();
        (CompiledProgram program, _, ExecutionPath path) = Layer("conv 4x4x8 k1 -> 8");
        byte[] image = [.. program.Image];
        image[program.ProgramAddress + (2 * IsaDefinition.CommandBytes)] = 0x77;
        simulator.LoadMemory(program.MemoryBytes, image);
        simulator.WritePath(0, program.Row(path));
        RunResult result = simulator.Run(program.Commands, program.ProgramAddress, Config.Hash.Value, Timing);
        Assert.That(result.ErrorCode, Is.EqualTo(Code("BadOpcode")));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task An_address_beyond_the_memory_is_reported()
    {
        using Simulator simulator = await NewSimulatorAsync();
        (CompiledProgram program, _, ExecutionPath path) = Layer("conv 4x4x8 k1 -> 8");
        simulator.LoadMemory(program.MemoryBytes, program.Image);
        simulator.WritePath(0, program.Row(path));
        simulator.WriteRegister("MemoryLimitLow", 4096 + 64);
        RunResult result = simulator.Run(program.Commands, program.ProgramAddress, Config.Hash.Value, Timing);
        Assert.That(result.ErrorCode, Is.EqualTo(Code("BadAddress")));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task A_hang_is_detected_and_the_queues_are_described()
    {
        using Simulator simulator = await NewSimulatorAsync();
        (CompiledProgram program, _, ExecutionPath path) = Layer("conv 4x4x8 k1 -> 8");
        // Nobody gives semaphore 15: the first compute command waits for ever.
        int position = program.Commands.ToList().FindIndex(c => c.Definition.Queue == Queue.Compute);
        Command waiting = program.Commands[position];
        waiting[Header.Wait2] = 15;
        byte[] image = [.. program.Image];
        waiting.Encode(image.AsSpan((int)program.ProgramAddress + (position * IsaDefinition.CommandBytes)));
        simulator.LoadMemory(program.MemoryBytes, image);
        simulator.WritePath(0, program.Row(path));
        Assert.That(
            () => simulator.Run(program.Commands, program.ProgramAddress, Config.Hash.Value, Timing, limit: 5000),
            Throws.TypeOf<SimulationException>().With.Message.Contains("Compute: waits for semaphore 15")
        );
        Assert.That(
            () => new CycleModel(Config, Timing).Predict(program.Commands, program.ProgramAddress, program.Row(path)),
            Throws.TypeOf<ProgramOrderException>().With.Message.Contains("semaphore 15")
        );
    }

    [Test]
    [CancelAfter(120_000)]
    public async Task Two_builds_of_one_configuration_at_once_give_one_model()
    {
        string cache = Path.Combine(Path.GetTempPath(), $"accelgen-cache-{Guid.NewGuid():N}");
        try
        {
            BuiltModel[] built = await Task.WhenAll(new ModelBuild(cache).BuildAsync(Config), new ModelBuild(cache).BuildAsync(Config));
            Assert.That(built[0].Library, Is.EqualTo(built[1].Library));
            Assert.That(built.Count(b => b.FromCache), Is.EqualTo(1));
            // The model and the runtime.
            Assert.That(Directory.EnumerateFileSystemEntries(cache).Count(), Is.EqualTo(2));
            Assert.That((await new ModelBuild(cache).BuildAsync(Config)).FromCache);
        }
        finally
        {
            Directory.Delete(cache, recursive: true);
        }
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task A_cancelled_build_leaves_nothing_behind()
    {
        string cache = Path.Combine(Path.GetTempPath(), $"accelgen-cache-{Guid.NewGuid():N}");
        // A slow machine may be cancelled before the build makes it.
        Directory.CreateDirectory(cache);
        try
        {
            using var source = new CancellationTokenSource(TimeSpan.FromSeconds(1.5));
            Assert.That(
                async () => await new ModelBuild(cache).BuildAsync(Config, cancellation: source.Token),
                Throws.InstanceOf<OperationCanceledException>()
            );
            Assert.That(Directory.EnumerateFileSystemEntries(cache), Is.Empty);
        }
        finally
        {
            Directory.Delete(cache, recursive: true);
        }
    }

    private static async Task<Simulator> NewSimulatorAsync() => new(Config, (await new ModelBuild().BuildAsync(Config)).Library);

    private static (CompiledProgram Program, Dictionary<int, sbyte[]> Inputs, ExecutionPath Path) Layer(string text)
    {
        (QuantizedNetwork network, Dictionary<int, sbyte[]> inputs, ExecutionPath path) = LayerSpec.Parse(text, "conv").Build(1);
        return (new NetworkCompiler(Config, Timing).Compile(network), inputs, path);
    }

    private static int Code(string name) => IsaDefinition.Enums.Single(e => e.Name == "ErrorCode").Values.Single(v => v.Name == name).Value;
}
