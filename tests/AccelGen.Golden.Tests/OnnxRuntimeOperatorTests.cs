using System.Globalization;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using AccelGen.Tests.Shared;
using NUnit.Framework;
using static AccelGen.Golden.Tests.Oracle;

namespace AccelGen.Golden.Tests;

/// <summary>The operators beside convolution and matrix product against ONNX Runtime: its integer operators where it has them, else its
/// float operators on the same real values.</summary>
public sealed class OnnxRuntimeOperatorTests
{
    private const int Rounds = 40;

    [Test]
    public void Max_pooling_with_one_scale_equals_MaxPool_of_int8()
    {
        for (int round = 0; round < Rounds; round++)
        {
            var random = new Random(Seed + round);
            (int kr, int kc, int sr, int sc) = (random.Next(1, 5), random.Next(1, 5), random.Next(1, 4), random.Next(1, 4));
            (int t, int l, int b, int r) = (random.Next(kr), random.Next(kc), random.Next(kr), random.Next(kc));
            var i = new TensorShape(1, random.Next(kr, 16), random.Next(kc, 16), random.Next(1, 20));
            var o = new TensorShape(1, ((i.Height + t + b - kr) / sr) + 1, ((i.Width + l + r - kc) / sc) + 1, i.Channels);
            sbyte[] x = Values(random, (int)i.Elements);
            int zero = random.Next(-128, 128);
            var layer = new MaxPoolLayer("p", 0, 1, -128, 127)
            {
                Kernel = (kr, kc),
                Stride = (sr, sc),
                Padding = (t, l, b, r),
                Scale = FixedPointScale.FromReal(1),
            };
            sbyte[] mine = GoldenOperators.Execute(layer, [new Operand(i, zero, x)], o, zero);
            byte[] model = new OnnxModelWriter("MaxPool", ["x"], "y")
                .Ints("kernel_shape", kr, kc)
                .Ints("strides", sr, sc)
                .Ints("pads", t, l, b, r)
                .Input("x", OnnxModelWriter.Int8, 1, i.Channels, i.Height, i.Width)
                .Build("y", OnnxModelWriter.Int8, 1, o.Channels, o.Height, o.Width);
            Assert.That(
                ToNchw(mine, o),
                Is.EqualTo(Run<sbyte>(model, ("x", Tensor(ToNchw(x, i), 1, i.Channels, i.Height, i.Width)))),
                $"seed {Seed + round}: {i} -> {o}"
            );
        }
    }

