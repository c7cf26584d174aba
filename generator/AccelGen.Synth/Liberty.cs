using System.Collections.Immutable;
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using AccelGen.Files;

namespace AccelGen.Synth;

/// <summary>A cell of a library, as far as area is concerned.</summary>
/// <param name="Name">Name.</param>
/// <param name="AreaUm2">Area in square micrometres.</param>
/// <param name="Kind">What it is.</param>
public sealed record LibertyCell(string Name, double AreaUm2, CellKind Kind);

/// <summary>What a cell is.</summary>
public enum CellKind
{
    /// <summary>A gate.</summary>
    Combinational,

    /// <summary>A gate whose output is its only input.</summary>
    Buffer,

    /// <summary>An edge-triggered flip-flop.</summary>
    FlipFlop,

    /// <summary>A latch.</summary>
    Latch,

    /// <summary>A memory macro.</summary>
    Memory,
}

/// <summary>A cell library in the Liberty format: names, areas and kinds of its cells. Timing is left to the tools that read the
/// file.</summary>
/// <param name="Name">Name that the library gives itself.</param>
/// <param name="Text">The file's text.</param>
/// <param name="Cells">Cells by name.</param>
public sealed record Liberty(string Name, string Text, ImmutableSortedDictionary<string, LibertyCell> Cells)
{
    /// <summary>OSU 180 nm, where the distribution puts it.</summary>
    public const string Osu180 = "/usr/share/qflow/tech/osu018/osu018_stdcells.lib";

    /// <summary>Hash of the text.</summary>
    public string Hash { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text)));

    /// <summary>Reads a library, packed with gzip or plain.</summary>
    /// <param name="path">File.</param>
    /// <exception cref="InputException">There is no such file, or it is no library with cells.</exception>
    public static Liberty Load(string path)
    {
        string text;
        try
        {
            text = path.EndsWith(".gz", StringComparison.Ordinal)
                ? InputFile.ReadText(path, stream => new GZipStream(stream, CompressionMode.Decompress))
                : InputFile.ReadText(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or ArgumentException)
        {
            throw new InputException(FaultCodes.NoSuchFile, path, "there is no such file", "name a Liberty file");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new InputException(FaultCodes.NotALibrary, path, $"cannot be read: {OutputFile.Reason(e)}");
        }

        return Parse(path, text);
    }

    /// <summary>Reads the text of a library.</summary>
    /// <param name="path">Where it comes from, for messages.</param>
    /// <param name="text">Text.</param>
    /// <exception cref="InputException">It is no library with cells.</exception>
    public static Liberty Parse(string path, string text)
    {
        LibertyGroup library = LibertyGroup.Read(path, text);
        if (library.Name != "library")
            throw new InputException(
                FaultCodes.NotALibrary,
                path,
                $"begins with '{library.Name}', not with library (...)",
                "name a Liberty file"
            );
        var cells = new Dictionary<string, LibertyCell>(StringComparer.Ordinal);
        foreach (LibertyGroup cell in library.Groups.Where(g => g.Name == "cell"))
        {
            string? area = cell.Attributes.GetValueOrDefault("area");
            double value = 0;
            if (area is not null && (!double.TryParse(area, NumberStyles.Float, CultureInfo.InvariantCulture, out value) || value < 0))
                throw new InputException(
                    FaultCodes.NotALibrary,
                    $"{path}: cell {cell.Argument}",
                    $"area is '{area}'",
                    "it must be a number of at least 0"
                );
            cells[cell.Argument] = new LibertyCell(cell.Argument, value, Kind(cell));
        }

        if (cells.Count == 0)
            throw new InputException(FaultCodes.NotALibrary, path, $"library {library.Argument} has no cells");
        return new Liberty(library.Argument, text, cells.ToImmutableSortedDictionary(StringComparer.Ordinal));
    }

    /// <summary>Buffer that stands for what drives the ports of a module: not the weakest, not the strongest; null where there is
    /// none.</summary>
    public LibertyCell? Driver => Cells.Values.Where(c => c.Kind == CellKind.Buffer).OrderBy(c => c.AreaUm2).Take(2).LastOrDefault();

    /// <summary>What keeps a library from being mapped to; empty where nothing does.</summary>
    /// <param name="path">Where it comes from.</param>
    public IEnumerable<Fault> Obstacles(string path)
    {
        if (!Cells.Values.Any(c => c.Kind == CellKind.FlipFlop))
            yield return new Fault(
                FaultCodes.PoorLibrary,
                path,
                $"library {Name} has no flip-flops",
                "name the file of the sequential cells too"
            );
        if (!Cells.Values.Any(c => c.Kind == CellKind.Combinational))
            yield return new Fault(
                FaultCodes.PoorLibrary,
                path,
                $"library {Name} has no gates",
                "name the file of the combinational cells too"
            );
        if (!Cells.Values.Any(c => c.AreaUm2 > 0))
            yield return new Fault(FaultCodes.PoorLibrary, path, $"no cell of library {Name} has an area", "name a library with areas");
    }

    private static CellKind Kind(LibertyGroup cell) =>
        cell.Groups.Any(g => g.Name is "ff" or "ff_bank") ? CellKind.FlipFlop
        : cell.Groups.Any(g => g.Name is "latch" or "latch_bank") ? CellKind.Latch
        : cell.Groups.Any(g => g.Name == "memory") ? CellKind.Memory
        : IsBuffer(cell) ? CellKind.Buffer
        : CellKind.Combinational;

    private static bool IsBuffer(LibertyGroup cell)
    {
        LibertyGroup[] pins =
        [
            .. cell.Groups.Where(g => g.Name == "pin" && g.Attributes.GetValueOrDefault("direction") is "input" or "output"),
        ];
        return pins.Length == 2
            && Array.Find(pins, p => p.Attributes["direction"] == "input") is { } input
            && Array.Find(pins, p => p.Attributes["direction"] == "output") is { } output
            && output.Attributes.GetValueOrDefault("function")?.Trim('(', ')', ' ') == input.Argument;
    }
}
