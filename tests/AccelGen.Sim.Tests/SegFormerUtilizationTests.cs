using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Network.Quantized;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>What the compiler reaches on SegFormer-B2 at full shape, by the cycle model that other tests prove exact.</summary>
public sealed class SegFormerUtilizationTests
{
    [TestCase("base", "decoder.linear_fuse", 0.98)]
    [TestCase("base", "stage2.patch_embed", 0.93)]
    [TestCase("base", "stage3.patch_embed", 0.92)]
    [TestCase("base", "stage4.patch_embed", 0.88)]
    [TestCase("wide", "decoder.linear_fuse", 0.97)]
    [TestCase("wide", "stage2.patch_embed", 0.85)]
    [TestCase("wide", "stage3.patch_embed", 0.80)]
    public void A_convolution_uses_the_array(string preset, string name, double atLeast)
    {
        AcceleratorConfig config = ConfigLoader.Load(preset);
        LayerSpec layer = SegFormerLayers.Layers("segformer-b2").Single(l => l.Name == name);
        long macs = layer.Output.Elements * layer.Input.Channels * layer.Kernel.Rows * layer.Kernel.Columns;
        double utilization = (double)macs / Cycles(config, layer, whole: true) / config.Derived.PeakMacsPerCycle;
        TestContext.Out.WriteLine($"{preset} {name}: {utilization:P1}");
        Assert.That(utilization, Is.GreaterThan(atLeast));
    }

    [TestCase("base", "decoder.linear_fuse", 2)]
    [TestCase("base", "decoder.linear_fuse", 4)]
    [TestCase("base", "stage2.patch_embed", 2)]
    [TestCase("base", "stage3.patch_embed", 2)]
    [TestCase("base", "stage4.patch_embed", 2)]
    [TestCase("wide", "decoder.linear_fuse", 2)]
    [TestCase("wide", "decoder.linear_fuse", 4)]
    [TestCase("wide", "stage2.patch_embed", 2)]
    public void Skipped_channels_save_their_share_of_the_cycles(string preset, string name, int part)
    {
        AcceleratorConfig config = ConfigLoader.Load(preset);
        LayerSpec layer = SegFormerLayers.Layers("segformer-b2").Single(l => l.Name == name);
        layer = layer with { Keep = layer.Input.Channels / part };
        double saved = 1 - ((double)Cycles(config, layer, whole: false) / Cycles(config, layer, whole: true));
        double efficiency = saved / (1 - (1.0 / part));
        TestContext.Out.WriteLine($"{preset} {name}, 1/{part} kept: cycles saved / MACs skipped {efficiency:F3}");
        Assert.That(efficiency, Is.GreaterThan(0.95));
    }

    private static long Cycles(AcceleratorConfig config, LayerSpec layer, bool whole)
    {
        var timing = new MemoryTiming();
        (QuantizedNetwork network, _, ExecutionPath path) = layer.Build(1);
        CompiledProgram program = new NetworkCompiler(config, timing).Compile(network);
        return new CycleModel(config, timing)
            .Predict(program.Commands, program.ProgramAddress, program.Row(whole ? ExecutionPath.Whole : path))
            .TotalCycles;
    }
}
