using System.Numerics;
using AccelGen.Network.Quantized;
using NUnit.Framework;
using static AccelGen.Golden.Tests.Oracle;

namespace AccelGen.Golden.Tests;

/// <summary>Bias, requantisation, residual and clamp, element by element in integers of any size; and sums of products at their
/// bounds.</summary>
public sealed class PostProcessingTests
{
    [TestCaseSource(typeof(InstructionSetCases), nameof(InstructionSetCases.All))]
    public void Every_element_is_the_exact_result_for_all_broadcasts_signs_and_shifts(string instructions)
    {
        using IDisposable limited = InstructionSetCases.Limit(instructions);
        for (int round = 0; round < 300; round++)
        {
            var random = new Random(Seed + round);
            int heads = random.Next(1, 3),
                channels = random.Next(1, 40),
                inputs = random.Next(1, 12);
            TensorShape source = new(1, random.Next(1, 6), random.Next(1, 6), inputs),
                to = source with { Batch = heads, Channels = channels };
            Broadcast broadcast = (Broadcast)random.Next(3);
            TensorShape second = broadcast switch
            {
                Broadcast.Pixels => to with { Height = 1, Width = 1 },
                Broadcast.Channels => to with { Channels = 1 },
                _ => to,
            };
            // Small multipliers and shifts meet many exact halves; large biases leave 32 bits.
            FixedPointScale Scale() =>
                random.Next(3) switch
                {
                    0 => new FixedPointScale((uint)random.Next(4), random.Next(1, 4)),
                    1 => new FixedPointScale((uint)random.Next(1 << 23, 1 << 24), random.Next(1, 64)),
                    _ => FixedPointScale.FromReal(Math.Pow(2, (random.NextDouble() * 20) - 18)),
                };
            int large = random.Next(4) == 0 ? int.MaxValue : 5000,
                zero = random.Next(-128, 128),
                zx = random.Next(-128, 128),
                zr = random.Next(-128, 128);
            int low = random.Next(-128, 0),
                high = random.Next(0, 128);
            var conv = new ConvLayer("c", 0, 1, low, high)
            {
                Weights = [.. Values(random, heads * channels * inputs).Select(v => v == -128 ? (sbyte)127 : v)],
                Kernel = (1, 1),
                Bias = [.. Enumerable.Range(0, heads * channels).Select(_ => random.Next(-large, large))],
                Scales = [.. Enumerable.Range(0, heads * channels).Select(_ => Scale())],
                Residual = random.Next(4) == 0 ? null : new ResidualAdd(2, Scale(), random.Next(2) == 0, broadcast),
            };
            sbyte[] x = Values(random, (int)source.Elements),
                r = Values(random, (int)second.Elements);
            sbyte[] y = GoldenOperators.Execute(
                conv,
                conv.Residual is null ? [new Operand(source, zx, x)] : [new Operand(source, zx, x), new Operand(second, zr, r)],
                to,
                zero
            );
            for (int b = 0; b < heads; b++)
            {
                for (int p = 0; p < to.Height * to.Width; p++)
                {
                    for (int c = 0; c < channels; c++)
                    {
                        int k = (b * channels) + c;
                        BigInteger sum = conv.Bias[k];
                        for (int i = 0; i < inputs; i++)
                            sum += (x[(p * inputs) + i] - zx) * conv.Weights[(k * inputs) + i];
                        BigInteger wanted = zero + Round(sum, conv.Scales[k]);
                        if (conv.Residual is { } residual)
                        {
                            int at = broadcast switch
                            {
                                Broadcast.Pixels => k,
                                Broadcast.Channels => (b * to.Height * to.Width) + p,
                                _ => (((b * to.Height * to.Width) + p) * channels) + c,
                            };
                            BigInteger term = Round(r[at] - zr, residual.Scale);
                            wanted += residual.Subtract ? -term : term;
                        }

                        Assert.That(
                            (BigInteger)y[(((b * to.Height * to.Width) + p) * channels) + c],
                            Is.EqualTo(BigInteger.Max(low, BigInteger.Min(high, wanted))),
                            $"seed {Seed + round}, channel {k}, factor {conv.Scales[k]}"
                        );
                    }
                }
            }
        }
    }

    [TestCase(-128, 127)]
    [TestCase(127, -128)]
    public void Sums_of_the_largest_products_are_exact(int zeroPoint, int value)
    {
        // 60,000 products of 255 * 127: just below 2^31.
        const int Depth = 60_000;
        var shape = new TensorShape(1, 1, 7, Depth);
        var conv = new ConvLayer("c", 0, 1, -128, 127)
        {
            Weights = [.. Enumerable.Range(0, 17 * Depth).Select(i => (sbyte)(i / Depth % 2 == 0 ? 127 : -127))],
            Bias = new int[17],
            Scales = [.. Enumerable.Repeat(new FixedPointScale(1, 1), 17)],
            Kernel = (1, 1),
        };
        sbyte[] x = new sbyte[shape.Elements];
        Array.Fill(x, (sbyte)value);
        int[] sums = MatrixOperators.Convolution(conv, new Operand(shape, zeroPoint, x), shape with { Channels = 17 });
        Assert.That(
            sums,
            Is.EqualTo(Enumerable.Range(0, 7 * 17).Select(i => (value - zeroPoint) * (i % 17 % 2 == 0 ? 127 : -127) * Depth))
        );
    }

    // floor(v * m / 2^s + 1/2)
    private static BigInteger Round(BigInteger v, FixedPointScale scale) =>
        ((v * scale.Multiplier) + (BigInteger.One << (scale.Shift - 1))) >> scale.Shift;
}
