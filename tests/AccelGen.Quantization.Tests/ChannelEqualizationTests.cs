using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Onnx;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Quantization.Tests;

/// <summary>Scaling and splitting of uneven channels: the float network stays the same, the int8 network comes nearer to it.</summary>
public sealed class ChannelEqualizationTests
{
    private static int Seed => Setting.Seed(4711);

    [Test]
    public void Uneven_channels_between_convolutions_are_scaled_and_the_output_stays_the_same([Seeds(4711, 6)] int seed)
    {
        FloatNetwork network = Uneven(seed, default);
        float[][] inputs = Inputs(network, seed);
        FloatNetwork scaled = ChannelEqualization.Scale(network, inputs);
        AssertSame(network, scaled, inputs, seed);
        Assert.That(scaled.Layers.Select(l => l.Name), Is.EqualTo(network.Layers.Select(l => l.Name)));
        (double before, double after) = (OutputNoise(network, inputs), OutputNoise(scaled, inputs));
        TestContext.Out.WriteLine($"seed {seed}: {before:F1} dB before, {after:F1} dB after");
        Assert.That(after, Is.GreaterThan(before + 6), $"seed {seed}");
    }

    [Test]
    public void Uneven_channels_of_activation_functions_are_split_and_the_output_stays_the_same_on_every_path(
        [Values(ActivationKind.HardSwish, ActivationKind.Gelu)] ActivationKind activation,
        [Seeds(4711, 6)] int seed
    )
    {
        FloatNetwork network = Uneven(seed, new Activation(activation));
        float[][] inputs = Inputs(network, seed);
        FloatNetwork split = ChannelSplit.Apply(network, inputs, enough: 35);
        AssertSame(network, split, inputs, seed);
        Assert.That(split.Layers, Has.Count.GreaterThan(network.Layers.Count), $"seed {seed}");
        Assert.That(
            (split.Parameters - network.Parameters, split.Macs),
            Is.EqualTo(
                ((split.Layers.Count - network.Layers.Count) / 3 * network.Tensors[network.Outputs[0]].Shape.Channels, network.Macs)
            ),
            "only biases of the partial sums are added"
        );
        (double before, double after) = (OutputNoise(network, inputs), OutputNoise(split, inputs));
        TestContext.Out.WriteLine(
            $"seed {seed}: {before:F1} dB before, {after:F1} dB after, {split.Layers.Count - network.Layers.Count} more layers"
        );
        Assert.That(after, Is.GreaterThan(before + 3), $"seed {seed}");
    }

    [Test]
    public void Even_channels_stay_whole()
    {
        FloatNetwork network = Uneven(Seed, new Activation(ActivationKind.HardSwish), spread: 0);
        Assert.That(ChannelSplit.Apply(network, Inputs(network, Seed)), Is.SameAs(network));
    }

    [Test]
    public void Networks_of_every_layer_keep_their_outputs_and_blocks([Seeds(4711, 12)] int seed)
    {
        foreach (FloatNetwork network in new[] { FloatSamples.Vision(seed), Residual(seed) })
        {
            float[][] inputs = Inputs(network, seed);
            FloatNetwork equal = ChannelEqualization.Apply(network, inputs);
            AssertSame(network, equal, inputs, seed);
            Assert.That(() => Quantizer.Quantize(equal, Quantizer.Calibrate(equal, inputs, CalibrationMethod.MinMax)), Throws.Nothing);
        }
    }

    [Test]
    public void A_network_without_samples_is_refused() =>
        Assert.That(() => ChannelEqualization.Apply(Uneven(Seed, default), []), Throws.TypeOf<InputException>());

    private static void AssertSame(FloatNetwork network, FloatNetwork other, float[][] inputs, int seed)
    {
        int output = network.Outputs[0];
        Assert.That((other.Outputs, other.Inputs, other.Blocks), Is.EqualTo((network.Outputs, network.Inputs, network.Blocks)));
        foreach (
            ExecutionPath path in (ExecutionPath[])
                [
                    ExecutionPath.Whole,
                    .. network.Blocks.Select(b => new ExecutionPath(b.Name, new SortedSet<int> { b.Index }, new Dictionary<int, int>())),
                ]
        )
        {
            foreach (float[] input in inputs)
            {
                var x = new Dictionary<int, float[]> { [network.Inputs[0]] = input };
                float[] wanted = FloatExecutor.Run(network, x, path)[output],
                    seen = FloatExecutor.Run(other, x, path)[output];
                Assert.That(
                    seen.Zip(wanted).Max(p => Math.Abs(p.First - p.Second)),
                    Is.LessThan(1e-4 * wanted.Max(Math.Abs)),
                    $"seed {seed}, path {path.Name}"
                );
            }
        }
    }

