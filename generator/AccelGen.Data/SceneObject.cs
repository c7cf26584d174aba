using System.Numerics;

namespace AccelGen.Data;

/// <summary>
/// Something that stands on the ground, seen as a picture that faces the camera. Its coordinates are metres to the right of its
/// middle and above its foot.
/// </summary>
/// <param name="view">Camera and light.</param>
/// <param name="x">Metres to the right of the camera.</param>
/// <param name="z">Metres away from it.</param>
internal abstract class SceneObject(SceneView view, float x, float z)
{
    /// <summary>Metres to the right of the camera.</summary>
    public float X { get; } = x;

    /// <summary>Metres away from the camera.</summary>
    public float Z { get; } = z;

    /// <summary>Class of its pixels.</summary>
    public abstract SceneClass Class { get; }

    /// <summary>Left and right end, relative to the middle.</summary>
    public abstract (float Left, float Right) Extent { get; }

    /// <summary>Height above the foot.</summary>
    public abstract float Height { get; }

    /// <summary>Camera and light.</summary>
    protected SceneView View { get; } = view;

    /// <summary>The colour at a place, lit; false where the object is not.</summary>
    public abstract bool Sample(float u, float v, out Vector3 colour);

    /// <summary>Half the width of the shadow, at a share of its height.</summary>
    public abstract float ShadowHalf(float share);

    /// <summary>How much of the direct light the object keeps off a point of the ground, 0 to 1.</summary>
    public float Shade(float x, float z)
    {
        // The shadow of a height h ends h times this away from the foot.
        (float dx, float dz) = (-View.Light.X / View.Light.Y, View.Light.Z / View.Light.Y);
        float length = MathF.Sqrt((dx * dx) + (dz * dz)) * Height;
        (float px, float pz) = (x - X, z - Z);
        (float ax, float az) = length > 0.01f ? (dx * Height / length, dz * Height / length) : (1, 0);
        (float forth, float aside) = ((px * ax) + (pz * az), MathF.Abs((px * az) - (pz * ax)));
        // Where it stands, the ground is dark at every light.
        float half = ShadowHalf(0);
        float contact = 1 - SceneNoise.Step(0.6f, 1.2f, MathF.Sqrt((px * px) + (4 * pz * pz)) / MathF.Max(half, 0.1f));
        if (forth < 0 || forth > length)
            return contact;
        float edge = ShadowHalf(forth / length);
        return MathF.Max(contact, edge > 0 ? 1 - SceneNoise.Step(0.85f, 1.1f, aside / edge) : 0);
    }

    /// <summary>Light on a round surface.</summary>
    /// <param name="colour">Colour.</param>
    /// <param name="a">Place to the right, in radii.</param>
    /// <param name="b">Place upwards, in radii.</param>
    protected Vector3 Round(Vector3 colour, float a, float b) =>
        View.Lit(colour, Vector3.Dot(View.Light, new(a, b, MathF.Sqrt(MathF.Max(0, 1 - (a * a) - (b * b))))));

    /// <summary>Within an axis-parallel rectangle.</summary>
    protected static bool In(float value, float low, float high) => value >= low && value <= high;

    /// <summary>Distance from a point, in radii.</summary>
    protected static float Away(float u, float v, float radiusU, float radiusV) =>
        MathF.Sqrt((u * u / (radiusU * radiusU)) + (v * v / (radiusV * radiusV)));

    /// <summary>Place within a repeated length.</summary>
    protected static float Within(float value, float period) => value - (MathF.Floor(value / period) * period);
}

/// <summary>A box with two visible sides in true perspective: a house, a shed, a crate, a long wall.</summary>
internal sealed class SceneBuilding : SceneObject
{
    private static readonly Vector3[] Walls =
    [
        new(0.58f, 0.34f, 0.26f),
        new(0.76f, 0.70f, 0.58f),
        new(0.60f, 0.60f, 0.60f),
        new(0.84f, 0.82f, 0.78f),
        new(0.72f, 0.62f, 0.40f),
        new(0.46f, 0.40f, 0.34f),
        new(0.40f, 0.48f, 0.56f),
        new(0.36f, 0.46f, 0.36f),
    ];

