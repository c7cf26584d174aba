using System.Collections.Concurrent;
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
    // Layout of the entries: another one is another entry.
    private const string Layout = "library and hash";

    private const string LibraryName = "libaccel.so";

    // Beside the library: the hash of its bytes, by which a damaged one is known.
    private const string HashName = "libaccel.so.sha256";

    // Libraries that this process has found whole, with what they looked like then.
    private static readonly ConcurrentDictionary<string, (long Bytes, DateTime Written)> Known = new();

    private readonly ILogger log = logger ?? NullLogger.Instance;

    /// <summary>Cache in the user's cache folder, or the one that ACCELGEN_CACHE names.</summary>
    public string CacheFolder { get; } = Path.GetFullPath(cacheFolder ?? (Environment.GetEnvironmentVariable("ACCELGEN_CACHE") is { Length: > 0 } set
        ? set
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create), "accelgen", "models")));

    /// <summary>Provides the model of a configuration, from the cache where it is there.</summary>
    /// <param name="config">Configuration.</param>
    /// <param name="waveform">Build with waveform support (slower simulation).</param>
    /// <param name="files">RTL to build instead of the configuration's own: to test with a defect.</param>
    /// <param name="randomState">Registers and memories hold random values before the reset, from a fixed seed, instead of zeros.</param>
    /// <param name="cancellation">Stops the build and leaves no half-written model.</param>
    /// <exception cref="ToolException">A tool is missing or failed.</exception>
    public async Task<BuiltModel> BuildAsync(
        AcceleratorConfig config, bool waveform = false, IReadOnlyList<EmittedFile>? files = null, bool randomState = false, CancellationToken cancellation = default)
    {
        long started = Environment.TickCount64;
        files ??= RtlEmitter.EmitRtl(config);
        string shim = ReadShim();
        string version = await VerilatorVersionAsync(cancellation).ConfigureAwait(false);
        string[] arguments =
        [
            "--cc", "--exe", "--build", "-j", "2", "--top-module", RtlEmitter.TopModule, "--Mdir", "obj", "-o", LibraryName,
            "--assert", "-O3", "--x-assign", randomState ? "unique" : "fast", "--x-initial", randomState ? "unique" : "fast", "--unroll-count", "1", "-Wno-fatal", "-Wno-lint", "-Wno-style",
            // Verilator's makefile puts its own -Os after the flags given: the optimisation level goes in by its variable.
            "-CFLAGS", $"-march=native -fPIC{(randomState ? " -DACC_RANDOM_STATE" : "")}", "-MAKEFLAGS", "OPT_FAST=-O3", "-MAKEFLAGS", "OPT_GLOBAL=-O2", "-LDFLAGS", "-shared",
            .. waveform ? new[] { "--trace-fst" } : [],
        ];
        string key = Key([Layout, version, Processor(), shim, .. arguments, .. files.Select(f => f.Path + "\n" + f.Text)]);
        string folder = Path.Combine(CacheFolder, key), library = Path.Combine(folder, LibraryName);
        if (IsWhole(folder))
            return new BuiltModel(library, true, (Environment.TickCount64 - started) / 1000.0);

        Directory.CreateDirectory(CacheFolder);
        using (var work = WorkFolder.Create(CacheFolder))
        {
            foreach (EmittedFile file in files.Append(new EmittedFile("shim.cpp", shim)))
            {
                string path = Path.Combine(work.Path, file.Path);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                await File.WriteAllTextAsync(path, file.Text, cancellation).ConfigureAwait(false);
            }

            log.LogInformation("building the simulation model of {Config} with {Version}", config.Name, version);
            BufferedCommandResult result = await Cli.Wrap("verilator").WithArguments([.. arguments, .. files.Select(f => f.Path), "shim.cpp"])
                .WithWorkingDirectory(work.Path).WithValidation(CommandResultValidation.None)
                .ExecuteBufferedAsync(cancellation).ConfigureAwait(false);
            if (result.ExitCode != 0)
                throw new ToolException($"verilator failed with exit code {result.ExitCode} for configuration {config.Name}:{Environment.NewLine}{Tail(result.StandardError + result.StandardOutput)}");
            Publish(Path.Combine(work.Path, "obj", LibraryName), folder);
        }

        return new BuiltModel(library, false, (Environment.TickCount64 - started) / 1000.0);
    }

    // The finished folder appears in one step; whoever comes second keeps the first one's, unless that is damaged.
    private void Publish(string built, string folder)
    {
        string done = Path.Combine(CacheFolder, $"{WorkFolder.Prefix}{Guid.NewGuid():N}.done"), aside = done + ".old";
        try
        {
            Directory.CreateDirectory(done);
            using (FileStream bytes = File.OpenRead(built))
                File.WriteAllText(Path.Combine(done, HashName), Convert.ToHexStringLower(SHA256.HashData(bytes)) + "\n");
            File.Move(built, Path.Combine(done, LibraryName));
            if (Path.Exists(folder) && !IsWhole(folder))
            {
                log.LogInformation("the model in {Folder} is damaged or half-made: it is replaced", folder);
                Directory.Move(folder, aside);
            }

            Directory.Move(done, folder);
        }
        catch (IOException) when (IsWhole(folder))
        {
            // Another process was first.
        }
        finally
        {
            foreach (string left in new[] { done, aside })
            {
                if (Directory.Exists(left))
                    Directory.Delete(left, recursive: true);
                else
                    File.Delete(left);
            }
        }
    }

    private static bool IsWhole(string folder)
    {
        var library = new FileInfo(Path.Combine(folder, LibraryName));
        try
        {
            (long Bytes, DateTime Written) now = library.Exists ? (library.Length, library.LastWriteTimeUtc) : default;
            if (now.Bytes == 0)
                return false;
            if (Known.TryGetValue(library.FullName, out (long, DateTime) known) && known == now)
                return true;
            string expected = File.ReadAllText(Path.Combine(folder, HashName)).Trim();
            using FileStream bytes = library.OpenRead();
            if (Convert.ToHexStringLower(SHA256.HashData(bytes)) != expected)
                return false;
            Known[library.FullName] = now;
            return true;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
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
