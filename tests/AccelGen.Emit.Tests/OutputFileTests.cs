using System.Text;
using AccelGen.Files;
using CliWrap;
using NUnit.Framework;

namespace AccelGen.Emit.Tests;

/// <summary>What becomes of what an output's path names: a plain file, a link, a pipe, a device, a folder, nothing.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class OutputFileTests
{
    private string folder = string.Empty;

    [SetUp]
    public void Make() => folder = Directory.CreateTempSubdirectory("accelgen-output").FullName;

    [TearDown]
    public void Remove() => Directory.Delete(folder, recursive: true);

    [Test]
    public void A_plain_file_is_replaced_whole_and_keeps_its_rights()
    {
        string path = At("a.json");
        OutputFile.Write(path, "first");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        OutputFile.Write(path, "second");
        Assert.That(File.ReadAllText(path), Is.EqualTo("second"));
        Assert.That(File.GetUnixFileMode(path), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead));
        Assert.That(Names(), Is.EqualTo(new[] { "a.json" }));
    }

    [Test]
    public void A_write_that_fails_leaves_the_file_as_it_was()
    {
        OutputFile.Write(At("a.json"), "first");
        void Half(Stream stream)
        {
            stream.Write(Encoding.UTF8.GetBytes("sec"));
            throw new IOException("No space left on device : '/somewhere/else'");
        }

        Assert.That(
            () => OutputFile.Write(At("a.json"), Half),
            Throws.InstanceOf<IOException>().With.Message.EqualTo($"{At("a.json")} cannot be written: no space left on device")
        );
        Assert.That(() => OutputFile.Write(At("b.json"), Half), Throws.InstanceOf<IOException>());
        Assert.That(File.ReadAllText(At("a.json")), Is.EqualTo("first"));
        Assert.That(Names(), Is.EqualTo(new[] { "a.json" }));
    }

    [Test]
    public void What_no_file_can_be_named_is_refused_before_the_work_in_the_users_terms()
    {
        string longest = At(new string('a', 300));
        Assert.That(
            () => OutputFile.Check(longest),
            Throws
                .InstanceOf<IOException>()
                .With.Message.EqualTo($"{longest} cannot be written: its name is longer than the file system takes")
        );
        Assert.That(
            () => OutputFile.Check("/proc/x"),
            Throws.InstanceOf<IOException>().With.Message.EqualTo("/proc/x cannot be written: the system lets no file be made there")
        );
        Assert.That(Names(), Is.Empty);
    }

    [TestCase("real", true)]
    [TestCase("real", false)]
    [TestCase("deep/real", true)]
    public void A_link_is_followed_also_through_another_one_or_to_nothing_and_stays(string target, bool exists)
    {
        Directory.CreateDirectory(At("deep"));
        if (exists)
            File.WriteAllText(At(target), "first");
        File.CreateSymbolicLink(At("one"), target);
        File.CreateSymbolicLink(At("two"), At("one"));
        OutputFile.Write(At("two"), "second");
        Assert.That((new FileInfo(At("two")).LinkTarget, new FileInfo(At("one")).LinkTarget), Is.EqualTo((At("one"), target)));
        Assert.That(new FileInfo(At(target)).LinkTarget, Is.Null);
        Assert.That(File.ReadAllText(At(target)), Is.EqualTo("second"));
    }

    [Test]
    [CancelAfter(30_000)]
    public async Task A_pipe_is_written_into_by_streams_and_by_those_who_write_a_file()
    {
        await Cli.Wrap("mkfifo").WithArguments([At("pipe")]).ExecuteAsync();
        File.CreateSymbolicLink(At("link"), "pipe");
        foreach (string path in new[] { At("pipe"), At("link") })
        {
            Task<string> read = Task.Run(() => File.ReadAllText(At("pipe")));
            OutputFile.Check(path);
            OutputFile.Write(path, "through");
            Assert.That(await read, Is.EqualTo("through"));

            read = Task.Run(() => File.ReadAllText(At("pipe")));
            using (OutputFile file = OutputFile.Create(path))
            {
                await File.WriteAllTextAsync(file.WorkPath, "by file");
                file.Publish();
            }

            Assert.That(await read, Is.EqualTo("by file"));
        }

        Assert.That(Names(), Is.EqualTo(new[] { "link", "pipe" }));
        Assert.That(new FileInfo(At("pipe")).Length, Is.Zero);
    }

    [Test]
    public void A_device_is_written_into_and_stays_one()
    {
        OutputFile.Write("/dev/null", "gone");
        Assert.That(
            () => OutputFile.Write("/dev/full", "too much"),
            Throws.InstanceOf<IOException>().With.Message.EqualTo("/dev/full cannot be written: no space left on device")
        );
        File.CreateSymbolicLink(At("null"), "/dev/null");
        OutputFile.Write(At("null"), "gone");
        Assert.That(File.ReadAllText("/dev/null"), Is.Empty);
        Assert.That(new FileInfo(At("null")).LinkTarget, Is.EqualTo("/dev/null"));
    }

    [Test]
    public void What_cannot_be_written_is_said_before_the_work_and_names_the_path_and_the_reason()
    {
        File.WriteAllText(At("file"), "x");
        File.CreateSymbolicLink(At("circle"), "circle");
        Says(At("no/such/x.json"), $"there is no folder {At("no/such")}");
        Says(At("file/x.json"), $"{At("file")} is no folder");
        Says(folder, "it is a folder");
        Says(At("new") + "/", "it is a folder");
        Says(At("circle"), "too many");
        Says("/proc/accelgen.json", string.Empty);
        Assert.That(() => OutputFile.Check(string.Empty), Throws.TypeOf<InputException>());
        Assert.That(Names(), Is.EqualTo(new[] { "circle", "file" }));

        static void Says(string path, string reason) =>
            Assert.That(
                () => OutputFile.Check(path),
                Throws.InstanceOf<IOException>().With.Message.StartsWith($"{path} cannot be written: ").And.Message.Contains(reason),
                path
            );
    }

    [Test]
    public void A_file_that_may_not_be_written_is_not_replaced()
    {
        File.WriteAllText(At("a.json"), "first");
        File.SetUnixFileMode(At("a.json"), UnixFileMode.UserRead);
        // Root may write everything.
        if (Environment.IsPrivilegedProcess)
            Assert.That(() => OutputFile.Check(At("a.json")), Throws.Nothing);
        else
            Assert.That(() => OutputFile.Check(At("a.json")), Throws.InstanceOf<IOException>().With.Message.Contains("permission denied"));
        Assert.That(File.ReadAllText(At("a.json")), Is.EqualTo("first"));
    }

    private string At(string name) => Path.Combine(folder, name);

    private string?[] Names() => [.. Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal)];
}
