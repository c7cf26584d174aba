using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Isa;
using AccelGen.Network.Dynamic;
using AccelGen.Sim.Tests.Dynamic;
using AccelGen.Sim.Traces;
using NUnit.Framework;

namespace AccelGen.Sim.Tests.Traces;

/// <summary>Traces by tables of cycles: against the whole cycle model, against the RTL, and what is made of them.</summary>
public sealed class TraceModelTests
{
    private const int Seed = 6,
        Size = 32;
    private static readonly MemoryTiming Nominal = new(),
        Slow = Nominal with { ReadInterval = 2, WriteInterval = 2 },
        Far = Slow with { ReadLatency = 90 };

    // What the paths are worth, by their names.
    private static readonly double[] Worth = [0.9, 0.85, 0.8, 0.6, 0.7, 0.65, 0.5, 0.3];

    private AcceleratorConfig config = null!;
    private CompiledProgram plain = null!,
        program = null!;
    private DynamicNetwork network = null!;
    private sbyte[][] inputs = null!;
    private TraceModel model = null!;
    private HostTable table = null!;

    private static int[] Rows => [.. Enumerable.Range(0, Worth.Length)];

    [OneTimeSetUp]
    public void Compile()
    {
        (string preset, string[] overrides) = RandomConfigs.Built[6];
        config = ConfigLoader.Load(preset, overrides);
        (network, inputs) = PathLadder.OfSegFormer(config, Size, Seed, byImportance: true, late: true);
        plain = new NetworkCompiler(config, Nominal).Compile(network.Network);
        program = Checkpoints.Insert(plain, network.Paths, Nominal, Worth);
        model = new TraceModel(program, Rows, [.. network.Paths.Select((p, i) => new StaticNetwork(p.Name, i, plain, plain.Row(p)))]);
        int predicted = 0;
        Assert.That(model.Missing([Nominal, Slow, Far, Slow]), Is.EqualTo(3 * 2 * Worth.Length));
        model.Predict([Nominal, Slow, Far, Slow], () => Interlocked.Increment(ref predicted));
        Assert.That(predicted, Is.EqualTo(3 * 2 * Worth.Length));
        Assert.That(model.Missing([Nominal, Slow, Far]), Is.Zero);
        table = HostTable.Create([
            .. network.Paths.Select(
                (p, i) => new HostCandidate(p.Name, model.Static(i, new FrameDemand(1, Nominal)).Cycles, Worth[i], Worth[i], plain.Row(p))
            ),
        ]);
    }

    [Test]
    public void Cycles_paths_and_choices_of_a_frame_are_those_of_the_whole_model()
    {
        var random = new Random(Seed);
        IReadOnlyList<PathRow> rows = program.Budget!.Rows(program);
        long least = program.Budget.Paths.Min(p => p.Cycles),
            most = program.Budget.Paths.Max(p => p.Cycles);
        var ended = new HashSet<int>();
        int moved = 0;
        foreach (MemoryTiming timing in new[] { Nominal, Slow, Far })
        {
            for (int i = 0; i < 12; i++)
            {
                uint budget = (uint)random.NextInt64(least / 2, most * 2);
                FrameOutcome got = model.Dynamic(new FrameDemand(budget, timing));
                CyclePrediction whole = new CycleModel(config, timing).Predict(
                    program.Commands,
                    program.ProgramAddress,
                    new FrameControl(rows, 0, budget)
                );
                Assert.That(
                    (got.Cycles, got.Path, got.Met),
                    Is.EqualTo((whole.TotalCycles, whole.Row, whole.TotalCycles <= budget)),
                    $"budget {budget}, {timing}"
                );
                Assert.That(got.Decisions, Is.EqualTo(whole.Decisions), $"budget {budget}, {timing}");
                ended.Add(got.Path);
                moved += got.Decisions.Select(d => d.After).Distinct().Count() > 1 ? 1 : 0;
            }
        }

        Assert.That(ended, Has.Count.GreaterThan(3));
        Assert.That(moved, Is.Positive, "a contended memory makes some frame change its path under way");
    }

    [Test]
    public void Without_contention_no_frame_is_late_and_more_is_delivered_than_by_the_best_single_path()
    {
        IReadOnlyList<FrameDemand> frames = BudgetTrace.Generate(BudgetTrace.Bursts, 500, Seed, model.Range, Nominal);
        var report = TraceReport.Create(frames, model, Worth, table, slack: 0);
        Assert.That(report.Dynamic.Misses, Is.Zero);
        Assert.That(report.BestStatic, Is.Not.Null);
        PolicyOutcome best = report.Statics[report.BestStatic!.Value];
        Assert.Multiple(() =>
        {
            Assert.That(best.Misses, Is.Zero);
            Assert.That(report.Statics.Where(s => s.Misses == 0).Max(s => s.Delivered), Is.EqualTo(best.Delivered));
            Assert.That(report.Dynamic.Delivered, Is.GreaterThan(best.Delivered));
            Assert.That(report.Hindsight.Delivered, Is.GreaterThanOrEqualTo(report.Host.Delivered));
        });
    }

