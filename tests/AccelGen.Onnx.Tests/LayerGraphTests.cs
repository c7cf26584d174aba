using AccelGen.Network.Float;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Onnx.Tests;

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
}
