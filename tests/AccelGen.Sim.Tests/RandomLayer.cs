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
            string flags =
                (layer.Table is null ? "" : " table")
                + (layer.TransposeOutput ? " transposed" : "")
                + (layer.Residual is { } r ? $" residual {r.Broadcast}{(r.Subtract ? " subtracted" : "")}" : "");
            flags += layer switch
            {
                ConvLayer c => $" k{c.Kernel} s{c.Stride} d{c.Dilation} p{c.Padding} g{c.Groups}",
                AveragePoolLayer p => $" k{p.Kernel} s{p.Stride} p{p.Padding}",
                MaxPoolLayer p => $" k{p.Kernel} s{p.Stride} p{p.Padding}",
                _ => string.Empty,
            };
            return new RandomLayer(
                network,
                inputs,
                ExecutionPath.Whole,
                $"{name} {string.Join(", ", network.Tensors.Select(t => t.Shape))}{flags}"
            );
        }

        return kind switch
        {
            0 => MatMul(random),
            1 => Pool(random),
            2 => Add(random),
            _ => Conv(random),
        };
    }

    /// <summary>The layer has padding as large as its kernel, in rows or in columns.</summary>
    public bool PaddedByKernel =>
        Window is ([int rows, int columns, ..], [int top, int left, int bottom, int right])
        && (Math.Max(top, bottom) >= rows || Math.Max(left, right) >= columns);

    /// <summary>
    /// Kernel, stride and dilation, rows before columns, and padding at the top, left, bottom and right; empty where there is no
    /// window.
    /// </summary>
    public (int[] Window, int[] Padding) Window
    {
        get
        {
            return Network.Layers[0] switch
            {
                ConvLayer c => Of(c.Kernel, c.Stride, c.Dilation, c.Padding),
                AveragePoolLayer p => Of(p.Kernel, p.Stride, (1, 1), p.Padding),
                MaxPoolLayer p => Of(p.Kernel, p.Stride, (1, 1), p.Padding),
                _ => ([], []),
            };

            static (int[] Window, int[] Padding) Of(
                (int Rows, int Columns) kernel,
                (int Rows, int Columns) stride,
                (int Rows, int Columns) dilation,
                (int Top, int Left, int Bottom, int Right) padding
            ) =>
                (
                    [kernel.Rows, kernel.Columns, stride.Rows, stride.Columns, dilation.Rows, dilation.Columns],
                    [padding.Top, padding.Left, padding.Bottom, padding.Right]
                );
        }
    }

    private static RandomLayer Conv(Random random)
    {
        (RandomWindow rows, RandomWindow columns) = RandomWindow.Draw(random, 19, 8000);
        int grouping = random.Next(5),
            groups = 1,
            channels = random.Next(1, 40),
            outputs = random.Next(1, 40);
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

        var tensors = new List<QuantizedTensor>
        {
            new(0, "input", new TensorShape(1, rows.Size, columns.Size, channels), 0.1, random.Next(-128, 128)),
            new(1, "output", new TensorShape(1, rows.Steps, columns.Steps, outputs), 0.1, random.Next(-128, 128)),
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
        bool keepIn = groups == 1 && random.Next(2) == 0,
            keepOut = groups == 1 && random.Next(2) == 0;
        if (keepIn && random.Next(4) != 0)
            extents[0] = random.Next(1, channels + 1);
        if (keepOut && random.Next(4) != 0)
            extents[1] = random.Next(1, outputs + 1);
        int perGroup = channels / groups,
            depth = perGroup * rows.Kernel * columns.Kernel;
        int low = random.Next(-128, 0),
            high = random.Next(0, 128);
        var layer = new ConvLayer("conv", 0, 1, low, high)
        {
            Weights = Values(random, (long)outputs * depth, -127),
            Bias = [.. Enumerable.Range(0, outputs).Select(_ => random.Next(-50000, 50000))],
            Scales = [.. Enumerable.Range(0, outputs).Select(_ => Scale(random, 50 / (Math.Sqrt(depth) * 74 * 105)))],
            Kernel = (rows.Kernel, columns.Kernel),
            Stride = (rows.Stride, columns.Stride),
            Dilation = (rows.Dilation, columns.Dilation),
            Padding = (rows.Before, columns.Before, rows.After, columns.After),
            Groups = groups,
            Residual = residual,
            InputExtent = keepIn ? 0 : null,
            OutputExtent = keepOut ? 1 : null,
        };
        string text =
            $"conv {tensors[0].Shape} k{layer.Kernel} s{layer.Stride} d{layer.Dilation} p{layer.Padding} g{groups}"
            + $" -> {tensors[1].Shape}, residual {residual is not null}"
            + $", keep {(extents.TryGetValue(0, out int ki) ? ki : -1)}, keepout {(extents.TryGetValue(1, out int ko) ? ko : -1)}";
        return new RandomLayer(
            new QuantizedNetwork("random", tensors, [layer], [], networkInputs, [1]),
            inputs,
            new ExecutionPath("random", new HashSet<int>(), extents),
            text
        );
    }

    private static RandomLayer MatMul(Random random)
    {
        int batch = random.Next(1, 4),
            rows = random.Next(1, 70),
            depth = random.Next(1, 50),
            columns = random.Next(1, 50);
        var tensors = new List<QuantizedTensor>
        {
            new(0, "left", new TensorShape(batch, 1, rows, depth), 0.1, random.Next(-128, 128)),
            new(1, "output", new TensorShape(batch, 1, rows, columns), 0.1, random.Next(-128, 128)),
            new(2, "right", new TensorShape(batch, 1, columns, depth), 0.1, 0),
        };
        var layer = new MatMulLayer("matmul", 0, 2, 1, -128, 127, Scale(random, 50 / (Math.Sqrt(depth) * 74 * 105)));
        return new RandomLayer(
            new QuantizedNetwork("random", tensors, [layer], [], [0, 2], [1]),
            new() { [0] = Values(random, tensors[0].Shape.Elements, -128), [2] = Values(random, tensors[2].Shape.Elements, -128) },
            ExecutionPath.Whole,
            $"matmul {batch}x{rows}x{depth}x{columns}"
        );
    }

    private static RandomLayer Pool(Random random)
    {
        int channels = random.Next(1, 40);
        (RandomWindow rows, RandomWindow columns) = RandomWindow.Draw(random, 15, 8000, pooling: random.Next(3) != 0);
        // Pooling has no dilation.
        (rows, columns) = (rows with { Dilation = 1 }, columns with { Dilation = 1 });
        var tensors = new List<QuantizedTensor>
        {
            new(0, "input", new TensorShape(1, rows.Size, columns.Size, channels), 0.1, random.Next(-128, 128)),
            new(1, "output", new TensorShape(1, rows.Steps, columns.Steps, channels), 0.1, random.Next(-128, 128)),
        };
        var layer = new AveragePoolLayer("pool", 0, 1, -128, 127)
        {
            Kernel = (rows.Kernel, columns.Kernel),
            Stride = (rows.Stride, columns.Stride),
            Padding = (rows.Before, columns.Before, rows.After, columns.After),
            Scale = Scale(random, 1.0 / (rows.Kernel * columns.Kernel)),
        };
        return new RandomLayer(
            new QuantizedNetwork("random", tensors, [layer], [], [0], [1]),
            new() { [0] = Values(random, tensors[0].Shape.Elements, -128) },
            ExecutionPath.Whole,
            $"pool {tensors[0].Shape} k{layer.Kernel} s{layer.Stride} p{layer.Padding}"
        );
    }

    private static RandomLayer Add(Random random)
    {
        var shape = new TensorShape(1, random.Next(1, 16), random.Next(1, 16), random.Next(1, 40));
        var tensors = new List<QuantizedTensor>
        {
            new(0, "a", shape, 0.1, random.Next(-128, 128)),
            new(1, "output", shape, 0.1, random.Next(-128, 128)),
            new(2, "b", shape, 0.1, random.Next(-128, 128)),
        };
        var layer = new AddLayer("add", 0, 1, -128, 127, Scale(random, 0.7)) { Residual = new ResidualAdd(2, Scale(random, 0.7)) };
        return new RandomLayer(
            new QuantizedNetwork("random", tensors, [layer], [], [0, 2], [1]),
            new() { [0] = Values(random, shape.Elements, -128), [2] = Values(random, shape.Elements, -128) },
            ExecutionPath.Whole,
            $"add {shape}"
        );
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
