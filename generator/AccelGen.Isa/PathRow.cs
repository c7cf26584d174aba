namespace AccelGen.Isa;

/// <summary>A row of the path table.</summary>
/// <param name="Keep">Keep bit per block; 1 executes the block.</param>
/// <param name="Extents">The sixteen dynamic registers, coded as <see cref="IsaDefinition.ExtentFields"/>.</param>
public sealed record PathRow(ulong Keep, IReadOnlyList<uint> Extents)
{
    /// <summary>Number of dynamic registers in a row.</summary>
    public const int Registers = 16;

    /// <summary>Which of several parameters layers take, 0 to 255.</summary>
    public int Variant { get; init; }

    /// <summary>Address of a LOAD under this path.</summary>
    /// <param name="load">The command.</param>
    public long Address(Command load) => load["Address"] + (load["VariantShift"] is > 0 and long shift ? (long)Variant << (int)shift : 0);

    /// <summary>Codes an extent of channels.</summary>
    /// <param name="channels">Channels kept; 0 skips the work.</param>
    /// <param name="vectorWidth">Channels of an input vector.</param>
    /// <param name="lanes">Channels of a lane tile.</param>
    public static uint EncodeExtent(int channels, int vectorWidth, int lanes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(channels);
        uint vectors = (uint)((channels + vectorWidth - 1) / vectorWidth);
        uint tail = (uint)(channels % vectorWidth);
        uint tiles = (uint)((channels + lanes - 1) / lanes);
        return vectors | (tail << 12) | (tiles << 19);
    }

    /// <summary>Extent A or B of a command under this path: vectors or lane tiles left from the command's base.</summary>
    public int Resolve(Command command, char axis)
    {
        int count = (int)command[$"{axis}Count"];
        if (command[$"{axis}Dynamic"] == 0)
            return count;
        int limit = Limit(command, axis);
        return Math.Clamp(limit - (int)command[$"{axis}Base"], 0, count);
    }

    /// <summary>Whole extent that limits an axis of a command, in the axis's unit.</summary>
    public int Limit(Command command, char axis)
    {
        uint register = Extents[(int)command[$"{axis}Register"]];
        return command[$"{axis}Unit"] == 1 ? (int)(register >> 19) : (int)(register & 0xFFF);
    }

    /// <summary>What is left of a command under this path: two paths by which all of a program's commands resolve alike are one.</summary>
    public ResolvedCommand Resolved(Command command)
    {
        if (Skips(command))
            return new ResolvedCommand(true, 0, 0, false, 0, 0);
        bool chunks = command.Definition.Name == "COMPUTE" && command["ADynamic"] == 1;
        return new ResolvedCommand(false, Resolve(command, 'A'), Resolve(command, 'B'), chunks && (command["LastChunk"] == 1 || command["ABase"] + command["ACount"] >= Limit(command, 'A')),
            chunks ? (int)(Extents[(int)command["ARegister"]] >> 12 & 0x7F) : 0, command.Definition.Name == "LOAD" ? Address(command) : 0);
    }

    /// <summary>Whether a command's work is skipped under this path.</summary>
    public bool Skips(Command command)
    {
        bool keep = ((Keep >> (int)command["PredicateIndex"]) & 1) == 1 ^ command["PredicateInvert"] == 1;
        return (command["PredicateEnable"] == 1 && !keep) || Resolve(command, 'A') == 0 || Resolve(command, 'B') == 0;
    }
}

/// <summary>What the command processor makes of a command.</summary>
/// <param name="Skipped">No work: tokens alone.</param>
/// <param name="A">Extent A.</param>
/// <param name="B">Extent B.</param>
/// <param name="Last">A COMPUTE with a dynamic extent A completes its sums.</param>
/// <param name="Tail">Channels used of its last input vector.</param>
/// <param name="Address">Address of a LOAD.</param>
public readonly record struct ResolvedCommand(bool Skipped, int A, int B, bool Last, int Tail, long Address);