    private readonly float half,
        wall,
        deep,
        roof,
        storey,
        bay;
    private readonly int texture;
    private readonly bool windows;
    private readonly Vector3 colour,
        roofColour,
        glass;
    private readonly uint seed;

    public SceneBuilding(SceneView view, SceneRandom random, float x, float z)
        : base(view, x, z)
    {
        int kind = random.Below(4);
        (half, wall, deep) = kind switch
        {
            0 => (random.Range(0.5f, 1.3f), random.Range(0.8f, 2.2f), random.Range(1, 3)),
            1 => (random.Range(3, 9), random.Range(0.9f, 2), 0.3f),
            _ => (random.Range(1.8f, 6), random.Range(2.4f, 9), random.Range(3, 9)),
        };
        roof = kind >= 2 && random.Chance(0.55f) ? random.Range(0.3f, 0.6f) * half : 0;
        windows = kind >= 2;
        texture = random.Below(4);
        (storey, bay) = (random.Range(2.2f, 3.1f), random.Range(1.4f, 2.6f));
        (colour, roofColour) = (random.Near(random.One(Walls), 0.25f), random.Near(random.One(Walls), 0.3f) * 0.75f);
        glass = random.Near(new(0.2f, 0.24f, 0.3f), 0.5f);
        seed = random.Bits();
    }

    public override SceneClass Class => SceneClass.Building;

    // A side shows where the box lies off the middle: its far edge is nearer to the vanishing point.
    public override (float Left, float Right) Extent =>
        (
            MathF.Min(-half, X > half ? ((X - half) * Z / (Z + deep)) - X : -half),
            MathF.Max(half, X < -half ? ((X + half) * Z / (Z + deep)) - X : half)
        );

    public override float Height => wall + roof;

    public override float ShadowHalf(float share) => half * (share * Height < wall ? 1 : 1 - (((share * Height) - wall) / roof));

    public override bool Sample(float u, float v, out Vector3 colour)
    {
        colour = default;
        if (MathF.Abs(u) <= half)
        {
            if (v > wall && !(roof > 0 && v < wall + (roof * (1 - (MathF.Abs(u) / half)))))
                return false;
            colour = View.Lit(v > wall ? Tiles(u, v) : Wall(u + half, v, half * 2), MathF.Max(View.Light.Z, 0));
            return v >= 0;
        }

        // The plane of the side stands at the edge's X: what is seen there tells how far away it is.
        float edge = u > 0 ? half : -half;
        float away = (X + edge) * Z / (u + X) - Z;
        float up = View.Eye + ((v - View.Eye) * (Z + away) / Z);
        if (!In(away, 0, deep) || !In(up, 0, wall + (roof > 0 ? 0.35f * roof : 0)))
            return false;
        colour = View.Lit(up > wall ? Tiles(away, up) : Wall(away, up, deep), MathF.Max(View.Light.X * MathF.Sign(edge), 0));
        return true;
    }

    private Vector3 Wall(float along, float up, float length)
    {
        Vector3 of = colour * (0.88f + (0.24f * SceneNoise.Fractal(along * 0.8f, up * 0.8f, 2, seed)));
        float seen = Math.Clamp(1.5f - (Z / 18), 0, 1);
        float line = texture switch
        {
            // Bricks in rows, each second one shifted; planks; ribs; plaster.
            0 => Within(up, 0.3f) < 0.06f || Within(along + (MathF.Floor(up / 0.3f) * 0.3f), 0.6f) < 0.07f ? 1 : 0,
            1 => Within(up, 0.35f) < 0.08f ? 1 : 0,
            2 => Within(along, 0.3f) < 0.12f ? 0.8f : 0,
            _ => 0,
        };
        of *= 1 - (0.25f * seen * line);
        if (windows && up < wall - 0.4f && along > 0.3f && along < length - 0.3f)
        {
            (float a, float b) = (Within(along - 0.3f, bay) / bay, Within(up, storey) / storey);
            bool door = up < 2 && MathF.Abs(along - (length * 0.4f)) < 0.5f;
            if (door)
                of *= 0.45f;
            else if (In(a, 0.28f, 0.78f) && In(b, 0.32f, 0.82f))
                of = glass * (0.7f + (0.9f * SceneNoise.At(MathF.Floor(along / bay) * 3.7f, MathF.Floor(up / storey) * 5.3f, seed + 5)));
        }

        return of;
    }

