using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Network.Architectures;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>Whole SegFormer frames, every operator in the RTL.</summary>
public sealed class SegFormerFrameTests
{
    [TestCase("small", "segformer-b0", 64)]
    [TestCase("base", "segformer-b0", 512, Category = "Deep")]
    [TestCase("wide", "segformer-b2", 512, Category = "Deep")]
    [CancelAfter(1_200_000)]
    public async Task A_frame_equals_golden_and_cycle_model(string preset, string variant, int size)
    {
        AcceleratorConfig config = ConfigLoader.Load(preset);
        var timing = new MemoryTiming();
        (CompiledProgram program, sbyte[] input) = Compile(config, timing, variant, size);
        BuiltModel built = await new ModelBuild().BuildAsync(config);
        using var workload = new Workload(program, built.Library, timing);
        WorkloadResult result = workload.Run(new Dictionary<int, sbyte[]> { [program.Network.Inputs[0]] = input }, ExecutionPath.Whole);
        long peak = config.Derived.PeakMacsPerCycle,
            macs = result.Layers.Sum(l => l.Macs);
        foreach (IGrouping<string, LayerResult> g in result.Layers.GroupBy(l => l.Op).OrderByDescending(g => g.Sum(l => l.CyclesRtl)))
            TestContext.Out.WriteLine(
                $"{g.Key, -12} {g.Count(), 4} layers {g.Sum(l => l.CyclesRtl), 12:N0} cycles, ideal "
                    + $"{g.Sum(l => l.Macs) / peak, 10:N0}, read {g.Sum(l => l.BytesRead), 12:N0}, written "
                    + $"{g.Sum(l => l.BytesWritten), 12:N0}"
            );
        foreach (LayerResult l in result.Layers)
            TestContext.Out.WriteLine(
                $"{l.Name, -50} {l.Op, -10} {l.CyclesRtl, 10:N0} ideal {l.Macs / peak, 8:N0} read "
                    + $"{l.BytesRead, 10:N0} written {l.BytesWritten, 10:N0}  {l.Tiling}"
            );
        TestContext.Out.WriteLine(
            $"{variant} {size}: {result.Rtl.TotalCycles:N0} cycles, {(double)macs / result.Rtl.TotalCycles / peak:P1} "
                + $"of peak, {result.WallSeconds:F1} s"
        );
        Assert.That(result.FirstMismatch, Is.Null);
        Assert.That(result.CounterDifferences, Is.Empty);
        Assert.That(result.CommandDifferences, Is.Zero);
    }

    private static (CompiledProgram Program, sbyte[] Input) Compile(AcceleratorConfig config, MemoryTiming timing, string variant, int size)
    {
        FloatNetwork network = SegFormer.Build(SegFormer.Variant(variant), size, size, seed: 1);
        var random = new Random(2);
        // Smooth, so that neighbouring pixels are alike as in an image.
        float[] image = new float[network.Tensors[network.Inputs[0]].Shape.Elements];
        for (int i = 0; i < image.Length; i++)
        {
            int pixel = i / 3,
                x = pixel % size,
                y = pixel / size;
            image[i] = (float)(Math.Sin((x * 0.05) + (i % 3)) + Math.Cos(y * 0.07) + (0.3 * random.NextDouble()));
        }

        ValueRange[] ranges = Quantizer.Calibrate(network, [image], CalibrationMethod.MinMax);
        QuantizedNetwork quantized = Quantizer.Quantize(network, ranges);
        return (
            new NetworkCompiler(config, timing).Compile(quantized),
            Quantizer.QuantizeValues(quantized.Tensors[quantized.Inputs[0]], image)
        );
    }
}
