using AccelGen.Data;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Onnx;
using AccelGen.Quantization;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Golden.Tests;

/// <summary>Trained networks: what int8 costs in accuracy, by the golden model alone.</summary>
public sealed class ThirdPartyNetworkTests
{
    [Test]
    public void A_vision_transformer_reads_at_least_24_of_25_digits_by_every_calibration_method([Values] CalibrationMethod method)
    {
        FloatNetwork network = OnnxImporter.Import(ThirdPartyModels.Require("vit4mnist/vit4mnist_opset17.onnx")).Network;
        string folder = ThirdPartyModels.Require("images/mnist");
        string[][] labels = [.. File.ReadLines(Path.Combine(folder, "labels.csv")).Skip(1).Select(l => l.Split(','))];
        float[][] digits =
        [
            .. labels.Select(l => ImageSet.Decode(Path.Combine(folder, l[0]), 28, 28, 1, new Normalization([0.1307f], [0.3081f]))),
        ];
        QuantizedNetwork quantized = Quantizer.Quantize(network, Quantizer.Calibrate(network, digits[..10], method));
        int right = digits
            .Zip(labels)
            .Count(d =>
                Run(quantized, d.First) is var scores
                && Array.IndexOf(scores, scores.Max()) == int.Parse(d.Second[1], System.Globalization.CultureInfo.InvariantCulture)
            );
        TestContext.Out.WriteLine(
            $"{method}: {right} of {digits.Length}, signal to noise "
                + $"{QuantizationReport.Layers(network, quantized, digits[..10])[^1].SignalToNoise:F1} dB"
        );
        Assert.That(right, Is.GreaterThanOrEqualTo(24));
    }

    [TestCase(512, CalibrationMethod.Percentile, false)]
    [TestCase(512, CalibrationMethod.MeanSquaredError, true)]
    [TestCase(256, CalibrationMethod.MeanSquaredError, true)]
    public void Street_scene_segmentation_loses_less_than_two_points_of_pixel_accuracy(int size, CalibrationMethod method, bool equalize)
    {
        FloatNetwork original = OnnxImporter
            .Import(ThirdPartyModels.Require($"efficientvit_seg_b0/efficientvit_seg_b0_cityscapes_{size}_folded.onnx"))
            .Network;
        string folder = ThirdPartyModels.Require("images/cityscapes");
        float[] scene = ImageSet.Decode(Path.Combine(folder, "cityscapes_segmentation.bmp"), size, size, 3, Normalization.Default(3));
        byte[] mask = File.ReadAllBytes(Path.Combine(folder, "cityscapes_segmentation_mask.bmp"));
        TensorShape shape = original.Tensors[original.Outputs[0]].Shape;
        FloatNetwork network = equalize ? ChannelEqualization.Apply(original, [scene]) : original;
        QuantizedNetwork quantized = Quantize(network);
        var x = new Dictionary<int, float[]> { [original.Inputs[0]] = scene };
        float[] wanted = FloatExecutor.Run(original, x)[original.Outputs[0]];
        double real = Accuracy(wanted),
            int8 = Accuracy(Run(quantized, scene));
        TestContext.Out.WriteLine(
            $"pixel accuracy {real:P2} float, {int8:P2} int8; {network.Layers.Count} layers of {original.Layers.Count}"
        );
        if (equalize)
        {
            Assert.That(
                FloatExecutor.Run(network, x)[network.Outputs[0]].Zip(wanted).Max(p => Math.Abs(p.First - p.Second)),
                Is.LessThan(1e-4 * wanted.Max(Math.Abs))
            );
            IReadOnlyList<LayerError> before = QuantizationReport.Layers(original, Quantize(original), [scene]),
                after = QuantizationReport.Layers(network, quantized, [scene]);
            TestContext.Out.WriteLine(
                $"signal to noise {before[^1].SignalToNoise:F1} dB before, {after[^1].SignalToNoise:F1} dB after; of "
                    + $"the worst layer {before.Min(l => l.OwnSignalToNoise):F1} and {after.Min(l => l.OwnSignalToNoise):F1} dB"
            );
            // The correction of biases alone gives 10.8 and 12.8 dB.
            Assert.That(after[^1].SignalToNoise, Is.GreaterThan(Math.Max(11.6, before[^1].SignalToNoise + 0.8)));
            Assert.That(after.Min(l => l.OwnSignalToNoise), Is.GreaterThan(before.Min(l => l.OwnSignalToNoise) + 2));
        }

        Assert.That(real, Is.GreaterThan(0.9));
        Assert.That(int8, Is.GreaterThan(real - 0.02));

        QuantizedNetwork Quantize(FloatNetwork n) =>
            BiasCorrection.Apply(n, Quantizer.Quantize(n, Quantizer.Calibrate(n, [scene], method)), [scene]);

        // Class of each output pixel against the mask's nearest pixel: 8 bits per pixel, rows from the bottom, of whole words.
        double Accuracy<T>(T[] scores)
            where T : IComparable<T>
        {
            int offset = BitConverter.ToInt32(mask, 10),
                width = BitConverter.ToInt32(mask, 18),
                height = BitConverter.ToInt32(mask, 22),
                pitch = (width + 3) / 4 * 4,
                right = 0,
                all = 0;
            for (int p = 0; p < shape.Height * shape.Width; p++)
            {
                int row = (int)((p / shape.Width + 0.5) * height / shape.Height),
                    column = (int)((p % shape.Width + 0.5) * width / shape.Width);
                byte wanted = mask[offset + ((height - 1 - row) * pitch) + column];
                if (wanted >= shape.Channels)
                    continue;
                int best = 0;
                for (int c = 1; c < shape.Channels; c++)
                    best = scores[(p * shape.Channels) + c].CompareTo(scores[(p * shape.Channels) + best]) > 0 ? c : best;
                right += best == wanted ? 1 : 0;
                all++;
            }

            return (double)right / all;
        }
    }

    private static sbyte[] Run(QuantizedNetwork network, float[] input) =>
        GoldenExecutor.Run(
            network,
            ExecutionPath.Whole,
            new Dictionary<int, sbyte[]> { [network.Inputs[0]] = Quantizer.QuantizeValues(network.Tensors[network.Inputs[0]], input) }
        )[network.Outputs[0]];
}