    private Vector3 Tiles(float along, float up) =>
        roofColour * (Within(up, 0.35f) < 0.09f ? 0.8f : 1) * (0.85f + (0.3f * SceneNoise.At(along * 3, up * 3, seed + 9)));
}

/// <summary>A tree with a round or a pointed crown, or a bush.</summary>
internal sealed class SceneTree : SceneObject
{
    private static readonly Vector3[] Leaves =
    [
        new(0.20f, 0.36f, 0.14f),
        new(0.30f, 0.42f, 0.16f),
        new(0.14f, 0.28f, 0.18f),
        new(0.62f, 0.42f, 0.16f),
        new(0.50f, 0.26f, 0.14f),
        new(0.42f, 0.42f, 0.26f),
    ];

    private readonly float trunk,
        trunkHalf,
        crown;
    private readonly bool pointed;
    private readonly (float U, float V, float Radius)[] puffs = [];
    private readonly Vector3 leaf,
        bark;
    private readonly uint seed;

    public SceneTree(SceneView view, SceneRandom random, float x, float z)
        : base(view, x, z)
    {
        bool bush = random.Chance(0.35f);
        pointed = !bush && random.Chance(0.3f);
        crown = bush ? random.Range(0.35f, 1.2f) : random.Range(0.8f, 2.4f);
        trunk = bush ? 0 : random.Range(0.8f, 2.6f);
        trunkHalf = random.Range(0.06f, 0.14f) * crown;
        Height = pointed ? trunk + (crown * random.Range(2.2f, 4)) : trunk + (crown * (bush ? 1.5f : 1.9f));
        leaf = random.Near(random.One(Leaves), 0.3f);
        bark = random.Near(new(0.32f, 0.26f, 0.2f), 0.35f);
        seed = random.Bits();
        puffs =
        [
            .. Enumerable
                .Range(0, 3 + random.Below(4))
                .Select(_ =>
                {
                    float radius = crown * random.Range(0.45f, 0.75f);
                    return (
                        random.Range(-1, 1) * (crown - radius),
                        trunk + radius + (random.Unit() * MathF.Max(0, Height - trunk - (2 * radius))),
                        radius
                    );
                }),
        ];
    }

    public override SceneClass Class => SceneClass.Tree;

    public override (float Left, float Right) Extent => (-crown * 1.15f, crown * 1.15f);

    public override float Height { get; }

    public override float ShadowHalf(float share) =>
        share * Height < trunk
            ? trunkHalf
            : crown * (pointed ? 1 - share : MathF.Sqrt(MathF.Max(0, 1 - (4 * (share - 0.5f) * (share - 0.5f)))));

    public override bool Sample(float u, float v, out Vector3 colour)
    {
        // Leaves reach over the outline and leave gaps in it.
        float ragged = SceneNoise.Fractal(u * 5, v * 5, 2, seed) - 0.5f;
        if (pointed)
        {
            float share = (v - (0.6f * trunk)) / (Height - (0.6f * trunk));
            // Branches hang in layers.
            float width = crown * (1 - share) * (0.75f + (0.4f * Within(-share * 7, 1)));
            if (share is >= 0 and <= 1 && MathF.Abs(u) < width * (1 + (0.6f * ragged)))
            {
                colour = Leafed(u, v, u / MathF.Max(width, 0.01f), 0.3f);
                return true;
            }
        }
        else
        {
            for (int i = puffs.Length - 1; i >= 0; i--)
            {
                (float pu, float pv, float radius) = puffs[i];
                if (Away(u - pu, v - pv, radius, radius) > 1 + (0.7f * ragged))
                    continue;
                colour = Leafed(u, v, (u - pu) / radius, (v - pv) / radius);
                return true;
            }
        }

        colour = View.Lit(
            bark * (0.75f + (0.5f * SceneNoise.At(u * 14, v * 4, seed + 3))),
            0.6f + (0.5f * MathF.Sign(View.Light.X) * u / MathF.Max(trunkHalf, 0.01f))
        );
        return v >= 0 && v < trunk + (0.5f * crown) && MathF.Abs(u) < trunkHalf * (1.3f - (0.3f * v / MathF.Max(trunk, 0.1f)));
    }

