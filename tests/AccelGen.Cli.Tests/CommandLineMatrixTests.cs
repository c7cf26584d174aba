using System.CommandLine;
using System.CommandLine.Help;
using NUnit.Framework;

namespace AccelGen.Cli.Tests;

/// <summary>
/// Every option and argument of every command, from the definitions of the command line: with nothing, too much, a folder, a
/// missing folder, a link, a pipe, an unwritable place, and with values that are none. What is wrong ends in an exit code of the
/// README and lines that begin with "error: "; what is no plain file stays what it is. A new option is covered by its type,
/// a new command needs a line in <see cref="Lines"/>.
/// </summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class CommandLineMatrixTests
{
    private const string Precious = "precious";

    // A command line that succeeds; "@" is the folder of this test's files.
    private static readonly Dictionary<string, string> Lines = new()
    {
        ["generate"] = "generate --config tiny --out @/rtl",
        ["check"] = "check --config tiny",
        ["config show"] = "config show tiny",
        ["config validate"] = "config validate tiny",
        ["config schema"] = "config schema",
        ["config list"] = "config list",
        ["simulate"] = "simulate --config tiny --layer linear:1x1:->:1",
        ["import"] = "import @/net.onnx",
        ["quantize"] = "quantize @/net.onnx --calibrate @/images --method minmax --out @/quantized.json",
        ["explain"] = "explain @/quantized.json --config tiny",
        ["export"] = "export @/quantized.json --out @/exported.onnx",
        ["run"] = "run @/quantized.json --images @/images --limit 1 --config tiny",
        ["paths"] = "paths @/net.onnx --calibrate @/images --config tiny",
        ["serve-trace"] = "serve-trace @/net.onnx --calibrate @/images --config tiny --skip none --skip 0 --trace @/budgets.csv",
        ["evaluate"] = "evaluate @/quantized.json --images @/images --labels @/labels.csv --limit 1 --config tiny",
        ["scenes"] = "scenes --count 2 --seed 3 --out @/scenes",
        ["synth"] = "synth --config tiny --module acc_wait",
        ["doctor"] = "doctor",
    };

    // Commands that take seconds or start other programs. What they share with others is tried there in the everyday suite.
    private static readonly string[] Slow = ["check", "doctor", "evaluate", "explain", "paths", "run", "serve-trace", "simulate", "synth"];

    // A file that a command leaves in its folder.
    private static readonly Dictionary<string, string> Left = new() { ["generate"] = "flow/files.f", ["scenes"] = "classes.txt" };

    private static CommandFolder files = null!;

    private static string Folder => files.Root;

    private static IEnumerable<string> Commands() => Leaves(CommandLine.Create(), string.Empty).Select(l => l.Name);

    [OneTimeSetUp]
    public async Task Make()
    {
        Environment.SetEnvironmentVariable("ACCELGEN_YOSYS", "none");
        files = new CommandFolder();
        files.Residual("labels.csv");
        await CliWrap.Cli.Wrap("mkfifo").WithArguments([At("pipe")]).ExecuteAsync();
        // With the models built beforehand, a command that takes long is one that hangs.
        foreach (string[] words in new[] { Words("quantize"), Words("simulate"), [.. Words("simulate"), "--waveform", "/dev/null"] })
        {
            InProcess.Result result = await InProcess.RunAsync(words);
            Assert.That(result.ExitCode, Is.Zero, result.Error);
        }
    }

    [OneTimeTearDown]
    public void Remove()
    {
        Environment.SetEnvironmentVariable("ACCELGEN_YOSYS", null);
        files.Dispose();
    }

    [TestCaseSource(nameof(Commands))]
    [CancelAfter(300_000)]
    public async Task Every_option_takes_or_refuses_everything(string command) => await TryAsync(command, Slow.Contains(command));

    [TestCaseSource(nameof(Commands))]
    [Category("Deep")]
    [CancelAfter(1_800_000)]
    public async Task Every_option_takes_or_refuses_everything_also_what_others_share(string command) =>
        await TryAsync(command, onlyOwn: false);

    private static async Task TryAsync(string command, bool onlyOwn)
    {
        Assert.That(Lines, Does.ContainKey(command), $"the command has no line in {nameof(Lines)} of this matrix");
        // Only synthesis needs the front end here.
        Environment.SetEnvironmentVariable("ACCELGEN_YOSYS", command == "synth" ? null : "none");
        Command definition = Leaves(CommandLine.Create(), string.Empty).Single(l => l.Name == command).Command;
        HashSet<string> elsewhere = onlyOwn
            ?
            [
                .. Leaves(CommandLine.Create(), string.Empty)
                    .Where(l => !Slow.Contains(l.Name) || string.CompareOrdinal(l.Name, command) < 0)
                    .SelectMany(l => l.Command.Options)
                    .Select(o => o.Name + o.Description),
            ]
            : [];
        var wrong = new List<string>();
        foreach (Option option in definition.Options.Where(o => o is not HelpOption))
        {
            if (option is OutputOption output)
                await OutputAsync(command, output, onlyOwn && command == "check", wrong);
            else if (!elsewhere.Contains(option.Name + option.Description))
                await OptionAsync(command, option, wrong);
        }

        foreach (Argument argument in definition.Arguments.Where(_ => !onlyOwn))
            await ArgumentAsync(command, argument, wrong);
        wrong.AddRange(await RunAsync([.. Words(command), .. Enumerable.Repeat("--too", 3)], 2));
        Assert.That(wrong, Is.Empty);
    }

    private static async Task OutputAsync(string command, OutputOption option, bool refusedOnly, List<string> wrong)
    {
        async Task With(string value, params int[] codes) => wrong.AddRange(await RunAsync(Words(command, option, value), codes));
        wrong.AddRange(await RunAsync([.. Words(command, option), option.Name], 2));
        wrong.AddRange(await RunAsync([.. Words(command, option, At("a")), option.Name, At("b")], 2));
        await With(string.Empty, 2);
        await With("/proc/accelgen-output", 3);
        await With(At("net.onnx/below"), 3);
        await File.WriteAllTextAsync(At("plain"), Precious);
        Link("link", option.IsFolder ? $"{command}-folder" : "real");
        if (option.IsFolder)
        {
            Directory.CreateDirectory(At("mine"));
            await File.WriteAllTextAsync(At("mine/thesis"), Precious);
            await With(At("mine"), 2);
            await With(At("plain"), 3);
            await With(At("pipe"), 3);
            await With("/dev/null", 3);
            await With(At($"{command}-made/on/the/way"), 0);
            await With(At("link"), 0);
            Expect(
                wrong,
                $"{option.Name} link",
                new FileInfo(At("link")).LinkTarget == $"{command}-folder" && File.Exists(At($"{command}-folder/{Left[command]}"))
            );
            Expect(
                wrong,
                $"{option.Name} of someone's files",
                await File.ReadAllTextAsync(At("mine/thesis")) == Precious && await File.ReadAllTextAsync(At("plain")) == Precious
            );
            return;
        }

        await With(Folder, 3);
        await With(At("missing/x"), 3);
        if (refusedOnly)
            return;
        await With("/dev/full", 3);
        await With(At("link"), 0);
        Expect(wrong, $"{option.Name} link", new FileInfo(At("link")).LinkTarget == "real" && new FileInfo(At("real")).Length > 0);
        await With(At("plain"), 0);
        Expect(wrong, $"{option.Name} plain", await File.ReadAllTextAsync(At("plain")) != Precious);
        Task<byte[]> read = Task.Run(() => File.ReadAllBytes(At("pipe")));
        await With(At("pipe"), 0);
        try
        {
            Expect(
                wrong,
                $"{option.Name} pipe",
                (await read.WaitAsync(TimeSpan.FromSeconds(20))).Length > 0 && new FileInfo(At("pipe")).Length == 0
            );
        }
        catch (TimeoutException)
        {
            wrong.Add($"{option.Name} pipe: nothing was written into it");
            // Lets the reader go.
            await File.WriteAllTextAsync(At("pipe"), string.Empty);
        }

        Expect(wrong, $"{option.Name}: what is left beside it", !Directory.EnumerateFileSystemEntries(Folder, ".*").Any());
    }

    private static async Task OptionAsync(string command, Option option, List<string> wrong)
    {
        bool flag = option.ValueType == typeof(bool);
        if (!flag)
            wrong.AddRange(await RunAsync([.. Words(command, option), option.Name], 2));
        foreach (string value in Values(command, option.Name, option.ValueType))
            wrong.AddRange(await RunAsync(Words(command, option, value), 0, 2, 3));
        string one =
            flag ? "true"
            : option.ValueType == typeof(string) || option.ValueType == typeof(string[]) ? "x"
            : "7";
        if (!option.ValueType.IsArray)
            wrong.AddRange(await RunAsync([.. Words(command, option, one), option.Name, one], 2));
        if (option.ValueType != typeof(string) && option.ValueType != typeof(string[]))
            wrong.AddRange(await RunAsync(Words(command, option, "neither"), 2));
    }

    private static async Task ArgumentAsync(string command, Argument argument, List<string> wrong)
    {
        string[] words = Words(command);
        int at = Array.FindIndex(words, w => w == "tiny" || w.StartsWith(Folder, StringComparison.Ordinal));
        foreach (string value in Values(command, argument.Name, argument.ValueType))
            wrong.AddRange(
                await RunAsync(argument.ValueType.IsArray ? [.. words, value] : [.. words[..at], value, .. words[(at + 1)..]], 0, 2)
            );
        if (!argument.ValueType.IsArray)
            wrong.AddRange(await RunAsync([.. words[..at], .. words[(at + 1)..]], 2));
    }

    // What is no value, or one at the edge, of a type.
    private static string[] Values(string command, string name, Type type)
    {
        Type plain = Nullable.GetUnderlyingType(type) ?? type;
        if (plain == typeof(string) || plain == typeof(string[]))
            return
            [
                string.Empty,
                Folder,
                At("missing/x"),
                At("pipe"),
                "/dev/null",
                At("plain"),
                "-",
                "\u001b[31m",
                new string('x', 5000),
                "../../..",
                "%s{0}",
            ];
        if (plain == typeof(int))
            return ["-2147483648", "0", "2147483648", "1.5"];
        if (plain == typeof(double))
            return ["-1", "NaN", "1e999"];
        if (plain == typeof(bool))
            return ["true", "false"];
        Assert.Fail($"{command} {name} is of type {type.Name}, for which this matrix has no values");
        return [];
    }

    // What is wrong with how a command line ended.
    private static async Task<IEnumerable<string>> RunAsync(string[] words, params int[] codes)
    {
        string text = string.Join(
                ' ',
                words.Select(w =>
                    w.Length > 100 ? $"{w[..20]}... ({w.Length} characters)"
                    : w.Length == 0 ? "''"
                    : w
                )
            )
            .Replace(Folder, "@", StringComparison.Ordinal);
        using var done = new CancellationTokenSource();
        // Whoever opens the pipe to read it finds it empty.
        Task? feed = words.Contains(At("pipe")) && !OutputOf(words, At("pipe")) ? Task.Run(() => FeedPipe(done.Token)) : null;
        InProcess.Result result;
        try
        {
            result = await InProcess.RunAsync(words).WaitAsync(TimeSpan.FromSeconds(120));
        }
        catch (TimeoutException)
        {
            return [$"{text}: hangs"];
        }
        finally
        {
            await done.CancelAsync();
            if (feed is not null)
            {
                using (new FileStream(At("pipe"), FileMode.Open, FileAccess.ReadWrite))
                    await feed;
            }
        }

        string[] errors = result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return new[]
        {
            codes.Contains(result.ExitCode)
                ? null
                : $"{text}: exit code {result.ExitCode}, not {string.Join(" or ", codes)}: {result.Error}",
            result.ExitCode != 0 && errors.Length == 0 ? $"{text}: exit code {result.ExitCode} without a word" : null,
            errors.Any(e => e.StartsWith("   at ", StringComparison.Ordinal)) ? $"{text}: {result.Error}" : null,
            result.ExitCode != 0 && errors is [var first, ..] && !first.StartsWith("error: ", StringComparison.Ordinal)
                ? $"{text}: {first}"
                : null,
        }.OfType<string>();
    }

    private static void FeedPipe(CancellationToken done)
    {
        while (!done.IsCancellationRequested)
            new FileStream(At("pipe"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite).Dispose();
    }

    private static readonly HashSet<string> Outputs =
    [
        .. Leaves(CommandLine.Create(), string.Empty).SelectMany(l => l.Command.Options).OfType<OutputOption>().Select(o => o.Name),
    ];

    private static bool OutputOf(string[] words, string path)
    {
        int at = Array.IndexOf(words, path);
        return at > 0 && Outputs.Contains(words[at - 1]);
    }

    private static void Expect(List<string> wrong, string what, bool right)
    {
        if (!right)
            wrong.Add($"{what}: not as it should be");
    }

    private static void Link(string name, string target)
    {
        File.Delete(At(name));
        File.CreateSymbolicLink(At(name), target);
    }

    // The words of a command's line, with an option's value in the place of the one it has, or behind.
    private static string[] Words(string command, Option? option = null, string? value = null)
    {
        List<string> words = [.. Lines[command].Split(' ').Select(w => w.Replace("@", Folder, StringComparison.Ordinal).Replace(':', ' '))];
        if (option is not null && words.IndexOf(option.Name) is > 0 and var at)
            words.RemoveRange(at, 2);
        if (value is not null)
            words.AddRange([option!.Name, value]);
        return [.. words];
    }

    private static IEnumerable<(string Name, Command Command)> Leaves(Command command, string path) =>
        command.Subcommands.Count == 0
            ? [(path, command)]
            : command.Subcommands.SelectMany(s => Leaves(s, path.Length == 0 ? s.Name : $"{path} {s.Name}"));

    private static string At(string name) => files.At(name);
}
