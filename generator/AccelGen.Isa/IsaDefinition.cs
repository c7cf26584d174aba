namespace AccelGen.Isa;

/// <summary>
/// The one table of the instruction set: commands, fields, enumerations, registers, counters and error codes. The
/// SystemVerilog package, the C# codec, the C header and the reference manual are all rendered from it.
/// </summary>
public static class IsaDefinition
{
    /// <summary>Version of the command format; a program carries it.</summary>
    public const int Version = 5;

    /// <summary>Bits of a command.</summary>
    public const int CommandBits = 512;

    /// <summary>Bytes of a command in memory, little-endian.</summary>
    public const int CommandBytes = CommandBits / 8;

    /// <summary>Bits of the header that all commands share.</summary>
    public const int HeaderBits = 128;

    /// <summary>Number of semaphores; the two upper bits of an index name the producing queue.</summary>
    public const int Semaphores = 16;

    /// <summary>Block predicates of a path.</summary>
    public const int Predicates = 64;

    /// <summary>Candidates of one CHECKPOINT command.</summary>
    public const int CheckpointCandidates = 8;

    /// <summary>Width of an on-chip word or tile address.</summary>
    public const int LocalAddressBits = 16;

    /// <summary>The command that does nothing.</summary>
    public static CommandDefinition Nop { get; } =
        new("NOP", 0, null, "Does nothing.", [new("ReservedNop0", 128, 64, "Zero."), .. Zeros("ReservedNop", 192)]);

    /// <summary>The command that ends a program.</summary>
    public static CommandDefinition End { get; } =
        new(
            "END",
            5,
            null,
            "Ends the program when all queues have drained.",
            [new("ReservedEnd0", 128, 64, "Zero."), .. Zeros("ReservedEnd", 192)]
        );

    /// <summary>The commands.</summary>
    public static IReadOnlyList<CommandDefinition> Commands { get; } =
    [
        Nop,
        LoadCommand.Definition,
        ComputeCommand.Definition,
        VectorCommand.Definition,
        RowCommand.Definition,
        StoreCommand.Definition,
        End,
        CheckpointCommand.Definition,
    ];

    /// <summary>Enumerations.</summary>
    public static IReadOnlyList<EnumDefinition> Enums { get; } =
    [
        new(
            "LoadDestination",
            3,
            "Buffer that a LOAD writes.",
            [
                new("Input", 0, "Input buffers of the processing elements (scatter)."),
                new("Residual", 1, "Residual buffers of the processing elements (scatter)."),
                new("Weight", 2, "Weight buffer, tile after tile."),
                new("Parameter", 3, "Bias and scale entries, one per lane tile."),
                new("Command", 4, "Command buffer: the next program block."),
                new("Table", 5, "Activation table, beat after beat."),
            ]
        ),
        new(
            "RowFunction",
            2,
            "What a ROW command computes.",
            [new("Softmax", 0, "Softmax."), new("LayerNorm", 1, "Layer normalisation."), new("ArgMax", 2, "Index of the largest channel.")]
        ),
        new(
            "ErrorCode",
            4,
            "Why a program stopped.",
            [
                new("None", 0, "No error."),
                new("BadOpcode", 1, "The opcode, the destination of a LOAD or the function of a ROW is not defined."),
                new("BadAddress", 2, "A command reaches beyond MemoryLimit or beyond the address bits of the port."),
                new("ReadSlave", 3, "A read was answered with SLVERR."),
                new("WriteSlave", 4, "A write was answered with SLVERR."),
                new("BadHash", 5, "ProgramHash differs from ConfigHash when the program starts."),
                new("ReadDecode", 6, "A read was answered with DECERR: nothing is at the address."),
                new("WriteDecode", 7, "A write was answered with DECERR: nothing is at the address."),
                new(
                    "Misaligned",
                    8,
                    "The program's address is no multiple of a command, or an address or stride of a command no multiple of the bus width."
                ),
                new("NothingToCount", 9, "A count of a command that has work to do, other than its extents, is zero."),
                new("Aborted", 10, "Control.Abort ended the program."),
                new("Timeout", 11, "Nothing moved for ProgressTimeout cycles."),
                new(
                    "BadPath",
                    12,
                    "PathSelect names a row of the path table that was never written or is withdrawn, when the program starts."
                ),
            ]
        ),
    ];

