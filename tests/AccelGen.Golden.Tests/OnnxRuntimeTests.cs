using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using NUnit.Framework;
using static AccelGen.Golden.Tests.Oracle;

namespace AccelGen.Golden.Tests;

/// <summary>The golden operators against ONNX Runtime, on random shapes. Products have both operands as unsigned bytes: see
/// <see cref="ExactSession"/>.</summary>
public sealed class OnnxRuntimeTests
{
    [Test]
    public void Convolution_sums_equal_ConvInteger_on_random_shapes()
    {
        for (int round = 0; round < 60; round++)
        {
            var random = new Random(Seed + round);
            (ConvLayer conv, TensorShape i, TensorShape o, int zero, sbyte[] x) = RandomConv(random);
            int[] mine = MatrixOperators.Convolution(conv, new Operand(i, zero, x), o);
            int[] theirs = ConvolutionSums(conv, i, o, ToNchw(x, i), zero);
            Assert.That(
                ToNchw(mine, o),
                Is.EqualTo(theirs),
                $"seed {Seed + round}: {i} -> {o}, kernel {conv.Kernel}, groups {conv.Groups}"
            );
        }
    }

    [Test]
    public void Quantised_convolution_is_within_one_step_of_QLinearConv_and_the_rate_is_printed()
    {
        long different = 0,
            all = 0;
        for (int round = 0; round < 60; round++)
        {
            var random = new Random(Seed + round);
            (ConvLayer conv, TensorShape i, TensorShape o, int zero, sbyte[] x) = RandomConv(random);
            float sx = 0.05f,
                sy = 0.1f;
            float[] sw = [.. Enumerable.Range(0, o.Channels).Select(_ => (float)(0.002 + (0.004 * random.NextDouble())))];
            int zy = random.Next(-128, 128);
            conv = conv with
            {
                Scales = [.. sw.Select(s => FixedPointScale.FromReal((double)sx * s / sy))],
                ClampLow = -128,
                ClampHigh = 127,
            };
            sbyte[] mine = GoldenOperators.Execute(conv, [new Operand(i, zero, x)], o, zy);
            byte[] model = Attributes(new OnnxModelWriter("QLinearConv", ["x", "sx", "zx", "w", "sw", "zw", "sy", "zy", "b"], "y"), conv)
                .Input("x", OnnxModelWriter.UInt8, 1, i.Channels, i.Height, i.Width)
                .Input("sx", OnnxModelWriter.Float)
                .Input("zx", OnnxModelWriter.UInt8)
                .Input("w", OnnxModelWriter.UInt8, o.Channels, i.Channels / conv.Groups, conv.Kernel.Rows, conv.Kernel.Columns)
                .Input("sw", OnnxModelWriter.Float, o.Channels)
                .Input("zw", OnnxModelWriter.UInt8, o.Channels)
                .Input("sy", OnnxModelWriter.Float)
                .Input("zy", OnnxModelWriter.UInt8)
                .Input("b", OnnxModelWriter.Int32, o.Channels)
                .Build("y", OnnxModelWriter.UInt8, 1, o.Channels, o.Height, o.Width);
            byte[] theirs = Run<byte>(
                model,
                ("x", Tensor(Unsigned(ToNchw(x, i)), 1, i.Channels, i.Height, i.Width)),
                ("sx", Tensor<float>([sx])),
                ("zx", Tensor(Unsigned((sbyte)zero))),
                (
                    "w",
                    Tensor(
                        Unsigned(WeightsOihw(conv, i.Channels)),
                        o.Channels,
                        i.Channels / conv.Groups,
                        conv.Kernel.Rows,
                        conv.Kernel.Columns
                    )
                ),
                ("sw", Tensor(sw, o.Channels)),
                ("zw", Tensor(Unsigned(new sbyte[o.Channels]), o.Channels)),
                ("sy", Tensor<float>([sy])),
                ("zy", Tensor(Unsigned((sbyte)zy))),
                ("b", Tensor(conv.Bias, o.Channels))
            );
            byte[] nchw = Unsigned(ToNchw(mine, o));
            for (int n = 0; n < nchw.Length; n++)
            {
                Assert.That(Math.Abs(nchw[n] - theirs[n]), Is.LessThanOrEqualTo(1), $"seed {Seed + round}, element {n}");
                different += nchw[n] != theirs[n] ? 1 : 0;
            }

            all += nchw.Length;
        }

        TestContext.Out.WriteLine($"{different} of {all} elements differ by one step ({(double)different / all:P4})");
        Assert.That((double)different / all, Is.LessThan(0.001));
    }

