using AccelGen.Files;
using AccelGen.Golden;
using AccelGen.Network.Dynamic;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using NUnit.Framework;

namespace AccelGen.Quantization.Tests;

/// <summary>Several networks as one: every path computes what its own file does.</summary>
public sealed class SubnetFamilyTests
{
    private const int Registers = 16,
        Images = 4;

    private static int Seed => Setting.Seed(4400);

    private static readonly SubnetSizes[] Smaller =
    [
        new(48, [40, 32, 40], 72), // All of it, with statistics of its own.
        new(48, [40], 72), // Depth.
        new(48, [16, 24, 8], 72), // Expansion.
        new(24, [16, 24], 40), // Width, expansion and depth, no whole vectors.
        new(16, [], 24), // No block at all.
    ];

    [Test]
    public void A_path_computes_to_the_bit_what_its_subnet_alone_does_and_near_enough_what_its_file_does(
        [Values("Relu", "HardSwish")] string activation,
        [Values] bool weightOnly
    )
    {
        var models = new SubnetModels(Seed, 12) { Activation = activation, WeightOnly = weightOnly };
        byte[][] files = [models.Build(SubnetModels.Largest, 1), .. Smaller.Select((s, i) => models.Build(s, i + 2))];
        (SubnetFamily family, DynamicNetwork joined, float[][] images) = Family(models, files, Registers);
        Assert.That(joined.Paths.Select(p => p.Name), Is.EqualTo(new[] { "whole", "s0", "s1", "s2", "s3", "s4" }));
        Assert.That(QuantizedNetworkRules.Problems(joined.Network), Is.Empty);
        Assert.That(joined.Paths.Select(p => p.SkippedBlocks.Count), Is.EqualTo(new[] { 0, 0, 2, 0, 1, 3 }));
        for (int p = 0; p < files.Length; p++)
        {
            // In counts of the output, whose scale is one for all paths.
            double error = 0,
                signal = 0;
            foreach (float[] image in images)
            {
                sbyte[] joint = Run(joined.Network, joined.Paths[p], image);
                if (p > 0)
                    Assert.That(joint, Is.EqualTo(Run(family.Alone(p - 1), ExecutionPath.Whole, image)), $"path {joined.Paths[p].Name}");
                QuantizedTensor output = joined.Network.Tensors[joined.Network.Outputs[0]];
                float[] wanted = Reference(files[p], image, models.Size);
                for (int i = 0; i < wanted.Length; i++)
                {
                    error += Math.Pow((wanted[i] / output.Scale) - (joint[i] - output.ZeroPoint), 2) / wanted.Length / Images;
                    signal += Math.Pow(wanted[i] / output.Scale, 2) / wanted.Length / Images;
                }
            }

            TestContext.Out.WriteLine($"{joined.Paths[p].Name}: off by {Math.Sqrt(error):F2} counts, of {Math.Sqrt(signal):F1}");
            Assert.That(Math.Sqrt(error), Is.LessThan(3), $"path {joined.Paths[p].Name}");
        }
    }

    [Test]
    public void Too_few_registers_keep_more_channels_than_a_subnet_has_and_change_nothing()
    {
        var models = new SubnetModels(Seed, 12);
        byte[][] files = [models.Build(SubnetModels.Largest, 1), .. Smaller.Select((s, i) => models.Build(s, i + 2))];
        (_, DynamicNetwork many, float[][] images) = Family(models, files, Registers);
        int needed = many.Paths[0].Extents.Count;
        Assert.That(needed, Is.GreaterThan(3));
        for (int registers = needed - 1; registers > 0; registers--)
        {
            DynamicNetwork? few;
            try
            {
                few = Family(models, files, registers).Joined;
            }
            catch (InputException e)
            {
                // What is wider on one side than all of the other cannot share its register.
                Assert.That(e.Message, Does.Contain($"need {needed} dynamic registers").And.Contains("raise control.dynamicRegisters"));
                Assert.That(registers, Is.LessThan(needed - 1));
                continue;
            }

            Assert.That(few.Paths[0].Extents, Has.Count.LessThanOrEqualTo(registers));
            for (int p = 0; p < files.Length; p++)
                Assert.That(
                    Run(few.Network, few.Paths[p], images[0]),
                    Is.EqualTo(Run(many.Network, many.Paths[p], images[0])),
                    $"{registers} registers, path {p}"
                );
        }
    }

