using System.Numerics;
using NUnit.Framework;

namespace AccelGen.Golden.Tests;

/// <summary>The interpolated functions against double precision.</summary>
public sealed class FunctionTablesTests
{
    [Test]
    public void Exponentials_at_table_points_are_rounded_to_nearest_and_between_them_within_two_units()
    {
        double worst = 0;
        for (long t = 0; t < 1 << 20; t++)
        {
            double exact = Math.ScaleB(Math.Pow(2, -Math.ScaleB(t, -20)), 23);
            long value = FunctionTables.Exp2(t);
            if ((t & 16383) == 0)
                Assert.That(value, Is.EqualTo(Math.Round(exact)));
            worst = Math.Max(worst, Math.Abs(value - exact) / exact);
        }

        TestContext.Out.WriteLine($"2^-t: largest relative error 2^{Math.Log2(worst):F1}");
        // A chord over 1/64 is off by (ln 2 / 64)^2 / 8 at most.
        Assert.That(worst, Is.LessThan(1.5e-5 + (2.0 / (1 << 22))));
    }

    [TestCase(0L, 1L << 23)]
    [TestCase(1L << 20, 1L << 22)]
    [TestCase(23L << 20, 1L)]
    [TestCase((23L << 20) + 1, 0L)]
    [TestCase(24L << 20, 0L)]
    [TestCase(255L << 24, 0L)]
    public void Exponentials_halve_once_per_unit_and_end_at_zero(long t, long expected) =>
        Assert.That(FunctionTables.Exp2(t), Is.EqualTo(expected));

    [Test]
    public void Reciprocals_and_inverse_roots_are_near_the_quotient_over_their_whole_range()
    {
        var random = new Random(Oracle.Seed);
        double worstReciprocal = 0,
            worstRoot = 0;
        for (int i = 0; i < 400_000; i++)
        {
            // Every magnitude alike; all small arguments.
            long v = i < 5000 ? i + 1 : Math.Max(1, random.NextInt64() >> (15 + random.Next(48)));
            (long r, int e) = FunctionTables.Reciprocal(v);
            Assert.That(e, Is.EqualTo(63 - BitOperations.LeadingZeroCount((ulong)v)));
            Assert.That(r, Is.InRange(1 << 16, 1 << 17));
            worstReciprocal = Math.Max(worstReciprocal, Math.Abs((Math.ScaleB(r, -17 - e) * v) - 1));
            (long u, int f) = FunctionTables.InverseRoot(v);
            Assert.That(f, Is.EqualTo(e - (e % 2)));
            Assert.That(u, Is.InRange(1 << 16, 1 << 17));
            worstRoot = Math.Max(worstRoot, Math.Abs((Math.ScaleB(u, -17 - (f / 2)) * Math.Sqrt(v)) - 1));
        }

        TestContext.Out.WriteLine($"1/s: largest relative error 2^{Math.Log2(worstReciprocal):F1}; 1/sqrt(v): 2^{Math.Log2(worstRoot):F1}");
        // Chord: 1/4 * (1/64)^2 for 1/s, 3/32 * (1/64)^2 for 1/sqrt(v); entries and the floor add up to 1.5 units of 2^-16.
        Assert.That(worstReciprocal, Is.LessThan((0.25 / 4096) + (1.5 / (1 << 16))));
        Assert.That(worstRoot, Is.LessThan((0.1 / 4096) + (1.5 / (1 << 16))));
    }

    [Test]
    public void Powers_of_four_are_exact()
    {
        for (int k = 0; k < 24; k++)
        {
            Assert.That(FunctionTables.Reciprocal(1L << (2 * k)), Is.EqualTo((1L << 17, 2 * k)));
            Assert.That(FunctionTables.InverseRoot(1L << (2 * k)), Is.EqualTo((1L << 17, 2 * k)));
        }
    }
}
