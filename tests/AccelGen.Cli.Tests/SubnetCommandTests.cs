using System.Text.Json;
using AccelGen.Tests.Shared;
using NUnit.Framework;
using SkiaSharp;

namespace AccelGen.Cli.Tests;

/// <summary>Networks that are several files: each a path of one program, by name.</summary>
public sealed class SubnetCommandTests
{
    private const int Size = 12,
        Seed = 8;
    private CommandFolder folder = null!;

    [OneTimeSetUp]
    public void Write()
    {
        folder = new CommandFolder();
        var models = new SubnetModels(Seed, Size);
        SubnetSizes[] sizes =
        [
            SubnetModels.Largest,
            SubnetModels.Largest,
            new(48, [40], 72),
            new(48, [16, 24, 8], 72),
            new(24, [16, 24], 40),
        ];
        string[] names = ["whole", "statistics", "depth", "expand", "width"];
        for (int i = 0; i < names.Length; i++)
            File.WriteAllBytes(folder.At($"{names[i]}.onnx"), models.Build(sizes[i], i + 1));
        File.WriteAllBytes(folder.At("other.onnx"), new SubnetModels(Seed + 1, Size).Build(sizes[4], 1));
        File.WriteAllBytes(folder.At("larger.onnx"), new SubnetModels(Seed, Size + 4).Build(sizes[4], 1));
        var random = new Random(Seed);
        for (int i = 0; i < 4; i++)
        {
            folder.Picture(
                $"images/{i % 2}/{i}.png",
                Size,
                (_, _) => new SKColor((byte)random.Next(256), (byte)random.Next(256), (byte)random.Next(256))
            );
        }
    }

    [OneTimeTearDown]
    public void Remove() => folder.Dispose();

    [Test]
    [CancelAfter(600_000)]
    public async Task Four_subnets_run_as_paths_and_all_commands_agree_on_them()
    {
        string[] common =
        [
            folder.At("whole.onnx"),
            "--subnet",
            folder.At("statistics.onnx"),
            "--subnet",
            folder.At("depth.onnx"),
            "--subnet",
            folder.At("expand.onnx"),
            "--subnet",
            folder.At("width.onnx"),
            "--calibrate",
            folder.At("images"),
            "--images",
            folder.At("images"),
            "--config",
            "tiny",
        ];
        JsonElement run = (await folder.JsonAsync(["run", .. common])).GetProperty("paths"),
            paths = (await folder.JsonAsync(["paths", .. common])).GetProperty("paths"),
            evaluated = (await folder.JsonAsync(["evaluate", .. common, "--float"])).GetProperty("paths");
        Assert.That(
            Enumerable.Range(0, run.GetArrayLength()).Select(p => run[p].GetProperty("name").GetString()),
            Is.EqualTo(new[] { "whole", "statistics", "depth", "expand", "width" })
        );
        // Without images the work counts: none excels another.
        JsonElement served = await folder.JsonAsync([
            "serve-trace",
            .. common[..11],
            .. common[13..],
            "--generate",
            "ramp",
            "--frames",
            "4",
        ]);
        Assert.That(
            served.GetProperty("paths").EnumerateArray().Select(p => p.GetProperty("name").GetString()),
            Does.Contain("width"),
            "the cheapest subnet serves frames"
        );
        InProcess.Result excelled = await InProcess.RunAsync(["serve-trace", .. common, "--generate", "ramp", "--frames", "4"]);
        Assert.That(excelled.ExitCode, Is.EqualTo(2));
        Assert.That(excelled.Error, Does.Contain("excels the other 4: none is better or cheaper"));
        for (int p = 0; p < 5; p++)
        {
            Assert.Multiple(() =>
            {
                Assert.That(run[p].GetProperty("differences").GetInt32(), Is.Zero);
                Assert.That(paths[p].GetProperty("cyclesModel").GetInt64(), Is.EqualTo(run[p].GetProperty("cyclesRtl").GetInt64()));
                Assert.That(paths[p].GetProperty("accuracy").GetDouble(), Is.EqualTo(run[p].GetProperty("accuracy").GetDouble()));
                Assert.That(evaluated[p].GetProperty("accuracy").GetDouble(), Is.EqualTo(run[p].GetProperty("accuracy").GetDouble()));
                Assert.That(
                    evaluated[p].GetProperty("floatAccuracy").GetDouble(),
                    Is.EqualTo(run[p].GetProperty("floatAccuracy").GetDouble())
                );
            });
        }

        Assert.That(run[1].GetProperty("variant").GetInt32(), Is.Not.EqualTo(run[0].GetProperty("variant").GetInt32()));
        Assert.That(run[4].GetProperty("cyclesRtl").GetInt64(), Is.LessThan(run[0].GetProperty("cyclesRtl").GetInt64()));
        // One of them alone, on the same program.
        JsonElement alone = (await folder.JsonAsync(["paths", .. common, "--path", "width"])).GetProperty("paths");
        Assert.That(alone.GetArrayLength(), Is.EqualTo(1));
        Assert.That(alone[0].GetProperty("cyclesModel").GetInt64(), Is.EqualTo(paths[4].GetProperty("cyclesModel").GetInt64()));
    }

    [Test]
    public async Task Every_file_that_is_no_subnet_is_refused_with_its_reason_at_once()
    {
        InProcess.Result result = await InProcess.RunAsync(
            "paths",
            folder.At("whole.onnx"),
            "--subnet",
            folder.At("other.onnx"),
            "--subnet",
            folder.At("depth.onnx"),
            "--subnet",
            folder.At("larger.onnx"),
            "--subnet",
            folder.At("missing.onnx"),
            "--subnet",
            folder.At("whole.onnx"),
            "--calibrate",
            folder.At("images"),
            "--config",
            "tiny"
        );
        Assert.That(result.ExitCode, Is.EqualTo(2));
        string[] lines = result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines, Has.Length.EqualTo(4));
        Assert.That(
            lines[0],
            Does.Contain(
                $"--subnet: {folder.At("other.onnx")} is no subnet of whole: layer /stem/Conv against /stem/Conv of whole: "
                    + $"the weights of output channel 0 are no multiple"
            )
        );
        Assert.That(lines[1], Does.Contain("16x16 with 3 channels; whole has 12x12"));
        Assert.That(lines[2], Does.Contain("missing.onnx: there is no such file"));
        Assert.That(lines[3], Does.Contain("'whole' is the name of two paths"));
    }

    [TestCase("--subnet makes a path of each file; leave out --skip", "run", "--skip", "0", "--images", "images")]
    [TestCase("--subnet: the paths are the files; leave out --search", "paths", "--search")]
    [TestCase("--subnet: the paths are the files; leave out --out", "paths", "--out", "ladder.json")]
    [TestCase("--equalize changes the weights by which subnets are recognised; leave it out with --subnet", "paths", "--equalize", "true")]
    [TestCase("--path thin: --subnet has no such path; it has whole, width", "paths", "--path", "thin")]
    public async Task Options_that_do_not_go_with_subnets_are_refused(string message, string command, params string[] more)
    {
        InProcess.Result result = await InProcess.RunAsync([
            command,
            folder.At("whole.onnx"),
            "--subnet",
            folder.At("width.onnx"),
            "--calibrate",
            folder.At("images"),
            "--config",
            "tiny",
            .. more.Select(m => m is "images" or "ladder.json" ? folder.At(m) : m),
        ]);
        Assert.That((result.ExitCode, result.Error.Contains(message, StringComparison.Ordinal)), Is.EqualTo((2, true)), result.Error);
    }
}
