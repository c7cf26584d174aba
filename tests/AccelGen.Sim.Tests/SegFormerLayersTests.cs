using AccelGen.Network.Architectures;
using AccelGen.Network.Float;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>The layer list and the network are the same model.</summary>
public sealed class SegFormerLayersTests
{
    [TestCase("segformer-b0")]
    [TestCase("segformer-b1")]
    [TestCase("segformer-b2")]
    public void Each_layer_has_the_work_of_the_networks_layer(string name)
    {
        FloatNetwork network = SegFormer.Build(SegFormer.Variant(name), 128, 128);
        // The list has keys and values as one layer; the network has two, since values are written transposed.
        Dictionary<string, long> expected = network
            .Layers.Where(l => network.LayerMacs(l) > 0)
            .GroupBy(l =>
                l.Name.EndsWith("attention.k", StringComparison.Ordinal) || l.Name.EndsWith("attention.v", StringComparison.Ordinal)
                    ? l.Name[..^1] + "kv"
                    : l.Name
            )
            .ToDictionary(g => g.Key, g => g.Sum(network.LayerMacs));
        Assert.That(
            SegFormerLayers
                .Layers(name, 128)
                .ToDictionary(
                    l => l.Name,
                    l =>
                        l.Output.Elements
                        * (l.Kind == "matmul" ? l.Input.Channels : l.Input.Channels / l.Groups * l.Kernel.Rows * l.Kernel.Columns)
                ),
            Is.EquivalentTo(expected)
        );
    }
}
