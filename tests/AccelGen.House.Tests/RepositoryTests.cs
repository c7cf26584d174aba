using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.House.Tests;

/// <summary>Rules of the repository.</summary>
public sealed class RepositoryTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["AccelGen.Isa"] = [],
        ["AccelGen.Files"] = [],
        ["AccelGen.Network"] = ["AccelGen.Files"],
        ["AccelGen.Data"] = ["AccelGen.Files"],
        ["AccelGen.Quantization"] = ["AccelGen.Golden", "AccelGen.Network"],
        ["AccelGen.Onnx"] = ["AccelGen.Files", "AccelGen.Network", "AccelGen.Quantization"],
        ["AccelGen.Config"] = ["AccelGen.Files", "AccelGen.Isa"],
        ["AccelGen.Emit"] = ["AccelGen.Config", "AccelGen.Files"],
        ["AccelGen.Golden"] = ["AccelGen.Config", "AccelGen.Network"],
        ["AccelGen.Cycles"] = ["AccelGen.Config"],
        ["AccelGen.Compiler"] = ["AccelGen.Config", "AccelGen.Network", "AccelGen.Cycles"],
        ["AccelGen.Sim"] = ["AccelGen.Emit", "AccelGen.Compiler", "AccelGen.Golden", "AccelGen.Cycles"],
        ["AccelGen.Bench"] = ["AccelGen.Sim", "AccelGen.Golden"],
        ["AccelGen.Report"] = [],
        ["AccelGen.Synth"] = ["AccelGen.Sim"],
        ["AccelGen.Cli"] = ["AccelGen.Data", "AccelGen.Onnx", "AccelGen.Quantization", "AccelGen.Report", "AccelGen.Sim", "AccelGen.Synth"],
    };

    [Test]
    public void Dependencies_point_one_way()
    {
        foreach (
            string path in Directory
                .EnumerateFiles(Root, "*.csproj", SearchOption.AllDirectories)
                .Where(p => !p.Contains("artifacts") && !p.Contains(Path.Combine(Root, "tests")))
        )
        {
            string name = Path.GetFileNameWithoutExtension(path);
            Assert.That(Allowed, Does.ContainKey(name), $"{name} is not in the dependency rule");
            IEnumerable<string> references = XDocument
                .Load(path)
                .Descendants("ProjectReference")
                .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value));
            Assert.That(references, Is.SubsetOf(Allowed[name]), name);
        }
    }

    private static readonly string[] Schema = ["NJsonSchema", "NJsonSchema.Annotations", "Namotion.Reflection", "Newtonsoft.Json"],
        Image = ["SkiaSharp", "SkiaSharp.NativeAssets.Win32", "SkiaSharp.NativeAssets.macOS"],
        ImageOnLinux = [.. Image, "SkiaSharp.NativeAssets.Linux.NoDependencies"],
        Protobuf = ["Google.Protobuf"],
        Vectors = ["System.Numerics.Tensors"],
        Logging =

        [
            "Microsoft.Extensions.DependencyInjection",
            "Microsoft.Extensions.DependencyInjection.Abstractions",
            "Microsoft.Extensions.Logging",
            "Microsoft.Extensions.Logging.Abstractions",
            "Microsoft.Extensions.Options",
            "Microsoft.Extensions.Primitives",
            "System.Diagnostics.DiagnosticSource",
        ];

    // What each project carries, by itself or through another.
    private static readonly Dictionary<string, string[]> Carried = new()
    {
        ["AccelGen.Isa"] = [],
        ["AccelGen.Files"] = [],
        ["AccelGen.Network"] = Vectors,
        ["AccelGen.Data"] = ImageOnLinux,
        ["AccelGen.Config"] = Schema,
        ["AccelGen.Cycles"] = Schema,
        ["AccelGen.Emit"] = [.. Schema, "Scriban.Signed"],
        ["AccelGen.Golden"] = [.. Schema, .. Vectors],
        ["AccelGen.Compiler"] = [.. Schema, .. Vectors],
        ["AccelGen.Quantization"] = [.. Schema, .. Vectors],
        ["AccelGen.Onnx"] = [.. Schema, .. Vectors, .. Protobuf, "Grpc.Tools"],
        ["AccelGen.Report"] = [.. Image, "OxyPlot.Core", "Scriban.Signed"],
        ["AccelGen.Sim"] = [.. Schema, .. Vectors, .. Logging, "CliWrap", "Scriban.Signed"],
        ["AccelGen.Synth"] = [.. Schema, .. Vectors, .. Logging, "CliWrap", "Scriban.Signed"],
        ["AccelGen.Bench"] =
        [
            .. Schema,
            .. Vectors,
            .. Logging,
            "CliWrap",
            "Scriban.Signed",
            "Microsoft.ML.OnnxRuntime",
            "Microsoft.ML.OnnxRuntime.Managed",
        ],
        ["AccelGen.Cli"] =
        [
            .. Schema,
            .. Vectors,
            .. Logging,
            .. ImageOnLinux,
            .. Protobuf,
            "CliWrap",
            "OxyPlot.Core",
            "Scriban.Signed",
            "Spectre.Console",
            "Spectre.Console.Ansi",
            "System.CommandLine",
        ],
    };

    [Test]
    public void Each_project_carries_the_packages_it_needs_and_no_others()
    {
        Assert.That(Carried.Keys, Is.EquivalentTo(Allowed.Keys));
        foreach (string file in Tracked().Where(f => f.EndsWith("packages.lock.json", StringComparison.Ordinal)))
        {
            string name = Path.GetFileName(Path.GetDirectoryName(file)!);
            if (file.StartsWith("tests/", StringComparison.Ordinal))
                continue;
            using var locked = JsonDocument.Parse(File.ReadAllText(Path.Combine(Root, file)));
            IEnumerable<string> packages = locked
                .RootElement.GetProperty("dependencies")
                .EnumerateObject()
                .SelectMany(f => f.Value.EnumerateObject())
                .Where(p => p.Value.GetProperty("type").GetString() != "Project")
                .Select(p => p.Name)
                .Distinct();
            Assert.That(packages, Is.EquivalentTo(Carried[name]), name);
        }
    }

    [Test]
    public void Every_test_project_mirrors_a_source_project()
    {
        foreach (string folder in Directory.EnumerateDirectories(Path.Combine(Root, "tests")).Where(f => Path.GetFileName(f) != "Shared"))
        {
            string name = Path.GetFileName(folder);
            Assert.That(name, Does.EndWith(".Tests"));
            Assert.That(name == "AccelGen.House.Tests" || Allowed.ContainsKey(name[..^6]), name);
        }
    }

    [Test]
    public void Every_module_template_declares_the_module_of_its_name()
    {
        foreach (string path in Directory.EnumerateFiles(Path.Combine(Root, "templates", "rtl")))
        {
            string module = Path.GetFileName(path)[..^".sv.sbn".Length];
            Assert.That(
                Regex.Matches(File.ReadAllText(path), @"^module (\w+)", RegexOptions.Multiline).Select(m => m.Groups[1].Value),
                Is.EqualTo(new[] { module }),
                path
            );
        }
    }

    [Test]
    public void No_tracked_file_names_a_machine_path_or_a_registry()
    {
        var pattern = new Regex(
            @"(^|[^.\w-])/(wo" + @"rk|fa" + @"rm|ro" + @"ot)/|https?://[a-z0-9.]*(nu" + @"get|npm" + @"js|deb" + @"ian)[a-z0-9.]*",
            RegexOptions.Multiline
        );
        foreach (string file in Tracked().Where(f => !f.EndsWith("packages.lock.json", StringComparison.Ordinal) && f != ".gitignore"))
            Assert.That(pattern.IsMatch(File.ReadAllText(Path.Combine(Root, file))), Is.False, file);
    }

    [Test]
    public void No_source_is_left_unfinished()
    {
        var pattern = new Regex(
            @"\b(TO" + @"DO|FIX" + @"ME|HA" + @"CK)\b|NotImplemented" + "Exception|Thread" + @"\.Sleep|Task" + @"\.Delay"
        );
        foreach (string file in Tracked().Where(f => Regex.IsMatch(f, @"\.(cs|sbn|cpp|sh|h|proto)$")))
            Assert.That(pattern.IsMatch(File.ReadAllText(Path.Combine(Root, file))), Is.False, file);
    }

    [Test]
    public void Only_one_place_opens_sessions_of_ONNX_Runtime_and_it_keeps_to_exact_kernels()
    {
        var pattern = new Regex("new Inference" + @"Session\b|InferenceSession \w+ = new\b");
        Assert.That(Sources(pattern), Is.EqualTo(new[] { "tests/Shared/ExactSession.cs" }));
        Assert.That(
            Sources(new Regex("OpenFor" + "Timing")),
            Is.EqualTo(new[] { "testbench/AccelGen.Bench/GoldenSpeed.cs", "tests/Shared/ExactSession.cs" })
        );

        static IEnumerable<string> Sources(Regex pattern) =>
            Tracked().Where(f => f.EndsWith(".cs", StringComparison.Ordinal) && pattern.IsMatch(File.ReadAllText(Path.Combine(Root, f))));
    }

    [Test]
    public void Shell_scripts_stop_at_the_first_error()
    {
        foreach (
            string file in Tracked()
                .Where(f =>
                    (f.StartsWith("scripts/", StringComparison.Ordinal) && !f.StartsWith("scripts/lib/", StringComparison.Ordinal))
                    || f == ".ci/run"
                )
        )
        {
            string text = File.ReadAllText(Path.Combine(Root, file));
            bool shell = file.EndsWith(".sh", StringComparison.Ordinal) || text.StartsWith("#!", StringComparison.Ordinal);
            Assert.That(!shell || text.Contains("set -euo pipefail", StringComparison.Ordinal), file);
        }
    }

    [Test]
    public void The_formatter_would_change_nothing()
    {
        var start = new ProcessStartInfo("bash", "scripts/format --check")
        {
            WorkingDirectory = Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process format = Process.Start(start)!;
        Task<string> errors = format.StandardError.ReadToEndAsync();
        string said = format.StandardOutput.ReadToEnd() + errors.Result;
        format.WaitForExit();
        Assert.That(format.ExitCode, Is.Zero, $"run scripts/format:{Environment.NewLine}{said}");
    }

    [Test]
    public void No_line_of_code_is_longer_than_140_columns()
    {
        var found = new List<string>();
        foreach (string file in Tracked().Where(f => f.EndsWith(".cs", StringComparison.Ordinal)))
        {
            // Texts in other languages keep their own lines.
            bool raw = false;
            foreach ((string line, int number) in File.ReadLines(Path.Combine(Root, file)).Select((l, i) => (l, i + 1)))
            {
                bool marks = Regex.Count(line, "\"{3,}") % 2 == 1;
                if (!raw && !marks && line.Length > LongestLine)
                    found.Add($"{file}:{number}: {line.Length} columns");
                raw ^= marks;
            }
        }

        Assert.That(found, Is.Empty);
    }

    private const int LongestLine = 140;

    private static string Root => Repository.Root;

    private static string[] Tracked()
    {
        using var git = Process.Start(new ProcessStartInfo("git", "ls-files") { WorkingDirectory = Root, RedirectStandardOutput = true })!;
        string[] files = git.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        git.WaitForExit();
        Assert.That(files, Is.Not.Empty);
        return [.. files.Where(f => File.Exists(Path.Combine(Root, f)))];
    }
}
