using AccelGen.Files;
using NUnit.Framework;
using SkiaSharp;

namespace AccelGen.Data.Tests;

/// <summary>Which files are masks, and what they say.</summary>
public sealed class MaskFilesTests
{
    private string folder = string.Empty;

    [SetUp]
    public void Make() => folder = Directory.CreateTempSubdirectory("accelgen-masks").FullName;

    [TearDown]
    public void Remove() => Directory.Delete(folder, recursive: true);

    [Test]
    public void Masks_beside_images_go_with_them_and_are_no_images()
    {
        foreach (
            string name in new[]
            {
                "a.jpg",
                "a.png",
                "b.png",
                "b_mask.png",
                "c.webp",
                "c_label.bmp",
                "d_mask.png",
                "e.png",
                "e.bmp",
                "f.jpg",
                "f_mask.png",
                "f_label.png",
            }
        )
            File.WriteAllBytes(Path.Combine(folder, name), []);
        (string, string?)[] found = [.. ImageSet.Load(folder).Images.Select(i => (Path.GetFileName(i.Path), Path.GetFileName(i.Mask)))];
        // A mask's name without an image, and two lossless files of one name, are images.
        Assert.That(
            found,
            Is.EqualTo(
                new (string, string?)[]
                {
                    ("a.jpg", "a.png"),
                    ("b.png", "b_mask.png"),
                    ("c.webp", "c_label.bmp"),
                    ("d_mask.png", null),
                    ("e.bmp", null),
                    ("e.png", null),
                    ("f.jpg", "f_label.png"),
                }
            )
        );
    }

    [Test]
    public void A_folder_of_masks_takes_the_place_of_those_beside_the_images()
    {
        string masks = Directory.CreateDirectory(Path.Combine(folder, "masks")).FullName;
        foreach (string name in new[] { "a.png", "b.png", "b_mask.png", "masks/a.png", "masks/b_label.bmp", "masks/c.png" })
            File.WriteAllBytes(Path.Combine(folder, name), []);
        Assert.That(
            ImageSet.Load(folder, null, masks).Images.Select(i => i.Mask),
            Is.EqualTo(new[] { Path.Combine(masks, "a.png"), Path.Combine(masks, "b_label.bmp") })
        );
        Assert.That(
            () => ImageSet.Load(folder, null, Path.Combine(folder, "no")),
            Throws.TypeOf<InputException>().With.Message.Contains("no such folder of masks")
        );
    }

    [Test]
    public void Grey_values_are_classes_from_the_first_on_and_255_does_not_count()
    {
        string path = Write("m.png", 3, 1, new SKColor(0, 0, 0), new SKColor(2, 2, 2), new SKColor(255, 255, 255));
        Assert.That(SegmentationMask.Read(path, 3).Classes, Is.EqualTo(new byte[] { 0, 2, 255 }));
        Assert.That(SegmentationMask.Read(path, 2, first: 1).Classes, Is.EqualTo(new byte[] { 255, 1, 255 }));
        Assert.That(
            () => SegmentationMask.Read(path, 2),
            Throws.TypeOf<InputException>().With.Message.Contains("row 0, column 1 has grey value 2").And.Message.Contains("classes 0 to 1")
        );
    }

    [Test]
    public void Colours_and_unreadable_files_are_no_masks()
    {
        Assert.That(
            () => SegmentationMask.Read(Write("m.png", 1, 1, new SKColor(1, 2, 3)), 5),
            Throws.TypeOf<InputException>().With.Message.Contains("colour 1,2,3")
        );
        string text = Path.Combine(folder, "t.png");
        File.WriteAllText(text, "no picture");
        Assert.That(() => SegmentationMask.Read(text, 5), Throws.TypeOf<InputException>().With.Message.Contains("not a readable mask"));
    }

    [Test]
    public void Another_size_has_the_class_at_the_centre_of_each_pixel()
    {
        var mask = new SegmentationMask(4, 6, [.. Enumerable.Range(0, 24).Select(i => (byte)i)]);
        Assert.That(mask.Resample(4, 6).Classes, Is.EqualTo(mask.Classes));
        // Centres of 2 x 3 pixels of 2 x 2 lie on corners, which belong to the pixel behind them.
        Assert.That(mask.Resample(2, 3).Classes, Is.EqualTo(new byte[] { 7, 9, 11, 19, 21, 23 }));
        Assert.That(mask.Resample(4, 2).Classes, Is.EqualTo(new byte[] { 1, 4, 7, 10, 13, 16, 19, 22 }));
        Assert.That(mask.Resample(8, 6).Classes, Is.EqualTo(Enumerable.Range(0, 48).Select(i => (byte)((i / 12 * 6) + (i % 6)))));
    }

    [Test]
    public void A_drawn_image_depends_on_seed_and_index_alone_and_uses_the_whole_range()
    {
        var plain = new Normalization([0, 0, 0], [1, 1, 1]);
        float[] image = SyntheticImages.Create(48, 64, 3, plain, 5, 0);
        Assert.That(SyntheticImages.Create(48, 64, 3, plain, 5, 0), Is.EqualTo(image));
        Assert.That(SyntheticImages.Create(48, 64, 3, plain, 5, 1), Is.Not.EqualTo(image));
        Assert.That(SyntheticImages.Create(48, 64, 3, plain, 6, 0), Is.Not.EqualTo(image));
        Assert.That((image.Min(), image.Max()), Is.EqualTo((0f, 1f)).Within(0.15));
        float[] normalised = SyntheticImages.Create(48, 64, 3, new Normalization([0.5f, 0, 0], [0.25f, 1, 1]), 5, 0);
        Assert.That(normalised[3], Is.EqualTo((image[3] - 0.5f) / 0.25f).Within(1e-5));
    }

    private string Write(string name, int width, int height, params SKColor[] pixels)
    {
        using var bitmap = new SKBitmap(width, height);
        for (int i = 0; i < pixels.Length; i++)
            bitmap.SetPixel(i % width, i / width, pixels[i]);
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        File.WriteAllBytes(Path.Combine(folder, name), data.ToArray());
        return Path.Combine(folder, name);
    }
}
