namespace AccelGen.Tests.Shared;

/// <summary>
/// A source of choices that is a list of numbers: the same numbers make the same choices, smaller numbers make simpler ones,
/// and beyond the last one every choice is the simplest. So whatever is drawn from it shrinks by shrinking numbers.
/// </summary>
/// <param name="numbers">Non-negative numbers.</param>
internal sealed class Draw(IReadOnlyList<int> numbers)
{
    // Sizes at which something begins or ends in hardware: words, vectors, beats, fields.
    private static readonly int[] Edges =
    [
        2,
        3,
        4,
        7,
        8,
        9,
        12,
        15,
        16,
        17,
        20,
        24,
        31,
        32,
        33,
        48,
        63,
        64,
        65,
        100,
        127,
        128,
        129,
        197,
        255,
        256,
        257,
        400,
    ];

    private readonly List<int> made = [];

    /// <summary>The least numbers that make the choices made so far.</summary>
    public IReadOnlyList<int> Made => made;

    /// <summary>A number from <paramref name="low"/> to below <paramref name="high"/>; the lowest is the simplest.</summary>
    public int Next(int low, int high)
    {
        int choice = (made.Count < numbers.Count ? numbers[made.Count] : 0) % Math.Max(1, high - low);
        made.Add(choice);
        return low + choice;
    }

    /// <summary>True once in so many times; false is the simpler.</summary>
    public bool Rarely(int times) => Next(0, times) == times - 1;

    /// <summary>True half of the time; false is the simpler.</summary>
    public bool Coin() => Rarely(2);

    /// <summary>One of some; the first is the simplest.</summary>
    public T Of<T>(params ReadOnlySpan<T> choices) => choices[Next(0, choices.Length)];

    /// <summary>A size from 1 to <paramref name="most"/>: small ones most of the time, now and then an edge or any.</summary>
    public int Size(int most = 400) =>
        Math.Min(
            most,
            Next(0, 8) switch
            {
                < 5 => Next(1, 13),
                < 7 => Of<int>(Edges),
                _ => Next(1, most + 1),
            }
        );

    /// <summary>A number of channels: often whole vectors of small or large arrays, so that parts can lie next to each other.</summary>
    public int Channels(int most = 96) =>
        Math.Min(
            most,
            Next(0, 4) switch
            {
                0 => Next(1, 9),
                1 => 8 * Next(1, 5),
                2 => Of(4, 12, 16, 20, 32, 64),
                _ => Size(most),
            }
        );
}
