using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Network.Quantized;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>Random layers on random memories: the RTL equals the golden operators in every element and the cycle model in every counter and command.</summary>
public sealed class RandomLayerTests
{
    private const int LayersPerConfig = 120;

    private static readonly (string Preset, string[] Overrides)[] Configs =
    [
        ("tiny", []),
        ("tiny", ["array.vectorWidth=12", "array.lanes=6", "array.pes=3", "buffers.inputKibibytes=8", "buffers.weightKibibytes=4", "axi.outstandingReads=2"]),
        ("tiny", ["array.vectorWidth=20", "array.lanes=10", "array.pes=5", "axi.dataBits=128", "buffers.inputKibibytes=8", "buffers.weightKibibytes=16", "axi.addressBits=40"]),
        ("tiny", ["array.vectorWidth=4", "array.lanes=4", "array.pes=1", "buffers.inputKibibytes=4", "axi.maxBurstBeats=1", "control.commandBlock=8"]),
        ("tiny", ["array.vectorWidth=16", "array.lanes=8", "array.pes=6", "axi.dataBits=64", "buffers.inputKibibytes=8", "buffers.weightKibibytes=16", "axi.outstandingWrites=1"]),
        ("tiny", ["array.vectorWidth=8", "array.lanes=8", "array.pes=4", "axi.dataBits=256", "buffers.inputKibibytes=16", "buffers.outputKibibytes=4", "buffers.residualKibibytes=4", "buffers.weightKibibytes=8", "array.accumulatorBits=28"]),
        ("small", ["array.pes=7", "control.queueDepth=2"]),
        ("small", ["array.vectorWidth=32", "array.lanes=8", "axi.dataBits=512", "array.pes=3"]),
        ("tiny", ["units.rowOperators=false", "units.quotient=false", "units.multiply=false", "units.rowTaps=false", "units.resize=false", "units.transpose=false", "units.activationTable=false"]),
    ];

    private static int Seed => int.TryParse(Environment.GetEnvironmentVariable("ACCELGEN_SEED"), out int seed) ? seed : 20261124;

    [TestCaseSource(nameof(Numbers))]
    [CancelAfter(300_000)]
    public async Task Random_layers_equal_the_golden_and_the_cycle_model(int number)
    {
        (string preset, string[] overrides) = Configs[number];
        AcceleratorConfig config = ConfigLoader.Load(preset, overrides);
        BuiltModel built = await new ModelBuild().BuildAsync(config);
        TestContext.Out.WriteLine($"{preset} {string.Join(' ', overrides)}, seed {Seed}");
        int executed = 0, refused = 0;
        for (int attempt = 0; executed < LayersPerConfig; attempt++)
        {
            Assert.That(refused, Is.LessThan(200), "too many random layers do not fit");
            int seed = (Seed * 31) + (number * 1000) + attempt;
            var random = new Random(seed);
            RandomLayer layer = RandomLayer.Create(random);
            var timing = new MemoryTiming(random.Next(1, 120), random.Next(1, 5), random.Next(1, 40), random.Next(1, 4));
            CompiledProgram program;
            try
            {
                program = new NetworkCompiler(config, timing, random.Next(1, 5)) { AnyTiling = random.Next(2) == 0 ? random : null }.Compile(layer.Network);
            }
            catch (CompileException)
            {
                refused++;
                continue;
            }

            using var workload = new Workload(program, built.Library, timing);
            string what = $"attempt {attempt} (seed {seed}): {layer.Description}, {timing}, {program.Layers[0].Tiling}";
            WorkloadResult result = workload.Run(layer.Inputs, layer.Path);
            Assert.That(result.FirstMismatch, Is.Null, what);
            Assert.That(result.CounterDifferences, Is.Empty, what);
            Assert.That(result.CommandDifferences, Is.Zero, what);
            if (attempt % 4 == 0)
            {
                WorkloadResult stalled = workload.Run(layer.Inputs, layer.Path, new MemoryFaults(seed));
                Assert.That(stalled.FirstMismatch, Is.Null, $"stalled, {what}");
                Assert.That(stalled.Rtl.TotalCycles, Is.GreaterThanOrEqualTo(stalled.Model.TotalCycles), $"stalled, {what}");
            }

            executed++;
        }

        TestContext.Out.WriteLine($"{executed} layers equal, {refused} refused by the compiler as too large");
    }

    private static IEnumerable<int> Numbers() => Enumerable.Range(0, Configs.Length);
}
