using AccelGen.Config;
using AccelGen.Isa;
using AccelGen.Network.Quantized;

namespace AccelGen.Compiler;

/// <summary>A layer in a program.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="FirstCommand">Index of its first command.</param>
/// <param name="EndCommand">Index after its last command.</param>
/// <param name="Tiling">How it is cut up; null when it needs no commands.</param>
/// <param name="FlatRowPixels">When the image runs as one row of pixels: pixels of an image row in it; else 0.</param>
public sealed record CompiledLayer(QuantizedLayer Layer, int FirstCommand, int EndCommand, Tiling? Tiling, int FlatRowPixels)
{
    /// <summary>
    /// Layer whose commands compute this one together with itself, or null. Commands of its own are then for paths that
    /// skip that layer.
    /// </summary>
    public int? FusedInto { get; init; }

    /// <summary>The output goes to memory; that of a layer fused with its reader does not.</summary>
    public bool InMemory { get; init; } = true;

    /// <summary>
    /// Its commands alternate, strip by strip, with those of the layer that it is fused into, and are in that one's range: it
    /// has tiles of its own.
    /// </summary>
    public bool Alternates => FusedInto is not null && Tiling is not null && EndCommand == FirstCommand;

    /// <summary>Where an output element is computed.</summary>
    /// <param name="config">Configuration.</param>
    /// <param name="output">Shape of the output.</param>
    /// <param name="computed">Shape before pixels and channels are exchanged.</param>
    /// <param name="row">Row in the output.</param>
    /// <param name="column">Column in the output.</param>
    /// <param name="channel">Channel in the output.</param>
    public (int Tile, int Pe, int Lane) Locate(
        AcceleratorConfig config,
        TensorShape output,
        TensorShape computed,
        int row,
        int column,
        int channel
    )
    {
        if (Tiling is null)
            return (0, 0, channel % config.Array.Lanes);
        if (Layer.TransposeOutput)
            (row, column, channel) = (channel / computed.Width, channel % computed.Width, column);
        if (Layer is ResizeLayer resize)
            (row, column, computed) = (
                row / resize.Up.Rows,
                column / resize.Up.Columns,
                computed with
                {
                    Height = computed.Height / resize.Up.Rows,
                    Width = computed.Width / resize.Up.Columns,
                }
            );
        output = computed;
        (int y, int x, int width) =
            FlatRowPixels > 0 ? (0, (row * FlatRowPixels) + column, output.Height * FlatRowPixels) : (row, column, output.Width);
        int tileRows = Tiling.PeRows * Tiling.Rows,
            tileColumns = Tiling.PeColumns * Tiling.Columns;
        int tilesX = (width + tileColumns - 1) / tileColumns;
        int pe = (y % tileRows / Tiling.Rows * Tiling.PeColumns) + (x % tileColumns / Tiling.Columns);
        return ((y / tileRows * tilesX) + (x / tileColumns), pe, channel % config.Array.Lanes);
    }
}

/// <summary>A keep bit that the host derives from the blocks of a path.</summary>
/// <param name="Bit">Index of the bit.</param>
/// <param name="Kept">Block that must be kept.</param>
/// <param name="Other">Another block.</param>
/// <param name="OtherKept">Whether that must be kept, or skipped.</param>
public sealed record PathCondition(int Bit, int Kept, int Other, bool OtherKept)
{
    /// <summary>Whether the condition holds for the keep bits of the blocks.</summary>
    public bool Holds(ulong blocks) => ((blocks >> Kept) & 1) == 1 && ((blocks >> Other) & 1) == 1 == OtherKept;
}

/// <summary>A program: commands, memory image, and where each tensor lies.</summary>
public sealed record CompiledProgram
{
    /// <summary>Configuration that the program runs on; its hash is checked at the start.</summary>
    public required AcceleratorConfig Config { get; init; }

    /// <summary>Network that was compiled.</summary>
    public required QuantizedNetwork Network { get; init; }

    /// <summary>Commands in program order, padded to whole blocks.</summary>
    public required IReadOnlyList<Command> Commands { get; init; }

    /// <summary>Byte address of the first command.</summary>
    public required long ProgramAddress { get; init; }

    /// <summary>Initial memory from address 0: commands, weights, bias and scales; tensors follow it.</summary>
    public required byte[] Image { get; init; }