    [TestCase("nearest", "asymmetric", "floor")]
    [TestCase("nearest", "half_pixel", "round_prefer_floor")]
    [TestCase("nearest", "half_pixel", "ceil")]
    [TestCase("linear", "half_pixel", "")]
    [TestCase("linear", "asymmetric", "")]
    [TestCase("linear", "align_corners", "")]
    [TestCase("cubic", "half_pixel", "")]
    [TestCase("cubic", "align_corners", "")]
    public void Resize_is_within_one_step_of_Resize_of_the_real_values(string mode, string coordinates, string nearest)
    {
        var rates = new Rates();
        (int Up, int Down)[] factors = [(2, 1), (4, 1), (1, 2), (3, 2), (3, 1), (8, 1), (1, 1)];
        for (int round = 0; round < Rounds; round++)
        {
            var random = new Random(Seed + round);
            (int upR, int downR) = factors[random.Next(factors.Length)];
            (int upC, int downC) = factors[random.Next(factors.Length)];
            var i = new TensorShape(1, downR * random.Next(1, 7), downC * random.Next(1, 7), random.Next(1, 6));
            var o = new TensorShape(1, i.Height * upR / downR, i.Width * upC / downC, i.Channels);
            if (coordinates == "align_corners")
                (upR, downR, upC, downC) = (o.Height, i.Height, o.Width, i.Width);
            (int taps, int[] firstRow, float[] rowWeights) = Axis(mode, coordinates, nearest, i.Height, o.Height, upR);
            (_, int[] firstColumn, float[] columnWeights) = Axis(mode, coordinates, nearest, i.Width, o.Width, upC);
            var resize = new FloatResize("r", 0, 1)
            {
                Up = (upR, upC),
                Down = (downR, downC),
                Taps = (taps, taps),
                FirstRow = firstRow,
                FirstColumn = firstColumn,
                RowWeights = rowWeights,
                ColumnWeights = columnWeights,
            };
            // Cubic weights overshoot: the output's range is half as large again.
            float high = 5,
                wide = mode == "cubic" ? 8 : 5;
            int copies = mode == "cubic" ? FloatResize.CubicCopies : 1;
            (FloatResize repeat, FloatResize fine) = resize.Finer(copies, "rows", 2);
            QuantizedNetwork network = Quantizer.Quantize(
                new FloatNetwork(
                    "r",
                    [new(0, "x", i), new(1, "y", o), new(2, "rows", i with { Height = copies * i.Height })],
                    [repeat, fine],
                    [],
                    [0],
                    [1]
                ),
                [new(-4, high), new(-wide, wide), new(-4, high)]
            );
            Assert.That(QuantizedNetworkRules.Problems(network), Is.Empty);
            (QuantizedTensor tx, QuantizedTensor ty) = (network.Tensors[0], network.Tensors[1]);
            sbyte[] x = Values(random, (int)i.Elements);
            sbyte[] mine = GoldenExecutor.Run(network, ExecutionPath.Whole, new Dictionary<int, sbyte[]> { [0] = x })[1];
            var writer = new OnnxModelWriter("Resize", ["x", string.Empty, string.Empty, "sizes"], "y")
                .String("mode", mode)
                .String("coordinate_transformation_mode", coordinates);
            if (nearest.Length > 0)
                writer.String("nearest_mode", nearest);
            writer.Initializer("sizes", [1L, o.Channels, o.Height, o.Width], 4);
            byte[] model = writer
                .Input("x", OnnxModelWriter.Float, 1, i.Channels, i.Height, i.Width)
                .Build("y", OnnxModelWriter.Float, 1, o.Channels, o.Height, o.Width);
            float[] real = Run<float>(model, ("x", Tensor(Real(ToNchw(x, i), tx), 1, i.Channels, i.Height, i.Width)));
            rates.Add(ToNchw(mine, o), real, ty, $"{mode} {coordinates} {nearest}, seed {Seed + round}: {i} -> {o}");
        }

        TestContext.Out.WriteLine($"{mode} {coordinates} {nearest}: {rates}");
        Assert.That(rates.Largest, Is.LessThanOrEqualTo(1));
        // Cubic weights of 8 bits are one step off in 13 to 15 %.
        Assert.That(rates.Different, mode == "cubic" ? Is.LessThan(0.09) : Is.LessThan(0.04));
    }

