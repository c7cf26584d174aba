using System.Collections.Immutable;
using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace AccelGen.Config;

/// <summary>What the value of a field must be in JSON.</summary>
public enum ConfigFieldKind
{
    /// <summary>Fields of its own.</summary>
    Section,

    /// <summary>A whole number.</summary>
    Integer,

    /// <summary>True or false.</summary>
    Boolean,

    /// <summary>A string.</summary>
    Text,
}

/// <summary>One JSON field of a configuration with its legal values, read from the records' attributes.</summary>
public sealed record ConfigField
{
    private ConfigField(PropertyInfo property, ConfigField? section)
    {
        Name = ConfigJson.NameOf(property.Name);
        Path = section is null ? Name : $"{section.Path}.{Name}";
        Section = section;
        Kind = property.PropertyType switch
        {
            var type when type == typeof(int) => ConfigFieldKind.Integer,
            var type when type == typeof(bool) => ConfigFieldKind.Boolean,
            var type when type == typeof(string) => ConfigFieldKind.Text,
            _ => ConfigFieldKind.Section,
        };
        Description = property.GetCustomAttribute<DescriptionAttribute>()!.Description;
        var range = property.GetCustomAttribute<RangeAttribute>();
        Minimum = (int?)range?.Minimum;
        Maximum = (int?)range?.Maximum;
        Allowed = [.. property.GetCustomAttribute<AllowedValuesAttribute>()?.Values.Cast<int>() ?? []];
        Default = property.GetCustomAttribute<DefaultValueAttribute>()?.Value;
        Pattern = property.GetCustomAttribute<RegularExpressionAttribute>()?.Pattern;
        Fields = Kind == ConfigFieldKind.Section ? Of(property.PropertyType, this) : [];
    }

    /// <summary>The fields of a whole configuration, in the order they are declared.</summary>
    public static ImmutableArray<ConfigField> Root { get; } = Of(typeof(AcceleratorConfig), null);

    /// <summary>Every field that holds a value, by path.</summary>
    public static ImmutableSortedDictionary<string, ConfigField> Values { get; } =
        Root.SelectMany(field => field.Kind == ConfigFieldKind.Section ? field.Fields : [field])
            .ToImmutableSortedDictionary(field => field.Path, field => field, StringComparer.Ordinal);

    /// <summary>Name in JSON.</summary>
    public string Name { get; }

    /// <summary>The way to the field from the root, as in <c>array.lanes</c>.</summary>
    public string Path { get; }

    /// <summary>The section that the field is in, or null.</summary>
    public ConfigField? Section { get; }

    /// <summary>What its value must be.</summary>
    public ConfigFieldKind Kind { get; }

    /// <summary>What it means, for the schema and the reference.</summary>
    public string Description { get; }

    /// <summary>Least legal value, or null.</summary>
    public int? Minimum { get; }

    /// <summary>Greatest legal value, or null.</summary>
    public int? Maximum { get; }

    /// <summary>The legal values where they are not a range.</summary>
    public ImmutableArray<int> Allowed { get; }

    /// <summary>The value of a field that may be left out.</summary>
    public object? Default { get; }

    /// <summary>Regular expression that a text must match, or null.</summary>
    public string? Pattern { get; }

    /// <summary>The fields of a section.</summary>
    public ImmutableArray<ConfigField> Fields { get; }

    /// <summary>The legal values in words.</summary>
    public string Legal =>
        this switch
        {
            { Kind: ConfigFieldKind.Section } => "an object",
            { Kind: ConfigFieldKind.Boolean } => "true or false",
            { Pattern: { } pattern } => $"text matching {pattern}",
            { Kind: ConfigFieldKind.Text } => "text",
            { Allowed.IsEmpty: false } => $"one of {string.Join(", ", Allowed)}",
            _ => $"{Minimum}..{Maximum}",
        };

    /// <summary>Whether a node has the JSON type of this field; the value may still be illegal.</summary>
    internal bool Accepts(JsonNode? node) =>
        Kind switch
        {
            ConfigFieldKind.Section => node is JsonObject,
            ConfigFieldKind.Boolean => node?.GetValueKind() is JsonValueKind.True or JsonValueKind.False,
            ConfigFieldKind.Text => node?.GetValueKind() == JsonValueKind.String,
            _ => node is JsonValue value && value.GetValueKind() == JsonValueKind.Number && value.TryGetValue<int>(out _),
        };

    /// <summary>Whether a node of the right type holds a legal value.</summary>
    internal bool Allows(JsonNode node) =>
        this switch
        {
            { Pattern: { } pattern } => Regex.IsMatch(node.GetValue<string>(), pattern),
            { Allowed.IsEmpty: false } => Allowed.Contains(node.GetValue<int>()),
            { Kind: ConfigFieldKind.Integer } => node.GetValue<int>() is var value && value >= Minimum && value <= Maximum,
            _ => true,
        };

    /// <summary>The legal value closest to an illegal one.</summary>
    internal string Nearest(JsonNode node) =>
        this switch
        {
            { Kind: ConfigFieldKind.Text } => "accelerator",
            { Allowed.IsEmpty: false } => $"{Allowed.MinBy(value => Math.Abs((long)value - node.GetValue<int>()))}",
            _ => $"{Math.Clamp(node.GetValue<int>(), Minimum!.Value, Maximum!.Value)}",
        };

    private static ImmutableArray<ConfigField> Of(Type type, ConfigField? section) =>
        [
            .. from property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            where property.IsDefined(typeof(DescriptionAttribute))
            select new ConfigField(property, section),
        ];
}