    /// <summary>Bytes of memory that the program needs.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Layers in order.</summary>
    public required IReadOnlyList<CompiledLayer> Layers { get; init; }

    /// <summary>Layout of each tensor; a folded network input has the layout of its folded form.</summary>
    public required IReadOnlyList<TensorLayout> Tensors { get; init; }

    /// <summary>Folded inputs: the host writes kernel rows as channels (see docs/decisions).</summary>
    public required IReadOnlyDictionary<int, InputFolding> Folded { get; init; }

    /// <summary>Memory of the tensors and for how long each needs it.</summary>
    public MemoryPlan? Memory { get; init; }

    /// <summary>Keep bits beyond those of the blocks.</summary>
    public IReadOnlyList<PathCondition> Conditions { get; init; } = [];

    /// <summary>How its CHECKPOINT commands choose, or null: it has none.</summary>
    public BudgetTable? Budget { get; init; }

    /// <summary>
    /// Indices of the commands that compute a layer and what is fused into it. Of layers that alternate each has its own, by
    /// their tags; what fetches the program meanwhile is the last one's.
    /// </summary>
    public IEnumerable<int> CommandsOf(int layer)
    {
        bool alternates = Layers[layer].Alternates;
        CompiledLayer range = Layers[alternates ? Layers[layer].FusedInto!.Value : layer];
        int[] others = [.. Enumerable.Range(0, Layers.Count).Where(l => Layers[l].Alternates && Layers[l].FusedInto == layer)];
        return Enumerable
            .Range(range.FirstCommand, range.EndCommand - range.FirstCommand)
            .Where(i =>
            {
                bool fetches = Commands[i].Fetches;
                return alternates
                    ? !fetches && Commands[i][Header.Tag] == layer
                    : fetches || !others.Contains((int)Commands[i][Header.Tag]);
            });
    }

    /// <summary>A layer with the tiles in which a path computes its results: those of the layer whose commands do.</summary>
    public CompiledLayer Place(CompiledLayer layer, PathRow path) =>
        layer is { FusedInto: int by, Alternates: false }
        && !Enumerable
            .Range(layer.FirstCommand, layer.EndCommand - layer.FirstCommand)
            .Any(c => Commands[c].Definition.Queue == Queue.Vector && !path.Skips(Commands[c]))
            ? layer with
            {
                Tiling = Layers[by].Tiling,
                FlatRowPixels = Layers[by].FlatRowPixels,
            }
            : layer;

    /// <summary>
    /// What is left of a command under a path; parameters that differ from path to path count by what they hold, not by where they
    /// lie: two paths of other variants agree on a layer whose parameters are the same in both.
    /// </summary>
    /// <param name="row">Row of the path table.</param>
    /// <param name="command">Command of the program.</param>
    public (ResolvedCommand Command, string Parameters) Resolve(PathRow row, Command command)
    {
        ResolvedCommand resolved = row.Resolved(command);
        if (resolved.Skipped || !command.Is(LoadCommand.Definition) || command[LoadCommand.VariantShift] == 0)
            return (resolved, string.Empty);
        // One segment, as all loads of parameters.
        int bytes = (int)command[LoadCommand.SegmentBeats] * Config.Derived.BeatBytes;
        return (resolved with { Address = 0 }, Convert.ToBase64String(Image, (int)resolved.Address, bytes));
    }

    /// <summary>Row of the path table for a path.</summary>
    public PathRow Row(ExecutionPath path)
    {
        ulong keep = ulong.MaxValue;
        foreach (int block in path.SkippedBlocks)
            keep &= ~(1UL << block);
        ulong blocks = keep;
        foreach (PathCondition condition in Conditions)
            keep = condition.Holds(blocks) ? keep | (1UL << condition.Bit) : keep & ~(1UL << condition.Bit);
        uint[] extents = new uint[PathRow.Registers];
        for (int i = 0; i < extents.Length; i++)
        {
            extents[i] = path.Extents.TryGetValue(i, out int channels)
                ? PathRow.EncodeExtent(channels, Config.Array.VectorWidth, Config.Array.Lanes)
                : 0xFFF | (0x1FFFu << 19);
        }

        // A register that keeps everything must hold the true extent: the last chunk is recognised by it.
        foreach (QuantizedLayer layer in Network.Layers)
        {
            Default(layer.InputExtent, Tensors[layer.Input].Shape.Batch * Tensors[layer.Input].Shape.Channels);
            TensorShape to = Network.Tensors[layer.Output].Shape;
            Default(layer.HeadExtent, to.Batch * layer.HeadChannels);
            Default(layer.OutputExtent, to.Batch * (layer.TransposeOutput ? to.Width : to.Channels));
        }

        return new PathRow(keep, extents) { Variant = path.Variant };

        void Default(int? register, int channels)
        {
            if (register is int r && !path.Extents.ContainsKey(r))
                extents[r] = PathRow.EncodeExtent(channels, Config.Array.VectorWidth, Config.Array.Lanes);
        }
    }

