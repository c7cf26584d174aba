using AccelGen.Isa;
using AccelGen.Network.Quantized;

namespace AccelGen.Compiler;

/// <summary>
/// Layers that run as one, so that what is between them never goes to memory: a row operator on the tile that its producer
/// has just computed, and attention as a whole.
/// </summary>
public sealed partial class NetworkCompiler
{
    /// <summary>Joins layers without a second way through memory; tests compare with and without.</summary>
    internal bool Fusion { get; init; } = true;

    // For each layer: the layer whose commands compute it, where that is another one, and whether its output is in memory.
    private (int? Into, bool InMemory)[] Fuse(QuantizedNetwork network, List<List<LayerJob>> jobs, TensorLayout[] layouts, PathRow path)
    {
        var result = new (int? Into, bool InMemory)[jobs.Count];
        Array.Fill(result, (null, true));
        if (!Fusion)
            return result;
        for (int i = 0; i < jobs.Count; i++)
        {
            if (
                network.Layers[i] is SoftmaxLayer or LayerNormLayer or ArgMaxLayer
                && Producer(network, i) is int p
                && Alike(jobs[p], jobs[i])
                && WithRow(network, jobs, p, i) is { } joined
                && Pays(joined[0], jobs[p][0], jobs[i][0], path)
            )
            {
                jobs[p] = joined;
                jobs[i] = [];
                result[p].InMemory = false;
                result[i].Into = p;
            }
        }

        for (int i = 0; i < jobs.Count; i++)
        {
            // Queries x keys, softmax, x values: the softmax is part of the first product by now.
            if (
                network.Layers[i] is MatMulLayer values
                && Producer(network, i) is int s
                && network.Layers[s] is SoftmaxLayer
                && result[s].Into is int p
                && network.Layers[p] is MatMulLayer scores
                && Alike(jobs[p], jobs[i])
                && values.Right != values.Input
                && jobs[p][0] is { Row.Function: RowFunction.Softmax, TableAddress: null, Transposed: null, RightZeroPointAddress: null }
                && jobs[i][0] is { RightZeroPointAddress: null, TableAddress: null, Residual: null, InputExtent: null, OutputExtent: null }
                && !Overwritten(network, p, i, [.. scores.Reads])
                && !InPlace(network, i, [.. scores.Reads, values.Right])
            )
            {
                List<LayerJob> attention = [.. jobs[p].Zip(jobs[i], (f, v) => f with { Consumer = v })];
                if (Choose(attention[0], path) is null || !Pays(attention[0], jobs[p][0], jobs[i][0], path))
                    continue;
                jobs[i] = attention;
                jobs[p] = [];
                result[p] = (i, false);
                result[s] = (i, false);
            }
        }

        // A convolution and the 1x1 convolution that alone reads it.
        for (int i = 0; i < jobs.Count; i++)
        {
            if (
                network.Layers[i] is ConvLayer { Groups: 1, Kernel: (1, 1), Stride: (1, 1) }
                && jobs[i] is [{ Row: null, Depthwise: false, PadTop: 0, PadLeft: 0, RightOperand: null } pointwise]
                && Producer(network, i) is int p
                && result[p] == (null, true)
                && network.Layers[p] is ConvLayer
                && jobs[p] is [{ Row: null, Consumer: null, Residual: null, Transposed: null, InputOrder: null } producer]
                && !Overwritten(network, p, i, [.. network.Layers[p].Reads])
                && !InPlace(network, i, [.. network.Layers[p].Reads])
                && Chain(producer, pointwise) is { } chain
                && Pays(chain, producer, pointwise, path)
            )
            {
                jobs[i] = [chain];
                jobs[p] = [];
                result[p] = (i, false);
            }
        }

        // The 1x1 convolution before two that run as one.
        for (int i = 0; i < jobs.Count; i++)
        {
            if (
                jobs[i] is [{ Consumer: not null, Row: null, RightOperand: null, Batch: 0 } chain]
                && Enumerable.Range(0, i).FirstOrDefault(f => result[f].Into == i, -1) is var f and >= 0
                && Producer(network, f) is int p
                && result[p] == (null, true)
                && jobs[p] is [var before]
                && WithBefore(network, before, chain, p, i) is { } joined
                && Pays(joined, before, chain, path)
            )
            {
                jobs[i] = [joined];
                jobs[p] = [];
                result[p] = (i, false);
            }
        }

        // A row operator on what other layers read as well: a second result of the layer that computes it.
        for (int i = 0; i < jobs.Count; i++)
        {
            if (
                network.Layers[i] is LayerNormLayer or ArgMaxLayer
                && jobs[i] is [var row]
                && LastWriter(network, i) is int p
                && result[p].InMemory
                && (result[p].Into ?? p) is var by
                && jobs[by] is [var producer]
            )
            {
                int known = conditions.Count;
                if (
                    Predicates(network, row, network.Layers[p].Block) is not { } parts
                    || WithSecondResult(network, producer, parts.Beside, p, i) is not { } joined
                    || !Pays(joined, producer, row, path, parts.Alone)
                )
                {
                    conditions.RemoveRange(known, conditions.Count - known);
                    continue;
                }

                jobs[by] = [joined];
                jobs[i] = parts.Alone is { } alone ? [alone] : [];
                result[i].Into = by;
            }
        }

        return result;
    }

