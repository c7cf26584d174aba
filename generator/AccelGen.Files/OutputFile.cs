using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Microsoft.Win32.SafeHandles;

namespace AccelGen.Files;

/// <summary>
/// A file that the user named for output. A plain file is replaced whole or not at all; a link is followed: what it points to is
/// replaced, and the link stays; anything else (a pipe, a device, an open descriptor such as <c>/dev/fd/3</c>) is written into.
/// </summary>
/// <remarks>
/// What is being written lies in a folder of its own until <see cref="Publish"/>; it is removed when the process ends before that.
/// </remarks>
public sealed partial class OutputFile : IDisposable
{
    private static readonly ConcurrentDictionary<string, byte> Unpublished = new();

    private readonly string path;

    // The plain file to replace, links followed; null for what is written into.
    private readonly string? target;
    private string? folder;

    static OutputFile() =>
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            foreach (string left in Unpublished.Keys)
                Remove(left);
        };

    private OutputFile(string path)
    {
        this.path = path;
        target = TypeOf(path) switch
        {
            FileType.Folder => throw new OutputException(path, "it is a folder"),
            FileType.Other => null,
            _ => Followed(path),
        };
        if (target is null)
            return;
        string parent = Path.GetDirectoryName(target)!;
        if (!Directory.Exists(parent))
            throw new OutputException(path, File.Exists(parent) ? $"{parent} is no folder" : $"there is no folder {parent}");
        // A file that may not be written is not replaced either, although its folder would allow it.
        if (File.Exists(target))
            File.OpenHandle(target, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete).Dispose();
        folder = MakeFolder(parent);
        try
        {
            // A name that the file system refuses shows before the work.
            string named = Path.Combine(folder, Path.GetFileName(target));
            File.Create(named).Dispose();
            File.Delete(named);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Path for those who write by themselves; <see cref="Publish"/> makes what is there the output.</summary>
    public string WorkPath => Path.Combine(folder ??= MakeFolder(Path.GetTempPath()), "output");

    /// <summary>Prepares an output; nothing happens to what the path names.</summary>
    /// <param name="path">Path that the user named.</param>
    /// <exception cref="InputException">The path is empty.</exception>
    /// <exception cref="IOException">The path names a folder, or something cannot be written there; the message says why.</exception>
    public static OutputFile Create(string path)
    {
        if (path.Length == 0)
            throw new InputException(FaultCodes.EmptyName, string.Empty, "the path of an output is empty", "name a file");
        return Explained(path, () => new OutputFile(path));
    }

    /// <summary>Finds out whether an output can be written, before the work that it is the result of.</summary>
    /// <param name="path">Path that the user named.</param>
    /// <exception cref="InputException">The path is empty.</exception>
    /// <exception cref="IOException">The path names a folder, or something cannot be written there; the message says why.</exception>
    public static void Check(string path) => Create(path).Dispose();

    /// <summary>Writes an output.</summary>
    /// <param name="path">Path that the user named.</param>
    /// <param name="write">Writes the content to a stream, which may not allow to seek.</param>
    /// <exception cref="InputException">The path is empty.</exception>
    /// <exception cref="IOException">It cannot be written; a plain file is as it was.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        using OutputFile file = Create(path);
        Explained(
            path,
            () =>
            {
                using Stream stream = file.target is null
                    ? OpenInto(path)
                    : new FileStream(file.WorkPath, FileMode.CreateNew, FileAccess.Write);
                write(stream);
                stream.Flush();
                return 0;
            }
        );
        if (file.target is not null)
            file.Publish();
    }

    /// <summary>Writes a text, in UTF-8.</summary>
    /// <param name="path">Path that the user named.</param>
    /// <param name="text">Whole content.</param>
    /// <exception cref="InputException">The path is empty.</exception>
    /// <exception cref="IOException">It cannot be written; a plain file is as it was.</exception>
    public static void Write(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));

    /// <summary>Makes what is at <see cref="WorkPath"/> the output.</summary>
    /// <exception cref="IOException">It cannot be written; a plain file is as it was.</exception>
    public void Publish() =>
        Explained(
            path,
            () =>
            {
                if (target is null)
                {
                    using FileStream work = File.OpenRead(WorkPath);
                    using Stream into = OpenInto(path);
                    work.CopyTo(into);
                    return 0;
                }

                // On the disk before its name is: after a loss of power the file is the old or the new one.
                using (var written = new FileStream(WorkPath, FileMode.Open, FileAccess.ReadWrite))
                    written.Flush(flushToDisk: true);
                if (!OperatingSystem.IsWindows() && File.Exists(target))
                    File.SetUnixFileMode(WorkPath, File.GetUnixFileMode(target));
                File.Move(WorkPath, target, overwrite: true);
                return 0;
            }
        );

    /// <summary>Removes what was not published.</summary>
    public void Dispose()
    {
        if (folder is null)
            return;
        Remove(folder);
        Unpublished.TryRemove(folder, out _);
        folder = null;
    }

    private enum FileType
    {
        Missing,
        Plain,
        Folder,
        Other,
    }

    /// <summary>Whether a path, links followed, names a plain file: no folder, pipe or device.</summary>
    /// <param name="path">Path.</param>
    public static bool IsPlain(string path) => TypeOf(path) == FileType.Plain;

    private static FileType TypeOf(string path)
    {
        if (Descriptor().IsMatch(path))
            return FileType.Other;
        if (Directory.Exists(path) || Path.EndsInDirectorySeparator(path))
            return FileType.Folder;
        if (!OperatingSystem.IsLinux())
            return File.Exists(path) ? FileType.Plain : FileType.Missing;
        // .NET tells folders and links from the rest, not what the rest is. Layout of struct statx: the same on every processor.
        const int CurrentFolder = -100,
            TypeOnly = 1,
            ModeOffset = 28,
            TypeMask = 0xF000,
            Regular = 0x8000;
        byte[] status = new byte[256];
        if (Statx(CurrentFolder, Path.GetFullPath(path), 0, TypeOnly, status) != 0)
            return FileType.Missing;
        return (BitConverter.ToUInt16(status, ModeOffset) & TypeMask) == Regular ? FileType.Plain : FileType.Other;
    }

    /// <summary>What a path names: full, links at its end followed, also one to something that is not there yet.</summary>
    /// <param name="path">Path, not empty.</param>
    /// <exception cref="IOException">Links go in a circle.</exception>
    public static string Followed(string path)
    {
        string full = Path.GetFullPath(path);
        return new FileInfo(full).LinkTarget is null ? full : File.ResolveLinkTarget(full, returnFinalTarget: true)!.FullName;
    }

    private static Stream OpenInto(string path)
    {
        Match descriptor = Descriptor().Match(path);
        return (descriptor.Success ? descriptor.Groups["name"].Value : string.Empty) switch
        {
            "" => new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite),
            "stdout" or "fd/1" => Console.OpenStandardOutput(),
            "stderr" or "fd/2" => Console.OpenStandardError(),
            var other => new FileStream(Open(int.Parse(other["fd/".Length..], CultureInfo.InvariantCulture)), FileAccess.Write),
        };
    }

    private static SafeFileHandle Open(int descriptor) => new(descriptor, ownsHandle: false);

    // Messages of the system name the temporary file; the user is told of the one that was asked for.
    private static T Explained<T>(string path, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (UnauthorizedAccessException e)
        {
            throw new OutputException(path, Reason(e));
        }
        catch (IOException e) when (e is not OutputException)
        {
            throw new OutputException(path, Reason(e));
        }
    }

    /// <summary>Why something cannot be written, without the names of temporary files.</summary>
    /// <param name="fault">What the system said.</param>
    public static string Reason(Exception fault) =>
        fault switch
        {
            UnauthorizedAccessException => fault.InnerException is IOException inner ? Reason(inner) : "permission denied",
            PathTooLongException => "its name is longer than the file system takes",
            FileNotFoundException or DirectoryNotFoundException => "the system lets no file be made there",
            _ when fault.Message.StartsWith("The file '", StringComparison.Ordinal) => "a file is there, not a folder",
            _ => fault.Message.Split(" : '")[0].TrimEnd('.').ToLowerInvariant(),
        };

    private static string MakeFolder(string parent)
    {
        string folder = Path.Combine(parent, $".accelgen-{Guid.NewGuid():N}");
        Directory.CreateDirectory(folder);
        Unpublished.TryAdd(folder, 0);
        return folder;
    }

    private static void Remove(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Never made, or not ours to remove: either way the output says what there is to say.
        }
    }

    [GeneratedRegex(@"^/(dev|proc/self)/(?<name>fd/\d{1,9}|stdout|stderr)$")]
    private static partial Regex Descriptor();

    [DllImport("libc", EntryPoint = "statx", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int Statx(int folder, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask, byte[] status);

    private sealed class OutputException(string path, string reason) : IOException($"{path} cannot be written: {reason}");
}
