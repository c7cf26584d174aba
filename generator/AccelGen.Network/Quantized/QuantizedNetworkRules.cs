namespace AccelGen.Network.Quantized;

/// <summary>What must hold in every quantised network.</summary>
public static class QuantizedNetworkRules
{
    /// <summary>Everything that is wrong with a network; empty when it is sound.</summary>
    public static IReadOnlyList<string> Problems(QuantizedNetwork network)
    {
        var problems = new List<string>();
        int count = network.Tensors.Count;
        bool Known(int tensor) => tensor >= 0 && tensor < count;
        for (int i = 0; i < count; i++)
        {
            QuantizedTensor t = network.Tensors[i];
            if (t.Id != i)
                problems.Add($"tensor {t.Name}: id {t.Id} must be its position {i}");
            if (t.Shape.Batch < 1 || t.Shape.Height < 1 || t.Shape.Width < 1 || t.Shape.Channels < 1 || t.Shape.Elements > int.MaxValue)
                problems.Add($"tensor {t.Name}: shape {t.Shape}; sizes must be positive and the elements below 2^31");
            if (!double.IsFinite(t.Scale) || t.Scale <= 0)
                problems.Add($"tensor {t.Name}: scale {t.Scale}; it must be positive and finite");
            if (t.ZeroPoint is < -128 or > 127)
                problems.Add($"tensor {t.Name}: zero point {t.ZeroPoint}; legal are -128 to 127");
            if (t.SharesStorageWith is int other && (!Known(other) || other >= i || network.Tensors[other].Shape != t.Shape))
                problems.Add($"tensor {t.Name}: shares storage with {other}, which is no earlier tensor of shape {t.Shape}");
        }

        problems.AddRange(network.Inputs.Concat(network.Outputs).Where(t => !Known(t)).Select(t => $"network input or output {t} is no tensor"));
        if (network.Inputs.Count == 0 || network.Outputs.Count == 0)
            problems.Add("the network needs an input and an output");
        for (int i = 0; i < network.Blocks.Count; i++)
        {
            if (network.Blocks[i].Index != i || i > 63)
                problems.Add($"block {network.Blocks[i].Name}: index {network.Blocks[i].Index} must be its position {i}, at most 63");
        }

        if (problems.Count > 0)
            return problems;
        var written = network.Inputs.ToHashSet();
        foreach (QuantizedLayer layer in network.Layers)
        {
            string place = $"layer {layer.Name}: ";
            int[] reads = [layer.Input, .. layer is MatMulLayer m ? new[] { m.Right } : [], .. layer.Residual is { } r ? new[] { r.Tensor } : []];
            if (!Known(layer.Output) || reads.Any(t => !Known(t)))
            {
                problems.Add(place + "names a tensor that does not exist");
                continue;
            }

            problems.AddRange(reads.Where(t => !written.Contains(t)).Select(t => $"{place}reads {network.Tensors[t].Name} before anything wrote it"));
            written.Add(layer.Output);
            if (layer.ClampLow < -128 || layer.ClampHigh > 127 || layer.ClampLow > layer.ClampHigh)
                problems.Add($"{place}clamp {layer.ClampLow} to {layer.ClampHigh}; legal are -128 to 127");
            if (layer.Block is int block && (block < 0 || block >= network.Blocks.Count))
                problems.Add($"{place}block {block} does not exist");
            if (layer.InputExtent is < 0 or > 15 || layer.OutputExtent is < 0 or > 15)
                problems.Add($"{place}dynamic registers are 0 to 15");
            TensorShape from = network.Tensors[layer.Input].Shape, to = network.Tensors[layer.Output].Shape;
            if (layer.Residual is { } residual && network.Tensors[residual.Tensor].Shape != to)
                problems.Add($"{place}the residual has shape {network.Tensors[residual.Tensor].Shape}, the output {to}");
            problems.AddRange(Shapes(network, layer, from, to).Select(p => place + p));
        }

        return problems;
    }

    private static IEnumerable<string> Shapes(QuantizedNetwork network, QuantizedLayer layer, TensorShape from, TensorShape to)
    {
        switch (layer)
        {
            case ConvLayer c:
                if (!Positive(c.Kernel) || !Positive(c.Stride) || !Positive(c.Dilation) || c.Groups < 1 || from.Channels % c.Groups != 0 || to.Channels % c.Groups != 0)
                    yield return $"kernel {c.Kernel}, stride {c.Stride}, dilation {c.Dilation}, groups {c.Groups} do not fit {from} -> {to}";
                else if (c.Weights.LongLength != (long)to.Channels * c.Kernel.Rows * c.Kernel.Columns * (from.Channels / c.Groups) || c.Bias.Length != to.Channels || c.Scales.Length != to.Channels)
                    yield return $"{c.Weights.Length} weights, {c.Bias.Length} biases and {c.Scales.Length} scales do not fit {from} -> {to}";
                else if (c.Scales.Any(s => !Legal(s)))
                    yield return "a scale is not of 24 bits with a shift of 1 to 63";
                else if (Array.IndexOf(c.Weights, (sbyte)-128) >= 0)
                    yield return "a weight is -128; legal are -127 to 127";
                break;
            case AveragePoolLayer p:
                if (!Positive(p.Kernel) || !Positive(p.Stride) || from.Channels != to.Channels || !Legal(p.Scale))
                    yield return $"kernel {p.Kernel}, stride {p.Stride} do not fit {from} -> {to}";
                break;
            case AddLayer a:
                if (a.Residual is null || from != to || !Legal(a.Scale))
                    yield return $"an addition needs two operands of the output's shape {to}";
                break;
            case MatMulLayer m:
                TensorShape right = network.Tensors[m.Right].Shape;
                if (from.Batch != to.Batch || right.Batch != to.Batch || from.Channels != right.Channels || right.Width != to.Channels || from.Width != to.Width || !Legal(m.Scale))
                    yield return $"{from} times {right} is not {to}";
                break;
            default:
                yield return $"{layer.GetType().Name} is unknown";
                break;
        }
    }

    private static bool Positive((int Rows, int Columns) v) => v.Rows > 0 && v.Columns > 0;

    private static bool Legal(FixedPointScale s) => s.Multiplier < 1 << FixedPointScale.MultiplierBits && s.Shift is >= 1 and <= FixedPointScale.MaxShift;
}
