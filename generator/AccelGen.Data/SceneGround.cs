using System.Numerics;

namespace AccelGen.Data;

/// <summary>The plane that everything stands on: open ground, ways, water.</summary>
internal sealed class SceneGround
{
    private static readonly Vector3[] Soils =
    [
        new(0.30f, 0.45f, 0.20f),
        new(0.42f, 0.50f, 0.22f),
        new(0.56f, 0.52f, 0.32f),
        new(0.45f, 0.35f, 0.25f),
        new(0.68f, 0.60f, 0.44f),
        new(0.82f, 0.84f, 0.88f),
        new(0.38f, 0.36f, 0.33f),
    ];

    private static readonly Vector3[] Pavings =
    [
        new(0.36f, 0.36f, 0.38f),
        new(0.52f, 0.51f, 0.49f),
        new(0.60f, 0.53f, 0.42f),
        new(0.45f, 0.37f, 0.30f),
        new(0.66f, 0.65f, 0.63f),
    ];

    private static readonly Vector3[] Depths =
    [
        new(0.12f, 0.26f, 0.36f),
        new(0.16f, 0.30f, 0.28f),
        new(0.34f, 0.34f, 0.26f),
        new(0.22f, 0.28f, 0.34f),
    ];

    private readonly SceneView view;
    private readonly uint seed;
    private readonly Vector3 soil,
        otherSoil,
        paving,
        depth;
    private readonly float roughness,
        grain,
        mirror,
        ripple;
    private readonly bool along,
        across,
        slabs,
        marked;
    private readonly float wayAt,
        waySlope,
        wayBend,
        wayWidth,
        crossingAt,
        crossingSlope,
        crossingWidth;
    private readonly int water;
    private readonly float waterX,
        waterZ,
        waterWidth,
        waterLength;

    /// <summary>Draws a ground.</summary>
    public SceneGround(SceneView view, SceneRandom random)
    {
        this.view = view;
        seed = random.Bits();
        soil = random.Near(random.One(Soils), 0.25f);
        otherSoil = random.Near(random.Chance(0.5f) ? soil : random.One(Soils), 0.3f);
        (roughness, grain) = (random.Range(0.25f, 0.8f), random.Range(0.05f, 0.25f));
        paving = random.Near(random.Chance(0.15f) ? soil : random.One(Pavings), 0.25f);
        (along, across) = (random.Chance(0.6f), random.Chance(0.3f));
        (slabs, marked) = (random.Chance(0.35f), random.Chance(0.4f));
        (wayAt, waySlope, wayBend, wayWidth) = (
            random.Range(-4, 4),
            random.Range(-0.35f, 0.35f),
            random.Range(0, 2.5f),
            random.LogRange(1.6f, 6)
        );
        (crossingAt, crossingSlope, crossingWidth) = (random.LogRange(5, 25), random.Range(-0.3f, 0.3f), random.LogRange(2, 8));
        depth = random.Near(random.One(Depths), 0.3f);
        (mirror, ripple) = (random.Range(0.25f, 0.85f), random.Range(0.08f, 0.35f));
        water = random.Chance(0.62f) ? 1 + random.Below(3) : 0;
        (waterX, waterZ, waterWidth, waterLength) = (
            random.Range(-7, 7),
            random.LogRange(5, 22),
            random.LogRange(4, 18),
            random.LogRange(2, 10)
        );
    }

    /// <summary>What lies at a point of the ground.</summary>
    public SceneClass At(float x, float z)
    {
        float shore = SceneNoise.Fractal(x * 0.22f, z * 0.22f, 2, seed + 40) - 0.5f;
        bool wet = water switch
        {
            1 => (Square((x - waterX) / waterWidth) + Square((z - waterZ) / waterLength)) < 1 + (1.6f * shore),
            2 => z > (waterZ * 1.1f) + (0.3f * x) + (8 * shore),
            3 => MathF.Abs(z - waterZ - (crossingSlope * x) - (6 * shore)) < 0.5f * waterLength,
            _ => false,
        };
        if (wet)
            return SceneClass.Water;
        float edge = 0.5f * (SceneNoise.At(x * 1.7f, z * 1.7f, seed + 50) - 0.5f);
        bool way =
            (along && MathF.Abs(OffWay(x, z) + edge) < wayWidth / 2) || (across && MathF.Abs(OffCrossing(x, z) + edge) < crossingWidth / 2);
        return way ? SceneClass.Path : SceneClass.Ground;
    }

