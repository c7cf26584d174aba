using System.Text.Json;
using AccelGen.Config;
using AccelGen.Emit;
using AccelGen.Files;
using AccelGen.Sim;
using Microsoft.Extensions.Logging;

namespace AccelGen.Synth;

/// <summary>A module after synthesis.</summary>
/// <param name="Module">The module.</param>
/// <param name="Cells">Its own cells, without those of the modules within it, and how often each.</param>
/// <param name="AreaUm2">Their area in square micrometres.</param>
/// <param name="FlipFlops">Flip-flops among them.</param>
/// <param name="Path">Longest path within it and the modules within it, memories left out; null where there is none or where it was not
/// timed.</param>
/// <param name="TimedWhole">The path was looked for in the modules within it as well.</param>
/// <param name="Seconds">Time that mapping and timing took, now or when the result was kept.</param>
public sealed record SynthesizedModule(
    DesignModule Module,
    IReadOnlyDictionary<string, int> Cells,
    double AreaUm2,
    int FlipFlops,
    CriticalPath? Path,
    bool TimedWhole,
    double Seconds
);

/// <summary>Which tools took part.</summary>
/// <param name="FrontEnd">Version of the Yosys that read the sources.</param>
/// <param name="Mapper">Version of the Yosys that mapped to cells.</param>
/// <param name="Timing">Version of OpenSTA.</param>
public sealed record SynthesisTools(string FrontEnd, string Mapper, string Timing);

/// <summary>A design after synthesis.</summary>
/// <param name="Design">The design.</param>
/// <param name="Modules">Its modules, each once, those within others first.</param>
/// <param name="Tools">What made it.</param>
public sealed record SynthesizedDesign(RtlilDesign Design, IReadOnlyList<SynthesizedModule> Modules, SynthesisTools Tools);

/// <summary>
/// Synthesises the generated RTL, each distinct module once. What was found out is kept by the hash of what went in, module by
/// module, so that a run that was stopped goes on where it was.
/// </summary>
/// <param name="liberty">Library.</param>
/// <param name="periodNs">Clock period in ns that the mapper aims at.</param>
/// <param name="log">Progress.</param>
public sealed class Synthesizer(Liberty liberty, double periodNs, ILogger log)
{
    /// <summary>Modules that a technology's macros replace.</summary>
    public static IReadOnlyList<string> Memories { get; } = ["acc_sram", "acc_sram_masked"];

    private const string MapperCure = "install yosys (Debian: apt-get install yosys), or run scripts/synth, which does",
        TimingCure = "install OpenSTA (Debian: apt-get install opensta), or run scripts/synth, which does";

    /// <summary>Programs that synthesis needs beside the front end: how they tell their version, what they do, and what to do where they
    /// are missing.</summary>
    public static IReadOnlyList<(string Program, string[] Version, string Purpose, string Cure)> Needed { get; } =
    [
        ("yosys", ["-V"], "'synth' maps to the cells of a library", MapperCure),
        ("sta", ["-version"], "'synth' looks for the longest paths", TimingCure),
    ];

    // More cells than this are not timed together: OpenSTA takes a GB per million.
    private const long MostCells = 1_500_000;

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    private static string Folder => Path.Combine(UserCache.Folder, "synthesis");

    /// <summary>Synthesises a configuration, or one module of it with all within it.</summary>
    /// <param name="config">Configuration.</param>
    /// <param name="module">Module, as the sources call it, or null for all.</param>
    /// <param name="cancellation">Stops it; what was finished is kept.</param>
    /// <exception cref="InputException">There is no such module.</exception>
    /// <exception cref="ToolException">A tool is missing or failed.</exception>
    public async Task<SynthesizedDesign> RunAsync(AcceleratorConfig config, string? module, CancellationToken cancellation)
    {
        if (module is not null && !RtlEmitter.Modules.Contains(Source(module)))
            throw NoModule(module, RtlEmitter.Modules.Except(Memories));
        SynthesisFrontEnd front =
            await SynthesisFrontEnd.FindAsync(cancellation).ConfigureAwait(false)
            ?? throw new ToolException($"there is no Yosys with read_slang: {SynthesisFrontEnd.Cure}");
        Tool[] tools = await Task.WhenAll(Needed.Select(t => Tool.FindAsync(t.Program, t.Version, t.Cure, cancellation)))
            .ConfigureAwait(false);
        (Tool yosys, Tool sta) = (tools[0], tools[1] with { Version = $"OpenSTA {tools[1].Version}" });
        var mapper = new TechnologyMapper(yosys, liberty, periodNs);
        var timing = new StaticTiming(sta, liberty);
        log.LogInformation("reading the design");
        RtlilDesign design = await LowerAsync(config, front, cancellation).ConfigureAwait(false);
        DesignModule[] wanted = Wanted(design, module);
        var mapped = new Dictionary<string, MappedModule>(StringComparer.Ordinal);
        var done = new List<SynthesizedModule>();
        // The largest last, as they stand: those within others first.
        foreach (DesignModule m in wanted)
        {
            mapped[m.Name] = await KeptAsync(
                    UserCache.Key(["map", mapper.Recipe, m.Text]),
                    folder => mapper.MapAsync(folder, m, design, cancellation),
                    $"mapping {m.Name}"
                )
                .ConfigureAwait(false);
            done.Add(await TimedAsync(m, design, mapped, timing, cancellation).ConfigureAwait(false));
            log.LogInformation("{Done} of {All} modules: {Name}", done.Count, wanted.Length, m.Name);
        }

        return new SynthesizedDesign(design, done, new SynthesisTools(front.Version, yosys.Version, sta.Version));
    }

