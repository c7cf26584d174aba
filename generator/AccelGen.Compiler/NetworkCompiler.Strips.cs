using AccelGen.Isa;
using AccelGen.Network.Quantized;

namespace AccelGen.Compiler;

/// <summary>
/// Layers whose commands alternate with those of the layer that reads them, strip by strip: the stores of a producer and
/// the products of its reader take place at the same time.
/// </summary>
public sealed partial class NetworkCompiler
{
    // How a consumer runs with its producers.
    private sealed record StripPlan(Tiling Consumer, IReadOnlyList<(int Layer, Tiling Tiling)> Producers, int StripWords);

    // For each consumer of strips its plan; its producers are computed at its place.
    private Dictionary<int, StripPlan> FindStrips(
        QuantizedNetwork network,
        List<List<LayerJob>> jobs,
        TensorLayout[] layouts,
        (int? Into, bool InMemory)[] fused,
        PathRow path
    )
    {
        var plans = new Dictionary<int, StripPlan>();
        var planned = new Dictionary<(LayerShape, LayerShape, int), (StripPlan Plan, long Cycles)?>();
        if (!Fusion)
            return plans;
        // From the end: the last reader has the most producers, which then have none of their own.
        for (int i = jobs.Count - 1; i > 0; i--)
        {
            if (
                fused[i].Into is not null
                || jobs[i] is not [{ RightOperand: null, Consumer: null, SecondResult: null, Row: null, Denominator: null } consumer]
                || consumer.Input.Shape.Batch != 1
            )
                continue;
            int[] producers =
            [
                .. Enumerable
                    .Range(0, i)
                    .Where(p =>
                        !plans.ContainsKey(p)
                        && fused[p] == (null, true)
                        && ComputedInStrips(network, jobs, layouts, fused, p, i)
                        && Choose(jobs[p][0], path) is not null
                    ),
            ];
            // Bias and scale of all its channels, or of all phases, stay.
            if (
                (consumer.ParameterShared ? consumer.Resize?.Phases ?? 1 : Geometry.Ceil(consumer.LaneChannels, config.Array.Lanes))
                > new Slots(config).ParameterTiles
            )
                continue;
            if (producers.Length == 0 || Choose(consumer, path) is not { } alone)
                continue;
            (int Layer, LayerJob Job)[] parts = [.. producers.Select(p => (p, jobs[p][0]))];
            long apart = Chosen(consumer, alone, path, null) + parts.Sum(p => Chosen(p.Job, Choose(p.Job, path)!, path, null));
            // Blocks of one shape have one plan.
            (LayerShape, LayerShape, int) shape = (consumer.Shape(), parts[0].Job.Shape(), parts.Length);
            if (AnyTiling is not null || parts.Length > 1 || !planned.TryGetValue(shape, out (StripPlan Plan, long Cycles)? known))
                planned[shape] = known = PlanStrips(consumer, parts, path);
            else if (known is { } same)
                known = (same.Plan with { Producers = [(parts[0].Layer, same.Plan.Producers[0].Tiling)] }, same.Cycles);
            if (known is not var (plan, together) || (AnyTiling is null && together > apart))
                continue;
            plans[i] = plan;
            foreach (int p in producers)
                fused[p] = (i, true);
        }

        return plans;
    }

    // Whether layer p writes part of the input of layer i and can run just before it, piece by piece.
    private bool ComputedInStrips(
        QuantizedNetwork network,
        List<List<LayerJob>> jobs,
        TensorLayout[] layouts,
        (int? Into, bool InMemory)[] fused,
        int p,
        int i
    )
    {
        LayerJob consumer = jobs[i][0];
        TensorLayout read = consumer.Input;
        if (
            jobs[p]
                is not [
                    { Consumer: null, SecondResult: null, RightOperand: null, Denominator: null, Transposed: null, InputOrder: null } job,
                ]
            || job.Input.Shape.Batch != 1
            || job.Output.Shape.Batch != 1
            || job.Block != consumer.Block
            || (job.Residual is not null && consumer.Residual is not null)
        )
            return false;
        // The same plane of pixels, split into rows in any way; a whole number of planes of the consumer's input.
        long planes = (read.Shape.Channels + config.Array.VectorWidth - 1) / config.Array.VectorWidth;
        if (
            job.Output.PlaneBytes != read.PlaneBytes
            || job.Output.Address < read.Address
            || job.Output.Address >= read.Address + (planes * read.PlaneBytes)
            || (long)job.Output.Shape.Height * job.Output.RowWords != (long)read.Shape.Height * read.RowWords
        )
            return false;
        bool Member(int l) => l == i || fused[l].Into == i;
        bool Written(int tensor) =>
            layouts[tensor].Address < job.Output.Address + job.Output.Bytes
            && layouts[tensor].Address + layouts[tensor].Bytes > job.Output.Address;
        bool Read(int tensor) =>
            network
                .Layers[p]
                .Reads.Any(t =>
                    layouts[t].Address < layouts[tensor].Address + layouts[tensor].Bytes
                    && layouts[tensor].Address < layouts[t].Address + layouts[t].Bytes
                );
        for (int l = p + 1; l < jobs.Count; l++)
        {
            // Between the two nobody reads the result or replaces what it is computed from; nor may the consumer, which
            // reads the result only as its input.
            QuantizedLayer layer = network.Layers[l];
            if (l > i && !Member(l))
                continue;
            bool inPlace = layer is ConcatLayer && jobs[l].Count == 0;
            if (
                Member(l)
                    ? Read(layer.Output)
                        || Written(layer.Output)
                        || layer.Reads.Any(t => Written(t) && layouts[t].Address != read.Address)
                        || (layer.Residual is { } r && Written(r.Tensor))
                    : !inPlace && (Read(layer.Output) || layer.Reads.Any(Written))
            )
                return false;
        }

        return !network.Layers[p].Reads.Any(Written);
    }

