using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace AccelGen.Config;

/// <summary>The first 64 bits (big endian) of the SHA-256 of a configuration's canonical JSON, without its name.</summary>
public readonly record struct ConfigHash(ulong Value)
{
    /// <summary>Sixteen lower-case hexadecimal digits.</summary>
    public string Hex => Value.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Hash of all fields but the name.</summary>
    public static ConfigHash Of(AcceleratorConfig config)
    {
        var canonical = ConfigJson.ToNode(config);
        canonical.Remove(ConfigJson.NameField);
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes(canonical.ToJsonString()));
        return new ConfigHash(BinaryPrimitives.ReadUInt64BigEndian(digest));
    }

    /// <inheritdoc/>
    public override string ToString() => Hex;
}