    private Vector3 Leafed(float u, float v, float a, float b)
    {
        float dapple = (0.65f * SceneNoise.At(u * 9, v * 9, seed + 1)) + (0.35f * SceneNoise.At(u * 20, v * 20, seed + 2));
        return Round(leaf * (0.45f + (1.1f * dapple)), a * 0.9f, b * 0.9f);
    }
}

/// <summary>A car or van, from the side or from an end.</summary>
internal sealed class SceneVehicle : SceneObject
{
    private static readonly Vector3[] Paints =
    [
        new(0.72f, 0.12f, 0.12f),
        new(0.16f, 0.26f, 0.60f),
        new(0.82f, 0.82f, 0.82f),
        new(0.10f, 0.10f, 0.12f),
        new(0.52f, 0.54f, 0.56f),
        new(0.80f, 0.66f, 0.14f),
        new(0.16f, 0.40f, 0.26f),
        new(0.56f, 0.46f, 0.36f),
    ];

    private readonly bool side,
        van;
    private readonly float half,
        sill,
        belt,
        wheel,
        nose;
    private readonly Vector3 paint,
        glass;

    public SceneVehicle(SceneView view, SceneRandom random, float x, float z)
        : base(view, x, z)
    {
        (side, van) = (random.Chance(0.6f), random.Chance(0.35f));
        half = side ? random.Range(1.7f, van ? 2.9f : 2.4f) : random.Range(0.8f, 1);
        Height = van ? random.Range(1.8f, 2.5f) : random.Range(1.3f, 1.6f);
        (sill, wheel) = (0.25f, random.Range(0.3f, 0.38f));
        belt = Height * (van ? 0.55f : 0.6f);
        nose = random.Chance(0.5f) ? 1 : -1;
        paint = random.Near(random.One(Paints), 0.2f);
        glass = random.Near(new(0.2f, 0.25f, 0.3f), 0.4f);
    }

    public override SceneClass Class => SceneClass.Vehicle;

    public override (float Left, float Right) Extent => (-half, half);

    public override float Height { get; }

    public override float ShadowHalf(float share) => half * (share < 0.6f ? 1 : 0.75f);

    public override bool Sample(float u, float v, out Vector3 colour)
    {
        colour = default;
        if (v < 0 || v > Height || MathF.Abs(u) > half)
            return false;
        return side ? FromSide(u * nose, v, out colour) : FromEnd(u, v, out colour);
    }

    private bool FromSide(float u, float v, out Vector3 colour)
    {
        float axle = half * 0.62f;
        float hub = MathF.Min(Away(u - axle, v - wheel, wheel, wheel), Away(u + axle, v - wheel, wheel, wheel));
        colour = View.Lit(hub < 0.5f ? new(0.5f, 0.5f, 0.52f) : new(0.06f, 0.06f, 0.07f), 0.6f);
        if (hub < 1)
            return true;
        if (v < sill)
            return false;
        float front = van ? half * 0.95f : half * 0.42f,
            back = van ? half : half * 0.85f;
        float up = (v - belt) / (Height - belt);
        if (v > belt && (u > front - (up * half * (van ? 0.14f : 0.22f)) || u < -back + (up * half * (van ? 0.02f : 0.25f))))
            return false;
        // Corners of the body are round.
        float corner = MathF.Abs(u) - (half - 0.22f);
        if (v <= belt && corner > 0 && (Square(corner / 0.22f) + Square(MathF.Max(0, v - (belt - 0.22f)) / 0.22f)) > 1)
            return false;
        bool window =
            In(up, 0.12f, 0.85f)
            && (van ? u > half * 0.3f : MathF.Abs(u + (0.2f * half)) < 0.55f * half)
            && MathF.Abs(u + (0.18f * half)) > 0.06f;
        bool lamp = v < belt && v > belt - 0.3f && MathF.Abs(u) > half - 0.18f;
        Vector3 of =
            window ? glass * (1 + (0.6f * up))
            : lamp ? (u > 0 ? new(0.95f, 0.92f, 0.8f) : new(0.6f, 0.08f, 0.06f))
            : paint;
        // The flank is bent: bright above its shoulder, dark below.
        colour = View.Lit(of, 0.25f + (0.65f * v / Height) + (v > Height - 0.1f ? 0.4f : 0));
        return true;
    }

