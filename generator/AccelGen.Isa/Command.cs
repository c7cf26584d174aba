using System.Buffers.Binary;
using System.Collections.Frozen;

namespace AccelGen.Isa;

/// <summary>A command in its binary form; its fields are those of the ISA table.</summary>
public sealed class Command
{
    // Fields of each command, the header's among them. Fields of two commands may be equal in all but their text: they are told apart by
    // reference.
    private static readonly FrozenDictionary<object, FrozenSet<object>> FieldsOf = IsaDefinition.Commands.ToFrozenDictionary<
        CommandDefinition,
        object,
        FrozenSet<object>
    >(
        c => c,
        c => Header.Fields.Concat(c.Fields).ToFrozenSet<object>(ReferenceEqualityComparer.Instance),
        ReferenceEqualityComparer.Instance
    );

    private readonly ulong[] words = new ulong[IsaDefinition.CommandBits / 64];
    private readonly FrozenSet<object> fields;

    /// <summary>A command with all fields zero but its opcode.</summary>
    /// <param name="definition">The command's row in the table.</param>
    public Command(CommandDefinition definition)
    {
        Definition = definition;
        fields = FieldsOf[definition];
        this[Header.Opcode] = definition.Opcode;
    }

    private Command(Command other)
    {
        (Definition, fields) = (other.Definition, other.fields);
        other.words.CopyTo(words, 0);
    }

    /// <summary>The command's row in the table.</summary>
    public CommandDefinition Definition { get; }

    /// <summary>A command of its own with the same fields.</summary>
    public Command Copy() => new(this);

    /// <summary>Value of a field, sign-extended when the field is signed.</summary>
    /// <exception cref="ArgumentException">The command has no such field.</exception>
    /// <exception cref="FieldRangeException">The value does not fit.</exception>
    public long this[Field field]
    {
        get
        {
            Own(field);
            int word = field.Lsb / 64,
                shift = field.Lsb % 64;
            ulong value = words[word] >> shift;
            if (shift + field.Width > 64)
                value |= words[word + 1] << (64 - shift);
            value &= field.Mask;
            return field.Signed ? (long)(value << (64 - field.Width)) >> (64 - field.Width) : (long)value;
        }
        set
        {
            Own(field);
            ulong mask = field.Mask,
                bits = field.Encode(Definition.Name, value);
            int word = field.Lsb / 64,
                shift = field.Lsb % 64;
            words[word] = (words[word] & ~(mask << shift)) | (bits << shift);
            if (shift + field.Width > 64)
            {
                int low = 64 - shift;
                words[word + 1] = (words[word + 1] & ~(mask >> low)) | (bits >> low);
            }
        }
    }

    /// <summary>Whether a flag is set.</summary>
    /// <exception cref="ArgumentException">The command has no such field.</exception>
    public bool this[Flag flag]
    {
        get => this[(Field)flag] == 1;
        set => this[(Field)flag] = value ? 1 : 0;
    }

    /// <summary>Semaphore whose token the command takes or gives, or null.</summary>
    /// <exception cref="ArgumentException">The command has no such field.</exception>
    /// <exception cref="FieldRangeException">There is no such semaphore.</exception>
    public int? this[TokenField token]
    {
        get => this[(Field)token] is var value && (value & TokenField.Enable) != 0 ? (int)(value & ~TokenField.Enable) : null;
        set =>
            this[(Field)token] = value is int semaphore
                ? TokenField.Enable + (semaphore is >= 0 and < TokenField.Enable ? semaphore : TokenField.Enable)
                : 0;
    }

    /// <summary>Value of a field whose values have names.</summary>
    /// <param name="field">Field.</param>
    /// <exception cref="ArgumentException">The command has no such field.</exception>
    public T Get<T>(EnumField<T> field)
        where T : struct, Enum => (T)Enum.ToObject(typeof(T), this[(Field)field]);

    /// <summary>Sets a field whose values have names.</summary>
    /// <param name="field">Field.</param>
    /// <param name="value">Value.</param>
    /// <exception cref="ArgumentException">The command has no such field.</exception>
    public void Set<T>(EnumField<T> field, T value)
        where T : struct, Enum => this[(Field)field] = Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Whether it is this command of the table.</summary>
    /// <param name="definition">Row of the table.</param>
    public bool Is(CommandDefinition definition) => ReferenceEquals(Definition, definition);

    /// <summary>Whether it is a LOAD of the next commands of a program.</summary>
    public bool Fetches => Is(LoadCommand.Definition) && Get(LoadCommand.Destination) == LoadDestination.Command;

    /// <summary>A LOAD of the next commands of a program.</summary>
    /// <param name="address">Byte address of the first.</param>
    /// <param name="beats">Beats of all of them.</param>
    public static Command Fetch(long address, long beats)
    {
        var load = new Command(LoadCommand.Definition)
        {
            [Header.A.Count] = 1,
            [Header.B.Count] = 1,
            [LoadCommand.Rows] = 1,
            [LoadCommand.Address] = address,
            [LoadCommand.SegmentBeats] = beats,
        };
        load.Set(LoadCommand.Destination, LoadDestination.Command);
        return load;
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
        CommandDefinition definition =
            IsaDefinition.Commands.FirstOrDefault(c => c.Opcode == opcode)
            ?? throw new ArgumentException($"opcode {opcode} is not defined");
        var command = new Command(definition);
        for (int i = 0; i < command.words.Length; i++)
            command.words[i] = BinaryPrimitives.ReadUInt64LittleEndian(source[(8 * i)..]);
        return command;
    }

    /// <inheritdoc/>
    public override string ToString() =>
        Definition.Name
        + " "
        + string.Join(
            " ",
            Header
                .Fields.Concat(Definition.Fields)
                .Where(f => f != Header.Opcode && !f.Name.StartsWith("Reserved", StringComparison.Ordinal) && this[f] != 0)
                .Select(f => $"{f.Name}={this[f]}")
        );

    private void Own(Field field)
    {
        if (!fields.Contains(field))
            throw new ArgumentException($"{Definition.Name} has no field {field.Name} of another command", nameof(field));
    }
}
