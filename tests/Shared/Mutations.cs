using System.Text;

namespace AccelGen.Tests.Shared;

/// <summary>
/// Damaged copies of files, each from a seed of its own. ACCELGEN_SEED sets the first seed, ACCELGEN_MUTATIONS the number of
/// copies of every test: a failure prints the seed, which with a number of 1 repeats it.
/// </summary>
internal static class Mutations
{
    private static readonly string[] Words =
    [
        "",
        "0",
        "-1",
        "1",
        "255",
        "65536",
        "2147483647",
        "2147483648",
        "-9223372036854775808",
        "1e309",
        "NaN",
        "null",
        "true",
        "{}",
        "[]",
        "\"",
        ",",
        "x",
        "\u001b[31m",
        "\0",
        "\ud800",
    ];

    private static int FirstSeed { get; } = Setting.Seed(1);

    /// <summary>Runs an action on damaged copies.</summary>
    /// <param name="originals">Files to damage.</param>
    /// <param name="count">How many copies.</param>
    /// <param name="action">Takes a copy; returns what is wrong with how it was taken, or null. It throws nothing.</param>
    /// <returns>What was wrong, with the seed of each; empty when nothing was.</returns>
    public static IReadOnlyList<string> Run(IReadOnlyList<byte[]> originals, int count, Func<byte[], string?> action)
    {
        var wrong = new List<string>();
        for (int seed = FirstSeed; seed < FirstSeed + (Setting.Number("ACCELGEN_MUTATIONS") ?? count); seed++)
        {
            var random = new Random(seed);
            byte[] copy = originals[random.Next(originals.Count)];
            for (int changes = random.Next(1, 5); changes > 0; changes--)
                copy = Change(copy, random);
            string? problem;
            try
            {
                problem = action(copy);
            }
            catch (Exception e)
            {
                problem = $"unhandled {e}";
            }

            if (problem is not null)
                wrong.Add($"ACCELGEN_SEED={seed} ACCELGEN_MUTATIONS=1: {problem}");
        }

        return wrong;
    }

    /// <summary>Texts as files.</summary>
    public static IReadOnlyList<byte[]> Texts(params string[] texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];

    private static byte[] Change(byte[] file, Random random)
    {
        if (file.Length == 0)
            return [(byte)random.Next(256)];
        int at = random.Next(file.Length),
            length = Math.Min(file.Length - at, 1 << random.Next(9));
        byte[] changed = [.. file];
        switch (random.Next(8))
        {
            case 0:
                return file[..at];
            case 1:
                changed[at] ^= (byte)(1 << random.Next(8));
                return changed;
            case 2:
                // Sizes and counts are mostly of such bytes.
                changed[at] = (byte)random.Next(256) switch
                {
                    < 64 => 0,
                    < 128 => 255,
                    < 160 => 127,
                    var other => other,
                };
                return changed;
            case 3:
                return [.. file[..at], .. file[(at + length)..]];
            case 4:
                return [.. file[..(at + length)], .. file[at..]];
            case 5:
                random.NextBytes(changed.AsSpan(at, Math.Min(length, 16)));
                return changed;
            case 6:
                return [.. file[..at], .. Encoding.UTF8.GetBytes(Words[random.Next(Words.Length)]), .. file[at..]];
            default:
                return Word(file, at, random);
        }
    }

    // Puts another word or number in the place of the one at a position.
    private static byte[] Word(byte[] file, int at, Random random)
    {
        int first = at,
            end = at;
        while (first > 0 && IsWord(file[first - 1]))
            first--;
        while (end < file.Length && IsWord(file[end]))
            end++;
        return [.. file[..first], .. Encoding.UTF8.GetBytes(Words[random.Next(Words.Length)]), .. file[end..]];
    }

    private static bool IsWord(byte b) => char.IsAsciiLetterOrDigit((char)b) || b is (byte)'-' or (byte)'.' or (byte)'_';
}
