using AccelGen.Files;
using NUnit.Framework;
using SkiaSharp;

namespace AccelGen.Data.Tests;

/// <summary>Folders of images, labels, decoding.</summary>
public sealed class ImageSetTests
{
    private string folder = string.Empty;

    [SetUp]
    public void Make() => folder = Directory.CreateTempSubdirectory("accelgen-images").FullName;

    [TearDown]
    public void Remove() => Directory.Delete(folder, recursive: true);

    [Test]
    public void Classes_come_from_the_sorted_names_of_folders()
    {
        foreach (string name in new[] { "dog", "cat", "ant" })
            Write(Path.Combine(Directory.CreateDirectory(Path.Combine(folder, name)).FullName, "0.png"), 2, 2, _ => SKColors.Red);
        ImageSet set = ImageSet.Load(folder);
        Assert.That(set.Classes, Is.EqualTo(new[] { "ant", "cat", "dog" }));
        Assert.That(set.Images.Select(i => i.Label), Is.EqualTo(new int?[] { 0, 1, 2 }));
    }

    [Test]
    public void Labels_come_from_the_file_beside_the_images_and_every_wrong_line_is_named()
    {
        Write(Path.Combine(folder, "a.png"), 2, 2, _ => SKColors.Red);
        Write(Path.Combine(folder, "b.png"), 2, 2, _ => SKColors.Red);
        string csv = Path.Combine(folder, "labels.csv");
        File.WriteAllText(csv, "file,label\nb.png,7\n");
        Assert.That(ImageSet.Load(folder).Images.Select(i => i.Label), Is.EqualTo(new int?[] { null, 7 }));
        File.WriteAllText(csv, "a.png,1\nb.png\na.png,cat\n");
        InputException e = Assert.Throws<InputException>(() => ImageSet.Load(folder))!;
        Assert.That(e.Message, Does.Contain("labels.csv(2)").And.Contain("labels.csv(3)"));
    }

    [TestCase("", "labels none of the 1 images")]
    [TestCase("other.png,1", "labels none of the 1 images")]
    [TestCase("a.png,99999999999", "is not 'file,class index'")]
    public void Labels_that_label_nothing_are_refused(string text, string says)
    {
        File.WriteAllBytes(Path.Combine(folder, "a.png"), [1]);
        string labels = Path.Combine(folder, "other.csv");
        File.WriteAllText(labels, text);
        Assert.That(() => ImageSet.Load(folder, labels), Throws.InstanceOf<InputException>().With.Message.Contains(says));
    }

    [Test]
    public void Missing_folders_empty_folders_and_missing_labels_are_explained()
    {
        Assert.That(
            () => ImageSet.Load(Path.Combine(folder, "no")),
            Throws.TypeOf<InputException>().With.Message.Contains("no such folder")
        );
        Assert.That(() => ImageSet.Load(folder), Throws.TypeOf<InputException>().With.Message.Contains("holds no images"));
        Assert.That(
            () => ImageSet.Load(folder, Path.Combine(folder, "l.csv")),
            Throws.TypeOf<InputException>().With.Message.Contains("l.csv")
        );
    }

    [Test]
    public void Pixels_are_normalised_per_channel_in_the_order_red_green_blue()
    {
        string path = Path.Combine(folder, "a.png");
        Write(path, 3, 2, i => new SKColor((byte)i, (byte)(i + 100), 255));
        float[] values = ImageSet.Decode(path, 2, 3, 3, new Normalization([0, 0.5f, 1], [1, 2, 4]));
        for (int i = 0; i < 6; i++)
        {
            Assert.That(values[i * 3], Is.EqualTo(i / 255f).Within(1e-6));
            Assert.That(values[(i * 3) + 1], Is.EqualTo(((i + 100) / 255f - 0.5f) / 2).Within(1e-6));
            Assert.That(values[(i * 3) + 2], Is.EqualTo(0).Within(1e-6));
        }
    }

    [Test]
    public void A_grey_image_gives_one_channel_and_another_size_is_scaled()
    {
        string path = Path.Combine(folder, "a.png");
        Write(path, 8, 8, _ => new SKColor(51, 51, 51));
        Assert.That(ImageSet.Decode(path, 4, 4, 1, Normalization.Default(1)), Has.Length.EqualTo(16).And.All.EqualTo(0.2f).Within(1e-6));
    }

    [Test]
    public void A_sample_is_the_same_for_the_same_seed_and_keeps_the_order()
    {
        for (int i = 0; i < 20; i++)
            Write(Path.Combine(folder, $"{i:D2}.png"), 1, 1, _ => SKColors.Red);
        ImageSet set = ImageSet.Load(folder);
        string[] first = [.. set.Sample(5, 1).Images.Select(i => i.Path)];
        Assert.That(first, Has.Length.EqualTo(5).And.Ordered);
        Assert.That(set.Sample(5, 1).Images.Select(i => i.Path), Is.EqualTo(first));
        Assert.That(set.Sample(5, 2).Images.Select(i => i.Path), Is.Not.EqualTo(first));
        Assert.That(set.Sample(30, 1).Images, Has.Count.EqualTo(20));
    }

    private static void Write(string path, int width, int height, Func<int, SKColor> color)
    {
        using var bitmap = new SKBitmap(width, height);
        for (int p = 0; p < width * height; p++)
            bitmap.SetPixel(p % width, p / width, color(p));
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        File.WriteAllBytes(path, data.ToArray());
    }
}
