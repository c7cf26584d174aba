using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AccelGen.Files;
using AccelGen.Network.Float;
using AccelGen.Network.Quantized;

namespace AccelGen.Network.Dynamic;

/// <summary>
/// Paths of a network as a JSON file: <c>{"paths": [{"name": "half", "skip": ["block3"], "keep": {"linear_fuse": "1/2"}}]}</c>. A
/// path leaves out residual blocks and keeps part of the channels that layers read, by the names of the layers or by patterns
/// with <c>*</c>; a number of channels, or a fraction of them, which is rounded to whole vectors.
/// </summary>
public sealed partial class PathFile
{
    private const string Paths = "paths",
        Name = "name",
        Skip = "skip",
        Keep = "keep";

    private readonly string file;
    private readonly QuantizedNetwork network;
    private readonly IReadOnlyList<ChannelCut> cuts;
    private readonly int vectorWidth;
    private readonly List<Fault> problems = [];

    private PathFile(string file, QuantizedNetwork network, IReadOnlyList<ChannelCut> cuts, int vectorWidth) =>
        (this.file, this.network, this.cuts, this.vectorWidth) = (file, network, cuts, vectorWidth);

    /// <summary>Reads the paths of a network.</summary>
    /// <param name="file">Path of the file.</param>
    /// <param name="network">Network.</param>
    /// <param name="cuts">Its cuts.</param>
    /// <param name="vectorWidth">Channels of a vector.</param>
    /// <exception cref="InputException">The file is wrong; every problem is named with its place, value, legal values and
    /// cure.</exception>
    public static IReadOnlyList<PathPlan> Load(string file, QuantizedNetwork network, IReadOnlyList<ChannelCut> cuts, int vectorWidth)
    {
        if (!File.Exists(file))
            throw new InputException(FaultCodes.NoSuchFile, file, "there is no such file of paths");
        return Parse(InputFile.ReadText(file), file, network, cuts, vectorWidth);
    }

    /// <summary>Reads paths from a text.</summary>
    /// <param name="text">JSON.</param>
    /// <param name="file">Name of its file, for messages.</param>
    /// <param name="network">Network.</param>
    /// <param name="cuts">Its cuts.</param>
    /// <param name="vectorWidth">Channels of a vector, for fractions.</param>
    /// <exception cref="InputException">The text is not what the schema says, or does not fit the network.</exception>
    public static IReadOnlyList<PathPlan> Parse(
        string text,
        string file,
        QuantizedNetwork network,
        IReadOnlyList<ChannelCut> cuts,
        int vectorWidth
    )
    {
        var reader = new PathFile(file, network, cuts, vectorWidth);
        PathPlan[] plans = [.. reader.Read(text)];
        return reader.problems.Count == 0 ? plans : throw new InputException(reader.problems);
    }

    /// <summary>Writes paths, as a file that <see cref="Load"/> reads.</summary>
    /// <param name="network">Network.</param>
    /// <param name="cuts">Its cuts.</param>
    /// <param name="plans">Paths.</param>
    public static string Write(QuantizedNetwork network, IReadOnlyList<ChannelCut> cuts, IReadOnlyList<PathPlan> plans)
    {
        var names = cuts.ToDictionary(c => c.Reader, c => NameOf(network, c));
        var root = new JsonObject
        {
            [Paths] = new JsonArray([
                .. plans.Select(p =>
                {
                    var path = new JsonObject { [Name] = p.Name };
                    if (p.SkippedBlocks.Count > 0)
                        path[Skip] = new JsonArray([.. p.SkippedBlocks.Order().Select(b => (JsonNode)network.Blocks[b].Name)]);
                    if (p.Kept.Count > 0)
                        path[Keep] = new JsonObject(
                            p.Kept.OrderBy(k => k.Key).Select(k => KeyValuePair.Create<string, JsonNode?>(names[k.Key], k.Value))
                        );
                    return (JsonNode)path;
                }),
            ]),
        };
        return root.ToJsonString(
                new JsonSerializerOptions
                {
                    WriteIndented = true,
                    Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
                }
            ) + "\n";
    }

    /// <summary>Name of a cut for path files and reports: that of its reader, without the operator behind the last slash.</summary>
    /// <param name="network">Network.</param>
    /// <param name="cut">Cut.</param>
    public static string NameOf(QuantizedNetwork network, ChannelCut cut) => Short(network.Layers[cut.Reader].Name);

    private static string Short(string layer) => layer.LastIndexOf('/') is > 0 and int slash ? layer[..slash].TrimStart('/') : layer;

