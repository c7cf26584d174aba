using AccelGen.Network.Float;
using AccelGen.Network.Onnx;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Network.Tests.Onnx;

/// <summary>Tensors and movements of the layers that an import builds.</summary>
public sealed class LayerGraphTests
{
    [Test]
    public void An_output_that_a_layer_reads_under_other_rows_and_columns_is_read_under_these()
    {
        // The part is moved as a row of pixels, and the addition reads it as an image.
        var m = new ModelSketch(new Random(1));
        string first = m.Node("Split", [m.Input(1, 3, 2, 2), m.Integers(1, 1, 1)], ("axis", 1));
        m.Output();
        string sum = m.Node("Add", [m.Output(), m.Number(0.5f)]);
        ImportResult import = Oracle.Import(m.FinishWithAll(sum, OnnxModelWriter.Float));
        Oracle.Sound(import.Network, first);
        float[] x = [.. Enumerable.Range(0, 12).Select(i => (float)i)];
        ImportedOutput output = import.Outputs.Single(o => o.Name == sum);
        float[] y = FloatExecutor.Run(import.Network, new Dictionary<int, float[]> { [import.Network.Inputs[0]] = x })[output.Tensor];
        Assert.That(output.Order(y), Is.EqualTo(new[] { 2.5f, 5.5f, 8.5f, 11.5f }));
    }

    [Test]
    public void A_movement_that_would_take_hundreds_of_millions_of_weights_is_refused_with_their_number()
    {
        // Of operator set 11, over all channels and pixels.
        var m = new ModelSketch(new Random(1)) { OpsetVersion = 11 };
        ImportException refusal = Oracle.Refused(m.Finish(m.Node("Softmax", [m.Conv(m.Input(1, 3, 29, 15), 3, 32)], ("axis", 1)), OnnxModelWriter.Float));
        Assert.That(refusal.Problems, Has.Count.EqualTo(1));
        Assert.That(refusal.Problems[0], Does.Contain("Softmax").And.Contain("193,766,400 weights").And.Contain("16,777,216 are the most"));
    }
}