    private bool FromEnd(float u, float v, out Vector3 colour)
    {
        colour = View.Lit(new(0.06f, 0.06f, 0.07f), 0.5f);
        if (v < sill)
            return MathF.Abs(u) > half - 0.26f;
        float up = (v - belt) / (Height - belt);
        if (up > 0 && MathF.Abs(u) > half * (van ? 0.97f : 0.92f - (0.18f * up)))
            return false;
        bool window = In(up, 0.1f, 0.8f) && MathF.Abs(u) < half * (0.78f - (0.14f * up));
        bool lamp = In(v, belt - 0.38f, belt - 0.15f) && MathF.Abs(u) > half * 0.62f;
        bool grille = In(v, sill, sill + 0.22f) && MathF.Abs(u) < half * 0.6f;
        Vector3 lights = nose > 0 ? new(0.95f, 0.93f, 0.84f) : new(0.66f, 0.08f, 0.06f);
        colour = View.Lit(
            window ? glass * (1 + (0.5f * up))
                : lamp ? lights
                : grille ? new(0.12f, 0.12f, 0.13f)
                : paint,
            0.3f + (0.6f * v / Height)
        );
        return true;
    }

    private static float Square(float value) => value * value;
}

/// <summary>A stone: outline and colours of a bush, another surface.</summary>
internal sealed class SceneRock : SceneObject
{
    private static readonly Vector3[] Stones =
    [
        new(0.46f, 0.45f, 0.44f),
        new(0.52f, 0.46f, 0.38f),
        new(0.34f, 0.36f, 0.30f),
        new(0.62f, 0.60f, 0.56f),
        new(0.40f, 0.32f, 0.28f),
    ];

    private readonly float half;
    private readonly Vector3 stone,
        moss;
    private readonly uint seed;

    public SceneRock(SceneView view, SceneRandom random, float x, float z)
        : base(view, x, z)
    {
        half = random.LogRange(0.4f, 1.8f);
        Height = half * random.Range(0.7f, 1.5f);
        stone = random.Near(random.One(Stones), 0.25f);
        moss = random.Chance(0.3f) ? random.Near(new(0.30f, 0.38f, 0.18f), 0.2f) : stone;
        seed = random.Bits();
    }

    public override SceneClass Class => SceneClass.Rock;

    public override (float Left, float Right) Extent => (-half * 1.2f, half * 1.2f);

    public override float Height { get; }

    public override float ShadowHalf(float share) => half * MathF.Sqrt(MathF.Max(0, 1 - (share * share)));

    public override bool Sample(float u, float v, out Vector3 colour)
    {
        (float a, float b) = (u / half, v / Height);
        float angle = MathF.Atan2(b, a);
        float outline = 0.82f + (0.36f * SceneNoise.At((angle * 1.6f) + 10, 0.5f, seed));
        float away = MathF.Sqrt((a * a) + (b * b)) / outline;
        // Broken faces: each cell of a coarse net is turned its own way.
        float turn = SceneNoise.At(a * 2.2f, b * 2.2f, seed + 1) - 0.5f,
            tilt = SceneNoise.At(a * 2.2f, b * 2.2f, seed + 2) - 0.5f;
        float crack = MathF.Abs(SceneNoise.Fractal(a * 2.5f, b * 2.5f, 2, seed + 3) - 0.5f);
        Vector3 of = Vector3.Lerp(stone, moss, SceneNoise.Step(0.4f, 0.7f, b * SceneNoise.At(a * 3, b * 3, seed + 4) * 1.4f));
        of *= (crack < 0.025f ? 0.6f : 0.9f) + (0.2f * SceneNoise.At(u * 18, v * 18, seed + 5));
        colour = Round(of, Math.Clamp((a * 0.8f) + (1.1f * turn), -0.95f, 0.95f), Math.Clamp((b * 0.7f) + (1.1f * tilt), -0.3f, 0.95f));
        return v >= 0 && away < 1;
    }
}

