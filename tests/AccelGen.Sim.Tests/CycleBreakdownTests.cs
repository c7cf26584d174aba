using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Isa;
using AccelGen.Network.Architectures;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>Every cycle of a frame belongs to one class of layers, and every cycle of work of a unit to one.</summary>
public sealed class CycleBreakdownTests
{
    private static readonly MemoryTiming Timing = new(ReadInterval: 2, WriteInterval: 3);
    private CompiledProgram program = null!;
    private ExecutionPath skipping = null!;

    [OneTimeSetUp]
    public void Compile()
    {
        FloatNetwork network = SegFormer.Build(SegFormer.Variant("segformer-b0"), 128, 128);
        int ranges = network.Tensors.Count + network.Layers.Count(l => l.Activation.Kind != ActivationKind.None);
        QuantizedNetwork quantized = Quantizer.Quantize(network, [.. Enumerable.Range(0, ranges).Select(_ => new ValueRange(-4, 4))]);
        program = new NetworkCompiler(ConfigLoader.Load("base"), Timing).Compile(quantized);
        skipping = BlockList.Parse("0,3-5", quantized.Blocks);
    }

    [Test]
    public void Classes_add_up_to_the_cycles_of_the_frame_and_to_the_work_of_each_unit([Values] bool skips)
    {
        ExecutionPath path = skips ? skipping : ExecutionPath.Whole;
        CycleBreakdown breakdown = CycleBreakdown.Of(program, Timing, path);
        CyclePrediction model = new CycleModel(program.Config, Timing).Predict(program.Commands, program.ProgramAddress, program.Row(path));
        long Counter(string name) => model.Counters[IsaDefinition.Counters.Single(c => c.Name == name).Index];
        long Busy(params string[] names) =>
            Enumerable
                .Range(0, program.Commands.Count)
                .Where(i => names.Contains(program.Commands[i].Definition.Name))
                .Sum(i => model.Busy[i]);
        Assert.That(breakdown.Classes.Sum(c => c.Cycles), Is.EqualTo(model.TotalCycles));
        Assert.That(breakdown.Total.Cycles, Is.EqualTo(model.TotalCycles));
        Assert.That(breakdown.Total.Array, Is.EqualTo(Counter("MacCycles")));
        Assert.That(breakdown.Total.PostProcessing.Worked, Is.EqualTo(Busy("VECTOR")));
        Assert.That(breakdown.Total.RowOperator.Worked, Is.EqualTo(Busy("ROW")));
        Assert.That(breakdown.Total.Loads.Worked, Is.EqualTo(Counter("ReadBeats") * Timing.ReadInterval));
        Assert.That(breakdown.Total.Stores.Worked, Is.GreaterThanOrEqualTo(Counter("WriteBeats")));
        foreach (ClassCycles c in breakdown.Classes.Append(breakdown.Total))
        {
            Assert.That(
                c.Cycles,
                Is.EqualTo(c.Array + c.PostProcessing.Exposed + c.RowOperator.Exposed + c.Loads.Exposed + c.Stores.Exposed + c.Overhead),
                c.Name
            );
            Assert.That(c.Overhead, Is.Not.Negative, c.Name);
            foreach (UnitCycles u in new[] { c.PostProcessing, c.RowOperator, c.Loads, c.Stores })
                Assert.That(
                    (u.Hidden >= 0, u.Exposed >= 0, u.Hidden + u.Exposed <= u.Worked),
                    Is.EqualTo((true, true, true)),
                    $"{c.Name}: {u}"
                );
        }
    }

    [Test]
    public void Only_row_operators_have_row_operations_although_the_commands_are_those_of_the_layer_joined()
    {
        CycleBreakdown breakdown = CycleBreakdown.Of(program, Timing, ExecutionPath.Whole);
        Assert.That(
            program.Layers.Count(l => l is { Layer: SoftmaxLayer or LayerNormLayer or ArgMaxLayer, FusedInto: not null }),
            Is.GreaterThan(5),
            "joined"
        );
        Assert.That(
            breakdown.Classes.Where(c => c.RowOperator.Worked > 0).Select(c => c.Name),
            Is.EquivalentTo(new[] { "softmax", "layernorm", "argmax" })
        );
        // A row operator of its own has the array copy into the output buffer; one that is joined does not.
        Assert.That(breakdown.Classes.Single(c => c.Name == "softmax").Array, Is.Zero);
        Assert.That(
            breakdown.Classes.Select(c => c.Name),
            Is.SupersetOf(new[] { "conv", "depthwise conv", "linear, 1x1 conv", "matmul", "resize" })
        );
    }

    [Test]
    public void Layers_of_skipped_blocks_do_not_count()
    {
        (ClassCycles whole, ClassCycles part) = (
            CycleBreakdown.Of(program, Timing, ExecutionPath.Whole).Total,
            CycleBreakdown.Of(program, Timing, skipping).Total
        );
        Assert.That((part.Layers, part.Macs), Is.LessThan((whole.Layers, whole.Macs)));
        Assert.That(part.Macs, Is.EqualTo(program.Network.Layers.Sum(l => program.Network.LayerMacs(l, skipping).Executed)));
    }
}
