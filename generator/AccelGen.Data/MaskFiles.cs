namespace AccelGen.Data;

/// <summary>
/// Which files hold the class indices of an image: a PNG or BMP named like the image with <c>_mask</c> or <c>_label</c> behind it,
/// or named like a JPEG or WebP image (whose compression no index survives).
/// </summary>
public static class MaskFiles
{
    private static readonly string[] Lossless = [".png", ".bmp"];
    private static readonly string[] Lossy = [".jpg", ".jpeg", ".webp"];
    private static readonly string[] Suffixes = ["_mask", "_label", string.Empty];

    /// <summary>The images among the files of a folder, each with its mask where there is one; masks are not among the images.</summary>
    /// <param name="files">Image and mask files of one folder.</param>
    internal static IEnumerable<(string Image, string? Mask)> Pair(IReadOnlyList<string> files)
    {
        var masks = new Dictionary<string, string>();
        var taken = new HashSet<string>();
        foreach (string file in files.Where(f => Has(Lossless, f)))
        {
            string stem = Path.GetFileNameWithoutExtension(file);
            string? image = Suffixes
                .Where(s => stem.EndsWith(s, StringComparison.Ordinal))
                .Select(s =>
                    files.FirstOrDefault(f => Path.GetFileNameWithoutExtension(f) == stem[..^s.Length] && (s.Length > 0 || Has(Lossy, f)))
                )
                .FirstOrDefault(f => f is not null);
            if (image is null)
                continue;
            masks.TryAdd(image, file);
            taken.Add(file);
        }

        return files.Where(f => !taken.Contains(f)).Select(f => (f, masks.GetValueOrDefault(f)));
    }

    /// <summary>The mask of an image in a folder of masks, or null.</summary>
    internal static string? Find(string folder, string image) =>
        Suffixes
            .SelectMany(s => Lossless.Select(e => Path.Combine(folder, Path.GetFileNameWithoutExtension(image) + s + e)))
            .FirstOrDefault(f => File.Exists(f) && Path.GetFullPath(f) != Path.GetFullPath(image));

    private static bool Has(string[] extensions, string file) =>
        extensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase);
}