    /// <summary>Registers of the AXI4-Lite slave.</summary>
    public static IReadOnlyList<Register> Registers { get; } =
    [
        new("Id", 0x000, Access.ReadOnly, 0x41434347, "Identification, the letters ACCG."),
        new("IsaVersion", 0x004, Access.ReadOnly, Version, "Version of the command format."),
        new("ConfigHashLow", 0x008, Access.ReadOnly, 0, "Hash of the configuration, low word; the value belongs to the build."),
        new("ConfigHashHigh", 0x00C, Access.ReadOnly, 0, "Hash of the configuration, high word; the value belongs to the build."),
        new(
            "Control",
            0x010,
            Access.WriteOnly,
            0,
            "One bit at a time. Bit 0 Start: runs the program; refused while one runs. Bit 1 Clear: forgets done, the "
                + "error and both interrupt bits, and empties all queues; refused while a program runs. Bit 2 Abort: "
                + "ends the running program with the error Aborted; no effect while none runs."
        ),
        new(
            "Status",
            0x014,
            Access.ReadOnly,
            0,
            "Bit 0 running, bit 1 done, bit 2 error, bit 3 stopping: after an error, an abort or a timeout the bursts "
                + "on the bus are being completed."
        ),
        new(
            "InterruptEnable",
            0x018,
            Access.ReadWrite,
            0,
            "Bit 0: the interrupt is InterruptStatus.Done; bit 1: or InterruptStatus.Error."
        ),
        new(
            "PathSelect",
            0x01C,
            Access.ReadWrite,
            0,
            "Row of the path table that the next program start uses; a row that does not exist is refused."
        ),
        new(
            "ProgramLow",
            0x020,
            Access.ReadWrite,
            0,
            "Byte address of the first program block, low word; the whole block is fetched, so that it lies below MemoryLimit."
        ),
        new("ProgramHigh", 0x024, Access.ReadWrite, 0, "Byte address of the first program block, high word."),
        new("ProgramHashLow", 0x028, Access.ReadWrite, 0, "Configuration hash that the program was compiled for, low word."),
        new("ProgramHashHigh", 0x02C, Access.ReadWrite, 0, "Configuration hash that the program was compiled for, high word."),
        new(
            "MemoryLimitLow",
            0x030,
            Access.ReadWrite,
            0xFFFFFFFF,
            "First byte address beyond the memory, low word; for the next program start."
        ),
        new(
            "MemoryLimitHigh",
            0x034,
            Access.ReadWrite,
            0xFF,
            "First byte address beyond the memory, high word; for the next program start."
        ),
        new("Error", 0x038, Access.ReadOnly, 0, "Bits 3:0 error code, bits 5:4 queue, bits 31:16 tag of the command."),
        new(
            "QueueState",
            0x03C,
            Access.ReadOnly,
            0,
            "Per queue a byte, load first: bit 0 command present, bit 1 at work on it or waiting for a token, bits "
                + "7:4 first semaphore it lacks plus 1 modulo 16 when bit 2 is set."
        ),
        new("CommandsDispatched", 0x040, Access.ReadOnly, 0, "Commands dispatched since the start."),
        new(
            "InterruptStatus",
            0x044,
            Access.WriteOneToClear,
            0,
            "Bit 0 Done: a program ended; bit 1 Error: a program ended with an error. Writing a one clears the bit."
        ),
        new(
            "ProgressTimeout",
            0x048,
            Access.ReadWrite,
            0,
            "Cycles without a beat, a dispatch, a start or an end of a command after which a program is ended with "
                + "the error Timeout; 0: never. It acts at once, also on the running program."
        ),
        new(
            "Budget",
            0x04C,
            Access.ReadWrite,
            0,
            "Cycles that a program may take, for the next program start; 0: no budget. CHECKPOINT commands choose by it."
        ),
        new("PathActive", 0x050, Access.ReadOnly, 0, "Row of the path table by which the running program, or the last one, goes now."),
        new("Decisions", 0x054, Access.ReadOnly, 0, "Choices of CHECKPOINT commands since the start that are in the record: the first 16."),
    ];

