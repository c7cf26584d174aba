using AccelGen.Config;
using CliWrap;
using CliWrap.Buffered;
using NUnit.Framework;

namespace AccelGen.Emit.Tests;

public sealed class RtlEmitterTests
{
    [Test]
    public void Emission_is_the_same_byte_for_byte_every_time()
    {
        IReadOnlyList<EmittedFile> first = RtlEmitter.EmitAll(ConfigLoader.Load("base")), second = RtlEmitter.EmitAll(ConfigLoader.Load("base"));
        Assert.That(first, Is.EqualTo(second));
    }

    [TestCase("tiny")]
    [TestCase("base")]
    public void The_committed_output_is_current(string preset)
    {
        string root = Root();
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
            string[] files = await File.ReadAllLinesAsync(Path.Combine(folder, "flow", "files.f"));
            foreach (string module in RtlEmitter.Modules)
            {
                BufferedCommandResult lint = await Cli.Wrap("verilator")
                    .WithArguments(["--lint-only", "-Wall", "--assert", "flow/lint.vlt", .. files, "--top-module", module])
                    .WithWorkingDirectory(folder).WithValidation(CommandResultValidation.None).ExecuteBufferedAsync();
                Assert.That(lint.ExitCode, Is.Zero, $"{module}: {lint.StandardError}");
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task The_c_header_compiles()
    {
        string text = RtlEmitter.EmitAll(ConfigLoader.Load("tiny")).Single(f => f.Path == "sw/acc_isa.h").Text;
        BufferedCommandResult result = await Cli.Wrap("g++").WithArguments(["-x", "c", "-std=c11", "-Wall", "-Werror", "-fsyntax-only", "-"])
            .WithStandardInputPipe(PipeSource.FromString(text + "\nint main(void) { return 0; }\n")).WithValidation(CommandResultValidation.None).ExecuteBufferedAsync();
        Assert.That(result.ExitCode, Is.Zero, result.StandardError);
    }

    [Test]
    public void A_failed_write_leaves_the_old_folder_as_it_was()
    {
        string parent = Path.Combine(Path.GetTempPath(), $"accelgen-out-{Guid.NewGuid():N}"), target = Path.Combine(parent, "out");
        try
        {
            OutputFolder.Write(target, [new EmittedFile("a.txt", "old")]);
            // A path through a file cannot be created: the write fails halfway.
            Assert.That(() => OutputFolder.Write(target, [new EmittedFile("a.txt", "new"), new EmittedFile("a.txt/b.txt", "x")]), Throws.InstanceOf<IOException>());
            Assert.That(File.ReadAllText(Path.Combine(target, "a.txt")), Is.EqualTo("old"));
            Assert.That(Directory.EnumerateFileSystemEntries(parent).Count(), Is.EqualTo(1));
        }
        finally
        {
            Directory.Delete(parent, recursive: true);
        }
    }

    private static string Root()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "AccelGen.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("the tests run outside the repository");
    }
}
