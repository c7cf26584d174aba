using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>Networks whose tensors are parts of each other, through the RTL.</summary>
public sealed class ConcatenationTests
{
    [Test]
    [CancelAfter(300_000)]
    public async Task Random_graphs_of_concatenations_equal_golden_and_cycle_model(
        [Values("tiny", "small")] string preset,
        [Seeds(77_000, 40)] int seed
    )
    {
        AcceleratorConfig config = ConfigLoader.Load(preset);
        BuiltModel built = await new ModelBuild().BuildAsync(config);
        (QuantizedNetwork network, Dictionary<int, sbyte[]> inputs) = RandomQuantizedGraphs.Build(seed, config.Array.VectorWidth);
        CompiledProgram program = new NetworkCompiler(config, new MemoryTiming(), 2)
        {
            AnyTiling = seed % 2 == 0 ? new Random(seed) : null,
        }.Compile(network);
        using var workload = new Workload(program, built.Library, new MemoryTiming());
        string what = $"seed {seed}: {string.Join(", ", network.Layers.Select(l => $"{l.Name}({string.Join(' ', l.Reads)})->{l.Output}"))}";
        WorkloadResult result = workload.Run(inputs, ExecutionPath.Whole);
        Assert.That(result.FirstMismatch, Is.Null, what);
        Assert.That(result.CounterDifferences, Is.Empty, what);
        Assert.That(result.CommandDifferences, Is.Zero, what);
    }
}
