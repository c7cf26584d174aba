using System.Globalization;
using AccelGen.Files;
using SkiaSharp;

namespace AccelGen.Data;

/// <summary>An image file with what is known of it.</summary>
/// <param name="Path">File.</param>
/// <param name="Label">Class index, or null where none is known.</param>
/// <param name="Mask">File of class indices per pixel (<see cref="SegmentationMask"/>), or null where there is none.</param>
public sealed record ImageFile(string Path, int? Label, string? Mask = null);

/// <summary>How pixels become network inputs: <c>(value / 255 - Mean) / Std</c> per channel.</summary>
/// <param name="Mean">Mean per channel.</param>
/// <param name="Std">Standard deviation per channel, positive.</param>
public sealed record Normalization(IReadOnlyList<float> Mean, IReadOnlyList<float> Std)
{
    /// <summary>The usual one for three channels; none for others.</summary>
    public static Normalization Default(int channels) =>
        channels == 3
            ? new([0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f])
            : new([.. Enumerable.Repeat(0f, channels)], [.. Enumerable.Repeat(1f, channels)]);
}

/// <summary>
/// A folder of images: labels come from the names of subfolders, sorted, or from a CSV file of <c>file,label</c>; masks from
/// files beside the images (see <see cref="MaskFiles"/>), which are no images themselves.
/// </summary>
/// <param name="Images">Images in order of their paths.</param>
/// <param name="Classes">Class names where they come from folders.</param>
public sealed record ImageSet(IReadOnlyList<ImageFile> Images, IReadOnlyList<string> Classes)
{
    private static readonly string[] Extensions = [".png", ".jpg", ".jpeg", ".bmp", ".webp"];

    /// <summary>Lists a folder.</summary>
    /// <param name="folder">Folder with images, or with one subfolder of images per class.</param>
    /// <param name="labels">CSV of file name and class index; null takes labels.csv in the folder where there is one.</param>
    /// <param name="masks">Folder of masks; null takes those beside the images.</param>
    /// <exception cref="InputException">A folder is missing or empty, or the CSV is wrong; every wrong line is named.</exception>
    public static ImageSet Load(string folder, string? labels = null, string? masks = null)
    {
        if (!Directory.Exists(folder))
            throw new InputException(FaultCodes.NoSuchFile, folder, "there is no such folder of images");
        if (masks is not null && !Directory.Exists(masks))
            throw new InputException(FaultCodes.NoSuchFile, masks, "there is no such folder of masks");
        if (labels is not null && !File.Exists(labels))
            throw new InputException(FaultCodes.NoSuchFile, labels, "there is no such file of labels");
        IReadOnlyList<(string Image, string? Mask)> flat = Files(folder);
        string[] classFolders = [.. Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal)];
        if (flat.Count == 0)
        {
            if (labels is not null)
                throw new InputException(
                    FaultCodes.Labels,
                    labels,
                    $"labels go with images directly in {folder}, which has none",
                    "images in folders have the folder as their class"
                );
            ImageFile[] images = [.. classFolders.SelectMany((c, i) => Files(c).Select(f => new ImageFile(f.Image, i, f.Mask)))];
            if (images.Length == 0)
                throw new InputException(
                    FaultCodes.NoImages,
                    folder,
                    $"holds no images ({string.Join(", ", Extensions)}), neither directly nor in folders of classes"
                );
            return new ImageSet(images, [.. classFolders.Select(c => Path.GetFileName(c)!)]);
        }

