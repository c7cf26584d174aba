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

    /// <summary>Name of the field with the row of a candidate of a CHECKPOINT.</summary>
    public static string CandidateRow(int candidate) => $"Row{candidate}";

    /// <summary>Name of the field with the remaining cycles of a candidate of a CHECKPOINT.</summary>
    public static string CandidateCycles(int candidate) => $"Remaining{candidate}";

    /// <summary>Width of an on-chip word or tile address.</summary>
    public const int LocalAddressBits = 16;

    /// <summary>Fields of the header, in every command.</summary>
    public static IReadOnlyList<Field> Header { get; } =
    [
        new("Opcode", 0, 8, "Command code."),
        new("PredicateEnable", 8, 1, "1: the command does its work only when its predicate holds. Tokens move in either case."),
        new("PredicateInvert", 9, 1, "1: the work is done when the block is skipped instead of when it is kept."),
        new("PredicateIndex", 10, 6, "Block whose keep bit in the active path is the predicate."),
        new("Wait0", 16, 5, "Token taken before the start: bit 4 enables, bits 3:0 name the semaphore. A semaphore holds at most 255 tokens. The counters take the queue with a quarter of its number (0 to 3 load, 4 to 7 compute, 8 to 11 vector, 12 to 15 store) to be the one that gives its tokens."),
        new("Wait1", 21, 5, "A second token, of another semaphore than Wait0: a command takes one token of each."),
        new("Wait2", 26, 5, "A third token, of a third semaphore."),
        new("ReservedHeader0", 31, 1, "Zero."),
        new("Signal0", 32, 5, "Token given when the command has finished with its buffers."),
        new("Signal1", 37, 5, "Second token; a STORE gives it when memory has acknowledged the data. Another semaphore than Signal0."),
        new("ReservedHeader1", 42, 6, "Zero."),
        new("Tag", 48, 16, "Layer number, for reports; no effect."),
        new("ADynamic", 64, 1, "1: extent A is limited by a dynamic register of the active path."),
        new("ARegister", 65, 4, "Dynamic register of extent A."),
        new("AUnit", 69, 1, "Unit of extent A: 0 input vectors (VectorWidth channels), 1 lane tiles (Lanes channels)."),
        new("ABase", 70, 12, "Position of this command's extent A in the whole axis."),
        new("ACount", 82, 12, "Extent A without a limit; 0: the command has no work to do, its tokens move."),
        new("BDynamic", 94, 1, "1: extent B is limited by a dynamic register of the active path."),
        new("BRegister", 95, 4, "Dynamic register of extent B."),
        new("BUnit", 99, 1, "Unit of extent B, coded like AUnit."),
        new("BBase", 100, 12, "Position of this command's extent B in the whole axis."),
        new("BCount", 112, 12, "Extent B without a limit; 0 as in ACount."),
        new("ReservedHeader2", 124, 4, "Zero."),
    ];

    /// <summary>The commands.</summary>
    public static IReadOnlyList<CommandDefinition> Commands { get; } =
    [
        new("NOP", 0, null, "Does nothing.", [new("ReservedNop0", 128, 64, "Zero."), .. Zeros("ReservedNop", 192)]),
        new("LOAD", 1, Queue.Load, "Reads memory into an on-chip buffer. Loops: BCount x (ACount unless LengthMode) x Rows segments of SegmentBeats (x ACount in LengthMode) beats.",
        [
            new("Destination", 128, 3, "Buffer written, coded as LoadDestination."),
            new("LengthMode", 131, 1, "0: extent A counts segments; 1: extent A multiplies the segment length."),
            new("ReservedLoad0", 132, 4, "Zero."),
            new("PesPerRow", 136, 7, "Columns of the processing-element grid, for the scatter to the input and residual buffers."),
            new("ReservedLoad1", 143, 1, "Zero."),
            new("LocalBase", 144, 16, "First word (input, residual), tile (weight) or entry (parameter) written."),
            new("Address", 160, 40, "Byte address of the first beat, a multiple of the bus width."),
            new("ReservedLoad2", 200, 8, "Zero."),
            new("SegmentBeats", 208, 20, "Beats of one contiguous segment."),
            new("ReservedLoad3", 228, 4, "Zero."),
            new("Rows", 232, 16, "Segments per step of extent A."),
            new("ReservedLoad4", 248, 8, "Zero."),
            new("StrideB", 256, 32, "Bytes between steps of extent B."),
            new("StrideA", 288, 32, "Bytes between steps of extent A."),
            new("StrideRow", 320, 32, "Bytes between segments."),
            new("RowOrigin", 352, 12, "Row, relative to the tile, of the first row loaded."),
            new("ColumnOrigin", 364, 12, "Word column, relative to the tile, of the first word loaded."),
            new("RowWords", 376, 16, "Words loaded per row."),
            new("TileRows", 392, 16, "Rows loaded per step of extent A."),
            new("WindowRows", 408, 12, "Rows that each processing element holds."),
            new("WindowWords", 420, 12, "Words per row that each processing element holds."),
            new("PeRowStep", 432, 12, "Rows between the windows of vertically adjacent processing elements."),
            new("PeColumnStep", 444, 12, "Words between the windows of horizontally adjacent processing elements."),
            new("BlockWords", 456, 16, "Words that one step of extent A takes in the buffer."),
            new("VariantShift", 472, 5, "Bits by which the variant of the active path is shifted and added to Address; 0: the address is the same on every path."),
            new("ReservedLoad5", 477, 35, "Zero."),
        ]),
        new("COMPUTE", 2, Queue.Compute, "Multiplies and accumulates a range of lane tiles (extent B) over a range of input vectors (extent A), all kernel taps and all output pixels of the tile; hands sums to the active VECTOR command.",
        [
            new("FirstChunk", 128, 1, "1: sums start from zero."),
            new("LastChunk", 129, 1, "1: this command completes the sums. With a dynamic limit on extent A the one that reaches the limit does so as well."),
            new("Diagonal", 130, 1, "1: each lane tile reads only the input vector that holds its own channels (pooling, depthwise, elementwise)."),
            new("WeightPerTap", 131, 1, "1: a weight tile per kernel tap; 0: one tile for all taps."),
            new("Maximum", 132, 1, "1: diagonal mode keeps the largest tap inside the image instead of adding."),
            new("Replicate", 133, 1, "1: taps outside the image read its nearest pixel instead of contributing nothing."),
            new("WeightScalar", 134, 1, "1: diagonal mode has one weight per tap for all lanes: bytes of the tiles from WeightBase on, the first at ScalarBase, of each tile as many as the largest power of two that fits."),
            new("RowTaps", 135, 1, "1: diagonal mode: each kernel column of the loop is as many neighbouring taps as a word holds vectors, plus one; row k of the weight tile holds those of lane k, with WeightScalar consecutive bytes those of all lanes, one step's from the next's at the smallest power of two that holds them."),
            new("PesPerRow", 136, 7, "Columns of the processing-element grid."),
            new("ReservedCompute1", 143, 1, "Zero."),
            new("InputBase", 144, 16, "First word of the tile in the input buffers."),
            new("WeightBase", 160, 16, "First weight tile."),
            new("TailLanes", 176, 7, "Channels used of the last input vector when extent A is not dynamic; 0: all."),
            new("ReservedCompute2", 183, 1, "Zero."),
            new("ZeroPoint", 184, 8, "Input zero point.", true),
            new("KernelRows", 192, 11, "Kernel rows."),
            new("KernelColumns", 203, 11, "Kernel columns."),
            new("RowStepWords", 214, 16, "Words between output rows: stride rows x window words."),
            new("TapStepWords", 230, 16, "Words between kernel rows: dilation rows x window words."),
            new("ReservedCompute4", 246, 10, "Zero."),
            new("Rows", 256, 12, "Output rows per processing element."),
            new("Columns", 268, 12, "Output columns per processing element."),
            new("ColumnOffset", 280, 6, "Column of the first tap in the window: the part of the tile's origin that is not a whole word."),
            new("ReservedCompute3", 286, 2, "Zero."),
            new("BlockWords", 288, 16, "Words of one input vector plane in the buffer."),
            new("OriginRow", 304, 16, "Image row of the window's row 0 in processing element 0.", true),
            new("OriginColumn", 320, 16, "Image column of the window's column 0 in processing element 0.", true),
            new("PeRowStep", 336, 12, "Image rows between vertically adjacent processing elements."),
            new("PeColumnStep", 348, 12, "Image columns between horizontally adjacent processing elements."),
            new("ImageRows", 360, 16, "Rows of the input image; taps outside contribute nothing."),
            new("ImageColumns", 376, 16, "Columns of the input image."),
            new("RowOffset", 392, 6, "Row of the first tap in the window; only with Replicate."),
            new("ScalarBase", 398, 16, "First weight; only with WeightScalar."),
            new("StrideRows", 414, 9, "Stride in rows."),
            new("StrideColumns", 423, 9, "Stride in columns."),
            new("DilationRows", 432, 10, "Dilation in rows."),
            new("DilationColumns", 442, 10, "Dilation in columns."),
            new("ReservedCompute5", 452, 60, "Zero."),
        ]),
        new("VECTOR", 3, Queue.Vector, "Takes the sums of BCount lane tiles x Rows x Columns pixels: adds the bias, requantises, adds the residual, clamps, and writes the output buffer.",
        [
            new("ResidualEnable", 128, 1, "1: the residual operand is added."),
            new("ResidualSubtract", 129, 1, "1: the residual operand is subtracted."),
            new("Multiply", 130, 1, "1: the sums are multiplied by the residual operand less its zero point; ResidualEnable is 0."),
            new("ResidualOnePixel", 131, 1, "1: the residual operand has one pixel for all."),
            new("ResidualOneChannel", 132, 1, "1: the residual operand has one channel for all."),
            new("TableEnable", 133, 1, "1: results are looked up in the activation table."),
            new("TableSlot", 134, 1, "Half of the activation table."),
            new("CaptureReciprocal", 135, 1, "1: per pixel, keeps the multiplier and shift divided by the sum of lane 0; writes no output."),
            new("UseReciprocal", 136, 1, "1: multiplier and shift per pixel, as captured, instead of per lane."),
            new("ParameterShared", 137, 1, "1: the first parameter entry serves all lane tiles."),
            new("Forward", 138, 1, "1: results go to the input buffers, where a product of the same pixels reads them; OutputBase is a word of the input buffers."),
            new("TrackMaximum", 139, 1, "1: per pixel, keeps the largest result for a softmax that follows. The last lane tile counts TrackLanes channels."),
            new("ReservedVector0", 140, 4, "Zero."),
            new("OutputBase", 144, 16, "First word of the tile in the output buffers."),
            new("ResidualBase", 160, 16, "First word of the tile in the residual buffers."),
            new("ParameterBase", 176, 16, "First entry of the parameter buffer."),
            new("ZeroPoint", 192, 8, "Output zero point.", true),
            new("ClampLow", 200, 8, "Smallest output.", true),
            new("ClampHigh", 208, 8, "Largest output.", true),
            new("ResidualZeroPoint", 216, 8, "Zero point of the residual operand.", true),
            new("ResidualMultiplier", 224, 24, "Multiplier of the residual operand."),
            new("ResidualShift", 248, 6, "Right shift of the residual operand, 1 to 63."),
            new("ReservedVector1", 254, 2, "Zero."),
            new("Rows", 256, 12, "Output rows per processing element."),
            new("Columns", 268, 12, "Output columns per processing element."),
            new("ReservedVector2", 280, 8, "Zero."),
            new("BlockWords", 288, 16, "Words of one channel block in the output and residual buffers."),
            new("RowStepWords", 304, 12, "Words from one row of pixels to the next in the output and residual buffers."),
            new("RowOffsetWords", 316, 12, "Words before the first row of pixels."),
            new("ColumnStep", 328, 6, "Columns of the buffer from one pixel to the next."),
            new("ColumnOffset", 334, 6, "Column of the buffer of the first pixel."),
            new("ResidualBlockWords", 340, 16, "Words of one channel block in the residual buffers."),
            new("TrackLanes", 356, 7, "Channels of the last lane tile; only with TrackMaximum."),
            new("ReservedVector3", 363, 45, "Zero."),
            new("ReservedVector4", 408, 52, "Zero."),
            new("ReservedVector5", 460, 52, "Zero."),
        ]),
        new("ROW", 6, Queue.Vector, "Row operator: softmax, layer normalisation or arg max over the channels of each pixel of a tile in the output buffers, in place. BCount lane tiles x Rows x Columns pixels per pass.",
        [
            new("Function", 128, 2, "Coded as RowFunction."),
            new("Overlap", 130, 1, "1: commands behind it in the vector queue may start while it runs, but for another ROW and for a VECTOR with Forward, CaptureReciprocal or UseReciprocal. Only for softmax with Forward and MaximumKnown, without a table; no command that can be done before it gives its semaphores."),
            new("ReservedRow0", 131, 2, "Zero."),
            new("TableEnable", 133, 1, "1: results are looked up in the activation table."),
            new("TableSlot", 134, 1, "Half of the activation table."),
            new("ReservedRow8", 135, 3, "Zero."),
            new("Forward", 138, 1, "1: results go to the input buffers at ForwardBase instead of back."),
            new("MaximumKnown", 139, 1, "Softmax: 1: the VECTOR command before has tracked the maxima; the first pass is left out."),
            new("ReservedRow9", 140, 4, "Zero."),
            new("OutputBase", 144, 16, "First word of the tile in the output buffers."),
            new("Channels", 160, 16, "Channels of a pixel."),
            new("ParameterBase", 176, 16, "First entry of the parameter buffer: beta, gamma (signed) and shift per channel; layer normalisation only."),
            new("ZeroPoint", 192, 8, "Output zero point.", true),
            new("ClampLow", 200, 8, "Smallest output.", true),
            new("ClampHigh", 208, 8, "Largest output.", true),
            new("ReservedRow1", 216, 8, "Zero."),
            new("ExponentMultiplier", 224, 24, "Softmax: input scale x log2(e) x 2^20."),
            new("ReservedRow2", 248, 8, "Zero."),
            new("Rows", 256, 12, "Output rows per processing element."),
            new("Columns", 268, 12, "Output columns per processing element."),
            new("ReservedRow3", 280, 8, "Zero."),
            new("BlockWords", 288, 16, "Words of one channel block in the output buffers."),
            new("RowStepWords", 304, 12, "Words from one row of pixels to the next in the output buffers."),
            new("ReservedRow4", 316, 4, "Zero."),
            new("OutputMultiplier", 320, 24, "Softmax: multiplier of 1 / output scale."),
            new("OutputShift", 344, 6, "Softmax: shift of 1 / output scale, 1 to 24."),
            new("ReservedRow5", 350, 2, "Zero."),
            new("Epsilon", 352, 48, "Layer normalisation: epsilon x channels^2 / input scale^2."),
            new("ForwardBase", 400, 16, "First word of the tile in the input buffers; only with Forward."),
            new("ReservedRow6", 416, 48, "Zero."),
            new("ReservedRow7", 464, 48, "Zero."),
        ]),
        new("STORE", 4, Queue.Store, "Writes the output buffers to memory: for every processing element, ACount channel blocks x rows of words.",
        [
            new("Transpose", 128, 1, "1: blocks of VectorWidth pixels x VectorWidth channels are written with pixels and channels exchanged. Rows counts blocks of pixels; LastWords is of the last channel block."),
            new("ReservedStore0", 129, 7, "Zero."),
            new("PesPerRow", 136, 7, "Columns of the processing-element grid that hold output."),
            new("ReservedStore1", 143, 1, "Zero."),
            new("LocalBase", 144, 16, "First word read."),
            new("Address", 160, 40, "Byte address of the first beat, a multiple of the bus width."),
            new("ReservedStore2", 200, 8, "Zero."),
            new("PeRows", 208, 7, "Rows of the processing-element grid that hold output."),
            new("ReservedStore3", 215, 1, "Zero."),
            new("Rows", 216, 12, "Output rows per processing element."),
            new("LastRows", 228, 12, "Output rows of the last row of processing elements."),
            new("Words", 240, 12, "Words per row of a processing element."),
            new("LastWords", 252, 12, "Words per row of the last column of processing elements."),
            new("PeRowSkip", 264, 7, "Processing elements at the end of a grid row that hold no output."),
            new("ReservedStore4", 271, 17, "Zero."),
            new("StrideA", 288, 32, "Bytes between channel blocks."),
            new("StrideRow", 320, 32, "Bytes between rows."),
            new("StridePeRow", 352, 32, "Bytes between vertically adjacent processing elements."),
            new("StridePeColumn", 384, 32, "Bytes between horizontally adjacent processing elements."),
            new("BlockWords", 416, 16, "Words of one channel block in the buffer."),
            new("RowWords", 432, 12, "Words of one row in the buffer."),
            new("ReservedStore5", 444, 60, "Zero."),
            new("ReservedStore6", 504, 8, "Zero."),
        ]),
        new("END", 5, null, "Ends the program when all queues have drained.", [new("ReservedEnd0", 128, 64, "Zero."), .. Zeros("ReservedEnd", 192)]),
        new("CHECKPOINT", 7, null, "In a program with a budget: goes on with the first of its candidates, rows of the path table, whose remaining cycles still fit into the budget. It takes the same time whatever it chooses, with a budget and without. A row that was never written or is withdrawn is no candidate.",
        [
            new("From", 128, 32, "Rows that agree on all that lies before this command, a bit per row; while another one is active the command does nothing."),
            new("Number", 160, 8, "Number of the checkpoint, for the record."),
            new("Count", 168, 4, "Candidates, 1 to 8."),
            new("Continues", 172, 1, "1: the candidates go on from those of the CHECKPOINT before; nothing is done where that one has chosen."),
            new("Fallback", 173, 1, "1: where nothing fits, the last candidate is chosen."),
            new("ReservedCheckpoint0", 174, 18, "Zero."),
            .. Enumerable.Range(0, CheckpointCandidates).SelectMany(i => new Field[]
            {
                new(CandidateRow(i), 192 + (40 * i), 8, $"Row of candidate {i}."),
                new(CandidateCycles(i), 200 + (40 * i), 32, "Cycles from this command to the end of the program on that row."),
            }),
        ]),
    ];

    /// <summary>Enumerations.</summary>
    public static IReadOnlyList<EnumDefinition> Enums { get; } =
    [
        new("LoadDestination", 3, "Buffer that a LOAD writes.",
        [
            new("Input", 0, "Input buffers of the processing elements (scatter)."),
            new("Residual", 1, "Residual buffers of the processing elements (scatter)."),
            new("Weight", 2, "Weight buffer, tile after tile."),
            new("Parameter", 3, "Bias and scale entries, one per lane tile."),
            new("Command", 4, "Command buffer: the next program block."),
            new("Table", 5, "Activation table, beat after beat."),
        ]),
        new("RowFunction", 2, "What a ROW command computes.",
        [
            new("Softmax", 0, "Softmax."),
            new("LayerNorm", 1, "Layer normalisation."),
            new("ArgMax", 2, "Index of the largest channel."),
        ]),
        new("ErrorCode", 4, "Why a program stopped.",
        [
            new("None", 0, "No error."),
            new("BadOpcode", 1, "The opcode, the destination of a LOAD or the function of a ROW is not defined."),
            new("BadAddress", 2, "A command reaches beyond MemoryLimit or beyond the address bits of the port."),
            new("ReadSlave", 3, "A read was answered with SLVERR."),
            new("WriteSlave", 4, "A write was answered with SLVERR."),
            new("BadHash", 5, "ProgramHash differs from ConfigHash when the program starts."),
            new("ReadDecode", 6, "A read was answered with DECERR: nothing is at the address."),
            new("WriteDecode", 7, "A write was answered with DECERR: nothing is at the address."),
            new("Misaligned", 8, "The program's address is no multiple of a command, or an address or stride of a command no multiple of the bus width."),
            new("NothingToCount", 9, "A count of a command that has work to do, other than its extents, is zero."),
            new("Aborted", 10, "Control.Abort ended the program."),
            new("Timeout", 11, "Nothing moved for ProgressTimeout cycles."),
            new("BadPath", 12, "PathSelect names a row of the path table that was never written or is withdrawn, when the program starts."),
        ]),
    ];

    /// <summary>Registers of the AXI4-Lite slave.</summary>
    public static IReadOnlyList<Register> Registers { get; } =
    [
        new("Id", 0x000, Access.ReadOnly, 0x41434347, "Identification, the letters ACCG."),
        new("IsaVersion", 0x004, Access.ReadOnly, Version, "Version of the command format."),
        new("ConfigHashLow", 0x008, Access.ReadOnly, 0, "Hash of the configuration, low word; the value belongs to the build."),
        new("ConfigHashHigh", 0x00C, Access.ReadOnly, 0, "Hash of the configuration, high word; the value belongs to the build."),
        new("Control", 0x010, Access.WriteOnly, 0, "One bit at a time. Bit 0 Start: runs the program; refused while one runs. Bit 1 Clear: forgets done, the error and both interrupt bits, and empties all queues; refused while a program runs. Bit 2 Abort: ends the running program with the error Aborted; no effect while none runs."),
        new("Status", 0x014, Access.ReadOnly, 0, "Bit 0 running, bit 1 done, bit 2 error, bit 3 stopping: after an error, an abort or a timeout the bursts on the bus are being completed."),
        new("InterruptEnable", 0x018, Access.ReadWrite, 0, "Bit 0: the interrupt is InterruptStatus.Done; bit 1: or InterruptStatus.Error."),
        new("PathSelect", 0x01C, Access.ReadWrite, 0, "Row of the path table that the next program start uses; a row that does not exist is refused."),
        new("ProgramLow", 0x020, Access.ReadWrite, 0, "Byte address of the first program block, low word; the whole block is fetched, so that it lies below MemoryLimit."),
        new("ProgramHigh", 0x024, Access.ReadWrite, 0, "Byte address of the first program block, high word."),
        new("ProgramHashLow", 0x028, Access.ReadWrite, 0, "Configuration hash that the program was compiled for, low word."),
        new("ProgramHashHigh", 0x02C, Access.ReadWrite, 0, "Configuration hash that the program was compiled for, high word."),
        new("MemoryLimitLow", 0x030, Access.ReadWrite, 0xFFFFFFFF, "First byte address beyond the memory, low word; for the next program start."),
        new("MemoryLimitHigh", 0x034, Access.ReadWrite, 0xFF, "First byte address beyond the memory, high word; for the next program start."),
        new("Error", 0x038, Access.ReadOnly, 0, "Bits 3:0 error code, bits 5:4 queue, bits 31:16 tag of the command."),
        new("QueueState", 0x03C, Access.ReadOnly, 0, "Per queue a byte, load first: bit 0 command present, bit 1 at work on it or waiting for a token, bits 7:4 first semaphore it lacks plus 1 modulo 16 when bit 2 is set."),
        new("CommandsDispatched", 0x040, Access.ReadOnly, 0, "Commands dispatched since the start."),
        new("InterruptStatus", 0x044, Access.WriteOneToClear, 0, "Bit 0 Done: a program ended; bit 1 Error: a program ended with an error. Writing a one clears the bit."),
        new("ProgressTimeout", 0x048, Access.ReadWrite, 0, "Cycles without a beat, a dispatch, a start or an end of a command after which a program is ended with the error Timeout; 0: never. It acts at once, also on the running program."),
        new("Budget", 0x04C, Access.ReadWrite, 0, "Cycles that a program may take, for the next program start; 0: no budget. CHECKPOINT commands choose by it."),
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

    /// <summary>Byte offset of the counter window: 8 bytes per counter. Reading the low word keeps the high word of the same moment for the next read.</summary>
    public const int CounterBase = 0x200;

    /// <summary>Byte offset of the path table.</summary>
    public const int PathTableBase = 0x1000;

    /// <summary>Byte offset of the variant in a row of the path table: which of several parameters layers take, in the low eight bits.</summary>
    public const int PathVariantOffset = 0x08;

    /// <summary>
    /// Byte offset of the withdrawal in a row of the path table. Bit 0: the row is being rewritten, no program starts on it and no
    /// CHECKPOINT chooses it. While a program with a budget runs, only the words of withdrawn rows can be written.
    /// </summary>
    public const int PathWithdrawnOffset = 0x0C;

    /// <summary>Bytes of a row of the path table: two words of keep bits, the variant, the withdrawal, 12 reserved, then 16 dynamic registers.</summary>
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
            "issuing work", "waiting for a token of the load queue", "waiting for a token or sums of the compute queue",
            "waiting for a token or readiness of the vector queue", "waiting for a token of the store queue",
            "waiting for the memory", "without a command",
        ];
        foreach (Queue queue in Enum.GetValues<Queue>())
        {
            for (int category = 0; category < CycleCategories.Count; category++)
                list.Add(new Counter($"{queue}{CycleCategories[category]}", list.Count, $"Cycles of the {queue.ToString().ToLowerInvariant()} queue {docs[category]}."));
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
