using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace AccelGen.Config;

/// <summary>The JSON form of a configuration: camel-case names, fields in the order they are declared.</summary>
public static class ConfigJson
{
    internal const string NameField = "name";

    /// <summary>The one field a file may hold that is not configuration: editors read it.</summary>
    internal const string SchemaField = "$schema";

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        IgnoreReadOnlyProperties = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        WriteIndented = true,
        NewLine = "\n",
    };

    /// <summary>The configuration as JSON, fields in their order.</summary>
    public static string ToText(AcceleratorConfig config) => JsonSerializer.Serialize(config, Options) + "\n";

    internal static JsonObject ToNode(AcceleratorConfig config) => JsonSerializer.SerializeToNode(config, Options)!.AsObject();

    internal static AcceleratorConfig FromNode(JsonObject node) => node.Deserialize<AcceleratorConfig>(Options)!;

    internal static string NameOf(string property) => JsonNamingPolicy.CamelCase.ConvertName(property);
}