        string csv = labels ?? Path.Combine(folder, "labels.csv");
        var known = new Dictionary<string, (int Label, int Line)>();
        var problems = new List<Fault>();
        if (File.Exists(csv))
        {
            int number = 0;
            HashSet<string> names = [.. flat.Select(f => Path.GetFileName(f.Image))];
            foreach (string line in InputFile.ReadLines(csv))
            {
                number++;
                string[] parts = line.Split(',', StringSplitOptions.TrimEntries);
                if (
                    line.Trim().Length == 0
                    || (number == 1 && parts.Length == 2 && !names.Contains(parts[0]) && !int.TryParse(parts[1], out _))
                )
                    continue;
                if (parts.Length != 2 || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int label))
                    problems.Add(new Fault(FaultCodes.Labels, $"{csv}({number})", $"'{line}' is not 'file,class index'"));
                else if (!known.TryAdd(parts[0], (label, number)) && known[parts[0]].Label != label)
                    problems.Add(
                        new Fault(
                            FaultCodes.Labels,
                            $"{csv}({number})",
                            $"class {label} for {parts[0]}, which has class {known[parts[0]].Label} in line {known[parts[0]].Line}"
                        )
                    );
            }
        }

        if (problems.Count == 0 && labels is not null && !flat.Any(f => known.ContainsKey(Path.GetFileName(f.Image))))
            problems.Add(
                new Fault(
                    FaultCodes.Labels,
                    labels,
                    $"labels none of the {flat.Count} images in {folder}, such as {Path.GetFileName(flat[0].Image)}",
                    "a line is 'file,class index'"
                )
            );
        if (problems.Count > 0)
            throw new InputException(problems);
        return new ImageSet(
            [
                .. flat.Select(f => new ImageFile(
                    f.Image,
                    known.TryGetValue(Path.GetFileName(f.Image), out (int Label, int Line) of) ? of.Label : null,
                    f.Mask
                )),
            ],
            []
        );

        // Images of one folder, each with its mask.
        IReadOnlyList<(string Image, string? Mask)> Files(string one)
        {
            string[] all =
            [
                .. Directory
                    .EnumerateFiles(one)
                    .Where(f => Extensions.Contains(Path.GetExtension(f), StringComparer.OrdinalIgnoreCase))
                    .Order(StringComparer.Ordinal),
            ];
            (string Image, string? Mask)[] beside = [.. MaskFiles.Pair(all)];
            return masks is null ? beside : [.. beside.Select(b => (b.Image, MaskFiles.Find(masks, b.Image)))];
        }
    }

    /// <summary>A sample of at most so many images, the same for the same seed, in the order of the set.</summary>
    public ImageSet Sample(int limit, int seed)
    {
        if (Images.Count <= limit)
            return this;
        int[] order = [.. Enumerable.Range(0, Images.Count)];
        new Random(seed).Shuffle(order);
        return this with { Images = [.. order.Take(limit).Order().Select(i => Images[i])] };
    }

    /// <summary>Decodes an image to NHWC floats; another size is scaled to the network's.</summary>
    /// <param name="path">Image file.</param>
    /// <param name="height">Rows of the network input.</param>
    /// <param name="width">Columns.</param>
    /// <param name="channels">3 for red, green, blue; 1 for grey.</param>
    /// <param name="normalization">Mean and deviation per channel.</param>
    /// <exception cref="InputException">The file is not a readable image.</exception>
    public static float[] Decode(string path, int height, int width, int channels, Normalization normalization)
    {
        if (channels is not (1 or 3))
            throw new InputException(
                FaultCodes.ImageChannels,
                string.Empty,
                $"the network input has {channels} channels",
                "images give 1 or 3"
            );
        using SKBitmap decoded = Bitmap.Read(path, "image");
        var info = new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        using SKBitmap bitmap =
            (
                decoded.Width == width && decoded.Height == height
                    ? decoded.Copy(SKColorType.Rgba8888)
                    : decoded.Resize(info, new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear))
            ) ?? throw new InputException(FaultCodes.Unreadable, path, $"cannot be converted to {width}x{height} pixels");
        ReadOnlySpan<byte> pixels = bitmap.GetPixelSpan();
        int pitch = bitmap.RowBytes;
        var values = new float[height * width * channels];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                ReadOnlySpan<byte> p = pixels.Slice((y * pitch) + (x * 4), 4);
                for (int c = 0; c < channels; c++)
                {
                    float raw =
                        channels == 3 ? p[c]
                        : p[0] == p[1] && p[1] == p[2] ? p[0]
                        : (0.299f * p[0]) + (0.587f * p[1]) + (0.114f * p[2]);
                    values[(((y * width) + x) * channels) + c] = ((raw / 255f) - normalization.Mean[c]) / normalization.Std[c];
                }
            }
        }

        return values;
    }
}