    [Test]
    public void Weights_are_those_of_the_whole_network_alone()
    {
        var models = new SubnetModels(Seed, 12);
        byte[][] files = [models.Build(SubnetModels.Largest, 1), .. Smaller.Select((s, i) => models.Build(s, i + 2))];
        (SubnetFamily family, DynamicNetwork joined, _) = Family(models, files, Registers);
        foreach (
            (QuantizedLayer before, QuantizedLayer after) in family.Whole.Layers.Zip(joined.Network.Layers).Where(p => p.First is ConvLayer)
        )
            Assert.That(((ConvLayer)after).Weights, Is.SameAs(((ConvLayer)before).Weights));
        // The first subnet differs from the whole network in its statistics only.
        Assert.That(joined.Paths[1].Variant, Is.Not.EqualTo(joined.Paths[0].Variant));
        Assert.That(
            joined.Network.Layers.OfType<ConvLayer>().Where(c => c.Name != "/head/Gemm"),
            Has.All.Property(nameof(ConvLayer.Variants)).Not.Null
        );
    }

    [Test]
    public void Corrected_biases_of_a_subnet_are_those_of_its_path()
    {
        var models = new SubnetModels(Seed, 12);
        byte[][] files = [models.Build(SubnetModels.Largest, 1), .. Smaller.Select((s, i) => models.Build(s, i + 2))];
        (SubnetFamily family, DynamicNetwork plain, float[][] images) = Family(models, files, Registers);
        family.Correct(null, BiasCorrection.Apply(plain.Floats[0], family.Whole, images));
        for (int s = 0; s < family.Subnets.Count; s++)
            family.Correct(s, BiasCorrection.Apply(plain.Floats[s + 1], family.Alone(s), images));
        DynamicNetwork joined = family.Join(Registers);
        for (int p = 1; p < files.Length; p++)
            Assert.That(
                Run(joined.Network, joined.Paths[p], images[0]),
                Is.EqualTo(Run(family.Alone(p - 1), ExecutionPath.Whole, images[0]))
            );
    }

    private static (SubnetFamily Family, DynamicNetwork Joined, float[][] Images) Family(SubnetModels models, byte[][] files, int registers)
    {
        float[][] images =
        [
            .. Enumerable
                .Range(0, Images)
                .Select(i => RandomNetworks.Values(new Random(Seed + i), models.Size * models.Size * SubnetModels.Image, 1)),
        ];
        FloatNetwork[] networks = [.. files.Select((f, i) => SubnetModels.Import(f, i == 0 ? "whole" : $"s{i - 1}"))];
        ValueRange[][] ranges = [.. networks.Select(n => Quantizer.Calibrate(n, images, CalibrationMethod.MinMax))];
        SubnetFamily family = SubnetFamily.Quantize(
            networks[0],
            ranges[0],
            [.. networks.Skip(1).Select((n, i) => (SubnetMatch.Find(networks[0], n, n.Name), (IReadOnlyList<ValueRange>)ranges[i + 1]))]
        );
        return (family, family.Join(registers), images);
    }

    private static sbyte[] Run(QuantizedNetwork network, ExecutionPath path, float[] image) =>
        GoldenExecutor.Run(
            network,
            path,
            new Dictionary<int, sbyte[]> { [network.Inputs[0]] = Quantizer.QuantizeValues(network.Tensors[network.Inputs[0]], image) }
        )[network.Outputs[0]];

    private static float[] Reference(byte[] model, float[] nhwc, int size)
    {
        using InferenceSession session = ExactSession.Open(model, optimise: false);
        var planes = new DenseTensor<float>([1, SubnetModels.Image, size, size]);
        for (int i = 0; i < nhwc.Length; i++)
            planes[0, i % SubnetModels.Image, i / SubnetModels.Image / size, i / SubnetModels.Image % size] = nhwc[i];
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> outputs = session.Run([NamedOnnxValue.CreateFromTensor("x", planes)]);
        return [.. outputs[0].AsTensor<float>()];
    }
}
