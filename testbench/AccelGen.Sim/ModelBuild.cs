using System.Collections.Concurrent;
using System.Security.Cryptography;
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

    private const string LibraryName = "libaccel.so",
        RuntimeName = "runtime.o";

    // Beside a file: the hash of its bytes, by which a damaged one is known.
    private const string HashSuffix = ".sha256";

    // Larger models run longer than they take to compile.
    private const int QuickMultipliers = 2048;

    /// <summary>Environment variable that, set to "quick", has small models compiled in half the time that run slower: for many short
    /// simulations.</summary>
    public const string EffortVariable = "ACCELGEN_MODEL_EFFORT";

    // Files that this process has found whole, with what they looked like then.
    private static readonly ConcurrentDictionary<string, (long Bytes, DateTime Written)> Known = new();

    private readonly ILogger log = logger ?? NullLogger.Instance;

    /// <summary>Cache in the user's cache folder, or the one that ACCELGEN_CACHE names.</summary>
    public string CacheFolder { get; } = cacheFolder is null ? UserCache.Models : Path.GetFullPath(cacheFolder);

    /// <summary>Provides the model of a configuration, from the cache where it is there.</summary>
    /// <param name="config">Configuration.</param>
    /// <param name="waveform">Build with waveform support (slower simulation).</param>
    /// <param name="files">RTL to build instead of the configuration's own: to test with a defect.</param>
    /// <param name="randomState">Registers and memories hold random values before the reset, from a fixed seed, instead of zeros.</param>
    /// <param name="cancellation">Stops the build and leaves no half-written model.</param>
    /// <exception cref="ToolException">A tool is missing or failed.</exception>
    public async Task<BuiltModel> BuildAsync(
        AcceleratorConfig config,
        bool waveform = false,
        IReadOnlyList<EmittedFile>? files = null,
        bool randomState = false,
        CancellationToken cancellation = default
    )
    {
        long started = Environment.TickCount64;
        files ??= RtlEmitter.EmitRtl(config);
        string version = await VerilatorVersionAsync(cancellation).ConfigureAwait(false);
        bool quick =
            Environment.GetEnvironmentVariable(EffortVariable) == "quick"
            && (long)config.Array.VectorWidth * config.Array.Lanes * config.Array.Pes <= QuickMultipliers;
        string key = UserCache.Key([
            Layout,
            version,
            Processor(),
            .. ModelCompiler.Options(waveform, quick, randomState),
            .. NativeSource.Shim.Concat(files).Select(f => f.Path + "\n" + f.Text),
        ]);
        string folder = Path.Combine(CacheFolder, key),
            library = Path.Combine(folder, LibraryName);
        if (IsWhole(folder, LibraryName))
            return new BuiltModel(library, true, (Environment.TickCount64 - started) / 1000.0);

        PrepareCache();
        using FileStream turn = await TurnAsync(key, cancellation).ConfigureAwait(false);
        if (IsWhole(folder, LibraryName))
            return new BuiltModel(library, true, (Environment.TickCount64 - started) / 1000.0);
        using (var work = WorkFolder.Create(CacheFolder))
        {
            foreach (EmittedFile file in files.Concat(NativeSource.Shim))
            {
                string path = Path.Combine(work.Path, file.Path);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                await File.WriteAllTextAsync(path, file.Text, cancellation).ConfigureAwait(false);
            }

            log.LogInformation("building the simulation model of {Config} with {Version}", config.Name, version);
            try
            {
                var compiler = new ModelCompiler(work.Path, waveform, quick);
                await compiler.VerilateAsync(files.Select(f => f.Path), randomState, cancellation).ConfigureAwait(false);
                string runtime = await RuntimeAsync(compiler, work.Path, version, waveform, cancellation).ConfigureAwait(false);
                await compiler.CompileAsync(NativeSource.ShimName, runtime, LibraryName, randomState, cancellation).ConfigureAwait(false);
            }
            catch (ToolException e)
            {
                throw new ToolException($"configuration {config.Name}: {e.Message}");
            }

            Publish(Path.Combine(work.Path, LibraryName), folder, LibraryName);
        }

        return new BuiltModel(library, false, (Environment.TickCount64 - started) / 1000.0);
    }

    // Writable, too: the folder may have been there before.
    private void PrepareCache() =>
        UserCache.Prepare(
            CacheFolder,
            "models",
            () =>
                new FileStream(
                    Path.Combine(CacheFolder, $".{Guid.NewGuid():N}.lock"),
                    FileMode.CreateNew,
                    FileAccess.Write,
                    FileShare.None,
                    1,
                    FileOptions.DeleteOnClose
                ).Dispose()
        );

    private const int MostGone = 20;

    // Waits while another build of the same entry is at work, in this process or another one, to take its result.
    private async Task<FileStream> TurnAsync(string key, CancellationToken cancellation)
    {
        string file = Path.Combine(CacheFolder, $".{key}.lock");
        using var again = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        // The other build may end, and its file go, between the failure and the look at it.
        int gone = 0;
        while (true)
        {
            try
            {
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
            }
            catch (IOException) when (File.Exists(file) || gone++ < MostGone)
            {
                await again.WaitForNextTickAsync(cancellation).ConfigureAwait(false);
            }
        }
    }

    // Verilator's runtime, compiled with the first model that needs it.
    private async Task<string> RuntimeAsync(
        ModelCompiler compiler,
        string work,
        string version,
        bool waveform,
        CancellationToken cancellation
    )
    {
        string key = UserCache.Key([Layout, version, Processor(), .. ModelCompiler.RuntimeOptions(waveform)]),
            folder = Path.Combine(CacheFolder, key);
        using FileStream turn = await TurnAsync(key, cancellation).ConfigureAwait(false);
        if (!IsWhole(folder, RuntimeName))
        {
            await compiler.CompileRuntimeAsync(RuntimeName, cancellation).ConfigureAwait(false);
            Publish(Path.Combine(work, RuntimeName), folder, RuntimeName);
        }

        return Path.Combine(folder, RuntimeName);
    }

    // The finished folder appears in one step; whoever comes second keeps the first one's, unless that is damaged.
    private void Publish(string built, string folder, string name)
    {
        string done = Path.Combine(CacheFolder, $"{WorkFolder.Prefix}{Guid.NewGuid():N}.done"),
            aside = done + ".old";
        try
        {
            Directory.CreateDirectory(done);
            using (FileStream bytes = File.OpenRead(built))
                File.WriteAllText(Path.Combine(done, name + HashSuffix), Convert.ToHexStringLower(SHA256.HashData(bytes)) + "\n");
            File.Move(built, Path.Combine(done, name));
            if (Path.Exists(folder) && !IsWhole(folder, name))
            {
                log.LogInformation("the model in {Folder} is damaged or half-made: it is replaced", folder);
                Directory.Move(folder, aside);
            }

            Directory.Move(done, folder);
        }
        catch (IOException) when (IsWhole(folder, name))
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

    private static bool IsWhole(string folder, string name)
    {
        var library = new FileInfo(Path.Combine(folder, name));
        try
        {
            (long Bytes, DateTime Written) now = library.Exists ? (library.Length, library.LastWriteTimeUtc) : default;
            if (now.Bytes == 0)
                return false;
            if (Known.TryGetValue(library.FullName, out (long, DateTime) known) && known == now)
                return true;
            string expected = File.ReadAllText(Path.Combine(folder, name + HashSuffix)).Trim();
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
            BufferedCommandResult result = await Cli.Wrap("verilator")
                .WithArguments("--version")
                .ExecuteBufferedAsync(cancellation)
                .ConfigureAwait(false);
            return result.StandardOutput.Trim();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw new ToolException(
                "verilator is not on the path; install it (Debian, Ubuntu: apt-get install verilator g++) or run scripts/run.sh, which does"
            );
        }
    }

    // The library is compiled for this processor.
    private static string Processor() =>
        File.Exists("/proc/cpuinfo")
            ? string.Join(
                '\n',
                File.ReadLines("/proc/cpuinfo")
                    .Where(l => l.StartsWith("model name", StringComparison.Ordinal) || l.StartsWith("flags", StringComparison.Ordinal))
                    .Take(2)
            )
            : System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString();
}