    // The best of some ways to share the input buffers, on the exact model; null when none fits.
    private (StripPlan Plan, long Cycles)? PlanStrips(LayerJob consumer, (int Layer, LayerJob Job)[] producers, PathRow path)
    {
        var slots = new Slots(config);
        var known = new Dictionary<(LayerJob, int, int), Tiling?>();
        var all = new Dictionary<(LayerJob, int), IReadOnlyList<Tiling>>();
        var tried = new HashSet<string>();
        var found = new List<(StripPlan Plan, long Cycles)>();
        foreach (int stripWords in new[] { 2, 4, 8, 16 }.Select(parts => slots.InputWords / parts).Where(words => words > 0))
        {
            foreach (Tiling tiling in Consumers(slots.InputWords - stripWords))
                Try(tiling, stripWords, 2);
        }

        // Then the steps within a tile; large strips fill the array better, small ones begin earlier.
        foreach (StripPlan good in AnyTiling is not null ? [] : found.OrderBy(f => f.Cycles).Take(8).Select(f => f.Plan).ToList())
        {
            Tiling t = good.Consumer;
            foreach (
                Tiling variant in TilingSearch
                    .Refinements(config, consumer, t)
                    .Where(v => v.ChunkVectors == t.ChunkVectors && v.WeightTiles == Math.Min(t.WeightTiles, v.GroupTiles))
                    .Prepend(t)
                    .Distinct()
            )
            {
                foreach (int times in new[] { 1, 2, 4 })
                    Try(variant, good.StripWords, times);
            }
        }

        return found.Count == 0 ? null : found.MinBy(f => f.Cycles);

        // A tiling of the consumer with producers whose strips are at most so many times as large as its own.
        void Try(Tiling tiling, int stripWords, int times)
        {
            int strip = LayerEmitter.StripOf(config, consumer, tiling) * times;
            (int Layer, Tiling? Tiling)[] cut = [.. producers.Select(p => (p.Layer, Producer(p.Job, stripWords, strip)))];
            if (cut.Any(c => c.Tiling is null) || !tried.Add(string.Join('|', cut.Select(c => c.Tiling).Prepend(tiling))))
                return;
            var plan = new StripPlan(tiling, [.. cut.Select(c => (c.Layer, c.Tiling!))], stripWords);
            if (Together(plan) is long cycles)
                found.Add((plan, cycles));
        }

        IEnumerable<Tiling> Consumers(int inputWords)
        {
            if (AnyTiling is not null)
            {
                IReadOnlyList<Tiling> legal = TilingSearch.Candidates(
                    config,
                    consumer,
                    int.MaxValue,
                    slots with
                    {
                        InputWords = inputWords,
                    }
                );
                return legal.Count == 0 ? [] : [legal[AnyTiling.Next(legal.Count)]];
            }

            return TilingSearch.Candidates(config, consumer, 8, slots with { InputWords = inputWords });
        }

        // Of the tilings whose strips are no larger than the consumer's, the fastest.
        Tiling? Producer(LayerJob job, int inputWords, int strip)
        {
            if (!all.TryGetValue((job, inputWords), out IReadOnlyList<Tiling>? legal))
                all[(job, inputWords)] = legal = TilingSearch.Candidates(config, job, int.MaxValue, slots with { InputWords = inputWords });
            if (legal.Count == 0)
                return null;
            if (AnyTiling is not null)
                return legal[AnyTiling.Next(legal.Count)];
            int smallest = Math.Max(strip, legal.Min(t => LayerEmitter.StripOf(config, job, t)));
            if (!known.TryGetValue((job, inputWords, smallest), out Tiling? best))
                known[(job, inputWords, smallest)] = best = legal
                    .Where(t => LayerEmitter.StripOf(config, job, t) <= smallest)
                    .Take(4)
                    .MinBy(t => Cycles(job, t, path, null) ?? long.MaxValue);
            return best;
        }

        long? Together(StripPlan plan) =>
            Cycles(
                consumer,
                path,
                null,
                trial =>
                    trial.EmitStrips(
                        consumer,
                        plan.Consumer,
                        [.. plan.Producers.Select(p => (producers.First(x => x.Layer == p.Layer).Job, p.Tiling))],
                        plan.StripWords
                    )
            );
    }
}
