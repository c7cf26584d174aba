using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Network.Dynamic;
using NUnit.Framework;

namespace AccelGen.Sim.Tests.Dynamic;

/// <summary>Paths that keep part of the channels, through the RTL: exact in bits and cycles, and cheaper.</summary>
public sealed class ChannelPathTests
{
    private const int Seed = 5,
        Size = 32;

    // Words of one vector and of two.
    [TestCase(6, true)]
    [TestCase(6, false, Category = "Deep")]
    [TestCase(7, true)]
    [CancelAfter(600_000)]
    public Task Paths_of_a_segformer_are_exact_and_cost_less_the_less_they_keep(int built, bool byImportance) =>
        Run(built, byImportance, heads: false);

    [TestCase(6)]
    [TestCase(7)]
    [CancelAfter(600_000)]
    public Task Paths_that_drop_attention_heads_are_exact_and_cost_less_the_fewer_they_keep(int built) =>
        Run(built, byImportance: true, heads: true);

    private static async Task Run(int built, bool byImportance, bool heads)
    {
        (string preset, string[] overrides) = RandomConfigs.Built[built];
        AcceleratorConfig config = ConfigLoader.Load(preset, overrides);
        (DynamicNetwork prepared, sbyte[][] counts) = PathLadder.OfSegFormer(config, Size, Seed, byImportance, heads: heads);
        var timing = new MemoryTiming();
        CompiledProgram program = new NetworkCompiler(config, timing).Compile(prepared.Network);
        BuiltModel model = await new ModelBuild().BuildAsync(config);
        IReadOnlyList<PathRun> runs = NetworkRun.Run(program, model.Library, timing, prepared.Paths, counts[..1], 1);
        foreach (PathRun run in runs)
            TestContext.Out.WriteLine($"{run.Path.Name}: {run.CyclesRtl} cycles, {run.MacsSkipped} of {run.Macs} MACs skipped");
        Assert.That(runs.SelectMany(r => r.Differences), Is.Empty);
        Assert.That(runs.Select(r => r.CyclesRtl), Is.Ordered.Descending);
    }
}