    [Test]
    public void Softmax_is_within_one_step_of_Softmax_and_of_QLinearSoftmax()
    {
        var (rates, integer) = (new Rates(), new Rates());
        for (int round = 0; round < Rounds; round++)
        {
            var random = new Random(Seed + round);
            int rows = random.Next(1, 20),
                n = random.Next(1, 400),
                zero = random.Next(-128, 128);
            double scale = 0.005 * Math.Pow(2, random.Next(8));
            sbyte[] x = Values(random, rows * n);
            var shape = new TensorShape(1, 1, rows, n);
            QuantizedTensor tx = new(0, "x", shape, scale, zero),
                ty = new(1, "y", shape, 1.0 / 256, -128);
            var layer = new SoftmaxLayer(
                "s",
                0,
                1,
                -128,
                127,
                (uint)Math.Round(scale * Math.Log2(Math.E) * (1 << 20)),
                FixedPointScale.FromReal(256)
            );
            sbyte[] mine = GoldenOperators.Execute(layer, [new Operand(shape, zero, x)], shape, -128);
            byte[] model = new OnnxModelWriter("Softmax", ["x"], "y")
                .Int("axis", -1)
                .Input("x", OnnxModelWriter.Float, rows, n)
                .Build("y", OnnxModelWriter.Float, rows, n);
            rates.Add(mine, Run<float>(model, ("x", Tensor(Real(x, tx), rows, n))), ty, $"seed {Seed + round}");
            byte[] qlinear = new OnnxModelWriter("QLinearSoftmax", ["x", "sx", "zx", "sy", "zy"], "y", "com.microsoft")
                .Int("axis", -1)
                .Int("opset", 13)
                .Input("x", OnnxModelWriter.Int8, rows, n)
                .Input("sx", OnnxModelWriter.Float)
                .Input("zx", OnnxModelWriter.Int8)
                .Input("sy", OnnxModelWriter.Float)
                .Input("zy", OnnxModelWriter.Int8)
                .Build("y", OnnxModelWriter.Int8, rows, n);
            sbyte[] theirs = Run<sbyte>(
                qlinear,
                ("x", Tensor(x, rows, n)),
                ("sx", Tensor<float>([(float)scale])),
                ("zx", Tensor<sbyte>([(sbyte)zero])),
                ("sy", Tensor<float>([1f / 256])),
                ("zy", Tensor<sbyte>([-128]))
            );
            integer.Add(mine, Real(theirs, ty), ty, $"QLinearSoftmax, seed {Seed + round}");
        }

        TestContext.Out.WriteLine($"Softmax: {rates}");
        TestContext.Out.WriteLine($"QLinearSoftmax: {integer}");
        Assert.That(rates.Largest, Is.LessThanOrEqualTo(1));
        Assert.That(integer.Largest, Is.LessThanOrEqualTo(1));
    }

    [Test]
    public void Layer_normalisation_is_within_one_step_of_LayerNormalization()
    {
        var rates = new Rates();
        for (int round = 0; round < Rounds; round++)
        {
            var random = new Random(Seed + round);
            int rows = random.Next(1, 20),
                n = random.Next(2, 400);
            var shape = new TensorShape(1, 1, rows, n);
            float[] gamma = RandomNetworks.Values(random, n, 2),
                beta = RandomNetworks.Values(random, n, 1);
            var norm = new FloatLayerNorm("n", 0, 1)
            {
                Gamma = gamma,
                Beta = beta,
                Epsilon = 1e-5f,
            };
            float extent = (float)Math.Pow(2, random.Next(-6, 6));
            QuantizedNetwork network = Quantizer.Quantize(
                new FloatNetwork("n", [new(0, "x", shape), new(1, "y", shape)], [norm], [], [0], [1]),
                [new(-extent, 1.3f * extent), new(-5, 5)]
            );
            (QuantizedTensor tx, QuantizedTensor ty) = (network.Tensors[0], network.Tensors[1]);
            sbyte[] x = Values(random, rows * n);
            sbyte[] mine = GoldenOperators.Execute(network.Layers[0], [new Operand(shape, tx.ZeroPoint, x)], shape, ty.ZeroPoint);
            byte[] model = new OnnxModelWriter("LayerNormalization", ["x", "g", "b"], "y") { OpsetVersion = 17 }
                .Real("epsilon", 1e-5f)
                .Int("axis", -1)
                .Initializer("g", gamma, n)
                .Initializer("b", beta, n)
                .Input("x", OnnxModelWriter.Float, rows, n)
                .Build("y", OnnxModelWriter.Float, rows, n);
            rates.Add(mine, Run<float>(model, ("x", Tensor(Real(x, tx), rows, n))), ty, $"seed {Seed + round}");
        }

        TestContext.Out.WriteLine($"LayerNormalization: {rates}");
        Assert.That(rates.Largest, Is.LessThanOrEqualTo(1));
    }

