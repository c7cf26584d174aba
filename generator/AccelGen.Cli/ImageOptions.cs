using System.CommandLine;
using System.Globalization;
using AccelGen.Data;
using AccelGen.Files;

namespace AccelGen.Cli;

/// <summary>Images to run, and what is known of them.</summary>
/// <param name="Images">The images; names without files where they are drawn.</param>
/// <param name="Folder">Folder that they lie in, or null: they are drawn from a seed.</param>
internal sealed record Sample(IReadOnlyList<ImageFile> Images, string? Folder)
{
    private const string Drawn = "synthetic";

    /// <summary>Images drawn from a seed.</summary>
    public static Sample OfSeed(int count) => new([.. Enumerable.Range(0, count).Select(i => new ImageFile($"{Drawn}{i}", null))], null);

    /// <summary>Name of an image for reports and for --image.</summary>
    public string Name(ImageFile image) => Folder is null ? image.Path : Path.GetRelativePath(Folder, image.Path);

    /// <summary>Inputs of a network.</summary>
    /// <param name="model">Network.</param>
    /// <param name="image">One of the images.</param>
    /// <param name="seed">Seed of those drawn.</param>
    public float[] Pixels(LoadedModel model, ImageFile image, int seed) =>
        Folder is null ? model.Draw(seed, Number(image)) : model.Decode(image);

    /// <summary>The image as options.</summary>
    public string Argument(ImageFile image) =>
        Folder is null ? $"--limit {Number(image) + 1} --image {Name(image)}" : $"--images {Folder} --image {Name(image)}";

    private static int Number(ImageFile drawn) => int.Parse(drawn.Path[Drawn.Length..], CultureInfo.InvariantCulture);
}

/// <summary>Options that say which images are run, and where what is known of them stands.</summary>
internal sealed class ImageOptions
{
    private readonly Option<string?> images = new("--images")
    {
        Description =
            "Folder of images to run. An architecture without one runs on an image drawn by --seed, or on as many as --limit says.",
    };
    private readonly Option<string?> only = new("--image") { Description = "Runs only the image of this file name." };
    private readonly Option<string?> labels = new("--labels")
    {
        Description = "CSV of file,class; the default is labels.csv in the folder, or the names of its subfolders.",
    };
    private readonly Option<string?> masks = new("--masks")
    {
        Description =
            "Folder of masks for segmentation: NAME.png, NAME_mask.png or NAME_label.png (or .bmp) of an image NAME, "
            + "grey values are classes, 255 does not count. Without it masks beside the images are taken.",
    };
    private readonly Option<int?> maskFirst = new("--mask-first")
    {
        Description = "Grey value of class 0 in masks; lower ones do not count. 0 without it; ADE20K has 1.",
    };
    private readonly Option<int?> limit = new("--limit") { Description = "Most images run, a sample drawn by --seed." };

    /// <summary>Adds the options to a command.</summary>
    public ImageOptions(Command command)
    {
        foreach (Option option in new Option[] { images, only, labels, masks, maskFirst, limit })
            command.Add(option);
    }

    private bool Given(ParseResult result) => result.GetValue(images) is not null;

    /// <summary>Folder of masks that the user named.</summary>
    public string? Masks(ParseResult result) => result.GetValue(masks);

    /// <summary>Grey value of class 0 that the user named.</summary>
    /// <exception cref="InputException">It is none.</exception>
    public int? FirstClass(ParseResult result) => result.GetValue(maskFirst) is int f ? Cli.Range("--mask-first", f, 0, 254) : null;

    /// <summary>Images of which something may be known: those of a folder, or null where none is named.</summary>
    /// <exception cref="InputException">An option is wrong, or there is no such image.</exception>
    public Sample? Labelled(ParseResult result, ModelOptions model) => Given(result) ? Load(result, model, drawn: false) : null;

    /// <summary>The images of a command line.</summary>
    /// <param name="result">Command line.</param>
    /// <param name="model">Network that they are for.</param>
    /// <param name="drawn">Without a folder an architecture gets images drawn from the seed.</param>
    /// <exception cref="InputException">An option is wrong, or there is no such image.</exception>
    public Sample Load(ParseResult result, ModelOptions model, bool drawn = true)
    {
        int? most = result.GetValue(limit) is int l ? Cli.Range("--limit", l, 1, int.MaxValue) : null;
        string? folder = result.GetValue(images);
        if (!model.IsArchitecture(result))
            ModelOptions.RequireFile(model.Model(result));
        bool synthetic = folder is null && drawn && model.IsArchitecture(result);
        if (folder is null && !synthetic)
            throw new InputException(FaultCodes.MissingOption, model.Model(result), "--images names the folder of images to run");
        if (synthetic && (result.GetValue(labels) ?? result.GetValue(masks)) is string without)
            throw new InputException(
                FaultCodes.MissingOption,
                without,
                "labels and masks go with the images of a folder",
                "name it with --images"
            );
        Sample sample = synthetic
            ? Sample.OfSeed(most ?? 1)
            : new Sample(Limited(ImageSet.Load(folder!, result.GetValue(labels), result.GetValue(masks))).Images, folder);
        if (result.GetValue(only) is string name)
        {
            sample = sample with { Images = [.. sample.Images.Where(i => sample.Name(i) == name)] };
            if (sample.Images.Count == 0)
                throw new InputException(
                    FaultCodes.NoSuchImage,
                    $"--image {name}",
                    $"there is no such image{(synthetic ? string.Empty : $" in {folder}")}"
                );
        }

        return sample;

        ImageSet Limited(ImageSet all) => most is int upTo ? all.Sample(upTo, model.Seed(result)) : all;
    }
}
