using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using AccelGen.Files;

namespace AccelGen.Config;

/// <summary>A configuration, or every reason why there is none.</summary>
public sealed record ConfigResult(AcceleratorConfig? Config, ImmutableArray<ConfigDiagnostic> Diagnostics)
{
    /// <summary>The configuration; throws all the diagnostics where there is none.</summary>
    public AcceleratorConfig Require() => Config ?? throw new ConfigException(Diagnostics);
}

/// <summary>Reads configurations from the presets and from JSON files.</summary>
public static class ConfigLoader
{
    private const string OverrideSource = "--set";
    private const string StandInPreset = "base";

    // What 'config show' adds to the fields of a file.
    private static readonly string[] Computed = ["configHash", "derived"];

    /// <summary>The names of the built-in configurations, smallest first.</summary>
    public static ImmutableArray<string> Presets { get; } = ["tiny", "small", "base", "wide"];

    /// <summary>Loads a preset by name or a file by path; throws <see cref="ConfigException"/> with all problems.</summary>
    public static AcceleratorConfig Load(string presetOrPath, params IEnumerable<string> overrides) =>
        TryLoad(presetOrPath, overrides).Require();

    /// <summary>Loads a preset by name or a file by path, with overrides of the form <c>array.lanes=8</c>.</summary>
    public static ConfigResult TryLoad(string presetOrPath, params IEnumerable<string> overrides)
    {
        if (Presets.Contains(presetOrPath))
            return Parse(PresetText(presetOrPath), $"presets/{presetOrPath}.json", overrides);
        try
        {
            return Parse(InputFile.ReadText(presetOrPath), presetOrPath, overrides);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or FormatException)
        {
            return Failed(
                new ConfigDiagnostic(
                    ConfigCodes.NotFound,
                    "",
                    $"'{presetOrPath}'",
                    $"one of {string.Join(", ", Presets)} or the path of a readable JSON file",
                    "name a preset or check the path",
                    null
                )
            );
        }
    }

    /// <summary>The JSON text of a preset, as it stands in the repository.</summary>
    public static string PresetText(string preset)
    {
        using var stream =
            typeof(ConfigLoader).Assembly.GetManifestResourceStream($"presets/{preset}.json")
            ?? throw new ArgumentException($"there is no preset '{preset}'", nameof(preset));
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>Reads a configuration from JSON text; the file is only named in diagnostics.</summary>
    public static ConfigResult Parse(string json, string? file = null, params IEnumerable<string> overrides)
    {
        JsonObject root;
        try
        {
            var strict = new JsonDocumentOptions { AllowDuplicateProperties = false };
            if (JsonNode.Parse(json, documentOptions: strict) is not JsonObject parsed)
            {
                return Failed(
                    new ConfigDiagnostic(ConfigCodes.WrongType, "", "the root", "an object", "put the fields between { and }", file)
                );
            }

            root = parsed;
        }
        catch (JsonException error)
        {
            return Failed(
                new ConfigDiagnostic(ConfigCodes.NotJson, "", "the text", "JSON without comments or repeated fields", error.Message, file)
            );
        }

        root.Remove(ConfigJson.SchemaField);
        var found = new List<ConfigDiagnostic>();
        var overridden = new HashSet<string>(StringComparer.Ordinal);
        foreach (var text in overrides)
            Override(root, text, overridden, found);

        // Faulty fields get the value of a preset, so that everything else can still be checked.
        var faulty = new HashSet<string>(StringComparer.Ordinal);
        var standIn = JsonNode.Parse(PresetText(StandInPreset))!.AsObject();
        CheckShape(root, null, ConfigField.Root, standIn, faulty, found, file);
        var config = ConfigJson.FromNode(root);
        found.AddRange(ConfigRules.Validate(config, file, faulty));
        return found.Count == 0
            ? new ConfigResult(config, [])
            : Failed([.. found.Select(item => overridden.Contains(item.Path) ? item with { File = OverrideSource } : item)]);
    }

    private static ConfigResult Failed(params ImmutableArray<ConfigDiagnostic> diagnostics) => new(null, diagnostics);

    private static void Override(JsonObject root, string text, HashSet<string> overridden, List<ConfigDiagnostic> found)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0 || equals == text.Length - 1)
        {
            found.Add(
                new(
                    ConfigCodes.MalformedOverride,
                    "",
                    $"'{text}'",
                    "path=value, as in array.lanes=8",
                    "give a path and a value",
                    OverrideSource
                )
            );
            return;
        }

