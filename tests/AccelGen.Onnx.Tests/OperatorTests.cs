using AccelGen.Network.Float;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Onnx.Tests;

/// <summary>A small model of one operator or pattern.</summary>
/// <param name="Name">What it shows.</param>
/// <param name="Build">Adds an input x and nodes with random sizes and constants, and returns the output's name.</param>
/// <param name="Opset">Operator set.</param>
/// <param name="Layers">What the imported network must consist of, or null.</param>
/// <param name="OutputType">Element type of the output.</param>
public sealed record OperatorCase(
    string Name,
    Func<Random, ModelSketch, string> Build,
    int Opset = 17,
    string? Layers = null,
    int OutputType = OnnxModelWriter.Float
)
{
    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>Every operator and attribute, and the patterns of exporters, against ONNX Runtime.</summary>
public sealed class OperatorTests
{
    private const int Rounds = 4;

    private static int Seed => Setting.Seed(7100);

    [TestCaseSource(typeof(OperatorCases), nameof(OperatorCases.All))]
    public void An_operator_gives_what_ONNX_Runtime_gives(OperatorCase test)
    {
        for (int seed = Seed; seed < Seed + Rounds; seed++)
        {
            var random = new Random(seed);
            var sketch = new ModelSketch(random) { OpsetVersion = test.Opset };
            byte[] model = sketch.Finish(test.Build(random, sketch), test.OutputType);
            ImportResult import = Oracle.Import(model);
            float[] nhwc = RandomNetworks.Values(random, (int)import.Network.Tensors[import.Network.Inputs[0]].Shape.Elements, 2);
            Oracle.Compare(import, model, nhwc, $"{test.Name}, seed {seed}");
            string layers = string.Join(' ', import.Network.Layers.Select(Short));
            if (test.Layers is { } wanted)
                Assert.That(layers, Is.EqualTo(wanted), $"{test.Name}, seed {seed}: layers");
            if (seed == Seed)
                TestContext.Out.WriteLine(layers);
            Assert.That(import.Nodes.Select(n => n.Outcome), Has.None.Empty);
        }
    }

    [Test]
    public void There_are_at_least_60_different_models_and_no_name_twice()
    {
        string[] names = [.. OperatorCases.All().Select(c => c.Name)];
        Assert.That(names, Has.Length.GreaterThanOrEqualTo(60));
        Assert.That(names, Is.Unique);
    }

    // A layer as one word: its kind, then t for a transposed output, + for a residual, the activation.
    private static string Short(FloatLayer layer) =>
        (layer is FloatConv { IsDataMovement: true } ? "move" : layer.GetType().Name["Float".Length..].ToLowerInvariant())
        + (layer.TransposeOutput ? ".t" : string.Empty)
        + (layer.Residual is not null ? "+" : string.Empty)
        + (
            layer.Activation.Kind != ActivationKind.None ? $".{layer.Activation.Kind.ToString().ToLowerInvariant()}"
            : layer.Range != OutputRange.Unbounded ? ".clamp"
            : string.Empty
        );
}