    [Test]
    public void A_late_frame_delivers_nothing_or_its_path_as_it_is_counted()
    {
        long whole = model.Static(0, new FrameDemand(1, Nominal)).Cycles;
        FrameDemand[] frames = [new((uint)whole, Nominal), new((uint)whole, Slow), new(1, Nominal)];
        var report = TraceReport.Create(frames, model, Worth, table, slack: 0);
        Assert.Multiple(() =>
        {
            // The host knows nothing of the contention.
            Assert.That(report.Host.Frames.Select(f => f.Met), Is.EqualTo(new[] { true, false, false }));
            Assert.That(report.Host.Frames[2].Path, Is.EqualTo(table.Entries[0].Candidate), "where nothing fits, the cheapest");
            Assert.That(report.Host.Delivered, Is.EqualTo(Worth[0] / 3).Within(1e-12));
            Assert.That(report.Host.DeliveredLate, Is.EqualTo((Worth[0] + Worth[0] + Worth[table.Entries[0].Candidate]) / 3).Within(1e-12));
            Assert.That(report.Statics[0].Misses, Is.EqualTo(2));
            Assert.That(report.Statics[0].MeanCycles, Is.EqualTo(((2.0 * whole) + model.Static(0, frames[1]).Cycles) / 3).Within(1e-6));
        });
    }

    [Test]
    public void Where_every_single_path_misses_more_there_is_no_best_one()
    {
        // Where nothing at all fits, all paths miss alike.
        var hopeless = TraceReport.Create([new(1, Nominal)], model, Worth, table, slack: 0);
        Assert.That(hopeless.BestStatic, Is.EqualTo(table.Entries[0].Candidate));
        Assert.That(hopeless.Hindsight.Misses, Is.EqualTo(1));
        // With only the whole network beside the checkpoints, a tight frame is missed by all that goes one way.
        var alone = new TraceModel(program, Rows, [model.Networks[0]]);
        alone.Predict([Nominal]);
        long whole = alone.Static(0, new FrameDemand(1, Nominal)).Cycles;
        HostTable single = HostTable.Create([new HostCandidate("whole", whole, Worth[0], Worth[0], plain.Row(network.Paths[0]))]);
        var tight = TraceReport.Create([new((uint)whole * 9 / 10, Nominal)], alone, Worth, single, slack: 0);
        Assert.That(tight.Dynamic.Misses, Is.Zero);
        Assert.That(tight.BestStatic, Is.Null);
        // A host with slack takes a cheaper path than it would need.
        Assert.That(table.Best(table.Entries[^1].Cycles, slack: 0.2)!.Row, Is.LessThan(table.Entries.Count - 1));
        int[] spread = TraceFrames.Spread(4, 10);
        Assert.That(spread, Is.EqualTo(new[] { 0, 2, 5, 7 }));
    }

    [Test]
    [CancelAfter(600_000)]
    public async Task Frames_in_the_RTL_are_those_of_the_trace_also_on_a_contended_memory()
    {
        string library = (await new ModelBuild().BuildAsync(config)).Library;
        long least = program.Budget!.Paths.Min(p => p.Cycles),
            most = program.Budget.Paths.Max(p => p.Cycles);
        FrameDemand[] frames =
        [
            new((uint)most, Nominal),
            new((uint)least, Nominal),
            new((uint)most, Slow),
            new((uint)(most * 3 / 2), Far),
            new((uint)((least + most) / 2), Nominal),
        ];
        FrameOutcome[] outcomes = [.. frames.Select(model.Dynamic)];
        int[] chosen = [0, 2, 3, 4];
        IReadOnlyList<RtlFrame> runs = TraceFrames.Run(program, library, frames, outcomes, Rows, chosen, inputs, jobs: 2);
        Assert.That(runs.Select(r => (r.Frame, r.Input)), Is.EqualTo(new[] { (0, 0), (2, 0), (3, 1), (4, 0) }));
        Assert.That(runs.SelectMany(r => r.Differences), Is.Empty);
        Assert.That(runs.Select(r => r.CyclesRtl), Is.EqualTo(chosen.Select(f => outcomes[f].Cycles)));
        Assert.That(runs.Select(r => r.Mismatches), Has.All.Zero);

        // A trace that is wrong shows.
        FrameOutcome[] wrong =
        [
            .. outcomes.Select(o => o with { Cycles = o.Cycles + 1, Path = 7 - o.Path, Decisions = [.. o.Decisions, default] }),
        ];
        IReadOnlyList<string> said = TraceFrames.Run(program, library, frames, wrong, Rows, [0], inputs, jobs: 1).Single().Differences;
        Assert.That(said, Has.Count.EqualTo(3));
        Assert.That(
            string.Join('\n', said),
            Does.Contain("cycles, the trace says").And.Contain("the frame ended on path").And.Contain("choices")
        );
    }
}
