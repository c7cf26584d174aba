using System.Globalization;
using System.Text.RegularExpressions;
using AccelGen.Sim;

namespace AccelGen.Synth;

/// <summary>The longest path of a module.</summary>
/// <param name="Nanoseconds">Delay, setup of the register at its end included.</param>
/// <param name="From">Where it starts: a port, or the output of a register by the net that it drives.</param>
/// <param name="To">Where it ends.</param>
/// <param name="Gates">Cells on it.</param>
public sealed record CriticalPath(double Nanoseconds, string From, string To, int Gates);

/// <summary>Static timing of mapped modules with OpenSTA.</summary>
/// <param name="sta">OpenSTA.</param>
/// <param name="liberty">Library.</param>
public sealed partial class StaticTiming(Tool sta, Liberty liberty)
{
    private const string LibraryFile = "cells.lib",
        ScriptFile = "timing.tcl",
        Clock = "clk_i";

    // Any period: paths are reported by their length.
    private const double PeriodNs = 1000;

    /// <summary>What a module is timed with, beside its netlists.</summary>
    public string Recipe => $"{sta.Version}\n{liberty.Hash}\n{Script("top", [])}";

    /// <summary>The longest path, of those that start and end within the module and its ports; null where there is none.</summary>
    /// <param name="folder">Empty folder to work in.</param>
    /// <param name="top">Module.</param>
    /// <param name="netlists">Its netlist and those of all modules within it, by name.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="ToolException">OpenSTA failed.</exception>
    public async Task<CriticalPath?> LongestAsync(
        string folder,
        string top,
        IReadOnlyDictionary<string, string> netlists,
        CancellationToken cancellation
    )
    {
        await File.WriteAllTextAsync(Path.Combine(folder, LibraryFile), liberty.Text, cancellation).ConfigureAwait(false);
        foreach ((string name, string netlist) in netlists)
            await File.WriteAllTextAsync(Path.Combine(folder, $"{name}.v"), netlist, cancellation).ConfigureAwait(false);
        await File.WriteAllTextAsync(Path.Combine(folder, ScriptFile), Script(top, [.. netlists.Keys]), cancellation).ConfigureAwait(false);
        string report = await sta.RunAsync(folder, ["-exit", "-no_splash", ScriptFile], $"timing of {top}", cancellation)
            .ConfigureAwait(false);
        if (report.Contains("Error:", StringComparison.Ordinal))
            throw new ToolException(
                $"timing of {top}: {sta.Version}: {report[report.IndexOf("Error:", StringComparison.Ordinal)..].Split('\n')[0]}"
            );
        return Parse(report);
    }

    /// <summary>The longest path of a report.</summary>
    /// <param name="report">What OpenSTA printed.</param>
    internal static CriticalPath? Parse(string report)
    {
        CriticalPath? longest = null;
        foreach (string path in report.Split("Startpoint: ").Skip(1))
        {
            // Recovery and removal of the reset are no paths of data.
            if (path.Contains("**async_default**", StringComparison.Ordinal) || Arrival().Match(path) is not { Success: true } arrival)
                continue;
            double nanoseconds = Number(arrival) + (Setup().Match(path) is { Success: true } setup ? -Number(setup) : 0);
            string[] stages = [.. Stage().Matches(path).Select(m => m.Groups["pin"].Value)];
            if (longest is null || nanoseconds > longest.Nanoseconds)
                longest = new CriticalPath(
                    nanoseconds,
                    Register(path.Split(' ', 2)[0].Trim()),
                    Register(Endpoint().Match(path).Groups["name"].Value),
                    stages.Count(s => s.Contains('/', StringComparison.Ordinal))
                );
        }

        return longest;

        static double Number(Match m) => double.Parse(m.Groups["value"].Value, CultureInfo.InvariantCulture);
    }

    // The mapper calls a register by the net that it drives and its cell.
    private static string Register(string name) => name.Split('\\', 2)[0];

    private static string Script(string top, IReadOnlyList<string> modules) =>
        string.Join(
            '\n',
            [
                $"read_liberty {LibraryFile}",
                .. modules.Select(m => $"read_verilog {m}.v"),
                $"link_design {top}",
                string.Create(CultureInfo.InvariantCulture, $"set period {PeriodNs}"),
                $"if {{[llength [get_ports -quiet {Clock}]] > 0}} {{ create_clock -name clk -period $period [get_ports {Clock}] }} "
                    + "else { create_clock -name clk -period $period }",
                "foreach port [all_inputs] {",
                $"  if {{[get_property $port full_name] != \"{Clock}\"}} {{ set_input_delay 0 -clock clk $port }}",
                "}",
                "set_output_delay 0 -clock clk [all_outputs]",
                "report_checks -path_delay max -fields {} -digits 4",
                string.Empty,
            ]
        );

    [GeneratedRegex(@"^\s+(?<value>-?[0-9.]+)\s+data arrival time", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Arrival();

    [GeneratedRegex(@"^\s+(?<value>-?[0-9.]+)\s+-?[0-9.]+\s+library setup time", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Setup();

    [GeneratedRegex(@"^Endpoint: (?<name>\S+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Endpoint();

    [GeneratedRegex(@"^\s+-?[0-9.]+\s+-?[0-9.]+ [v^] (?<pin>\S+) \(", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Stage();
}
