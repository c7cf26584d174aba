using AccelGen.Tests.Shared;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using NUnit.Framework;

namespace AccelGen.Golden.Tests;

/// <summary>Accuracy and intersection over union by their definitions; logits resized as ONNX Runtime resizes them.</summary>
public sealed class ConfusionTests
{
    [Test]
    public void Accuracy_and_intersections_follow_from_the_pairs()
    {
        // Truth 0 three times, taken for 0, 0, 1; truth 1 once, taken for 1; class 2 never occurs.
        var confusion = new Confusion(3)
        {
            [0, 0] = 2,
            [0, 1] = 1,
            [1, 1] = 1,
        };
        Assert.Multiple(() =>
        {
            Assert.That(confusion.Accuracy, Is.EqualTo(0.75));
            Assert.That(confusion.IntersectionOverUnion(0), Is.EqualTo(2.0 / 3));
            Assert.That(confusion.IntersectionOverUnion(1), Is.EqualTo(0.5));
            Assert.That(confusion.IntersectionOverUnion(2), Is.Null);
            Assert.That(confusion.MeanIntersectionOverUnion, Is.EqualTo(((2.0 / 3) + 0.5) / 2));
            Assert.That(Confusion.FromSparse(3, confusion.Sparse()).Sparse(), Is.EqualTo(confusion.Sparse()));
            Assert.That(new Confusion(3).Accuracy, Is.Null);
            Assert.That(new Confusion(3).MeanIntersectionOverUnion, Is.Null);
        });
    }

    [TestCase(3, 4, 12, 16)]
    [TestCase(7, 5, 20, 9)]
    [TestCase(1, 1, 6, 5)]
    [TestCase(9, 8, 4, 3)]
    public void Logits_are_resized_as_ONNX_Runtime_does(int height, int width, int maskHeight, int maskWidth)
    {
        const int Classes = 5;
        var random = new Random((height * 100) + maskWidth);
        float[] logits = [.. Enumerable.Range(0, height * width * Classes).Select(_ => (float)random.NextDouble())];
        OnnxModelWriter model = new OnnxModelWriter { OpsetVersion = 13 }
            .Input("x", OnnxModelWriter.Float, 1, Classes, height, width)
            .Initializer("sizes", [1L, Classes, maskHeight, maskWidth], 4)
            .Node("Resize", ["x", "", "", "sizes"], "y")
            .String("mode", "linear")
            .String("coordinate_transformation_mode", "half_pixel");
        using InferenceSession session = ExactSession.Open(model.Build("y"));
        var nchw = new DenseTensor<float>([1, Classes, height, width]);
        for (int i = 0; i < logits.Length; i++)
            nchw[0, i % Classes, i / Classes / width, i / Classes % width] = logits[i];
        using var results = session.Run([NamedOnnxValue.CreateFromTensor("x", nchw)]);
        Tensor<float> resized = results.Single().AsTensor<float>();
        byte[] mask = [.. Enumerable.Range(0, maskHeight * maskWidth).Select(i => i % 7 == 3 ? (byte)255 : (byte)random.Next(Classes))];
        var expected = new Confusion(Classes);
        for (int i = 0; i < mask.Length; i++)
        {
            if (mask[i] != 255)
                expected[mask[i], Enumerable.Range(0, Classes).MaxBy(c => resized[0, c, i / maskWidth, i % maskWidth])]++;
        }

        var got = new Confusion(Classes);
        got.AddSegmentation(logits, height, width, mask, maskHeight, maskWidth, 255);
        Assert.That(got.Sparse(), Is.EqualTo(expected.Sparse()));
    }
}
