using AccelGen.Network.Quantized;

namespace AccelGen.Tests.Shared;

/// <summary>Small quantised networks with one layer of every kind, and variants with tables, residuals, heads and transposition.</summary>
internal static class QuantizedSamples
{
    /// <summary>Builds them; the layer's name says what it is.</summary>
    /// <param name="seed">Seed of shapes and values.</param>
    public static IEnumerable<QuantizedNetwork> All(int seed)
    {
        var random = new Random(seed);
        int h = random.Next(3, 7),
            w = random.Next(3, 7),
            c = random.Next(2, 9),
            k = random.Next(2, 9),
            heads = random.Next(2, 4);
        var image = new TensorShape(1, h, w, c);
        FixedPointScale Scale(double around) => FixedPointScale.FromReal(around * (0.5 + random.NextDouble()));
        sbyte[] Weights(int count) => [.. Enumerable.Range(0, count).Select(_ => (sbyte)random.Next(-127, 128))];
        sbyte[] table = [.. Enumerable.Range(0, 256).Select(_ => (sbyte)random.Next(-128, 128))];
        int Zero() => random.Next(-60, 60);
        QuantizedTensor Tensor(int id, TensorShape shape, bool symmetric = false) => new(id, $"t{id}", shape, 0.1, symmetric ? 0 : Zero());
        QuantizedNetwork One(QuantizedLayer layer, params QuantizedTensor[] tensors) =>
            new(layer.Name, tensors, [layer], [], [.. layer.Reads.Where(t => tensors[t].Constant is null).Distinct()], [layer.Output]);
        ConvLayer Conv(string name, int inputs, int outputs, int groups = 1) =>
            new(name, 0, 1, -128, 127)
            {
                Weights = Weights(outputs * 9 * (inputs / groups)),
                Bias = [.. Enumerable.Range(0, outputs).Select(_ => random.Next(-999, 999))],
                Scales = [.. Enumerable.Range(0, outputs).Select(_ => Scale(0.003))],
                Kernel = (3, 3),
                Padding = (1, 1, 1, 1),
                Groups = groups,
            };

        yield return One(Conv("conv", c, k), Tensor(0, image), Tensor(1, image with { Channels = k }));
        yield return One(
            Conv("conv with table", c, k) with
            {
                Table = table,
                TableZeroPoint = Zero(),
            },
            Tensor(0, image),
            Tensor(1, image with { Channels = k })
        );
        yield return One(
            Conv("conv transposed", c, k) with
            {
                TransposeOutput = true,
            },
            Tensor(0, image with { Height = 1, Width = h * w }),
            Tensor(1, new TensorShape(1, 1, k, h * w))
        );
        yield return One(Conv("conv into heads", c, k * heads), Tensor(0, image), Tensor(1, new TensorShape(heads, h, w, k)));
        yield return One(
            Conv("conv of heads, transposed", c * heads, k * heads, heads) with
            {
                TransposeOutput = true,
            },
            Tensor(0, new TensorShape(heads, 1, h * w, c)),
            Tensor(1, new TensorShape(heads, 1, k, h * w))
        );
        foreach (Broadcast broadcast in Enum.GetValues<Broadcast>())
        {
            TensorShape operand = broadcast switch
            {
                Broadcast.Pixels => new(1, 1, 1, k),
                Broadcast.Channels => new(1, h, w, 1),
                _ => new(1, h, w, k),
            };
            yield return One(
                Conv($"conv minus residual, {broadcast}", c, k) with
                {
                    Residual = new ResidualAdd(2, Scale(1), true, broadcast),
                },
                Tensor(0, image),
                Tensor(1, image with { Channels = k }),
                Tensor(2, operand)
            );
            operand = operand with { Channels = broadcast == Broadcast.Channels ? 1 : c };
            yield return One(
                new MultiplyLayer($"multiply, {broadcast}", 0, 1, 2, -100, 127, Scale(0.02)) { Broadcast = broadcast },
                Tensor(0, image),
                Tensor(1, operand),
                Tensor(2, image)
            );
            yield return One(
                new AddLayer($"add constant, {broadcast}", 0, 2, -128, 127, Scale(1))
                {
                    Residual = new ResidualAdd(1, Scale(1), false, broadcast),
                },
                Tensor(0, image),
                Tensor(1, operand) with
                {
                    Constant = Weights((int)operand.Elements),
                },
                Tensor(2, image)
            );
        }

        yield return One(
            new MatMulLayer("matmul", 0, 1, 2, -128, 127, Scale(0.002)),
            Tensor(0, new TensorShape(heads, 1, h, c)),
            Tensor(1, new TensorShape(heads, 1, k, c), symmetric: true),
            Tensor(2, new TensorShape(heads, 1, h, k))
        );
        yield return One(
            new MatMulLayer("matmul transposed", 0, 1, 2, -128, 127, Scale(0.002)) { TransposeOutput = true, Table = table },
            Tensor(0, new TensorShape(heads, 1, h, c)),
            Tensor(1, new TensorShape(heads, 1, k, c), symmetric: true),
            Tensor(2, new TensorShape(heads, 1, k, h))
        );
        yield return One(
            new NormalizedMatMulLayer("normalized matmul", 0, 1, 2, 3, -128, 127, Scale(40)),
            Tensor(0, new TensorShape(heads, 1, h, c)),
            Tensor(1, new TensorShape(heads, 1, k, c), symmetric: true),
            Tensor(2, new TensorShape(heads, 1, 1, c), symmetric: true),
            Tensor(3, new TensorShape(heads, 1, h, k))
        );
        yield return One(
            new AveragePoolLayer("average pool", 0, 1, -128, 127)
            {
                Kernel = (2, 3),
                Stride = (1, 1),
                Scale = Scale(0.2),
            },
            Tensor(0, image),
            Tensor(1, new TensorShape(1, h - 1, w - 2, c))
        );
        yield return One(
            new MaxPoolLayer("max pool", 0, 1, -128, 127)
            {
                Kernel = (2, 3),
                Stride = (1, 1),
                Padding = (1, 0, 0, 2),
                Scale = Scale(1),
            },
            Tensor(0, image),
            Tensor(1, new TensorShape(1, h, w, c))
        );
        yield return One(
            new ResizeLayer("resize", 0, 1, -128, 127)
            {
                Up = (2, 3),
                Down = (1, 1),
                Taps = (2, 2),
                FirstRow = [-1, 0],
                FirstColumn = [-1, 0, 0],
                Weights = Weights(24),
                Scales = [.. Enumerable.Range(0, 6).Select(_ => Scale(0.01))],
            },
            Tensor(0, image),
            Tensor(1, new TensorShape(1, 2 * h, 3 * w, c))
        );
        yield return One(
            new ConcatLayer("concat", [0, 1], 2, -128, 127, [Scale(1), Scale(1)]),
            Tensor(0, image),
            Tensor(1, image with { Channels = k }),
            Tensor(2, image with { Channels = c + k })
        );
        yield return One(new ConcatLayer("copy", [0], 1, -50, 127, [Scale(1)]) { Table = table }, Tensor(0, image), Tensor(1, image));
        yield return One(
            new SoftmaxLayer("softmax transposed", 0, 1, -128, 127, (uint)random.Next(1 << 24), FixedPointScale.FromReal(256))
            {
                Table = table,
                TransposeOutput = true,
            },
            Tensor(0, image),
            Tensor(1, new TensorShape(1, 1, c, h * w))
        );
        yield return One(
            new SoftmaxLayer("softmax", 0, 1, -128, 127, (uint)random.Next(1 << 24), FixedPointScale.FromReal(256)),
            Tensor(0, image),
            Tensor(1, image)
        );
        yield return One(
            new LayerNormLayer("layer norm", 0, 1, -128, 127)
            {
                Gamma = [.. Enumerable.Range(0, c).Select(_ => random.Next(-(1 << 23), 1 << 23))],
                Beta = [.. Enumerable.Range(0, c).Select(_ => random.Next(int.MinValue, int.MaxValue))],
                Shift = [.. Enumerable.Range(0, c).Select(_ => random.Next(20, 40))],
                Epsilon = random.NextInt64(1L << 30),
            },
            Tensor(0, image),
            Tensor(1, image)
        );
        yield return One(new ArgMaxLayer("arg max", 0, 1), Tensor(0, image), Tensor(1, image with { Channels = 1 }));
    }

    /// <summary>Random counts for the inputs of a network.</summary>
    public static Dictionary<int, sbyte[]> Inputs(QuantizedNetwork network, Random random) =>
        network.Inputs.ToDictionary(
            t => t,
            t => Enumerable.Range(0, (int)network.Tensors[t].Shape.Elements).Select(_ => (sbyte)random.Next(-128, 128)).ToArray()
        );
}
