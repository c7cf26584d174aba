using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;

namespace AccelGen.Sim.Tests;

/// <summary>A network of one random layer with its inputs and path.</summary>
internal sealed record RandomLayer(QuantizedNetwork Network, Dictionary<int, sbyte[]> Inputs, ExecutionPath Path, string Description)
{
    public static RandomLayer Create(Random random)
    {
        int kind = random.Next(20);
        if (kind >= 8)
        {
            // Any kind of layer, with activations, second operands, heads, exchanged pixels and channels.
            string name = RandomQuantizedLayers.Kinds[random.Next(RandomQuantizedLayers.Kinds.Count)];
            (QuantizedNetwork network, Dictionary<int, sbyte[]> inputs) = RandomQuantizedLayers.Build(name, random.Next());
            QuantizedLayer layer = network.Layers[0];
            string flags = (layer.Table is null ? "" : " table") + (layer.TransposeOutput ? " transposed" : "") + (layer.Residual is { } r ? $" residual {r.Broadcast}{(r.Subtract ? " subtracted" : "")}" : "");
            return new RandomLayer(network, inputs, ExecutionPath.Whole, $"{name} {string.Join(", ", network.Tensors.Select(t => t.Shape))}{flags}");
        }

        return kind switch
        {
            0 => MatMul(random),
            1 => Pool(random),
            2 => Add(random),
            _ => Conv(random),
        };
    }

    private static RandomLayer Conv(Random random)
    {
        int kernelRows = random.Next(1, 4), kernelColumns = random.Next(3) == 0 ? random.Next(1, 6) : kernelRows;
        int strideRows = random.Next(1, 4), strideColumns = random.Next(1, 4), dilation = random.Next(4) == 0 ? 2 : 1;
        int grouping = random.Next(5), groups = 1, channels = random.Next(1, 40), outputs = random.Next(1, 40);
        if (grouping == 0)
        {
            groups = channels = outputs = random.Next(2, 40);
        }
        else if (grouping == 1)
        {
            groups = random.Next(2, 4);
            channels = groups * random.Next(1, 12);
            outputs = groups * random.Next(1, 12);
        }

        int height = random.Next(1, 20), width = random.Next(1, 20);
        int reachRows = ((kernelRows - 1) * dilation) + 1, reachColumns = ((kernelColumns - 1) * dilation) + 1;
        (int top, int left, int bottom, int right) = (random.Next(reachRows), random.Next(reachColumns), random.Next(reachRows), random.Next(reachColumns));
        height = Math.Max(height, reachRows);
        width = Math.Max(width, reachColumns);
        int outHeight = ((height + top + bottom - reachRows) / strideRows) + 1, outWidth = ((width + left + right - reachColumns) / strideColumns) + 1;
        var tensors = new List<QuantizedTensor>
        {
            new(0, "input", new TensorShape(1, height, width, channels), 0.1, random.Next(-128, 128)),
            new(1, "output", new TensorShape(1, outHeight, outWidth, outputs), 0.1, random.Next(-128, 128)),
        };
        var inputs = new Dictionary<int, sbyte[]> { [0] = Values(random, tensors[0].Shape.Elements, -128) };
        var networkInputs = new List<int> { 0 };
        ResidualAdd? residual = null;
        if (random.Next(3) == 0)
        {
            tensors.Add(new QuantizedTensor(2, "residual", tensors[1].Shape, 0.1, random.Next(-128, 128)));
            inputs[2] = Values(random, tensors[2].Shape.Elements, -128);
            networkInputs.Add(2);
            residual = new ResidualAdd(2, Scale(random, 1));
        }

        var extents = new Dictionary<int, int>();
        bool keepIn = groups == 1 && random.Next(2) == 0, keepOut = groups == 1 && random.Next(2) == 0;
        if (keepIn && random.Next(4) != 0)
            extents[0] = random.Next(1, channels + 1);
        if (keepOut && random.Next(4) != 0)
            extents[1] = random.Next(1, outputs + 1);
        int perGroup = channels / groups, depth = perGroup * kernelRows * kernelColumns;
        int low = random.Next(-128, 0), high = random.Next(0, 128);
        var layer = new ConvLayer("conv", 0, 1, low, high)
        {
            Weights = Values(random, (long)outputs * depth, -127),
            Bias = [.. Enumerable.Range(0, outputs).Select(_ => random.Next(-50000, 50000))],
            Scales = [.. Enumerable.Range(0, outputs).Select(_ => Scale(random, 50 / (Math.Sqrt(depth) * 74 * 105)))],
            Kernel = (kernelRows, kernelColumns),
            Stride = (strideRows, strideColumns),
            Dilation = (dilation, dilation),
            Padding = (top, left, bottom, right),
            Groups = groups,
            Residual = residual,
            InputExtent = keepIn ? 0 : null,
            OutputExtent = keepOut ? 1 : null,
        };
        string text = $"conv {tensors[0].Shape} k{layer.Kernel} s{layer.Stride} d{dilation} p{layer.Padding} g{groups} -> {tensors[1].Shape}, residual {residual is not null}, keep {(extents.TryGetValue(0, out int ki) ? ki : -1)}, keepout {(extents.TryGetValue(1, out int ko) ? ko : -1)}";
        return new RandomLayer(new QuantizedNetwork("random", tensors, [layer], [], networkInputs, [1]), inputs, new ExecutionPath("random", new HashSet<int>(), extents), text);
    }

