namespace AccelGen.Files;

/// <summary>A text file that the user named for input: a plain file, or a pipe that ends; not a device that never does.</summary>
public static class InputFile
{
    /// <summary>Most characters of a text: far more than any configuration or list of layers or labels has.</summary>
    public const int MostCharacters = 1 << 26;

    /// <summary>Reads a text.</summary>
    /// <param name="path">Path that the user named.</param>
    /// <param name="unpack">What the bytes go through, such as a decompression; null for none. The bound is that of the text.</param>
    /// <exception cref="InputException">It is a folder, or longer than <see cref="MostCharacters"/>.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static string ReadText(string path, Func<Stream, Stream>? unpack = null)
    {
        if (Directory.Exists(path))
            throw new InputException(FaultCodes.NotAFile, path, "is a folder", "name a file");
        using FileStream file = File.OpenRead(path);
        using var reader = new StreamReader(unpack is null ? file : unpack(file));
        var text = new System.Text.StringBuilder();
        char[] buffer = new char[1 << 16];
        for (int count = reader.Read(buffer); count > 0; count = reader.Read(buffer))
        {
            if (text.Length + count > MostCharacters)
                throw new InputException(
                    FaultCodes.FileTooLong,
                    path,
                    $"has more than {MostCharacters:N0} characters",
                    "name a file of text"
                );
            text.Append(buffer, 0, count);
        }

        return text.ToString();
    }

    /// <summary>Reads the lines of a text.</summary>
    /// <inheritdoc cref="ReadText"/>
    public static string[] ReadLines(string path) => ReadText(path).ReplaceLineEndings("\n").Split('\n');
}
