using System.Numerics.Tensors;
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
    public static IReadOnlyDictionary<int, float[]> Run(FloatNetwork network, IReadOnlyDictionary<int, float[]> inputs, ExecutionPath? path = null, Action<FloatLayer, float[]>? layerDone = null)
    {
        var storage = new Dictionary<int, float[]>();
        foreach ((int tensor, float[] values) in inputs)
        {
            if (values.Length != network.Tensors[tensor].Shape.Elements)
                throw new ArgumentException($"input {network.Tensors[tensor].Name} has {values.Length} values; {network.Tensors[tensor].Shape.Elements} are needed", nameof(inputs));
            storage[network.Home(tensor)] = values;
        }

        foreach (FloatLayer layer in network.Layers)
        {
            if (layer.Block is int block && path?.SkippedBlocks.Contains(block) == true)
                continue;
            TensorShape from = network.Tensors[layer.Input].Shape, to = network.Tensors[layer.Output].Shape;
            float[] x = storage[network.Home(layer.Input)];
            float[] y = layer switch
            {
                FloatConv conv => Convolve(conv, from, x, to),
                FloatAveragePool pool => AveragePool(pool, from, x, to),
                FloatAdd => (float[])x.Clone(),
                _ => throw new ArgumentException($"layer {layer.Name}: no float operator for {layer.GetType().Name}", nameof(network)),
            };
            if (layer.Residual is int residual)
                TensorPrimitives.Add(y, storage[network.Home(residual)], y);
            if (!float.IsNegativeInfinity(layer.Range.Low))
                TensorPrimitives.Max(y, layer.Range.Low, y);
            if (!float.IsPositiveInfinity(layer.Range.High))
                TensorPrimitives.Min(y, layer.Range.High, y);
            storage[network.Home(layer.Output)] = y;
            layerDone?.Invoke(layer, y);
        }

        return network.Outputs.ToDictionary(o => o, o => storage[network.Home(o)]);
    }

    private static float[] Convolve(FloatConv conv, TensorShape from, float[] x, TensorShape to)
    {
        int inputPerGroup = from.Channels / conv.Groups, outputPerGroup = to.Channels / conv.Groups;
        int length = conv.Kernel.Rows * conv.Kernel.Columns * inputPerGroup;
        var y = new float[to.Elements];
        // The taps of one output pixel side by side, so that each output channel is one dot product.
        var patch = new float[length];
        for (int row = 0; row < to.Height; row++)
        {
            for (int column = 0; column < to.Width; column++)
            {
                for (int group = 0; group < conv.Groups; group++)
                {
                    for (int ky = 0; ky < conv.Kernel.Rows; ky++)
                    {
                        int sourceRow = (row * conv.Stride.Rows) + (ky * conv.Dilation.Rows) - conv.Padding.Top;
                        for (int kx = 0; kx < conv.Kernel.Columns; kx++)
                        {
                            int sourceColumn = (column * conv.Stride.Columns) + (kx * conv.Dilation.Columns) - conv.Padding.Left;
                            Span<float> tap = patch.AsSpan(((ky * conv.Kernel.Columns) + kx) * inputPerGroup, inputPerGroup);
                            if ((uint)sourceRow >= (uint)from.Height || (uint)sourceColumn >= (uint)from.Width)
                                tap.Clear();
                            else
                                x.AsSpan(from.Index(0, sourceRow, sourceColumn, group * inputPerGroup), inputPerGroup).CopyTo(tap);
                        }
                    }

                    int output = to.Index(0, row, column, group * outputPerGroup);
                    for (int k = 0; k < outputPerGroup; k++)
                    {
                        int channel = (group * outputPerGroup) + k;
                        y[output + k] = TensorPrimitives.Dot(patch, conv.Weights.AsSpan(channel * length, length)) + conv.Bias[channel];
                    }
                }
            }
        }

        return y;
    }

    private static float[] AveragePool(FloatAveragePool pool, TensorShape from, float[] x, TensorShape to)
    {
        var y = new float[to.Elements];
        for (int row = 0; row < to.Height; row++)
        {
            for (int column = 0; column < to.Width; column++)
            {
                Span<float> sum = y.AsSpan(to.Index(0, row, column, 0), to.Channels);
                for (int ky = 0; ky < pool.Kernel.Rows; ky++)
                {
                    for (int kx = 0; kx < pool.Kernel.Columns; kx++)
                    {
                        int sourceRow = (row * pool.Stride.Rows) + ky - pool.Padding.Top, sourceColumn = (column * pool.Stride.Columns) + kx - pool.Padding.Left;
                        if ((uint)sourceRow < (uint)from.Height && (uint)sourceColumn < (uint)from.Width)
                            TensorPrimitives.Add(sum, x.AsSpan(from.Index(0, sourceRow, sourceColumn, 0), from.Channels), sum);
                    }
                }

                TensorPrimitives.Divide(sum, (float)(pool.Kernel.Rows * pool.Kernel.Columns), sum);
            }
        }

        return y;
    }
}
