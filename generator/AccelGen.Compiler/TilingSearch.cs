using AccelGen.Config;

namespace AccelGen.Compiler;

/// <summary>Enumerates the legal tilings of a layer, the most promising first.</summary>
internal static class TilingSearch
{
    /// <summary>
    /// Legal tilings of the image, the most promising of each number of tiles; empty when the layer does not fit the
    /// configuration. Few tiles read weights seldom, many tiles let loads and stores overlap with compute.
    /// </summary>
    /// <param name="config">Configuration.</param>
    /// <param name="job">Layer.</param>
    /// <param name="limit">Most tilings returned; <see cref="int.MaxValue"/> returns all, also several with one number of tiles.</param>
    /// <param name="available">Slots where other layers share the input buffers; all of them without it.</param>
    public static IReadOnlyList<Tiling> Candidates(AcceleratorConfig config, LayerJob job, int limit, Slots? available = null)
    {
        List<(Tiling Tiling, long Tiles, long Cost)> found =
        [
            .. Legal(config, job, available ?? new Slots(config)).Where(f => f.Tiles <= MostTiles),
        ];
        return
        [
            .. (limit == int.MaxValue ? found : [.. found.GroupBy(f => f.Tiles).Select(f => f.MinBy(x => x.Cost))])
                .OrderBy(f => f.Cost)
                .Select(f => f.Tiling)
                .Take(limit),
        ];
    }

    // Every tiling that fits, with its number of tiles, however large, and what it seems to cost.
    private static IEnumerable<(Tiling Tiling, long Tiles, long Cost)> Legal(AcceleratorConfig config, LayerJob job, Slots slots)
    {
        int r = config.Derived.VectorsPerWord,
            pes = config.Array.Pes,
            entries = config.Buffers.AccumulatorEntries * (job.Producer is null ? 1 : 4); // three products run in pieces
        int height = job.Output.Shape.Height / job.Up.Rows,
            width = job.Output.Shape.Width / job.Up.Columns;
        // A transposing store takes whole blocks of pixels from each element.
        int unit = (job.Consumer ?? job).Transposed is null ? r : Math.Max(r, config.Array.VectorWidth);
        for (int peColumns = 1; peColumns <= pes; peColumns++)
        {
            int peRows = Math.Min(pes / peColumns, height);
            if (peColumns > 1 && peColumns > Geometry.Ceil(width, r))
                break;
            // Word alignment of the windows of neighbouring elements.
            foreach (int rows in Sizes(Geometry.Ceil(height, peRows), entries, 1))
            {
                foreach (int columns in Sizes(Geometry.Ceil(width, peColumns), entries / rows, unit))
                {
                    if (columns * job.Stride.Columns % r != 0)
                        continue;
                    Tiling? tiling =
                        job.Producer is LayerJob before
                            ? CompleteBottleneck(config, before, job, job.Consumer!, slots, peRows, peColumns, rows, columns)
                        : job.Consumer is LayerJob then ? CompleteChain(config, job, then, slots, peRows, peColumns, rows, columns)
                        : Complete(config, job, slots, peRows, peColumns, rows, columns);
                    if (tiling is null)
                        continue;
                    long tiles = (long)Geometry.Ceil(height, peRows * rows) * Geometry.Ceil(width, peColumns * columns);
                    // Array cycles per lane tile and tap, then traffic: a small tile re-reads weights, a tall narrow one its halo.
                    Geometry g = Geometry.Of(config, job, tiling);
                    long halo =
                        tiles
                        * (((peRows - 1) * rows * job.Stride.Rows) + g.WindowRows)
                        * (((peColumns - 1) * columns * job.Stride.Columns / r) + g.WindowWords);
                    yield return (tiling, tiles, (tiles * rows * columns * 1000) + (tiles * 2000) + (halo * 10));
                }
            }
        }
    }

