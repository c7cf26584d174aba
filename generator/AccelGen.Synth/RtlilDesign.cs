using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace AccelGen.Synth;

/// <summary>A module of a design, once for all its instances.</summary>
/// <param name="Name">Its name, that of the source with a number where the source's module has several forms.</param>
/// <param name="Instances">How often the design has it.</param>
/// <param name="Children">Modules within it and how often, memories included.</param>
/// <param name="Text">Its RTLIL, with the children's names as here.</param>
public sealed record DesignModule(string Name, int Instances, IReadOnlyDictionary<string, int> Children, string Text);

/// <summary>An on-chip memory of a design.</summary>
/// <param name="Module">Its module.</param>
/// <param name="Width">Bits of a word.</param>
/// <param name="Depth">Words.</param>
/// <param name="Mask">Bits that a write covers or leaves out together.</param>
/// <param name="Instances">How often the design has it.</param>
public sealed record DesignMemory(string Module, int Width, int Depth, int Mask, int Instances);

/// <summary>
/// A design in Yosys' intermediate language, as its front end leaves it: a copy of a module per instance. Here copies that are
/// equal are one module again, so that each is synthesised once.
/// </summary>
public sealed partial class RtlilDesign
{
    private readonly Dictionary<string, Source> sources = new(StringComparer.Ordinal);
    private readonly HashSet<string> memories;
    private readonly Dictionary<string, string> known = new(StringComparer.Ordinal); // name by normal form
    private readonly Dictionary<string, string> names = new(StringComparer.Ordinal); // name by copy
    private readonly Dictionary<string, string> texts = new(StringComparer.Ordinal); // text by name
    private readonly Dictionary<string, Dictionary<string, int>> children = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> forms = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Module, int Width, int Depth, int Mask), int> shapes = [];

    private RtlilDesign(string text, string top, IEnumerable<string> memories)
    {
        this.memories = [.. memories];
        Split(text);
        Top = Named(top);
        var instances = new Dictionary<string, int>(StringComparer.Ordinal);
        Count(Top, 1, instances);
        // Parents after their children.
        Modules = [.. texts.Select(t => new DesignModule(t.Key, instances[t.Key], children[t.Key], t.Value))];
        Memories =
        [
            .. shapes
                .OrderBy(s => s.Key.Module, StringComparer.Ordinal)
                .ThenBy(s => s.Key.Width)
                .ThenBy(s => s.Key.Depth)
                .Select(s => new DesignMemory(s.Key.Module, s.Key.Width, s.Key.Depth, s.Key.Mask, s.Value)),
        ];
        Stubs = string.Concat(this.memories.Where(sources.ContainsKey).Select(m => sources[m].Text));
    }

    /// <summary>Name of the top module.</summary>
    public string Top { get; }

    /// <summary>Modules, each once, those within others first.</summary>
    public IReadOnlyList<DesignModule> Modules { get; }

    /// <summary>A module by its name.</summary>
    /// <param name="name">Name.</param>
    public DesignModule this[string name] => Modules.First(m => m.Name == name);

    /// <summary>Memories by shape.</summary>
    public IReadOnlyList<DesignMemory> Memories { get; }

    /// <summary>RTLIL of the memories, ports only.</summary>
    public string Stubs { get; }

    /// <summary>Reads a design.</summary>
    /// <param name="text">RTLIL.</param>
    /// <param name="top">Top module.</param>
    /// <param name="memories">Modules that stay as they are.</param>
    /// <exception cref="Sim.ToolException">It has no such module.</exception>
    public static RtlilDesign Parse(string text, string top, IEnumerable<string> memories) => new(text, top, memories);

    // Name without the backslash, and lines from the attributes in front to the end.
    private sealed record Source(string Name, string Text);

    private void Split(string text)
    {
        var lines = new StringBuilder();
        string? name = null;
        foreach (ReadOnlySpan<char> raw in text.AsSpan().EnumerateLines())
        {
            if (name is null && (raw.StartsWith("autoidx") || raw.StartsWith("#") || raw.IsEmpty))
                continue;
            if (raw.StartsWith("module \\"))
                name = raw["module \\".Length..].ToString();
            lines.Append(raw).Append('\n');
            if (name is null || !raw.SequenceEqual("end"))
                continue;
            sources[name] = new Source(name, lines.ToString());
            lines.Clear();
            name = null;
        }
    }

    // The name of a copy's module; the module is added when it is new.
    private string Named(string copy)
    {
        if (names.TryGetValue(copy, out string? name))
            return name;
        if (!sources.TryGetValue(copy, out Source? source))
            throw new Sim.ToolException($"the synthesis front end gave no module {copy}");
        var within = new Dictionary<string, int>(StringComparer.Ordinal);
        string text = CellLine()
            .Replace(
                source.Text,
                m =>
                {
                    string type = m.Groups["type"].Value,
                        child = memories.Contains(type) ? type : Named(type);
                    within[child] = within.GetValueOrDefault(child) + 1;
                    return $"{m.Groups["before"].Value}\\{child} ";
                }
            );
        // Numbers that the front end gave out differ from copy to copy.
        var numbers = new Dictionary<string, string>(StringComparer.Ordinal);
        text = Numbered()
            .Replace(
                text.Replace($"module \\{copy}\n", "module \\\u0001\n", StringComparison.Ordinal),
                m =>
                {
                    if (!numbers.TryGetValue(m.Value, out string? number))
                        numbers[m.Value] = number = $"${numbers.Count + 1}";
                    return number;
                }
            );
        if (!known.TryGetValue(text, out name))
        {
            string plain = copy.Split('$')[0];
            int form = forms[plain] = forms.GetValueOrDefault(plain) + 1;
            name = form == 1 ? plain : string.Create(CultureInfo.InvariantCulture, $"{plain}_{form}");
            known[text] = name;
            children[name] = within;
            texts[name] = text.Replace("\u0001", name, StringComparison.Ordinal);
        }

        return names[copy] = name;
    }

    private void Count(string module, int times, Dictionary<string, int> instances)
    {
        instances[module] = instances.GetValueOrDefault(module) + times;
        foreach ((int Width, int Depth, int Mask, string Module) shape in Shapes(texts[module]))
        {
            var key = (shape.Module, shape.Width, shape.Depth, shape.Mask);
            shapes[key] = shapes.GetValueOrDefault(key) + times;
        }

        foreach ((string child, int number) in children[module])
        {
            if (!memories.Contains(child))
                Count(child, times * number, instances);
        }
    }

    // Parameters stand below the line of their cell.
    private IEnumerable<(int Width, int Depth, int Mask, string Module)> Shapes(string text)
    {
        foreach (Match cell in MemoryCell().Matches(text))
        {
            string module = cell.Groups["type"].Value;
            if (!memories.Contains(module))
                continue;
            var parameters = Parameter()
                .Matches(cell.Value)
                .ToDictionary(p => p.Groups["name"].Value, p => int.Parse(p.Groups["value"].Value, CultureInfo.InvariantCulture));
            int width = parameters.GetValueOrDefault("Width");
            yield return (width, parameters.GetValueOrDefault("Depth"), parameters.GetValueOrDefault("SegWidth", 8), module);
        }
    }

    [GeneratedRegex(@"(?<before>^  cell )\\(?<type>\S+) ", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex CellLine();

    [GeneratedRegex(@"\$[0-9]+\b")]
    private static partial Regex Numbered();

    [GeneratedRegex(@"^  cell \\(?<type>\S+) .*\n(    .*\n)*", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex MemoryCell();

    [GeneratedRegex(@"parameter (signed )?\\(?<name>\w+) (?<value>[0-9]+)\n", RegexOptions.ExplicitCapture)]
    private static partial Regex Parameter();
}
