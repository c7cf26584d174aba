using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using AccelGen.Cli.Results;

namespace AccelGen.Cli.Tests.Results;

/// <summary>The JSON schema of results as their records and the documentation of those give it.</summary>
internal static partial class SchemaOfRecords
{
    /// <summary>Results by the name of their definition: the command, and what it is of.</summary>
    public static readonly IReadOnlyDictionary<string, Type> Results = new Dictionary<string, Type>
    {
        ["generate"] = typeof(GenerateResult),
        ["check"] = typeof(CheckResult),
        ["config-show"] = typeof(ShownConfig),
        ["config-validate"] = typeof(ValidatedConfig),
        ["simulate"] = typeof(SimulateResult),
        ["import"] = typeof(ImportedModel),
        ["import-refused"] = typeof(RefusedModel),
        ["quantize"] = typeof(QuantizeResult),
        ["explain"] = typeof(ExplainResult),
        ["export"] = typeof(ExportResult),
        ["run"] = typeof(NetworkResult),
        ["evaluate"] = typeof(EvaluateResult),
        ["paths"] = typeof(PathsResult),
        ["paths-table"] = typeof(HostTableResult),
        ["serve-trace"] = typeof(ServeTraceResult),
        ["scenes"] = typeof(ScenesResult),
        ["synth"] = typeof(SynthResult),
        ["doctor"] = typeof(DoctorResult),
    };

    private static readonly Dictionary<Assembly, Dictionary<string, XElement>> Documents = [];

    /// <summary>Writes the schema.</summary>
    public static string Write()
    {
        JsonObject definitions = [];
        foreach ((string name, Type type) in Results)
            definitions[name] = Reference(type.Name);
        var options = new JsonSerializerOptions(Cli.Json) { TypeInfoResolver = new DefaultJsonTypeInfoResolver() };
        var exporting = new JsonSchemaExporterOptions
        {
            TreatNullObliviousAsNonNullable = true,
            TransformSchemaNode = (context, node) => Transform(context, node, definitions),
        };
        foreach (Type type in Results.Values)
            options.GetJsonSchemaAsNode(type, exporting);
        var schema = new JsonObject
        {
            ["$schema"] = "http://json-schema.org/draft-07/schema#",
            ["title"] = "AccelGen results",
            ["description"] =
                "What --json writes. Any result is valid by this schema, and that of a command by the definition of its name, such "
                + "as #/definitions/run. A number that is not finite is null.",
            ["anyOf"] = new JsonArray([.. Results.Keys.Select(JsonNode? (name) => Reference(name))]),
            ["definitions"] = definitions,
        };
        return schema.ToJsonString(new JsonSerializerOptions { WriteIndented = true, Encoder = Cli.Json.Encoder }) + "\n";
    }

    private static JsonObject Reference(string definition) => new() { ["$ref"] = $"#/definitions/{definition}" };

    // Records become definitions, and what is of their type refers to them.
    private static JsonNode Transform(JsonSchemaExporterContext context, JsonNode node, JsonObject definitions)
    {
        Type type = context.TypeInfo.Type;
        string? description = context.PropertyInfo?.AttributeProvider is PropertyInfo property ? Description(property) : null;
        if ((Nullable.GetUnderlyingType(type) ?? type) is var number && (number == typeof(double) || number == typeof(float)))
            node = new JsonObject { ["type"] = new JsonArray("number", "null") };
        if (context.TypeInfo.Kind == JsonTypeInfoKind.Object)
        {
            if (node is JsonObject record && record["properties"] is JsonObject members && !definitions.ContainsKey(type.Name))
                definitions[type.Name] = Definition(type, members);
            var alternatives = new JsonArray(Reference(type.Name));
            if (context.PropertyInfo?.IsGetNullable == true)
                alternatives.Add(new JsonObject { ["type"] = "null" });
            node = alternatives.Count > 1 || description is not null ? new JsonObject { ["anyOf"] = alternatives } : Reference(type.Name);
        }

        if (description is not null && node is JsonObject described)
            described.Insert(0, "description", description);
        return node;
    }

    private static JsonObject Definition(Type type, JsonObject members)
    {
        var definition = new JsonObject
        {
            ["description"] = Documented($"T:{type.FullName}", type.Assembly)?.Element("summary") is { } summary ? Plain(summary) : null,
            ["type"] = "object",
            ["additionalProperties"] = false,
            ["required"] = new JsonArray([.. members.Select(JsonNode? (m) => m.Key)]),
            ["properties"] = members.DeepClone(),
        };
        return definition;
    }

    private static string? Description(PropertyInfo property)
    {
        Type type = property.DeclaringType!;
        XElement? own = Documented($"P:{type.FullName}.{property.Name}", type.Assembly)?.Element("summary");
        XElement? parameter = Documented($"T:{type.FullName}", type.Assembly)
            ?.Elements("param")
            .FirstOrDefault(p => p.Attribute("name")?.Value == property.Name);
        return (own ?? parameter) is { } text ? Plain(text) : null;
    }

    private static XElement? Documented(string member, Assembly assembly)
    {
        if (!Documents.TryGetValue(assembly, out Dictionary<string, XElement>? members))
        {
            string file = Path.Combine(AppContext.BaseDirectory, $"{assembly.GetName().Name}.xml");
            members = XDocument.Load(file).Descendants("member").ToDictionary(m => m.Attribute("name")!.Value);
            Documents[assembly] = members;
        }

        return members.GetValueOrDefault(member);
    }

    // Text without markup; what is referred to by its own name.
    private static string Plain(XElement text) =>
        Spaces()
            .Replace(
                string.Concat(
                    text.Nodes()
                        .Select(n =>
                            n is XElement e
                                ? e.Value.Length > 0
                                    ? e.Value
                                    : ((e.Attribute("cref") ?? e.Attribute("name"))?.Value ?? string.Empty).Split('.', ':')[^1]
                                : n.ToString(SaveOptions.DisableFormatting)
                        )
                ),
                " "
            )
            .Trim();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
