using AccelGen.Network.Quantized;
using AccelGen.Network.Quantized.Rules;
using NUnit.Framework;

namespace AccelGen.Network.Tests.Quantized;

/// <summary>Rules are found by the kind of layer.</summary>
public sealed class LayerRulesRegistryTests
{
    [Test]
    public void Every_kind_of_layer_has_rules() =>
        Assert.That(
            LayerRulesRegistry.Kinds,
            Is.EquivalentTo(typeof(QuantizedLayer).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(QuantizedLayer)) && !t.IsAbstract))
        );
}