    [TestCase(Broadcast.None)]
    [TestCase(Broadcast.Pixels)]
    [TestCase(Broadcast.Channels)]
    public void Multiplication_addition_and_subtraction_broadcast_as_ONNX_does(Broadcast broadcast)
    {
        var (products, sums, differences) = (new Rates(), new Rates(), new Rates());
        for (int round = 0; round < Rounds; round++)
        {
            var random = new Random(Seed + round);
            var shape = new TensorShape(1, random.Next(1, 8), random.Next(1, 8), random.Next(1, 20));
            TensorShape other = broadcast switch
            {
                Broadcast.Pixels => shape with { Height = 1, Width = 1 },
                Broadcast.Channels => shape with { Channels = 1 },
                _ => shape,
            };
            QuantizedTensor a = new(0, "a", shape, 0.01 + (0.1 * random.NextDouble()), random.Next(-128, 128)),
                b = new(1, "b", other, 0.01 + (0.1 * random.NextDouble()), random.Next(-128, 128));
            QuantizedTensor product = new(2, "p", shape, a.Scale * b.Scale * 61.37, random.Next(-50, 50)),
                sum = new(2, "s", shape, Math.Max(a.Scale, b.Scale) * 1.4, random.Next(-50, 50));
            sbyte[] x = Values(random, (int)shape.Elements),
                y = Values(random, (int)other.Elements);
            Operand[] operands = [new(shape, a.ZeroPoint, x), new(other, b.ZeroPoint, y)];
            var multiply = new MultiplyLayer("m", 0, 1, 2, -128, 127, FixedPointScale.FromReal(a.Scale * b.Scale / product.Scale))
            {
                Broadcast = broadcast,
            };
            var residual = new ResidualAdd(1, FixedPointScale.FromReal(b.Scale / sum.Scale), false, broadcast);
            var add = new AddLayer("a", 0, 2, -128, 127, FixedPointScale.FromReal(a.Scale / sum.Scale)) { Residual = residual };
            string seed = $"seed {Seed + round}: {shape} and {other}";
            products.Add(
                ToNchw(GoldenOperators.Execute(multiply, operands, shape, product.ZeroPoint), shape),
                Binary("QLinearMul", product),
                product,
                "product, " + seed
            );
            sums.Add(
                ToNchw(GoldenOperators.Execute(add, operands, shape, sum.ZeroPoint), shape),
                Binary("QLinearAdd", sum),
                sum,
                "sum, " + seed
            );
            float[] real = Run<float>(
                new OnnxModelWriter("Sub", ["a", "b"], "y")
                    .Input("a", OnnxModelWriter.Float, Nchw(shape))
                    .Input("b", OnnxModelWriter.Float, Nchw(other))
                    .Build("y", OnnxModelWriter.Float, Nchw(shape)),
                ("a", Tensor(Real(ToNchw(x, shape), a), Dims(shape))),
                ("b", Tensor(Real(ToNchw(y, other), b), Dims(other)))
            );
            differences.Add(
                ToNchw(
                    GoldenOperators.Execute(add with { Residual = residual with { Subtract = true } }, operands, shape, sum.ZeroPoint),
                    shape
                ),
                real,
                sum,
                "difference, " + seed
            );

            float[] Binary(string op, QuantizedTensor output)
            {
                byte[] model = new OnnxModelWriter(op, ["a", "sa", "za", "b", "sb", "zb", "sy", "zy"], "y", "com.microsoft")
                    .Input("a", OnnxModelWriter.Int8, Nchw(shape))
                    .Input("sa", OnnxModelWriter.Float)
                    .Input("za", OnnxModelWriter.Int8)
                    .Input("b", OnnxModelWriter.Int8, Nchw(other))
                    .Input("sb", OnnxModelWriter.Float)
                    .Input("zb", OnnxModelWriter.Int8)
                    .Input("sy", OnnxModelWriter.Float)
                    .Input("zy", OnnxModelWriter.Int8)
                    .Build("y", OnnxModelWriter.Int8, Nchw(shape));
                sbyte[] theirs = Run<sbyte>(
                    model,
                    ("a", Tensor(ToNchw(x, shape), Dims(shape))),
                    ("sa", Tensor<float>([(float)a.Scale])),
                    ("za", Tensor<sbyte>([(sbyte)a.ZeroPoint])),
                    ("b", Tensor(ToNchw(y, other), Dims(other))),
                    ("sb", Tensor<float>([(float)b.Scale])),
                    ("zb", Tensor<sbyte>([(sbyte)b.ZeroPoint])),
                    ("sy", Tensor<float>([(float)output.Scale])),
                    ("zy", Tensor<sbyte>([(sbyte)output.ZeroPoint]))
                );
                return Real(theirs, output);
            }
        }

        TestContext.Out.WriteLine($"{broadcast}: QLinearMul {products}; QLinearAdd {sums}; Sub {differences}");
        Assert.That(new[] { products.Largest, sums.Largest, differences.Largest }, Is.All.LessThanOrEqualTo(1));
        Assert.That(products.Different, Is.LessThan(0.002));
    }

