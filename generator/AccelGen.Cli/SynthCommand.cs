using System.CommandLine;
using System.Globalization;
using AccelGen.Cli.Results;
using AccelGen.Config;
using AccelGen.Files;
using AccelGen.Synth;
using Microsoft.Extensions.Logging;
using Spectre.Console;
using Command = System.CommandLine.Command;

namespace AccelGen.Cli;

/// <summary><c>accelgen synth</c>: area and timing of the generated RTL in the cells of a library.</summary>
internal sealed class SynthCommand
{
    private const string LibraryCure =
        "install OSU 180 nm (Debian: apt-get install qflow-tech-osu018), run scripts/synth, which does, or name a library with --lib";

    private readonly Option<string> config = Cli.ConfigOption();
    private readonly Option<string[]> set = Cli.SetOption();
    private readonly Option<string?> module = new("--module")
    {
        Description = "Only this module, with all within it; all of them by default.",
    };
    private readonly Option<string?> library = new("--lib")
    {
        Description = "Cell library in the Liberty format, packed with gzip or plain; OSU 180 nm of the distribution by default.",
    };
    private readonly Option<double> period = new("--period")
    {
        Description = "Clock period in ns that the mapper aims at.",
        DefaultValueFactory = _ => 5,
    };
    private readonly OutputOption json = Cli.JsonOption();

    private SynthCommand(Command command)
    {
        foreach (Option option in new Option[] { config, set, module, library, period, json })
            command.Add(option);
        command.SetAction(RunAsync);
    }

    public static Command Create()
    {
        var command = new Command("synth", "Synthesises the RTL module by module: area, cells, flip-flops, longest paths.");
        _ = new SynthCommand(command);
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancellation)
    {
        AcceleratorConfig loaded = Cli.Load(result.GetValue(config)!, result.GetValue(set)!);
        double aim = result.GetValue(period);
        if (aim is not (>= 0.01 and <= 1000))
            throw new InputException(
                FaultCodes.IllegalOption,
                string.Empty,
                string.Create(CultureInfo.InvariantCulture, $"--period is {aim}"),
                "legal are 0.01 to 1000 ns"
            );
        Liberty cells = Library(result.GetValue(library));
        using ILoggerFactory logs = Cli.Logging();
        string? part = result.GetValue(module);
        SynthesizedDesign design = await new Synthesizer(cells, aim, logs.CreateLogger("synth"))
            .RunAsync(loaded, part, cancellation)
            .ConfigureAwait(false);
        SynthResult report = Report(loaded, cells, design, part is null);
        Print(report);
        Cli.WriteJson(result.GetValue(json), report);
        return ExitCode.Success;
    }

    private static Liberty Library(string? path)
    {
        if (path is null && !File.Exists(Liberty.Osu180))
            throw new Sim.ToolException($"there is no {Liberty.Osu180}: {LibraryCure}");
        string file = path ?? Liberty.Osu180;
        Liberty cells = Liberty.Load(file);
        Fault[] obstacles = [.. cells.Obstacles(file)];
        return obstacles.Length == 0 ? cells : throw new InputException(obstacles);
    }

    private static SynthResult Report(AcceleratorConfig config, Liberty cells, SynthesizedDesign design, bool all)
    {
        Dictionary<string, SynthesizedModule> byName = design.Modules.ToDictionary(m => m.Module.Name);
        // Of a part: as often as it is in that part.
        Dictionary<string, int> instances = all ? byName.ToDictionary(m => m.Key, m => m.Value.Module.Instances) : Within(design.Modules);
        double Whole(SynthesizedModule m) =>
            m.AreaUm2 + m.Module.Children.Where(c => byName.ContainsKey(c.Key)).Sum(c => c.Value * Whole(byName[c.Key]));
        double area = design.Modules.Sum(m => instances[m.Module.Name] * m.AreaUm2);
        double? longest = design.Modules.Max(m => m.Path?.Nanoseconds);
        int? macs = all ? config.Array.VectorWidth * config.Array.Lanes * config.Array.Pes : null;
        return new SynthResult(
            config.Name,
            config.Hash.Hex,
            cells.Name,
            design.Tools,
            [
                .. design.Modules.Select(m => new SynthModule(
                    m.Module.Name,
                    instances[m.Module.Name],
                    m.AreaUm2,
                    Whole(m),
                    area == 0 ? 0 : instances[m.Module.Name] * m.AreaUm2 / area,
                    m.Cells.Values.Sum(),
                    m.FlipFlops,
                    m.Path?.Nanoseconds,
                    m.Path is { } path ? $"{path.From} to {path.To}, {path.Gates} cells" : null,
                    m.Seconds
                )),
            ],
            all ? design.Design.Memories : [],
            area,
            macs,
            macs is int n ? area / n : null,
            longest is double ns ? 1000 / ns : null
        );
    }

    // How often each module is in the last one.
    private static Dictionary<string, int> Within(IReadOnlyList<SynthesizedModule> modules)
    {
        var counts = modules.ToDictionary(m => m.Module.Name, _ => 0);
        counts[modules[^1].Module.Name] = 1;
        foreach (SynthesizedModule m in modules.Reverse())
        {
            foreach ((string child, int number) in m.Module.Children.Where(c => counts.ContainsKey(c.Key)))
                counts[child] += counts[m.Module.Name] * number;
        }

        return counts;
    }

    private static void Print(SynthResult report)
    {
        var table = new Table().RoundedBorder();
        table.AddColumn("module");
        foreach (string column in new[] { "instances", "um2", "with all within", "share", "cells", "flip-flops", "longest path ns" })
            table.AddColumn(new TableColumn(column).RightAligned());
        table.AddColumn("from, to");
        foreach (SynthModule m in report.Modules.OrderByDescending(m => m.Share))
            table.AddRow(
                Markup.Escape(m.Name),
                $"{m.Instances}",
                $"{m.AreaUm2:N0}",
                $"{m.WholeUm2:N0}",
                $"{m.Share:P1}",
                $"{m.Cells:N0}",
                $"{m.FlipFlops:N0}",
                m.CriticalPathNs is double ns ? $"{ns:F2}" : string.Empty,
                Markup.Escape(m.Path ?? string.Empty)
            );
        Cli.Output().Write(table);
        foreach (DesignMemory memory in report.Memories)
            Console.WriteLine(
                $"memory {memory.Module}: {memory.Instances} of {memory.Depth} words of {memory.Width} bits, written by {memory.Mask} bits"
            );
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{report.Config} ({report.ConfigHash}) in {report.Library}: {report.AreaUm2:N0} um2 without memories"
                    + $"{(report.Um2PerMac is double per ? $", {per:N0} um2 per MAC" : string.Empty)}"
                    + $"{(report.MaxMhz is double mhz ? $", {mhz:F0} MHz" : string.Empty)}"
            )
        );
    }
}