    [Test]
    public void Matrix_product_sums_equal_MatMulInteger_on_random_shapes()
    {
        for (int round = 0; round < 30; round++)
        {
            var random = new Random(Seed + round);
            int b = random.Next(1, 4),
                m = random.Next(1, 40),
                k = random.Next(1, 80),
                n = random.Next(1, 40),
                zero = random.Next(-128, 128),
                rightZero = random.Next(2) * random.Next(-128, 128);
            sbyte[] left = Values(random, b * m * k),
                right = Values(random, b * n * k);
            int[] mine = MatrixOperators.MatMul(
                new Operand(new TensorShape(b, 1, m, k), zero, left),
                new Operand(new TensorShape(b, 1, n, k), rightZero, right),
                new TensorShape(b, 1, m, n)
            );
            sbyte[] transposed = new sbyte[right.Length];
            for (int i = 0; i < b; i++)
            {
                for (int row = 0; row < n; row++)
                {
                    for (int c = 0; c < k; c++)
                        transposed[(((i * k) + c) * n) + row] = right[(((i * n) + row) * k) + c];
                }
            }

            byte[] model = new OnnxModelWriter("MatMulInteger", ["a", "b", "za", "zb"], "y")
                .Input("a", OnnxModelWriter.UInt8, b, m, k)
                .Input("b", OnnxModelWriter.UInt8, b, k, n)
                .Input("za", OnnxModelWriter.UInt8)
                .Input("zb", OnnxModelWriter.UInt8)
                .Build("y", OnnxModelWriter.Int32, b, m, n);
            int[] theirs = Run<int>(
                model,
                ("a", Tensor(Unsigned(left), b, m, k)),
                ("b", Tensor(Unsigned(transposed), b, k, n)),
                ("za", Tensor(Unsigned((sbyte)zero))),
                ("zb", Tensor(Unsigned((sbyte)rightZero)))
            );
            Assert.That(mine, Is.EqualTo(theirs), $"seed {Seed + round}");
        }
    }

    [Test]
    public void Quantised_matrix_product_is_within_one_step_of_QLinearMatMul()
    {
        for (int round = 0; round < 30; round++)
        {
            var random = new Random(Seed + round);
            int b = random.Next(1, 4),
                m = random.Next(1, 40),
                k = random.Next(1, 80),
                n = random.Next(1, 40),
                za = random.Next(-128, 128),
                zb = random.Next(2) * random.Next(-128, 128),
                zy = random.Next(-128, 128);
            sbyte[] left = Values(random, b * m * k),
                right = Values(random, b * n * k);
            float sa = 0.04f,
                sb = 0.02f,
                sy = 0.002f * k;
            var layer = new MatMulLayer("m", 0, 1, 2, -128, 127, FixedPointScale.FromReal((double)sa * sb / sy));
            sbyte[] mine = GoldenOperators.Execute(
                layer,
                [new Operand(new TensorShape(b, 1, m, k), za, left), new Operand(new TensorShape(b, 1, n, k), zb, right)],
                new TensorShape(b, 1, m, n),
                zy
            );
            var transposed = new sbyte[right.Length];
            for (int i = 0; i < right.Length; i++)
                transposed[(((i / (n * k) * k) + (i % k)) * n) + (i / k % n)] = right[i];
            byte[] model = new OnnxModelWriter("QLinearMatMul", ["a", "sa", "za", "b", "sb", "zb", "sy", "zy"], "y")
                .Input("a", OnnxModelWriter.UInt8, b, m, k)
                .Input("sa", OnnxModelWriter.Float)
                .Input("za", OnnxModelWriter.UInt8)
                .Input("b", OnnxModelWriter.UInt8, b, k, n)
                .Input("sb", OnnxModelWriter.Float)
                .Input("zb", OnnxModelWriter.UInt8)
                .Input("sy", OnnxModelWriter.Float)
                .Input("zy", OnnxModelWriter.UInt8)
                .Build("y", OnnxModelWriter.UInt8, b, m, n);
            byte[] theirs = Run<byte>(
                model,
                ("a", Tensor(Unsigned(left), b, m, k)),
                ("sa", Tensor<float>([sa])),
                ("za", Tensor(Unsigned((sbyte)za))),
                ("b", Tensor(Unsigned(transposed), b, k, n)),
                ("sb", Tensor<float>([sb])),
                ("zb", Tensor(Unsigned((sbyte)zb))),
                ("sy", Tensor<float>([sy])),
                ("zy", Tensor(Unsigned((sbyte)zy)))
            );
            AssertWithinOneStep(mine, [.. theirs.Select(v => (sbyte)(v - 128))], Seed + round);
        }
    }