    // Job by job the same heads, without copies in between.
    private static bool Alike(List<LayerJob> first, List<LayerJob> second) =>
        first.Count == second.Count && !first.Concat(second).Any(j => j.Rearranges);

    // The layer before that wrote the input as it is then, in part or as a whole.
    private static int? LastWriter(QuantizedNetwork network, int layer)
    {
        int home = network.Home(network.Layers[layer].Input);
        for (int p = layer - 1; p >= 0; p--)
        {
            if (network.Home(network.Layers[p].Output) == home)
                return p;
        }

        return null;
    }

    // Keep bits that are not a block's, from the last one on.
    private readonly List<PathCondition> conditions = [];

    // A row operator beside the layer that computes its input runs where both run. Where its input comes from a block that can
    // be skipped while it is not, it needs commands of its own as well. Null when there are no keep bits left.
    private (LayerJob Beside, LayerJob? Alone)? Predicates(QuantizedNetwork network, LayerJob row, int? producerBlock)
    {
        if (producerBlock is not int producer || row.Block == producer)
            return (row, null);
        if (row.Block is not int block)
            return (row with { Block = producer }, row with { Block = producer, WhereSkipped = true });
        return Bit(true) is int both && Bit(false) is int alone ? (row with { Block = both }, row with { Block = alone }) : null;

        int? Bit(bool kept)
        {
            if (conditions.Find(c => (c.Kept, c.Other, c.OtherKept) == (block, producer, kept)) is { } known)
                return known.Bit;
            int bit = 63 - conditions.Count;
            if (network.Layers.Any(l => l.Block >= bit) || network.Blocks.Any(b => b.Index >= bit))
                return null;
            conditions.Add(new PathCondition(bit, block, producer, kept));
            return bit;
        }
    }