    // Tiles that two products share: the input of the first and its results fit a quarter of the input buffers.
    private static Tiling? CompleteChain(
        AcceleratorConfig config,
        LayerJob first,
        LayerJob second,
        Slots slots,
        int peRows,
        int peColumns,
        int rows,
        int columns
    )
    {
        int segments = config.Derived.LaneSegments;
        var t = new Tiling(peRows, peColumns, rows, columns, 1, 1, 1);
        Geometry g1 = Geometry.Of(config, first, t),
            g2 = Geometry.Of(config, second, t);
        int blockWords = rows * g1.RowWords,
            scores = Geometry.Ceil(g1.LaneTiles, segments) * blockWords;
        int results = Geometry.Ceil(g2.LaneTiles, segments) * blockWords;
        if (
            ((long)g1.WindowRows * g1.WindowWords * g1.Vectors) + ((long)blockWords * g2.Vectors) > slots.InputWords / 2
            || TilingMisfit.OfFields(first, g1, rows, columns) is not null
        )
            return null;
        int parameters2 = second.ParameterShared ? 1 : g2.LaneTiles;
        if (
            second.SecondResult is not null
            && (
                results > slots.OutputWords / 2
                || (second.SecondResult.Row!.ParameterAddress is not null && parameters2 + g2.LaneTiles > slots.ParameterTiles)
            )
        )
            return null;
        if (
            results > slots.OutputWords
            || (second.Residual is not null && results > slots.ResidualWords)
            || (first.Row is not null && scores > slots.OutputWords)
            || (first.Residual is not null && scores > slots.ResidualWords)
            || (!first.ParameterShared && g1.LaneTiles > slots.ParameterTiles)
            || (!second.ParameterShared && g2.LaneTiles > slots.ParameterTiles)
        )
            return null;
        int taps = first.Kernel.Rows * first.Kernel.Columns;
        return taps * (first.Depthwise ? segments : 1) > slots.CommandTiles
            ? null
            : t with
            {
                GroupTiles = g1.LaneTiles,
                WeightTiles = g1.LaneTiles,
                ChunkVectors = g1.Vectors,
            };
    }

    // Tiles that three products share: input, window and filtered pixels fit a half of the input buffers.
    private static Tiling? CompleteBottleneck(
        AcceleratorConfig config,
        LayerJob before,
        LayerJob first,
        LayerJob second,
        Slots slots,
        int peRows,
        int peColumns,
        int rows,
        int columns
    )
    {
        int segments = config.Derived.LaneSegments,
            r = config.Derived.VectorsPerWord,
            entries = config.Buffers.AccumulatorEntries;
        var t = new Tiling(peRows, peColumns, rows, columns, 1, 1, 1);
        Geometry g1 = Geometry.Of(config, first, t),
            g2 = Geometry.Of(config, second, t),
            g0 = Geometry.OfWindow(config, before, g1);
        int blockWords = rows * g1.RowWords,
            results = Geometry.Ceil(g2.LaneTiles, segments) * blockWords,
            plane = g1.WindowRows * g1.WindowWords;
        if (
            ((long)plane * (g0.Vectors + g1.Vectors)) + ((long)blockWords * g2.Vectors) > slots.InputWords
            || g1.WindowWords * r > entries
            || columns > entries
            || results > slots.OutputWords
            || (second.Residual is not null && results > slots.ResidualWords)
        )
            return null;
        int Entries(LayerJob job, Geometry g) => job.ParameterShared ? 1 : g.LaneTiles;
        if (Entries(before, g0) + Entries(first, g1) > slots.ParameterTiles || Entries(second, g2) > slots.ParameterTiles)
            return null;
        // A row operator takes a tile at a time.
        if (
            second.SecondResult is not null
            && (
                results > slots.OutputWords / 2
                || rows * columns > entries
                || (second.SecondResult.Row!.ParameterAddress is not null && Entries(second, g2) + g2.LaneTiles > slots.ParameterTiles)
            )
        )
            return null;
        int WeightTiles(LayerJob job, Geometry g) => g.LaneTiles * (job.Depthwise ? 1 : g.Vectors) * job.Kernel.Rows * job.Kernel.Columns;
        int taps = first.Kernel.Rows * first.Kernel.Columns;
        return
            WeightTiles(before, g0) + WeightTiles(first, g1) + WeightTiles(second, g2) > (slots.WeightSlots - 1) * slots.WeightTiles
            || taps * (first.Depthwise ? segments : 1) > slots.CommandTiles
            ? null
            : t with
            {
                GroupTiles = g1.LaneTiles,
                WeightTiles = g1.LaneTiles,
                ChunkVectors = g1.Vectors,
            };
    }

