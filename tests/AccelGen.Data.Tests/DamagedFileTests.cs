using System.Buffers.Binary;
using AccelGen.Files;
using AccelGen.Tests.Shared;
using NUnit.Framework;
using SkiaSharp;

namespace AccelGen.Data.Tests;

/// <summary>Damaged images, masks and labels are read, or refused by name; nothing else, and never in part.</summary>
public sealed class DamagedFileTests
{
    private const int Rows = 24,
        Columns = 20;
    private string folder = string.Empty;

    [SetUp]
    public void Make() => folder = Directory.CreateTempSubdirectory("accelgen-damaged").FullName;

    [TearDown]
    public void Remove() => Directory.Delete(folder, recursive: true);

    [TestCase(350)]
    [TestCase(7_000, Category = "Deep")]
    [CancelAfter(600_000)]
    public void A_damaged_image_is_an_image_or_refused(int count)
    {
        string path = Path.Combine(folder, "image.png");
        Assert.That(
            Mutations.Run(
                [.. Images().Values],
                count,
                damaged =>
                {
                    File.WriteAllBytes(path, damaged);
                    return Refused(path, () => ImageSet.Decode(path, 8, 8, 3, Normalization.Default(3)).Length == 8 * 8 * 3);
                }
            ),
            Is.Empty
        );
    }

    [TestCase(100)]
    [TestCase(2_000, Category = "Deep")]
    [CancelAfter(600_000)]
    public void A_damaged_mask_is_a_mask_or_refused(int count)
    {
        string path = Path.Combine(folder, "mask.png");
        Assert.That(
            Mutations.Run(
                [Encode(SKEncodedImageFormat.Png, grey: true), Bmp(grey: true)],
                count,
                damaged =>
                {
                    File.WriteAllBytes(path, damaged);
                    return Refused(
                        path,
                        () =>
                            SegmentationMask.Read(path, 10) is var mask
                            && mask.Classes.All(c => c < 10 || c == SegmentationMask.Ignored)
                            && mask.Resample(5, 5).Classes.Length == 25
                    );
                }
            ),
            Is.Empty
        );
    }

    [TestCase(100)]
    [TestCase(2_000, Category = "Deep")]
    [CancelAfter(600_000)]
    public void Damaged_labels_are_labels_or_refused(int count)
    {
        foreach (string name in new[] { "a.png", "b.png", "c.png" })
            File.WriteAllBytes(Path.Combine(folder, name), []);
        string path = Path.Combine(folder, "labels.csv");
        Assert.That(
            Mutations.Run(
                Mutations.Texts("file,class\na.png,0\nb.png,7\nc.png,2\n", "a.png, 12\r\n\r\nb.png, 3\r\n"),
                count,
                damaged =>
                {
                    File.WriteAllBytes(path, damaged);
                    return Refused(
                        path,
                        () => ImageSet.Load(folder).Images is { Count: 3 } images && images.All(i => i.Label is null or >= 0)
                    );
                }
            ),
            Is.Empty
        );
    }

    [Test]
    public void An_image_cut_short_anywhere_is_refused()
    {
        foreach ((string name, byte[] whole) in Images())
        {
            string path = Path.Combine(folder, name);
            File.WriteAllBytes(path, whole);
            Assert.That(ImageSet.Decode(path, Rows, Columns, 3, Normalization.Default(3)), Has.Length.EqualTo(Rows * Columns * 3), name);
            foreach (double part in new[] { 0, 0.02, 0.3, 0.5, 0.8 })
            {
                File.WriteAllBytes(path, whole[..(int)(whole.Length * part)]);
                Assert.That(
                    () => ImageSet.Decode(path, Rows, Columns, 3, Normalization.Default(3)),
                    Throws.TypeOf<InputException>().With.Message.StartsWith($"{path}: not a readable image"),
                    $"{name}, {part:P0}"
                );
            }
        }
    }

    [Test]
    public void A_header_of_more_pixels_than_are_read_is_refused_with_the_limit()
    {
        string path = Path.Combine(folder, "bomb.png");
        byte[] png = Encode(SKEncodedImageFormat.Png);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), 100_000);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), 100_000);
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Crc(png.AsSpan(12, 17)));
        File.WriteAllBytes(path, png);
        Assert.That(
            () => ImageSet.Decode(path, 8, 8, 3, Normalization.Default(3)),
            Throws.TypeOf<InputException>().With.Message.Contains("100000x100000 pixels by its header; legal are up to 268,435,456")
        );
        Assert.That(() => SegmentationMask.Read(path, 3), Throws.TypeOf<InputException>().With.Message.Contains("not a readable mask"));
    }

    [Test]
    public void An_image_with_two_classes_is_refused_with_both_lines()
    {
        File.WriteAllBytes(Path.Combine(folder, "a.png"), []);
        File.WriteAllText(Path.Combine(folder, "labels.csv"), "a.png,1\na.png,1\na.png,2\n");
        Assert.That(
            () => ImageSet.Load(folder),
            Throws.TypeOf<InputException>().With.Message.Contains("labels.csv(3): class 2 for a.png, which has class 1 in line 1")
        );
    }

    // The checksum of a chunk of PNG, type and data.
    private static uint Crc(ReadOnlySpan<byte> chunk)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in chunk)
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0xEDB88320;
        }

        return ~crc;
    }

    // Null when the file was taken or refused by its name.
    private static string? Refused(string path, Func<bool> read)
    {
        try
        {
            return read() ? null : "accepted, but wrong";
        }
        catch (InputException e)
        {
            return e.Message.Contains(path, StringComparison.Ordinal) ? null : $"refused without the file's name: {e.Message}";
        }
    }

    private static Dictionary<string, byte[]> Images() =>
        new()
        {
            ["a.png"] = Encode(SKEncodedImageFormat.Png),
            ["b.jpg"] = Encode(SKEncodedImageFormat.Jpeg),
            ["c.webp"] = Encode(SKEncodedImageFormat.Webp),
            ["d.bmp"] = Bmp(),
        };

    private static byte[] Encode(SKEncodedImageFormat format, bool grey = false)
    {
        using var bitmap = new SKBitmap(Columns, Rows);
        var random = new Random(2);
        for (int i = 0; i < Rows * Columns; i++)
            bitmap.SetPixel(
                i % Columns,
                i / Columns,
                grey ? new SKColor((byte)(i % 10), (byte)(i % 10), (byte)(i % 10)) : new SKColor((uint)random.Next() | 0xFF000000)
            );
        using SKData data = bitmap.Encode(format, 90);
        return data.ToArray();
    }

    // The library reads BMP, but writes none.
    private static byte[] Bmp(bool grey = false)
    {
        const int Head = 54;
        byte[] file = new byte[Head + (Rows * Columns * 3)];
        "BM"u8.CopyTo(file);
        foreach (
            (int at, int value) in new[]
            {
                (2, file.Length),
                (10, Head),
                (14, 40),
                (18, Columns),
                (22, Rows),
                (26, 1 | (24 << 16)),
                (34, Rows * Columns * 3),
            }
        )
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), value);
        for (int i = Head; i < file.Length; i++)
            file[i] = (byte)(grey ? (i - Head) / 3 % 10 : i * 37);
        return file;
    }
}
