using AccelGen.Network.Quantized;
using AccelGen.Onnx.Qdq;
using NUnit.Framework;

namespace AccelGen.Onnx.Tests;

/// <summary>ONNX forms are found by the kind of layer.</summary>
public sealed class OperatorExporterRegistryTests
{
    [Test]
    public void Every_kind_of_layer_has_an_ONNX_form() =>
        Assert.That(
            OperatorExporterRegistry.Kinds,
            Is.EquivalentTo(typeof(QuantizedLayer).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(QuantizedLayer)) && !t.IsAbstract))
        );
}
