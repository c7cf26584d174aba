using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Emit;
using AccelGen.Network.Architectures;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Onnx;
using AccelGen.Quantization;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Sim.Tests.Fingerprints;

/// <summary>
/// What is generated and compiled is, byte for byte, what was recorded: a change of the program's structure changes nothing, and
/// a change that is meant is seen, by configuration and network.
/// </summary>
public sealed class FingerprintTests
{
    private const string Folder = "tests/AccelGen.Sim.Tests/Fingerprints",
        Project = "AccelGen.Sim.Tests";

    private static readonly string[] Presets = ["tiny", "small", "base", "wide"];

    // Shapes that no preset has.
    private static readonly (string Preset, string[] Overrides)[] Odd =
    [
        ("tiny", ["array.vectorWidth=16", "array.lanes=4", "array.pes=3", "axi.dataBits=128", "units.rowTaps=false"]),
        ("base", ["array.pes=5", "axi.dataBits=256", "buffers.weightKibibytes=128", "control.paths=4", "control.dynamicRegisters=3"]),
    ];

    private static readonly string[] Layers =
    [
        "conv 9x7x16 k3x5 s2 p1 d2 g4 -> 8",
        "linear 64x32 -> 48, keep 16",
        "matmul 2x64x32x64",
        "conv 28x28x128 k3 p1 -> 128, keepout 64",
        "conv 32x32x32 k3 p1 g32 -> 32",
    ];

    [Test]
    public void The_generated_files_are_those_recorded()
    {
        var text = new StringBuilder();
        foreach ((string preset, string[] overrides) in Presets.Select(p => (p, Array.Empty<string>())).Concat(Odd))
        {
            AcceleratorConfig config = ConfigLoader.Load(preset, overrides);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (EmittedFile file in RtlEmitter.EmitAll(config))
                hash.AppendData(Encoding.UTF8.GetBytes($"{file.Path}\n{file.Text}"));
            text.Append(
                CultureInfo.InvariantCulture,
                $"{Convert.ToHexStringLower(hash.GetHashAndReset())[..32]} {preset} {string.Join(' ', overrides)}\n"
            );
        }

        Repository.Compare($"{Folder}/rtl.txt", text.ToString(), Project);
    }

    [Test]
    public void The_programs_of_layers_and_small_networks_are_those_recorded()
    {
        var text = new StringBuilder();
        foreach (string preset in Presets)
        {
            foreach (string layer in Layers)
            {
                (QuantizedNetwork network, _, ExecutionPath path) = LayerSpec.Parse(layer).Build(1);
                text.Append(Line(preset, layer, network, path));
            }

            foreach (string name in new[] { "segformer-b0", "segformer-b2", "ofa-resnet50:1.2G" })
                text.Append(Line(preset, $"{name} 64x64", Quantized(Architecture.Build(name, (64, 64), 1)), ExecutionPath.Whole));
        }

        Repository.Compare($"{Folder}/programs.txt", text.ToString(), Project);
    }

    [Test]
    [Category("Deep")]
    public void The_programs_of_whole_networks_are_those_recorded()
    {
        var text = new StringBuilder();
        var networks = new List<(string Name, QuantizedNetwork Network)>();
        foreach (string name in SegFormer.Variants.Select(v => v.Name).Append("ofa-resnet50"))
            networks.Add(
                (
                    name,
                    Quantized(Architecture.Build(name, name.StartsWith("segformer", StringComparison.Ordinal) ? (256, 256) : (224, 224), 1))
                )
            );
        string models = ThirdPartyModels.Require(".");
        foreach (string file in Directory.EnumerateFiles(models, "*.onnx", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            ImportResult import;
            try
            {
                import = OnnxImporter.Import(file);
            }
            catch (ImportException e)
            {
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"refused {Path.GetRelativePath(models, file)}: {e.Message.Split(": ", 2)[^1].Split('\n')[0]}\n"
                );
                continue;
            }

            networks.Add((Path.GetRelativePath(models, file), import.Quantized ?? Quantized(import.Network)));
        }

        foreach ((string name, QuantizedNetwork network) in networks)
        {
            foreach (string preset in new[] { "tiny", "base", "wide" })
                text.Append(Line(preset, name, network, ExecutionPath.Whole));
        }

        Repository.Compare($"{Folder}/whole-networks.txt", text.ToString(), Project);
    }

    private static QuantizedNetwork Quantized(FloatNetwork network)
    {
        TensorShape shape = network.Tensors[network.Inputs[0]].Shape;
        float[] input = [.. Enumerable.Range(0, (int)shape.Elements).Select(i => (float)Math.Sin(i))];
        return Quantizer.Quantize(network, Quantizer.Calibrate(network, [input], CalibrationMethod.MinMax));
    }

    // Commands, weights, parameters and cycles.
    private static string Line(string preset, string name, QuantizedNetwork network, ExecutionPath path)
    {
        AcceleratorConfig config = ConfigLoader.Load(preset);
        try
        {
            CompiledProgram program = new NetworkCompiler(config, new MemoryTiming()).Compile(network);
            long cycles = new CycleModel(config, new MemoryTiming())
                .Predict(program.Commands, program.ProgramAddress, program.Row(path))
                .TotalCycles;
            string hash = Convert.ToHexStringLower(SHA256.HashData(program.Image))[..32];
            return $"{hash} {preset} {name}: {program.Commands.Count} commands, {program.MemoryBytes} bytes, {cycles} cycles\n";
        }
        catch (CompileException e)
        {
            return $"refused {preset} {name}: {e.Message.Split('\n')[0]}\n";
        }
    }
}
