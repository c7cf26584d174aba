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
    public long Address(Command load) =>
        load[LoadCommand.Address] + (load[LoadCommand.VariantShift] is > 0 and long shift ? (long)Variant << (int)shift : 0);

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
    /// <param name="command">Command.</param>
    /// <param name="axis"><see cref="Header.A"/> or <see cref="Header.B"/>.</param>
    public int Resolve(Command command, Axis axis)
    {
        int count = (int)command[axis.Count];
        return command[axis.Dynamic] ? Math.Clamp(Limit(command, axis) - (int)command[axis.Base], 0, count) : count;
    }

    /// <summary>Whole extent that limits an axis of a command, in the axis's unit.</summary>
    /// <param name="command">Command.</param>
    /// <param name="axis"><see cref="Header.A"/> or <see cref="Header.B"/>.</param>
    public int Limit(Command command, Axis axis)
    {
        uint register = Extents[(int)command[axis.Register]];
        return command.Get(axis.Unit) == ExtentUnit.LaneTiles ? (int)(register >> 19) : (int)(register & 0xFFF);
    }

    /// <summary>What is left of a command under this path: two paths by which all of a program's commands resolve alike are one.</summary>
    public ResolvedCommand Resolved(Command command)
    {
        if (Skips(command))
            return new ResolvedCommand(true, 0, 0, false, 0, 0);
        bool chunks = command.Is(ComputeCommand.Definition) && command[Header.A.Dynamic];
        return new ResolvedCommand(
            false,
            Resolve(command, Header.A),
            Resolve(command, Header.B),
            chunks && (command[ComputeCommand.LastChunk] || command[Header.A.Base] + command[Header.A.Count] >= Limit(command, Header.A)),
            chunks ? (int)(Extents[(int)command[Header.A.Register]] >> 12 & 0x7F) : 0,
            command.Is(LoadCommand.Definition) ? Address(command) : 0
        );
    }

    /// <summary>Whether a command's work is skipped under this path.</summary>
    public bool Skips(Command command)
    {
        bool keep = ((Keep >> (int)command[Header.PredicateIndex]) & 1) == 1 ^ command[Header.PredicateInvert];
        return (command[Header.PredicateEnable] && !keep) || Resolve(command, Header.A) == 0 || Resolve(command, Header.B) == 0;
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