    /// <summary>Variants of a tiling with smaller steps: output groups that are stored earlier, chunks that start earlier.</summary>
    public static IEnumerable<Tiling> Refinements(AcceleratorConfig config, LayerJob job, Tiling tiling)
    {
        if (job.Consumer is not null)
            yield break;
        int segments = config.Derived.LaneSegments,
            vectors = Geometry.Of(config, job, tiling).Vectors;
        int most = new Slots(config).WeightTiles / (job.WeightPerTap ? job.Kernel.Rows * job.Kernel.Columns : 1);
        for (int parts = 1; parts <= (job.Row is null && job.SecondResult is null ? 8 : 1); parts *= 2)
        {
            int groupTiles = Geometry.Ceil(Geometry.Ceil(tiling.GroupTiles, parts), segments) * segments;
            int weightTiles = Math.Min(tiling.WeightTiles, groupTiles);
            if (parts > 1 && groupTiles == tiling.GroupTiles)
                break;
            if (parts > 1)
                yield return tiling with
                {
                    GroupTiles = groupTiles,
                    WeightTiles = weightTiles,
                };
            if (job.Depthwise)
                continue;
            // Chunks go with one lane tile per command.
            for (int chunks = weightTiles == 1 ? 2 : 1; chunks <= 4 && chunks <= tiling.ChunkVectors; chunks *= 2)
                yield return tiling with
                {
                    GroupTiles = groupTiles,
                    WeightTiles = 1,
                    ChunkVectors = Geometry.Ceil(tiling.ChunkVectors, chunks),
                };
            // Chunks that fill a slot: the ring holds most, also behind a group that a run-time extent skips.
            if (most > 0 && most < vectors)
                yield return tiling with
                {
                    GroupTiles = groupTiles,
                    WeightTiles = 1,
                    ChunkVectors = Geometry.Ceil(vectors, Geometry.Ceil(vectors, most)),
                };
        }
    }

    /// <summary>
    /// The same tiles with loads at other times: parameters that stay, where they would be loaded more than once and fit, the
    /// next tile's input early, and both. Parameters by group tell when the slot of a second operand is free: with one they do
    /// not stay. A group that a run-time extent skips then holds no slot for which a kept one waits.
    /// </summary>
    public static IEnumerable<Tiling> Schedules(AcceleratorConfig config, LayerJob job, Tiling tiling)
    {
        Geometry g = Geometry.Of(config, job, tiling);
        bool oneTile = g.Height <= tiling.PeRows * tiling.Rows && g.Width <= tiling.PeColumns * tiling.Columns;
        if (job.Consumer is not null || (oneTile && g.LaneTiles <= tiling.GroupTiles))
            yield break;
        const int Early = 5;
        if (!oneTile)
            yield return tiling with
            {
                InputEighths = Early,
            };
        if (
            job is not { Row: null, SecondResult: null, Residual: null, Resize: null, Denominator: null }
            || g.LaneTiles > new Slots(config).ParameterTiles
        )
            yield break;
        yield return tiling with
        {
            ParametersStay = true,
        };
        if (!oneTile)
            yield return tiling with
            {
                ParametersStay = true,
                InputEighths = Early,
            };
    }

    /// <summary>Weight tiles that hold the weights of a layer whose lanes all have the same.</summary>
    public static int ScalarTiles(AcceleratorConfig config, LayerJob job) =>
        Geometry.Ceil(PhaseScalars(config, job) * (job.Resize?.Phases ?? 1), config.Derived.ScalarsPerWeightTile);

    /// <summary>Bytes of the weights of one phase of such a layer.</summary>
    public static int PhaseScalars(AcceleratorConfig config, LayerJob job) =>
        job.WeightPerTap ? job.Kernel.Rows * job.Kernel.Columns * (job.RowTaps ? config.Derived.RowTapScalars : 1) : 1;

