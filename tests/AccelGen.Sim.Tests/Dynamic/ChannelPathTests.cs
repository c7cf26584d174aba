using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Golden;
using AccelGen.Network.Architectures;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Sim.Tests.Dynamic;

/// <summary>Paths that keep part of the channels, through the RTL: exact in bits and cycles, and cheaper.</summary>
public sealed class ChannelPathTests
{
    private const int Seed = 5, Size = 32;

    // Words of one vector and of two.
    [TestCase(6, true)]
    [TestCase(6, false, Category = "Deep")]
    [TestCase(7, true)]
    [CancelAfter(600_000)]
    public async Task Paths_of_a_segformer_are_exact_and_cost_less_the_less_they_keep(int built, bool byImportance)
    {
        (string preset, string[] overrides) = RandomConfigs.Built[built];
        AcceleratorConfig config = ConfigLoader.Load(preset, overrides);
        int width = config.Array.VectorWidth;
        FloatNetwork network = SegFormer.Build(SegFormer.Variant("segformer-b0"), Size, Size, Seed);
        float[][] inputs = [.. Enumerable.Range(0, 2).Select(i => RandomNetworks.Values(new Random(Seed + i), Size * Size * 3, 1))];
        QuantizedNetwork quantized = Quantizer.Quantize(network, Quantizer.Calibrate(network, inputs, CalibrationMethod.MinMax));
        sbyte[][] counts = [.. inputs.Select(i => Quantizer.QuantizeValues(quantized.Tensors[quantized.Inputs[0]], i))];
        IReadOnlyList<ChannelCut> cuts = ChannelCuts.Find(quantized);
        IReadOnlyList<ChannelStatistics> statistics = PathStatistics.Collect(quantized, cuts, counts);
        OrderedCut[] ordered = [.. cuts.Select((c, i) => new OrderedCut(
            c, byImportance ? ChannelOrder.ByImportance(c, ChannelOrder.Importance((ConvLayer)quantized.Layers[c.Reader], statistics[i]), width) : ChannelOrder.OfFile(c), byImportance ? statistics[i].Mean : null))];
        Dictionary<int, int> Part(int of, int parts) => cuts.ToDictionary(c => c.Reader, c => c.Channels * of / parts / width * width);
        PathPlan[] plans =
        [
            new("whole", new HashSet<int>(), new Dictionary<int, int>()), new("7/8", new HashSet<int>(), Part(7, 8)), new("3/4", new HashSet<int> { 3 }, Part(3, 4)),
            new("1/2", new HashSet<int> { 3, 6 }, Part(1, 2)), new("1/4", new HashSet<int> { 1, 3, 6 }, Part(1, 4)),
        ];
        DynamicNetwork prepared = DynamicNetwork.Prepare(quantized, ordered, plans, width, config.Control.DynamicRegisters);
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
