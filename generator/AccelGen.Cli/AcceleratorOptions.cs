using System.CommandLine;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Files;

namespace AccelGen.Cli;

/// <summary>Options that say which accelerator a network runs on, and on which memory.</summary>
internal sealed class AcceleratorOptions
{
    private readonly Option<string> config = Cli.ConfigOption();
    private readonly Option<string[]> set = Cli.SetOption();
    private readonly Option<int> latency = Cli.MemoryLatencyOption();
    private readonly Option<int> interval = Cli.MemoryIntervalOption();

    /// <summary>Adds the options to a command.</summary>
    public AcceleratorOptions(Command command)
    {
        foreach (Option option in new Option[] { config, set, latency, interval })
            command.Add(option);
    }

    /// <summary>The configuration.</summary>
    /// <exception cref="ConfigException">It is wrong; all problems are named.</exception>
    public AcceleratorConfig Config(ParseResult result) => Cli.Load(result.GetValue(config)!, result.GetValue(set)!);

    /// <summary>Timing of the memory.</summary>
    /// <exception cref="InputException">A value is out of range.</exception>
    public MemoryTiming Timing(ParseResult result) => Cli.Timing(result.GetValue(latency), result.GetValue(interval));

    /// <summary>The options as the user gave them, with a memory.</summary>
    public string Arguments(ParseResult result, MemoryTiming timing) =>
        $"--config {result.GetValue(config)}{string.Concat(result.GetValue(set)!.Select(s => $" --set {s}"))}"
        + $" --memory-latency {timing.ReadLatency} --memory-interval {timing.ReadInterval}";
}
