using AccelGen.Golden;
using AccelGen.Network.Onnx;
using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using NUnit.Framework;

namespace AccelGen.Network.Tests.Onnx;

/// <summary>Every operator and pattern in quantised form: the golden operators against ONNX Runtime.</summary>
public sealed class QuantizedOperatorTests
{
    private const int Rounds = 3;

    private static int Seed => int.TryParse(Environment.GetEnvironmentVariable("ACCELGEN_SEED"), out int seed) ? seed : 7500;

    /// <summary>What a case came to in one form.</summary>
    /// <param name="Test">Case.</param>
    /// <param name="Form">Form.</param>
    /// <param name="Seed">Seed.</param>
    /// <param name="Refusal">Why it was refused, or null.</param>
    /// <param name="Layers">Layers of the network.</param>
    /// <param name="Steps">Distance of each output element from ONNX Runtime's, in steps.</param>
    private sealed record Outcome(OperatorCase Test, QuantizedForm Form, int Seed, string? Refusal, int Layers, int[] Steps);

    [Test]
    public void Quantised_models_are_within_one_step_of_ONNX_Runtime_or_refused_by_name([Values] QuantizedForm form)
    {
        var outcomes = new List<Outcome>();
        foreach (OperatorCase test in OperatorCases.All().Where(c => c.Opset >= 10))
        {
            for (int seed = Seed; seed < Seed + Rounds; seed++)
                outcomes.Add(Run(test, form, seed));
        }

        Assert.That(outcomes.Where(o => o.Refusal is not null).Select(o => o.Test.Name).Distinct(), Is.EqualTo(Refused.Keys));
        foreach (Outcome o in outcomes.Where(o => o.Refusal is not null))
            Assert.That(o.Refusal, Does.StartWith("node /").And.Contain(Refused[o.Test.Name]), $"{o.Test.Name}, seed {o.Seed}");
        Outcome[] imported = [.. outcomes.Where(o => o.Refusal is null)];
        Assert.That(imported.Select(o => o.Test.Name).Distinct().Count(), Is.GreaterThanOrEqualTo(200), "models");
        // Steps of one layer become noise for the next: patterns of several are looked at by themselves.
        bool Cubic(Outcome o) => o.Test.Name.Contains("cubic", StringComparison.Ordinal);
        Check("single operators", [.. imported.Where(o => o.Layers <= 2 && !Cubic(o))], 0.001, 1);
        Check("cubic resizes, whose weights are rounded to 8 bits", [.. imported.Where(Cubic)], 0.01, 2);
        Check("patterns of three and more layers", [.. imported.Where(o => o.Layers > 2)], 0.03, 8);
    }

    // Cases that cannot be kept integer, and what the refusal says.
    private static readonly Dictionary<string, string> Refused = new()
    {
        ["Div of a constant per channel and the input"] = "quantise the reciprocal and multiply",
        ["Div of two activations"] = "quantise the reciprocal and multiply",
        ["Div with an activation per channel"] = "quantise the reciprocal and multiply",
        ["Div with an activation per pixel"] = "quantise the reciprocal and multiply",
        ["Div of an activation per channel and a whole one"] = "quantise the reciprocal and multiply",
        ["Layer norm by Pow and Sqrt"] = "LayerNormalization as one node",
        ["Layer norm with two subtractions and a product"] = "LayerNormalization as one node",
        ["Layer norm of the channels of an image"] = "LayerNormalization as one node",
        ["AveragePool that does not count its pads"] = "pool without pads, or count them",
        ["ReduceMean over everything"] = "one after the other",
        ["Linear attention with padded values"] = "between the two matrix products",
        ["Linear attention with the sum of the keys"] = "between the two matrix products",
        ["A quotient that is no linear attention"] = "quantise the reciprocal and multiply",
    };

