using AccelGen.Files;
using AccelGen.Sim;

namespace AccelGen.Cli;

/// <summary>Layers that <c>simulate</c> is to run: texts, files and named sets.</summary>
internal static class LayerSelection
{
    /// <summary>Collects the layers.</summary>
    /// <param name="texts">Layers one by one.</param>
    /// <param name="sources">Files with a layer per line, or names of sets.</param>
    /// <param name="pattern">Patterns of layer names that are taken from the sources, separated by commas, or null: all.</param>
    /// <param name="halves">Channels of a vector where each layer is to run with half of its channels as well, or null.</param>
    /// <exception cref="InputException">A layer is wrong, or there is none.</exception>
    public static List<LayerSpec> Collect(string[] texts, string[] sources, string? pattern, int? halves)
    {
        List<LayerSpec> layers = [.. texts.Select(t => LayerSpec.Parse(t))];
        foreach (string source in sources)
        {
            IEnumerable<LayerSpec> all;
            if (SegFormerLayers.Sets.Contains(source))
                all = SegFormerLayers.Layers(source);
            else if (File.Exists(source))
                all = LayersOf(source);
            else
                throw new InputException(
                    FaultCodes.NoSuchLayer,
                    $"--layers-from {source}",
                    "neither a file nor a set",
                    $"the sets are {string.Join(", ", SegFormerLayers.Sets)}"
                );
            if (pattern is not null)
            {
                var regexes = pattern
                    .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                    .Select(Cli.Pattern)
                    .ToList();
                all = all.Where(l => regexes.Any(r => r.IsMatch(l.Name)));
            }

            layers.AddRange(all);
        }

        if (layers.Count == 0)
            throw new InputException(
                FaultCodes.NoSuchLayer,
                string.Empty,
                "no layer to simulate",
                "give --layer, or --layers-from with a pattern that matches"
            );
        return halves is int vectorWidth ? [.. layers.SelectMany(l => Halves(l, vectorWidth).Prepend(l))] : layers;
    }

    // A layer with half of its input or output channels, where that is a whole number of vectors.
    private static IEnumerable<LayerSpec> Halves(LayerSpec layer, int vectorWidth)
    {
        if (layer.Kind == "matmul" || layer.Groups > 1 || layer.Keep is not null || layer.KeepOut is not null)
            yield break;
        int inputs = layer.Input.Channels / 2,
            outputs = layer.OutputChannels / 2;
        if (inputs > 0 && inputs % vectorWidth == 0)
            yield return layer with
            {
                Name = layer.Name + " (half in)",
                Text = $"{layer.Text}, keep {inputs}",
                Keep = inputs,
            };
        if (outputs > 0 && outputs % vectorWidth == 0)
            yield return layer with
            {
                Name = layer.Name + " (half out)",
                Text = $"{layer.Text}, keepout {outputs}",
                KeepOut = outputs,
            };
    }

    // A layer per line; every wrong line is named.
    private static List<LayerSpec> LayersOf(string file)
    {
        var layers = new List<LayerSpec>();
        var problems = new List<Fault>();
        foreach (
            (int number, string line) in InputFile.ReadLines(file).Select(l => l.Split('#')[0].Trim()).Index().Where(l => l.Item.Length > 0)
        )
        {
            try
            {
                layers.Add(LayerSpec.Parse(line));
            }
            catch (InputException e)
            {
                problems.AddRange(e.At($"{file}({number + 1})").Faults);
            }
        }

        return problems.Count == 0 ? layers : throw new InputException(problems);
    }
}
