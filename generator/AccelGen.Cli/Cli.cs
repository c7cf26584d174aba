using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Network.Onnx;
using AccelGen.Sim;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace AccelGen.Cli;

/// <summary>What all commands share: options, error reporting, tables, JSON output.</summary>
internal static class Cli
{
    /// <summary>JSON as programs expect it.</summary>
    public static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    public static Option<string> ConfigOption() => new("--config") { Description = "Preset (tiny, small, base, wide) or path of a JSON file.", DefaultValueFactory = _ => "base" };

    public static Option<string[]> SetOption() => new("--set") { Description = "Override of a field, e.g. --set array.vectorWidth=16; may be repeated.", DefaultValueFactory = _ => [] };

    public static Option<string?> JsonOption() => new("--json") { Description = "File for the result as JSON." };

    /// <summary>Logger to the standard error.</summary>
    public static ILoggerFactory Logging() => LoggerFactory.Create(b => b
        .SetMinimumLevel(Console.IsErrorRedirected ? LogLevel.Warning : LogLevel.Information)
        .AddSimpleConsole(o => o.SingleLine = true)
        .AddConsole(o => o.LogToStandardErrorThreshold = LogLevel.Trace));

    /// <summary>Runs a command and turns the user's mistakes and the environment's faults into one message and an exit code.</summary>
    public static async Task<int> GuardAsync(Func<Task<int>> action)
    {
        try
        {
            return await action().ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return Report(ExitCode.Cancelled, "interrupted; nothing was left half-written");
        }
        catch (ConfigException e)
        {
            return Report(ExitCode.BadInput, [.. e.Diagnostics.Select(d => d.ToString())]);
        }
        catch (ImportException e)
        {
            return Report(ExitCode.BadInput, [.. e.Problems]);
        }
        catch (Exception e) when (e is FormatException or CompileException or FileNotFoundException or DirectoryNotFoundException)
        {
            return Report(ExitCode.BadInput, e.Message);
        }
        catch (Exception e) when (e is ToolException or IOException or UnauthorizedAccessException)
        {
            return Report(ExitCode.Environment, e.Message);
        }
        catch (SimulationException e)
        {
            return Report(ExitCode.Simulation, e.Message);
        }
    }

    private static int Report(int code, params string[] messages)
    {
        foreach (string message in messages)
            Console.Error.WriteLine($"error: {message}");
        return code;
    }

    /// <summary>Loads a configuration or throws with all problems.</summary>
    public static AcceleratorConfig Load(string preset, string[] overrides) => ConfigLoader.Load(preset, overrides);

    /// <summary>Writes JSON through a temporary file, so that the target is whole or untouched.</summary>
    public static void WriteJson(string? path, object value)
    {
        if (path is null)
            return;
        string full = Path.GetFullPath(path), temporary = full + $".{Environment.ProcessId}.tmp";
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        try
        {
            File.WriteAllText(temporary, JsonSerializer.Serialize(value, Json) + "\n");
            File.Move(temporary, full, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Window of a waveform.</summary>
    public static Option<string?> WaveformWindowOption() => new("--waveform-window") { Description = "Cycles of the run to write to the waveform, FROM:TO; all without it." };

    /// <summary>Reads a waveform's file and window.</summary>
    /// <exception cref="FormatException">The window is wrong, or there is no file for it.</exception>
    public static (string File, long From, long To)? Waveform(string? file, string? window)
    {
        if (window is null)
            return file is null ? null : (file, 0, long.MaxValue);
        string[] ends = window.Split(':');
        if (ends.Length != 2 || !long.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out long from) || !long.TryParse(ends[1], NumberStyles.None, CultureInfo.InvariantCulture, out long to) || from >= to)
            throw new FormatException($"--waveform-window is '{window}'; write two cycles, e.g. 1000:3000");
        return file is null ? throw new FormatException("--waveform-window needs --waveform FILE") : (file, from, to);
    }

    /// <summary>Checks a number given as an option.</summary>
    public static int Range(string name, int value, int low, int high) => value >= low && value <= high
        ? value
        : throw new FormatException($"{name} is {value}; legal are {low} to {high}");

    /// <summary>Latency of the memory.</summary>
    public static Option<int> MemoryLatencyOption() => new("--memory-latency") { Description = "Cycles from a read address to its first beat.", DefaultValueFactory = _ => 40 };

    /// <summary>Bandwidth of the memory.</summary>
    public static Option<int> MemoryIntervalOption() => new("--memory-interval") { Description = "Cycles per beat; bandwidth is bus width / interval, for reads and for writes.", DefaultValueFactory = _ => 1 };

    /// <summary>Timing of the memory by the two options.</summary>
    public static MemoryTiming Timing(int latency, int interval) => new(Range("--memory-latency", latency, 1, 100000), Range("--memory-interval", interval, 1, 1000), 10, interval);

    /// <summary>A pattern of layer names, * for any characters.</summary>
    public static Regex Pattern(string text) => new($"^{Regex.Escape(text).Replace("\\*", ".*", StringComparison.Ordinal)}$", RegexOptions.CultureInvariant);

    /// <summary>Console for tables: wide enough when piped.</summary>
    public static IAnsiConsole Output()
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) });
        if (Console.IsOutputRedirected)
            console.Profile.Width = 200;
        return console;
    }
}
