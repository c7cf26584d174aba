namespace AccelGen.Emit;

/// <summary>Writes a set of files as one: all of them appear under the folder, or the folder stays as it was.</summary>
public static class OutputFolder
{
    /// <summary>Writes the files to a temporary folder beside the target and renames it into place; an existing target is replaced.</summary>
    /// <param name="target">Folder to create or replace.</param>
    /// <param name="files">Files with paths relative to the folder.</param>
    /// <exception cref="IOException">The disk is full or the folder cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written.</exception>
    public static void Write(string target, IEnumerable<EmittedFile> files)
    {
        target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(target));
        string parent = Path.GetDirectoryName(target) ?? throw new IOException($"{target} cannot be replaced");
        Directory.CreateDirectory(parent);
        string temporary = Path.Combine(parent, $".{Path.GetFileName(target)}.{Guid.NewGuid():N}");
        try
        {
            foreach (EmittedFile file in files)
            {
                string path = Path.Combine(temporary, file.Path);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                File.WriteAllText(path, file.Text);
            }

            if (Directory.Exists(target))
            {
                string old = temporary + ".old";
                Directory.Move(target, old);
                Directory.Move(temporary, target);
                Directory.Delete(old, recursive: true);
            }
            else
            {
                Directory.Move(temporary, target);
            }
        }
        finally
        {
            if (Directory.Exists(temporary))
                Directory.Delete(temporary, recursive: true);
        }
    }
}
