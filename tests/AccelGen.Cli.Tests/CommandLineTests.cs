using System.Text.Json;
using AccelGen.Tests.Shared;
using CliWrap;
using CliWrap.Buffered;
using NUnit.Framework;

namespace AccelGen.Cli.Tests;

/// <summary>Usage, faults of the program itself, and what reaches the terminal.</summary>
public sealed class CommandLineTests
{
    private string folder = string.Empty;

    [SetUp]
    public void Make() => folder = Directory.CreateTempSubdirectory("accelgen-usage").FullName;

    [TearDown]
    public void Remove() => Directory.Delete(folder, recursive: true);

    [TestCase("Required command was not provided")]
    [TestCase("Required command was not provided", "config")]
    [TestCase("'--no-such-option'", "simulate", "--config", "tiny", "--no-such-option")]
    [TestCase("'confg'", "confg", "list")]
    [TestCase("'--out' is required", "generate", "--config", "tiny")]
    [TestCase("Required argument missing for option: '--seed'", "simulate", "--seed")]
    [TestCase("Cannot parse argument 'many'", "simulate", "--seed", "many")]
    [TestCase("'\\u001b[31m'", "\u001b[31m")]
    [TestCase("@nowhere: there is no such file", "import", "@nowhere")]
    public async Task A_usage_error_exits_2_and_says_what_is_wrong(string says, params string[] arguments)
    {
        InProcess.Result result = await InProcess.RunAsync(arguments);
        Assert.That(result.ExitCode, Is.EqualTo(2), result.Error);
        Assert.That(result.Error, Does.Contain(says).And.StartsWith("error: "));
        Assert.That(result.Output, Is.Empty);
    }

