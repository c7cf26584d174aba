using AccelGen.Golden;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Onnx;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Quantization.Tests;

/// <summary>Signal to noise per layer, and bias correction.</summary>
public sealed class QuantizationReportTests
{
    private static int Seed => int.TryParse(Environment.GetEnvironmentVariable("ACCELGEN_SEED"), out int seed) ? seed : 4711;

    [Test]
    public void The_layer_whose_scale_is_spoiled_is_the_one_that_the_report_shows([Seeds(4711, 5)] int seed)
    {
        (FloatNetwork network, float[][] inputs, QuantizedNetwork quantized) = Quantized(seed);
        IReadOnlyList<LayerError> before = QuantizationReport.Layers(network, quantized, inputs);
        Assert.That(before.Select(e => e.Layer), Is.EqualTo(network.Layers.Select(l => l.Name)));
        Assert.That(before.Select(e => e.OwnSignalToNoise), Is.All.GreaterThan(25), $"seed {seed}");
        Assert.That(before.Select(e => e.Saturated), Is.All.LessThan(0.01));
        int[] convolutions =
        [
            .. Enumerable.Range(0, network.Layers.Count).Where(i => quantized.Layers[i] is ConvLayer { IsDataMovement: false }),
        ];
        int spoiled = convolutions[new Random(seed).Next(convolutions.Length)];
        var conv = (ConvLayer)quantized.Layers[spoiled];
        QuantizedLayer[] layers = [.. quantized.Layers];
        // Weights of two bits.
        layers[spoiled] = conv with
        {
            Weights = [.. conv.Weights.Select(w => (sbyte)(w / 64 * 64))],
        };
        IReadOnlyList<LayerError> after = QuantizationReport.Layers(network, quantized with { Layers = layers }, inputs);
        for (int i = 0; i < after.Count; i++)
        {
            Assert.That(
                after[i].OwnSignalToNoise,
                i == spoiled ? Is.LessThan(20) : Is.EqualTo(before[i].OwnSignalToNoise),
                $"seed {seed}, layer {i}"
            );
            if (i < spoiled)
                Assert.That(after[i].SignalToNoise, Is.EqualTo(before[i].SignalToNoise));
        }

        Assert.That(after[spoiled].SignalToNoise, Is.LessThan(20));
    }

    [Test]
    public void A_range_that_is_too_small_shows_as_saturation()
    {
        (FloatNetwork network, float[][] inputs, _) = Quantized(Seed);
        ValueRange[] ranges =
        [
            .. Quantizer.Calibrate(network, inputs, CalibrationMethod.MinMax).Select(r => new ValueRange(r.Low / 8, r.High / 8)),
        ];
        Assert.That(QuantizationReport.Layers(network, Quantizer.Quantize(network, ranges), inputs)[0].Saturated, Is.GreaterThan(0.05));
    }

    [Test]
    public void Bias_correction_takes_back_the_mean_error_and_a_bias_that_was_moved()
    {
        double before = 0,
            after = 0;
        for (int seed = Seed; seed < Seed + 8; seed++)
        {
            (FloatNetwork network, float[][] inputs, QuantizedNetwork quantized) = Quantized(seed);
            // Weights of four bits: a mean error that is worth correcting.
            QuantizedNetwork coarse = quantized with
            {
                Layers =
                [
                    .. quantized.Layers.Select(l =>
                        l is ConvLayer { IsDataMovement: false } c
                            ? c with
                            {
                                Weights = [.. c.Weights.Select(w => (sbyte)(Math.Round(w / 16.0) * 15.875))],
                            }
                            : l
                    ),
                ],
            };
            before += MeanError(network, coarse, inputs);
            after += MeanError(network, BiasCorrection.Apply(network, coarse, inputs), inputs);

            var conv = (ConvLayer)quantized.Layers[0];
            int[] moved = [.. conv.Bias.Select(b => b + 500)];
            var corrected = (ConvLayer)
                BiasCorrection
                    .Apply(network, quantized with { Layers = [conv with { Bias = moved }, .. quantized.Layers.Skip(1)] }, inputs)
                    .Layers[0];
            Assert.That(corrected.Bias.Zip(conv.Bias, (a, b) => Math.Abs(a - b)), Is.All.LessThan(120), $"seed {seed}");
        }

        TestContext.Out.WriteLine($"mean error of the output per channel, in steps: {before / 8:F3} before, {after / 8:F3} after");
        Assert.That(after, Is.LessThan(0.4 * before));
    }

    [Test]
    public void Networks_that_do_not_correspond_are_refused()
    {
        (FloatNetwork network, float[][] inputs, QuantizedNetwork quantized) = Quantized(Seed);
        Assert.That(() => QuantizationReport.Layers(network, quantized, []), Throws.ArgumentException);
        Assert.That(
            () => QuantizationReport.Layers(network, quantized with { Layers = [.. quantized.Layers.Skip(1)] }, inputs),
            Throws.ArgumentException
        );
        Assert.That(
            () => BiasCorrection.Apply(network, quantized with { Layers = [.. quantized.Layers.Reverse()] }, inputs),
            Throws.ArgumentException
        );
    }

    // Mean over channels of the absolute mean error, in steps of the output.
    private static double MeanError(FloatNetwork network, QuantizedNetwork quantized, float[][] inputs)
    {
        QuantizedTensor output = quantized.Tensors[quantized.Outputs[0]];
        var sums = new double[output.Shape.Elements];
        foreach (float[] input in inputs)
        {
            float[] wanted = FloatExecutor.Run(network, new Dictionary<int, float[]> { [network.Inputs[0]] = input })[network.Outputs[0]];
            sbyte[] counts = GoldenExecutor.Run(
                quantized,
                ExecutionPath.Whole,
                new Dictionary<int, sbyte[]> { [network.Inputs[0]] = Quantizer.QuantizeValues(quantized.Tensors[network.Inputs[0]], input) }
            )[output.Id];
            for (int i = 0; i < sums.Length; i++)
                sums[i] += (wanted[i] / output.Scale) - (counts[i] - output.ZeroPoint);
        }

        return sums.Average(s => Math.Abs(s / inputs.Length));
    }

    private static (FloatNetwork Network, float[][] Inputs, QuantizedNetwork Quantized) Quantized(int seed)
    {
        RandomNetwork random = RandomNetworks.Residual(seed);
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, random.Model);
            FloatNetwork network = OnnxImporter.Import(path).Network;
            float[][] inputs =
            [
                .. Enumerable
                    .Range(0, 12)
                    .Select(i => RandomNetworks.Values(new Random(seed + i), random.Channels * random.Size * random.Size, 1)),
            ];
            return (network, inputs, Quantizer.Quantize(network, Quantizer.Calibrate(network, inputs, CalibrationMethod.MinMax)));
        }
        finally
        {
            File.Delete(path);
        }
    }
}