    [Test]
    public void Concatenation_is_within_one_step_of_QLinearConcat_and_exact_with_one_scale()
    {
        var rates = new Rates();
        for (int round = 0; round < Rounds; round++)
        {
            var random = new Random(Seed + round);
            (int h, int w) = (random.Next(1, 8), random.Next(1, 8));
            QuantizedTensor[] parts =
            [
                .. Enumerable
                    .Range(0, random.Next(1, 5))
                    .Select(i => new QuantizedTensor(
                        i,
                        $"x{i}",
                        new TensorShape(1, h, w, random.Next(1, 12)),
                        0.02 + (0.05 * random.NextDouble()),
                        random.Next(-128, 128)
                    )),
            ];
            bool same = round % 4 == 0;
            if (same)
                parts = [.. parts.Select(p => p with { Scale = parts[0].Scale, ZeroPoint = parts[0].ZeroPoint })];
            var o = new TensorShape(1, h, w, parts.Sum(p => p.Shape.Channels));
            QuantizedTensor y = new(9, "y", o, same ? parts[0].Scale : 0.07, same ? parts[0].ZeroPoint : random.Next(-60, 60));
            sbyte[][] values = [.. parts.Select(p => Values(random, (int)p.Shape.Elements))];
            var layer = new ConcatLayer(
                "c",
                [.. parts.Select(p => p.Id)],
                9,
                -128,
                127,
                [.. parts.Select(p => FixedPointScale.FromReal(p.Scale / y.Scale))]
            );
            sbyte[] mine = ToNchw(
                GoldenOperators.Execute(layer, [.. parts.Zip(values, (p, v) => new Operand(p.Shape, p.ZeroPoint, v))], o, y.ZeroPoint),
                o
            );
            var writer = new OnnxModelWriter(
                "QLinearConcat",
                ["sy", "zy", .. parts.SelectMany(p => new[] { p.Name, "s" + p.Name, "z" + p.Name })],
                "y",
                "com.microsoft"
            )
                .Int("axis", 1)
                .Input("sy", OnnxModelWriter.Float)
                .Input("zy", OnnxModelWriter.Int8);
            List<(string, object)> inputs = [("sy", Tensor<float>([(float)y.Scale])), ("zy", Tensor<sbyte>([(sbyte)y.ZeroPoint]))];
            foreach ((QuantizedTensor p, sbyte[] v) in parts.Zip(values))
            {
                writer
                    .Input(p.Name, OnnxModelWriter.Int8, Nchw(p.Shape))
                    .Input("s" + p.Name, OnnxModelWriter.Float)
                    .Input("z" + p.Name, OnnxModelWriter.Int8);
                inputs.AddRange([
                    (p.Name, Tensor(ToNchw(v, p.Shape), Dims(p.Shape))),
                    ("s" + p.Name, Tensor<float>([(float)p.Scale])),
                    ("z" + p.Name, Tensor<sbyte>([(sbyte)p.ZeroPoint])),
                ]);
            }

            sbyte[] theirs = Run<sbyte>(writer.Build("y", OnnxModelWriter.Int8, Nchw(o)), [.. inputs]);
            if (same)
                Assert.That(mine, Is.EqualTo(theirs), $"seed {Seed + round}");
            rates.Add(mine, Real(theirs, y), y, $"seed {Seed + round}");
        }

        TestContext.Out.WriteLine($"QLinearConcat: {rates}");
        Assert.That(rates.Largest, Is.LessThanOrEqualTo(1));
    }