    private static void Check(string what, Outcome[] outcomes, double share, int worst)
    {
        long elements = outcomes.Sum(o => (long)o.Steps.Length), one = outcomes.Sum(o => o.Steps.LongCount(s => s == 1)), more = outcomes.Sum(o => o.Steps.LongCount(s => s > 1));
        Outcome last = outcomes.MaxBy(o => o.Steps.Max())!;
        string place = $"{last.Test.Name}, {last.Form}, seed {last.Seed}";
        TestContext.Out.WriteLine($"{what}: {outcomes.Select(o => o.Test.Name).Distinct().Count()} models, {outcomes.Length} in all, {elements} elements, one step off {(double)one / elements:P4}, more {(double)more / elements:P4}, worst {last.Steps.Max()} ({place})");
        Assert.That((double)more / elements, Is.LessThanOrEqualTo(share), place);
        Assert.That(last.Steps.Max(), Is.LessThanOrEqualTo(worst), place);
    }

    private static Outcome Run(OperatorCase test, QuantizedForm form, int seed)
    {
        string place = $"{test.Name}, {form}, seed {seed}";
        var random = new Random(seed);
        var sketch = new ModelSketch(random) { OpsetVersion = test.Opset };
        string output = test.Build(random, sketch);
        TensorShape shape = sketch.InputShape;
        float[] nhwc = RandomNetworks.Values(new Random(seed), (int)shape.Elements, 2);
        var ranges = Ranges(sketch.FinishWithAll(output, test.OutputType), nhwc, shape);
        random = new Random(seed);
        var quantized = new QuantizedSketch(random, form, ranges, seed) { OpsetVersion = test.Opset };
        byte[] file = quantized.Finish(test.Build(random, quantized), test.OutputType);
        float[] theirs;
        try
        {
            theirs = Oracle.Reference(file, nhwc, shape);
        }
        catch (OnnxRuntimeException e)
        {
            throw new AssertionException($"{place}: no valid model: {e.Message}");
        }

        ImportResult import;
        try
        {
            import = Oracle.Import(file);
        }
        catch (ImportException e)
        {
            return new Outcome(test, form, seed, e.Problems[0][(e.Problems[0].IndexOf(".onnx", StringComparison.Ordinal) + 7)..], 0, []);
        }

        Assert.That(import.Quantized, Is.Not.Null, place);
        QuantizedNetwork network = import.Quantized!;
        sbyte[] input = Quantizer.QuantizeValues(network.Tensors[network.Inputs[0]], nhwc);
        ImportedOutput o = import.Outputs[0];
        QuantizedTensor t = network.Tensors[o.Tensor];
        sbyte[] counts = GoldenExecutor.Run(network, ExecutionPath.Whole, new Dictionary<int, sbyte[]> { [network.Inputs[0]] = input })[o.Tensor];
        int[] steps = [.. o.Elements.Select((e, i) => (int)Math.Round(Math.Abs((counts[e] - t.ZeroPoint) - (theirs[i] / t.Scale))))];
        return new Outcome(test, form, seed, null, network.Layers.Count, steps);
    }

    // Smallest and largest of every float value that a model computes.
    private static Dictionary<string, (float Low, float High)> Ranges(byte[] model, float[] nhwc, TensorShape shape)
    {
        var nchw = new DenseTensor<float>([1, shape.Channels, shape.Height, shape.Width]);
        for (int i = 0; i < nhwc.Length; i++)
            nchw[0, i % shape.Channels, i / shape.Channels / shape.Width, i / shape.Channels % shape.Width] = nhwc[i];
        using var options = new SessionOptions { GraphOptimizationLevel = GraphOptimizationLevel.ORT_DISABLE_ALL, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        using var session = new InferenceSession(model, options);
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> outputs = session.Run([NamedOnnxValue.CreateFromTensor(session.InputNames[0], nchw)]);
        var ranges = outputs.Where(o => o.ElementType == TensorElementType.Float).ToDictionary(o => o.Name, o => (o.AsTensor<float>().Min(), o.AsTensor<float>().Max()));
        ranges["x"] = (nhwc.Min(), nhwc.Max());
        return ranges;
    }
}