    /// <summary>Writes a network input into memory.</summary>
    public void WriteInput(int tensor, ReadOnlySpan<sbyte> nhwc, Span<byte> memory)
    {
        if (Folded.TryGetValue(tensor, out InputFolding? folding))
            Tensors[tensor].Pack(Config, folding.Fold(nhwc), memory);
        else
            Tensors[tensor].Pack(Config, nhwc, memory);
    }

    /// <summary>Reads a tensor from memory as NHWC elements.</summary>
    public sbyte[] ReadTensor(int tensor, ReadOnlySpan<byte> memory) => Tensors[tensor].Unpack(Config, memory);
}

/// <summary>
/// Rearrangement of a network input with few channels: pixels that a convolution reads together become channels of one
/// vector. Either the columns of a kernel row, so that a 7x7 convolution over 3 channels runs as a 7x1 convolution over 21; or
/// blocks of pixels between two strides, so that with stride 4 it runs as a 4x2 convolution over blocks of 2x4 pixels.
/// </summary>
/// <param name="Source">Shape of the tensor as the network has it.</param>
/// <param name="Block">Rows and columns of pixels in a vector.</param>
/// <param name="Step">Rows and columns from one vector to the next.</param>
/// <param name="Dilation">Columns from one pixel of a vector to the next.</param>
/// <param name="First">Row and column of the first pixel of the first vector; negative within the padding.</param>
/// <param name="Size">Rows and columns of vectors.</param>
/// <param name="ZeroPoint">Count that stands for padding.</param>
/// <param name="Blocks">Blocks of pixels, padded in rows and columns, instead of the columns of a kernel row.</param>
public sealed record InputFolding(
    TensorShape Source,
    (int Rows, int Columns) Block,
    (int Rows, int Columns) Step,
    int Dilation,
    (int Row, int Column) First,
    (int Rows, int Columns) Size,
    int ZeroPoint,
    bool Blocks
)
{
    /// <summary>Shape of the folded tensor.</summary>
    public TensorShape Shape => new(Source.Batch, Size.Rows, Size.Columns, Block.Rows * Block.Columns * Source.Channels);

    /// <summary>Pixel of the block and channel of the source that a channel of the folded tensor holds.</summary>
    public (int Row, int Column, int Channel) Place(int channel) =>
        (channel / (Block.Columns * Source.Channels), channel / Source.Channels % Block.Columns, channel % Source.Channels);

    /// <summary>Folds NHWC elements.</summary>
    public sbyte[] Fold(ReadOnlySpan<sbyte> nhwc)
    {
        var folded = new sbyte[Shape.Elements];
        folded.AsSpan().Fill((sbyte)ZeroPoint);
        for (int y = 0; y < Size.Rows; y++)
        {
            for (int x = 0; x < Size.Columns; x++)
            {
                for (int pixel = 0; pixel < Block.Rows * Block.Columns; pixel++)
                {
                    int row = First.Row + (y * Step.Rows) + (pixel / Block.Columns),
                        column = First.Column + (x * Step.Columns) + (pixel % Block.Columns * Dilation);
                    if (row >= 0 && row < Source.Height && column >= 0 && column < Source.Width)
                        nhwc.Slice(Source.Index(0, row, column, 0), Source.Channels)
                            .CopyTo(folded.AsSpan(Shape.Index(0, y, x, pixel * Source.Channels)));
                }
            }
        }

        return folded;
    }
}
