using System.Text.Json;
using AccelGen.Golden;
using AccelGen.Network.Quantized;
using AccelGen.Onnx;
using AccelGen.Quantization;
using AccelGen.Tests.Shared;
using CliWrap.Buffered;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using NUnit.Framework;
using SkiaSharp;

namespace AccelGen.Cli.Tests;

/// <summary>Import, quantise and run as a user does, on a small random network and random images.</summary>
public sealed class RunCommandTests
{
    private string folder = string.Empty;

    [OneTimeSetUp]
    public void WriteModelAndImages()
    {
        folder = Directory.CreateTempSubdirectory("accelgen-run").FullName;
        RandomNetwork network = RandomNetworks.Residual(5);
        File.WriteAllBytes(Path.Combine(folder, "net.onnx"), network.Model);
        var random = new Random(3);
        for (int c = 0; c < 3; c++)
        {
            string sub = Directory.CreateDirectory(Path.Combine(folder, "images", $"class{c}")).FullName;
            for (int i = 0; i < 2; i++)
            {
                using var bitmap = new SKBitmap(network.Size, network.Size);
                for (int p = 0; p < network.Size * network.Size; p++)
                    bitmap.SetPixel(p % network.Size, p / network.Size, new SKColor((uint)random.Next() | 0xFF000000));
                using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
                File.WriteAllBytes(Path.Combine(sub, $"{i}.png"), data.ToArray());
            }
        }
    }

    [OneTimeTearDown]
    public void Remove() => Directory.Delete(folder, recursive: true);

    [Test]
    [CancelAfter(240_000)]
    public async Task Run_reports_layers_paths_and_total_with_exact_cycles()
    {
        string json = Path.Combine(folder, "run.json");
        BufferedCommandResult result = await RunAsync(
            "run",
            "net.onnx",
            "--calibrate",
            "images",
            "--images",
            "images",
            "--config",
            "tiny",
            "--skip",
            "none",
            "--skip",
            "0",
            "--json",
            json
        );
        Assert.That(result.ExitCode, Is.Zero, result.StandardError);
        using JsonDocument document = JsonDocument.Parse(await File.ReadAllTextAsync(json));
        JsonElement total = document.RootElement.GetProperty("total");
        Assert.That(total.GetProperty("mismatches").GetInt64(), Is.Zero);
        Assert.That(total.GetProperty("cyclesRtl").GetInt64(), Is.EqualTo(total.GetProperty("cyclesModel").GetInt64()).And.GreaterThan(0));
        Assert.That(total.GetProperty("accuracy").GetDouble(), Is.InRange(0, 1));
        foreach (
            string key in new[]
            {
                "name",
                "op",
                "macs",
                "macsSkipped",
                "utilization",
                "bytesRead",
                "bytesWritten",
                "configHash",
                "seed",
                "wallSeconds",
                "macsPerSecond",
                "tools",
            }
        )
            Assert.That(total.TryGetProperty(key, out _), key);
        JsonElement[] layers = [.. document.RootElement.GetProperty("layers").EnumerateArray()];
        foreach (
            string key in new[]
            {
                "name",
                "op",
                "macs",
                "macsSkipped",
                "cyclesRtl",
                "cyclesModel",
                "mismatches",
                "utilization",
                "bytesRead",
                "bytesWritten",
            }
        )
            Assert.That(layers.All(l => l.TryGetProperty(key, out _)), key);
        Assert.That(layers.Sum(l => l.GetProperty("macs").GetInt64()), Is.EqualTo(total.GetProperty("macs").GetInt64()));
        JsonElement[] paths = [.. document.RootElement.GetProperty("paths").EnumerateArray()];
        JsonElement[] breakdowns = [.. document.RootElement.GetProperty("cycles").EnumerateArray()];
        Assert.That(
            breakdowns.Select(b => b.GetProperty("classes").EnumerateArray().Sum(c => c.GetProperty("cycles").GetInt64())),
            Is.EqualTo(paths.Select(p => p.GetProperty("cyclesRtl").GetInt64()))
        );
        Assert.That(result.StandardOutput, Does.Contain("cycles by class").And.Contain("row operator"));
        Assert.That(paths[1].GetProperty("cyclesSaved").GetDouble(), Is.GreaterThan(0));
        Assert.That(paths[1].GetProperty("macsSkipped").GetInt64(), Is.GreaterThan(0));
    }

