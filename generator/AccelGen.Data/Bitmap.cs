using System.Globalization;
using AccelGen.Files;
using SkiaSharp;

namespace AccelGen.Data;

/// <summary>Files of pixels, read whole or not at all.</summary>
internal static class Bitmap
{
    /// <summary>Most pixels of an image: 1 GiB of them. A header can claim any number.</summary>
    public const long MaxPixels = 1 << 28;

    /// <summary>Decodes a file.</summary>
    /// <param name="path">File.</param>
    /// <param name="what">What it is to be, for messages.</param>
    /// <exception cref="InputException">The file is not readable as that: of another format, damaged, cut short or too large.</exception>
    public static SKBitmap Read(string path, string what)
    {
        // A pipe would be waited for.
        if (File.Exists(path) && !OutputFile.IsPlain(path))
            throw new InputException(FaultCodes.Unreadable, path, $"not a readable {what}: a pipe or a device, no regular file");
        using SKData data =
            SKData.Create(path)
            ?? throw new InputException(FaultCodes.Unreadable, path, $"not a readable {what}: the file cannot be opened or is empty");
        using SKCodec codec =
            SKCodec.Create(data)
            ?? throw new InputException(FaultCodes.Unreadable, path, $"not a readable {what}: of no known format, or damaged");
        SKImageInfo info = codec.Info;
        if ((long)info.Width * info.Height > MaxPixels)
            throw new InputException(
                FaultCodes.Unreadable,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{path}: not a readable {what}: {info.Width}x{info.Height} pixels by its header; legal are up to {MaxPixels:N0} pixels"
                )
            );
        // Counts as they are in the file: no colour space, alpha multiplied in.
        info = info.WithAlphaType(info.AlphaType == SKAlphaType.Unpremul ? SKAlphaType.Premul : info.AlphaType).WithColorSpace(null);
        var bitmap = new SKBitmap();
        if (!bitmap.TryAllocPixels(info))
        {
            bitmap.Dispose();
            throw new InputException(
                FaultCodes.Unreadable,
                path,
                $"not a readable {what}: there is no memory for its {info.Width}x{info.Height} pixels"
            );
        }

        SKCodecResult result = codec.GetPixels(info, bitmap.GetPixels());
        if (result == SKCodecResult.Success)
            return bitmap;
        bitmap.Dispose();
        throw new InputException(
            FaultCodes.Unreadable,
            path,
            $"not a readable {what}: "
                + $"{(result == SKCodecResult.IncompleteInput ? "the file ends before its last row" : "its pixels are damaged")}"
        );
    }
}
