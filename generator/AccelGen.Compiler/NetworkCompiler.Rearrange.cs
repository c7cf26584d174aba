using AccelGen.Files;
using AccelGen.Network.Quantized;

namespace AccelGen.Compiler;

/// <summary>
/// Copies for layers that take pixels in other rows than those in which they lie in memory. Rows begin with whole words: an
/// image whose rows end within a word is no row of tokens, and no image of other rows either.
/// </summary>
public sealed partial class NetworkCompiler
{
    // Memory of copies, each for one layer.
    private readonly List<(TensorLayout Layout, int Layer, string Name)> copies = [];

    // Next free provisional address.
    private long provisional;

    // Memory behind all that is given out. A right operand's last lane tile may reach past its rows.
    private TensorLayout Allocate(TensorShape shape, string what)
    {
        TensorLayout layout = TensorLayout.Create(config, shape, provisional);
        CheckMemory(layout.Bytes, $"{what} ({shape})");
        provisional = Align(provisional + layout.Bytes + config.Derived.WeightTileBytes);
        return layout;
    }

    private void RequireCopies(string place, string why)
    {
        if (!config.Units.LaneWise || !config.Units.Residual)
            problems.Add(
                new Fault(
                    FaultCodes.UnitMissing,
                    place,
                    $"{why}, which is a copy and needs units.{(config.Units.LaneWise ? "residual" : "laneWise")}, which "
                        + $"{config.Name} leaves out",
                    $"set units.{(config.Units.LaneWise ? "residual" : "laneWise")} to true"
                )
            );
    }

    // Whether the pixels of two shapes follow each other in memory in the same way.
    private bool SameArrangement(TensorShape a, TensorShape b)
    {
        bool IsRow(TensorShape s) => s.Height == 1 || s.Width % config.Derived.VectorsPerWord == 0;
        return (a.Height, a.Width) == (b.Height, b.Width) || (IsRow(a) && IsRow(b));
    }

    // What a layer reads and writes, in the rows in which it wants it; copied before and after it where it lies in others.
    internal sealed class Rearrangement(NetworkCompiler compiler, QuantizedLayer layer, int index)
    {
        private readonly Dictionary<(long Address, int Height, int Width), TensorLayout> read = [],
            written = [];

        public string Place => $"layer {layer.Name}";

        public List<LayerJob> Before { get; } = [];

        public List<LayerJob> After { get; } = [];

        // Layouts as the layer sees them: views whose pixels lie otherwise in the memory that they share are copies.
        public TensorLayout[] Views(QuantizedNetwork network, TensorLayout[] layouts)
        {
            int[] misfits =
            [
                .. layer
                    .Reads.Append(layer.Output)
                    .Distinct()
                    .Where(t => !compiler.SameArrangement(network.Tensors[t].Shape, network.Tensors[network.Home(t)].Shape)),
            ];
            if (misfits.Length == 0)
                return layouts;
            TensorLayout[] seen = [.. layouts];
            foreach (int t in misfits)
            {
                TensorShape shape = network.Tensors[t].Shape;
                TensorLayout home = layouts[t];
                if (layer.Reads.Contains(t))
                    seen[t] = Read(home, shape.Height, shape.Width);
                // What is changed in place is changed in the copy.
                if (t == layer.Output && layer.Reads.Contains(t))
                    After.AddRange(compiler.Copy(layer, index, seen[t], home));
                else if (t == layer.Output)
                    seen[t] = Write(home, shape.Height, shape.Width);
            }

            return seen;
        }

        // An image as one row of pixels, its tokens in order.
        public TensorLayout ReadRow(TensorLayout t) => Read(t, 1, t.Shape.Height * t.Shape.Width);

        public TensorLayout WriteRow(TensorLayout t) => Write(t, 1, t.Shape.Height * t.Shape.Width);

        // The same pixels in rows of another width, to read.
        public TensorLayout Read(TensorLayout t, int height, int width) =>
            Arranged(t, height, width, read, copy => Before.AddRange(compiler.Copy(layer, index, t, copy)));

        // The same pixels in rows of another width, to write.
        public TensorLayout Write(TensorLayout t, int height, int width) =>
            Arranged(t, height, width, written, copy => After.AddRange(compiler.Copy(layer, index, copy, t)));

        // The memory itself where its pixels lie as they are wanted, or a copy, the same for all that want it.
        private TensorLayout Arranged(
            TensorLayout t,
            int height,
            int width,
            Dictionary<(long, int, int), TensorLayout> known,
            Action<TensorLayout> fill
        )
        {
            if (compiler.SameArrangement(t.Shape, t.Shape with { Height = height, Width = width }))
                return compiler.InRows(t, height, width);
            if (!known.TryGetValue((t.Address, height, width), out TensorLayout? copy))
            {
                known[(t.Address, height, width)] = copy = Copy(t, height, width);
                fill(copy);
            }

            return copy;
        }

