using System.Numerics.Tensors;
using AccelGen.Network.Float.Operators;
using AccelGen.Network.Quantized;

namespace AccelGen.Network.Float;

/// <summary>Executes a float network: for calibration and for the accuracy that quantisation is compared with.</summary>
public static class FloatExecutor
{
    /// <summary>Runs a network on one input.</summary>
    /// <param name="network">Network.</param>
    /// <param name="inputs">NHWC values per network input.</param>
    /// <param name="path">Path: skipped blocks leave the residual stream as it is.</param>
    /// <param name="layerDone">Called after each executed layer with it and its output.</param>
    /// <returns>NHWC values per network output.</returns>
    public static IReadOnlyDictionary<int, float[]> Run(
        FloatNetwork network,
        IReadOnlyDictionary<int, float[]> inputs,
        ExecutionPath? path = null,
        Action<FloatLayer, float[]>? layerDone = null
    )
    {
        var storage = new Dictionary<int, float[]>();
        foreach (FloatTensor constant in network.Tensors.Where(t => t.Constant is not null))
            storage[network.Home(constant.Id)] = constant.Constant!;
        foreach ((int tensor, float[] values) in inputs)
        {
            if (values.Length != network.Tensors[tensor].Shape.Elements)
                throw new ArgumentException(
                    $"input {network.Tensors[tensor].Name} has {values.Length} values; {network.Tensors[tensor].Shape.Elements} are needed",
                    nameof(inputs)
                );
            storage[network.Home(tensor)] = values;
        }

        foreach (FloatLayer layer in network.Layers)
        {
            if (layer.Block is int block && path?.SkippedBlocks.Contains(block) == true)
                continue;
            TensorShape from = network.Tensors[layer.Input].Shape,
                written = network.Tensors[layer.Output].Shape;
            TensorShape to = layer.Computed(from, written);
            if (to.Elements != written.Elements)
                throw new ArgumentException($"layer {layer.Name}: computes {to}, its output is {written}", nameof(network));
            FloatOperator op =
                FloatOperatorRegistry.Of(layer)
                ?? throw new ArgumentException($"layer {layer.Name}: no float operator for {layer.GetType().Name}", nameof(network));
            IReadOnlyList<int> reads = layer.Reads;
            float[] y = op.Execute(new FloatCall(layer, [.. reads.Select(Values)], [.. reads.Select(t => network.Tensors[t].Shape)], to));
            if (layer.TransposeOutput)
                y = Transpose(y, to);
            if (layer.Factor != 1)
                TensorPrimitives.Multiply(y, layer.Factor, y);
            if (layer.Residual is int residual)
                AddResidual(
                    y,
                    Values(residual),
                    written,
                    layer.ResidualBroadcast,
                    layer.ResidualSubtract ? -layer.ResidualFactor : layer.ResidualFactor
                );
            if (!float.IsNegativeInfinity(layer.Range.Low))
                TensorPrimitives.Max(y, layer.Range.Low, y);
            if (!float.IsPositiveInfinity(layer.Range.High))
                TensorPrimitives.Min(y, layer.Range.High, y);
            if (layer.Table is { } table)
                LookUp(
                    table,
                    network.Tensors[network.Home(layer.Output)].Fixed
                        ?? throw new ArgumentException(
                            $"layer {layer.Name}: a table needs a prescribed quantisation of its output",
                            nameof(network)
                        ),
                    y
                );
            ActivationFunction.Apply(layer.Activation, y);
            storage[network.Home(layer.Output)] = y;
            layerDone?.Invoke(layer, y);
        }

        return network.Outputs.ToDictionary(o => o, Values);

        float[] Values(int tensor) => storage[network.Home(tensor)];
    }

    private static void AddResidual(float[] y, float[] residual, TensorShape shape, Broadcast broadcast, float factor) =>
        BroadcastRuns.Each(
            shape,
            broadcast,
            (place, length, operand, run) =>
            {
                Span<float> to = y.AsSpan(place, length);
                if (run == 1 && length > 1)
                    TensorPrimitives.Add(to, factor * residual[operand], to);
                else
                    TensorPrimitives.MultiplyAdd(residual.AsSpan(operand, length), factor, to, to);
            }
        );

    // Rounded to counts of the argument, looked up, and counts of the output as real numbers.
    private static void LookUp(FixedTable table, QuantizationParameters output, float[] y)
    {
        for (int i = 0; i < y.Length; i++)
        {
            int count = (int)Math.Clamp(Math.Round(y[i] / table.Argument.Scale) + table.Argument.ZeroPoint, -128, 127);
            y[i] = (float)(output.Scale * (table.Counts[count + 128] - output.ZeroPoint));
        }
    }

    private static float[] Transpose(float[] y, TensorShape shape)
    {
        int area = shape.Height * shape.Width;
        var turned = new float[y.Length];
        for (int b = 0; b < shape.Batch; b++)
            Exchange(
                y.AsSpan(b * area * shape.Channels, area * shape.Channels),
                area,
                shape.Channels,
                turned.AsSpan(b * area * shape.Channels)
            );
        return turned;
    }

    // Rows of a matrix as columns.
    private static void Exchange(ReadOnlySpan<float> from, int rows, int columns, Span<float> to)
    {
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < columns; c++)
                to[(c * rows) + r] = from[(r * columns) + c];
        }
    }
}
