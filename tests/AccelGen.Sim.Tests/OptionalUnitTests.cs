using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>A configuration without a unit refuses the layers that need it.</summary>
public sealed class OptionalUnitTests
{
    [TestCase("softmax", "rowOperators")]
    [TestCase("layernorm", "rowOperators")]
    [TestCase("argmax", "rowOperators")]
    [TestCase("normalizedmatmul", "quotient")]
    [TestCase("multiply", "multiply")]
    [TestCase("resize", "resize")]
    public void A_layer_whose_unit_is_left_out_is_refused_by_name(string kind, string unit)
    {
        AcceleratorConfig without = ConfigLoader.Load("small", [$"units.{unit}=false"]);
        QuantizedNetwork network = RandomQuantizedLayers.Build(kind, 3).Network;
        CompileException refused = Assert.Throws<CompileException>(() => new NetworkCompiler(without, new MemoryTiming()).Compile(network));
        Assert.That(
            refused.Message,
            Does.Contain($"layer {network.Layers[0].Name}: needs units.{unit}, which small leaves out; set units.{unit} to true")
        );
        Assert.That(() => new NetworkCompiler(ConfigLoader.Load("small"), new MemoryTiming()).Compile(network), Throws.Nothing);
    }

    [Test]
    public void Memory_plans_never_overlap_what_is_needed_together()
    {
        var random = new Random(11);
        for (int i = 0; i < 200; i++)
        {
            MemoryBlock[] blocks =
            [
                .. Enumerable
                    .Range(0, random.Next(1, 40))
                    .Select(b =>
                        random.Next(30) is var first
                            ? new MemoryBlock($"block{b}", random.Next(1, 100_000), first, first + random.Next(6))
                            : null!
                    ),
            ];
            MemoryPlan plan = MemoryPlan.Place(blocks, 8192, 4096);
            Assert.That(plan.Conflicts(), Is.Empty);
            Assert.That(plan.Addresses, Has.All.Matches<long>(a => a >= 8192 && a % 4096 == 0));
            // No plan needs less than the blocks of the busiest step, none of these more than all of them.
            long Aligned(MemoryBlock b) => (b.Bytes + 4095) / 4096 * 4096;
            long busiest = Enumerable.Range(0, 36).Max(s => blocks.Where(b => b.First <= s && s <= b.Last).Sum(Aligned));
            Assert.That(plan.End - 8192, Is.InRange(busiest, blocks.Sum(Aligned)));
        }
    }

    [Test]
    public void An_overlap_is_found()
    {
        var plan = new MemoryPlan(
            [new MemoryBlock("a", 5000, 0, 3), new MemoryBlock("b", 100, 3, 4), new MemoryBlock("c", 100, 4, 5)],
            [0, 4096, 0],
            8192
        );
        Assert.That(plan.Conflicts(), Is.EqualTo(new[] { "b and a are both needed in step 3 and overlap at address 4096" }));
    }
}
