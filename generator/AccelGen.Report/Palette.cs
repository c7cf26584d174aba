using SkiaSharp;

namespace AccelGen.Report;

/// <summary>Colours of classes, and pictures in them.</summary>
internal static class Palette
{
    private const byte Unknown = 255;
    private const float Saturation = 62,
        Lightness = 55;

    // Hues by multiples of the golden section, so that neighbouring classes differ; every second ring of them is darker.
    private const double GoldenSection = 0.6180339887498949;

    /// <summary>Colour of a class.</summary>
    public static SKColor Of(int of) =>
        SKColor.FromHsl((float)(((of * GoldenSection) + 0.58) % 1 * 360), Saturation, Lightness - (of / 2 % 2 * 18));

    /// <summary>Colour of a class for style sheets.</summary>
    public static string Css(int of) => Of(of) is var c ? $"#{c.Red:x2}{c.Green:x2}{c.Blue:x2}" : string.Empty;

    /// <summary>A segmentation as PNG file; pixels that are not known are grey.</summary>
    public static byte[] Png(Segmentation of)
    {
        using var bitmap = new SKBitmap(of.Width, of.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        bitmap.Pixels = [.. of.Classes.Select(c => c == Unknown ? SKColors.LightGray : Of(c))];
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }
}
