using AccelGen.Golden;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using AccelGen.Tests.Shared;
using Microsoft.ML.OnnxRuntime;
using NUnit.Framework;

namespace AccelGen.Onnx.Tests;

/// <summary>Every operator and pattern in quantised form: the golden operators against ONNX Runtime.</summary>
public sealed class QuantizedOperatorTests
{
    private const int Rounds = 3;

    private static int Seed => Setting.Seed(7500);

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
        // A softmax of one uint8 element is 0 in ONNX Runtime's QLinearSoftmax, where it must be 255/256.
        foreach (
            OperatorCase test in OperatorCases
                .All()
                .Where(c => c.Opset >= 10 && !(form == QuantizedForm.QLinear && c.Name == "Attention of one token"))
        )
        {
            for (int seed = Seed; seed < Seed + Rounds; seed++)
                outcomes.Add(Run(test, form, seed));
        }

        Assert.That(
            outcomes.Where(o => o.Refusal is not null).Select(o => o.Test.Name).Distinct(),
            Is.EqualTo(Refused.Keys),
            string.Join(
                Environment.NewLine,
                outcomes.Where(o => o.Refusal is not null && !Refused.ContainsKey(o.Test.Name)).Select(o => $"{o.Test.Name}: {o.Refusal}")
            )
        );
        foreach (Outcome o in outcomes.Where(o => o.Refusal is not null))
            Assert.That(o.Refusal, Does.StartWith("node /").And.Contain(Refused[o.Test.Name]), $"{o.Test.Name}, seed {o.Seed}");
        Outcome[] imported = [.. outcomes.Where(o => o.Refusal is null)];
        Assert.That(imported.Select(o => o.Test.Name).Distinct().Count(), Is.GreaterThanOrEqualTo(200), "models");
        // Steps of one layer become noise for the next: patterns of several are looked at by themselves.
        bool Cubic(Outcome o) => o.Test.Name.Contains("cubic", StringComparison.Ordinal);
        Check("single operators", [.. imported.Where(o => o.Layers <= 2 && !Cubic(o))], 0.001, 2);
        Check("cubic resizes, whose weights are sums of two of 8 bits", [.. imported.Where(Cubic)], 0, 1);
        Check("patterns of three and more layers", [.. imported.Where(o => o.Layers > 2)], 0.03, 16);
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
        ["Queries of a constant branch"] = "quantise it with one scale and zero point",
        ["Pad with -infinity before a MaxPool"] = "only a maximum over windows may",
        ["Pad with the lowest number before a padded MaxPool"] = "only a maximum over windows may",
        ["Pad with -infinity before a GlobalMaxPool"] = "only a maximum over windows may",
    };

    private static void Check(string what, Outcome[] outcomes, double share, int worst)
    {
        long elements = outcomes.Sum(o => (long)o.Steps.Length),
            one = outcomes.Sum(o => o.Steps.LongCount(s => s == 1)),
            more = outcomes.Sum(o => o.Steps.LongCount(s => s > 1));
        Outcome last = outcomes.MaxBy(o => o.Steps.Max())!;
        string place = $"{last.Test.Name}, {last.Form}, seed {last.Seed}";
        TestContext.Out.WriteLine(
            $"{what}: {outcomes.Select(o => o.Test.Name).Distinct().Count()} models, {outcomes.Length} in all, "
                + $"{elements} elements, one step off {(double)one / elements:P4}, more {(double)more / elements:P4}, "
                + $"worst {last.Steps.Max()} ({place})"
        );
        Assert.That((double)more / elements, Is.LessThanOrEqualTo(share), place);
        Assert.That(last.Steps.Max(), Is.LessThanOrEqualTo(worst), place);
    }

    private static Outcome Run(OperatorCase test, QuantizedForm form, int seed)
    {
        string place = $"{test.Name}, {form}, seed {seed}";
        byte[] file = QuantizedModels.Build(test, form, seed, out float[] nhwc, out TensorShape shape);
        // Operators on counts: the runtime has the same counts as unsigned bytes, whose products are exact on every processor.
        byte[] exact = form == QuantizedForm.QLinear ? QuantizedModels.Build(test, form, seed, out _, out _, unsigned: true) : file;
        float[] theirs;
        try
        {
            theirs = Oracle.Reference(exact, nhwc, shape);
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
        sbyte[] counts = GoldenExecutor.Run(network, ExecutionPath.Whole, new Dictionary<int, sbyte[]> { [network.Inputs[0]] = input })[
            o.Tensor
        ];
        int[] steps = [.. o.Elements.Select((e, i) => (int)Math.Round(Math.Abs((counts[e] - t.ZeroPoint) - (theirs[i] / t.Scale))))];
        return new Outcome(test, form, seed, null, network.Layers.Count, steps);
    }
}
