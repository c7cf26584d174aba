using AccelGen.Network.Quantized;
using NUnit.Framework;

namespace AccelGen.Network.Tests;

public sealed class FixedPointScaleTests
{
    [Test]
    public void A_real_factor_is_kept_to_24_bits()
    {
        var random = new Random(5);
        for (int i = 0; i < 10_000; i++)
        {
            double factor = Math.Pow(2, (random.NextDouble() * 30) - 25);
            Assert.That(FixedPointScale.FromReal(factor).ToReal(), Is.EqualTo(factor).Within(factor / (1 << 24)));
        }
    }

    [TestCase(double.NaN)]
    [TestCase(-1.0)]
    [TestCase(double.PositiveInfinity)]
    public void An_impossible_factor_is_refused(double factor) =>
        Assert.That(() => FixedPointScale.FromReal(factor), Throws.TypeOf<ArgumentOutOfRangeException>());
}
