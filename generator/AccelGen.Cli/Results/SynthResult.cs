using AccelGen.Synth;

namespace AccelGen.Cli.Results;

/// <summary>Result of <c>synth</c>.</summary>
/// <param name="Config">Name of the configuration.</param>
/// <param name="ConfigHash">Its hash, in hexadecimal digits.</param>
/// <param name="Library">Name of the cell library.</param>
/// <param name="Tools">Versions of the tools.</param>
/// <param name="Modules">Modules, those within others first; each once, whatever its instances.</param>
/// <param name="Memories">On-chip memories, which are macros: not in any area here.</param>
/// <param name="AreaUm2">Area of all instances of all modules, in square micrometres.</param>
/// <param name="Macs">Multiply-accumulates that the design does in a cycle; null where a part of it was synthesised.</param>
/// <param name="Um2PerMac">Area by multiply-accumulate, in square micrometres, or null as above.</param>
/// <param name="MaxMhz">Clock frequency that the longest path of all allows, in MHz; null where there is no path.</param>
internal sealed record SynthResult(
    string Config,
    string ConfigHash,
    string Library,
    SynthesisTools Tools,
    IReadOnlyList<SynthModule> Modules,
    IReadOnlyList<DesignMemory> Memories,
    double AreaUm2,
    int? Macs,
    double? Um2PerMac,
    double? MaxMhz
) : IResult;

/// <summary>A module of <c>synth</c>.</summary>
/// <param name="Name">Name.</param>
/// <param name="Instances">How often the design has it.</param>
/// <param name="AreaUm2">Area of one, without the modules within it, in square micrometres.</param>
/// <param name="WholeUm2">Area of one with all modules within it, in square micrometres.</param>
/// <param name="Share">Share of the design's area that all its instances have, without the modules within them, from 0 to 1.</param>
/// <param name="Cells">Cells of one, without the modules within it.</param>
/// <param name="FlipFlops">Flip-flops among them.</param>
/// <param name="CriticalPathNs">Length of the longest path in ns, through modules within it, not through memories; null where there is
/// none.</param>
/// <param name="Path">Its start and its end; null as above.</param>
/// <param name="Seconds">Time that its synthesis took.</param>
internal sealed record SynthModule(
    string Name,
    int Instances,
    double AreaUm2,
    double WholeUm2,
    double Share,
    int Cells,
    int FlipFlops,
    double? CriticalPathNs,
    string? Path,
    double Seconds
);
