using System.Globalization;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using AccelGen.Quantization;
using NUnit.Framework;

namespace AccelGen.Golden.Tests;

/// <summary>Softmax, layer normalisation and their like against the correctly rounded result, computed in double precision.</summary>
public sealed class RowOperatorTests
{
    private static readonly int[] Lengths = [1, 2, 3, 5, 8, 16, 17, 31, 49, 64, 100, 197, 256, 500, 1000, 1024, 2048, 4095, 4096];

    [Test]
    public void Softmax_is_within_one_step_on_99_percent_and_never_more_than_two()
    {
        var errors = new Errors();
        foreach (int n in Lengths)
        {
            var here = new Errors();
            // Steps of the logits from a hundredth to the largest that the multiplier holds; three output scales.
            foreach (double scale in new[] { 0.005, 0.02, 0.05, 0.1, 0.25, 0.7, 2, 11 })
            {
                foreach (double step in new[] { 1.0 / 256, 1.0 / 127, 1.0 / 4000 })
                {
                    var random = new Random(HashCode(n, scale, step));
                    int rows = Math.Max(3, 3000 / n),
                        zero = random.Next(-128, 128),
                        outZero = step == 1.0 / 127 ? 0 : -128;
                    sbyte[] x = Rows(random, rows, n);
                    var layer = new SoftmaxLayer(
                        "s",
                        0,
                        1,
                        -128,
                        127,
                        (uint)Math.Round(scale * Math.Log2(Math.E) * (1 << 20)),
                        FixedPointScale.FromReal(1 / step)
                    );
                    var shape = new TensorShape(1, 1, rows, n);
                    sbyte[] y = GoldenOperators.Execute(layer, [new Operand(shape, zero, x)], shape, outZero);
                    for (int r = 0; r < rows; r++)
                    {
                        int max = x.AsSpan(r * n, n).ToArray().Max();
                        double[] e = [.. Enumerable.Range(r * n, n).Select(i => Math.Exp(scale * (x[i] - max)))];
                        double sum = e.Sum();
                        for (int c = 0; c < n; c++)
                            here.Add(y[(r * n) + c], (e[c] / sum / step) + outZero);
                    }
                }
            }

            TestContext.Out.WriteLine($"softmax, {n, 4} channels: {here}");
            errors.Add(here);
        }

        TestContext.Out.WriteLine($"softmax, seed {Oracle.Seed}: {errors}");
        Assert.That(errors.BeyondOneStep, Is.LessThan(0.01));
        Assert.That(errors.Largest, Is.LessThanOrEqualTo(2));
    }

    [Test]
    public void Layer_normalisation_is_within_one_step_on_99_percent()
    {
        var errors = new Errors();
        foreach (int n in Lengths)
        {
            var here = new Errors();
            foreach (double spread in new[] { 0.4, 1, 4, 15, 40, 74 })
            {
                foreach (double scale in new[] { 0.001, 0.05, 3 })
                {
                    var random = new Random(HashCode(n, spread, scale));
                    int rows = Math.Max(3, 3000 / n),
                        zero = random.Next(-60, 60),
                        outZero = random.Next(-40, 40);
                    sbyte[] x = Rows(random, rows, n, spread);
                    var norm = new FloatLayerNorm("n", 0, 1)
                    {
                        Gamma = [.. Enumerable.Range(0, n).Select(_ => (float)((random.NextDouble() * 4) - 2))],
                        Beta = [.. Enumerable.Range(0, n).Select(_ => (float)((random.NextDouble() * 2) - 1))],
                        Epsilon = 1e-5f,
                    };
                    double step = 0.05;
                    var shape = new TensorShape(1, 1, rows, n);
                    var layer = (LayerNormLayer)Quantised(
                        norm,
                        new QuantizedTensor(0, "x", shape, scale, zero),
                        new QuantizedTensor(1, "y", shape, step, outZero)
                    );
                    sbyte[] y = GoldenOperators.Execute(layer, [new Operand(shape, zero, x)], shape, outZero);
                    for (int r = 0; r < rows; r++)
                    {
                        double[] v = [.. Enumerable.Range(r * n, n).Select(i => scale * (x[i] - zero))];
                        double mean = v.Average(),
                            variance = v.Sum(a => (a - mean) * (a - mean)) / n;
                        for (int c = 0; c < n; c++)
                            here.Add(
                                y[(r * n) + c],
                                ((((v[c] - mean) / Math.Sqrt(variance + norm.Epsilon) * norm.Gamma[c]) + norm.Beta[c]) / step) + outZero
                            );
                    }
                }
            }

            TestContext.Out.WriteLine($"layer normalisation, {n, 4} channels: {here}");
            errors.Add(here);
        }

        TestContext.Out.WriteLine($"layer normalisation, seed {Oracle.Seed}: {errors}");
        Assert.That(errors.BeyondOneStep, Is.LessThan(0.01));
    }

