using System.Security.Cryptography;
using System.Text;
using AccelGen.Config;
using AccelGen.Emit;
using CliWrap;
using CliWrap.Buffered;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AccelGen.Sim;

/// <summary>A tool is missing or failed; the message says which, why and what to do.</summary>
public sealed class ToolException(string message) : Exception(message);

/// <summary>A verilated model as a shared library.</summary>
/// <param name="Library">Path of the library.</param>
/// <param name="FromCache">Nothing was compiled.</param>
/// <param name="Seconds">Time it took to provide it.</param>
public sealed record BuiltModel(string Library, bool FromCache, double Seconds);

/// <summary>Builds verilated models and keeps them by the hash of everything that goes into them.</summary>
/// <param name="cacheFolder">Folder of the cache; it is created.</param>
/// <param name="logger">Progress and tool output.</param>
public sealed class ModelBuild(string? cacheFolder = null, ILogger? logger = null)
{
    private readonly ILogger log = logger ?? NullLogger.Instance;

    /// <summary>Cache in the user's cache folder, or the one that ACCELGEN_CACHE names.</summary>
    public string CacheFolder { get; } = cacheFolder ?? (Environment.GetEnvironmentVariable("ACCELGEN_CACHE") is { Length: > 0 } set
        ? set
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create), "accelgen", "models"));

    /// <summary>Provides the model of a configuration, from the cache where it is there.</summary>
    /// <param name="config">Configuration.</param>
    /// <param name="waveform">Build with waveform support (slower simulation).</param>
    /// <param name="files">RTL to build instead of the configuration's own: to test with a defect.</param>
    /// <param name="cancellation">Stops the build and leaves no half-written model.</param>
    /// <exception cref="ToolException">A tool is missing or failed.</exception>
    public async Task<BuiltModel> BuildAsync(AcceleratorConfig config, bool waveform = false, IReadOnlyList<EmittedFile>? files = null, CancellationToken cancellation = default)
    {
        long started = Environment.TickCount64;
        files ??= RtlEmitter.EmitRtl(config);
        string shim = ReadShim();
        string version = await VerilatorVersionAsync(cancellation).ConfigureAwait(false);
        string[] arguments =
        [
            "--cc", "--exe", "--build", "-j", "2", "--top-module", RtlEmitter.TopModule, "--Mdir", "obj", "-o", "libaccel.so",
            "--assert", "-O3", "--x-assign", "fast", "--x-initial", "fast", "--unroll-count", "1", "-Wno-fatal", "-Wno-lint", "-Wno-style",
            // Verilator's makefile puts its own -Os after the flags given: the optimisation level goes in by its variable.
            "-CFLAGS", "-march=native -fPIC", "-MAKEFLAGS", "OPT_FAST=-O3", "-MAKEFLAGS", "OPT_GLOBAL=-O2", "-LDFLAGS", "-shared",
            .. waveform ? new[] { "--trace-fst" } : [],
        ];
        string key = Key([version, Processor(), shim, .. arguments, .. files.Select(f => f.Path + "\n" + f.Text)]);
        string folder = Path.Combine(CacheFolder, key), library = Path.Combine(folder, "libaccel.so");
        if (File.Exists(library))
            return new BuiltModel(library, true, (Environment.TickCount64 - started) / 1000.0);

        Directory.CreateDirectory(CacheFolder);
        string work = Path.Combine(CacheFolder, $".{key}.{Environment.ProcessId}.{Guid.NewGuid():N}");
        try
        {
            foreach (EmittedFile file in files)
            {
                string path = Path.Combine(work, file.Path);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                await File.WriteAllTextAsync(path, file.Text, cancellation).ConfigureAwait(false);
            }

            await File.WriteAllTextAsync(Path.Combine(work, "shim.cpp"), shim, cancellation).ConfigureAwait(false);
            log.LogInformation("building the simulation model of {Config} with {Version}", config.Name, version);
            BufferedCommandResult result = await Cli.Wrap("verilator").WithArguments([.. arguments, .. files.Select(f => f.Path), "shim.cpp"])
                .WithWorkingDirectory(work).WithValidation(CommandResultValidation.None)
                .ExecuteBufferedAsync(cancellation).ConfigureAwait(false);
            if (result.ExitCode != 0)
                throw new ToolException($"verilator failed with exit code {result.ExitCode} for configuration {config.Name}:{Environment.NewLine}{Tail(result.StandardError + result.StandardOutput)}");
            // The finished folder appears in one step; whoever comes second keeps the first one's.
            string done = work + ".done";
            Directory.CreateDirectory(done);
            File.Move(Path.Combine(work, "obj", "libaccel.so"), Path.Combine(done, "libaccel.so"));
            try
            {
                Directory.Move(done, folder);
            }
            catch (IOException) when (File.Exists(library))
            {
                Directory.Delete(done, recursive: true);
            }
        }
        finally
        {
            if (Directory.Exists(work))
                Directory.Delete(work, recursive: true);
        }

        return new BuiltModel(library, false, (Environment.TickCount64 - started) / 1000.0);
    }

    /// <summary>Version line of the Verilator on the path.</summary>
    /// <exception cref="ToolException">There is none.</exception>
    public static async Task<string> VerilatorVersionAsync(CancellationToken cancellation = default)
    {
        try
        {
            BufferedCommandResult result = await Cli.Wrap("verilator").WithArguments("--version").ExecuteBufferedAsync(cancellation).ConfigureAwait(false);
            return result.StandardOutput.Trim();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw new ToolException("verilator is not on the path; install it (Debian, Ubuntu: apt-get install verilator g++ make) or run scripts/run.sh, which does");
        }
    }

    private static string ReadShim()
    {
        using Stream stream = typeof(ModelBuild).Assembly.GetManifestResourceStream("native/shim.cpp")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    // The library is compiled for this processor.
    private static string Processor() => File.Exists("/proc/cpuinfo")
        ? string.Join('\n', File.ReadLines("/proc/cpuinfo").Where(l => l.StartsWith("model name", StringComparison.Ordinal) || l.StartsWith("flags", StringComparison.Ordinal)).Take(2))
        : System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString();

    private static string Key(IEnumerable<string> parts) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', parts))))[..32];

    private static string Tail(string text) => string.Join(Environment.NewLine, text.Split('\n').TakeLast(30));
}
