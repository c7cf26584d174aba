using AccelGen.Files;
using SkiaSharp;

namespace AccelGen.Data;

/// <summary>Class index of every pixel of an image.</summary>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="Classes">Class per pixel, row by row; <see cref="Ignored"/> where a pixel does not count.</param>
public sealed record SegmentationMask(int Height, int Width, byte[] Classes)
{
    /// <summary>Mark of a pixel that does not count.</summary>
    public const byte Ignored = 255;

    /// <summary>Reads a mask: grey values are class indices, 255 and values below the first class do not count.</summary>
    /// <param name="path">PNG or BMP file.</param>
    /// <param name="classes">Classes of the network.</param>
    /// <param name="first">Grey value of class 0.</param>
    /// <exception cref="InputException">The file is no mask, or has a class that the network has not.</exception>
    public static SegmentationMask Read(string path, int classes, int first = 0)
    {
        using SKBitmap decoded = Bitmap.Read(path, "mask");
        using SKBitmap bitmap =
            decoded.Copy(SKColorType.Rgba8888) ?? throw new InputException(FaultCodes.Unreadable, path, "not a readable mask");
        ReadOnlySpan<byte> pixels = bitmap.GetPixelSpan();
        byte[] result = new byte[bitmap.Height * bitmap.Width];
        for (int i = 0; i < result.Length; i++)
        {
            ReadOnlySpan<byte> p = pixels.Slice((i / bitmap.Width * bitmap.RowBytes) + (i % bitmap.Width * 4), 3);
            string Pixel() => $"row {i / bitmap.Width}, column {i % bitmap.Width}";
            if (p[0] != p[1] || p[1] != p[2])
                throw new InputException(
                    FaultCodes.Mask,
                    path,
                    $"{Pixel()} has the colour {p[0]},{p[1]},{p[2]}",
                    "the pixels of a mask are grey, their value is the class"
                );
            if (p[0] != Ignored && p[0] - first >= classes)
                throw new InputException(
                    FaultCodes.Mask,
                    path,
                    $"{Pixel()} has grey value {p[0]}, class {p[0] - first}",
                    $"the network has the classes 0 to {classes - 1}, 255 does not count, and --mask-first (now {first}) "
                        + "is the grey value of class 0"
                );
            result[i] = p[0] == Ignored || p[0] < first ? Ignored : (byte)(p[0] - first);
        }

        return new SegmentationMask(bitmap.Height, bitmap.Width, result);
    }

    /// <summary>The mask in another size: each pixel has the class at its centre.</summary>
    public SegmentationMask Resample(int height, int width)
    {
        byte[] result = new byte[height * width];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
                result[(y * width) + x] = Classes[
                    ((((2 * y) + 1) * Height / (2 * height)) * Width) + (((2 * x) + 1) * Width / (2 * width))
                ];
        }

        return new SegmentationMask(height, width, result);
    }
}