        private TensorLayout Copy(TensorLayout t, int height, int width)
        {
            TensorLayout copy = compiler.Allocate(
                t.Shape with
                {
                    Height = height,
                    Width = width,
                },
                $"{Place}: a copy in rows of {width} pixels"
            );
            compiler.copies.Add((copy, index, $"{layer.Name} (copy)"));
            compiler.RequireCopies(Place, $"takes {t.Shape} in rows of {width} pixels");
            return copy;
        }
    }

    // The same memory under other rows.
    private TensorLayout InRows(TensorLayout t, int height, int width) =>
        (height, width) == (t.Shape.Height, t.Shape.Width)
            ? t
            : t with
            {
                Shape = t.Shape with { Height = height, Width = width },
                RowWords = height == 1 ? t.Shape.Height * t.RowWords : width / config.Derived.VectorsPerWord,
            };

    // The pixels of one layout in the rows of another, by way of a single row where both have rows that end within a word.
    private List<LayerJob> Copy(QuantizedLayer layer, int index, TensorLayout from, TensorLayout to)
    {
        TensorShape row = from.Shape with { Height = 1, Width = from.Shape.Height * from.Shape.Width };
        if (SameArrangement(from.Shape, row))
            return FromRow(layer, index, InRows(from, 1, row.Width), to);
        if (SameArrangement(to.Shape, row))
            return ToRow(layer, index, from, InRows(to, 1, row.Width));
        TensorLayout between = Allocate(row, $"layer {layer.Name}: a copy in one row");
        copies.Add((between, index, $"{layer.Name} (row)"));
        return [.. ToRow(layer, index, from, between), .. FromRow(layer, index, between, to)];
    }

    // Image rows put one behind the other. Rows that begin at the same place within a word, every so-manieth one, are one
    // job, or two: where a row begins within a word, that word is added to what the rows before have left in it, whose
    // columns beyond their last pixel are 0.
    private List<LayerJob> ToRow(QuantizedLayer layer, int index, TensorLayout image, TensorLayout row)
    {
        int r = config.Derived.VectorsPerWord,
            width = image.Shape.Width;
        var jobs = new List<LayerJob>();
        for (int phase = 0; phase < Math.Min(r, image.Shape.Height); phase++)
        {
            TensorLayout source = EveryRow(image, phase, r);
            (int word, int offset) = Math.DivRem(phase * width, r);
            if (offset > 0)
            {
                TensorLayout first = Rows(row, word, source.Shape.Height, r, 1, width);
                jobs.Add(Copying(layer, index, source, first, offset) with { Residual = first, ResidualScale = One });
            }

            int from = offset > 0 ? r - offset : 0,
                words = Geometry.Ceil(Math.Max(0, width - from), r);
            if (words > 0)
                jobs.Add(
                    Copying(
                        layer,
                        index,
                        source,
                        Rows(row, offset > 0 ? word + 1 : word, source.Shape.Height, words * r, words, width),
                        -from
                    )
                );
        }

        return jobs;
    }

    // A row of pixels cut into image rows: again those that begin at the same place within a word are one job.
    private List<LayerJob> FromRow(QuantizedLayer layer, int index, TensorLayout row, TensorLayout image)
    {
        int r = config.Derived.VectorsPerWord,
            width = image.Shape.Width;
        var jobs = new List<LayerJob>();
        for (int phase = 0; phase < Math.Min(r, image.Shape.Height); phase++)
        {
            TensorLayout target = EveryRow(image, phase, r);
            (int word, int offset) = Math.DivRem(phase * width, r);
            jobs.Add(
                Copying(
                    layer,
                    index,
                    Rows(row, word, target.Shape.Height, offset + width, Geometry.Ceil(offset + width, r), width),
                    target,
                    -offset
                )
            );
        }

        return jobs;
    }

    // Every so-manieth row of an image, from a first one on.
    private TensorLayout EveryRow(TensorLayout image, int first, int step) =>
        Rows(
            image,
            first * image.RowWords,
            Geometry.Ceil(image.Shape.Height - first, step),
            image.Shape.Width,
            image.RowWords,
            step * image.RowWords
        );

    // Rows in the memory of another layout, from a word on, a number of words apart.
    private TensorLayout Rows(TensorLayout memory, int word, int height, int width, int words, int pitch)
    {
        TensorLayout all = Channels(memory);
        return all with
        {
            Address = all.Address + ((long)word * config.Derived.WordBytes),
            Shape = all.Shape with { Height = height, Width = width },
            RowWords = words,
            RowPitchWords = pitch,
        };
    }

    // Raw values as they are, from a number of columns before the first, which are 0, or behind it.
    private LayerJob Copying(QuantizedLayer layer, int index, TensorLayout from, TensorLayout to, int padLeft) =>
        new()
        {
            Name = layer.Name,
            LayerIndex = index,
            Input = from,
            InputZeroPoint = 0,
            Output = to,
            OutputZeroPoint = 0,
            ClampLow = -128,
            ClampHigh = 127,
            PadLeft = padLeft,
            Padded = true,
            Depthwise = true,
            WeightPerTap = false,
            WeightAddress = AddOnes(),
            ParameterShared = true,
            ParameterAddress = AddSharedParameters(One),
            Block = layer.Block,
            Rearranges = true,
        };
}
