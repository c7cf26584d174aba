using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AccelGen.Onnx.Tests;

/// <summary>The operator cases in quantised form.</summary>
internal static class QuantizedModels
{
    /// <summary>The file of a case.</summary>
    /// <param name="test">Case.</param>
    /// <param name="form">A <see cref="QuantizedForm"/>, or float.</param>
    /// <param name="seed">Seed.</param>
    public static byte[] Build(OperatorCase test, string form, int seed)
    {
        if (Enum.TryParse(form, out QuantizedForm quantized))
            return Build(test, quantized, seed, out _, out _);
        var random = new Random(seed);
        var sketch = new ModelSketch(random) { OpsetVersion = test.Opset };
        return sketch.Finish(test.Build(random, sketch), test.OutputType);
    }

    /// <summary>The file of a case, quantised by the ranges of one random input.</summary>
    /// <param name="test">Case.</param>
    /// <param name="form">Form.</param>
    /// <param name="seed">Seed.</param>
    /// <param name="nhwc">The input.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="unsigned">The same counts, all as uint8.</param>
    public static byte[] Build(
        OperatorCase test,
        QuantizedForm form,
        int seed,
        out float[] nhwc,
        out TensorShape shape,
        bool unsigned = false
    )
    {
        var random = new Random(seed);
        var sketch = new ModelSketch(random) { OpsetVersion = test.Opset };
        string output = test.Build(random, sketch);
        shape = sketch.InputShape;
        nhwc = RandomNetworks.Values(new Random(seed), (int)shape.Elements, 2);
        var ranges = Ranges(sketch.FinishWithAll(output, test.OutputType), nhwc, shape);
        random = new Random(seed);
        var quantized = new QuantizedSketch(random, form, ranges, seed, unsigned) { OpsetVersion = test.Opset };
        return quantized.Finish(test.Build(random, quantized), test.OutputType);
    }

    // Smallest and largest of every float value that a model computes.
    private static Dictionary<string, (float Low, float High)> Ranges(byte[] model, float[] nhwc, TensorShape shape)
    {
        using InferenceSession session = ExactSession.Open(model, optimise: false);
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> outputs = session.Run([Oracle.Input(session, nhwc, shape)]);
        var ranges = outputs
            .Where(o => o.ElementType == TensorElementType.Float)
            .ToDictionary(o => o.Name, o => (o.AsTensor<float>().Min(), o.AsTensor<float>().Max()));
        ranges["x"] = (nhwc.Min(), nhwc.Max());
        return ranges;
    }
}
