using System.Numerics;
using AccelGen.Network.Quantized;
using NUnit.Framework;

namespace AccelGen.Golden.Tests;

public sealed class RequantizeTests
{
    [Test]
    public void Requantisation_is_the_exact_quotient_with_halves_rounded_up()
    {
        var random = new Random(3);
        for (int i = 0; i < 100_000; i++)
        {
            var scale = new FixedPointScale((uint)random.Next(1 << 23, 1 << 24), random.Next(1, 63));
            long value = random.NextInt64(-(1L << 32), 1L << 32);
            // Compare 2 * (v * m) with the interval [2 y - 1, 2 y + 1) * 2^shift: no division at all.
            BigInteger y = GoldenOperators.Requantize(value, scale),
                twice = 2 * (BigInteger)value * scale.Multiplier;
            Assert.That(
                twice >= ((2 * y) - 1) * BigInteger.Pow(2, scale.Shift) && twice < ((2 * y) + 1) * BigInteger.Pow(2, scale.Shift),
                $"{value} * {scale}"
            );
        }
    }

    [TestCase(1, 1)]
    [TestCase(-1, 0)]
    [TestCase(3, 2)]
    [TestCase(-3, -1)]
    public void A_half_goes_towards_plus_infinity(int value, int expected) =>
        Assert.That(GoldenOperators.Requantize(value, FixedPointScale.FromReal(0.5)), Is.EqualTo(expected));
}