    [Test]
    public void Gelu_by_table_is_correctly_rounded_and_within_one_step_on_99_percent_when_its_argument_was_rounded_to_a_count_before()
    {
        var (operatorErrors, fused) = (new Errors(), new Errors());
        var random = new Random(Oracle.Seed);
        for (int round = 0; round < 200; round++)
        {
            double high = 0.2 + (random.NextDouble() * 12),
                low = -(0.2 + (random.NextDouble() * 12));
            var shape = new TensorShape(1, 1, 1000, 1);
            // The output's range is that of GELU over the argument's: -0.17 at -0.752.
            double bottom = Gelu(Math.Max(low, -0.7518));
            double step = (Gelu(high) - bottom) / 255;
            var output = new QuantizedTensor(1, "y", shape, step, (int)Math.Round(-128 - (bottom / step)));
            var gelu = new Activation(ActivationKind.Gelu);
            ValueRange useful = ActivationTable.Useful(gelu, new ValueRange((float)low, (float)high), output);
            double scale = ((double)useful.High - useful.Low) / 255;
            int zero = (int)Math.Round(-128 - (useful.Low / scale));
            sbyte[] table = ActivationTable.Build(gelu, scale, zero, output);
            for (int q = -128; q < 128; q++)
                operatorErrors.Add(table[q + 128], (Gelu(scale * (q - zero)) / step) + output.ZeroPoint);
            for (int i = 0; i < 1000; i++)
            {
                double v = low + (random.NextDouble() * (high - low));
                int q = (int)Math.Clamp(Math.Floor((v / scale) + 0.5) + zero, -128, 127);
                fused.Add(table[q + 128], (Gelu(v) / step) + output.ZeroPoint);
            }
        }

        TestContext.Out.WriteLine($"GELU of int8 counts: {operatorErrors}");
        TestContext.Out.WriteLine($"GELU fused behind a sum, rounded to a count in between: {fused}");
        Assert.That(operatorErrors.Largest, Is.Zero);
        Assert.That(fused.BeyondOneStep, Is.LessThan(0.01));
    }

    [Test]
    public void Arg_max_is_the_lowest_index_of_the_largest()
    {
        var random = new Random(Oracle.Seed);
        foreach (int n in new[] { 1, 2, 19, 150, 256 })
        {
            // Few different values: many ties.
            sbyte[] x = [.. Enumerable.Range(0, n * 200).Select(_ => (sbyte)random.Next(-3, 3))];
            var shape = new TensorShape(1, 10, 20, n);
            sbyte[] y = GoldenOperators.Execute(new ArgMaxLayer("a", 0, 1), [new Operand(shape, 5, x)], shape with { Channels = 1 }, -128);
            for (int p = 0; p < 200; p++)
            {
                int best = 0;
                for (int c = 1; c < n; c++)
                    best = x[(p * n) + c] > x[(p * n) + best] ? c : best;
                Assert.That(y[p], Is.EqualTo(best - 128));
            }
        }
    }

    [Test]
    public void Quotients_of_two_products_are_within_one_step_on_99_percent()
    {
        var errors = new Errors();
        for (int round = 0; round < 100; round++)
        {
            var random = new Random(Oracle.Seed + round);
            int b = random.Next(1, 4),
                m = random.Next(1, 60),
                k = random.Next(1, 80),
                n = random.Next(1, 40),
                outZero = random.Next(-20, 20);
            // As after ReLU: the left operand and the denominator are not negative.
            sbyte[] x = Values(random, b * m * k, -128),
                right = Values(random, b * n * k, -128),
                denominator = Values(random, b * k, 0);
            (double sr, double sd, double sy) = (0.003 * (1 + random.NextDouble()), 0.05, 0.0005 * (1 + random.NextDouble()));
            var layer = new NormalizedMatMulLayer("q", 0, 1, 2, 3, -128, 127, FixedPointScale.FromReal(sr / sd / sy));
            sbyte[] y = GoldenOperators.Execute(
                layer,
                [
                    new Operand(new TensorShape(b, 1, m, k), -128, x),
                    new Operand(new TensorShape(b, 1, n, k), 0, right),
                    new Operand(new TensorShape(b, 1, 1, k), 0, denominator),
                ],
                new TensorShape(b, 1, m, n),
                outZero
            );
            for (int h = 0; h < b; h++)
            {
                for (int p = 0; p < m; p++)
                {
                    double Dot(sbyte[] r, int row) =>
                        Enumerable.Range(0, k).Sum(c => (x[(((h * m) + p) * k) + c] + 128.0) * r[(row * k) + c]);
                    double d = Math.Max(1, Dot(denominator, h));
                    for (int c = 0; c < n; c++)
                        errors.Add(y[(((h * m) + p) * n) + c], (Dot(right, (h * n) + c) * sr / (d * sd) / sy) + outZero);
                }
            }
        }

        TestContext.Out.WriteLine($"quotient of two products, seed {Oracle.Seed}: {errors}");
        Assert.That(errors.BeyondOneStep, Is.LessThan(0.01));
        Assert.That(errors.Largest, Is.LessThanOrEqualTo(2));
    }

