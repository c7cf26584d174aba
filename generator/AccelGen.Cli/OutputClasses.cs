using AccelGen.Network.Quantized;

namespace AccelGen.Cli;

/// <summary>The first output of a network as classes: of an image, or of its pixels.</summary>
/// <param name="Shape">Shape of the output.</param>
/// <param name="Count">Classes.</param>
/// <param name="IsIndex">It is the index of a class, not a value per class.</param>
internal sealed record OutputClasses(TensorShape Shape, int Count, bool IsIndex)
{
    /// <summary>Pixels are classified, not images.</summary>
    public bool IsSegmentation => Shape.Batch == 1 && Shape.Height * Shape.Width > 1;

    /// <summary>Of a network.</summary>
    public static OutputClasses Of(QuantizedNetwork network)
    {
        QuantizedTensor output = network.Tensors[network.Outputs[0]];
        return network.Layers.LastOrDefault(l => network.Home(l.Output) == network.Home(output.Id)) is ArgMaxLayer argMax
            ? new OutputClasses(output.Shape, network.Tensors[argMax.Input].Shape.Channels, true)
            : new OutputClasses(output.Shape, output.Shape.Channels, false);
    }
}
