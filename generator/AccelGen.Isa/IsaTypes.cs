namespace AccelGen.Isa;

/// <summary>A bit field of a command.</summary>
/// <param name="Name">UpperCamelCase name, unique in its command.</param>
/// <param name="Lsb">Position of the least significant bit in the 512-bit command.</param>
/// <param name="Width">Width in bits, 1 to 64.</param>
/// <param name="Doc">What the field means, with its unit.</param>
/// <param name="Signed">Two's complement when true.</param>
public record Field(string Name, int Lsb, int Width, string Doc, bool Signed = false)
{
    /// <summary>Position of the most significant bit.</summary>
    public int Msb => Lsb + Width - 1;

    /// <summary>Smallest value that the field holds.</summary>
    public long Min => Signed ? -(1L << (Width - 1)) : 0;

    /// <summary>Largest value that the field holds.</summary>
    public long Max =>
        Signed ? (1L << (Width - 1)) - 1
        : Width == 64 ? long.MaxValue
        : (1L << Width) - 1;

    /// <summary>Bits of the field, all of them set, from bit 0.</summary>
    public ulong Mask => Width == 64 ? ulong.MaxValue : (1UL << Width) - 1;

    /// <summary>A value as the bits of the field, from bit 0.</summary>
    /// <param name="owner">Command or entry that the field is of, for the message.</param>
    /// <param name="value">Value.</param>
    /// <exception cref="FieldRangeException">The value does not fit.</exception>
    public ulong Encode(string owner, long value) =>
        value < Min || value > Max ? throw new FieldRangeException(owner, this, value) : (ulong)value & Mask;
}

/// <summary>A command: an opcode and the fields that follow the common header.</summary>
/// <param name="Name">Name in upper case.</param>
/// <param name="Opcode">Value of the opcode field.</param>
/// <param name="Queue">Queue that executes it, or null when the command processor does.</param>
/// <param name="Doc">What the command does.</param>
/// <param name="Fields">Fields beyond the common header, which ends at <see cref="IsaDefinition.HeaderBits"/>.</param>
public sealed record CommandDefinition(string Name, int Opcode, Queue? Queue, string Doc, IReadOnlyList<Field> Fields);

/// <summary>A named value of an enumeration.</summary>
public sealed record EnumValue(string Name, int Value, string Doc);

/// <summary>An enumeration shared by RTL, C# and C.</summary>
/// <param name="Name">UpperCamelCase name.</param>
/// <param name="Width">Width in bits.</param>
/// <param name="Doc">What the enumeration is for.</param>
/// <param name="Values">Values in increasing order.</param>
public sealed record EnumDefinition(string Name, int Width, string Doc, IReadOnlyList<EnumValue> Values);

/// <summary>How software may use a register.</summary>
public enum Access
{
    /// <summary>Read only.</summary>
    ReadOnly,

    /// <summary>Read and write.</summary>
    ReadWrite,

    /// <summary>Writing ones acts; reads as zero.</summary>
    WriteOnly,

    /// <summary>Read; writing ones clears the bits.</summary>
    WriteOneToClear,
}

/// <summary>A 32-bit register of the AXI4-Lite slave.</summary>
/// <param name="Name">UpperCamelCase name.</param>
/// <param name="Offset">Byte offset, a multiple of 4.</param>
/// <param name="Access">How software may use it.</param>
/// <param name="Reset">Value after reset; the build's own value where <paramref name="Doc"/> says so.</param>
/// <param name="Doc">What it holds, with its unit.</param>
public sealed record Register(string Name, int Offset, Access Access, uint Reset, string Doc);

/// <summary>A performance counter: 48 bits, cleared when a program starts.</summary>
/// <param name="Name">UpperCamelCase name.</param>
/// <param name="Index">Position in the counter window.</param>
/// <param name="Doc">What is counted, with its unit.</param>
public sealed record Counter(string Name, int Index, string Doc);

/// <summary>The four queues of the command processor; the value is the producer code of a semaphore.</summary>
public enum Queue
{
    /// <summary>Memory to buffers.</summary>
    Load = 0,

    /// <summary>Multiply-accumulate.</summary>
    Compute = 1,

    /// <summary>Post-processing.</summary>
    Vector = 2,

    /// <summary>Buffers to memory.</summary>
    Store = 3,
}