    private IEnumerable<PathPlan> Read(string text)
    {
        JsonNode? root;
        try
        {
            root = JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false });
        }
        catch (JsonException e)
        {
            problems.Add(new Fault(FaultCodes.PathFile, file, $"not JSON without comments or repeated fields: {e.Message}"));
            yield break;
        }

        if (Object(root, string.Empty, Paths) is not { } top || List(top, string.Empty, Paths, required: true) is not { } paths)
            yield break;
        if (paths.Count == 0)
            problems.Add(new Fault(FaultCodes.PathFile, file, $"{Paths} is empty", "give at least one path"));
        var names = new HashSet<string>();
        for (int i = 0; i < paths.Count; i++)
        {
            string place = $"{Paths}[{i}]";
            if (Object(paths[i], place, Name, Skip, Keep) is not { } path)
                continue;
            string? name =
                (path[Name] as JsonValue)?.TryGetValue(out string? given) == true && !string.IsNullOrWhiteSpace(given) ? given : null;
            if (name is null)
                Report($"{place}.{Name}", path[Name], "a text that is not blank");
            else if (!names.Add(name))
                problems.Add(
                    new Fault(FaultCodes.PathName, $"{file}: {place}.{Name}", $"'{name}' is the name of two paths", "give each its own")
                );
            yield return new PathPlan(name ?? string.Empty, Skipped(path, place), Kept(path, place));
        }
    }

    private HashSet<int> Skipped(JsonObject path, string place)
    {
        var skipped = new HashSet<int>();
        foreach (JsonNode? entry in List(path, place, Skip, required: false) ?? [])
        {
            string? text = entry is JsonValue value
                ? value.TryGetValue(out string? s)
                    ? s
                    : value.TryGetValue(out int n)
                        ? n.ToString(CultureInfo.InvariantCulture)
                        : null
                : null;
            if (text is null)
            {
                Report($"{place}.{Skip}", entry, "names, indices or ranges of blocks");
                continue;
            }

            try
            {
                skipped.UnionWith(BlockList.Parse(ResidualBlocks.Expand(text, network.Blocks), network.Blocks).SkippedBlocks);
            }
            catch (InputException e)
            {
                // Said of the option, as which the same text can be given.
                problems.AddRange(
                    e.Faults.Select(f =>
                        (f with { Place = f.Place.Replace("--skip ", string.Empty, StringComparison.Ordinal) }).At(
                            $"{file}: {place}.{Skip}"
                        )
                    )
                );
            }
        }

        return skipped;
    }

    private Dictionary<int, int> Kept(JsonObject path, string place)
    {
        var kept = new Dictionary<int, int>();
        if (!path.TryGetPropertyValue(Keep, out JsonNode? node))
            return kept;
        if (node is not JsonObject entries)
        {
            Report($"{place}.{Keep}", node, "an object of layer names and what is kept");
            return kept;
        }

        foreach ((string pattern, JsonNode? value) in entries)
        {
            ChannelCut[] matching = [.. cuts.Where(c => Matches(pattern, network.Layers[c.Reader].Name))];
            if (matching.Length == 0)
                problems.Add(
                    new Fault(
                        FaultCodes.PathFile,
                        $"{file}: {place}.{Keep}.{pattern}",
                        "matches no layer that can read fewer channels",
                        $"those are {(cuts.Count == 0 ? "none" : string.Join(", ", cuts.Select(c => NameOf(network, c))))}"
                    )
                );
            foreach (ChannelCut cut in matching)
            {
                if (Channels(value, cut) is not int channels)
                {
                    string counts =
                        cut.Unit == 1
                            ? $"a number of channels, 1 to {cut.Channels}"
                            : $"the channels of whole attention heads, a multiple of {cut.Unit} up to {cut.Channels}";
                    Report($"{place}.{Keep}.{pattern}", value, $"{counts}, or a fraction above 0 and at most 1, such as 0.5 or \"1/2\"");
                    break;
                }

                kept[cut.Reader] = channels;
            }
        }

        return kept;
    }

    // Counts are taken as they are; fractions as the nearest number of whole vectors or heads, at least one.
    private int? Channels(JsonNode? node, ChannelCut cut)
    {
        int all = cut.Channels;
        if (node is not JsonValue value)
            return null;
        if (value.TryGetValue(out int count))
            return count >= 1 && count <= all && count % cut.Unit == 0 ? count : null;
        if (!value.TryGetValue(out double fraction))
        {
            if (!value.TryGetValue(out string? text) || Fraction().Match(text) is not { Success: true } match)
                return null;
            fraction =
                double.Parse(match.Groups["a"].Value, CultureInfo.InvariantCulture)
                / double.Parse(match.Groups["b"].Value, CultureInfo.InvariantCulture);
        }

        if (!(fraction > 0 && fraction <= 1))
            return null;
        return fraction == 1 ? all : Math.Min(all, cut.Fraction(fraction, vectorWidth));
    }

    private static bool Matches(string pattern, string layer)
    {
        var glob = new Regex(
            $"^{Regex.Escape(pattern).Replace(@"\*", ".*", StringComparison.Ordinal)}$",
            RegexOptions.CultureInvariant | RegexOptions.NonBacktracking
        );
        return glob.IsMatch(layer) || glob.IsMatch(Short(layer));
    }

    private JsonObject? Object(JsonNode? node, string place, params string[] fields)
    {
        if (node is not JsonObject found)
        {
            Report(place, node, $"an object with {string.Join(", ", fields)}");
            return null;
        }

        foreach ((string field, JsonNode? _) in found.Where(f => !fields.Contains(f.Key) && f.Key != "$schema"))
            problems.Add(
                new Fault(
                    FaultCodes.PathFile,
                    $"{file}: {(place.Length > 0 ? place + "." : string.Empty)}{field}",
                    "there is no such field",
                    $"legal are {string.Join(", ", fields)}: remove it"
                )
            );
        return found;
    }

    private JsonArray? List(JsonObject parent, string place, string field, bool required)
    {
        if (parent.TryGetPropertyValue(field, out JsonNode? node) && node is JsonArray list)
            return list;
        if (required || parent.ContainsKey(field))
            Report(place.Length > 0 ? $"{place}.{field}" : field, node, "a list");
        return null;
    }

    private void Report(string place, JsonNode? value, string legal) =>
        problems.Add(
            new Fault(
                FaultCodes.PathFile,
                $"{file}: {(place.Length > 0 ? place : "the root")}",
                value is null ? "missing or null" : value.ToJsonString(),
                $"legal is {legal}"
            )
        );

    [GeneratedRegex(@"^\s*(?<a>[0-9]{1,6})\s*/\s*(?<b>[1-9][0-9]{0,5})\s*$")]
    private static partial Regex Fraction();
}