    private static QuantizedLayer Quantised(FloatLayer layer, QuantizedTensor x, QuantizedTensor y)
    {
        // The quantiser's own choice of factors; ranges are what gives the scales wanted.
        FloatTensor[] tensors = [new(0, "x", x.Shape), new(1, "y", y.Shape)];
        ValueRange Range(QuantizedTensor t) => new((float)(t.Scale * (-128 - t.ZeroPoint)), (float)(t.Scale * (127 - t.ZeroPoint)));
        QuantizedNetwork network = Quantizer.Quantize(new FloatNetwork("one", tensors, [layer], [], [0], [1]), [Range(x), Range(y)]);
        Assert.That((network.Tensors[0].ZeroPoint, network.Tensors[1].ZeroPoint), Is.EqualTo((x.ZeroPoint, y.ZeroPoint)));
        return network.Layers[0];
    }

    private static double Gelu(double x) => x / 2 * (1 + ErfBySimpson(x / Math.Sqrt(2)));

    // 2 / sqrt(pi) times the integral of exp(-t^2): no code shared with the table's.
    private static double ErfBySimpson(double x)
    {
        const int Steps = 400;
        double h = x / Steps,
            sum = 1 + Math.Exp(-x * x);
        for (int i = 1; i < Steps; i++)
            sum += (i % 2 == 0 ? 2 : 4) * Math.Exp(-(i * h) * (i * h));
        return 2 / Math.Sqrt(Math.PI) * sum * h / 3;
    }

    private static int HashCode(int n, double a, double b) => Oracle.Seed + (n * 7919) + (int)(a * 1000) + (int)(b * 100_000);

    private static sbyte[] Values(Random random, int count, int low) =>
        [.. Enumerable.Range(0, count).Select(_ => (sbyte)random.Next(low, 128))];

    // Rows of several kinds: uniform, bell-shaped, all alike but a few, all alike.
    private static sbyte[] Rows(Random random, int rows, int n, double? spread = null)
    {
        var x = new sbyte[rows * n];
        for (int r = 0; r < rows; r++)
        {
            double width = spread ?? Math.Pow(2, random.NextDouble() * 7),
                center = random.Next(-60, 60);
            int kind = random.Next(8);
            for (int c = 0; c < n; c++)
            {
                double v = kind switch
                {
                    0 => center,
                    1 => random.Next(n) < 2 ? 127 : -100,
                    < 5 => center + (width * ((random.NextDouble() * 2) - 1)),
                    _ => center
                        + (width / 2 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())),
                };
                x[(r * n) + c] = (sbyte)Math.Clamp(Math.Round(v), -128, 127);
            }
        }

        return x;
    }

    private sealed class Errors
    {
        private long all,
            exact,
            beyond;

        public int Largest { get; private set; }

        public double BeyondOneStep => (double)beyond / all;

        public void Add(sbyte count, double real)
        {
            int wanted = (int)Math.Clamp(Math.Round(real, MidpointRounding.AwayFromZero), -128, 127),
                error = Math.Abs(count - wanted);
            all++;
            exact += error == 0 ? 1 : 0;
            beyond += error > 1 ? 1 : 0;
            Largest = Math.Max(Largest, error);
        }

        public void Add(Errors other)
        {
            all += other.all;
            exact += other.exact;
            beyond += other.beyond;
            Largest = Math.Max(Largest, other.Largest);
        }

        public override string ToString() =>
            string.Create(
                CultureInfo.InvariantCulture,
                $"{all} results, {100.0 * exact / all:F3} % correctly rounded, {100.0 * beyond / all:F4} % off by "
                    + $"more than one step, at most {Largest}"
            );
    }
}
