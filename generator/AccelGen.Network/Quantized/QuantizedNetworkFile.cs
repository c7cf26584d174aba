using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using AccelGen.Files;

namespace AccelGen.Network.Quantized;

/// <summary>Reads and writes quantised networks as JSON; weights are base64.</summary>
public static class QuantizedNetworkFile
{
    /// <summary>Format version.</summary>
    public const int Version = 1;

    private const string Format = "accelgen-quantized-network";

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters =
        {
            new WeightsConverter(),
            new ScaleConverter(),
            new SizeConverter(),
            new PaddingConverter(),
            new JsonStringEnumConverter<Broadcast>(JsonNamingPolicy.CamelCase, allowIntegerValues: false),
        },
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { AddLayerKinds } },
    };

    private sealed record Document(string Format, int Version, QuantizedNetwork Network);

    /// <summary>Writes a network, as <see cref="OutputFile"/> does.</summary>
    /// <exception cref="IOException">The file cannot be written; it is as it was.</exception>
    public static void Save(string path, QuantizedNetwork network) =>
        OutputFile.Write(path, stream => JsonSerializer.Serialize(stream, new Document(Format, Version, network), Options));

    /// <summary>Hash of a network's content: equal for networks that compute the same in the same way.</summary>
    /// <param name="network">Network.</param>
    public static string Hash(QuantizedNetwork network)
    {
        using var hash = System.Security.Cryptography.SHA256.Create();
        using (
            var into = new System.Security.Cryptography.CryptoStream(Stream.Null, hash, System.Security.Cryptography.CryptoStreamMode.Write)
        )
            JsonSerializer.Serialize(into, network, Options);
        return Convert.ToHexStringLower(hash.Hash!);
    }

    /// <summary>Reads a network.</summary>
    /// <exception cref="InputException">The file is not a quantised network, or its content does not fit together; every problem is
    /// named.</exception>
    public static QuantizedNetwork Load(string path)
    {
        if (!File.Exists(path))
            throw new InputException(FaultCodes.NoSuchFile, path, "there is no such file");
        Document? document;
        try
        {
            using FileStream stream = File.OpenRead(path);
            document = JsonSerializer.Deserialize<Document>(stream, Options);
        }
        catch (JsonException e) when (e.Path is { Length: > 1 } place && Needed(place) is { } needed)
        {
            throw new InputException(
                FaultCodes.NotQuantizedNetwork,
                path,
                $"not a quantised network: {place} (line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}): {needed} is needed",
                "write it as 'quantize' did"
            );
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException)
        {
            throw new InputException(FaultCodes.NotQuantizedNetwork, path, $"not a quantised network: {e.Message.Split('\n')[0]}");
        }

        if (document?.Format != Format || document.Version != Version || document.Network is null)
            throw new InputException(
                FaultCodes.NotQuantizedNetwork,
                path,
                $"format {document?.Format} version {document?.Version}",
                $"{Format} version {Version} is supported"
            );
        // The serializer checks constructor parameters for null, not the properties beside them.
        foreach (QuantizedLayer? layer in document.Network.Layers)
        {
            if (
                layer is not null
                && Options.GetTypeInfo(layer.GetType()).Properties.FirstOrDefault(p => p.IsRequired && p.Get?.Invoke(layer) is null)
                    is { } missing
            )
                throw new InputException(FaultCodes.NotQuantizedNetwork, $"{path}: layer {layer.Name}", $"{missing.Name} is null");
        }

        IReadOnlyList<Fault> problems = QuantizedNetworkRules.Obstacles(document.Network);
        return problems.Count == 0 ? document.Network : throw new InputException(problems.Select(p => p.At(path)));
    }

    // What a field of the file takes, by the last name of its place; null where that is no field.
    private static string? Needed(string place)
    {
        string name = place[(place.LastIndexOf('.') + 1)..].Split('[')[0];
        Type? type = OperatorNameAttribute
            .Kinds.Keys.Concat([
                typeof(QuantizedNetwork),
                typeof(QuantizedTensor),
                typeof(TensorShape),
                typeof(FixedPointScale),
                typeof(ResidualAdd),
                typeof(SkippableBlock),
            ])
            .SelectMany(t => t.GetProperties())
            .FirstOrDefault(p => string.Equals(p.Name, name, StringComparison.OrdinalIgnoreCase))
            ?.PropertyType;
        if (type is null)
            return null;
        type = Nullable.GetUnderlyingType(type) ?? type;
        return Type.GetTypeCode(type) switch
        {
            TypeCode.Int32 when !type.IsEnum => "a whole number from -2147483648 to 2147483647",
            TypeCode.UInt32 => "a whole number from 0 to 4294967295",
            TypeCode.Int64 => "a whole number of at most 64 bits",
            TypeCode.Double => "a number",
            TypeCode.Boolean => "true or false",
            TypeCode.String => "a text",
            _ when type.IsEnum => $"one of {string.Join(", ", Enum.GetNames(type))}",
            _ when type == typeof(sbyte[]) => "a text in base64",
            _ => "what 'quantize' writes there, complete and of the same form,",
        };
    }

    private static void AddLayerKinds(JsonTypeInfo type)
    {
        if (type.Type != typeof(QuantizedLayer))
            return;
        type.PolymorphismOptions = new JsonPolymorphismOptions
        {
            TypeDiscriminatorPropertyName = "op",
            UnknownDerivedTypeHandling = JsonUnknownDerivedTypeHandling.FailSerialization,
        };
        foreach ((Type kind, string name) in OperatorNameAttribute.Kinds)
            type.PolymorphismOptions.DerivedTypes.Add(new JsonDerivedType(kind, name));
    }

    private sealed class WeightsConverter : JsonConverter<sbyte[]>
    {
        // An absent table is left out of the file, not null.
        public override bool HandleNull => true;

        public override sbyte[] Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType != JsonTokenType.String
                ? throw new JsonException("a base64 text is expected")
                : MemoryMarshal.Cast<byte, sbyte>(reader.GetBytesFromBase64()).ToArray();

        public override void Write(Utf8JsonWriter writer, sbyte[] value, JsonSerializerOptions options) =>
            writer.WriteBase64StringValue(MemoryMarshal.Cast<sbyte, byte>(value));
    }

    private sealed class ScaleConverter : JsonConverter<FixedPointScale>
    {
        public override FixedPointScale Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            Numbers(ref reader, 2) is var n ? new FixedPointScale(checked((uint)n[0]), n[1]) : default;

        public override void Write(Utf8JsonWriter writer, FixedPointScale value, JsonSerializerOptions options) =>
            Array(writer, (int)value.Multiplier, value.Shift);
    }

    private sealed class SizeConverter : JsonConverter<Size>
    {
        public override Size Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            Numbers(ref reader, 2) is var n ? new Size(n[0], n[1]) : default;

        public override void Write(Utf8JsonWriter writer, Size value, JsonSerializerOptions options) =>
            Array(writer, value.Rows, value.Columns);
    }

    private sealed class PaddingConverter : JsonConverter<Padding>
    {
        public override Padding Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            Numbers(ref reader, 4) is var n ? new Padding(n[0], n[1], n[2], n[3]) : default;

        public override void Write(Utf8JsonWriter writer, Padding value, JsonSerializerOptions options) =>
            Array(writer, value.Top, value.Left, value.Bottom, value.Right);
    }

    private static int[] Numbers(ref Utf8JsonReader reader, int count)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new JsonException($"an array of {count} numbers is expected");
        var numbers = new List<int>();
        while (reader.Read() && reader.TokenType == JsonTokenType.Number && numbers.Count < count && reader.TryGetInt32(out int n))
            numbers.Add(n);
        return reader.TokenType == JsonTokenType.EndArray && numbers.Count == count && (count == 4 || numbers[0] >= 0)
            ? [.. numbers]
            : throw new JsonException($"an array of {count} whole numbers{(count == 4 ? string.Empty : ", 0 or more,")} is expected");
    }

    private static void Array(Utf8JsonWriter writer, params ReadOnlySpan<int> numbers)
    {
        writer.WriteStartArray();
        foreach (int n in numbers)
            writer.WriteNumberValue(n);
        writer.WriteEndArray();
    }
}
