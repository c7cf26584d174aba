using System.Text.Json;
using System.Text.Json.Nodes;
using AccelGen.Cli.Results;
using AccelGen.Tests.Shared;
using NJsonSchema;
using NUnit.Framework;
using SkiaSharp;

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

    private string folder = string.Empty;

    [OneTimeSetUp]
    public async Task Make()
    {
        folder = Directory.CreateTempSubdirectory("accelgen-fingerprint").FullName;
        RandomNetwork network = RandomNetworks.Residual(5);
        await File.WriteAllBytesAsync(Path.Combine(folder, "net.onnx"), network.Model);
        string images = Directory.CreateDirectory(Path.Combine(folder, "images")).FullName;
        for (int i = 0; i < 2; i++)
        {
            using var bitmap = new SKBitmap(network.Size, network.Size);
            bitmap.Erase(new SKColor((byte)(i * 90), 40, 200));
            bitmap.SetPixel(0, 0, SKColors.White);
            using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
            await File.WriteAllBytesAsync(Path.Combine(images, $"{i}.png"), data.ToArray());
        }

        await File.WriteAllTextAsync(Path.Combine(images, "labels.csv"), "0.png,1\n1.png,2\n");
        await File.WriteAllTextAsync(Path.Combine(folder, "budgets.csv"), "budget,interval\n1000\n100000,2\n");
    }

    [OneTimeTearDown]
    public void Remove() => Directory.Delete(folder, recursive: true);

    private static IEnumerable<string> Commands() => Lines.Keys;

    [TestCaseSource(nameof(Commands))]
    [CancelAfter(240_000)]
    public async Task What_a_command_gives_to_programs_is_what_was_recorded(string command)
    {
        string json = Path.Combine(folder, "json");
        InProcess.Result result = await InProcess.RunAsync([
            .. Lines[command].Split(' ').Select(w => w.Replace("@", folder, StringComparison.Ordinal).Replace(':', ' ')),
        ]);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        JsonNode found = JsonNode.Parse((await File.ReadAllTextAsync(json)).Replace(folder, "@", StringComparison.Ordinal))!;
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
