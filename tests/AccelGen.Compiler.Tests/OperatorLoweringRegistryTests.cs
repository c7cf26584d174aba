using AccelGen.Compiler.Operators;
using AccelGen.Network.Quantized;
using NUnit.Framework;

namespace AccelGen.Compiler.Tests;

/// <summary>Lowerings are found by the kind of layer.</summary>
public sealed class OperatorLoweringRegistryTests
{
    [Test]
    public void Every_kind_of_layer_is_lowered() =>
        Assert.That(
            OperatorLoweringRegistry.Kinds,
            Is.EquivalentTo(typeof(QuantizedLayer).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(QuantizedLayer)) && !t.IsAbstract))
        );
}
