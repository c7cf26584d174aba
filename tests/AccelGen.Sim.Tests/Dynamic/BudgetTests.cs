using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Isa;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Sim.Tests.Dynamic;

/// <summary>Paths chosen while a frame runs: the RTL by its CHECKPOINT commands, the models by the same table.</summary>
public sealed class BudgetTests
{
    private const int Seed = 6,
        Size = 32;
    private static readonly MemoryTiming Timing = new();

    private AcceleratorConfig config = null!;
    private CompiledProgram plain = null!,
        program = null!;
    private DynamicNetwork network = null!;
    private sbyte[][] inputs = null!;
    private string library = null!;

    [OneTimeSetUp]
    public async Task CompileAsync()
    {
        (string preset, string[] overrides) = RandomConfigs.Built[6];
        config = ConfigLoader.Load(preset, overrides);
        (network, inputs) = PathLadder.OfSegFormer(config, Size, Seed, byImportance: true, late: true);
        plain = new NetworkCompiler(config, Timing).Compile(network.Network);
        program = Checkpoints.Insert(plain, network.Paths, Timing);
        library = (await new ModelBuild().BuildAsync(config)).Library;
    }

    private Dictionary<int, sbyte[]> Input(int index) => new() { [network.Network.Inputs[0]] = inputs[index] };

    [Test]
    public void A_program_with_checkpoints_has_all_commands_of_the_one_without()
    {
        string[] With(CompiledProgram p) =>
            [.. p.Commands.Where(c => c.Definition.Queue is not null && !(c.Fetches)).Select(c => c.ToString())];
        Assert.That(With(program), Is.EqualTo(With(plain)));
        foreach (Checkpoint checkpoint in program.Budget!.Checkpoints)
        {
            var classes = checkpoint.Classes.Select(c => $"[{string.Join(' ', c.Rows)}] at {c.Elapsed}: {string.Join(' ', c.Candidates)}");
            TestContext.Out.WriteLine(
                $"{checkpoint.Number} before {network.Network.Layers[checkpoint.Layer].Name}: {string.Join("; ", classes)}"
            );
        }

        TestContext.Out.WriteLine(
            string.Join(", ", network.Paths.Select(p => $"{p.Name}: {Cycles(plain, p)} cycles, {Cycles(program, p)} with checkpoints"))
        );
        Assert.That(program.Budget.Checkpoints, Has.Count.GreaterThan(3));
    }

    [Test]
    public void Paths_of_a_class_agree_on_every_command_in_front_of_its_checkpoint()
    {
        PathRow[] rows = [.. program.Budget!.Rows(program)];
        foreach (Checkpoint checkpoint in program.Budget.Checkpoints)
        {
            int at = program
                .Commands.ToList()
                .FindIndex(c => c.Is(CheckpointCommand.Definition) && c[CheckpointCommand.Number] == checkpoint.Number);
            foreach (CheckpointClass members in checkpoint.Classes)
            {
                for (int c = 0; c < at; c++)
                    Assert.That(
                        members.Rows.Select(r => program.Resolve(rows[r], program.Commands[c])).Distinct().Count(),
                        Is.EqualTo(1),
                        $"checkpoint {checkpoint.Number}, command {c}"
                    );
            }
        }
    }

    [Test]
    public void Paths_of_other_variants_agree_where_their_parameters_are_the_same()
    {
        int decoder = network.Network.Layers.ToList().FindIndex(l => l.Name.Contains("linear_c", StringComparison.Ordinal));
        Assert.That(
            network.Network.Layers.Take(decoder).OfType<ConvLayer>().Any(c => c.Variants is not null),
            "the encoder has parameters by path"
        );
        int[] late = [.. new[] { "whole", "decoder 1/2" }.Select(n => network.Paths.ToList().FindIndex(p => p.Name == n))];
        Assert.That(
            program.Budget!.Checkpoints.Where(c => c.Classes.Any(k => late.All(k.Rows.Contains))).Max(c => c.Layer),
            Is.GreaterThanOrEqualTo(decoder)
        );
    }

