using AccelGen.Golden;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Quantization;

/// <summary>One input going through a float network and its quantised form, layer by layer; tensors that no later layer reads are
/// dropped.</summary>
internal sealed class SideBySide
{
    private readonly FloatNetwork network;
    private readonly QuantizedNetwork quantized;
    private readonly Dictionary<int, float[]> values = [];
    private readonly Dictionary<int, sbyte[]> counts = [];
    private readonly Dictionary<int, int> lastRead = [];

    /// <summary>Starts with one input.</summary>
    /// <param name="network">Float network with a single input.</param>
    /// <param name="quantized">The same network, quantised.</param>
    /// <param name="input">NHWC values.</param>
    public SideBySide(FloatNetwork network, QuantizedNetwork quantized, float[] input)
    {
        this.network = network;
        this.quantized = quantized;
        int home = network.Home(network.Inputs[0]);
        values[home] = input;
        counts[home] = Quantizer.QuantizeValues(quantized.Tensors[network.Inputs[0]], input);
        foreach (FloatTensor t in network.Tensors.Where(t => t.Constant is not null))
        {
            values[t.Id] = t.Constant!;
            counts[t.Id] = quantized.Tensors[t.Id].Constant!;
        }

        for (int i = 0; i < network.Layers.Count; i++)
        {
            foreach (int t in network.Layers[i].Reads.Append(network.Layers[i].Output))
                lastRead[network.Home(t)] = i;
        }
    }

    /// <summary>Refuses networks that do not correspond.</summary>
    public static void Check(FloatNetwork network, QuantizedNetwork quantized, IReadOnlyList<float[]> inputs)
    {
        if (inputs.Count == 0)
            throw new ArgumentException("at least one input is needed", nameof(inputs));
        if (
            network.Layers.Count != quantized.Layers.Count
            || network.Tensors.Count != quantized.Tensors.Count
            || network.Layers.Zip(quantized.Layers).Any(p => p.First.Name != p.Second.Name || p.First.Output != p.Second.Output)
        )
            throw new ArgumentException($"{quantized.Name} is not the quantised form of {network.Name}", nameof(quantized));
    }

    /// <summary>Float values of a tensor as they are now.</summary>
    public float[] Values(int tensor) => values[network.Home(tensor)];

    /// <summary>A tensor's counts as an operand.</summary>
    public Operand Counts(int tensor) =>
        new(quantized.Tensors[tensor].Shape, quantized.Tensors[tensor].ZeroPoint, counts[network.Home(tensor)]);

    /// <summary>Runs a float layer on the present values, without storing the result.</summary>
    public float[] Evaluate(FloatLayer layer)
    {
        FloatNetwork one = network with
        {
            Layers = [layer],
            Inputs = [.. layer.Reads.Where(t => network.Tensors[network.Home(t)].Constant is null)],
            Outputs = [layer.Output],
        };
        return FloatExecutor.Run(one, one.Inputs.Distinct().ToDictionary(t => t, Values))[layer.Output];
    }

    /// <summary>Runs a quantised layer on the present float values, rounded to counts.</summary>
    public sbyte[] ExecuteOnFloatOperands(int index)
    {
        QuantizedLayer layer = quantized.Layers[index];
        QuantizedTensor output = quantized.Tensors[layer.Output];
        return GoldenOperators.Execute(
            layer,
            [.. layer.Reads.Select(t => Counts(t) with { Values = Quantizer.QuantizeValues(quantized.Tensors[t], Values(t)) })],
            output.Shape,
            output.ZeroPoint
        );
    }

    /// <summary>Runs a layer in both forms and goes on to the next.</summary>
    /// <param name="index">Index of the layer; layers are run in order.</param>
    /// <param name="replacement">Quantised layer to run instead, or null.</param>
    public (float[] Values, sbyte[] Counts) Execute(int index, QuantizedLayer? replacement = null)
    {
        QuantizedLayer layer = replacement ?? quantized.Layers[index];
        QuantizedTensor output = quantized.Tensors[layer.Output];
        float[] y = Evaluate(network.Layers[index]);
        sbyte[] q = GoldenOperators.Execute(layer, [.. layer.Reads.Select(Counts)], output.Shape, output.ZeroPoint);
        int home = network.Home(layer.Output);
        (values[home], counts[home]) = (y, q);
        foreach (int dead in values.Keys.Where(t => lastRead.GetValueOrDefault(t, -1) <= index && t != home).ToArray())
        {
            values.Remove(dead);
            counts.Remove(dead);
        }

        return (y, q);
    }
}
