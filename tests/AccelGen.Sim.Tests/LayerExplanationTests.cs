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
        long fetched = Enumerable
            .Range(0, program.Commands.Count)
            .Where(i => program.Commands[i].Fetches && !program.Layers.Any(l => i >= l.FirstCommand && i < l.EndCommand))
            .Sum(i => model.Beats[i]);
        fetched += program.Config.Control.CommandBlock * program.Config.Derived.BeatsPerCommand;
        Assert.That(Bound("compute"), Is.EqualTo(Counter("MacCycles")));
        Assert.That(Bound("read bandwidth"), Is.EqualTo((Counter("ReadBeats") - fetched) * Timing.ReadInterval));
        Assert.That(layers.Sum(l => l.Bytes.Output), Is.EqualTo(Counter("WriteBeats") * beat));
        Assert.That(
            layers.Sum(l => l.Bytes.Input + l.Bytes.Weights + l.Bytes.Parameters + l.Bytes.Residual + l.Bytes.Program),
            Is.EqualTo((Counter("ReadBeats") - fetched) * beat)
        );
        int[] Of(Queue queue) => [.. Enumerable.Range(0, program.Commands.Count).Where(i => program.Commands[i].Definition.Queue == queue)];
        foreach (Queue queue in new[] { Queue.Compute, Queue.Store })
            Assert.That(Of(queue).Sum(i => model.Busy[i]), Is.EqualTo(Counter($"{queue}Busy") - Of(queue).Length), $"{queue}");

        // Cycles of the vector queue in which a ROW and what it lets run beside it work count once.
        bool IsRow(int i) => program.Commands[i].Is(RowCommand.Definition);
        int[] beside = [.. Of(Queue.Vector).Where(i => IsRow(i) && program.Commands[i][RowCommand.Overlap])];
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
            // Of layers that run as one each has its own loops: the commands tell by their tags whose they are.
            foreach (IGrouping<string, LoopNest> nests in layer.Nests.GroupBy(n => n.Layer))
            {
                Command[] sized =
                [
                    .. Own(index)
                        .Where(c =>
                            c.Definition.Name is "COMPUTE" or "VECTOR"
                            && c[Header.A.Count] > 0
                            && c[Header.B.Count] > 0
                            && Name(c) == nests.Key
                        ),
                ];
                long product = nests.Sum(n => n.Levels.Where(l => !l.Spatial).Aggregate(1L, (p, l) => p * l.Count));
                long compute = program
                    .CommandsOf(index)
                    .Where(i => program.Commands[i].Is(ComputeCommand.Definition) && Name(program.Commands[i]) == nests.Key)
                    .Sum(i => model.Busy[i]);
                Assert.That(compute, Is.Positive, nests.Key);
                Assert.That(product, Is.GreaterThanOrEqualTo(compute), nests.Key);
                if (
                    nests.Count() > 1
                    || sized
                        .DistinctBy(c =>
                            (
                                c.Definition.Name,
                                c[Header.A.Count],
                                c[Header.B.Count],
                                c.Is(ComputeCommand.Definition) ? c[ComputeCommand.Rows] : c[VectorCommand.Rows]
                            )
                        )
                        .Count() > 2
                )
                    continue;
                even++;
                Assert.That(product, Is.EqualTo(compute), nests.Key);
            }

            Assert.That(
                Own(index).Where(c => c.Is(ComputeCommand.Definition) && c[Header.A.Count] > 0).Select(Name).Distinct(),
                Is.EquivalentTo(layer.Nests.Select(n => n.Layer).Distinct()),
                layer.Name
            );
        }

        Assert.That(even, Is.GreaterThan(60));
    }

    [Test]
    public void Layers_that_alternate_are_told_by_their_own_commands_and_their_cycles_count_once()
    {
        // The two slots of the reader and the two of those that it reads are the input buffer.
        long inputBytes = (long)program.Config.Derived.InputWords * program.Config.Derived.WordBytes;
        IGrouping<string, LayerExplanation>[] groups = [.. layers.Where(l => l.CountedWith is not null).GroupBy(l => l.CountedWith!)];
        Assert.That(groups.Single(g => g.Key == "decoder.linear_fuse").Count(), Is.GreaterThan(1));
        foreach (IGrouping<string, LayerExplanation> producers in groups)
        {
            LayerExplanation reader = layers.Single(l => l.Name == producers.Key);
            Assert.That(reader.AlternatesWith, Is.EqualTo(producers.Select(l => l.Name)));
            Assert.That(reader.Joined, Is.Empty);
            CompiledLayer range = program.Layers.Single(l => l.Layer.Name == reader.Name);
            Assert.That(producers.Append(reader).Sum(l => l.Commands), Is.EqualTo(range.EndCommand - range.FirstCommand));
            Assert.That(
                reader.LimitTogether!.Cycles,
                Is.EqualTo(reader.Bounds.Select((b, k) => b.Cycles + producers.Sum(p => p.Bounds[k].Cycles)).Max())
            );
            Assert.That(reader.Cycles, Is.GreaterThanOrEqualTo(reader.LimitTogether.Cycles - Timing.ReadInterval));
            foreach (LayerExplanation producer in producers)
            {
                Assert.That(
                    (producer.Cycles, producer.ComputedBy, producer.LimitTogether),
                    Is.EqualTo((0L, (string?)null, (Bound?)null)),
                    producer.Name
                );
                Assert.That(producer.AlternatesWith, Is.EqualTo(new[] { reader.Name }), producer.Name);
                Assert.That(producer.Nests.Select(n => n.Layer), Is.All.EqualTo(producer.Name).And.Not.Empty);
                Assert.That(producer.Bytes.Output, Is.EqualTo(Written(producer.Name)), producer.Name);
                Assert.That(producer.Bytes.Program, Is.Zero, producer.Name);
                Assert.That(
                    2 * (Buffer(producer, "input, per PE").SlotBytes + Buffer(reader, "input, per PE").SlotBytes),
                    Is.EqualTo(inputBytes),
                    producer.Name
                );
            }

            Assert.That(reader.Bytes.Output, Is.EqualTo(Written(reader.Name)));
            Assert.That(reader.Nests.Select(n => n.Layer), Is.All.EqualTo(reader.Name).And.Not.Empty);
        }
    }

    [Test]
    public void Products_of_an_inverted_bottleneck_have_a_nest_each_in_pieces_of_rows()
    {
        (LayerExplanation Layer, int Index)[] joined = [.. layers.Select((l, i) => (l, i)).Where(l => l.l.Nests.Count == 3)];
        Assert.That(joined, Is.Not.Empty);
        Assert.That(joined.SelectMany(l => l.Layer.Nests).Select(n => Count(n, "piece")), Has.Some.GreaterThan(1));
        foreach ((LayerExplanation layer, int index) in joined)
        {
            Assert.That(layer.Nests.Select(n => n.Layer), Is.EqualTo(layer.Joined.Take(2).Append(layer.Name)), layer.Name);
            Assert.That(layer.Nests.Select(n => n.Does!.Split(' ')[0]), Is.EqualTo(new[] { "first", "second", "third" }));
            Assert.That(
                layer.Nests.Select(n => n.Does!.Contains("forwarded", StringComparison.Ordinal)),
                Is.EqualTo(new[] { true, true, false })
            );
            foreach (LoopNest nest in layer.Nests)
            {
                Command[] vectors =
                [
                    .. Own(index).Where(c => c.Is(VectorCommand.Definition) && c[Header.A.Count] > 0 && Name(c) == nest.Layer),
                ];
                Assert.That(vectors, Has.Length.EqualTo(Count(nest, "tile") * Count(nest, "piece")), nest.Layer);
                string detail = nest.Levels.Single(l => l.Name == "piece").Detail;
                Assert.That(
                    detail,
                    Does.StartWith(
                        $"in pieces of up to {vectors.Max(c => c[VectorCommand.Rows])} of the "
                            + $"{vectors.Sum(c => c[VectorCommand.Rows]) / Count(nest, "tile")} rows"
                    ),
                    nest.Layer
                );
                // Only what windows of the first product share is computed more than once.
                Assert.That(
                    nest.Levels.Single(l => l.Name == "tile").Detail.Contains("share", StringComparison.Ordinal),
                    Is.EqualTo(nest == layer.Nests[0]),
                    nest.Layer
                );
            }

            Assert.That(Buffer(layer, "bias and scale, shared").Stays, Is.EqualTo("the layer"), layer.Name);
        }
    }

    [Test]
    public void A_second_result_is_stored_besides_the_first_and_its_parameters_stay_for_the_layer()
    {
        // Of the layers that the same commands compute more than one is in memory.
        (LayerExplanation Layer, string[] Stored)[] both =
        [
            .. layers
                .Select(
                    (l, i) =>
                        (
                            l,
                            program
                                .Layers.Where((m, n) => m.InMemory && !m.Alternates && (n == i || m.FusedInto == i))
                                .Select(m => m.Layer.Name)
                                .ToArray()
                        )
                )
                .Where(l => l.Item2.Length > 1),
        ];
        Assert.That(both, Is.Not.Empty);
        foreach ((LayerExplanation layer, string[] stored) in both)
        {
            Assert.That(
                layer.RowOperator,
                Does.Contain($"LayerNorm, {stored[^1]}").And.Contain("once more as a second result"),
                layer.Name
            );
            Assert.That(layer.Bytes.Output, Is.EqualTo(stored.Sum(Written)), layer.Name);
            Assert.That(layer.Shapes.Split(" to ")[1].Split(", "), Has.Length.EqualTo(stored.Length), layer.Name);
            Assert.That(Buffer(layer, "output, per PE").Stays, Does.Contain("second time"), layer.Name);
            Assert.That(Buffer(layer, "bias and scale, shared").Loads, Is.EqualTo(1), layer.Name);
            if (layer.Nests[0].Levels.Single(l => l.Name == "tile").Count > 1)
                Assert.That(Buffer(layer, "bias and scale, shared").Stays, Is.EqualTo("the layer"), layer.Name);
        }

        Assert.That(layers.Count(l => l.RowOperator?.Contains("second result", StringComparison.Ordinal) == true), Is.EqualTo(both.Length));
        // Others load parameters for each output group, but for what has two products per head.
        BufferUse[] again =
        [
            .. layers.Where(l => l.Nests.Count == 1).Select(l => Buffer(l, "bias and scale, shared")).Where(b => b.Loads > 1),
        ];
        Assert.That(again, Is.Not.Empty);
        Assert.That(again.Select(b => b.Stays), Is.All.EqualTo("an output group"));
    }

    [Test]
    public void Of_each_row_operator_is_said_whether_post_processing_goes_on_beside_it()
    {
        foreach ((LayerExplanation layer, int index) in layers.Select((l, i) => (l, i)).Where(l => l.l.RowOperator is not null))
        {
            foreach (
                IGrouping<string, Command> rows in Own(index).Where(c => c.Is(RowCommand.Definition) && c[Header.A.Count] > 0).GroupBy(Name)
            )
            {
                string said = layer.RowOperator!.Split("; then ").Single(t => t.Contains($", {rows.Key})", StringComparison.Ordinal));
                Assert.That(said, Does.StartWith($"{rows.Count()} ROW commands"), rows.Key);
                Assert.That(
                    said.Contains("post-processing beside", StringComparison.Ordinal),
                    Is.EqualTo(rows.All(c => c[RowCommand.Overlap])),
                    rows.Key
                );
            }
        }

        Assert.That(layers.Select(l => l.RowOperator ?? string.Empty), Has.Some.Contains("post-processing beside"));
    }

    [Test]
    public void Spatial_loops_are_the_array_and_useful_products_are_at_most_all()
    {
        ArrayConfig array = program.Config.Array;
        foreach (LayerExplanation layer in layers)
        {
            foreach (LoopNest nest in layer.Nests)
            {
                Assert.That(
                    nest.Levels.Where(l => l.Spatial).Aggregate(1L, (p, l) => p * l.Count),
                    Is.AtMost(program.Config.Derived.PeakMacsPerCycle),
                    layer.Name
                );
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
            Assert.That(
                layer.Span.Last - layer.Span.First + 1,
                Is.GreaterThanOrEqualTo(layer.Limit.Cycles - Timing.ReadInterval),
                layer.Name
            );
        }

        foreach (LayerExplanation layer in layers.Where(l => l.Nests.Count == 0 && l.ComputedBy is not null))
            Assert.That(layers.Single(l => l.Name == layer.ComputedBy).Joined, Does.Contain(layer.Name));
    }

    private IEnumerable<Command> Own(int layer) => program.CommandsOf(layer).Select(i => program.Commands[i]);

    private string Name(Command command) => program.Layers[(int)command[Header.Tag]].Layer.Name;

    private long Written(string layer) => program.Tensors[program.Layers.Single(l => l.Layer.Name == layer).Layer.Output].Bytes;

    private static BufferUse Buffer(LayerExplanation layer, string name) => layer.Buffers.Single(b => b.Buffer == name);

    private static long Count(LoopNest nest, string level) => nest.Levels.Single(l => l.Name == level).Count;
}