    [Test]
    [CancelAfter(600_000)]
    public void Choices_outputs_and_cycles_are_those_of_the_models_for_budgets_from_too_small_to_ample()
    {
        using var workload = new Workload(program, library, Timing);
        BudgetTable table = program.Budget!;
        long most = table.Paths.Max(p => p.Cycles),
            least = table.Paths.Min(p => p.Cycles);
        var reached = new HashSet<int>();
        uint[] budgets =
        [
            1,
            (uint)least - 1,
            .. table.Paths.Select(p => (uint)p.Cycles),
            .. table.Paths.Select(p => (uint)p.Cycles - 1),
            (uint)most * 2,
            0,
        ];
        foreach (uint budget in budgets)
        {
            WorkloadResult result = workload.RunBudget(Input(0), 3, budget);
            Check(result, $"budget {budget}");
            reached.Add(result.Rtl.Row);
            if (budget > 1 && budget >= least)
                Assert.That(result.Rtl.TotalCycles, Is.LessThanOrEqualTo(budget), $"budget {budget}");
            // The best that fits is chosen.
            int best =
                budget == 0
                    ? 3
                    : table.Preference.Cast<int?>().FirstOrDefault(r => table.Paths[r!.Value].Cycles <= budget)
                        ?? table.Paths.ToList().FindIndex(p => p.Cycles == least);
            Assert.That(result.Rtl.Row, Is.EqualTo(best), $"budget {budget}");
        }

        Assert.That(reached, Has.Count.EqualTo(table.Paths.Select(p => p.Cycles).Distinct().Count()));
    }

    [Test]
    [CancelAfter(600_000)]
    public void With_random_stalls_no_deadline_is_missed_that_the_cheapest_path_could_have_met()
    {
        int frames = Setting.Iterations(8);
        var random = new Random(Seed);
        CompiledProgram guarded = Checkpoints.Insert(plain, network.Paths, Timing, slack: 0.5);
        using var workload = new Workload(guarded, library, Timing);
        BudgetTable table = guarded.Budget!;
        long most = table.Paths.Max(p => p.Cycles),
            least = table.Paths.Min(p => p.Cycles);
        int cheapest = table.Paths.ToList().FindIndex(p => p.Cycles == least),
            missed = 0,
            changed = 0;
        for (int frame = 0; frame < frames; frame++)
        {
            var stalls = new MemoryFaults { StallSeed = random.Next() };
            uint budget = (uint)random.NextInt64(least, most * 2);
            WorkloadResult result = workload.RunBudget(Input(frame % 2), random.Next(table.Paths.Count), budget, stalls);
            Check(result, $"frame {frame}, budget {budget}, {stalls}", exact: false);

            changed += result.Rtl.Decisions.Select(d => d.After).Distinct().Count() > 1 ? 1 : 0;
            if (result.Rtl.TotalCycles <= budget)
                continue;
            missed++;
            WorkloadResult alone = workload.RunBudget(Input(frame % 2), cheapest, 0, stalls);
            Assert.That(alone.Rtl.TotalCycles, Is.GreaterThan(budget), $"frame {frame}: missed with row {result.Rtl.Row}, {stalls}");
        }

        TestContext.Out.WriteLine($"{frames} frames, {missed} missed, {changed} changed their path under way");
    }

    private static void Check(WorkloadResult result, string what, bool exact = true)
    {
        Assert.That(result.FirstMismatch, Is.Null, what);
        Assert.That(result.DecisionDifferences, Is.Empty, what);
        Assert.That(result.Rtl.Decisions, Is.Empty.Or.Count.GreaterThan(0), what);
        if (!exact)
            return;
        Assert.That(result.CounterDifferences, Is.Empty, what);
        Assert.That(result.CommandDifferences, Is.Zero, what);
    }

    private static long Cycles(CompiledProgram program, ExecutionPath path) =>
        new CycleModel(program.Config, Timing).Predict(program.Commands, program.ProgramAddress, program.Row(path)).TotalCycles;
}
