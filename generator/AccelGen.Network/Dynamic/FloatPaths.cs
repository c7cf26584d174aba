using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Network.Dynamic;

/// <summary>Paths of the float network, for the accuracy that quantisation is compared with.</summary>
public static class FloatPaths
{
    /// <summary>Runs a path: the channels that it drops have their mean instead, or zero.</summary>
    /// <param name="network">Float network, of the same layers and tensors as the quantised one.</param>
    /// <param name="prepared">The quantised one, made ready for its paths.</param>
    /// <param name="path">Index of the path.</param>
    /// <param name="input">NHWC values of the single network input.</param>
    /// <returns>NHWC values of the first network output.</returns>
    public static float[] Run(FloatNetwork network, DynamicNetwork prepared, int path, float[] input)
    {
        if (prepared.Floats.Count > 0)
            return FloatExecutor.Run(prepared.Floats[path], new Dictionary<int, float[]> { [prepared.Floats[path].Inputs[0]] = input })[
                prepared.Floats[path].Outputs[0]
            ];
        var dropped = new Dictionary<int, (int Channels, (int Channel, float Value)[] Set)>();
        foreach (OrderedCut cut in prepared.Plans.Count == 0 ? [] : prepared.Cuts)
        {
            PathPlan plan = prepared.Plans[path];
            int kept = plan.KeptOf(cut.Cut);
            QuantizedTensor read = prepared.Network.Tensors[prepared.Network.Layers[cut.Cut.Reader].Input];
            if (kept < cut.Cut.Channels)
                dropped[network.Home(network.Layers[cut.Cut.Reader].Input)] = (
                    cut.Cut.Channels,
                    [
                        .. cut
                            .Order.Skip(kept)
                            .Select(c => (c, plan.TakesMeans && cut.Means is { } means ? (float)(means[c] * read.Scale) : 0)),
                    ]
                );
        }

        return FloatExecutor.Run(
            network,
            new Dictionary<int, float[]> { [network.Inputs[0]] = input },
            prepared.Paths[path],
            (layer, values) =>
            {
                if (!dropped.TryGetValue(network.Home(layer.Output), out (int Channels, (int Channel, float Value)[] Set) drop))
                    return;
                // Head after head, each with its own channels.
                TensorShape shape = network.Tensors[layer.Output].Shape;
                int width = drop.Channels / shape.Batch,
                    pixels = values.Length / drop.Channels;
                foreach ((int channel, float value) in drop.Set)
                {
                    for (int pixel = 0; pixel < pixels; pixel++)
                        values[(((channel / width * pixels) + pixel) * width) + (channel % width)] = value;
                }
            }
        )[network.Outputs[0]];
    }
}
