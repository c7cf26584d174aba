using AccelGen.Network.Float;
using AccelGen.Network.Float.Operators;
using NUnit.Framework;

namespace AccelGen.Network.Tests.Float;

/// <summary>Float operators are found by the kind of layer.</summary>
public sealed class FloatOperatorRegistryTests
{
    [Test]
    public void Every_kind_of_layer_has_a_float_operator() =>
        Assert.That(
            FloatOperatorRegistry.Kinds,
            Is.EquivalentTo(typeof(FloatLayer).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(FloatLayer)) && !t.IsAbstract))
        );
}
