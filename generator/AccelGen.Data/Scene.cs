using System.Numerics;

namespace AccelGen.Data;

/// <summary>
/// A landscape drawn from a seed, with the class of every pixel, for training and judging segmentation without data of others.
/// </summary>
/// <param name="Pixels">Red, green, blue of every pixel, row by row.</param>
/// <param name="Mask"><see cref="SceneClass"/> of every pixel.</param>
/// <remarks>
/// Colours do not tell the classes apart: roads, walls and stones share theirs, trees and grass, water and sky. What does is
/// shape, surface and place. Objects hide each other and throw shadows; light, haze, blur and noise differ from scene to scene.
/// </remarks>
public sealed record Scene(byte[] Pixels, SegmentationMask Mask)
{
    /// <summary>Rows and columns.</summary>
    public const int Size = 128;

    // Attempts to find a place for an object where its kind stands.
    private const int Attempts = 12;

    /// <summary>Names of the classes, by number.</summary>
    public static IReadOnlyList<string> Classes { get; } = [.. Enum.GetNames<SceneClass>().Select(n => n.ToLowerInvariant())];

    /// <summary>Draws a scene.</summary>
    /// <param name="seed">Seed of a set.</param>
    /// <param name="index">Number of the scene in the set.</param>
    public static Scene Draw(int seed, int index)
    {
        SceneRandom random = SceneRandom.Of(seed, index);
        var view = new SceneView(random);
        var ground = new SceneGround(view, random);
        SceneObject[] objects = Place(view, ground, random);
        var colours = new Vector3[Size * Size];
        byte[] classes = new byte[Size * Size];
        Backdrop(view, random, colours, classes);
        for (int row = (int)MathF.Ceiling(view.HorizonRow); row < Size; row++)
        {
            for (int column = 0; column < Size; column++)
            {
                (float x, float z) = view.OnGround(column, row);
                float shade = 0;
                foreach (SceneObject one in objects)
                    shade = MathF.Max(shade, one.Shade(x, z));
                SceneClass what = ground.At(x, z);
                colours[(row * Size) + column] = ground.Colour(what, column, row, shade);
                classes[(row * Size) + column] = (byte)what;
            }
        }

        foreach (SceneObject one in objects)
            Paint(one, view, colours, classes);
        return new Scene(Develop(colours, random), new SegmentationMask(Size, Size, classes));
    }

    // Objects, the farthest first.
    private static SceneObject[] Place(SceneView view, SceneGround ground, SceneRandom random)
    {
        var objects = new List<SceneObject>();
        Add(random.Below(4), 7, 45, [SceneClass.Ground], (x, z) => new SceneBuilding(view, random, x, z));
        Add(random.Below(6), 5, 40, [SceneClass.Ground], (x, z) => new SceneTree(view, random, x, z));
        Add(
            random.Below(4),
            4.5f,
            22,
            [SceneClass.Ground, SceneClass.Path, SceneClass.Path],
            (x, z) => new SceneVehicle(view, random, x, z)
        );
        Add(random.Below(5), 3, 16, [SceneClass.Ground, SceneClass.Ground, SceneClass.Water], (x, z) => new SceneRock(view, random, x, z));
        Add(random.Below(6), 2.6f, 14, [SceneClass.Ground, SceneClass.Path], (x, z) => new ScenePerson(view, random, x, z));
        return [.. objects.OrderByDescending(o => o.Z)];

        void Add(int count, float near, float far, SceneClass[] on, Func<float, float, SceneObject> make)
        {
            // A high eye sees the ground later.
            float nearest = MathF.Max(near, SceneView.Focus * view.Eye / (Size * 1.05f - view.HorizonRow));
            for (int i = 0; i < count; i++)
            {
                SceneClass where = random.One(on);
                for (int attempt = 0; attempt < Attempts; attempt++)
                {
                    float z = random.LogRange(nearest, MathF.Max(far, nearest * 2));
                    float x = random.Range(-0.62f, 0.62f) * z * Size / SceneView.Focus;
                    if (ground.At(x, z) != where)
                        continue;
                    objects.Add(make(x, z));
                    break;
                }
            }
        }
    }

