using System.Text.Json;
using NUnit.Framework;

namespace AccelGen.Cli.Tests;

/// <summary>The command that draws scenes: its folder, its numbers, what it refuses.</summary>
public sealed class ScenesCommandTests
{
    private string folder = string.Empty;

    [SetUp]
    public void Make() => folder = Directory.CreateTempSubdirectory("accelgen-scenes").FullName;

    [TearDown]
    public void Remove() => Directory.Delete(folder, recursive: true);

    [Test]
    public async Task A_set_of_another_size_replaces_the_one_before_and_begins_with_the_same_scenes()
    {
        string set = Path.Combine(folder, "set"),
            json = Path.Combine(folder, "set.json");
        Assert.That((await InProcess.RunAsync("scenes", "--count", "5", "--seed", "9", "--out", set)).ExitCode, Is.Zero);
        byte[] before = await File.ReadAllBytesAsync(Path.Combine(set, "scene00001.png"));
        InProcess.Result result = await InProcess.RunAsync("scenes", "--count", "2", "--seed", "9", "--out", set, "--json", json);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(
            Directory.EnumerateFiles(set).Select(Path.GetFileName),
            Is.EquivalentTo(new[] { "classes.txt", "scene00000.png", "scene00000_mask.png", "scene00001.png", "scene00001_mask.png" })
        );
        Assert.That(await File.ReadAllBytesAsync(Path.Combine(set, "scene00001.png")), Is.EqualTo(before));
        JsonElement document = JsonDocument.Parse(await File.ReadAllTextAsync(json)).RootElement;
        Assert.That(
            (
                document.GetProperty("scenes").GetInt32(),
                document.GetProperty("seed").GetInt32(),
                document.GetProperty("classes").GetArrayLength()
            ),
            Is.EqualTo((2, 9, 10))
        );
    }

    [TestCase("--count", "0", "--count is 0; legal are 1 to 100000")]
    [TestCase("--count", "100001", "--count is 100001; legal are 1 to 100000")]
    [TestCase("--seed", "-1", "--seed is -1; legal are 0 to 2147483647")]
    public async Task Numbers_out_of_range_are_refused_with_the_range(string option, string value, string message)
    {
        InProcess.Result result = await InProcess.RunAsync("scenes", option, value, "--out", Path.Combine(folder, "set"));
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(result.Error, Does.Contain(message));
        Assert.That(Directory.EnumerateFileSystemEntries(folder), Is.Empty);
    }

    [Test]
    public async Task A_folder_with_images_of_its_own_is_left_alone()
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "scene1.png"), "mine");
        InProcess.Result result = await InProcess.RunAsync("scenes", "--count", "1", "--out", folder);
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(result.Error, Does.Contain("scene1.png").And.Contain("move it away"));
        Assert.That(Directory.EnumerateFiles(folder).Select(Path.GetFileName), Is.EqualTo(new[] { "scene1.png" }));
    }
}
