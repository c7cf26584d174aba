namespace AccelGen.Cli.Results;

/// <summary>Result of <c>check</c>.</summary>
/// <param name="Config">Name of the configuration.</param>
/// <param name="ConfigHash">Its hash, in hexadecimal digits.</param>
/// <param name="Modules">Modules that were linted, each as the top.</param>
/// <param name="SynthesisFrontEnd">What became of the synthesis front end.</param>
/// <param name="Problems">Everything that is wrong; empty when nothing is.</param>
internal sealed record CheckResult(
    string Config,
    string ConfigHash,
    IReadOnlyList<string> Modules,
    FrontEndReading SynthesisFrontEnd,
    IReadOnlyList<string> Problems
) : IResult;

/// <summary>The design in a synthesis front end.</summary>
/// <param name="Read">There is one, and it was given the design.</param>
/// <param name="Version">Its version line, or null.</param>
/// <param name="Cure">What to do where there is none, or null.</param>
internal sealed record FrontEndReading(bool Read, string? Version, string? Cure);
