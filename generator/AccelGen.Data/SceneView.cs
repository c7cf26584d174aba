using System.Numerics;

namespace AccelGen.Data;

/// <summary>Camera, light and air of a scene. The camera looks along the ground: metres to the right, up, and away from it.</summary>
internal sealed class SceneView
{
    /// <summary>Distance of the picture from the eye, in pixels.</summary>
    public const float Focus = 0.9f * Scene.Size;

    private static readonly (Vector3 Zenith, Vector3 Horizon)[] Skies =
    [
        (new(0.22f, 0.42f, 0.78f), new(0.68f, 0.80f, 0.92f)),
        (new(0.40f, 0.58f, 0.80f), new(0.82f, 0.84f, 0.84f)),
        (new(0.56f, 0.58f, 0.62f), new(0.74f, 0.75f, 0.76f)),
        (new(0.36f, 0.37f, 0.42f), new(0.60f, 0.60f, 0.60f)),
        (new(0.34f, 0.34f, 0.52f), new(0.92f, 0.66f, 0.46f)),
        (new(0.60f, 0.52f, 0.50f), new(0.90f, 0.80f, 0.62f)),
    ];

    private readonly Vector3 zenith,
        horizon;
    private readonly float cloudCover,
        cloudBrightness,
        hazeDistance;
    private readonly uint clouds;

    /// <summary>Draws a view.</summary>
    public SceneView(SceneRandom random)
    {
        HorizonRow = random.Range(0.24f, 0.58f) * Scene.Size;
        Eye = random.LogRange(1.3f, 4.5f);
        (Vector3 high, Vector3 low) = random.One(Skies);
        (zenith, horizon) = (random.Near(high, 0.2f), random.Near(low, 0.15f));
        (cloudCover, cloudBrightness, clouds) = (random.Range(-0.1f, 0.6f), random.Range(0.75f, 1.15f), random.Bits());
        hazeDistance = random.LogRange(35, 500);
        Light = Vector3.Normalize(new(random.Range(-1, 1), random.Range(0.25f, 1.1f), random.Range(-0.5f, 0.9f)));
        Ambient = random.Range(0.35f, 0.85f);
        Warmth = Vector3.Lerp(new(1.1f, 1, 0.85f), new(0.95f, 1, 1.08f), random.Unit());
    }

    /// <summary>Row of the horizon.</summary>
    public float HorizonRow { get; }

    /// <summary>Height of the eye, metres.</summary>
    public float Eye { get; }

    /// <summary>Direction to the light: right, up, towards the camera; length 1.</summary>
    public Vector3 Light { get; }

    /// <summary>Share of the light that comes from everywhere; the more, the weaker are shadows.</summary>
    public float Ambient { get; }

    /// <summary>Colour of the light.</summary>
    public Vector3 Warmth { get; }

    /// <summary>Point of the ground that a pixel below the horizon shows.</summary>
    public (float X, float Z) OnGround(float column, float row)
    {
        float z = Focus * Eye / MathF.Max(row - HorizonRow, 0.05f);
        return ((column - (Scene.Size / 2)) * z / Focus, z);
    }

    /// <summary>Light on a surface whose normal has this cosine with the light's direction.</summary>
    public Vector3 Lit(Vector3 colour, float cosine) => colour * Warmth * (Ambient + ((1 - Ambient) * 1.35f * MathF.Max(cosine, 0)));

    /// <summary>A colour through the air of a distance.</summary>
    public Vector3 Hazy(Vector3 colour, float distance) => Vector3.Lerp(horizon, colour, MathF.Exp(-distance / hazeDistance));

    /// <summary>The sky at a pixel; below the horizon, for reflections, as above it.</summary>
    public Vector3 Sky(float column, float row)
    {
        float above = MathF.Abs(HorizonRow - row);
        Vector3 clear = Vector3.Lerp(horizon, zenith, MathF.Pow(MathF.Min(above / (0.6f * Scene.Size), 1), 0.7f));
        // Clouds lie in a plane above: smaller and flatter towards the horizon.
        float flat = 160 / (above + 16);
        float cloud = SceneNoise.Fractal((column - (Scene.Size / 2)) * flat * 0.012f, flat * 1.7f, 4, clouds);
        return Vector3.Lerp(
            clear,
            new Vector3(cloudBrightness) * Vector3.Lerp(horizon, Vector3.One, 0.6f),
            0.85f * SceneNoise.Step(0.75f - cloudCover, 1.05f - cloudCover, cloud)
        );
    }
}