    [Test]
    public void Average_pooling_is_within_one_step_of_QLinearAveragePool()
    {
        for (int round = 0; round < 40; round++)
        {
            var random = new Random(Seed + round);
            int kernel = random.Next(1, 6),
                stride = random.Next(1, 4),
                zx = random.Next(-128, 128),
                zy = random.Next(-128, 128);
            var i = new TensorShape(1, random.Next(kernel, 16), random.Next(kernel, 16), random.Next(1, 20));
            var o = new TensorShape(1, ((i.Height - kernel) / stride) + 1, ((i.Width - kernel) / stride) + 1, i.Channels);
            sbyte[] x = Values(random, (int)i.Elements);
            float sx = 0.05f,
                sy = 0.03f;
            var layer = new AveragePoolLayer("p", 0, 1, -128, 127)
            {
                Kernel = (kernel, kernel),
                Stride = (stride, stride),
                Scale = FixedPointScale.FromReal((double)sx / sy / (kernel * kernel)),
            };
            sbyte[] mine = GoldenOperators.Execute(layer, [new Operand(i, zx, x)], o, zy);
            byte[] model = new OnnxModelWriter("QLinearAveragePool", ["x", "sx", "zx", "sy", "zy"], "y", "com.microsoft")
                .Ints("kernel_shape", kernel, kernel)
                .Ints("strides", stride, stride)
                .Input("x", OnnxModelWriter.Int8, 1, i.Channels, i.Height, i.Width)
                .Input("sx", OnnxModelWriter.Float)
                .Input("zx", OnnxModelWriter.Int8)
                .Input("sy", OnnxModelWriter.Float)
                .Input("zy", OnnxModelWriter.Int8)
                .Build("y", OnnxModelWriter.Int8, 1, o.Channels, o.Height, o.Width);
            sbyte[] theirs = Run<sbyte>(
                model,
                ("x", Tensor(ToNchw(x, i), 1, i.Channels, i.Height, i.Width)),
                ("sx", Tensor<float>([sx])),
                ("zx", Tensor<sbyte>([(sbyte)zx])),
                ("sy", Tensor<float>([sy])),
                ("zy", Tensor<sbyte>([(sbyte)zy]))
            );
            AssertWithinOneStep(ToNchw(mine, o), theirs, Seed + round);
        }
    }

    [Test]
    public void Addition_is_within_one_step_of_QLinearAdd()
    {
        var random = new Random(Seed);
        var shape = new TensorShape(1, 1, 500, 8);
        sbyte[] a = Values(random, (int)shape.Elements),
            b = Values(random, (int)shape.Elements);
        (float sa, int za, float sb, int zb, float sy, int zy) = (0.05f, 7, 0.03f, -20, 0.08f, 5);
        var add = new AddLayer("add", 0, 1, -128, 127, FixedPointScale.FromReal((double)sa / sy))
        {
            Residual = new ResidualAdd(2, FixedPointScale.FromReal((double)sb / sy)),
        };
        sbyte[] mine = GoldenOperators.Execute(add, [new Operand(shape, za, a), new Operand(shape, zb, b)], shape, zy);
        byte[] model = new OnnxModelWriter("QLinearAdd", ["a", "sa", "za", "b", "sb", "zb", "sy", "zy"], "y", "com.microsoft")
            .Input("a", OnnxModelWriter.Int8, 4000)
            .Input("sa", OnnxModelWriter.Float)
            .Input("za", OnnxModelWriter.Int8)
            .Input("b", OnnxModelWriter.Int8, 4000)
            .Input("sb", OnnxModelWriter.Float)
            .Input("zb", OnnxModelWriter.Int8)
            .Input("sy", OnnxModelWriter.Float)
            .Input("zy", OnnxModelWriter.Int8)
            .Build("y", OnnxModelWriter.Int8, 4000);
        sbyte[] theirs = Run<sbyte>(
            model,
            ("a", Tensor(a, 4000)),
            ("sa", Tensor<float>([sa])),
            ("za", Tensor<sbyte>([(sbyte)za])),
            ("b", Tensor(b, 4000)),
            ("sb", Tensor<float>([sb])),
            ("zb", Tensor<sbyte>([(sbyte)zb])),
            ("sy", Tensor<float>([sy])),
            ("zy", Tensor<sbyte>([(sbyte)zy]))
        );
        int different = mine.Zip(theirs).Count(p => p.First != p.Second);
        // Two roundings, one per operand, against one of the sum.
        TestContext.Out.WriteLine($"{different} of {mine.Length} elements differ by one step");
        Assert.That(mine.Zip(theirs).All(p => Math.Abs(p.First - p.Second) <= 1));
    }
}
