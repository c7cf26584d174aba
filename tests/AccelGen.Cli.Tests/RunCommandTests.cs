using System.Text.Json;
using AccelGen.Tests.Shared;
using CliWrap.Buffered;
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
        BufferedCommandResult result = await RunAsync("run", "net.onnx", "--calibrate", "images", "--images", "images", "--config", "tiny", "--skip", "none", "--skip", "0", "--json", json);
        Assert.That(result.ExitCode, Is.Zero, result.StandardError);
        using JsonDocument document = JsonDocument.Parse(await File.ReadAllTextAsync(json));
        JsonElement total = document.RootElement.GetProperty("total");
        Assert.That(total.GetProperty("mismatches").GetInt64(), Is.Zero);
        Assert.That(total.GetProperty("cyclesRtl").GetInt64(), Is.EqualTo(total.GetProperty("cyclesModel").GetInt64()).And.GreaterThan(0));
        Assert.That(total.GetProperty("accuracy").GetDouble(), Is.InRange(0, 1));
        foreach (string key in new[] { "name", "op", "macs", "macsSkipped", "utilization", "bytesRead", "bytesWritten", "configHash", "seed", "wallSeconds", "macsPerSecond", "tools" })
            Assert.That(total.TryGetProperty(key, out _), key);
        JsonElement[] layers = [.. document.RootElement.GetProperty("layers").EnumerateArray()];
        foreach (string key in new[] { "name", "op", "macs", "macsSkipped", "cyclesRtl", "cyclesModel", "mismatches", "utilization", "bytesRead", "bytesWritten" })
            Assert.That(layers.All(l => l.TryGetProperty(key, out _)), key);
        Assert.That(layers.Sum(l => l.GetProperty("macs").GetInt64()), Is.EqualTo(total.GetProperty("macs").GetInt64()));
        JsonElement[] paths = [.. document.RootElement.GetProperty("paths").EnumerateArray()];
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
        BufferedCommandResult direct = await RunAsync("run", "net.onnx", "--calibrate", "images", "--images", "images", "--config", "tiny", "--json", "b.json");
        Assert.That((fromFile.ExitCode, direct.ExitCode), Is.EqualTo((0, 0)), fromFile.StandardError + direct.StandardError);
        string Layers(string name) => JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, name))).RootElement.GetProperty("layers").GetRawText();
        Assert.That(Layers("a.json"), Is.EqualTo(Layers("b.json")));
    }

    [TestCase("--skip", "99", "'99' is no block")]
    [TestCase("--limit", "0", "--limit is 0")]
    [TestCase("--mean", "1,2,3,4,5", "--mean has 5 values")]
    [TestCase("--method", "guess", "legal are minmax and percentile")]
    [TestCase("--percentile", "20", "--percentile is 20")]
    [TestCase("--calibrate", "nowhere", "no such folder")]
    [TestCase("--labels", "nowhere.csv", "nowhere.csv")]
    [CancelAfter(60_000)]
    public async Task A_wrong_option_is_explained_before_anything_runs(string option, string value, string says)
    {
        string[] rest = option == "--calibrate" ? [] : ["--calibrate", "images"];
        BufferedCommandResult result = await RunAsync(["run", "net.onnx", "--images", "images", "--config", "tiny", .. rest, option, value]);
        Assert.That(result.ExitCode, Is.EqualTo(2), result.StandardError);
        Assert.That(result.StandardError, Does.Contain(says).And.Not.Contain("   at "));
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

    private Task<BufferedCommandResult> RunAsync(params string[] arguments) => AccelGenProcess.RunAsync(null, [.. arguments.Select(a =>
        a is "net.onnx" or "net.json" or "images" or "bad" or "a.json" or "b.json" or "nowhere" or "nowhere.csv" ? Path.Combine(folder, a) : a)]);
}