    private static LayerJob? WithSecondResult(QuantizedNetwork network, LayerJob producer, LayerJob row, int p, int i)
    {
        // The result is written where the producer runs: nothing else may be in its memory.
        int output = network.Home(network.Layers[i].Output);
        if (network.Layers.Count(l => network.Home(l.Output) == output) > 1 || network.Inputs.Any(t => network.Home(t) == output))
            return null;
        // Of two products that run as one, the second computes the result; it has only one slot for parameters and a table.
        if (producer is { Consumer: LayerJob then, Row: null } && row.TableAddress is null)
            return WithSecondResult(network, then, row, p, i) is { } both ? producer with { Consumer = both } : null;
        if (
            network.Layers[p] is ConcatLayer
            || producer
                is not {
                    Row: null or { Function: RowFunction.LayerNorm },
                    Consumer: null,
                    SecondResult: null,
                    Resize: null,
                    Denominator: null,
                    Transposed: null,
                    OutputExtent: null
                }
            || row is not { Transposed: null, InputExtent: null, OutputExtent: null }
            || row is { TableAddress: not null, Row.ParameterAddress: null }
        )
            return null;
        // The same memory read as other rows of pixels is the same pixels in the same order.
        TensorLayout pixels = producer.Output;
        if (
            row.Input.Address != pixels.Address
            || row.Input.Shape.Channels != pixels.Shape.Channels
            || row.Input.PlaneBytes != pixels.PlaneBytes
            || (long)pixels.Shape.Height * pixels.RowWords != (long)row.Output.Shape.Height * row.Output.RowWords
        )
            return null;
        return producer with
        {
            SecondResult = row with
            {
                Output = row.Output with
                {
                    Shape = row.Output.Shape with { Height = pixels.Shape.Height, Width = pixels.Shape.Width },
                    RowWords = pixels.RowWords,
                },
            },
        };
    }

    private static LayerJob? WithBefore(QuantizedNetwork network, LayerJob before, LayerJob chain, int p, int i)
    {
        // It is computed where the others are, pixel by pixel of their windows; the table is theirs.
        if (
            network.Layers[p] is not ConvLayer { Groups: 1, Kernel: (1, 1), Stride: (1, 1) }
            || before
                is not {
                    Row: null,
                    Consumer: null,
                    SecondResult: null,
                    Residual: null,
                    Transposed: null,
                    TableAddress: null,
                    Depthwise: false,
                    RightOperand: null,
                    PadTop: 0,
                    PadLeft: 0,
                    InputOrder: null
                }
            || Overwritten(network, p, i, [.. network.Layers[p].Reads])
            || InPlace(network, i, [.. network.Layers[p].Reads])
        )
            return null;
        TensorLayout pixels = chain.Input;
        if (before.Output.PlaneBytes != pixels.PlaneBytes || before.Input.PlaneBytes != pixels.PlaneBytes)
            return null;
        TensorLayout Rows(TensorLayout t) =>
            t with
            {
                Shape = t.Shape with { Height = pixels.Shape.Height, Width = pixels.Shape.Width },
                RowWords = pixels.RowWords,
            };
        return chain with { Producer = before with { Input = Rows(before.Input), Output = Rows(before.Output) } };
    }

    // The second product in the rows of pixels in which the first computes them; null when they differ.
    private static LayerJob? Chain(LayerJob first, LayerJob second)
    {
        TensorLayout pixels = first.Output;
        TensorLayout Rows(TensorLayout t) =>
            t with
            {
                Shape = t.Shape with { Height = pixels.Shape.Height, Width = pixels.Shape.Width },
                RowWords = pixels.RowWords,
            };
        bool Same(TensorLayout t) =>
            (long)t.Shape.Height * t.RowWords == (long)pixels.Shape.Height * pixels.RowWords
            && (t.Shape.Width == pixels.Shape.Width || t.Shape.Height == 1);
        if (
            !Same(second.Output)
            || !Same(second.Input)
            || (second.Residual is { } r && second.ResidualBroadcast != Broadcast.Pixels && !Same(r))
            || (second.Transposed is not null && pixels.Shape.Height > 1)
        )
            return null;
        return first with
        {
            Consumer = second with
            {
                Input = Rows(second.Input),
                Output = Rows(second.Output),
                Residual = second.Residual is { } x && second.ResidualBroadcast != Broadcast.Pixels ? Rows(x) : second.Residual,
            },
        };
    }

    // The layer whose output only this layer reads, as its input, and which nothing else depends on.
    private static int? Producer(QuantizedNetwork network, int layer)
    {
        int input = network.Layers[layer].Input,
            home = network.Home(input);
        int readers = network.Layers.Sum(l => l.Reads.Count(t => network.Home(t) == home));
        if (
            readers != 1
            || network.Inputs.Concat(network.Outputs).Any(t => network.Home(t) == home)
            || network.Tensors.Count(t => network.Home(t.Id) == home) != 1
        )
            return null;
        for (int p = layer - 1; p >= 0; p--)
        {
            if (network.Layers[p].Output == input)
                return network.Layers[p].Block == network.Layers[layer].Block ? p : null;
        }

        return null;
    }

