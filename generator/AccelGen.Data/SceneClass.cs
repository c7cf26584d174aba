namespace AccelGen.Data;

/// <summary>What a pixel of a <see cref="Scene"/> shows; the number is the class of its mask.</summary>
public enum SceneClass
{
    /// <summary>Clear, clouded or at dusk.</summary>
    Sky,

    /// <summary>Far ridges, bare or wooded, in haze.</summary>
    Hill,

    /// <summary>Grass, earth, sand or snow.</summary>
    Ground,

    /// <summary>Roads and paved ways, along or across.</summary>
    Path,

    /// <summary>Lakes, rivers and the sea.</summary>
    Water,

    /// <summary>Houses, sheds, walls, crates.</summary>
    Building,

    /// <summary>Trees and bushes.</summary>
    Tree,

    /// <summary>Cars and vans.</summary>
    Vehicle,

    /// <summary>Stones of the size of a bush.</summary>
    Rock,

    /// <summary>People.</summary>
    Person,
}
