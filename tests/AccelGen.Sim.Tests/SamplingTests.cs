using CsCheck;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>What the random tests draw with.</summary>
public sealed class SamplingTests
{
    private static readonly Gen<int> Numbers = Sampling.Draw(random => random.Next(100_000), n => n);

    [Test]
    public void A_seed_draws_the_same_cases_again()
    {
        List<int> first = Drawn(7);
        Assert.That(Drawn(7), Is.EqualTo(first));
        Assert.That(Drawn(8), Is.Not.EqualTo(first));
        Assert.That(first.Distinct().Count(), Is.GreaterThan(90));

        static List<int> Drawn(int seed)
        {
            var seen = new List<int>();
            Numbers.Check(seed, Seen, 100, 100, n => $"{n}");
            return seen;

            bool Seen(int n)
            {
                seen.Add(n);
                return true;
            }
        }
    }

    [Test]
    public void A_case_that_fails_is_reported_as_a_much_smaller_one_with_the_seed_that_makes_it()
    {
        CsCheckException? failure = Assert.Throws<CsCheckException>(() => Numbers.Check(7, Fails, 100, 100, n => $"<{n}>"));
        int least = int.Parse(failure!.Message.Split('<')[1].Split('>')[0], System.Globalization.CultureInfo.InvariantCulture);
        Assert.That(least, Is.InRange(1000, 2000), failure.Message);
        Assert.That(failure.Message, Does.Contain("seed").IgnoreCase);

        static bool Fails(int n) => n < 1000 ? true : throw new InvalidOperationException("too large");
    }

    [Test]
    public void Cases_that_do_not_count_are_drawn_until_there_are_too_many() =>
        Assert.That(Numbers.Check(7, n => n % 2 == 0, 20, 30, n => $"{n}"), Is.InRange(21, 30));
}