    [Test]
    public void A_fault_of_the_program_is_one_line_that_asks_for_a_report_and_the_trace_is_for_verbose()
    {
        Exception fault;
        try
        {
            throw new InvalidOperationException("two\nlines");
        }
        catch (InvalidOperationException e)
        {
            fault = e;
        }

        InProcess.Result plain = InProcess.Capture(() => CommandLine.Report(fault, verbose: false)),
            verbose = InProcess.Capture(() => CommandLine.Report(new AggregateException(fault), verbose: true));
        Assert.That((plain.ExitCode, verbose.ExitCode), Is.EqualTo((70, 70)));
        Assert.That(
            plain.Error,
            Does.StartWith("error: fault of this program (InvalidOperationException: two\\u000alines); please report it")
                .And.Contain("--verbose")
        );
        Assert.That(plain.Error.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
        Assert.That(verbose.Error, Does.StartWith(plain.Error).And.Contain("   at "));
    }

    [Test]
    public void Where_there_is_nothing_to_divide_JSON_has_null() =>
        Assert.That(
            JsonSerializer
                .Serialize(
                    new
                    {
                        a = double.NaN,
                        b = double.PositiveInfinity,
                        c = float.NaN,
                        d = (double?)null,
                        e = (double?)double.NegativeInfinity,
                        f = 0.5,
                        g = 0.1f,
                    },
                    Cli.Json
                )
                .Where(c => !char.IsWhiteSpace(c)),
            Is.EqualTo("""{"a":null,"b":null,"c":null,"d":null,"e":null,"f":0.5,"g":0.1}""")
        );

    [Test]
    public async Task Control_characters_of_names_reach_no_terminal()
    {
        const string Name = "conv\u001b[31m\u0007\n\u202e\u009b[0m";
        string path = Path.Combine(folder, "net.onnx"),
            json = Path.Combine(folder, "import.json");
        var model = new OnnxModelWriter();
        model.Input("image", OnnxModelWriter.Float, 1, 1, 4, 4).Node("Relu", ["image"], "y", name: Name);
        await File.WriteAllBytesAsync(path, model.Build("y", OnnxModelWriter.Float, 1, 1, 4, 4));
        InProcess.Result good = await InProcess.RunAsync("import", path, "--json", json);
        model = new OnnxModelWriter();
        model.Input("image", OnnxModelWriter.Float, 1, 1, 4, 4).Node("Det", ["image"], "y", name: Name);
        await File.WriteAllBytesAsync(path, model.Build("y", OnnxModelWriter.Float, 1, 1, 4, 4));
        InProcess.Result bad = await InProcess.RunAsync("import", path);
        Assert.That((good.ExitCode, bad.ExitCode), Is.EqualTo((0, 2)), good.Error + bad.Error);
        foreach (string printed in new[] { good.Output, bad.Output, bad.Error })
        {
            Assert.That(printed.Where(c => (char.IsControl(c) && c != '\n') || c == '\u202e'), Is.Empty);
            Assert.That(printed.Length == 0 || printed.Contains("[31m", StringComparison.Ordinal));
        }

        Assert.That(good.Output, Does.Contain("conv\\u001b[31m\\u0007\\u000a\\u202e\\u009b[0m"));

        using JsonDocument document = JsonDocument.Parse(await File.ReadAllTextAsync(json));
        Assert.That(document.RootElement.GetProperty("nodes")[0].GetProperty("node").GetString(), Is.EqualTo(Name));
    }

    [TestCase("config schema", "| true", 0)]
    [TestCase("config list", "| true", 0)]
    [TestCase("config schema", ">/dev/full", 3)]
    [TestCase("config list", ">/dev/full 2>/dev/full", 3)]
    [TestCase("config show tiny", ">&-", 3)]
    [TestCase("config show none-such", ">&- 2>&-", 2)]
    [CancelAfter(60_000)]
    public async Task A_closed_or_full_output_ends_without_a_trace(string command, string where, int code)
    {
        BufferedCommandResult result = await ShellAsync(
            $"{AccelGenProcess.Dotnet} '{AccelGenProcess.Library}' {command} {where}; exit ${{PIPESTATUS[0]}}"
        );
        Assert.That(result.ExitCode, Is.EqualTo(code), result.StandardError);
        Assert.That(
            result.StandardError,
            code == 3 && !where.Contains("2>", StringComparison.Ordinal)
                ? Does.Match("^error: the standard output cannot be written: [^\n]*\n$")
                : Is.Empty
        );
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task An_open_descriptor_takes_the_result_behind_what_it_has()
    {
        string output = Path.Combine(folder, "out"),
            other = Path.Combine(folder, "other");
        BufferedCommandResult result = await ShellAsync(
            $"{AccelGenProcess.Dotnet} '{AccelGenProcess.Library}' config validate tiny --json /dev/stdout "
                + $">'{output}' && {AccelGenProcess.Dotnet} '{AccelGenProcess.Library}' config validate tiny --json >(cat >'{other}'); wait"
        );
        Assert.That(result.StandardError, Is.Empty);
        string text = await File.ReadAllTextAsync(output);
        Assert.That(text, Does.StartWith("tiny is valid").And.Contain("\"valid\": true"));
        Assert.That(JsonDocument.Parse(await File.ReadAllTextAsync(other)).RootElement.GetProperty("valid").GetBoolean());
    }

    [Test]
    public async Task An_output_that_is_an_input_or_another_output_is_refused_and_stays()
    {
        string config = Path.Combine(folder, "my.json"),
            link = Path.Combine(folder, "link.json");
        await File.WriteAllTextAsync(config, AccelGen.Config.ConfigLoader.PresetText("tiny"));
        File.CreateSymbolicLink(link, config);
        InProcess.Result same = await InProcess.RunAsync("config", "validate", config, "--json", link);
        Assert.That(
            (same.ExitCode, same.Error),
            Is.EqualTo(
                (2, $"error: AG2005 --json {link} is a file that the command reads, the model itself for instance; name another file\n")
            )
        );
        Assert.That(await File.ReadAllTextAsync(config), Is.EqualTo(AccelGen.Config.ConfigLoader.PresetText("tiny")));
        string both = Path.Combine(folder, "both.json");
        InProcess.Result twice = await InProcess.RunAsync(
            "quantize",
            "segformer-b0",
            "--input-size",
            "32x32",
            "--out",
            both,
            "--json",
            both
        );
        Assert.That(twice.ExitCode, Is.EqualTo(2));
        Assert.That(twice.Error, Does.Contain("is what --out names").Or.Contain("is what --json names"));
        Assert.That(File.Exists(both), Is.False);
    }

    private static async Task<BufferedCommandResult> ShellAsync(string script) =>
        await CliWrap.Cli.Wrap("bash").WithArguments(["-c", script]).WithValidation(CommandResultValidation.None).ExecuteBufferedAsync();
}