    [Test]
    public void Arg_max_equals_ArgMax()
    {
        var random = new Random(Seed);
        var shape = new TensorShape(1, 12, 9, 19);
        sbyte[] x = [.. Values(random, (int)shape.Elements).Select(v => (sbyte)(v / 20))];
        byte[] model = new OnnxModelWriter("ArgMax", ["x"], "y")
            .Int("axis", 1)
            .Int("keepdims", 1)
            .Input("x", OnnxModelWriter.Int8, Nchw(shape))
            .Build("y", OnnxModelWriter.Int64, 1, 1, 12, 9);
        long[] theirs = Run<long>(model, ("x", Tensor(ToNchw(x, shape), Dims(shape))));
        Assert.That(
            GoldenOperators
                .Execute(new ArgMaxLayer("a", 0, 1), [new Operand(shape, 0, x)], shape with { Channels = 1 }, -128)
                .Select(v => v + 128L),
            Is.EqualTo(theirs)
        );
    }

    [TestCase(ActivationKind.Sigmoid, "Sigmoid")]
    [TestCase(ActivationKind.Tanh, "Tanh")]
    [TestCase(ActivationKind.HardSwish, "HardSwish")]
    [TestCase(ActivationKind.HardSigmoid, "HardSigmoid")]
    [TestCase(ActivationKind.LeakyRelu, "LeakyRelu")]
    [TestCase(ActivationKind.Elu, "Elu")]
    [TestCase(ActivationKind.Erf, "Erf")]
    [TestCase(ActivationKind.Exp, "Exp")]
    [TestCase(ActivationKind.Sqrt, "Sqrt")]
    [TestCase(ActivationKind.Reciprocal, "Reciprocal")]
    [TestCase(ActivationKind.Abs, "Abs")]
    [TestCase(ActivationKind.Softplus, "Softplus")]
    [TestCase(ActivationKind.Gelu, "Gelu")]
    [TestCase(ActivationKind.GeluTanh, "Gelu")]
    [TestCase(ActivationKind.Silu, "QuickGelu")]
    public void A_table_holds_the_rounded_value_of_the_ONNX_function(ActivationKind kind, string op)
    {
        bool positive = kind is ActivationKind.Sqrt or ActivationKind.Reciprocal;
        var activation = new Activation(
            kind,
            kind switch
            {
                ActivationKind.HardSigmoid => 0.2f,
                ActivationKind.LeakyRelu => 0.01f,
                ActivationKind.Elu => 1,
                _ => 0,
            },
            kind == ActivationKind.HardSigmoid ? 0.5f : 0
        );
        (double scale, int zero) = positive ? (0.02, -129) : (0.03, -11);
        float[] x = [.. Enumerable.Range(-128, 256).Select(q => (float)(scale * (q - zero)))];
        var writer = new OnnxModelWriter(
            op,
            ["x"],
            "y",
            op is "Gelu" or "QuickGelu" && kind != ActivationKind.GeluTanh ? "com.microsoft" : string.Empty
        )
        {
            OpsetVersion = kind == ActivationKind.GeluTanh ? 20 : 17,
        };
        if (kind == ActivationKind.GeluTanh)
            writer.String("approximate", "tanh");
        if (kind == ActivationKind.Silu)
            writer.Real("alpha", 1);
        float[] real = Run<float>(
            writer.Input("x", OnnxModelWriter.Float, 256).Build("y", OnnxModelWriter.Float, 256),
            ("x", Tensor(x, 256))
        );
        double step = (Math.Max(0, real.Max()) - Math.Min(0, real.Min())) / 255;
        var output = new QuantizedTensor(
            1,
            "y",
            new TensorShape(1, 1, 1, 256),
            step,
            (int)Math.Round(-128 - (Math.Min(0, real.Min()) / step))
        );
        sbyte[] table = ActivationTable.Build(activation, scale, zero, output);
        int different = 0;
        for (int i = 0; i < 256; i++)
        {
            double count = (real[i] / step) + output.ZeroPoint;
            // Single precision moves what lies on a half.
            Assert.That(table[i], Is.EqualTo(Math.Clamp(count, -128, 127)).Within(0.501), $"{kind} of {x[i]}");
            different += table[i] != Math.Clamp(Math.Round(count), -128, 127) ? 1 : 0;
        }

        TestContext.Out.WriteLine($"{kind}: {different} of 256 entries differ");
    }

