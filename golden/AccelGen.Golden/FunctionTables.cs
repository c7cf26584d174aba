using System.Numerics;

namespace AccelGen.Golden;

/// <summary>
/// The interpolated functions of docs/operators.md. Entries are found by exact comparison of integers, not by floating point:
/// T is the largest whole number with 2 T - 1 at most twice the function.
/// </summary>
public static class FunctionTables
{
    private static readonly long[] Exp2Entries = Entries(65, 24, (i, odd) => BigInteger.Pow(odd, 64) <= BigInteger.One << ((24 * 64) - i));
    private static readonly long[] ReciprocalEntries = Entries(65, 18, (i, odd) => odd * (64 + i) <= BigInteger.One << (18 + 6));
    private static readonly long[] InverseRootEntries = Entries(193, 18, (i, odd) => odd * odd * (64 + i) <= BigInteger.One << (36 + 6));

    /// <summary>2^-t in units of 2^-23.</summary>
    /// <param name="t">0 or more, 20 fraction bits.</param>
    public static long Exp2(long t)
    {
        long whole = t >> 20;
        return whole > 23 ? 0 : Interpolate(Exp2Entries, (int)((t >> 14) & 63), t) >> (int)whole;
    }

    /// <summary>1 / s as <c>Value * 2^(-17 - Exponent)</c>.</summary>
    /// <param name="s">1 or more.</param>
    public static (long Value, int Exponent) Reciprocal(long s)
    {
        int e = BitOperations.Log2((ulong)s);
        long m = Normalize(s, e);
        return (Interpolate(ReciprocalEntries, (int)(m >> 14) - 64, m), e);
    }

    /// <summary>1 / sqrt(v) as <c>Value * 2^(-17 - Exponent / 2)</c>; the exponent is even.</summary>
    /// <param name="v">1 or more.</param>
    public static (long Value, int Exponent) InverseRoot(long v)
    {
        int e = BitOperations.Log2((ulong)v) / 2 * 2;
        long m = Normalize(v, e);
        return (Interpolate(InverseRootEntries, (int)(m >> 14) - 64, m), e);
    }

    // v * 2^(20 - e); bits below the point are dropped.
    private static long Normalize(long v, int e) => e <= 20 ? v << (20 - e) : v >> (e - 20);

    private static long Interpolate(long[] table, int i, long argument) =>
        table[i] - (((table[i] - table[i + 1]) * (argument & 16383)) >> 14);

    private static long[] Entries(int count, int bits, Func<int, BigInteger, bool> atMost)
    {
        var entries = new long[count];
        for (int i = 0; i < count; i++)
        {
            for (long step = 1L << (bits - 1); step > 0; step /= 2)
            {
                if (atMost(i, (2 * (entries[i] + step)) - 1))
                    entries[i] += step;
            }
        }

        return entries;
    }
}
