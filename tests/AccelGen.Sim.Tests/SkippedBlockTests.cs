using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Network.Quantized;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>A network of residual blocks on one program: the path alone decides what runs.</summary>
public sealed class SkippedBlockTests
{
    [Test]
    [CancelAfter(120_000)]
    public async Task Every_subset_of_blocks_runs_on_one_program_and_one_memory_image()
    {
        AcceleratorConfig config = ConfigLoader.Load("tiny");
        BuiltModel built = await new ModelBuild().BuildAsync(config);
        var timing = new MemoryTiming();
        (QuantizedNetwork network, Dictionary<int, sbyte[]> inputs) = ThreeBlocks();
        CompiledProgram program = new NetworkCompiler(config, timing).Compile(network);
        using var workload = new Workload(program, built.Library, timing);
        byte[] weightsBefore = workload
            .Simulator.Memory[(int)program.Tensors.Max(t => t.Address + t.Bytes)..program.Image.Length]
            .ToArray();
        var cycles = new Dictionary<int, long>();
        for (int skipped = 0; skipped < 8; skipped++)
        {
            var path = new ExecutionPath(
                $"{skipped}",
                Enumerable.Range(0, 3).Where(b => (skipped >> b & 1) == 1).ToHashSet(),
                new Dictionary<int, int>()
            );
            WorkloadResult result = workload.Run(inputs, path);
            Assert.That(result.FirstMismatch, Is.Null, $"skipped {skipped}");
            Assert.That(result.CounterDifferences, Is.Empty, $"skipped {skipped}");
            Assert.That(result.CommandDifferences, Is.Zero, $"skipped {skipped}");
            cycles[skipped] = result.Rtl.TotalCycles;
        }

        TestContext.Out.WriteLine(string.Join(", ", cycles.Select(c => $"{c.Key}: {c.Value}")));
        Assert.That(cycles[7], Is.LessThan(cycles[0] / 3));
        Assert.That(
            workload.Simulator.Memory[(int)program.Tensors.Max(t => t.Address + t.Bytes)..program.Image.Length].SequenceEqual(weightsBefore)
        );
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task A_path_switch_is_one_register_write_of_few_cycles()
    {
        AcceleratorConfig config = ConfigLoader.Load("tiny");
        using var simulator = new Simulator(config, (await new ModelBuild().BuildAsync(config)).Library);
        long before = simulator.Cycle;
        simulator.WriteRegister("PathSelect", 1);
        long spent = simulator.Cycle - before;
        TestContext.Out.WriteLine($"path switch: {spent} cycles");
        Assert.That(spent, Is.LessThanOrEqualTo(100));
        Assert.That(simulator.ReadRegister("PathSelect"), Is.EqualTo(1));
    }

    private static (QuantizedNetwork Network, Dictionary<int, sbyte[]> Inputs) ThreeBlocks()
    {
        var random = new Random(11);
        var shape = new TensorShape(1, 8, 8, 12);
        var tensors = new List<QuantizedTensor>
        {
            new(0, "image", new TensorShape(1, 8, 8, 3), 0.1, 3),
            new(1, "stream0", shape, 0.1, -128),
        };
        var layers = new List<QuantizedLayer> { Conv("stem", 0, 1, 3, 12, -128) };
        for (int block = 0; block < 3; block++)
        {
            int stream = tensors.Count - 1,
                middle = tensors.Count,
                output = tensors.Count + 1;
            if (block == 0)
                stream = 1;
            tensors.Add(new QuantizedTensor(middle, $"middle{block}", shape, 0.1, -128));
            tensors.Add(new QuantizedTensor(output, $"stream{block + 1}", shape, 0.1, -128, 1));
            layers.Add(Conv($"block{block}.conv1", stream, middle, 12, 12, -128) with { Block = block });
            layers.Add(
                Conv($"block{block}.conv2", middle, output, 12, 12, -128) with
                {
                    Block = block,
                    Residual = new ResidualAdd(stream, FixedPointScale.FromReal(1)),
                }
            );
        }

        tensors.Add(new QuantizedTensor(tensors.Count, "pooled", new TensorShape(1, 1, 1, 12), 0.1, -128));
        layers.Add(
            new AveragePoolLayer("pool", tensors.Count - 2, tensors.Count - 1, -128, 127)
            {
                Kernel = (8, 8),
                Stride = (8, 8),
                Scale = FixedPointScale.FromReal(1.0 / 64),
            }
        );
        var image = new sbyte[8 * 8 * 3];
        for (int i = 0; i < image.Length; i++)
            image[i] = (sbyte)random.Next(-128, 128);
        return (
            new QuantizedNetwork(
                "blocks",
                tensors,
                layers,
                [new(0, "block0"), new(1, "block1"), new(2, "block2")],
                [0],
                [tensors.Count - 1]
            ),
            new() { [0] = image }
        );

        ConvLayer Conv(string name, int from, int to, int channelsIn, int channelsOut, int low)
        {
            var weights = new sbyte[channelsOut * 9 * channelsIn];
            for (int i = 0; i < weights.Length; i++)
                weights[i] = (sbyte)random.Next(-127, 128);
            return new ConvLayer(name, from, to, low, 127)
            {
                Weights = weights,
                Bias = [.. Enumerable.Range(0, channelsOut).Select(_ => random.Next(-9000, 9000))],
                Scales = [.. Enumerable.Range(0, channelsOut).Select(_ => FixedPointScale.FromReal(0.0006 * (0.5 + random.NextDouble())))],
                Kernel = (3, 3),
                Padding = (1, 1, 1, 1),
            };
        }
    }
}
