using CsCheck;

namespace AccelGen.Sim.Tests;

/// <summary>Random cases that are the same in every run, and the smallest one that fails where one does.</summary>
internal static class Sampling
{
    // Further cases, all smaller than the one that failed, among which a yet smaller one is looked for.
    private const int Shrinks = 2000;

    /// <summary>What a random source makes; the fewer elements it has the smaller it is.</summary>
    /// <param name="draw">Makes a case.</param>
    /// <param name="elements">Its size.</param>
    public static Gen<T> Draw<T>(Func<Random, T> draw, Func<T, long> elements) => new Drawn<T>(draw, elements);

    /// <summary>Checks cases of a seed; where one fails, looks for the smallest that does and fails with it and with the seed that makes
    /// it again.</summary>
    /// <param name="cases">Source of the cases.</param>
    /// <param name="seed">Seed.</param>
    /// <param name="check">Throws where a case fails; false where a case does not count.</param>
    /// <param name="wanted">How many cases are to count.</param>
    /// <param name="most">How many are drawn at most.</param>
    /// <param name="print">A case in a message.</param>
    /// <returns>How many were drawn.</returns>
    public static int Check<T>(this Gen<T> cases, int seed, Func<T, bool> check, int wanted, int most, Func<T, string> print)
    {
        int drawn = 0;
        for (int counted = 0; counted < wanted && drawn < most; drawn++)
        {
            var source = new PCG((uint)drawn, (ulong)seed);
            string state = source.ToString();
            T one = cases.Generate(source, null, out _);
            try
            {
                counted += check(one) ? 1 : 0;
            }
            catch (Exception e) when (e is not NUnit.Framework.SuccessException)
            {
                // Throws with the smallest.
                cases.Sample(c => _ = check(c), seed: state, iter: Shrinks, threads: 1, print: print);
                throw;
            }
        }

        return drawn;
    }

    private sealed class Drawn<T>(Func<Random, T> draw, Func<T, long> elements) : Gen<T>
    {
        public override T Generate(PCG pcg, Size? min, out Size size)
        {
            T made = draw(new Random((int)(pcg.Next() >> 1)));
            size = new Size((ulong)elements(made));
            return made;
        }
    }
}