    // Signal to noise of the output.
    private static double OutputNoise(FloatNetwork network, float[][] inputs) =>
        QuantizationReport
            .Layers(network, Quantizer.Quantize(network, Quantizer.Calibrate(network, inputs, CalibrationMethod.MeanSquaredError)), inputs)[
                ^1
            ]
            .SignalToNoise;

    private static float[][] Inputs(FloatNetwork network, int seed) =>
        [
            .. Enumerable
                .Range(0, 3)
                .Select(i => RandomNetworks.Values(new Random(seed + i), (int)network.Tensors[network.Inputs[0]].Shape.Elements, 1)),
        ];

    private static FloatNetwork Residual(int seed)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, RandomNetworks.Residual(seed).Model);
            return OnnxImporter.Import(path).Network;
        }
        finally
        {
            File.Delete(path);
        }
    }

    // Two inverted bottlenecks, the second a skippable block. Each channel that a convolution makes is scaled by up to 10^spread, and
    // the depthwise convolution that reads it takes that back, so that every channel matters.
    private static FloatNetwork Uneven(int seed, Activation activation, double spread = 2.5)
    {
        var random = new Random(seed);
        int size = random.Next(6, 10),
            narrow = random.Next(4, 9),
            wide = 16 * random.Next(1, 4),
            kernel = 3;
        TensorShape thin = new(1, size, size, narrow),
            thick = new(1, size, size, wide);
        var tensors = new List<FloatTensor> { new(0, "image", thin) };
        var layers = new List<FloatLayer>();
        int x = Conv(0, narrow, 1, 1, default, null, null, null);
        for (int block = 0; block < 2; block++)
        {
            double[] scales = [.. Enumerable.Range(0, wide).Select(_ => Math.Pow(10, spread * random.NextDouble()))];
            int? skippable = block == 1 ? 0 : null;
            int expanded = Conv(x, wide, 1, 1, activation, null, skippable, scales);
            int deep = Conv(expanded, wide, kernel, wide, activation, null, skippable, [.. scales.Select(s => 1 / s)]);
            x = Conv(deep, narrow, 1, 1, default, x, skippable, null);
        }

        x = Conv(x, narrow, 1, 1, default, null, null, null);
        return new FloatNetwork("uneven", tensors, layers, [new SkippableBlock(0, "block")], [0], [x]);

        int Conv(int input, int outputs, int window, int groups, Activation function, int? residual, int? block, double[]? scales)
        {
            int inputs = tensors[input].Shape.Channels / groups,
                run = window * window * inputs;
            float[] weights = RandomNetworks.Values(random, outputs * run, 1.7 / Math.Sqrt(run)),
                bias = RandomNetworks.Values(random, outputs, 0.3);
            for (int i = 0; scales is not null && i < weights.Length; i++)
                weights[i] *= (float)scales[i / run];
            // A bias moves with the channels it is read beside.
            for (int k = 0; scales is not null && groups == 1 && k < outputs; k++)
                bias[k] *= (float)scales[k];
            tensors.Add(
                new FloatTensor(tensors.Count, $"t{tensors.Count}", outputs == narrow ? thin : thick, block is null ? null : residual)
            );
            layers.Add(
                new FloatConv($"conv{layers.Count}", input, tensors.Count - 1)
                {
                    Weights = weights,
                    Bias = bias,
                    Kernel = (window, window),
                    Padding = (window / 2, window / 2, window / 2, window / 2),
                    Groups = groups,
                    Activation = function,
                    Residual = residual,
                    Block = block,
                    Range =
                        function.Kind == ActivationKind.None && groups == 1 && outputs == wide ? OutputRange.Relu : OutputRange.Unbounded,
                }
            );
            return tensors.Count - 1;
        }
    }
}
