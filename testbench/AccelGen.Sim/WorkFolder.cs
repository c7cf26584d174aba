namespace AccelGen.Sim;

/// <summary>
/// A folder to build a model in, with a lock file beside it that its process holds: folders whose process is gone are removed when
/// the next one is made.
/// </summary>
internal sealed class WorkFolder : IDisposable
{
    /// <summary>What the names of these folders begin with.</summary>
    public const string Prefix = ".accelgen-build-";

    // Without a lock, by an older version or in the middle of a step: nothing takes that long.
    private static readonly TimeSpan Abandoned = TimeSpan.FromHours(1);

    private readonly FileStream mine;

    private WorkFolder(string root)
    {
        Path = System.IO.Path.Combine(root, $"{Prefix}{Guid.NewGuid():N}");
        // The lock is there before the folder, so that a folder without one is nobody's.
        mine = new FileStream(LockOf(Path), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
        Directory.CreateDirectory(Path);
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Makes a folder and removes those of processes that are gone.</summary>
    /// <param name="cache">Folder of the cache, which exists.</param>
    /// <exception cref="ToolException">There is no folder whose path the makefiles can bear.</exception>
    public static WorkFolder Create(string cache)
    {
        // Verilator's makefiles take no path with spaces or other characters that make reads as its own.
        string[] roots = [cache, System.IO.Path.GetFullPath(System.IO.Path.GetTempPath()), "/tmp"];
        static bool IsPlain(char c) => char.IsAsciiLetterOrDigit(c) || "/._+-,@".Contains(c, StringComparison.Ordinal);
        string root =
            roots.FirstOrDefault(r => r.All(IsPlain) && Directory.Exists(r))
            ?? throw new ToolException(
                $"no model can be built in {string.Join(" or ", roots)}: make takes paths of letters, "
                    + "digits and . _ + - , @ only; set ACCELGEN_CACHE or TMPDIR"
            );
        foreach (string place in new[] { cache, root }.Distinct())
            RemoveAbandoned(place, ownOnly: place != cache);
        return new WorkFolder(root);
    }

    /// <summary>Removes the folder.</summary>
    public void Dispose()
    {
        if (Directory.Exists(Path))
            Directory.Delete(Path, recursive: true);
        mine.Dispose();
    }

    private static string LockOf(string folder) => folder + ".lock";

    private static void RemoveAbandoned(string root, bool ownOnly)
    {
        foreach (string left in Directory.EnumerateFileSystemEntries(root, ownOnly ? $"{Prefix}*" : ".*").ToArray())
        {
            try
            {
                if (Directory.Exists(left))
                    RemoveFolder(left);
                else if (left.EndsWith(".lock", StringComparison.Ordinal) && File.GetLastWriteTimeUtc(left) < DateTime.UtcNow - Abandoned)
                    RemoveLock(left);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Someone else's, or just being removed by another process: it is in nobody's way.
            }
        }
    }

    private static void RemoveFolder(string folder)
    {
        if (!File.Exists(LockOf(folder)))
        {
            if (Directory.GetLastWriteTimeUtc(folder) < DateTime.UtcNow - Abandoned)
                Directory.Delete(folder, recursive: true);
            return;
        }

        using FileStream free = OpenFree(LockOf(folder));
        Directory.Delete(folder, recursive: true);
        File.Delete(LockOf(folder));
    }

    private static void RemoveLock(string file)
    {
        using FileStream free = OpenFree(file);
        File.Delete(file);
    }

    // Fails while the process that made the lock lives.
    private static FileStream OpenFree(string file) => new(file, FileMode.Open, FileAccess.Write, FileShare.None, 1);
}
