using System.Text.Json;
using CliWrap.Buffered;
using NUnit.Framework;

namespace AccelGen.Cli.Tests;

/// <summary>Architectures by name in place of a file: weights and images drawn from the seed.</summary>
public sealed class ArchitectureTests
{
    private string folder = string.Empty;

    [SetUp]
    public void Make() => folder = Directory.CreateTempSubdirectory("accelgen-architecture").FullName;

    [TearDown]
    public void Remove() => Directory.Delete(folder, recursive: true);

    [Test]
    [CancelAfter(60_000)]
    public async Task Import_lists_the_layers_of_an_architecture()
    {
        JsonElement root = await JsonAsync("import", "segformer-b0", "--input-size", "64x96");
        Assert.That(root.GetProperty("parameters").GetInt64(), Is.EqualTo(3_752_438));
        Assert.That(
            root.GetProperty("nodes").GetArrayLength(),
            Is.EqualTo(root.GetProperty("layers").GetArrayLength()).And.GreaterThan(100)
        );
        Assert.That(root.GetProperty("layers")[0].GetProperty("input").GetString(), Is.EqualTo("1x64x96x3"));
    }

    [Test]
    [CancelAfter(600_000)]
    public async Task An_architecture_runs_on_drawn_images_and_says_so()
    {
        string json = Path.Combine(folder, "run.json");
        BufferedCommandResult result = await AccelGenProcess.RunAsync(
            null,
            "run",
            "segformer-b0",
            "--input-size",
            "32x32",
            "--seed",
            "3",
            "--config",
            "small",
            "--skip",
            "none",
            "--skip",
            "stage3.block1",
            "--json",
            json
        );
        Assert.That(result.ExitCode, Is.Zero, result.StandardError);
        Assert.That(
            result.StandardOutput,
            Does.Contain("calibration: 2 synthetic images of seed 3").And.Contain("images: 1 synthetic of seed 3")
        );
        using JsonDocument document = JsonDocument.Parse(await File.ReadAllTextAsync(json));
        JsonElement total = document.RootElement.GetProperty("total");
        Assert.That(total.GetProperty("mismatches").GetInt64(), Is.Zero);
        Assert.That(total.GetProperty("quantization").GetProperty("synthetic").GetBoolean());
        Assert.That(document.RootElement.GetProperty("paths")[1].GetProperty("macsSkipped").GetInt64(), Is.GreaterThan(0));
    }

    [Test]
    [CancelAfter(120_000)]
    public async Task The_seed_decides_the_weights()
    {
        async Task<byte[]> FileAsync(string seed)
        {
            string path = Path.Combine(folder, "net.json");
            BufferedCommandResult result = await AccelGenProcess.RunAsync(
                null,
                "quantize",
                "segformer-b0",
                "--input-size",
                "32x32",
                "--seed",
                seed,
                "--method",
                "minmax",
                "--bias-correction",
                "false",
                "--calibrate-limit",
                "1",
                "--out",
                path
            );
            Assert.That(result.ExitCode, Is.Zero, result.StandardError);
            return await File.ReadAllBytesAsync(path);
        }

        byte[] first = await FileAsync("1");
        Assert.That(await FileAsync("1"), Is.EqualTo(first));
        Assert.That(await FileAsync("2"), Is.Not.EqualTo(first));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Layers_that_alternate_are_said_to_count_together()
    {
        BufferedCommandResult result = await AccelGenProcess.RunAsync(
            null,
            "explain",
            "segformer-b0",
            "decoder.linear_*",
            "stage1.block0.mlp.fc2",
            "--input-size",
            "128x64",
            "--config",
            "base"
        );
        Assert.That(result.ExitCode, Is.Zero, result.StandardError);
        Assert.That(
            result.StandardOutput,
            Does.Contain("alternates with the commands of decoder.linear_fuse, strip by strip, which reads what this one stores")
                .And.Contain("its cycles count with those of decoder.linear_fuse; longest of its own bounds ")
                .And.Contain("cycles with those that it alternates with, limited by ")
                .And.Contain("third product, stage1.block0.mlp.fc2, 2 tiles behind the first:")
        );
    }

    [TestCase("no such architecture; the architectures are segformer-b0", "run", "segformer-b9")]
    [TestCase("no such architecture; the architectures are segformer-b0", "import", "segformer")]
    [TestCase("rows and columns must be multiples of 32", "run", "segformer-b0", "--input-size", "40x64")]
    [TestCase("--input-size is '64'", "import", "segformer-b0", "--input-size", "64")]
    [TestCase("labels and masks go with the images of a folder", "run", "segformer-b0", "--masks", "anywhere")]
    [TestCase("--image x.png: there is no such image", "run", "segformer-b0", "--image", "x.png")]
    [TestCase("'stage9' is no block", "run", "segformer-b0", "--input-size", "32x32", "--bias-correction", "false", "--skip", "stage9")]
    [TestCase("no layer of segformer-b0 is named stage9.*", "explain", "segformer-b0", "stage9.*")]
    [CancelAfter(60_000)]
    public async Task A_wrong_architecture_or_option_is_explained(string says, params string[] arguments)
    {
        BufferedCommandResult result = await AccelGenProcess.RunAsync(null, arguments);
        Assert.That(result.ExitCode, Is.EqualTo(2), result.StandardError);
        Assert.That(result.StandardError, Does.Contain(says).And.Not.Contain("   at "));
    }

    private async Task<JsonElement> JsonAsync(params string[] arguments)
    {
        string json = Path.Combine(folder, "result.json");
        BufferedCommandResult result = await AccelGenProcess.RunAsync(null, [.. arguments, "--json", json]);
        Assert.That(result.ExitCode, Is.Zero, result.StandardError);
        return JsonDocument.Parse(await File.ReadAllTextAsync(json)).RootElement;
    }
}
