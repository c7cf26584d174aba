using System.Text.Json;
using System.Text.Json.Nodes;
using AccelGen.Cli.Results;
using AccelGen.Tests.Shared;
using NJsonSchema;
using NUnit.Framework;

namespace AccelGen.Cli.Tests.Fingerprints;

/// <summary>What commands give to programs on a fixed network is what was recorded, but for times.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class ResultFingerprintTests
{
    private const string Folder = "tests/AccelGen.Cli.Tests/Fingerprints",
        Project = "AccelGen.Cli.Tests";

    // Members that are of the machine, the moment or the version.
    private static readonly string[] Passing = ["seconds", "wallSeconds", "version", "library", "build", "tools", "machine", "simulator"];

    private static readonly Dictionary<string, string> Lines = new()
    {
        ["generate"] = "generate --config tiny --out @/rtl --json @/json",
        ["simulate"] = "simulate --config tiny --layer linear:4x8:->:8 --json @/json",
        ["import"] = "import @/net.onnx --json @/json",
        ["quantize"] = "quantize @/net.onnx --calibrate @/images --method minmax --out @/quantized.json --json @/json",
        ["explain"] = "explain @/net.onnx --calibrate @/images --config tiny --json @/json",
        ["run"] = "run @/net.onnx --calibrate @/images --images @/images --limit 1 --config tiny --skip none --skip 0 --json @/json",
        ["paths"] = "paths @/net.onnx --calibrate @/images --images @/images --config tiny --skip none --skip 0 --rtl 1 --json @/json",
        ["evaluate"] = "evaluate @/net.onnx --calibrate @/images --images @/images --config tiny --float --json @/json",
        ["serve-trace"] =
            "serve-trace @/net.onnx --calibrate @/images --config tiny --skip none --skip 0 --trace @/budgets.csv --json @/json",
    };

    private CommandFolder folder = null!;

    [OneTimeSetUp]
    public void Write()
    {
        folder = new CommandFolder();
        folder.Residual("images/labels.csv");
    }

    [OneTimeTearDown]
    public void Remove() => folder.Dispose();

    private static IEnumerable<string> Commands() => Lines.Keys;

    [TestCaseSource(nameof(Commands))]
    [CancelAfter(240_000)]
    public async Task What_a_command_gives_to_programs_is_what_was_recorded(string command)
    {
        string json = folder.At("json");
        InProcess.Result result = await InProcess.RunAsync([
            .. Lines[command].Split(' ').Select(w => w.Replace("@", folder.Root, StringComparison.Ordinal).Replace(':', ' ')),
        ]);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        JsonNode found = JsonNode.Parse((await File.ReadAllTextAsync(json)).Replace(folder.Root, "@", StringComparison.Ordinal))!;
        JsonSchema schema = (await JsonSchema.FromJsonAsync(ResultSchema.Text)).Definitions[command].ActualSchema;
        Assert.That(schema.Validate(found.ToJsonString()), Is.Empty, "by the schema of results");
        Strip(found);
        Repository.Compare(
            $"{Folder}/{command}.json",
            found.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n",
            Project
        );
    }

    private static void Strip(JsonNode? node)
    {
        if (node is JsonObject members)
        {
            foreach (string name in members.Select(m => m.Key).ToArray())
            {
                if (
                    Passing.Contains(name)
                    || name.EndsWith("Seconds", StringComparison.Ordinal)
                    || name.EndsWith("PerSecond", StringComparison.Ordinal)
                )
                    members[name] = "-";
                else
                    Strip(members[name]);
            }
        }
        else if (node is JsonArray items)
        {
            foreach (JsonNode? item in items)
                Strip(item);
        }
    }
}
