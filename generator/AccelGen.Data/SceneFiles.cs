using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using SkiaSharp;

namespace AccelGen.Data;

/// <summary>A set of scenes as files that <see cref="ImageSet"/> reads: each a PNG with its mask beside it, and the names of the
/// classes.</summary>
public static partial class SceneFiles
{
    /// <summary>Most scenes of a set.</summary>
    public const int MaxCount = 100_000;

    /// <summary>File with the names of the classes, one per line, the first that of class 0.</summary>
    public const string ClassList = "classes.txt";

    /// <summary>The files of a set, drawn while they are enumerated.</summary>
    /// <param name="seed">Seed.</param>
    /// <param name="count">Number of scenes.</param>
    public static IEnumerable<(string Name, byte[] Content)> Create(int seed, int count)
    {
        yield return (ClassList, Encoding.UTF8.GetBytes(string.Concat(Scene.Classes.Select(c => c + "\n"))));
        for (int i = 0; i < count; i++)
        {
            Scene scene = Scene.Draw(seed, i);
            yield return (Name(i, string.Empty), Colours(scene));
            yield return (Name(i, "_mask"), Mask(scene));
        }
    }

    /// <summary>Whether a file of this name can be one of a set.</summary>
    public static bool Writes(string name) => name == ClassList || OwnName().IsMatch(name);

    private static string Name(int index, string suffix) => string.Create(CultureInfo.InvariantCulture, $"scene{index:D5}{suffix}.png");

    private static byte[] Colours(Scene scene)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(Scene.Size, Scene.Size, SKColorType.Rgba8888, SKAlphaType.Opaque));
        byte[] padded = new byte[Scene.Size * Scene.Size * 4];
        for (int i = 0; i < Scene.Size * Scene.Size; i++)
        {
            scene.Pixels.AsSpan(i * 3, 3).CopyTo(padded.AsSpan(i * 4));
            padded[(i * 4) + 3] = byte.MaxValue;
        }

        return Encode(bitmap, padded);
    }

    private static byte[] Mask(Scene scene)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(Scene.Size, Scene.Size, SKColorType.Gray8, SKAlphaType.Opaque));
        return Encode(bitmap, scene.Mask.Classes);
    }

    private static byte[] Encode(SKBitmap bitmap, byte[] pixels)
    {
        Marshal.Copy(pixels, 0, bitmap.GetPixels(), pixels.Length);
        using SKPixmap pixmap = bitmap.PeekPixels()!;
        // Noise hardly packs: more effort costs time and saves nothing.
        using SKData data = pixmap.Encode(new SKPngEncoderOptions(SKPngEncoderFilterFlags.Sub, 1))!;
        return data.ToArray();
    }

    [GeneratedRegex(@"^scene\d{5}(_mask)?\.png$")]
    private static partial Regex OwnName();
}
