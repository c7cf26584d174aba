using System.Collections.Immutable;
using NJsonSchema;

namespace AccelGen.Config;

/// <summary>The JSON schema of a configuration file, for editors and other tools.</summary>
public static class ConfigSchema
{
    /// <summary>The schema as it stands in <c>accelerator.schema.json</c>.</summary>
    public static string Text { get; } = Build().ToJson().ReplaceLineEndings("\n") + "\n";

    private static JsonSchema Build()
    {
        var root = new JsonSchema { Title = "AccelGen accelerator", Type = JsonObjectType.Object };
        AddFields(root, ConfigField.Root);
        root.Properties[ConfigJson.SchemaField] = new JsonSchemaProperty
        {
            Type = JsonObjectType.String,
            Description = "This schema; for editors.",
        };
        return root;
    }

    private static void AddFields(JsonSchema owner, ImmutableArray<ConfigField> fields)
    {
        owner.AllowAdditionalProperties = false;
        foreach (var field in fields)
        {
            var property = new JsonSchemaProperty
            {
                Type = field.Kind switch
                {
                    ConfigFieldKind.Section => JsonObjectType.Object,
                    ConfigFieldKind.Integer => JsonObjectType.Integer,
                    ConfigFieldKind.Boolean => JsonObjectType.Boolean,
                    _ => JsonObjectType.String,
                },
                Description = field.Description,
                Minimum = field.Minimum,
                Maximum = field.Maximum,
                Default = field.Default,
                Pattern = field.Pattern,
            };
            foreach (var value in field.Allowed)
                property.Enumeration.Add(value);
            if (field.Kind == ConfigFieldKind.Section)
                AddFields(property, field.Fields);
            owner.Properties[field.Name] = property;
            property.IsRequired = field.Default is null;
        }
    }
}
