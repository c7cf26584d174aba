using AccelGen.Files;
using AccelGen.Network.Quantized.Rules;

namespace AccelGen.Network.Quantized;

/// <summary>What must hold in every quantised network.</summary>
public static class QuantizedNetworkRules
{
    /// <summary>Most pixels of a layer that reads or writes them as tokens: with other rows, or as channels.</summary>
    public const int MaxTokens = 32000;

    /// <summary>What keeps a network from running on any configuration: what is wrong with it, or combinations that no layer can
    /// have.</summary>
    /// <param name="network">Network.</param>
    /// <param name="name">How a layer is called in a message, or null for its own name.</param>
    public static IReadOnlyList<Fault> Obstacles(QuantizedNetwork network, Func<QuantizedLayer, string>? name = null)
    {
        if (Problems(network, name) is { Count: > 0 } problems)
            return problems;
        return [.. network.Layers.SelectMany(l => Combinations(network, l).Select(p => p.At(name is null ? $"layer {l.Name}" : name(l))))];
    }

    /// <summary>Everything that is wrong with a network; empty when it is sound.</summary>
    /// <param name="network">Network.</param>
    /// <param name="name">How a layer is called in a message, or null for its own name.</param>
    public static IReadOnlyList<Fault> Problems(QuantizedNetwork network, Func<QuantizedLayer, string>? name = null)
    {
        var problems = new List<Fault>();
        int count = network.Tensors.Count;
        bool Known(int tensor) => tensor >= 0 && tensor < count;
        if (network.Tensors.Any(t => t is null) || network.Layers.Any(l => l is null) || network.Blocks.Any(b => b is null))
            return [new Fault(FaultCodes.NotQuantizedNetwork, "a tensor, layer or block is null")];
        for (int i = 0; i < count; i++)
        {
            QuantizedTensor t = network.Tensors[i];
            if (t.Id != i)
                problems.Add(new Fault(FaultCodes.IllegalTensor, $"tensor {t.Name}", $"id {t.Id} must be its position {i}"));
            if (t.Shape.Batch < 1 || t.Shape.Height < 1 || t.Shape.Width < 1 || t.Shape.Channels < 1 || !Fits(t.Shape))
                problems.Add(
                    new Fault(
                        FaultCodes.IllegalTensor,
                        $"tensor {t.Name}",
                        $"shape {t.Shape}",
                        "sizes must be positive and the elements below 2^31"
                    )
                );
            if (!double.IsFinite(t.Scale) || t.Scale <= 0)
                problems.Add(new Fault(FaultCodes.IllegalTensor, $"tensor {t.Name}", $"scale {t.Scale}", "it must be positive and finite"));
            if (t.ZeroPoint is < -128 or > 127)
                problems.Add(new Fault(FaultCodes.IllegalTensor, $"tensor {t.Name}", $"zero point {t.ZeroPoint}", "legal are -128 to 127"));
            if (t.SharesStorageWith is int other && (!Known(other) || other >= i || !SameStorage(network.Tensors[other].Shape, t.Shape)))
                problems.Add(
                    new Fault(
                        FaultCodes.IllegalTensor,
                        $"tensor {t.Name}",
                        $"shares storage with {other}, which is no earlier tensor of shape {t.Shape}",
                        "rows and columns alone may be divided in another way"
                    )
                );
            if (
                t.Constant is { } constant
                && (constant.LongLength != t.Shape.Elements || t.SharesStorageWith is not null || network.Inputs.Contains(i))
            )
                problems.Add(
                    new Fault(
                        FaultCodes.IllegalTensor,
                        $"tensor {t.Name}",
                        $"a constant has the {t.Shape.Elements} elements of its shape (not {constant.Length}), storage of its "
                            + "own, and is no network input"
                    )
                );
        }

        problems.AddRange(
            network
                .Inputs.Concat(network.Outputs)
                .Where(t => !Known(t))
                .Select(t => new Fault(FaultCodes.IllegalTensor, $"network input or output {t} is no tensor"))
        );
        problems.AddRange(
            new[] { network.Inputs, network.Outputs }
                .SelectMany(l => l.GroupBy(t => t))
                .Where(g => g.Count() > 1)
                .Select(g => new Fault(FaultCodes.IllegalTensor, $"tensor {g.Key} is listed {g.Count()} times as network input or output"))
        );
        if (network.Inputs.Count == 0 || network.Outputs.Count == 0)
            problems.Add(new Fault(FaultCodes.IllegalTensor, "the network needs an input and an output"));
        for (int i = 0; i < network.Blocks.Count; i++)
        {
            if (network.Blocks[i].Index != i || i > 63)
                problems.Add(
                    new Fault(
                        FaultCodes.IllegalAttributes,
                        $"block {network.Blocks[i].Name}",
                        $"index {network.Blocks[i].Index} must be its position {i}, at most 63"
                    )
                );
        }

        if (problems.Count > 0)
            return problems;
        HashSet<int> constants = [.. network.Tensors.Where(t => t.Constant is not null).Select(t => t.Id)];
        HashSet<int> written = [.. network.Inputs.Select(network.Home), .. constants],
            always = [.. written];
        // Storage that only the layers of these blocks have written so far.
        var ofBlocks = new Dictionary<int, HashSet<int>>();
        foreach (QuantizedLayer layer in network.Layers)
        {
            string place = name is null ? $"layer {layer.Name}" : name(layer);
            IReadOnlyList<int> reads = layer.Reads;
            if (!Known(layer.Input) || !Known(layer.Output) || reads.Any(t => !Known(t)))
            {
                problems.Add(new Fault(FaultCodes.IllegalOrder, place, "names a tensor that does not exist"));
                continue;
            }

            problems.AddRange(
                reads
                    .Where(t => !written.Contains(network.Home(t)))
                    .Select(t => new Fault(FaultCodes.IllegalOrder, place, $"reads {network.Tensors[t].Name} before anything wrote it"))
            );
            problems.AddRange(
                reads
                    .Where(t => Missing(t, layer.Block))
                    .Select(t => new Fault(
                        FaultCodes.IllegalOrder,
                        place,
                        $"reads {network.Tensors[t].Name}, which nothing writes where block {OnlyWriters(t)} is skipped"
                    ))
            );
            if (layer.Block is int b)
                (
                    ofBlocks.TryGetValue(network.Home(layer.Output), out HashSet<int>? blocks)
                        ? blocks
                        : ofBlocks[network.Home(layer.Output)] = []
                ).Add(b);
            else
                always.Add(network.Home(layer.Output));
            if (constants.Contains(network.Home(layer.Output)))
                problems.Add(new Fault(FaultCodes.IllegalOrder, place, $"writes the constant {network.Tensors[layer.Output].Name}"));
            written.Add(network.Home(layer.Output));
            if (layer.ClampLow < -128 || layer.ClampHigh > 127 || layer.ClampLow > layer.ClampHigh)
                problems.Add(
                    new Fault(FaultCodes.IllegalAttributes, place, $"clamp {layer.ClampLow} to {layer.ClampHigh}", "legal are -128 to 127")
                );
            if (layer.Block is int block && (block < 0 || block >= network.Blocks.Count))
                problems.Add(new Fault(FaultCodes.IllegalAttributes, place, $"block {block} does not exist"));
            if (layer.InputExtent is < 0 or > 15 || layer.OutputExtent is < 0 or > 15 || layer.HeadExtent is < 0 or > 15)
                problems.Add(new Fault(FaultCodes.IllegalAttributes, place, "dynamic registers are 0 to 15"));
            if (layer.HeadExtent is not null && (!layer.IsHeadByHead || layer.HeadChannels < 1))
                problems.Add(
                    new Fault(
                        FaultCodes.IllegalAttributes,
                        place,
                        "a dynamic register limits the heads of a layer that takes one after the other, and counts at least "
                            + "one channel of each"
                    )
                );
            if (layer.Table is { Length: not 256 } table)
                problems.Add(new Fault(FaultCodes.LayerDoesNotFit, place, $"its table has {table.Length} entries", "256 are needed"));
            if (layer.TableZeroPoint is < -128 or > 127)
                problems.Add(
                    new Fault(FaultCodes.IllegalAttributes, place, $"table zero point {layer.TableZeroPoint}", "legal are -128 to 127")
                );
            TensorShape from = network.Tensors[layer.Input].Shape,
                to = network.Tensors[layer.Output].Shape;
            if (LayerRulesRegistry.Of(layer) is not { } rules)
            {
                problems.Add(new Fault(FaultCodes.LayerDoesNotFit, place, $"{layer.GetType().Name} is unknown"));
                continue;
            }

            if (rules.Attributes(layer, from) is { } wrong)
            {
                problems.Add(wrong.At(place));
                continue;
            }

            TensorShape computed = layer.Computed(from, to);
            if (
                layer.TransposeOutput
                && (to.Height != 1 || computed.Height < 1 || computed.Width < 1 || (long)computed.Height * computed.Width != to.Channels)
            )
                problems.Add(
                    new Fault(
                        FaultCodes.LayerDoesNotFit,
                        place,
                        $"its {computed.Height}x{computed.Width} pixels are no {to.Channels} channels of one row: the "
                            + $"transposed output {to} does not fit"
                    )
                );
            if (layer.Residual is { } residual)
            {
                TensorShape shape = network.Tensors[residual.Tensor].Shape;
                if (!rules.TakesResidual)
                    problems.Add(new Fault(FaultCodes.Combination, place, $"{layer.GetType().Name} takes no residual"));
                else if (shape != LayerRules.Operand(computed, residual.Broadcast))
                    problems.Add(
                        new Fault(
                            FaultCodes.LayerDoesNotFit,
                            place,
                            $"the residual has shape {shape}",
                            $"{LayerRules.Operand(computed, residual.Broadcast)} is needed"
                        )
                    );
                if (!LayerRules.Legal(residual.Scale))
                    problems.Add(new Fault(FaultCodes.IllegalAttributes, place, $"the residual's {LayerRules.IllegalScale}"));
            }

            problems.AddRange(rules.Shapes(new LayerPlace(network, layer, computed)).Select(p => p.At(place)));
        }

        problems.AddRange(
            network
                .Outputs.Where(t => !written.Contains(network.Home(t)))
                .Select(t => new Fault(FaultCodes.IllegalOrder, $"output {network.Tensors[t].Name}", "no layer writes it"))
        );
        problems.AddRange(
            network
                .Outputs.Where(t => Known(t) && Missing(t, null))
                .Select(t => new Fault(
                    FaultCodes.IllegalOrder,
                    $"output {network.Tensors[t].Name}",
                    $"nothing writes it where block {OnlyWriters(t)} is skipped"
                ))
        );
        return problems;

        bool Missing(int tensor, int? reader) =>
            network.Home(tensor) is var home
            && !always.Contains(home)
            && ofBlocks.TryGetValue(home, out HashSet<int>? writers)
            && !(reader is int r && writers.Contains(r));

        string OnlyWriters(int tensor) =>
            string.Join(
                " or ",
                ofBlocks[network.Home(tensor)].Order().Select(b => b >= 0 && b < network.Blocks.Count ? network.Blocks[b].Name : $"{b}")
            );
    }