/// <summary>A person, standing or walking.</summary>
internal sealed class ScenePerson : SceneObject
{
    private static readonly Vector3[] Skins = [new(0.86f, 0.68f, 0.56f), new(0.66f, 0.48f, 0.36f), new(0.40f, 0.28f, 0.20f)];

    private static readonly Vector3[] Cloths =
    [
        new(0.70f, 0.16f, 0.16f),
        new(0.18f, 0.28f, 0.56f),
        new(0.86f, 0.84f, 0.80f),
        new(0.14f, 0.14f, 0.16f),
        new(0.36f, 0.40f, 0.26f),
        new(0.76f, 0.60f, 0.24f),
        new(0.46f, 0.38f, 0.32f),
        new(0.44f, 0.46f, 0.50f),
    ];

    private readonly float build,
        stride,
        arm;
    private readonly bool striped,
        skirt;
    private readonly Vector3 skin,
        hair,
        top,
        bottom;

    public ScenePerson(SceneView view, SceneRandom random, float x, float z)
        : base(view, x, z)
    {
        Height = random.Range(1.3f, 1.95f);
        (build, stride, arm) = (random.Range(0.8f, 1.25f), random.Range(0.02f, 0.26f), random.Range(0, 0.22f));
        (striped, skirt) = (random.Chance(0.25f), random.Chance(0.25f));
        skin = random.Near(random.One(Skins), 0.15f);
        hair = random.Near(random.One([new Vector3(0.12f, 0.09f, 0.07f), new(0.42f, 0.30f, 0.16f), new(0.6f, 0.58f, 0.56f)]), 0.3f);
        (top, bottom) = (random.Near(random.One(Cloths), 0.25f), random.Near(random.One(Cloths), 0.25f));
    }

    public override SceneClass Class => SceneClass.Person;

    public override (float Left, float Right) Extent => (-0.3f * Height, 0.3f * Height);

    public override float Height { get; }

    public override float ShadowHalf(float share) => Height * (share < 0.85f ? 0.12f * build : 0.07f);

    public override bool Sample(float u, float v, out Vector3 colour)
    {
        (float a, float b) = (u / Height, v / Height);
        colour = default;
        if (b is < 0 or > 1)
            return false;
        if (Away(a, b - 0.93f, 0.058f, 0.07f) < 1)
        {
            colour = Round(b > 0.945f ? hair : skin, a / 0.06f, 0);
            return true;
        }

        float torso = build * (0.085f + (0.045f * SceneNoise.Step(0.5f, 0.78f, b)));
        if (In(b, 0.47f, 0.86f) && MathF.Abs(a) < torso * (b > 0.82f ? (0.88f - b) / 0.06f : 1))
        {
            Vector3 cloth = striped && Within(b, 0.08f) < 0.04f ? bottom : top;
            colour = Round(cloth, 0.9f * a / torso, 0.1f);
            return true;
        }

        float reach = (0.115f * build) + (arm * (0.82f - b));
        if (In(b, 0.46f, 0.82f) && MathF.Abs(MathF.Abs(a) - reach) < 0.03f * build)
        {
            colour = Round(b < 0.53f ? skin : top * 0.92f, MathF.Sign(a) * 0.6f, 0);
            return true;
        }

        float leg = MathF.Abs(MathF.Abs(a) - (0.045f + (stride * (0.48f - b))));
        if (b >= 0.48f || (skirt && b > 0.25f ? MathF.Abs(a) > build * (0.16f - (0.15f * (b - 0.25f))) : leg > 0.042f * build))
            return false;
        colour = Round(
            b < 0.04f ? new(0.1f, 0.09f, 0.08f)
                : skirt && b < 0.25f ? skin
                : bottom,
            MathF.Sign(a) * 0.4f,
            0
        );
        return true;
    }
}