    /// <summary>Byte offset of the record of choices: two words per choice, coded as <see cref="DecisionFields"/>.</summary>
    public const int DecisionBase = 0x100;

    /// <summary>Choices that the record holds.</summary>
    public const int DecisionEntries = 16;

    /// <summary>Fields of a choice in the record.</summary>
    public static IReadOnlyList<Field> DecisionFields { get; } =
    [
        new("Elapsed", 0, 32, "Cycles since the start when the checkpoint was reached; 0xFFFFFFFF: that many or more."),
        new("Number", 32, 8, "Number of the checkpoint."),
        new("Before", 40, 8, "Row that was active."),
        new("After", 48, 8, "Row chosen."),
        new("Fits", 56, 1, "1: the row chosen fits; 0: nothing fitted."),
        new("ReservedDecision", 57, 7, "Zero."),
    ];

    /// <summary>Byte offset of the counter window: 8 bytes per counter. Reading the low word keeps the high word of the same moment for the
    /// next read.</summary>
    public const int CounterBase = 0x200;

    /// <summary>Byte offset of the path table.</summary>
    public const int PathTableBase = 0x1000;

    /// <summary>Byte offset of the variant in a row of the path table: which of several parameters layers take, in the low eight
    /// bits.</summary>
    public const int PathVariantOffset = 0x08;

    /// <summary>
    /// Byte offset of the withdrawal in a row of the path table. Bit 0: the row is being rewritten, no program starts on it and no
    /// CHECKPOINT chooses it. While a program with a budget runs, only the words of withdrawn rows can be written.
    /// </summary>
    public const int PathWithdrawnOffset = 0x0C;

    /// <summary>Bytes of a row of the path table: two words of keep bits, the variant, the withdrawal, 12 reserved, then 16 dynamic
    /// registers.</summary>
    public const int PathRowBytes = 0x80;

    /// <summary>Byte offset of the dynamic registers in a row of the path table.</summary>
    public const int PathExtentOffset = 0x40;

    /// <summary>Fields of a dynamic register in the path table.</summary>
    public static IReadOnlyList<Field> ExtentFields { get; } =
    [
        new("Vectors", 0, 12, "Channels in whole or part vectors: ceil(channels / VectorWidth)."),
        new("Tail", 12, 7, "Channels used of the last vector; 0: all."),
        new("Tiles", 19, 13, "Channels in whole or part lane tiles: ceil(channels / Lanes)."),
    ];

    /// <summary>Per-queue cycle categories; together they cover every cycle from start to done.</summary>
    public static IReadOnlyList<string> CycleCategories { get; } =
    ["Busy", "WaitLoad", "WaitCompute", "WaitVector", "WaitStore", "MemoryStall", "Idle"];

    /// <summary>Most counters that the index of the RTL tells apart.</summary>
    public const int CounterSlots = 32;

    /// <summary>Performance counters.</summary>
    public static IReadOnlyList<Counter> Counters { get; } = BuildCounters();

    private static List<Counter> BuildCounters()
    {
        var list = new List<Counter>
        {
            new("TotalCycles", 0, "Cycles from start to done."),
            new("MacCycles", 1, "Cycles in which the processing elements accumulate."),
            new("ReadBeats", 2, "Read data beats accepted."),
            new("WriteBeats", 3, "Write data beats accepted."),
        };
        string[] docs =
        [
            "issuing work",
            "waiting for a token of the load queue",
            "waiting for a token or sums of the compute queue",
            "waiting for a token or readiness of the vector queue",
            "waiting for a token of the store queue",
            "waiting for the memory",
            "without a command",
        ];
        foreach (Queue queue in Enum.GetValues<Queue>())
        {
            for (int category = 0; category < CycleCategories.Count; category++)
                list.Add(
                    new Counter(
                        $"{queue}{CycleCategories[category]}",
                        list.Count,
                        $"Cycles of the {queue.ToString().ToLowerInvariant()} queue {docs[category]}."
                    )
                );
        }

        return list;
    }

    private static IEnumerable<Field> Zeros(string prefix, int from)
    {
        int index = 1;
        for (int lsb = from; lsb < CommandBits; lsb += 64)
            yield return new Field($"{prefix}{index++}", lsb, 64, "Zero.");
    }
}
