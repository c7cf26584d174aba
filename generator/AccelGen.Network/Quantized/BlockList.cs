using System.Globalization;
using AccelGen.Files;

namespace AccelGen.Network.Quantized;

/// <summary>Reads a list of blocks: indices, ranges and names separated by commas, or "none".</summary>
public static class BlockList
{
    /// <summary>Reads a list of blocks to skip.</summary>
    /// <param name="text">E.g. <c>0,4-6,layer1.2</c>.</param>
    /// <param name="blocks">Blocks of the network.</param>
    /// <returns>The path that skips them.</returns>
    /// <exception cref="InputException">A block does not exist; every such part is named.</exception>
    public static ExecutionPath Parse(string text, IReadOnlyList<SkippableBlock> blocks)
    {
        var skipped = new SortedSet<int>();
        var problems = new List<string>();
        if (text.Trim() is "none" or "")
            return ExecutionPath.Whole;
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (blocks.FirstOrDefault(b => b.Name == part) is { } named)
            {
                skipped.Add(named.Index);
                continue;
            }

            string[] ends = part.Split('-');
            if (ends.Length is 1 or 2 && Index(ends[0]) is int low && Index(ends[^1]) is int high && low <= high)
                skipped.UnionWith(Enumerable.Range(low, high - low + 1));
            else
                problems.Add(part == "none" ? "'none' stands alone" : $"'{part}' is no block");
        }

        if (problems.Count > 0)
        {
            string legal =
                blocks.Count == 0
                    ? "the network has no skippable blocks"
                    : $"legal are 0 to {blocks.Count - 1}, ranges such as 0-{blocks.Count - 1}, none, and "
                        + $"{string.Join(", ", blocks.Select(b => b.Name))}";
            throw new InputException(FaultCodes.NoSuchBlock, $"--skip {text}", $"{string.Join("; ", problems)}", legal);
        }

        return new ExecutionPath($"skip {string.Join(',', skipped)}", skipped, new Dictionary<int, int>());

        int? Index(string s) => int.TryParse(s, NumberStyles.None, CultureInfo.InvariantCulture, out int i) && i < blocks.Count ? i : null;
    }
}
