using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Float;
using AccelGen.Quantization;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Sim.Tests.Dynamic;

/// <summary>Subnets as paths, through the RTL: narrower streams, narrower blocks, fewer blocks, biases and factors of their own.</summary>
public sealed class SubnetPathTests
{
    private static readonly SubnetSizes[] Smaller =
    [
        new(48, [40, 32, 40], 72),
        new(48, [40], 72),
        new(48, [16, 24, 8], 72),
        new(24, [16, 24], 40),
        new(16, [], 24),
    ];

    private static int Seed => Setting.Seed(6100);

    // Words of one vector and of two; blocks with dense convolutions in the middle and with depthwise ones.
    [TestCase(0, "Relu", true)]
    [TestCase(6, "Relu", false)]
    [TestCase(7, "Relu", true)]
    [TestCase(6, "HardSwish", true, Category = "Deep")]
    [TestCase(7, "HardSwish", false)]
    [CancelAfter(600_000)]
    public async Task Subnets_are_paths_of_one_program_exact_in_bits_and_cycles(int built, string activation, bool inverted)
    {
        IReadOnlyList<PathRun> runs = await RunAsync(
            built,
            new SubnetModels(Seed, 12) { Activation = activation, Inverted = inverted },
            Smaller
        );
        Assert.That(runs.SelectMany(r => r.Differences), Is.Empty);
        Assert.That(runs.Skip(2).Select(r => r.CyclesRtl), Has.All.LessThan(runs[0].CyclesRtl));
        Assert.That(runs[1].CyclesRtl, Is.EqualTo(runs[0].CyclesRtl), "other factors cost nothing");
    }

    // Where no channel is left out, layers are joined as in any network: what is loaded for a second one of them is the path's too.
    [TestCase(6, true, 12)]
    [TestCase(6, true, 32)]
    [TestCase(6, false, 12)]
    [TestCase(7, true, 32)]
    [CancelAfter(600_000)]
    public async Task Subnets_that_differ_in_their_statistics_alone_run_as_joined_layers(int built, bool inverted, int size)
    {
        IReadOnlyList<PathRun> runs = await RunAsync(
            built,
            new SubnetModels(Seed, size) { Inverted = inverted },
            [SubnetModels.Largest, SubnetModels.Largest]
        );
        Assert.That(runs.SelectMany(r => r.Differences), Is.Empty);
        Assert.That(runs[1].Outputs[0], Is.Not.EqualTo(runs[0].Outputs[0]));
        Assert.That(runs[2].Outputs[0], Is.Not.EqualTo(runs[1].Outputs[0]));
        Assert.That(runs.Select(r => r.CyclesRtl), Has.All.EqualTo(runs[0].CyclesRtl));
    }

    private static async Task<IReadOnlyList<PathRun>> RunAsync(int built, SubnetModels models, SubnetSizes[] smaller)
    {
        (string preset, string[] overrides) = RandomConfigs.Built[built];
        AcceleratorConfig config = ConfigLoader.Load(preset, overrides);
        FloatNetwork[] networks =
        [
            SubnetModels.Import(models.Build(SubnetModels.Largest, 1), "whole"),
            .. smaller.Select((s, i) => SubnetModels.Import(models.Build(s, i + 2), $"s{i}")),
        ];
        float[][] images =
        [
            .. Enumerable
                .Range(0, 2)
                .Select(i => RandomNetworks.Values(new Random(Seed + i), models.Size * models.Size * SubnetModels.Image, 1)),
        ];
        ValueRange[][] ranges = [.. networks.Select(n => Quantizer.Calibrate(n, images, CalibrationMethod.MinMax))];
        SubnetFamily family = SubnetFamily.Quantize(
            networks[0],
            ranges[0],
            [.. networks.Skip(1).Select((n, i) => (SubnetMatch.Find(networks[0], n, n.Name), (IReadOnlyList<ValueRange>)ranges[i + 1]))]
        );
        DynamicNetwork joined = family.Join(config.Control.DynamicRegisters);
        TestContext.Out.WriteLine($"{config.Name}: {joined.Paths[0].Extents.Count} registers of {config.Control.DynamicRegisters}");
        var timing = new MemoryTiming();
        CompiledProgram program = new NetworkCompiler(config, timing).Compile(joined.Network);
        TestContext.Out.WriteLine(
            $"joined: {string.Join(", ", program.Layers.Where(l => l.FusedInto is not null).Select(l => l.Layer.Name))}"
        );
        BuiltModel model = await new ModelBuild().BuildAsync(config);
        IReadOnlyList<PathRun> runs = NetworkRun.Run(
            program,
            model.Library,
            timing,
            joined.Paths,
            [Quantizer.QuantizeValues(joined.Network.Tensors[joined.Network.Inputs[0]], images[0])],
            1
        );
        foreach (PathRun run in runs)
            TestContext.Out.WriteLine($"{run.Path.Name}: {run.CyclesRtl} cycles, {run.MacsSkipped} of {run.Macs} MACs skipped");
        return runs;
    }
}
