using System.Numerics;

namespace AccelGen.Data;

/// <summary>Numbers drawn for a scene: the same on every machine and runtime, which no library promises of its generator.</summary>
/// <param name="state">Where the sequence begins.</param>
internal sealed class SceneRandom(ulong state)
{
    private ulong state = state;

    /// <summary>The sequence of an image of a seed.</summary>
    public static SceneRandom Of(int seed, int index) => new(Mix(Mix((uint)seed) + (uint)index));

    /// <summary>Any 32 bits.</summary>
    public uint Bits() => (uint)(Mix(state += 0x9E3779B97F4A7C15) >> 32);

    /// <summary>A number from 0 to 1, 1 excluded.</summary>
    public float Unit() => (Bits() >> 8) * (1f / (1 << 24));

    /// <summary>A number of a range.</summary>
    public float Range(float low, float high) => low + ((high - low) * Unit());

    /// <summary>A number of a range whose logarithm is spread evenly: as many near things as far ones of twice the distance.</summary>
    public float LogRange(float low, float high) => low * MathF.Pow(high / low, Unit());

    /// <summary>A whole number from 0 to below the limit.</summary>
    public int Below(int limit) => (int)(Unit() * limit);

    /// <summary>True with a probability.</summary>
    public bool Chance(float probability) => Unit() < probability;

    /// <summary>One of a list.</summary>
    public T One<T>(IReadOnlyList<T> of) => of[Below(of.Count)];

    /// <summary>A colour near another: brightness and each component vary.</summary>
    public Vector3 Near(Vector3 colour, float spread) =>
        colour
        * Range(1 - spread, 1 + spread)
        * new Vector3(
            Range(1 - (spread / 2), 1 + (spread / 2)),
            Range(1 - (spread / 2), 1 + (spread / 2)),
            Range(1 - (spread / 2), 1 + (spread / 2))
        );

    /// <summary>Spreads all bits over all: neighbouring seeds have nothing in common.</summary>
    public static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}

/// <summary>Smooth noise over a plane, 0 to 1, about 0.5 on average.</summary>
internal static class SceneNoise
{
    /// <summary>Noise of one scale: a value drawn per whole-numbered point, smooth between them.</summary>
    public static float At(float x, float y, uint seed)
    {
        float left = MathF.Floor(x),
            top = MathF.Floor(y);
        (float u, float v) = (Ease(x - left), Ease(y - top));
        (int column, int row) = ((int)left, (int)top);
        float above = Lerp(Lattice(column, row, seed), Lattice(column + 1, row, seed), u);
        return Lerp(above, Lerp(Lattice(column, row + 1, seed), Lattice(column + 1, row + 1, seed), u), v);
    }

    /// <summary>Noise of several scales, each of half the size and strength of the one before.</summary>
    public static float Fractal(float x, float y, int octaves, uint seed)
    {
        (float sum, float weight, float total) = (0, 1, 0);
        for (int octave = 0; octave < octaves; octave++)
        {
            sum += weight * At(x, y, seed + (uint)octave);
            total += weight;
            (x, y, weight) = ((x * 2) + 17.3f, (y * 2) + 5.1f, weight / 2);
        }

        return sum / total;
    }

    /// <summary>0 below the first edge, 1 above the second, smooth between.</summary>
    public static float Step(float from, float to, float value) => Ease(Math.Clamp((value - from) / (to - from), 0, 1));

    private static float Lattice(int column, int row, uint seed)
    {
        uint h = ((uint)column * 0x8DA6B343) ^ ((uint)row * 0xD8163841) ^ (seed * 0xCB1AB31F);
        h = (h ^ (h >> 15)) * 0x2C1B3C6D;
        h = (h ^ (h >> 12)) * 0x297A2D39;
        return ((h ^ (h >> 15)) >> 8) * (1f / (1 << 24));
    }

    private static float Ease(float t) => t * t * (3 - (2 * t));

    private static float Lerp(float a, float b, float t) => a + ((b - a) * t);
}
