using AccelGen.Config;
using AccelGen.Files;
using AccelGen.Tests.Shared;
using CliWrap;
using CliWrap.Buffered;
using NUnit.Framework;

namespace AccelGen.Emit.Tests;

public sealed class RtlEmitterTests
{
    [Test]
    public void Emission_is_the_same_byte_for_byte_every_time()
    {
        IReadOnlyList<EmittedFile> first = RtlEmitter.EmitAll(ConfigLoader.Load("base")),
            second = RtlEmitter.EmitAll(ConfigLoader.Load("base"));
        Assert.That(first, Is.EqualTo(second));
    }

    [TestCase("tiny")]
    [TestCase("base")]
    public void The_committed_output_is_current(string preset)
    {
        string root = Repository.Root;
        foreach (EmittedFile file in RtlEmitter.EmitAll(ConfigLoader.Load(preset)))
        {
            string path = Path.Combine(root, "rtl-out", preset, file.Path);
            Assert.That(File.Exists(path), $"{path} is missing: run scripts/regen");
            Assert.That(File.ReadAllText(path), Is.EqualTo(file.Text), $"{file.Path} is stale: run scripts/regen");
        }
    }

    [TestCase("tiny")]
    [TestCase("base", "array.pes=1", "axi.dataBits=64")]
    [TestCase("tiny", "array.vectorWidth=12", "array.lanes=6", "array.pes=3", "axi.addressBits=40")]
    [TestCase("small", "array.vectorWidth=20", "array.lanes=20", "array.pes=5", "axi.dataBits=256")]
    [CancelAfter(120_000)]
    public async Task Every_module_is_lint_clean_as_top(string preset, params string[] overrides)
    {
        AcceleratorConfig config = ConfigLoader.Load(preset, overrides);
        string folder = Path.Combine(Path.GetTempPath(), $"accelgen-lint-{Guid.NewGuid():N}");
        try
        {
            OutputFolder.Write(folder, RtlEmitter.EmitAll(config));
            foreach (string module in RtlEmitter.Modules)
            {
                BufferedCommandResult lint = await Cli.Wrap("verilator")
                    .WithArguments(["--lint-only", "-Wall", "--assert", "flow/lint.vlt", "-F", "flow/files.f", "--top-module", module])
                    .WithWorkingDirectory(folder)
                    .WithValidation(CommandResultValidation.None)
                    .ExecuteBufferedAsync();
                Assert.That(lint.ExitCode, Is.Zero, $"{module}: {lint.StandardError}");
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestCase("-f", "flow/files.f", "")]
    [TestCase("-f", "files.f", "flow")]
    [TestCase("-F", "flow/files.f", "")]
    [TestCase("-F", "files.f", "flow")]
    [TestCase("-F", "../flow/files.f", "rtl")]
    [TestCase("-F", "", null)]
    [CancelAfter(60_000)]
    public async Task The_list_of_files_is_read_from_the_folder_above_it_by_f_and_from_anywhere_by_F(
        string option,
        string list,
        string? from
    )
    {
        string folder = Path.Combine(Path.GetTempPath(), $"accelgen-list-{Guid.NewGuid():N}");
        try
        {
            OutputFolder.Write(folder, RtlEmitter.EmitAll(ConfigLoader.Load("tiny")));
            BufferedCommandResult lint = await Cli.Wrap("verilator")
                .WithArguments([
                    "--lint-only",
                    "-Wno-fatal",
                    "-Wno-lint",
                    "-Wno-style",
                    "--top-module",
                    RtlEmitter.TopModule,
                    option,
                    from is null ? Path.Combine(folder, "flow", "files.f") : list,
                ])
                .WithWorkingDirectory(from is null ? "/" : Path.Combine(folder, from))
                .WithValidation(CommandResultValidation.None)
                .ExecuteBufferedAsync();
            Assert.That(lint.ExitCode, Is.Zero, lint.StandardError);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public void A_failed_write_leaves_the_old_folder_as_it_was()
    {
        string parent = Path.Combine(Path.GetTempPath(), $"accelgen-out-{Guid.NewGuid():N}"),
            target = Path.Combine(parent, "out");
        try
        {
            OutputFolder.Write(target, [new EmittedFile("a.txt", "old")]);
            // A path through a file cannot be created: the write fails halfway.
            Assert.That(
                () => OutputFolder.Write(target, [new EmittedFile("a.txt", "new"), new EmittedFile("a.txt/b.txt", "x")]),
                Throws.InstanceOf<IOException>()
            );
            Assert.That(File.ReadAllText(Path.Combine(target, "a.txt")), Is.EqualTo("old"));
            Assert.That(Directory.EnumerateFileSystemEntries(parent).Count(), Is.EqualTo(1));
        }
        finally
        {
            Directory.Delete(parent, recursive: true);
        }
    }

    [Test]
    public void A_link_to_a_folder_is_followed_and_folders_made_for_a_failed_write_are_removed()
    {
        string parent = Directory.CreateTempSubdirectory("accelgen-out").FullName,
            real = Path.Combine(parent, "real"),
            link = Path.Combine(parent, "link");
        try
        {
            OutputFolder.Write(Path.Combine(real, "out"), [new EmittedFile("a.txt", "old")]);
            File.CreateSymbolicLink(link, "real/out");
            OutputFolder.Write(link, [new EmittedFile("b.txt", "new")]);
            Assert.That(new FileInfo(link).LinkTarget, Is.EqualTo("real/out"));
            Assert.That(
                Directory.EnumerateFileSystemEntries(Path.Combine(real, "out")).Select(Path.GetFileName),
                Is.EqualTo(new[] { "b.txt" })
            );

            string deep = Path.Combine(parent, "x", "y", "out");
            Assert.That(
                () => OutputFolder.Write(deep, [new EmittedFile("a", "1"), new EmittedFile("a/b", "2")]),
                Throws.InstanceOf<IOException>().With.Message.StartsWith($"{deep} cannot be written: ")
            );
            Assert.That(Directory.Exists(Path.Combine(parent, "x")), Is.False);
            Assert.That(
                () => OutputFolder.Write(Path.Combine(real, "out", "b.txt"), [new EmittedFile("a", "1")]),
                Throws.InstanceOf<IOException>().With.Message.Contains("it is a file, not a folder")
            );
            Assert.That(() => OutputFolder.Write(string.Empty, Array.Empty<EmittedFile>()), Throws.TypeOf<InputException>());
        }
        finally
        {
            Directory.Delete(parent, recursive: true);
        }
    }
}