    /// <summary>Whether the weight buffer has room for them, and 16 bits count them.</summary>
    public static bool ScalarsFit(AcceleratorConfig config, LayerJob job)
    {
        var slots = new Slots(config);
        return ScalarTiles(config, job) <= slots.WeightTiles * (slots.WeightSlots - 1)
            && PhaseScalars(config, job) * (job.Resize?.Phases ?? 1) <= 1 << 16;
    }

    // Useful sizes of an extent: it whole, or cut evenly into 2, 3, ... parts; multiples of a unit, at most a maximum.
    private static IEnumerable<int> Sizes(int extent, int maximum, int unit)
    {
        const int Parts = 64;
        int last = -1;
        for (int parts = 1; parts <= extent; parts++)
        {
            int size = Geometry.Ceil(Geometry.Ceil(extent, parts), unit) * unit;
            if (size > maximum || size == last)
                continue;
            bool only = last < 0;
            last = size;
            yield return size;
            if (parts <= Parts)
                continue;
            // The maximum is far below the extent: smaller sizes by halves, down to the least.
            for (int half = size / 2 / unit * unit; only && half > 0; half = half / 2 / unit * unit)
                yield return half;
            yield break;
        }
    }

    /// <summary>Tiles of a layer at most: each takes at least five commands of 64 bytes, of which memory and host hold so many.</summary>
    public const long MostTiles = 1 << 18;

    /// <summary>Why not even the smallest tile of a layer fits a configuration, or why there would be too many; null when neither is
    /// so.</summary>
    public static TilingMisfit? WhyNone(AcceleratorConfig config, LayerJob job)
    {
        int unit = Math.Max(config.Derived.VectorsPerWord, job.Transposed is null ? 1 : config.Array.VectorWidth),
            columns = unit;
        while (columns * job.Stride.Columns % config.Derived.VectorsPerWord != 0)
            columns += unit;
        if (columns > config.Buffers.AccumulatorEntries)
            return new TilingMisfit(
                "sums of the smallest tile, a row of whole words",
                columns,
                config.Buffers.AccumulatorEntries,
                "buffers.accumulatorEntries"
            );
        if (Complete(config, job, new Slots(config), 1, 1, 1, columns, out TilingMisfit? why) is null)
            return why;
        long least = Legal(config, job, new Slots(config)).Select(f => f.Tiles).DefaultIfEmpty().Min();
        return least > MostTiles
            ? new TilingMisfit(
                "tiles of the largest size",
                least,
                MostTiles,
                "array.pes or buffers.accumulatorEntries, or make the layer smaller"
            )
            : null;
    }

    private static Tiling? Complete(
        AcceleratorConfig config,
        LayerJob job,
        Slots slots,
        int peRows,
        int peColumns,
        int rows,
        int columns
    ) => Complete(config, job, slots, peRows, peColumns, rows, columns, out _);