    private static RandomLayer MatMul(Random random)
    {
        int batch = random.Next(1, 4), rows = random.Next(1, 70), depth = random.Next(1, 50), columns = random.Next(1, 50);
        var tensors = new List<QuantizedTensor>
        {
            new(0, "left", new TensorShape(batch, 1, rows, depth), 0.1, random.Next(-128, 128)),
            new(1, "output", new TensorShape(batch, 1, rows, columns), 0.1, random.Next(-128, 128)),
            new(2, "right", new TensorShape(batch, 1, columns, depth), 0.1, 0),
        };
        var layer = new MatMulLayer("matmul", 0, 2, 1, -128, 127, Scale(random, 50 / (Math.Sqrt(depth) * 74 * 105)));
        return new RandomLayer(new QuantizedNetwork("random", tensors, [layer], [], [0, 2], [1]),
            new() { [0] = Values(random, tensors[0].Shape.Elements, -128), [2] = Values(random, tensors[2].Shape.Elements, -128) },
            ExecutionPath.Whole, $"matmul {batch}x{rows}x{depth}x{columns}");
    }

    private static RandomLayer Pool(Random random)
    {
        int kernel = random.Next(1, 6), stride = random.Next(1, 4), padding = random.Next((kernel + 1) / 2);
        int height = random.Next(kernel, 16), width = random.Next(kernel, 16), channels = random.Next(1, 40);
        var tensors = new List<QuantizedTensor>
        {
            new(0, "input", new TensorShape(1, height, width, channels), 0.1, random.Next(-128, 128)),
            new(1, "output", new TensorShape(1, ((height + (2 * padding) - kernel) / stride) + 1, ((width + (2 * padding) - kernel) / stride) + 1, channels), 0.1, random.Next(-128, 128)),
        };
        var layer = new AveragePoolLayer("pool", 0, 1, -128, 127)
        {
            Kernel = (kernel, kernel), Stride = (stride, stride), Padding = (padding, padding, padding, padding), Scale = Scale(random, 1.0 / (kernel * kernel)),
        };
        return new RandomLayer(new QuantizedNetwork("random", tensors, [layer], [], [0], [1]),
            new() { [0] = Values(random, tensors[0].Shape.Elements, -128) }, ExecutionPath.Whole, $"pool {tensors[0].Shape} k{kernel} s{stride} p{padding}");
    }

    private static RandomLayer Add(Random random)
    {
        var shape = new TensorShape(1, random.Next(1, 16), random.Next(1, 16), random.Next(1, 40));
        var tensors = new List<QuantizedTensor>
        {
            new(0, "a", shape, 0.1, random.Next(-128, 128)), new(1, "output", shape, 0.1, random.Next(-128, 128)), new(2, "b", shape, 0.1, random.Next(-128, 128)),
        };
        var layer = new AddLayer("add", 0, 1, -128, 127, Scale(random, 0.7)) { Residual = new ResidualAdd(2, Scale(random, 0.7)) };
        return new RandomLayer(new QuantizedNetwork("random", tensors, [layer], [], [0, 2], [1]),
            new() { [0] = Values(random, shape.Elements, -128), [2] = Values(random, shape.Elements, -128) }, ExecutionPath.Whole, $"add {shape}");
    }

    private static FixedPointScale Scale(Random random, double around) => FixedPointScale.FromReal(around * (0.5 + random.NextDouble()));

    private static sbyte[] Values(Random random, long count, int low)
    {
        var values = new sbyte[count];
        for (int i = 0; i < values.Length; i++)
            values[i] = (sbyte)random.Next(low, 128);
        return values;
    }
}