        var path = text[..equals];
        if (!ConfigField.Values.TryGetValue(path, out var field))
        {
            found.Add(
                new(
                    ConfigCodes.UnknownOverride,
                    path,
                    $"'{text}'",
                    "the path of a field",
                    $"did you mean {Closest(path, ConfigField.Values.Keys)}?",
                    OverrideSource
                )
            );
            return;
        }

        overridden.Add(path);
        if (field.Section is null)
            root[field.Name] = ParseValue(field, text[(equals + 1)..]);
        else if ((root[field.Section.Name] ??= new JsonObject()) is JsonObject section)
            section[field.Name] = ParseValue(field, text[(equals + 1)..]);
    }

    private static JsonNode? ParseValue(ConfigField field, string text)
    {
        try
        {
            return field.Kind == ConfigFieldKind.Text ? JsonValue.Create(text) : JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            // Left as text, it is reported as being of the wrong type.
            return JsonValue.Create(text);
        }
    }

    private static void CheckShape(
        JsonObject node,
        ConfigField? section,
        ImmutableArray<ConfigField> fields,
        JsonObject standIn,
        HashSet<string> faulty,
        List<ConfigDiagnostic> found,
        string? file
    )
    {
        foreach (var (name, value) in node.ToArray())
        {
            if (fields.Any(field => field.Name == name))
                continue;
            var path = section is null ? name : $"{section.Path}.{name}";
            found.Add(
                new(
                    ConfigCodes.UnknownField,
                    path,
                    ConfigRules.Show(value),
                    $"one of {string.Join(", ", fields.Select(field => field.Name))}",
                    section is null && Computed.Contains(name)
                        ? "remove it: 'config show' computes it"
                        : $"remove it; did you mean {Closest(name, fields.Select(field => field.Name))}?",
                    file
                )
            );
            node.Remove(name);
        }

        foreach (var field in fields)
        {
            var present = node.TryGetPropertyValue(field.Name, out var value);
            if (present && field.Accepts(value))
            {
                if (value is JsonObject inner)
                    CheckShape(inner, field, field.Fields, standIn[field.Name]!.AsObject(), faulty, found, file);
                continue;
            }

            if (!present && field.Default is { } fallback)
            {
                node[field.Name] = System.Text.Json.JsonSerializer.SerializeToNode(fallback);
                continue;
            }

            var type = field.Kind == ConfigFieldKind.Integer ? $"an integer, {field.Legal}" : field.Legal;
            found.Add(
                present
                    ? new(ConfigCodes.WrongType, field.Path, ConfigRules.Show(value), type, $"write {type}", file)
                    : new(ConfigCodes.MissingField, field.Path, "the field", type, $"add \"{field.Name}\"", file)
            );
            faulty.Add(field.Path);
            faulty.UnionWith(field.Fields.Select(inner => inner.Path));
            node[field.Name] = standIn[field.Name]!.DeepClone();
        }
    }

    private static string Closest(string name, IEnumerable<string> candidates) => candidates.MinBy(candidate => Distance(name, candidate))!;

    /// <summary>Edits (insert, delete, replace) between two names, ignoring case.</summary>
    private static int Distance(string left, string right)
    {
        var row = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var same = char.ToLowerInvariant(left[i - 1]) == char.ToLowerInvariant(right[j - 1]);
                var next = Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (same ? 0 : 1));
                (diagonal, row[j]) = (row[j], next);
            }
        }

        return row[^1];
    }
}