    /// <summary>What no configuration can do in one layer, whatever its shapes are; empty where there is nothing, or where the layer is of
    /// no known kind.</summary>
    /// <param name="network">Network; the layer's operands are its tensors.</param>
    /// <param name="layer">Layer.</param>
    public static IEnumerable<Fault> Refusals(QuantizedNetwork network, QuantizedLayer layer) =>
        LayerRulesRegistry.Of(layer)?.Refusals(layer, network) ?? [];

    // What no configuration can do in one layer.
    private static IEnumerable<Fault> Combinations(QuantizedNetwork network, QuantizedLayer layer)
    {
        TensorShape from = network.Tensors[layer.Input].Shape,
            computed = layer.Computed(from, network.Tensors[layer.Output].Shape);
        LayerRules rules = LayerRulesRegistry.Of(layer)!;
        foreach (Fault problem in rules.Combinations(new LayerPlace(network, layer, computed)))
            yield return problem;
        bool asTokens = layer.TransposeOutput || (rules.IsPointwise(layer) && from.Height != computed.Height);
        if (asTokens && (long)computed.Height * computed.Width is > MaxTokens and var tokens)
            yield return new Fault(FaultCodes.Combination, string.Empty, $"{tokens} tokens", $"at most {MaxTokens} are supported");
    }

    private static bool SameStorage(TensorShape a, TensorShape b) =>
        a.Batch == b.Batch && a.Channels == b.Channels && (long)a.Height * a.Width == (long)b.Height * b.Width;

    private static bool Fits(TensorShape s) => (Int128)s.Batch * s.Height * s.Width * s.Channels <= int.MaxValue;
}