    [Test]
    [CancelAfter(240_000)]
    public async Task A_quantised_file_runs_as_the_model_it_came_from()
    {
        BufferedCommandResult quantize = await RunAsync("quantize", "net.onnx", "--calibrate", "images", "--out", "net.json");
        Assert.That(quantize.ExitCode, Is.Zero, quantize.StandardError);
        BufferedCommandResult fromFile = await RunAsync("run", "net.json", "--images", "images", "--config", "tiny", "--json", "a.json");
        BufferedCommandResult direct = await RunAsync(
            "run",
            "net.onnx",
            "--calibrate",
            "images",
            "--images",
            "images",
            "--config",
            "tiny",
            "--json",
            "b.json"
        );
        Assert.That((fromFile.ExitCode, direct.ExitCode), Is.EqualTo((0, 0)), fromFile.StandardError + direct.StandardError);
        string Layers(string name) =>
            JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, name))).RootElement.GetProperty("layers").GetRawText();
        Assert.That(Layers("a.json"), Is.EqualTo(Layers("b.json")));
    }

    [TestCase("--skip", "99", "'99' is no block")]
    [TestCase("--limit", "0", "--limit is 0")]
    [TestCase("--mean", "1,2,3,4,5", "--mean has 5 values")]
    [TestCase("--method", "guess", "legal are minmax, percentile and mse")]
    [TestCase("--percentile", "20", "--percentile is 20")]
    [TestCase("--calibrate", "nowhere", "no such folder")]
    [TestCase("--calibrate-limit", "0", "--calibrate-limit is 0")]
    [TestCase("--masks", "images", "--masks goes with networks that have an output per pixel")]
    [TestCase("--mask-first", "1", "--mask-first goes with networks that have an output per pixel")]
    [TestCase("--labels", "nowhere.csv", "nowhere.csv")]
    [CancelAfter(60_000)]
    public async Task A_wrong_option_is_explained_before_anything_runs(string option, string value, string says)
    {
        string[] rest = option == "--calibrate" ? [] : ["--calibrate", "images"];
        BufferedCommandResult result = await RunAsync([
            "run",
            "net.onnx",
            "--images",
            "images",
            "--config",
            "tiny",
            .. rest,
            option,
            value,
        ]);
        Assert.That(result.ExitCode, Is.EqualTo(2), result.StandardError);
        Assert.That(result.StandardError, Does.Contain(says).And.Not.Contain("   at "));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Images_are_needed_for_a_file()
    {
        BufferedCommandResult result = await RunAsync("run", "net.onnx", "--calibrate", "images", "--config", "tiny");
        Assert.That(
            (result.ExitCode, result.StandardError),
            Is.EqualTo((2, $"error: AG2103 {Path.Combine(folder, "net.onnx")}: --images names the folder of images to run\n"))
        );
    }

    [TestCase("--method", "minmax")]
    [TestCase("--method", "mse")]
    [TestCase("--bias-correction", "false")]
    [TestCase("--equalize", "false")]
    [CancelAfter(60_000)]
    public async Task The_report_of_the_quantiser_has_every_layer_the_worst_first(string option, string value)
    {
        string json = Path.Combine(folder, "report.json");
        BufferedCommandResult result = await RunAsync(
            "quantize",
            "net.onnx",
            "--calibrate",
            "images",
            "--out",
            "reported.json",
            "--report",
            "--json",
            json,
            option,
            value
        );
        Assert.That(result.ExitCode, Is.Zero, result.StandardError);
        Assert.That(result.StandardOutput, Does.Contain("signal to quantisation noise on 6 images"));
        using JsonDocument document = JsonDocument.Parse(await File.ReadAllTextAsync(json));
        JsonElement[] layers = [.. document.RootElement.GetProperty("layers").EnumerateArray()];
        Assert.That(
            document
                .RootElement.GetProperty("quantization")
                .GetProperty(
                    option switch
                    {
                        "--method" => "method",
                        "--equalize" => "equalized",
                        _ => "biasCorrected",
                    }
                )
                .ToString()
                .ToLowerInvariant(),
            Is.EqualTo(value)
        );
        BufferedCommandResult import = await RunAsync("import", "net.onnx", "--json", json);
        Assert.That(import.ExitCode, Is.Zero, import.StandardError);
        using JsonDocument imported = JsonDocument.Parse(await File.ReadAllTextAsync(json));
        Assert.That(
            layers.Select(l => l.GetProperty("layer").GetString()),
            Is.EquivalentTo(imported.RootElement.GetProperty("layers").EnumerateArray().Select(l => l.GetProperty("name").GetString()))
        );
        double[] noise =
        [
            .. layers.Select(l =>
                l.GetProperty("ownSignalToNoiseDb") is { ValueKind: JsonValueKind.Number } n ? n.GetDouble() : double.PositiveInfinity
            ),
        ];
        Assert.That(noise, Is.Ordered);
        Assert.That(noise[0], Is.InRange(15, 60));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task An_exported_file_gives_in_another_runtime_what_the_golden_model_gives()
    {
        BufferedCommandResult quantize = await RunAsync("quantize", "net.onnx", "--calibrate", "images", "--out", "exported.json");
        BufferedCommandResult export = await RunAsync("export", "exported.json", "--out", "exported.onnx");
        Assert.That((quantize.ExitCode, export.ExitCode), Is.EqualTo((0, 0)), quantize.StandardError + export.StandardError);
        QuantizedNetwork network = QuantizedNetworkFile.Load(Path.Combine(folder, "exported.json"));
        QuantizedTensor input = network.Tensors[network.Inputs[0]],
            output = network.Tensors[network.Outputs[0]];
        TensorShape shape = input.Shape;
        var random = new Random(4);
        float[] nchw = [.. Enumerable.Range(0, (int)shape.Elements).Select(_ => (random.NextSingle() * 4) - 2)],
            nhwc = new float[nchw.Length];
        for (int i = 0; i < nchw.Length; i++)
            nhwc[(i % (shape.Height * shape.Width) * shape.Channels) + (i / (shape.Height * shape.Width))] = nchw[i];
        sbyte[] golden = GoldenExecutor.Run(
            network,
            ExecutionPath.Whole,
            new Dictionary<int, sbyte[]> { [input.Id] = Quantizer.QuantizeValues(input, nhwc) }
        )[output.Id];
        using InferenceSession session = ExactSession.Open(await File.ReadAllBytesAsync(Path.Combine(folder, "exported.onnx")));
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> results = session.Run([
            NamedOnnxValue.CreateFromTensor(
                session.InputNames[0],
                new DenseTensor<float>(nchw, [1, shape.Channels, shape.Height, shape.Width])
            ),
        ]);
        float[] scores = [.. results[0].AsEnumerable<float>()];
        Assert.That(scores, Has.Length.EqualTo(golden.Length));
        for (int i = 0; i < scores.Length; i++)
            Assert.That(scores[i] / output.Scale, Is.EqualTo(golden[i] - output.ZeroPoint).Within(3.01), $"score {i}");
        Assert.That(golden.Distinct().Count(), Is.GreaterThan(3));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task An_export_of_signed_bytes_says_where_another_runtime_computes_it_wrongly_and_comes_back_as_the_same_network()
    {
        BufferedCommandResult quantize = await RunAsync("quantize", "net.onnx", "--calibrate", "images", "--out", "exported.json");
        Assert.That(quantize.ExitCode, Is.Zero, quantize.StandardError);
        var convolutions = new List<ConvLayer[]>();
        foreach ((string[] option, string type) in new[] { (Array.Empty<string>(), "uint8"), (["--type", "int8"], "int8") })
        {
            BufferedCommandResult export = await RunAsync([
                "export",
                "exported.json",
                "--out",
                "typed.onnx",
                "--json",
                "a.json",
                .. option,
            ]);
            Assert.That(export.ExitCode, Is.Zero, export.StandardError);
            Assert.That(export.StandardOutput, Does.Contain($" layers, {type}, opset"));
            Assert.That(
                export.StandardOutput,
                type == "int8" ? Does.Contain("without VNNI").And.Contain("--type uint8") : Does.Not.Contain("note:")
            );
            using JsonDocument document = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "a.json")));
            Assert.That(document.RootElement.GetProperty("type").GetString(), Is.EqualTo(type));
            convolutions.Add([.. OnnxImporter.Import(Path.Combine(folder, "typed.onnx")).Quantized!.Layers.OfType<ConvLayer>()]);
        }

        QuantizedNetwork network = QuantizedNetworkFile.Load(Path.Combine(folder, "exported.json"));
        foreach (ConvLayer[] back in convolutions)
            Assert.That(
                back.Select(c => (IEnumerable<sbyte>)c.Weights),
                Is.EqualTo(network.Layers.OfType<ConvLayer>().Select(c => (IEnumerable<sbyte>)c.Weights))
            );
    }

    [Test]
    [Category("Deep")]
    [CancelAfter(600_000)]
    public async Task A_whole_encoder_block_of_a_vision_transformer_is_skipped_by_its_name()
    {
        string model = ThirdPartyModels.Require("vit4mnist/vit4mnist_opset17.onnx"),
            digits = ThirdPartyModels.Require("images/mnist"),
            json = Path.Combine(folder, "vit.json");
        BufferedCommandResult result = await RunAsync(
            "run",
            model,
            "--mean",
            "0.1307",
            "--std",
            "0.3081",
            "--calibrate",
            digits,
            "--images",
            digits,
            "--config",
            "base",
            "--skip",
            "none",
            "--skip",
            "blocks.3",
            "--json",
            json
        );
        Assert.That(result.ExitCode, Is.Zero, result.StandardError);
        JsonElement[] paths = [.. JsonDocument.Parse(await File.ReadAllTextAsync(json)).RootElement.GetProperty("paths").EnumerateArray()];
        Assert.That(paths[1].GetProperty("blocksSkipped").EnumerateArray().Select(b => b.GetInt32()), Is.EqualTo(new[] { 6, 7 }));
        Assert.That(paths.Select(p => p.GetProperty("accuracy").GetDouble()), Is.All.GreaterThanOrEqualTo(24.0 / 25));
    }

    [TestCase("is a file that the command reads, the model itself", "export", "net.onnx", "--out", "net.onnx", "--calibrate", "images")]
    [TestCase("--calibrate names the folder", "export", "net.onnx", "--out", "never.onnx")]
    [TestCase("no such file", "export", "nowhere.onnx", "--out", "never.onnx")]
    [TestCase(
        "--type 'int16' is unknown; uint8 and int8 are",
        "export",
        "net.onnx",
        "--out",
        "never.onnx",
        "--calibrate",
        "images",
        "--type",
        "int16"
    )]
    [TestCase("'99' is no block", "export", "net.onnx", "--out", "never.onnx", "--calibrate", "images", "--skip", "99")]
    [TestCase("is quantised already; give the ONNX file", "quantize", "never.json", "--out", "never.onnx")]
    [TestCase(
        "is quantised already: --equalize needs the float network",
        "export",
        "never.json",
        "--out",
        "never.onnx",
        "--equalize",
        "true"
    )]
    [TestCase(
        "is quantised already: --bias-correction needs the float network",
        "export",
        "never.json",
        "--out",
        "never.onnx",
        "--bias-correction",
        "true"
    )]
    [TestCase("no layer of", "explain", "net.onnx", "nothing.*")]
    [CancelAfter(60_000)]
    public async Task A_wrong_use_of_the_other_commands_is_explained(string says, params string[] arguments)
    {
        if (arguments.Contains("never.json"))
            Assert.That((await RunAsync("quantize", "net.onnx", "--calibrate", "images", "--out", "never.json")).ExitCode, Is.Zero);
        BufferedCommandResult result = await RunAsync(arguments);
        Assert.That(result.ExitCode, Is.EqualTo(2), result.StandardError);
        Assert.That(result.StandardError, Does.Contain(says).And.Not.Contain("   at "));
        Assert.That(File.Exists(Path.Combine(folder, "never.onnx")), Is.False);
    }

    [Test]
    [CancelAfter(240_000)]
    public async Task Explained_cycles_and_bytes_are_those_of_a_run()
    {
        // Without calibration: the commands do not depend on it.
        BufferedCommandResult explain = await RunAsync("explain", "net.onnx", "--config", "tiny", "--json", "a.json");
        BufferedCommandResult run = await RunAsync(
            "run",
            "net.onnx",
            "--calibrate",
            "images",
            "--images",
            "images",
            "--config",
            "tiny",
            "--limit",
            "1",
            "--json",
            "b.json"
        );
        Assert.That((explain.ExitCode, run.ExitCode), Is.EqualTo((0, 0)), explain.StandardError + run.StandardError);
        Assert.That(explain.StandardOutput, Does.Contain("limited by").And.Contain("at once"));
        JsonElement Root(string name) => JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, name))).RootElement;
        JsonElement[] Layers(string name) => [.. Root(name).GetProperty("layers").EnumerateArray()];
        (JsonElement[] explained, JsonElement[] simulated) = (Layers("a.json"), Layers("b.json"));
        Assert.That(JsonElement.DeepEquals(Root("a.json").GetProperty("cycles"), Root("b.json").GetProperty("cycles")[0]));
        Assert.That(
            explained.Select(l => l.GetProperty("name").GetString()),
            Is.EqualTo(simulated.Select(l => l.GetProperty("name").GetString()))
        );
        Assert.That(
            explained.Select(l => l.GetProperty("cycles").GetInt64()),
            Is.EqualTo(simulated.Select(l => l.GetProperty("cyclesRtl").GetInt64()))
        );
        Assert.That(
            explained.Select(l => l.GetProperty("bytes").GetProperty("output").GetInt64()),
            Is.EqualTo(simulated.Select(l => l.GetProperty("bytesWritten").GetInt64()))
        );
        Assert.That(
            explained.Select(l =>
                new[] { "input", "weights", "parameters", "residual", "program" }.Sum(k => l.GetProperty("bytes").GetProperty(k).GetInt64())
            ),
            Is.EqualTo(simulated.Select(l => l.GetProperty("bytesRead").GetInt64()))
        );
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task A_file_that_is_no_image_is_named()
    {
        string bad = Directory.CreateDirectory(Path.Combine(folder, "bad")).FullName;
        await File.WriteAllTextAsync(Path.Combine(bad, "x.png"), "not a picture");
        BufferedCommandResult result = await RunAsync("run", "net.onnx", "--images", "images", "--config", "tiny", "--calibrate", "bad");
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(result.StandardError, Does.Contain("x.png").And.Contain("not a readable image"));
    }

    [TestCase("run", "--json", "images/class1/0.png")]
    [TestCase("run", "--json", "images/labels.csv")]
    [TestCase("run", "--waveform", "linked")]
    [TestCase("quantize", "--out", "images/class0/1.png")]
    [TestCase("export", "--out", "images/class0/1.png")]
    [CancelAfter(60_000)]
    public async Task A_file_among_the_images_is_no_output(string command, string option, string output)
    {
        string path = Path.Combine(folder, output),
            images = Path.Combine(folder, "images");
        if (output.EndsWith(".csv", StringComparison.Ordinal))
            await File.WriteAllTextAsync(path, "file,class");
        if (output == "linked" && !File.Exists(path))
            File.CreateSymbolicLink(path, Path.Combine(images, "class0", "0.png"));
        byte[] before = await File.ReadAllBytesAsync(path);
        string[] run = command == "run" ? ["--images", images, "--config", "tiny"] : [];
        BufferedCommandResult result = await AccelGenProcess.RunAsync(
            null,
            [command, Path.Combine(folder, "net.onnx"), "--calibrate", images, .. run, option, path]
        );
        Assert.That(result.ExitCode, Is.EqualTo(2), result.StandardError);
        Assert.That(result.StandardError, Does.Contain($"{option} {path} is a file in a folder that the command reads"));
        Assert.That(await File.ReadAllBytesAsync(path), Is.EqualTo(before));
        if (!output.EndsWith(".png", StringComparison.Ordinal))
            File.Delete(path);
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task A_pipe_among_the_images_is_refused_and_not_waited_for()
    {
        string pipes = Directory.CreateDirectory(Path.Combine(folder, "pipes")).FullName;
        await CliWrap.Cli.Wrap("mkfifo").WithArguments(Path.Combine(pipes, "a.png")).ExecuteAsync();
        BufferedCommandResult result = await AccelGenProcess.RunAsync(
            null,
            "quantize",
            Path.Combine(folder, "net.onnx"),
            "--calibrate",
            pipes,
            "--out",
            Path.Combine(folder, "piped.json")
        );
        Assert.That(result.ExitCode, Is.EqualTo(2), result.StandardError);
        Assert.That(result.StandardError, Does.Contain("a.png: not a readable image: a pipe or a device"));
    }

    private Task<BufferedCommandResult> RunAsync(params string[] arguments) =>
        AccelGenProcess.RunAsync(
            null,
            [
                .. arguments.Select(a =>
                    Path.GetExtension(a) is ".onnx"
                    || a
                        is "exported.json"
                            or "reported.json"
                            or "never.json"
                            or "net.json"
                            or "images"
                            or "bad"
                            or "a.json"
                            or "b.json"
                            or "nowhere"
                            or "nowhere.csv"
                        ? Path.Combine(folder, a)
                        : a
                ),
            ]
        );
}
