using System.CommandLine;
using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using AccelGen.Cli.Results;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Files;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace AccelGen.Cli;

/// <summary>What all commands share: options, error reporting, tables, JSON output.</summary>
internal static class Cli
{
    // Files that an error names.
    private const int NamedFiles = 5;

    /// <summary>JSON as programs expect it; a number that is not finite, where there is nothing to divide, is null.</summary>
    public static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Converters = { new FiniteNumber<double>(), new FiniteNumber<float>() },
    };

    public static Option<string> ConfigOption() =>
        new("--config") { Description = "Preset (tiny, small, base, wide) or path of a JSON file.", DefaultValueFactory = _ => "base" };

    public static Option<string[]> SetOption() =>
        new("--set")
        {
            Description = "Override of a field, e.g. --set array.vectorWidth=16; may be repeated.",
            DefaultValueFactory = _ => [],
        };

    public static OutputOption JsonOption() => new("--json") { Description = "File for the result as JSON." };

    /// <summary>Logger to the standard error: progress for those who watch, warnings for all.</summary>
    public static ILoggerFactory Logging() =>
        LoggerFactory.Create(b =>
            b.SetMinimumLevel(Console.IsErrorRedirected ? LogLevel.Warning : LogLevel.Information).AddProvider(new ErrorStreamLog())
        );

    /// <summary>Loads a configuration or throws with all problems.</summary>
    public static AcceleratorConfig Load(string preset, string[] overrides) => ConfigLoader.Load(preset, overrides);

    /// <summary>Writes a result as JSON, as <see cref="OutputFile"/> does; nothing without a path.</summary>
    public static void WriteJson<T>(string? path, T result)
        where T : IResult
    {
        if (path is not null)
            OutputFile.Write(path, JsonSerializer.Serialize(result, Json) + "\n");
    }

    /// <summary>Refuses to replace a folder that holds what a command does not write.</summary>
    /// <param name="command">The command.</param>
    /// <param name="folder">Folder, as it was named.</param>
    /// <param name="foreign">Files in it that are not the command's.</param>
    /// <exception cref="InputException">There are some.</exception>
    public static void RequireOwn(string command, string folder, IEnumerable<string> foreign)
    {
        string[] all = [.. foreign];
        if (all.Length > 0)
            throw new InputException(
                FaultCodes.ForeignFolder,
                folder,
                $"holds what '{command}' does not write, and replacing the folder would delete it: "
                    + $"{string.Join(", ", all.Take(NamedFiles))}"
                    + $"{(all.Length > NamedFiles ? $" and {all.Length - NamedFiles} more" : string.Empty)}",
                "move it away or choose another folder"
            );
    }

    /// <summary>Window of a waveform.</summary>
    public static Option<string?> WaveformWindowOption() =>
        new("--waveform-window") { Description = "Cycles of the run to write to the waveform, FROM:TO; all without it." };

    /// <summary>Reads a waveform's file and window.</summary>
    /// <exception cref="InputException">The window is wrong, or there is no file for it.</exception>
    public static (string File, long From, long To)? Waveform(string? file, string? window)
    {
        if (window is null)
            return file is null ? null : (file, 0, long.MaxValue);
        string[] ends = window.Split(':');
        if (
            ends.Length != 2
            || !long.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out long from)
            || !long.TryParse(ends[1], NumberStyles.None, CultureInfo.InvariantCulture, out long to)
            || from >= to
        )
            throw new InputException(
                FaultCodes.IllegalOption,
                string.Empty,
                $"--waveform-window is '{window}'",
                "write two cycles, e.g. 1000:3000"
            );
        return file is null
            ? throw new InputException(FaultCodes.MissingOption, "--waveform-window needs --waveform FILE")
            : (file, from, to);
    }

    /// <summary>Checks a number given as an option.</summary>
    public static int Range(string name, int value, int low, int high) =>
        value >= low && value <= high
            ? value
            : throw new InputException(FaultCodes.IllegalOption, string.Empty, $"{name} is {value}", $"legal are {low} to {high}");

    /// <summary>Latency of the memory.</summary>
    public static Option<int> MemoryLatencyOption() =>
        new("--memory-latency") { Description = "Cycles from a read address to its first beat.", DefaultValueFactory = _ => 40 };

    /// <summary>Bandwidth of the memory.</summary>
    public static Option<int> MemoryIntervalOption() =>
        new("--memory-interval")
        {
            Description = "Cycles per beat; bandwidth is bus width / interval, for reads and for writes.",
            DefaultValueFactory = _ => 1,
        };

    /// <summary>Timing of the memory by the two options.</summary>
    public static MemoryTiming Timing(int latency, int interval) =>
        new(Range("--memory-latency", latency, 1, 100000), Range("--memory-interval", interval, 1, 1000), 10, interval);

    /// <summary>A pattern of layer names, * for any characters.</summary>
    public static Regex Pattern(string text) =>
        new($"^{Regex.Escape(text).Replace("\\*", ".*", StringComparison.Ordinal)}$", RegexOptions.CultureInvariant);

    /// <summary>Console for tables: wide enough when piped; without styles, since what is printed passes no control characters.</summary>
    public static IAnsiConsole Output()
    {
        IAnsiConsole console = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Ansi = AnsiSupport.No,
                ColorSystem = ColorSystemSupport.NoColors,
                Out = new AnsiConsoleOutput(Console.Out),
            }
        );
        if (Console.IsOutputRedirected)
            console.Profile.Width = 200;
        return console;
    }

    private sealed class FiniteNumber<T> : JsonConverter<T>
        where T : struct, IBinaryFloatingPointIeee754<T>
    {
        public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException("results are written only");

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options)
        {
            if (!T.IsFinite(value))
                writer.WriteNullValue();
            else if (value is float single)
                writer.WriteNumberValue(single);
            else
                writer.WriteNumberValue(double.CreateChecked(value));
        }
    }
}