    /// <summary>Colour of the ground at a pixel.</summary>
    /// <param name="what">What lies there.</param>
    /// <param name="column">Column.</param>
    /// <param name="row">Row.</param>
    /// <param name="shade">Share of the direct light that something keeps off.</param>
    public Vector3 Colour(SceneClass what, float column, float row, float shade)
    {
        (float x, float z) = view.OnGround(column, row);
        Vector3 colour = what switch
        {
            SceneClass.Water => Wet(column, row, x, z),
            SceneClass.Path => Paved(x, z),
            _ => Soil(x, z),
        };
        return view.Hazy(what == SceneClass.Water ? colour * (1 - (0.3f * shade)) : view.Lit(colour, view.Light.Y * (1 - shade)), z);
    }

    private Vector3 Soil(float x, float z)
    {
        Vector3 colour = Vector3.Lerp(soil, otherSoil, SceneNoise.Step(0.35f, 0.65f, SceneNoise.Fractal(x * 0.3f, z * 0.3f, 2, seed)));
        float coarse = Seen(z, 2) * (SceneNoise.Fractal(x * 2, z * 1.3f, 2, seed + 10) - 0.5f);
        float fine = Seen(z, 14) * (SceneNoise.At(x * 14, z * 6, seed + 20) - 0.5f);
        return colour * (1 + (roughness * (coarse + fine)));
    }

    private Vector3 Paved(float x, float z)
    {
        float fine = Seen(z, 20) * (SceneNoise.At(x * 20, z * 20, seed + 30) - 0.5f);
        float worn = SceneNoise.Fractal(x * 0.5f, z * 0.5f, 2, seed + 31) - 0.5f;
        Vector3 colour = paving * (1 + (grain * fine) + (0.35f * worn));
        float off = along ? OffWay(x, z) : OffCrossing(x, z),
            length = along ? z : x;
        if (slabs && Seen(z, 2) > 0.2f && (Within(off, 0.8f) < 0.07f || Within(length, 0.8f) < 0.09f))
            colour *= 0.72f;
        else if (!slabs && marked && MathF.Abs(off) < 0.09f && Within(length, 3) < 1.6f)
            colour = Vector3.Lerp(colour, new(0.9f, 0.9f, 0.84f), 0.75f);
        return colour;
    }

    private Vector3 Wet(float column, float row, float x, float z)
    {
        float wave = SceneNoise.Fractal(x * 0.7f, z * 2.6f, 3, seed + 60) - 0.5f;
        float seen = MathF.Max(Seen(z, 1.2f), 0.25f);
        Vector3 sky = view.Sky(column, row + (wave * 6));
        // Flat looks mirror more than steep ones.
        float share = Math.Clamp(mirror + ((0.5f - ((row - view.HorizonRow) / Scene.Size)) * 0.5f), 0.1f, 0.92f);
        return Vector3.Lerp(depth * view.Warmth, sky, share) * (1 + (2 * ripple * seen * wave));
    }

    private float OffWay(float x, float z) => x - wayAt - (waySlope * z) - (wayBend * MathF.Sin(z * 0.16f));

    private float OffCrossing(float x, float z) => z - crossingAt - (crossingSlope * x);

    // How much of a texture of so many features per metre a pixel at a distance shows; finer ones are grey there.
    private static float Seen(float z, float perMetre) => Math.Clamp(1.6f - (z * perMetre / SceneView.Focus * 1.2f), 0, 1);

    private static float Within(float value, float period) => value - (MathF.Floor(value / period) * period);

    private static float Square(float value) => value * value;
}
