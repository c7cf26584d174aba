using System.Numerics;
using NUnit.Framework;

namespace AccelGen.Data.Tests;

/// <summary>The drawn data set: repeatable, readable, with every class, and not to be solved by colour.</summary>
public sealed class SceneTests
{
    // Worked out with whole numbers of another language.
    private static readonly uint[] PinnedBits = [1703169117, 1350161730, 2314237915];

    private const float PinnedNoise = 0.5586924f;

    private static readonly Scene[] Some = [.. Enumerable.Range(0, 120).Select(i => Scene.Draw(7, i))];

    [Test]
    public void The_same_seed_gives_the_same_files_to_the_byte()
    {
        (string Name, byte[] Content)[] first = [.. SceneFiles.Create(3, 4)],
            second = [.. SceneFiles.Create(3, 4)];
        Assert.That(second.Select(f => f.Name), Is.EqualTo(first.Select(f => f.Name)));
        Assert.That(second.Select(f => f.Content), Is.EqualTo(first.Select(f => f.Content)));
        Assert.That(first.Select(f => f.Name), Is.Unique.And.All.Matches<string>(name => SceneFiles.Writes(name!)));
    }

    [Test]
    public void Scenes_do_not_depend_on_those_before_them()
    {
        Scene alone = Scene.Draw(7, 30);
        Assert.That(alone.Pixels, Is.EqualTo(Some[30].Pixels));
        Assert.That(alone.Mask.Classes, Is.EqualTo(Some[30].Mask.Classes));
    }

    [Test]
    public void Another_seed_or_number_gives_another_scene()
    {
        Scene[] all =
        [
            Scene.Draw(1, 0),
            Scene.Draw(1, 1),
            Scene.Draw(0, 1),
            Scene.Draw(2, 0),
            Scene.Draw(int.MaxValue, 0),
            Scene.Draw(0, SceneFiles.MaxCount - 1),
        ];
        Assert.That(all.Select(s => Convert.ToHexString(s.Mask.Classes)), Is.Unique);
        Assert.That(all.Select(s => Convert.ToHexString(s.Pixels)), Is.Unique);
    }

    [Test]
    public void Numbers_are_drawn_alike_on_every_runtime()
    {
        var random = SceneRandom.Of(1, 2);
        Assert.That(Enumerable.Range(0, 3).Select(_ => random.Bits()), Is.EqualTo(PinnedBits));
        Assert.That(SceneNoise.At(3.25f, -7.5f, 11), Is.EqualTo(PinnedNoise).Within(1e-6));
    }

    [Test]
    public void Every_class_has_its_share_of_the_pixels_and_of_the_scenes()
    {
        Assert.That(Scene.Classes, Has.Count.EqualTo(Enum.GetValues<SceneClass>().Length).And.All.Matches("^[a-z]+$"));
        for (int c = 0; c < Scene.Classes.Count; c++)
        {
            double share = Some.Average(s => s.Mask.Classes.Count(m => m == c) / (double)s.Mask.Classes.Length);
            Assert.That(share, Is.InRange(0.01, 0.4), Scene.Classes[c]);
            Assert.That(Some.Count(s => s.Mask.Classes.Contains((byte)c)), Is.GreaterThan(Some.Length / 4), Scene.Classes[c]);
        }

        Assert.That(Some.SelectMany(s => s.Mask.Classes).Max(), Is.EqualTo(Scene.Classes.Count - 1));
    }

    [Test]
    public void Written_scenes_are_read_as_images_with_masks_of_their_size()
    {
        string folder = Directory.CreateTempSubdirectory("accelgen-scenes").FullName;
        try
        {
            foreach ((string name, byte[] content) in SceneFiles.Create(7, 3))
                File.WriteAllBytes(Path.Combine(folder, name), content);
            ImageSet set = ImageSet.Load(folder);
            Assert.That(set.Images, Has.Count.EqualTo(3));
            for (int i = 0; i < 3; i++)
            {
                var mask = SegmentationMask.Read(set.Images[i].Mask!, Scene.Classes.Count);
                float[] pixels = ImageSet.Decode(set.Images[i].Path, mask.Height, mask.Width, 3, new Normalization([0, 0, 0], [1, 1, 1]));
                Assert.That((mask.Height, mask.Width), Is.EqualTo((Scene.Size, Scene.Size)));
                Assert.That(mask.Classes, Is.EqualTo(Some[i].Mask.Classes));
                Assert.That(pixels.Select(p => (byte)MathF.Round(p * 255)), Is.EqualTo(Some[i].Pixels));
            }

            Assert.That(File.ReadAllLines(Path.Combine(folder, SceneFiles.ClassList)), Is.EqualTo(Scene.Classes));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public void Colour_alone_does_not_tell_the_classes_apart()
    {
        int classes = Scene.Classes.Count;
        var sums = new Vector3[classes];
        int[] counts = new int[classes];
        Visit(Some.Take(80), (colour, c) => (sums[c], counts[c]) = (sums[c] + colour, counts[c] + 1));
        Vector3[] means = [.. sums.Select((s, c) => s / counts[c])];
        int[] right = new int[classes],
            found = new int[classes],
            there = new int[classes];
        Visit(
            Some.Skip(80),
            (colour, c) =>
            {
                int nearest = Enumerable.Range(0, classes).MinBy(k => Vector3.DistanceSquared(means[k], colour));
                (right[c], found[nearest], there[c]) = (right[c] + (nearest == c ? 1 : 0), found[nearest] + 1, there[c] + 1);
            }
        );
        double meanIou = Enumerable.Range(0, classes).Average(c => right[c] / (double)(found[c] + there[c] - right[c]));
        Assert.That(meanIou, Is.LessThan(0.25));

        static void Visit(IEnumerable<Scene> scenes, Action<Vector3, int> visit)
        {
            foreach (Scene scene in scenes)
            {
                for (int i = 0; i < scene.Mask.Classes.Length; i++)
                    visit(new Vector3(scene.Pixels[i * 3], scene.Pixels[(i * 3) + 1], scene.Pixels[(i * 3) + 2]), scene.Mask.Classes[i]);
            }
        }
    }
}
