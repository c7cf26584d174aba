using AccelGen.Files;
using AccelGen.Network.Float;

namespace AccelGen.Network.Architectures;

/// <summary>Networks that are built from their name, with weights drawn from a seed.</summary>
public static class Architecture
{
    private const char GenomeMark = ':';

    /// <summary>Names, for messages.</summary>
    public static string Names { get; } =
        $"{string.Join(", ", SegFormer.Variants.Select(v => v.Name))}, {OfaResNet50.Name}, "
        + $"{OfaResNet50.Name}{GenomeMark}4.1G or another point, "
        + $"{OfaResNet50.Name}{GenomeMark}d=2,1,0,2,1{GenomeMark}e=0.25{GenomeMark}w=1 or another genome";

    /// <summary>A name is an architecture's.</summary>
    /// <param name="name">Name.</param>
    public static bool IsKnown(string name) => SegFormer.Variants.Any(v => v.Name == name) || IsOfa(name);

    /// <summary>Builds a network.</summary>
    /// <param name="name">Name of an architecture.</param>
    /// <param name="size">Rows and columns of the image, or null for the usual ones.</param>
    /// <param name="seed">Seed of the weights.</param>
    /// <exception cref="InputException">There is no such architecture, or a size or genome is not legal.</exception>
    public static FloatNetwork Build(string name, Size? size, int seed)
    {
        if (!IsOfa(name))
        {
            (int height, int width) = size ?? (512, 512);
            return SegFormer.Build(SegFormer.Variant(name), height, width, seed);
        }

        (int rows, int columns) = size ?? (224, 224);
        return OfaResNet50.Build(OfaGenome.Parse(name[OfaResNet50.Name.Length..], name), rows, columns, seed, name: name);
    }

    private static bool IsOfa(string name) =>
        name == OfaResNet50.Name || name.StartsWith(OfaResNet50.Name + GenomeMark, StringComparison.Ordinal);
}