    // A module of the sources that the design has in several forms has numbers behind its name.
    private static string Source(string module) =>
        module.LastIndexOf('_') is > 0 and var at && int.TryParse(module.AsSpan(at + 1), out _) ? module[..at] : module;

    private static InputException NoModule(string module, IEnumerable<string> known) =>
        new(FaultCodes.NoSuchModule, $"--module {module}", "the design has no such module", $"it has {string.Join(", ", known)}");

    private static DesignModule[] Wanted(RtlilDesign design, string? module)
    {
        if (module is null)
            return [.. design.Modules];
        DesignModule[] tops = [.. design.Modules.Where(m => m.Name == module)];
        if (tops.Length == 0)
            throw NoModule(module, design.Modules.Select(m => m.Name));
        var within = new HashSet<string>(StringComparer.Ordinal);
        foreach (DesignModule m in design.Modules.Reverse())
        {
            if (m.Name == module || within.Contains(m.Name))
                within.UnionWith([m.Name, .. m.Children.Keys]);
        }

        return [.. design.Modules.Where(m => within.Contains(m.Name))];
    }

    private async Task<SynthesizedModule> TimedAsync(
        DesignModule module,
        RtlilDesign design,
        Dictionary<string, MappedModule> mapped,
        StaticTiming timing,
        CancellationToken cancellation
    )
    {
        MappedModule own = mapped[module.Name];
        Dictionary<string, string> netlists = Netlists(module, mapped, design);
        bool whole = Cells(module.Name, mapped, design) <= MostCells;
        if (!whole)
            netlists = new Dictionary<string, string> { [module.Name] = own.Netlist };
        CriticalPath?[] path = await KeptAsync(
                UserCache.Key([
                    "time",
                    timing.Recipe,
                    module.Name,
                    .. netlists.OrderBy(n => n.Key, StringComparer.Ordinal).Select(n => n.Value),
                ]),
                async folder => new[] { await timing.LongestAsync(folder, module.Name, netlists, cancellation).ConfigureAwait(false) },
                $"timing {module.Name}"
            )
            .ConfigureAwait(false);
        return new SynthesizedModule(
            module,
            own.Cells,
            own.Cells.Sum(c => c.Value * liberty.Cells[c.Key].AreaUm2),
            own.Cells.Where(c => liberty.Cells[c.Key].Kind == CellKind.FlipFlop).Sum(c => c.Value),
            path[0],
            whole,
            own.Seconds
        );
    }

    // Netlists of a module and of all within it.
    private static Dictionary<string, string> Netlists(DesignModule module, Dictionary<string, MappedModule> mapped, RtlilDesign design)
    {
        var netlists = new Dictionary<string, string>(StringComparer.Ordinal);
        var open = new Stack<string>([module.Name]);
        while (open.TryPop(out string? name))
        {
            if (!mapped.TryGetValue(name, out MappedModule? found) || !netlists.TryAdd(name, found.Netlist))
                continue;
            foreach (string child in design[name].Children.Keys)
                open.Push(child);
        }

        return netlists;
    }

    // Cells of a module with all within it.
    private static long Cells(string module, Dictionary<string, MappedModule> mapped, RtlilDesign design) =>
        mapped[module].Cells.Values.Sum(v => (long)v)
        + design[module].Children.Where(c => mapped.ContainsKey(c.Key)).Sum(c => c.Value * Cells(c.Key, mapped, design));

    private static async Task<RtlilDesign> LowerAsync(AcceleratorConfig config, SynthesisFrontEnd front, CancellationToken cancellation)
    {
        using var work = new TemporaryFolder();
        IReadOnlyList<EmittedFile> emitted = RtlEmitter.EmitAll(config);
        OutputFolder.Write(work.Path, emitted);
        string[] files = [.. emitted.Select(f => f.Path).Where(p => p.EndsWith(".sv", StringComparison.Ordinal))];
        string text = await front.LowerAsync(work.Path, files, RtlEmitter.TopModule, Memories, cancellation).ConfigureAwait(false);
        return RtlilDesign.Parse(text, RtlEmitter.TopModule, Memories);
    }

    // The result that is kept under a key, or a new one.
    private async Task<T> KeptAsync<T>(string key, Func<string, Task<T>> find, string what)
    {
        string file = Path.Combine(Folder, $"{key}.json");
        UserCache.Prepare(Folder, "results of synthesis", () => { });
        if (File.Exists(file))
        {
            try
            {
                using FileStream stream = File.OpenRead(file);
                if (JsonSerializer.Deserialize<T>(stream, Json) is { } kept)
                    return kept;
            }
            catch (JsonException)
            {
                // Not ours or cut short: found out again.
            }
        }

        log.LogInformation("{What}", what);
        using var work = new TemporaryFolder();
        T found = await find(work.Path).ConfigureAwait(false);
        OutputFile.Write(file, stream => JsonSerializer.Serialize(stream, found, Json));
        return found;
    }

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("accelgen-synth-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