    private List<LayerJob>? WithRow(QuantizedNetwork network, List<List<LayerJob>> jobs, int p, int i)
    {
        // The result is written where the producer runs: nothing may still need what it replaces.
        int output = network.Home(network.Layers[i].Output);
        if (
            (i != p + 1 && network.Tensors.Count(t => network.Home(t.Id) == output) > 1)
            || InPlace(network, i, [.. network.Layers[p].Reads])
        )
            return null;
        if (
            jobs[p]
                .Any(j =>
                    j.TableAddress is not null
                    || j.Transposed is not null
                    || j.Denominator is not null
                    || j.Resize is not null
                    || j.Row is not null
                    || j.OutputExtent is not null
                )
            || network.Layers[p] is ConcatLayer
            || jobs[i].Any(j => j.OutputExtent is not null || j.InputExtent is not null)
        )
            return null;
        var joined = new List<LayerJob>();
        foreach ((LayerJob producer, LayerJob row) in jobs[p].Zip(jobs[i]))
        {
            // The same pixels, in the rows in which the producer computes them.
            TensorLayout pixels = producer.Output;
            if (
                (long)pixels.Shape.Height * pixels.RowWords != (long)row.Output.Shape.Height * row.Output.RowWords
                || (row.Transposed is not null && pixels.Shape.Height > 1)
            )
                return null;
            joined.Add(
                producer with
                {
                    Output = row.Output with
                    {
                        Shape = row.Output.Shape with { Height = pixels.Shape.Height, Width = pixels.Shape.Width },
                        RowWords = pixels.RowWords,
                    },
                    ComputedChannels = producer.LaneChannels,
                    Row = row.Row,
                    TableAddress = row.TableAddress,
                    Transposed = row.Transposed,
                }
            );
        }

        return joined;
    }

    // Both ways on the exact model; with commands that the path skips in addition, or null.
    private bool Pays(LayerJob joined, LayerJob first, LayerJob second, PathRow path, LayerJob? skipped = null)
    {
        if (Choose(joined, path) is not { } together)
            return false;
        if (Choose(first, path) is not { } a || Choose(second, path) is not { } b)
            return true;
        PathRow? half = HalfKept([first, second], path);
        long passed = 0;
        if (skipped is not null)
        {
            PathRow without = skipped.WhereSkipped ? path : path with { Keep = path.Keep & ~(1UL << skipped.Block!.Value) };
            passed = Chosen(skipped, b, without, null);
        }

        return AnyTiling is not null
            || Chosen(joined, together, path, half) + passed <= Chosen(first, a, path, half) + Chosen(second, b, path, half);
    }

    // Cycles under a tiling that has been chosen, whose commands can therefore be written.
    private long Chosen(LayerJob job, Tiling tiling, PathRow path, PathRow? half) =>
        Cycles(job, tiling, path, half)
        ?? throw new InvalidOperationException($"layer {job.Name}: its chosen tiling has no commands: {tooLarge[job.Shape()]}");

    // The result takes the place of what earlier parts of the same pass may still read: the rows around a tile.
    private static bool InPlace(QuantizedNetwork network, int layer, params ReadOnlySpan<int> read)
    {
        foreach (int t in read)
        {
            if (network.Home(network.Layers[layer].Output) == network.Home(t))
                return true;
        }

        return false;
    }

    private static bool Overwritten(QuantizedNetwork network, int from, int to, params ReadOnlySpan<int> tensors)
    {
        for (int l = from + 1; l < to; l++)
        {
            foreach (int t in tensors)
            {
                if (network.Home(network.Layers[l].Output) == network.Home(t))
                    return true;
            }
        }

        return false;
    }
}
