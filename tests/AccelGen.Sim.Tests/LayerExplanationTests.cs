using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Isa;
using AccelGen.Network.Architectures;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>What is said of layers adds up to what the cycle model, which the RTL equals, says of the program.</summary>
public sealed class LayerExplanationTests
{
    private static readonly MemoryTiming Timing = new(ReadInterval: 2, WriteInterval: 3);
    private CompiledProgram program = null!;
    private CyclePrediction model = null!;
    private IReadOnlyList<LayerExplanation> layers = null!;

    [OneTimeSetUp]
    public void Compile()
    {
        FloatNetwork network = SegFormer.Build(SegFormer.Variant("segformer-b0"), 128, 64);
        int ranges = network.Tensors.Count + network.Layers.Count(l => l.Activation.Kind != ActivationKind.None);
        QuantizedNetwork quantized = Quantizer.Quantize(network, [.. Enumerable.Range(0, ranges).Select(_ => new ValueRange(-4, 4))]);
        program = new NetworkCompiler(ConfigLoader.Load("base"), Timing).Compile(quantized);
        model = new CycleModel(program.Config, Timing).Predict(program.Commands, program.ProgramAddress, program.Row(ExecutionPath.Whole));
        layers = LayerExplanation.Explain(program, Timing);
    }

    [Test]
    public void Bounds_and_bytes_of_all_layers_are_the_counters_of_the_program()
    {
        long Counter(string name) => model.Counters[IsaDefinition.Counters.Single(c => c.Name == name).Index];
        long Bound(string name) => layers.Sum(l => l.Bounds.Single(b => b.Resource == name).Cycles);
        // The block that the start fetches, and fetches between layers, belong to none.
        int beat = program.Config.Derived.BeatBytes;
        long fetched = Enumerable.Range(0, program.Commands.Count).Where(i => program.Commands[i].Definition.Name == "LOAD" && program.Commands[i]["Destination"] == 4 && !program.Layers.Any(l => i >= l.FirstCommand && i < l.EndCommand)).Sum(i => model.Beats[i]);
        fetched += program.Config.Control.CommandBlock * program.Config.Derived.BeatsPerCommand;
        Assert.That(Bound("compute"), Is.EqualTo(Counter("MacCycles")));
        Assert.That(Bound("read bandwidth"), Is.EqualTo((Counter("ReadBeats") - fetched) * Timing.ReadInterval));
        Assert.That(layers.Sum(l => l.Bytes.Output), Is.EqualTo(Counter("WriteBeats") * beat));
        Assert.That(layers.Sum(l => l.Bytes.Input + l.Bytes.Weights + l.Bytes.Parameters + l.Bytes.Residual + l.Bytes.Program), Is.EqualTo((Counter("ReadBeats") - fetched) * beat));
        int[] Of(Queue queue) => [.. Enumerable.Range(0, program.Commands.Count).Where(i => program.Commands[i].Definition.Queue == queue)];
        foreach (Queue queue in new[] { Queue.Compute, Queue.Store })
            Assert.That(Of(queue).Sum(i => model.Busy[i]), Is.EqualTo(Counter($"{queue}Busy") - Of(queue).Length), $"{queue}");

        // Cycles of the vector queue in which a ROW and what it lets run beside it work count once.
        bool IsRow(int i) => program.Commands[i].Definition.Name == "ROW";
        int[] beside = [.. Of(Queue.Vector).Where(i => IsRow(i) && program.Commands[i]["Overlap"] == 1)];
        long twice = Of(Queue.Vector).Sum(i => model.Busy[i] + 1) - Counter("VectorBusy");
        Assert.That(twice, Is.InRange(1, beside.Sum(i => model.Busy[i])));
        Assert.That(Bound("vector unit"), Is.EqualTo(Of(Queue.Vector).Except(beside).Sum(i => model.Busy[i])));
        Assert.That(Bound("row operators"), Is.EqualTo(Of(Queue.Vector).Where(IsRow).Sum(i => model.Busy[i])));
        // The program ends one cycle after its last layer.
        Assert.That(layers.Sum(l => l.Cycles), Is.EqualTo(model.TotalCycles - 1));
    }

    [Test]
    public void Loops_that_divide_evenly_multiply_to_the_compute_cycles()
    {
        int even = 0;
        foreach ((LayerExplanation layer, int index) in layers.Select((l, i) => (l, i)).Where(l => l.l.Nests.Count > 0))
        {
            CompiledLayer compiled = program.Layers[index];
            Command[] sized = [.. program.Commands.Skip(compiled.FirstCommand).Take(compiled.EndCommand - compiled.FirstCommand).Where(c => c.Definition.Name is "COMPUTE" or "VECTOR" && c["ACount"] > 0 && c["BCount"] > 0)];
            long product = layer.Nests.Sum(n => n.Levels.Where(l => !l.Spatial).Aggregate(1L, (p, l) => p * l.Count));
            long compute = layer.Bounds[0].Cycles;
            Assert.That(product, Is.GreaterThanOrEqualTo(compute), layer.Name);
            if (layer.Nests.Count > 1 || sized.DistinctBy(c => (c.Definition.Name, c["ACount"], c["BCount"])).Count() > 2)
                continue;
            even++;
            Assert.That(product, Is.EqualTo(compute), layer.Name);
        }

        Assert.That(even, Is.GreaterThan(40));
    }

    [Test]
    public void Spatial_loops_are_the_array_and_useful_products_are_at_most_all()
    {
        ArrayConfig array = program.Config.Array;
        foreach (LayerExplanation layer in layers)
        {
            foreach (LoopNest nest in layer.Nests)
            {
                Assert.That(nest.Levels.Where(l => l.Spatial).Aggregate(1L, (p, l) => p * l.Count), Is.AtMost(program.Config.Derived.PeakMacsPerCycle), layer.Name);
                Assert.That(nest.Levels.Single(l => l.Name == "lane").Count, Is.EqualTo(array.Lanes));
            }

            Assert.That(layer.ArrayUse, Is.InRange(0, 1), layer.Name);
            Assert.That(layer.Buffers.Where(b => b.Bytes > b.SlotBytes).Select(b => b.Buffer), Is.Empty, layer.Name);
            Assert.That(layer.Buffers.Where(b => b.Loads is < 0.99 and not 0).Select(b => b.Buffer), Is.Empty, layer.Name);
        }
    }

    [Test]
    public void The_limit_is_the_longest_bound_and_layers_without_commands_name_the_one_that_computes_them()
    {
        foreach (LayerExplanation layer in layers.Where(l => l.Nests.Count > 0))
        {
            Assert.That(layer.Limit.Cycles, Is.EqualTo(layer.Bounds.Max(b => b.Cycles)), layer.Name);
            // A layer cannot be done in less than its longest bound, but for what was loaded before the one before it ended.
            Assert.That(layer.Span.Last - layer.Span.First + 1, Is.GreaterThanOrEqualTo(layer.Limit.Cycles - Timing.ReadInterval), layer.Name);
        }

        foreach (LayerExplanation layer in layers.Where(l => l.Nests.Count == 0 && l.ComputedBy is not null))
            Assert.That(layers.Single(l => l.Name == layer.ComputedBy).Joined, Does.Contain(layer.Name));
    }
}
