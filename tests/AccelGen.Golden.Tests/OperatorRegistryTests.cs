using AccelGen.Golden.Operators;
using AccelGen.Network.Quantized;
using NUnit.Framework;

namespace AccelGen.Golden.Tests;

/// <summary>Operators are found by the kind of layer.</summary>
public sealed class OperatorRegistryTests
{
    [Test]
    public void Every_kind_of_layer_has_a_golden_operator() =>
        Assert.That(
            OperatorRegistry.Kinds,
            Is.EquivalentTo(typeof(QuantizedLayer).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(QuantizedLayer)) && !t.IsAbstract))
        );
}