    // Fills in the channel tiling; null, and why, when a buffer or a command field is too small.
    private static Tiling? Complete(
        AcceleratorConfig config,
        LayerJob job,
        Slots slots,
        int peRows,
        int peColumns,
        int rows,
        int columns,
        out TilingMisfit? why
    )
    {
        var probe = new Tiling(peRows, peColumns, rows, columns, 1, 1, 1);
        Geometry g = Geometry.Of(config, job, probe);
        why = TilingMisfit.OfFields(job, g, rows, columns) ?? TilingMisfit.OfInput(config, slots, g);
        if (why is not null || OutputBlocks(config, job, slots, g, rows, out why) is not int blocks)
            return null;
        int segments = config.Derived.LaneSegments;
        // Output groups of equal size, small enough that stores overlap with compute.
        int groupTiles = Math.Min(blocks * segments, Geometry.Ceil(g.LaneTiles, segments) * segments);
        int taps = job.WeightPerTap ? job.Kernel.Rows * job.Kernel.Columns : 1;
        int reduction = job.Depthwise ? 1 : g.Vectors;
        int perLaneTile = reduction * taps;
        if (job.WeightScalar)
        {
            why = ScalarsFit(config, job)
                ? null
                : new TilingMisfit(
                    "weight tiles of the layer, which stay on chip",
                    ScalarTiles(config, job),
                    slots.WeightTiles * (slots.WeightSlots - 1),
                    "buffers.weightKibibytes"
                );
            return why is null ? new Tiling(peRows, peColumns, rows, columns, groupTiles, groupTiles, Math.Max(1, g.Vectors)) : null;
        }

        if (perLaneTile <= slots.CommandTiles && (!job.Depthwise || perLaneTile * segments <= slots.CommandTiles))
        {
            int weightTiles = Math.Min(groupTiles, slots.CommandTiles / perLaneTile);
            if (job.Depthwise)
                weightTiles = weightTiles / segments * segments;
            // Two sweeps over the same sums: one lane tile at a time.
            if (job.RightZeroPointAddress is not null)
                weightTiles = 1;
            return new Tiling(peRows, peColumns, rows, columns, groupTiles, weightTiles, Math.Max(1, g.Vectors));
        }

        if (job.Depthwise || taps > slots.CommandTiles)
        {
            why = new TilingMisfit(
                "weight tiles of one vector of channels, a tile per tap",
                job.Depthwise ? taps * segments : taps,
                slots.CommandTiles,
                "buffers.weightKibibytes"
            );
            return null;
        }

        int most = slots.CommandTiles / taps;
        int chunks = Geometry.Ceil(g.Vectors, most);
        return new Tiling(peRows, peColumns, rows, columns, groupTiles, 1, Geometry.Ceil(g.Vectors, chunks));
    }

    // Vectors of output channels that the output, residual and parameter slots hold of a tile; null, and why, when that is not enough.
    private static int? OutputBlocks(AcceleratorConfig config, LayerJob job, Slots slots, Geometry g, int rows, out TilingMisfit? why)
    {
        int segments = config.Derived.LaneSegments,
            blockWords = rows * job.Up.Rows * g.RowWords;
        // With a second result two tiles share a half of the output buffer.
        int outputWords = job.SecondResult is null ? slots.OutputWords : slots.OutputWords / 2,
            outputs = outputWords / blockWords;
        int residuals = job.Residual is null ? int.MaxValue : slots.ResidualWords / blockWords;
        bool ownParameters =
            !job.ParameterShared || job.Row?.ParameterAddress is not null || job.SecondResult?.Row?.ParameterAddress is not null;
        int parameters = ownParameters ? slots.ParameterTiles / segments : int.MaxValue;
        // A row operator needs all channels of its pixels at once.
        int least = job.Row is not null || job.SecondResult is not null ? Geometry.Ceil(g.LaneTiles, segments) : 1;
        // Its own parameters and those of a row operator are then in one slot.
        int together = (job.ParameterShared ? 1 : g.LaneTiles) + g.LaneTiles;
        why =
            outputs < least
                ? new TilingMisfit(
                    "words of a half of the output buffer, for the smallest tile",
                    (long)least * blockWords,
                    outputWords,
                    "buffers.outputKibibytes"
                )
            : residuals < least
                ? new TilingMisfit(
                    "words of a half of the residual buffer, for the smallest tile",
                    (long)least * blockWords,
                    slots.ResidualWords,
                    "buffers.residualKibibytes"
                )
            : parameters < least
                ? new TilingMisfit(
                    "entries of a half of the parameter buffer",
                    (long)least * segments,
                    slots.ParameterTiles,
                    "buffers.parameterEntries"
                )
            : job is { SecondResult: not null, Row.ParameterAddress: not null } && together > slots.ParameterTiles
                ? new TilingMisfit("entries of a half of the parameter buffer", together, slots.ParameterTiles, "buffers.parameterEntries")
            : job.Resize is not null ? TilingMisfit.OfField("VECTOR", "RowStepWords", job.Up.Rows * g.RowWords)
            : null;
        return why is null ? Math.Min(outputs, Math.Min(residuals, parameters)) : null;
    }
}