    // Sky and ridges.
    private static void Backdrop(SceneView view, SceneRandom random, Vector3[] colours, byte[] classes)
    {
        for (int row = 0; row < MathF.Ceiling(view.HorizonRow); row++)
        {
            for (int column = 0; column < Size; column++)
                colours[(row * Size) + column] = view.Sky(column, row);
        }

        Vector3[] covers =
        [
            new(0.30f, 0.38f, 0.22f),
            new(0.42f, 0.40f, 0.32f),
            new(0.40f, 0.42f, 0.48f),
            new(0.52f, 0.44f, 0.34f),
            new(0.22f, 0.30f, 0.20f),
        ];
        int ridges = random.Chance(0.75f) ? 1 + random.Below(2) : 0;
        float distance = random.LogRange(60, 300);
        for (int ridge = ridges - 1; ridge >= 0; ridge--)
        {
            Vector3 cover = random.Near(random.One(covers), 0.25f);
            (float height, float wide, float rough) = (random.Range(4, 24), random.Range(0.012f, 0.04f), random.Range(0.2f, 0.9f));
            uint seed = random.Bits();
            for (int column = 0; column < Size; column++)
            {
                float top = view.HorizonRow - (height * (0.4f * ridge + (1.2f * SceneNoise.Fractal(column * wide, 0.5f, 4, seed))));
                for (int row = Math.Max(0, (int)MathF.Ceiling(top)); row < MathF.Ceiling(view.HorizonRow); row++)
                {
                    float slope = SceneNoise.Fractal(column * 0.08f, row * 0.16f, 3, seed + 20) - 0.5f;
                    float fine = SceneNoise.At(column * 0.6f, row * 0.8f, seed + 30) - 0.5f;
                    colours[(row * Size) + column] = view.Hazy(
                        view.Lit(cover * (1 + (rough * (slope + (0.6f * fine)))), view.Light.Y * 0.7f),
                        distance * (1 + (0.8f * ridge))
                    );
                    classes[(row * Size) + column] = (byte)SceneClass.Hill;
                }
            }
        }
    }

    private static void Paint(SceneObject one, SceneView view, Vector3[] colours, byte[] classes)
    {
        float scale = one.Z / SceneView.Focus,
            foot = view.HorizonRow + (view.Eye / scale),
            middle = (Size / 2) + (one.X / scale);
        (float left, float right) = one.Extent;
        for (int row = Math.Max(0, (int)(foot - (one.Height / scale))); row < Math.Min(Size, foot + 1); row++)
        {
            for (int column = Math.Max(0, (int)(middle + (left / scale))); column < Math.Min(Size, middle + (right / scale) + 1); column++)
            {
                if (!one.Sample((column - middle) * scale, (foot - row) * scale, out Vector3 colour))
                    continue;
                colours[(row * Size) + column] = view.Hazy(colour, one.Z);
                classes[(row * Size) + column] = (byte)one.Class;
            }
        }
    }

    // What a camera makes of it: exposure, contrast, tint, blur, vignette, noise.
    private static byte[] Develop(Vector3[] colours, SceneRandom random)
    {
        (float exposure, float contrast, float vignette) = (
            random.LogRange(0.65f, 1.4f),
            random.Range(0.75f, 1.2f),
            random.Range(0, 0.35f)
        );
        (float blur, float noise) = (random.Range(0.15f, 1), random.LogRange(0.006f, 0.07f));
        Vector3 tint = random.Near(Vector3.One, 0.12f);
        Blur(colours, blur);
        if (random.Chance(0.25f))
            Blur(colours, 1);
        byte[] pixels = new byte[Size * Size * 3];
        for (int i = 0; i < colours.Length; i++)
        {
            (float dy, float dx) = (((i / Size) - (Size / 2f)) / Size, ((i % Size) - (Size / 2f)) / Size);
            Vector3 colour = ((colours[i] * exposure * tint) - new Vector3(0.5f)) * contrast + new Vector3(0.5f);
            colour *= 1 - (vignette * 2 * ((dy * dy) + (dx * dx)));
            // The sum of two numbers is near enough to a bell.
            float grey = random.Unit() + random.Unit() - 1;
            for (int c = 0; c < 3; c++)
                pixels[(i * 3) + c] = (byte)
                    MathF.Round(Math.Clamp(255 * (colour[c] + (noise * (grey + random.Unit() + random.Unit() - 1) * 1.7f)), 0, 255));
        }

        return pixels;
    }

    // Each pixel with a share of its neighbours, first along rows, then along columns.
    private static void Blur(Vector3[] colours, float strength)
    {
        float side = 0.25f * strength;
        Span<Vector3> line = stackalloc Vector3[Size];
        for (int pass = 0; pass < 2; pass++)
        {
            (int step, int next) = pass == 0 ? (1, Size) : (Size, 1);
            for (int at = 0; at < Size; at++)
            {
                for (int i = 0; i < Size; i++)
                    line[i] = colours[(at * next) + (i * step)];
                for (int i = 0; i < Size; i++)
                    colours[(at * next) + (i * step)] =
                        (line[i] * (1 - (2 * side))) + ((line[Math.Max(i - 1, 0)] + line[Math.Min(i + 1, Size - 1)]) * side);
            }
        }
    }
}
