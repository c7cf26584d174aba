using System.Globalization;
using System.Text.Json;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Cli.Tests;

/// <summary>Frames with changing budgets, and the table of a host, from the command line.</summary>
public sealed class ServeTraceTests
{
    private const int Size = 8,
        Inner = 32;
    private CommandFolder folder = null!;
    private string[] common = [];

    [OneTimeSetUp]
    public void Write()
    {
        folder = new CommandFolder();
        var random = new Random(5);
        float[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() * 2) - 1))];
        File.WriteAllBytes(
            folder.At("net.onnx"),
            new OnnxModelWriter()
                .Input("image", OnnxModelWriter.Float, 1, 3, Size, Size)
                .Initializer("w0", Values(8 * 3 * 9), 8, 3, 3, 3)
                .Initializer("w1", Values(Inner * 8 * 9), Inner, 8, 3, 3)
                .Initializer("w2", Values(Inner * 4), 4, Inner, 1, 1)
                .Node("Conv", ["image", "w0"], "s", name: "/stem/Conv")
                .Ints("pads", 1, 1, 1, 1)
                .Node("Relu", ["s"], "t", name: "/stem/Relu")
                .Node("Conv", ["t", "w1"], "a", name: "/first/Conv")
                .Ints("pads", 1, 1, 1, 1)
                .Node("Relu", ["a"], "b", name: "/first/Relu")
                .Node("Conv", ["b", "w2"], "c", name: "/second/Conv")
                .Build("c", OnnxModelWriter.Float, 1, 4, Size, Size)
        );
        folder.MaskedPictures(Size, random);

        File.WriteAllText(
            folder.At("paths.json"),
            """{"paths": [{"name": "whole"}, {"name": "half", "keep": {"second": "1/2"}}, {"name": "eight", "keep": {"second": 8}}]}"""
        );
        common = [folder.At("net.onnx"), "--calibrate", folder.At("images"), "--config", "tiny", "--paths", folder.At("paths.json")];
    }

    [OneTimeTearDown]
    public void Remove() => folder.Dispose();

    [Test]
    [CancelAfter(300_000)]
    public async Task A_trace_is_what_its_frames_are_one_by_one()
    {
        string[] images = ["--images", folder.At("images")];
        JsonElement paths = (await folder.JsonAsync(["paths", .. common, .. images])).GetProperty("paths");
        long whole = paths[0].GetProperty("cyclesModel").GetInt64(),
            least = paths[2].GetProperty("cyclesModel").GetInt64();
        // Ample, tight, too tight, contended, and nothing else.
        string[] lines = [$"{whole * 2}", $"{least + 100}", "10", $"{whole * 2},3", $"{whole + 100},2"];
        await File.WriteAllLinesAsync(folder.At("budgets.csv"), lines);
        JsonElement trace = await folder.JsonAsync([
            "serve-trace",
            .. common,
            .. images,
            "--trace",
            folder.At("budgets.csv"),
            "--rtl",
            "5",
        ]);
        Assert.That(trace.GetProperty("mismatches").GetInt64(), Is.Zero);
        Assert.That(trace.GetProperty("differences").GetInt64(), Is.Zero);
        Assert.That(trace.GetProperty("rtl").GetArrayLength(), Is.EqualTo(5));
        JsonElement[] frames = [.. trace.GetProperty("frames").EnumerateArray()];
        for (int f = 0; f < lines.Length; f++)
        {
            string[] cells = lines[f].Split(',');
            JsonElement run = (
                await folder.JsonAsync([
                    "run",
                    .. common,
                    .. images,
                    "--image",
                    $"{f % 3}.png",
                    "--budget",
                    cells[0],
                    "--memory-interval",
                    cells.ElementAtOrDefault(1) ?? "1",
                ])
            ).GetProperty("paths")[0];
            // 'run' makes its table for the memory that it runs on; the trace for the one that the table is for.
            if (cells.Length == 1)
            {
                Assert.That(frames[f].GetProperty("cycles").GetInt64(), Is.EqualTo(run.GetProperty("cyclesRtl").GetInt64()), lines[f]);
                Assert.That(frames[f].GetProperty("path").GetString(), Is.EqualTo(run.GetProperty("name").GetString()), lines[f]);
                Assert.That(frames[f].GetProperty("met").GetBoolean(), Is.EqualTo(run.GetProperty("met").GetBoolean()), lines[f]);
            }
        }

        var accuracies = paths
            .EnumerateArray()
            .ToDictionary(p => p.GetProperty("name").GetString()!, p => p.GetProperty("accuracy").GetDouble());
        JsonElement checkpoints = trace.GetProperty("checkpoints");
        Assert.Multiple(() =>
        {
            Assert.That(
                checkpoints.GetProperty("misses").GetInt32(),
                Is.EqualTo(frames.Count(f => !f.GetProperty("met").GetBoolean())).And.GreaterThan(0)
            );
            Assert.That(
                checkpoints.GetProperty("delivered").GetDouble(),
                Is.EqualTo(frames.Average(f => f.GetProperty("met").GetBoolean() ? accuracies[f.GetProperty("path").GetString()!] : 0))
                    .Within(1e-9)
            );
            Assert.That(
                checkpoints.GetProperty("deliveredLate").GetDouble(),
                Is.EqualTo(frames.Average(f => accuracies[f.GetProperty("path").GetString()!])).Within(1e-9)
            );
            // The three paths, and the whole network without any.
            Assert.That(
                trace.GetProperty("statics").EnumerateArray().Select(s => s.GetProperty("name").GetString()),
                Is.EqualTo(new[] { "whole", "half", "eight", "whole, compiled alone" })
            );
            Assert.That(
                trace.GetProperty("statics").EnumerateArray().Take(3).Select(s => s.GetProperty("cyclesModel").GetInt64()),
                Is.EqualTo(paths.EnumerateArray().Select(p => p.GetProperty("cyclesModel").GetInt64()))
            );
            Assert.That(trace.GetProperty("statics")[3].GetProperty("cyclesModel").GetInt64(), Is.LessThanOrEqualTo(whole));
        });
    }

    [TestCase("bursts")]
    [TestCase("ramp")]
    [TestCase("contention")]
    [CancelAfter(120_000)]
    public async Task A_drawn_trace_and_its_file_are_one(string kind)
    {
        string file = folder.At($"{kind}.csv");
        JsonElement drawn =
                await folder.JsonAsync(["serve-trace", .. common, "--generate", kind, "--frames", "40", "--seed", "3", "--out", file]),
            again = await folder.JsonAsync(["serve-trace", .. common, "--trace", file, "--seed", "3"]);
        Assert.That(again.GetProperty("frames").GetRawText(), Is.EqualTo(drawn.GetProperty("frames").GetRawText()));
        Assert.That(again.GetProperty("checkpoints").GetRawText(), Is.EqualTo(drawn.GetProperty("checkpoints").GetRawText()));
        Assert.That(drawn.GetProperty("frames").GetArrayLength(), Is.EqualTo(40));
        Assert.That(
            drawn.GetProperty("checkpoints").GetProperty("delivered").ValueKind,
            Is.EqualTo(JsonValueKind.Null),
            "nothing was measured"
        );
    }

    [TestCase("there is no trace; give --trace FILE, or --generate bursts, ramp, contention")]
    [TestCase("--generate is 'waves'; legal are bursts, ramp, contention", "--generate", "waves")]
    [TestCase("--trace and --generate are two traces", "--generate", "ramp", "--trace", "good.csv")]
    [TestCase("--frames goes with --generate", "--frames", "7", "--trace", "good.csv")]
    [TestCase("nowhere.csv: there is no such file of budgets", "--trace", "nowhere.csv")]
    [TestCase("line 2: budget is 'many'", "--trace", "bad.csv")]
    [TestCase("line 3: interval is '0'", "--trace", "bad.csv")]
    [TestCase("--budget-slack is -1; legal is 0 to 1000", "--trace", "good.csv", "--budget-slack", "-1")]
    [TestCase("--rtl is -1; legal are 0 to 100000", "--trace", "good.csv", "--rtl", "-1")]
    [TestCase("--images names the folder of images to run", "--trace", "good.csv", "--rtl", "1")]
    [TestCase("a budget chooses among paths, and there is one", "--trace", "good.csv", "--path", "half")]
    [CancelAfter(60_000)]
    public async Task Wrong_options_and_traces_are_explained(string says, params string[] options)
    {
        await File.WriteAllTextAsync(folder.At("good.csv"), "1000\n");
        await File.WriteAllTextAsync(folder.At("bad.csv"), "5\nmany\n5,0\n");
        InProcess.Result result = await InProcess.RunAsync([
            "serve-trace",
            .. common,
            .. options.Select(o => o.EndsWith(".csv", StringComparison.Ordinal) ? folder.At(o) : o),
        ]);
        Assert.That(result.ExitCode, Is.EqualTo(2), result.Error);
        Assert.That(result.Error, Does.Contain(says).And.Not.Contain("   at "));
    }

    [Test]
    [CancelAfter(120_000)]
    public async Task The_table_of_a_host_has_the_Pareto_set_in_both_forms()
    {
        string json = folder.At("table.json"),
            header = folder.At("paths.h");
        JsonElement costs = await folder.JsonAsync([
            "paths",
            .. common,
            "--images",
            folder.At("images"),
            "--table",
            json,
            "--header",
            header,
        ]);
        JsonElement table = JsonDocument.Parse(await File.ReadAllTextAsync(json)).RootElement;
        JsonElement[] entries = [.. table.GetProperty("entries").EnumerateArray()];
        Assert.That(
            entries.Select(e => e.GetProperty("name").GetString()),
            Is.EquivalentTo(costs.GetProperty("pareto").EnumerateArray().Select(p => p.GetString()))
        );
        Assert.That(entries.Select(e => e.GetProperty("cycles").GetInt64()), Is.Ordered.Ascending);
        Assert.That(entries.Select(e => e.GetProperty("accuracy").GetDouble()), Is.Ordered.Ascending);
        Assert.That(entries.Select(e => e.GetProperty("row").GetInt32()), Is.EqualTo(Enumerable.Range(0, entries.Length)));
        string text = await File.ReadAllTextAsync(header);
        foreach (JsonElement entry in entries)
        {
            JsonElement path = costs
                .GetProperty("paths")
                .EnumerateArray()
                .Single(p => p.GetProperty("name").GetString() == entry.GetProperty("name").GetString());
            Assert.That(entry.GetProperty("cycles").GetInt64(), Is.EqualTo(path.GetProperty("cyclesModel").GetInt64()));
            Assert.That(entry.GetProperty("accuracy").GetDouble(), Is.EqualTo(path.GetProperty("accuracy").GetDouble()));
            Assert.That(
                text,
                Does.Contain(
                    string.Join(
                        ", ",
                        entry
                            .GetProperty("extents")
                            .EnumerateArray()
                            .Select(x => string.Create(CultureInfo.InvariantCulture, $"0x{x.GetUInt32():X8}u"))
                    )
                )
            );
        }

        InProcess.Result shape = await InProcess.RunAsync([
            "paths",
            folder.At("net.onnx"),
            "--config",
            "tiny",
            "--default",
            "--table",
            json,
        ]);
        Assert.That(shape.ExitCode, Is.EqualTo(2));
        Assert.That(shape.Error, Does.Contain("--table takes what the paths cost"));
        // Six paths, none of which excels another where only the work counts, and four rows.
        IEnumerable<string> six = Enumerable.Range(1, 6).Select(i => $$"""{"name": "{{i}}", "keep": {"second": {{i * 4}} } }""");
        await File.WriteAllTextAsync(folder.At("many.json"), $$"""{"paths": [{{string.Join(", ", six)}}]}""");
        InProcess.Result many = await InProcess.RunAsync([
            "paths",
            folder.At("net.onnx"),
            "--calibrate",
            folder.At("images"),
            "--config",
            "tiny",
            "--paths",
            folder.At("many.json"),
            "--table",
            json,
        ]);
        Assert.That(many.ExitCode, Is.EqualTo(2), many.Error);
        Assert.That(many.Error, Does.Contain("the path table of tiny has 4 rows (control.paths, at most 32)"));
    }
}
