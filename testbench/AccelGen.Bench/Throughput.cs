using System.Globalization;
using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Isa;
using AccelGen.Network.Quantized;
using AccelGen.Sim;

namespace AccelGen.Bench;

/// <summary>The run whose simulation speed is measured: SegFormer-B0's linear_fuse at full shape, 4.3 x 10^9 MACs.</summary>
internal static class Throughput
{
    /// <summary>Layer of the run.</summary>
    public const string Layer = "decoder.linear_fuse";

    private static readonly MemoryTiming Timing = new();

    /// <summary>Multiply-accumulates of the run.</summary>
    public static long Macs { get; } = Spec().Output.Elements * Spec().Input.Channels;

    /// <summary>Drives the run in this process; prints seconds and cycles per round, then the hash of the memory.</summary>
    public static async Task<int> DriveAsync(string preset, int rounds)
    {
        AcceleratorConfig config = ConfigLoader.Load(preset);
        BuiltModel built = await new ModelBuild().BuildAsync(config).ConfigureAwait(false);
        (CompiledProgram program, Dictionary<int, sbyte[]> inputs) = Compile(config);
        using var simulator = new Simulator(config, built.Library);
        simulator.LoadMemory(program.MemoryBytes, program.Image);
        foreach ((int tensor, sbyte[] values) in inputs)
            program.WriteInput(tensor, values, simulator.Memory);
        PathRow row = program.Row(ExecutionPath.Whole);
        for (int round = 0; round < rounds; round++)
        {
            long started = System.Diagnostics.Stopwatch.GetTimestamp();
            simulator.WritePath(0, row);
            simulator.WriteRegister("PathSelect", 0);
            RunResult result = simulator.Run(program.Commands, program.ProgramAddress, config.Hash.Value, Timing);
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalSeconds:F6} {result.TotalCycles}"
                )
            );
        }

        ulong hash = 14695981039346656037;
        foreach (byte b in simulator.Memory)
            hash = (hash ^ b) * 1099511628211;
        Console.WriteLine($"memory {hash:x16}");
        return 0;
    }

    /// <summary>Writes the run for the C++ main: timing, register writes, memory.</summary>
    public static int Dump(string preset, string file)
    {
        AcceleratorConfig config = ConfigLoader.Load(preset);
        (CompiledProgram program, Dictionary<int, sbyte[]> inputs) = Compile(config);
        byte[] memory = new byte[program.MemoryBytes];
        program.Image.CopyTo(memory, 0);
        foreach ((int tensor, sbyte[] values) in inputs)
            program.WriteInput(tensor, values, memory);
        var registers = new List<(int Offset, uint Value)>();
        PathRow row = program.Row(ExecutionPath.Whole);
        registers.Add((IsaDefinition.PathTableBase, (uint)row.Keep));
        registers.Add((IsaDefinition.PathTableBase + 4, (uint)(row.Keep >> 32)));
        registers.Add((IsaDefinition.PathTableBase + IsaDefinition.PathVariantOffset, (uint)row.Variant));
        for (int i = 0; i < row.Extents.Count; i++)
            registers.Add((IsaDefinition.PathTableBase + IsaDefinition.PathExtentOffset + (4 * i), row.Extents[i]));
        Named("PathSelect", 0);
        Long("MemoryLimit", (ulong)program.MemoryBytes);
        Long("Program", (ulong)program.ProgramAddress);
        Long("ProgramHash", config.Hash.Value);
        Named("Control", 2);
        using FileStream stream = File.Create(file);
        using var writer = new BinaryWriter(stream);
        foreach (
            long value in new long[]
            {
                config.Derived.BeatBytes,
                config.Axi.AddressBits > 32 ? 1 : 0,
                Timing.ReadLatency,
                Timing.ReadInterval,
                Timing.WriteLatency,
                Timing.WriteInterval,
                Offset("Control"),
                registers.Count,
            }
        )
            writer.Write(value);
        foreach ((int offset, uint value) in registers)
        {
            writer.Write((long)offset);
            writer.Write((long)value);
        }

        writer.Write((long)memory.Length);
        writer.Write(memory);
        return 0;

        void Named(string name, uint value) => registers.Add((Offset(name), value));
        void Long(string name, ulong value)
        {
            Named(name + "Low", (uint)value);
            Named(name + "High", (uint)(value >> 32));
        }

        static int Offset(string name) => IsaDefinition.Registers.Single(r => r.Name == name).Offset;
    }

    private static LayerSpec Spec() => SegFormerLayers.Layers("segformer-b0").Single(l => l.Name == Layer);

    private static (CompiledProgram Program, Dictionary<int, sbyte[]> Inputs) Compile(AcceleratorConfig config)
    {
        (QuantizedNetwork network, Dictionary<int, sbyte[]> inputs, _) = Spec().Build(1);
        return (new NetworkCompiler(config, Timing).Compile(network), inputs);
    }
}
