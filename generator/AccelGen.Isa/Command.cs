using System.Buffers.Binary;
using System.Collections.Frozen;

namespace AccelGen.Isa;

/// <summary>A command in its binary form; fields are read and written by name through the ISA table.</summary>
public sealed class Command
{
    private static readonly FrozenDictionary<string, (CommandDefinition Definition, FrozenDictionary<string, Field> Fields)> ByName =
        IsaDefinition.Commands.ToFrozenDictionary(
            c => c.Name, c => (c, IsaDefinition.Header.Concat(c.Fields).ToFrozenDictionary(f => f.Name)));

    private readonly ulong[] words = new ulong[IsaDefinition.CommandBits / 64];
    private readonly FrozenDictionary<string, Field> fields;

    /// <summary>A command with all fields zero but its opcode.</summary>
    /// <param name="name">Name of the command in the table.</param>
    /// <exception cref="ArgumentException">The table has no such command.</exception>
    public Command(string name)
    {
        if (!ByName.TryGetValue(name, out var entry))
            throw new ArgumentException($"no command {name}; there are {string.Join(", ", ByName.Keys)}", nameof(name));
        Definition = entry.Definition;
        fields = entry.Fields;
        this["Opcode"] = Definition.Opcode;
    }

    /// <summary>The command's row in the table.</summary>
    public CommandDefinition Definition { get; }

    /// <summary>Value of a field, sign-extended when the field is signed.</summary>
    /// <exception cref="ArgumentException">The command has no such field.</exception>
    /// <exception cref="FieldRangeException">The value does not fit.</exception>
    public long this[string field]
    {
        get
        {
            Field f = Find(field);
            int word = f.Lsb / 64, shift = f.Lsb % 64;
            ulong value = words[word] >> shift;
            if (shift + f.Width > 64)
                value |= words[word + 1] << (64 - shift);
            if (f.Width < 64)
                value &= (1UL << f.Width) - 1;
            return f.Signed ? (long)(value << (64 - f.Width)) >> (64 - f.Width) : (long)value;
        }

        set
        {
            Field f = Find(field);
            if (value < f.Min || value > f.Max)
                throw new FieldRangeException(Definition.Name, f, value);
            ulong mask = f.Width == 64 ? ulong.MaxValue : (1UL << f.Width) - 1;
            ulong bits = (ulong)value & mask;
            int word = f.Lsb / 64, shift = f.Lsb % 64;
            words[word] = (words[word] & ~(mask << shift)) | (bits << shift);
            if (shift + f.Width > 64)
            {
                int low = 64 - shift;
                words[word + 1] = (words[word + 1] & ~(mask >> low)) | (bits >> low);
            }
        }
    }

    /// <summary>Writes the 64 bytes, little-endian.</summary>
    public void Encode(Span<byte> destination)
    {
        for (int i = 0; i < words.Length; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(destination[(8 * i)..], words[i]);
    }

    /// <summary>Reads a command from its 64 bytes.</summary>
    /// <exception cref="ArgumentException">The opcode is not defined.</exception>
    public static Command Decode(ReadOnlySpan<byte> source)
    {
        int opcode = source[0];
        CommandDefinition definition = IsaDefinition.Commands.FirstOrDefault(c => c.Opcode == opcode)
            ?? throw new ArgumentException($"opcode {opcode} is not defined");
        var command = new Command(definition.Name);
        for (int i = 0; i < command.words.Length; i++)
            command.words[i] = BinaryPrimitives.ReadUInt64LittleEndian(source[(8 * i)..]);
        return command;
    }

    /// <inheritdoc/>
    public override string ToString() => Definition.Name + " " + string.Join(" ", fields.Values
        .Where(f => f.Name != "Opcode" && !f.Name.StartsWith("Reserved", StringComparison.Ordinal) && this[f.Name] != 0)
        .Select(f => $"{f.Name}={this[f.Name]}"));

    private Field Find(string field) => fields.TryGetValue(field, out Field? f)
        ? f
        : throw new ArgumentException($"{Definition.Name} has no field {field}", nameof(field));
}
