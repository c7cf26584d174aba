using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Data;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Onnx;
using AccelGen.Quantization;
using AccelGen.Tests.Shared;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>Imported networks through the RTL: outputs bit for bit, cycles exact, on every path of one program.</summary>
public sealed class NetworkRunTests
{
    private static int Seed => Setting.Seed(2300);

    [Test]
    [CancelAfter(300_000)]
    public async Task Random_imported_networks_run_exactly_on_every_single_block_path(
        [Values("tiny", "small")] string preset,
        [Seeds(2300, 12)] int seed
    )
    {
        AcceleratorConfig config =
            preset == "tiny"
                ? ConfigLoader.Load(preset, ["buffers.inputKibibytes=16", "buffers.weightKibibytes=32"])
                : ConfigLoader.Load(preset);
        BuiltModel built = await new ModelBuild().BuildAsync(config);
        RandomNetwork random = RandomNetworks.Residual(seed);
        string file = Path.GetTempFileName();
        await File.WriteAllBytesAsync(file, random.Model);
        FloatNetwork network = OnnxImporter.Import(file).Network;
        File.Delete(file);
        float[][] inputs =
        [
            .. Enumerable
                .Range(0, 2)
                .Select(i => RandomNetworks.Values(new Random(seed + i), random.Channels * random.Size * random.Size, 1)),
        ];
        QuantizedNetwork quantized = Quantizer.Quantize(network, Quantizer.Calibrate(network, inputs, CalibrationMethod.MinMax));
        ExecutionPath[] paths =
        [
            ExecutionPath.Whole,
            .. network.Blocks.Select(b => BlockList.Parse(b.Name, network.Blocks)),
            BlockList.Parse($"0-{network.Blocks.Count - 1}", network.Blocks),
        ];
        var timing = new MemoryTiming();
        IReadOnlyList<PathRun> runs = NetworkRun.Run(
            new NetworkCompiler(config, timing).Compile(quantized),
            built.Library,
            timing,
            paths,
            [.. inputs.Select(i => Quantizer.QuantizeValues(quantized.Tensors[0], i))],
            2
        );
        foreach (PathRun run in runs)
            Assert.That(run.Differences, Is.Empty, $"seed {seed}");
        Assert.That(runs[^1].CyclesRtl, Is.LessThan(runs[0].CyclesRtl), $"seed {seed}");
    }

    [Test]
    [CancelAfter(300_000)]
    public async Task ResNet56_runs_exactly_on_the_base_preset()
    {
        (IReadOnlyList<PathRun> runs, _, _) = await ResNet56Async(3, "none", "1,3,6,11,13,16,20,22,25");
        foreach (PathRun run in runs)
            Assert.That(run.Differences, Is.Empty, run.Path.Name);
        Assert.That(runs[1].MacsSkipped, Is.GreaterThan(runs[1].Macs * 0.33));
        Assert.That(runs[1].CyclesRtl, Is.LessThan(runs[0].CyclesRtl));
    }

    [Test]
    [Category("Deep")]
    [CancelAfter(900_000)]
    public async Task ResNet56_on_100_images_is_exact_and_within_two_points_of_ONNX_Runtime()
    {
        (IReadOnlyList<PathRun> runs, ImageSet images, string model) = await ResNet56Async(
            100,
            "none",
            "1",
            "6",
            "12",
            "16",
            "24",
            "1,3,6,11,13,16,20,22,25"
        );
        foreach (PathRun run in runs)
            Assert.That(run.Differences, Is.Empty, run.Path.Name);
        using InferenceSession session = ExactSession.Open(await File.ReadAllBytesAsync(model));
        int theirs = 0,
            mine = 0;
        for (int i = 0; i < images.Images.Count; i++)
        {
            float[] nhwc = ImageSet.Decode(images.Images[i].Path, 32, 32, 3, Normalization.Default(3));
            var nchw = new DenseTensor<float>([1, 3, 32, 32]);
            for (int n = 0; n < nhwc.Length; n++)
                nchw[0, n % 3, n / 96, n / 3 % 32] = nhwc[n];
            using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> outputs = session.Run([
                NamedOnnxValue.CreateFromTensor("image", nchw),
            ]);
            float[] scores = [.. outputs[0].AsTensor<float>()];
            theirs += Array.IndexOf(scores, scores.Max()) == images.Images[i].Label ? 1 : 0;
            mine += Array.IndexOf(runs[0].Outputs[i], runs[0].Outputs[i].Max()) == images.Images[i].Label ? 1 : 0;
        }

        TestContext.Out.WriteLine($"top-1 of 100: RTL {mine}, ONNX Runtime float {theirs}");
        Assert.That(mine, Is.InRange(theirs - 2, theirs + 2));
    }

    private static async Task<(IReadOnlyList<PathRun> Runs, ImageSet Images, string Model)> ResNet56Async(int limit, params string[] skips)
    {
        string model = ThirdPartyModels.Require("resnet56_cifar10/resnet56_cifar10.onnx");
        ImageSet all = ImageSet.Load(ThirdPartyModels.Require("images/cifar10"));
        FloatNetwork network = OnnxImporter.Import(model).Network;
        float[][] Decode(ImageSet set) => [.. set.Images.Select(i => ImageSet.Decode(i.Path, 32, 32, 3, Normalization.Default(3)))];
        QuantizedNetwork quantized = Quantizer.Quantize(
            network,
            Quantizer.Calibrate(network, Decode(all.Sample(Math.Max(20, limit), 1)), CalibrationMethod.Percentile)
        );
        AcceleratorConfig config = ConfigLoader.Load("base");
        BuiltModel built = await new ModelBuild().BuildAsync(config);
        var timing = new MemoryTiming();
        ImageSet images = all.Sample(limit, 1);
        ExecutionPath[] paths = [.. skips.Select(s => BlockList.Parse(s, quantized.Blocks))];
        return (
            NetworkRun.Run(
                new NetworkCompiler(config, timing).Compile(quantized),
                built.Library,
                timing,
                paths,
                [.. Decode(images).Select(d => Quantizer.QuantizeValues(quantized.Tensors[0], d))],
                2
            ),
            images,
            model
        );
    }
}
