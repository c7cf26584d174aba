using AccelGen.Network.Quantized;

namespace AccelGen.Golden;

/// <summary>Executes a quantised network by the golden operators, on any execution path.</summary>
public static class GoldenExecutor
{
    /// <summary>Runs a network.</summary>
    /// <param name="network">Network.</param>
    /// <param name="path">Path: skipped blocks and kept channels.</param>
    /// <param name="inputs">NHWC elements per network input.</param>
    /// <param name="layerDone">Called after each executed layer with its index and the output.</param>
    /// <returns>Content of every tensor at the end. A tensor that shares storage with another has that storage's content.</returns>
    public static IReadOnlyDictionary<int, sbyte[]> Run(
        QuantizedNetwork network,
        ExecutionPath path,
        IReadOnlyDictionary<int, sbyte[]> inputs,
        Action<int, sbyte[]>? layerDone = null
    )
    {
        var storage = network.Tensors.Where(t => t.Constant is not null).ToDictionary(t => network.Home(t.Id), t => t.Constant!);
        foreach ((int tensor, sbyte[] values) in inputs)
            storage[network.Home(tensor)] = values;
        for (int i = 0; i < network.Layers.Count; i++)
        {
            QuantizedLayer layer = network.Layers[i];
            if (layer.Block is int block && path.SkippedBlocks.Contains(block))
                continue;
            QuantizedTensor output = network.Tensors[layer.Output];
            int? keepIn = layer.InputExtent is int e && path.Extents.TryGetValue(e, out int n) ? n : null;
            int? keepOut = layer.OutputExtent is int f && path.Extents.TryGetValue(f, out int m) ? m : null;
            Operand[] operands =
            [
                .. layer.Reads.Select(t => new Operand(network.Tensors[t].Shape, network.Tensors[t].ZeroPoint, storage[network.Home(t)])),
            ];
            int heads = layer.Heads(output.Shape, path);
            sbyte[] y = GoldenOperators.Execute(
                layer is ConvLayer conv ? conv.On(path) : layer,
                FirstHeads(operands, heads, output.Shape.Batch),
                output.Shape with
                {
                    Batch = heads,
                },
                output.ZeroPoint,
                keepIn,
                keepOut
            );
            // Heads that the path drops are left at 0, as its channels are.
            if (heads < output.Shape.Batch)
                Array.Resize(ref y, (int)output.Shape.Elements);
            storage[network.Home(layer.Output)] = y;
            layerDone?.Invoke(i, y);
        }

        return network
            .Tensors.Where(t => storage.ContainsKey(network.Home(t.Id)))
            .ToDictionary(t => t.Id, t => storage[network.Home(t.Id)]);
    }

    // Heads lie one after the other.
    private static Operand[] FirstHeads(Operand[] operands, int heads, int all) =>
        heads == all
            ? operands
            :
            [
                .. operands.Select(o =>
                    o with
                    {
                        Shape = o.Shape with { Batch = heads },
                        Values = o.Values[..(o.Values.Length / all * heads)],
                    }
                ),
            ];
}
