using System.Text;
using AccelGen.Files;

namespace AccelGen.Emit;

/// <summary>Writes a set of files as one: all of them appear under the folder, or the folder stays as it was.</summary>
public static class OutputFolder
{
    /// <summary>
    /// Writes the files to a temporary folder beside the target and renames it into place; an existing target is replaced, a link
    /// to a folder is followed. Folders above the target are made.
    /// </summary>
    /// <param name="target">Folder to create or replace.</param>
    /// <param name="files">Files with paths relative to the folder.</param>
    /// <exception cref="InputException">The target is empty.</exception>
    /// <exception cref="IOException">The disk is full or the folder cannot be written; it is as it was.</exception>
    public static void Write(string target, IEnumerable<EmittedFile> files) =>
        WriteBytes(target, files.Select(f => (f.Path, Encoding.UTF8.GetBytes(f.Text))));

    /// <summary>The same with the bytes of files, made one after the other while they are written.</summary>
    /// <param name="target">Folder to create or replace.</param>
    /// <param name="files">Paths relative to the folder, contents.</param>
    public static void WriteBytes(string target, IEnumerable<(string Path, byte[] Content)> files)
    {
        if (target.Length == 0)
            throw new InputException(FaultCodes.EmptyName, string.Empty, "the path of an output is empty", "name a folder");
        var made = new Stack<string>();
        try
        {
            string folder = Path.TrimEndingDirectorySeparator(OutputFile.Followed(Path.TrimEndingDirectorySeparator(target)));
            string parent = Path.GetDirectoryName(folder) ?? throw new IOException("it has no folder above it");
            if (File.Exists(folder))
                throw new IOException("it is a file, not a folder");
            for (string? above = parent; above is not null && !Directory.Exists(above); above = Path.GetDirectoryName(above))
                made.Push(above);
            Directory.CreateDirectory(parent);
            Replace(folder, Path.Combine(parent, $".accelgen-{Guid.NewGuid():N}"), files);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Unmake();
            throw new IOException($"{target} cannot be written: {OutputFile.Reason(e)}", e);
        }
        catch (OperationCanceledException)
        {
            Unmake();
            throw;
        }

        // Only what is empty: another program may have put something there meanwhile.
        void Unmake()
        {
            foreach (string above in made.Reverse().Where(f => Directory.Exists(f) && !Directory.EnumerateFileSystemEntries(f).Any()))
                Directory.Delete(above);
        }
    }

    /// <summary>What lies in a folder and would be lost if it were replaced: files of other names, links, folders without files.</summary>
    /// <param name="target">Folder, or the path of one to come.</param>
    /// <param name="known">Paths, relative to the folder, of files that may be replaced.</param>
    /// <returns>Paths relative to the folder.</returns>
    public static IEnumerable<string> Foreign(string target, IEnumerable<string> known)
    {
        HashSet<string> own = [.. known];
        return Foreign(target, own.Contains, [.. own.Select(f => Path.GetDirectoryName(f)!)]);
    }

    /// <summary>The same for a folder of files without folders within.</summary>
    /// <param name="target">Folder, or the path of one to come.</param>
    /// <param name="known">Whether a file of this name may be replaced.</param>
    public static IEnumerable<string> Foreign(string target, Func<string, bool> known) => Foreign(target, known, []);

    private static IEnumerable<string> Foreign(string target, Func<string, bool> known, HashSet<string> folders)
    {
        string folder = target.Length == 0 ? target : OutputFile.Followed(Path.TrimEndingDirectorySeparator(target));
        if (!Directory.Exists(folder))
            return [];
        return new DirectoryInfo(folder)
            .EnumerateFileSystemInfos("*", SearchOption.AllDirectories)
            .Where(i =>
                i.LinkTarget is not null || !(i is DirectoryInfo ? folders.Contains : known)(Path.GetRelativePath(folder, i.FullName))
            )
            .Select(i => Path.GetRelativePath(folder, i.FullName))
            .Order(StringComparer.Ordinal);
    }

    // Writes a folder under another name and renames it; what was there before comes back when that fails.
    private static void Replace(string folder, string temporary, IEnumerable<(string Path, byte[] Content)> files)
    {
        try
        {
            foreach ((string name, byte[] content) in files)
            {
                string path = Path.Combine(temporary, name);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                File.WriteAllBytes(path, content);
            }

            if (!Directory.Exists(folder))
            {
                Directory.Move(temporary, folder);
                return;
            }

            string old = temporary + ".old";
            Directory.Move(folder, old);
            try
            {
                Directory.Move(temporary, folder);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Directory.Move(old, folder);
                throw;
            }

            Directory.Delete(old, recursive: true);
        }
        finally
        {
            if (Directory.Exists(temporary))
                Directory.Delete(temporary, recursive: true);
        }
    }
}
