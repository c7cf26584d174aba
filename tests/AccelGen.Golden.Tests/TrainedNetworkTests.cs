using AccelGen.Data;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Onnx;
using AccelGen.Quantization;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Golden.Tests;

/// <summary>The networks of scripts/training on scenes they were not trained on: they see what they should, and int8 costs them
/// little.</summary>
public sealed class TrainedNetworkTests
{
    // Seeds of the sets, as scripts/training/README.md lists them.
    private const int Calibration = 2,
        Test = 4;

    private const int Scenes = 20;

    [TestCase("scenes_plain.onnx")]
    [TestCase("scenes_paths.onnx")]
    [CancelAfter(240_000)]
    public void A_trained_SegFormer_finds_the_classes_of_scenes_in_float_and_in_int8(string name)
    {
        FloatNetwork network = OnnxImporter.Import(Path.Combine(Models(), name)).Network;
        float[][] images = [.. Enumerable.Range(0, 8).Select(i => Input(Scene.Draw(Calibration, i)))];
        QuantizedNetwork quantized = Quantizer.Quantize(network, Quantizer.Calibrate(network, images, CalibrationMethod.MeanSquaredError));
        TensorShape shape = network.Tensors[network.Outputs[0]].Shape;
        (Confusion real, Confusion whole) = (new(Scene.Classes.Count), new(Scene.Classes.Count));
        for (int i = 0; i < Scenes; i++)
        {
            Scene scene = Scene.Draw(Test, i);
            float[] x = Input(scene);
            Add(real, FloatExecutor.Run(network, new Dictionary<int, float[]> { [network.Inputs[0]] = x })[network.Outputs[0]], scene);
            sbyte[] counts = GoldenExecutor.Run(
                quantized,
                ExecutionPath.Whole,
                new Dictionary<int, sbyte[]> { [quantized.Inputs[0]] = Quantizer.QuantizeValues(quantized.Tensors[quantized.Inputs[0]], x) }
            )[quantized.Outputs[0]];
            Add(whole, [.. counts.Select(c => (float)c)], scene);
        }

        TestContext.Out.WriteLine(
            $"{name}, {Scenes} scenes: mIoU {real.MeanIntersectionOverUnion:P1} float, "
                + $"{whole.MeanIntersectionOverUnion:P1} int8; pixel accuracy {real.Accuracy:P1}, {whole.Accuracy:P1}"
        );
        Assert.That(real.MeanIntersectionOverUnion, Is.GreaterThan(0.6));
        Assert.That(whole.MeanIntersectionOverUnion, Is.GreaterThan((real.MeanIntersectionOverUnion ?? 1) - 0.03));

        void Add(Confusion to, float[] logits, Scene scene) =>
            to.AddSegmentation(logits, shape.Height, shape.Width, scene.Mask.Classes, Scene.Size, Scene.Size, SegmentationMask.Ignored);
    }

    private static float[] Input(Scene scene)
    {
        Normalization usual = Normalization.Default(3);
        return [.. scene.Pixels.Select((p, i) => ((p / 255f) - usual.Mean[i % 3]) / usual.Std[i % 3])];
    }

    private static string Models() => Path.Combine(Repository.Root, "scripts", "training", "models");
}
