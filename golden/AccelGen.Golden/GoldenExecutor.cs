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
    public static IReadOnlyDictionary<int, sbyte[]> Run(QuantizedNetwork network, ExecutionPath path, IReadOnlyDictionary<int, sbyte[]> inputs, Action<int, sbyte[]>? layerDone = null)
    {
        var storage = new Dictionary<int, sbyte[]>();
        foreach ((int tensor, sbyte[] values) in inputs)
            storage[Home(network, tensor)] = values;
        for (int i = 0; i < network.Layers.Count; i++)
        {
            QuantizedLayer layer = network.Layers[i];
            if (layer.Block is int block && path.SkippedBlocks.Contains(block))
                continue;
            QuantizedTensor input = network.Tensors[layer.Input], output = network.Tensors[layer.Output];
            sbyte[] x = storage[Home(network, layer.Input)];
            sbyte[]? residual = layer.Residual is { } r ? storage[Home(network, r.Tensor)] : null;
            int residualZero = layer.Residual is { } rz ? network.Tensors[rz.Tensor].ZeroPoint : 0;
            int? keepIn = layer.InputExtent is int e && path.Extents.TryGetValue(e, out int n) ? n : null;
            int? keepOut = layer.OutputExtent is int f && path.Extents.TryGetValue(f, out int m) ? m : null;
            sbyte[] y = layer switch
            {
                ConvLayer conv => GoldenOperators.Convolution(conv, input.Shape, input.ZeroPoint, x, output.Shape, output.ZeroPoint, residual, residualZero, keepIn, keepOut),
                MatMulLayer matmul => GoldenOperators.MatMul(matmul, input.Shape, input.ZeroPoint, x, storage[Home(network, matmul.Right)], output.Shape, output.ZeroPoint),
                AveragePoolLayer pool => GoldenOperators.AveragePool(pool, input.Shape, input.ZeroPoint, x, output.Shape, output.ZeroPoint),
                AddLayer add => GoldenOperators.Add(add, output.Shape, input.ZeroPoint, x, output.ZeroPoint, residual!, residualZero),
                _ => throw new ArgumentException($"layer {layer.Name}: no golden operator for {layer.GetType().Name}", nameof(network)),
            };
            storage[Home(network, layer.Output)] = y;
            layerDone?.Invoke(i, y);
        }

        return network.Tensors.Where(t => storage.ContainsKey(Home(network, t.Id))).ToDictionary(t => t.Id, t => storage[Home(network, t.Id)]);
    }

    private static int Home(QuantizedNetwork network, int tensor)
    {
        while (network.Tensors[tensor].SharesStorageWith is int other)
            tensor = other;
        return tensor;
    }
}
