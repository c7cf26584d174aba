using AccelGen.Config;

namespace AccelGen.Cli.Results;

/// <summary>Result of <c>config show</c>.</summary>
/// <param name="Name">Name of the configuration.</param>
/// <param name="ConfigHash">Its hash, in hexadecimal digits.</param>
/// <param name="Array">Array of processing elements.</param>
/// <param name="Buffers">Buffers.</param>
/// <param name="Axi">Bus.</param>
/// <param name="Control">Control.</param>
/// <param name="Units">Units.</param>
/// <param name="Derived">What follows from the others.</param>
internal sealed record ShownConfig(
    string Name,
    string ConfigHash,
    ArrayConfig Array,
    BufferConfig Buffers,
    AxiConfig Axi,
    ControlConfig Control,
    UnitsConfig Units,
    DerivedConfig Derived
) : IResult;

/// <summary>Result of <c>config validate</c>.</summary>
/// <param name="Name">Name of the configuration.</param>
/// <param name="ConfigHash">Its hash, in hexadecimal digits.</param>
/// <param name="Valid">It is valid: another one is an error, and has no result.</param>
internal sealed record ValidatedConfig(string Name, string ConfigHash, bool Valid) : IResult;
