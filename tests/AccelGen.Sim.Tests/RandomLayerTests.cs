using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>
/// Random layers on random memories: the RTL equals the golden operators in every element and the cycle model in every counter and
/// command.
/// </summary>
public sealed class RandomLayerTests
{
    // Layers per configuration; in all 10,000 in the deep run.
    private const int Everyday = 100,
        Deep = 1112;

    private static int Seed => Setting.Seed(20261124);

    [TestCaseSource(nameof(Numbers))]
    [CancelAfter(300_000)]
    public Task Random_layers_equal_the_golden_and_the_cycle_model(int number) => RunAsync(number, Setting.Iterations(Everyday));

    /// <summary>Nothing reads what nothing has written: registers and memories start with random values.</summary>
    [Test]
    [CancelAfter(300_000)]
    public Task Random_layers_do_not_depend_on_the_state_before_reset() => RunAsync(0, Setting.Iterations(Everyday), randomState: true);

    [TestCaseSource(nameof(Numbers))]
    [Category("Deep")]
    [CancelAfter(3_600_000)]
    public Task Many_random_layers_equal_the_golden_and_the_cycle_model(int number) => RunAsync(number, Setting.Iterations(Deep));

    [Test]
    public void Of_10_000_random_layers_many_have_padding_as_large_as_the_kernel_and_sizes_at_the_edges()
    {
        int padded = 0,
            beyond = 0,
            single = 0,
            large = 0;
        for (int i = 0; i < 10_000; i++)
        {
            var layer = RandomLayer.Create(new Random(Seed + i));
            padded += layer.PaddedByKernel ? 1 : 0;
            (int[] window, int[] pads) = layer.Window;
            beyond += pads.Any(p => p > 31) ? 1 : 0;
            large += window.Any(w => w > 31) ? 1 : 0;
            single += layer.Network.Tensors[0].Shape is { Height: 1, Width: 1 } or { Channels: 1 } ? 1 : 0;
        }

        TestContext.Out.WriteLine(
            $"of 10,000 random layers {padded} have padding as large as the kernel, {beyond} padding beyond 31, "
                + $"{large} a kernel, stride or dilation beyond 31, {single} one pixel or one channel"
        );
        Assert.That(padded, Is.GreaterThan(1000));
        Assert.That(new[] { beyond, large, single }, Is.All.GreaterThan(100));
    }

    private static async Task RunAsync(int number, int count, bool randomState = false)
    {
        (string preset, string[] overrides) = RandomConfigs.Built[number];
        AcceleratorConfig config = ConfigLoader.Load(preset, overrides);
        BuiltModel built = await new ModelBuild().BuildAsync(config, randomState: randomState);
        TestContext.Out.WriteLine($"{preset} {string.Join(' ', overrides)}, seed {Seed}");
        int executed = 0,
            padded = 0;
        int drawn = Sampling
            .Draw(LayerCase.Create, c => c.Layer.Network.Tensors.Sum(t => t.Shape.Elements))
            .Check(
                (Seed * 31) + number,
                c =>
                {
                    if (!Equal(config, built, c))
                        return false;
                    executed++;
                    padded += c.Layer.PaddedByKernel ? 1 : 0;
                    return true;
                },
                wanted: count,
                most: 100 + (2 * count),
                c => $"{c.Layer.Description}, {c.Timing}"
            );
        TestContext.Out.WriteLine(
            $"{executed} layers equal, {padded} with padding as large as the kernel, {drawn - executed} refused as too large"
        );
        Assert.That(executed, Is.EqualTo(count), "too many random layers do not fit");
    }

    // Whether the layer fits; then it must be equal.
    private static bool Equal(AcceleratorConfig config, BuiltModel built, LayerCase drawn)
    {
        (RandomLayer layer, MemoryTiming timing, int seed) = drawn;
        var random = new Random(seed);
        CompiledProgram program;
        try
        {
            program = new NetworkCompiler(config, timing, random.Next(1, 5)) { AnyTiling = random.Next(2) == 0 ? random : null }.Compile(
                layer.Network
            );
        }
        catch (CompileException)
        {
            return false;
        }

        using var workload = new Workload(program, built.Library, timing);
        string what = $"{layer.Description}, {timing}, {program.Layers[0].Tiling}";
        WorkloadResult result = workload.Run(layer.Inputs, layer.Path);
        Assert.That(result.FirstMismatch, Is.Null, what);
        Assert.That(result.CounterDifferences, Is.Empty, what);
        Assert.That(result.CommandDifferences, Is.Zero, what);
        if (random.Next(4) == 0)
        {
            WorkloadResult stalled = workload.Run(layer.Inputs, layer.Path, new MemoryFaults(seed));
            Assert.That(stalled.FirstMismatch, Is.Null, $"stalled, {what}");
            Assert.That(stalled.Rtl.TotalCycles, Is.GreaterThanOrEqualTo(stalled.Model.TotalCycles), $"stalled, {what}");
        }

        return true;
    }

    /// <summary>A layer, the memory beside it, and the seed of the compiler's choices.</summary>
    private sealed record LayerCase(RandomLayer Layer, MemoryTiming Timing, int Seed)
    {
        public static LayerCase Create(Random random) =>
            new(
                RandomLayer.Create(random),
                new MemoryTiming(random.Next(1, 120), random.Next(1, 5), random.Next(1, 40), random.Next(1, 4)),
                random.Next()
            );
    }

    private static IEnumerable<int> Numbers() => Enumerable.Range(0, RandomConfigs.Built.Count);
}
