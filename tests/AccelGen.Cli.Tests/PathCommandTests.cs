using System.Text.Json;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Cli.Tests;

/// <summary>Paths from a file: their costs by the model, their accuracy by the golden model, and both by the RTL.</summary>
public sealed class PathCommandTests
{
    private const int Size = 8,
        Inner = 32;
    private CommandFolder folder = null!;

    [OneTimeSetUp]
    public void Write()
    {
        folder = new CommandFolder();
        var random = new Random(3);
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() * 2) - 1))];
        byte[] network = new OnnxModelWriter()
            .Input("image", OnnxModelWriter.Float, 1, 3, Size, Size)
            .Initializer("w1", Values(Inner * 3 * 9), Inner, 3, 3, 3)
            .Initializer("w2", Values(Inner * 4), 4, Inner, 1, 1)
            .Node("Conv", ["image", "w1"], "a", name: "/first/Conv")
            .Ints("pads", 1, 1, 1, 1)
            .Node("Relu", ["a"], "b", name: "/first/Relu")
            .Node("Conv", ["b", "w2"], "c", name: "/second/Conv")
            .Build("c", OnnxModelWriter.Float, 1, 4, Size, Size);
        File.WriteAllBytes(folder.At("net.onnx"), network);
        folder.MaskedPictures(Size, random);

        File.WriteAllText(
            folder.At("paths.json"),
            """{"paths": [{"name": "whole"}, {"name": "half", "keep": {"second": "1/2"}}, {"name": "eight", "keep": {"second": 8}}]}"""
        );
    }

    [OneTimeTearDown]
    public void Remove() => folder.Dispose();

    [TestCase("importance", "best")]
    [TestCase("importance", "true")]
    [TestCase("file", "false")]
    [CancelAfter(240_000)]
    public async Task Costs_and_accuracy_of_each_path_are_those_of_the_RTL(string order, string means)
    {
        string[] common =
        [
            folder.At("net.onnx"),
            "--calibrate",
            folder.At("images"),
            "--images",
            folder.At("images"),
            "--config",
            "tiny",
            "--paths",
            folder.At("paths.json"),
            "--order",
            order,
            "--means",
            means,
        ];
        JsonElement run = (await folder.JsonAsync(["run", .. common])).GetProperty("paths"),
            paths = (await folder.JsonAsync(["paths", .. common])).GetProperty("paths"),
            evaluated = (await folder.JsonAsync(["evaluate", .. common, "--float"])).GetProperty("paths");
        Assert.That(run.GetArrayLength(), Is.EqualTo(3));
        for (int p = 0; p < 3; p++)
        {
            Assert.Multiple(() =>
            {
                Assert.That(run[p].GetProperty("differences").GetInt32(), Is.Zero);
                Assert.That(paths[p].GetProperty("cyclesModel").GetInt64(), Is.EqualTo(run[p].GetProperty("cyclesRtl").GetInt64()));
                Assert.That(
                    paths[p].GetProperty("macs").GetInt64(),
                    Is.EqualTo(run[p].GetProperty("macs").GetInt64() - run[p].GetProperty("macsSkipped").GetInt64())
                );
                // Masks have the size of the output here.
                Assert.That(
                    evaluated[p].GetProperty("pixelAccuracy").GetDouble(),
                    Is.EqualTo(run[p].GetProperty("accuracy").GetDouble()).Within(1e-12)
                );
                Assert.That(
                    paths[p].GetProperty("accuracy").GetDouble(),
                    Is.EqualTo(evaluated[p].GetProperty("accuracy").GetDouble()).Within(1e-12)
                );
                Assert.That(
                    evaluated[p].GetProperty("floatAccuracy").GetDouble(),
                    Is.EqualTo(evaluated[p].GetProperty("accuracy").GetDouble()).Within(0.1)
                );
                Assert.That(evaluated[p].GetProperty("images").GetInt32(), Is.EqualTo(3));
            });
        }

        Assert.That(
            run[1].GetProperty("macsSkipped").GetInt64(),
            Is.EqualTo(run[1].GetProperty("macs").GetInt64() / 2),
            "what fed the dropped half is not computed either"
        );
        Assert.That(
            run[2].GetProperty("cyclesRtl").GetInt64(),
            Is.LessThan(run[1].GetProperty("cyclesRtl").GetInt64()).And.LessThan(run[0].GetProperty("cyclesRtl").GetInt64())
        );
    }

    [Test]
    [CancelAfter(120_000)]
    public async Task An_evaluation_goes_on_where_it_was()
    {
        string cache = folder.At("cache");
        string[] arguments =
        [
            "evaluate",
            folder.At("net.onnx"),
            "--calibrate",
            folder.At("images"),
            "--images",
            folder.At("images"),
            "--config",
            "tiny",
            "--paths",
            folder.At("paths.json"),
        ];
        var environment = new Dictionary<string, string?> { ["ACCELGEN_CACHE"] = cache };
        string first = (await AccelGenProcess.RunAsync(environment, arguments)).StandardOutput;
        string store = Directory.GetFiles(Path.Combine(cache, "evaluations")).Single();
        string[] lines = await File.ReadAllLinesAsync(store);
        Assert.That(lines.Count(l => l.Length > 0), Is.EqualTo(9), "three paths of three images");
        // As a killed run leaves it: some images, the last line cut off.
        await File.WriteAllTextAsync(store, string.Join('\n', lines[..5]) + "\n" + lines[5][..10]);
        string second = (await AccelGenProcess.RunAsync(environment, arguments)).StandardOutput;
        Assert.That(Table(second), Is.EqualTo(Table(first)));
        Assert.That((await File.ReadAllLinesAsync(store)).Count(l => l.EndsWith('}')), Is.EqualTo(9));
        long length = new FileInfo(store).Length;
        await AccelGenProcess.RunAsync(environment, arguments);
        Assert.That(new FileInfo(store).Length, Is.EqualTo(length), "nothing is run again");

        static string Table(string output) => output[..output.LastIndexOf('└')];
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task A_place_that_cannot_keep_results_names_its_variable()
    {
        var result = await AccelGenProcess.RunAsync(
            new Dictionary<string, string?> { ["ACCELGEN_CACHE"] = "/dev/null" },
            "evaluate",
            folder.At("net.onnx"),
            "--calibrate",
            folder.At("images"),
            "--images",
            folder.At("images"),
            "--config",
            "tiny"
        );
        Assert.That(result.ExitCode, Is.EqualTo(3));
        Assert.That(result.StandardError, Does.Contain("results cannot be kept in /dev/null").And.Contain("set ACCELGEN_CACHE"));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task A_default_ladder_is_a_file_that_other_commands_take()
    {
        string file = folder.At("ladder.json");
        Assert.That(
            (await InProcess.RunAsync("paths", folder.At("net.onnx"), "--default", "--config", "tiny", "--out", file)).ExitCode,
            Is.Zero
        );
        InProcess.Result result = await InProcess.RunAsync(
            "paths",
            folder.At("net.onnx"),
            "--calibrate",
            folder.At("images"),
            "--config",
            "tiny",
            "--paths",
            file
        );
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(
            result.Output,
            Does.Contain("channels 2/8").And.Contain("not computed where channels are dropped: second: /first/Conv")
        );
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Searched_paths_cost_less_and_less_and_are_no_more_than_asked_for()
    {
        string file = folder.At("searched.json");
        JsonElement found = await folder.JsonAsync([
            "paths",
            folder.At("net.onnx"),
            "--calibrate",
            folder.At("images"),
            "--config",
            "tiny",
            "--search",
            "--count",
            "3",
            "--out",
            file,
        ]);
        long[] macs = [.. found.GetProperty("paths").EnumerateArray().Select(p => p.GetProperty("macs").GetInt64())];
        Assert.That(macs, Has.Length.InRange(2, 3).And.Ordered.Descending);
        Assert.That(
            JsonDocument.Parse(await File.ReadAllTextAsync(file)).RootElement.GetProperty("paths").GetArrayLength(),
            Is.EqualTo(macs.Length)
        );
        InProcess.Result without = await InProcess.RunAsync("paths", folder.At("net.onnx"), "--config", "tiny", "--search");
        Assert.That(without.ExitCode, Is.EqualTo(2));
    }

    [TestCase("no such file of paths", "--paths", "nowhere.json")]
    [TestCase("--order is 'best'; legal are importance and file", "--paths", "paths.json", "--order", "best")]
    [TestCase("--means is 'yes'; legal are best, true and false", "--paths", "paths.json", "--means", "yes")]
    [TestCase("--skip is the short form of a path", "--paths", "paths.json", "--skip", "none")]
    [TestCase("--path x: ", "--paths", "paths.json", "--path", "x")]
    [TestCase("--path x: the default ladder has no such path", "--path", "x")]
    [CancelAfter(60_000)]
    public async Task Wrong_options_are_explained(string says, params string[] options)
    {
        InProcess.Result result = await InProcess.RunAsync([
            "paths",
            folder.At("net.onnx"),
            "--calibrate",
            folder.At("images"),
            "--config",
            "tiny",
            .. options.Select(o => o.EndsWith(".json", StringComparison.Ordinal) ? folder.At(o) : o),
        ]);
        Assert.That(result.ExitCode, Is.EqualTo(2), result.Error);
        Assert.That(result.Error, Does.Contain(says).And.Not.Contain("   at "));
    }
}
