namespace AccelGen.Isa;

/// <summary>A field of one bit that is true or false.</summary>
public sealed record Flag(string Name, int Lsb, int Width, string Doc) : Field(Name, Lsb, Width, Doc);

/// <summary>A field whose values have names.</summary>
/// <typeparam name="T">Enumeration; the table has one of the same name and values.</typeparam>
public sealed record EnumField<T>(string Name, int Lsb, int Width, string Doc) : Field(Name, Lsb, Width, Doc)
    where T : struct, Enum;

/// <summary>A field that names the semaphore whose token a command takes or gives, or none.</summary>
public sealed record TokenField(string Name, int Lsb, int Width, string Doc) : Field(Name, Lsb, Width, Doc)
{
    /// <summary>Bit that says that there is a token.</summary>
    public const int Enable = 16;
}

/// <summary>An extent of a command: how much of an axis it works on, and what limits it at run time.</summary>
/// <param name="Dynamic">A dynamic register of the active path limits it.</param>
/// <param name="Register">That register.</param>
/// <param name="Unit">What the extent counts.</param>
/// <param name="Base">Place in the whole axis.</param>
/// <param name="Count">Extent without a limit.</param>
public sealed record Axis(Flag Dynamic, Field Register, EnumField<ExtentUnit> Unit, Field Base, Field Count);

/// <summary>What an extent counts.</summary>
public enum ExtentUnit
{
    /// <summary>Vectors of channels.</summary>
    Vectors = 0,

    /// <summary>Lane tiles: as many channels as there are lanes.</summary>
    LaneTiles = 1,
}

/// <summary>Buffer that a LOAD writes.</summary>
public enum LoadDestination
{
    /// <summary>Input buffers of the processing elements.</summary>
    Input = 0,

    /// <summary>Residual buffers of the processing elements.</summary>
    Residual = 1,

    /// <summary>Weight buffer.</summary>
    Weight = 2,

    /// <summary>Bias and scale entries.</summary>
    Parameter = 3,

    /// <summary>Command buffer.</summary>
    Command = 4,

    /// <summary>Activation table.</summary>
    Table = 5,
}

/// <summary>What a ROW computes.</summary>
public enum RowFunction
{
    /// <summary>Softmax.</summary>
    Softmax = 0,

    /// <summary>Layer normalisation.</summary>
    LayerNorm = 1,

    /// <summary>Index of the largest channel.</summary>
    ArgMax = 2,
}
