using AccelGen.Network.Float;
using AccelGen.Quantization.Operators;
using NUnit.Framework;

namespace AccelGen.Quantization.Tests;

/// <summary>Quantisers are found by the kind of layer.</summary>
public sealed class OperatorQuantizerRegistryTests
{
    [Test]
    public void Every_kind_of_layer_has_a_quantiser() =>
        Assert.That(
            OperatorQuantizerRegistry.Kinds,
            Is.EquivalentTo(typeof(FloatLayer).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(FloatLayer)) && !t.IsAbstract))
        );
}