    // First index and weights of each phase of one axis, by the definition of the ONNX operator.
    private static (int Taps, int[] First, float[] Weights) Axis(
        string mode,
        string coordinates,
        string nearest,
        int from,
        int to,
        int phases
    )
    {
        int taps = mode switch
        {
            "nearest" => 1,
            "linear" => 2,
            _ => 4,
        };
        var first = new int[phases];
        var weights = new float[phases * taps];
        double scale = (double)to / from;
        for (int p = 0; p < phases; p++)
        {
            double at = coordinates switch
            {
                "half_pixel" => ((p + 0.5) / scale) - 0.5,
                "align_corners" => to == 1 ? 0 : p * (from - 1.0) / (to - 1),
                _ => p / scale,
            };
            int floor = (int)Math.Floor(at);
            double t = at - floor;
            if (mode == "nearest")
            {
                first[p] = nearest switch
                {
                    "floor" => floor,
                    "ceil" => (int)Math.Ceiling(at),
                    _ => t > 0.5 ? floor + 1 : floor,
                };
                weights[p] = 1;
            }
            else if (mode == "linear")
            {
                first[p] = floor;
                (weights[2 * p], weights[(2 * p) + 1]) = ((float)(1 - t), (float)t);
            }
            else
            {
                first[p] = floor - 1;
                for (int i = 0; i < 4; i++)
                    weights[(4 * p) + i] = (float)Cubic(t + 1 - i);
            }
        }

        return (taps, first, weights);
    }

    // Keys' kernel with a = -3/4.
    private static double Cubic(double x)
    {
        const double A = -0.75;
        double d = Math.Abs(x);
        return d <= 1 ? ((((A + 2) * d) - (A + 3)) * d * d) + 1
            : d < 2 ? A * ((((d - 5) * d) + 8) * d - 4)
            : 0;
    }

    private static float[] Real(sbyte[] counts, QuantizedTensor tensor) =>
        [.. counts.Select(c => (float)(tensor.Scale * (c - tensor.ZeroPoint)))];

    private static long[] Nchw(TensorShape s) => [1, s.Channels, s.Height, s.Width];

    private static int[] Dims(TensorShape s) => [1, s.Channels, s.Height, s.Width];

    private sealed class Rates
    {
        private long all,
            different,
            beyond;

        public int Largest { get; private set; }

        public double Different => (double)different / all;

        public double BeyondOneStep => (double)beyond / all;

        public void Add(sbyte[] mine, float[] real, QuantizedTensor tensor, string place)
        {
            Assert.That(mine, Has.Length.EqualTo(real.Length), place);
            for (int i = 0; i < mine.Length; i++)
            {
                int error = Math.Abs(mine[i] - (int)Math.Clamp(Math.Round(real[i] / tensor.Scale) + tensor.ZeroPoint, -128, 127));
                Assert.That(error, Is.LessThanOrEqualTo(3), $"{place}, element {i}");
                different += error > 0 ? 1 : 0;
                beyond += error > 1 ? 1 : 0;
                Largest = Math.Max(Largest, error);
            }

            all += mine.Length;
        }

        public override string ToString() =>
            string.Create(
                CultureInfo.InvariantCulture,
                $"{all} elements, {100.0 * different / all:F3} % differ, {100.0 * beyond / all:F4} % by more than one "
                    + $"step, at most {Largest}"
            );
    }
}
