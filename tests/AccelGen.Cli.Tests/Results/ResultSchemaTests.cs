using System.Text.Json.Nodes;
using AccelGen.Cli.Results;
using AccelGen.Tests.Shared;
using NJsonSchema;
using NUnit.Framework;

namespace AccelGen.Cli.Tests.Results;

/// <summary>The schema of results against the records, and against what commands give to programs.</summary>
public sealed class ResultSchemaTests
{
    private const string Recorded = "tests/AccelGen.Cli.Tests/Fingerprints";

    private static IEnumerable<string> Files() =>
        Directory
            .EnumerateFiles(Path.Combine(Repository.Root, Recorded), "*.json")
            .Select(f => Path.GetFileNameWithoutExtension(f))
            .Order();

    [Test]
    public void The_schema_is_that_of_the_records() =>
        Repository.Compare("generator/AccelGen.Cli/Results/results.schema.json", SchemaOfRecords.Write(), "AccelGen.Cli.Tests");

    [Test]
    public void Every_result_has_a_definition() =>
        Assert.That(
            SchemaOfRecords.Results.Values,
            Is.EquivalentTo(typeof(IResult).Assembly.GetTypes().Where(t => t.IsClass && t.IsAssignableTo(typeof(IResult))))
        );

    [Test]
    public async Task The_command_line_prints_the_schema()
    {
        InProcess.Result printed = await InProcess.RunAsync("config", "schema", "--of", "results");
        Assert.That(printed.ExitCode, Is.Zero, printed.Error);
        Assert.That(printed.Output, Is.EqualTo(ResultSchema.Text));
    }

    [TestCaseSource(nameof(Files))]
    public async Task What_is_recorded_of_a_command_is_valid_by_the_schema(string command)
    {
        JsonSchema schema = await DefinitionAsync(command);
        JsonNode result = Read(command);
        Assert.That(schema.Validate(result.ToJsonString()), Is.Empty);
    }

    [TestCaseSource(nameof(Files))]
    public async Task A_member_that_is_missing_unknown_or_of_another_type_is_not_valid(string command)
    {
        JsonSchema schema = await DefinitionAsync(command);
        foreach (Action<JsonObject, string> change in new Action<JsonObject, string>[] { Remove, Rename, Retype })
        {
            JsonNode result = Read(command);
            int objects = Objects(result).Count();
            for (int i = 0; i < Math.Min(objects, 40); i++)
            {
                JsonNode changed = result.DeepClone();
                JsonObject at = Objects(changed).ElementAt(i);
                if (at.Count == 0)
                    continue;
                change(at, at.First().Key);
                Assert.That(schema.Validate(changed.ToJsonString()), Is.Not.Empty, $"{change.Method.Name} {at.GetPath()}");
            }
        }
    }

    // Members of a dictionary are no names: registers have numbers.
    private static IEnumerable<JsonObject> Objects(JsonNode? node) =>
        node switch
        {
            JsonObject o => o.Where(m => m.Key != "registers").SelectMany(m => Objects(m.Value)).Prepend(o),
            JsonArray a => a.SelectMany(Objects),
            _ => [],
        };

    private static void Remove(JsonObject of, string name) => of.Remove(name);

    private static void Rename(JsonObject of, string name)
    {
        JsonNode? value = of[name]?.DeepClone();
        of.Remove(name);
        of[name + "Other"] = value;
    }

    private static void Retype(JsonObject of, string name) => of[name] = new JsonObject { ["other"] = 1 };

    // The record leaves out what is of the machine and the moment; here it is something of the right type.
    private static JsonNode Read(string command)
    {
        JsonNode result = JsonNode.Parse(File.ReadAllText(Path.Combine(Repository.Root, Recorded, $"{command}.json")))!;
        foreach (JsonObject of in Objects(result))
        {
            foreach (
                string name in of.Where(m => m.Value is JsonValue v && v.TryGetValue(out string? s) && s == "-")
                    .Select(m => m.Key)
                    .ToArray()
            )
            {
                of[name] =
                    name == "tools"
                        ? new JsonObject
                        {
                            ["accelgen"] = "1",
                            ["verilator"] = "5",
                            ["dotnet"] = "10",
                        }
                        : 1.5;
            }
        }

        return result;
    }

    private static async Task<JsonSchema> DefinitionAsync(string command) =>
        (await JsonSchema.FromJsonAsync(ResultSchema.Text)).Definitions[command].ActualSchema;
}
