using System.Diagnostics;
using CliWrap;
using CliWrap.Buffered;
using NUnit.Framework;

namespace AccelGen.Cli.Tests;

/// <summary>Ctrl-C, full disks and waveforms: what is left behind is whole or nothing.</summary>
public sealed class InterruptionTests
{
    private string folder = string.Empty;

    [SetUp]
    public void Make() => folder = Directory.CreateTempSubdirectory("accelgen-interrupt").FullName;

    [TearDown]
    public void Remove() => Directory.Delete(folder, recursive: true);

    [Test]
    [CancelAfter(180_000)]
    public async Task Ctrl_C_during_a_build_leaves_nothing_and_the_next_run_works()
    {
        string cache = Path.Combine(folder, "cache");
        string[] arguments = ["simulate", "--config", "tiny", "--layer", "linear 4x8 -> 8"];
        // A shell that starts the tests in the background has them ignore SIGINT, and a child inherits that.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", AccelGenProcess.Dotnet, AccelGenProcess.Library, .. arguments])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        start.Environment["ACCELGEN_CACHE"] = cache;
        using Process process = Process.Start(start)!;
        // The build has begun when its folder holds what Verilator writes.
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (
            !process.HasExited
            && !(Directory.Exists(cache) && Directory.EnumerateDirectories(cache, "obj", SearchOption.AllDirectories).Any())
        )
            await poll.WaitForNextTickAsync();
        Assert.That(process.HasExited, Is.False, "the build ended before it could be interrupted");
        await CliWrap.Cli.Wrap("kill").WithArguments(["-INT", $"{process.Id}"]).ExecuteAsync();
        string error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.That(process.ExitCode, Is.EqualTo(130), error);
        Assert.That(error, Does.Contain("interrupted").And.Not.Contain("   at "));
        Assert.That(Directory.EnumerateFileSystemEntries(cache), Is.Empty);

        // Killed, it cannot clean up: the next build does.
        using Process killed = Process.Start(start)!;
        while (!killed.HasExited && !Directory.EnumerateDirectories(cache, "obj", SearchOption.AllDirectories).Any())
            await poll.WaitForNextTickAsync();
        killed.Kill(entireProcessTree: true);
        await killed.WaitForExitAsync();
        Assert.That(Directory.EnumerateDirectories(cache), Is.Not.Empty);
        BufferedCommandResult again = await AccelGenProcess.RunAsync(new() { ["ACCELGEN_CACHE"] = cache }, arguments);
        Assert.That(again.ExitCode, Is.Zero, again.StandardError);
        Assert.That(
            Directory.EnumerateFileSystemEntries(cache).Select(Path.GetFileName),
            Has.Exactly(2).Items.And.None.StartsWith("."),
            "the model and the runtime"
        );
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task A_full_disk_is_one_error_and_leaves_no_output()
    {
        // A file system of 64 KiB in a mount name space of its own.
        string disk = Directory.CreateDirectory(Path.Combine(folder, "disk")).FullName;
        const string Script =
            "mount -t tmpfs -o size=64k none \"$0\" || exit 77; \"$@\"; status=$?; echo \"left: $(ls -A \"$0\")\"; exit $status";
        BufferedCommandResult result = await CliWrap
            .Cli.Wrap("unshare")
            .WithArguments([
                "-rm",
                "bash",
                "-c",
                Script,
                disk,
                AccelGenProcess.Dotnet,
                AccelGenProcess.Library,
                "generate",
                "--config",
                "base",
                "--out",
                Path.Combine(disk, "rtl"),
            ])
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync();
        if (result.ExitCode == 77 || result.StandardError.StartsWith("unshare:", StringComparison.Ordinal))
            Assert.Ignore($"needs a mount name space of its own: {result.StandardError}");
        Assert.That(result.ExitCode, Is.EqualTo(3), result.StandardError);
        Assert.That(result.StandardError, Does.StartWith("error: ").And.Not.Contain("   at "));
        Assert.That(result.StandardOutput.TrimEnd(), Does.EndWith("left:"));
    }

    [Test]
    [CancelAfter(120_000)]
    public async Task A_waveform_window_holds_only_its_cycles()
    {
        string whole = Path.Combine(folder, "whole.fst"),
            window = Path.Combine(folder, "window.fst");
        string[] layer = ["simulate", "--config", "tiny", "--layer", "linear 64x32 -> 32"];
        BufferedCommandResult all = await AccelGenProcess.RunAsync(null, [.. layer, "--waveform", whole]);
        BufferedCommandResult part = await AccelGenProcess.RunAsync(null, [.. layer, "--waveform", window, "--waveform-window", "200:260"]);
        Assert.That((all.ExitCode, part.ExitCode), Is.EqualTo((0, 0)), all.StandardError + part.StandardError);
        (ulong start, ulong end) = Times(window);
        // Two samples of five time units per cycle.
        Assert.That((end - start) / 10, Is.InRange(58, 61));
        Assert.That(new FileInfo(window).Length, Is.LessThan(new FileInfo(whole).Length));
    }

    [Test]
    [CancelAfter(120_000)]
    public async Task A_window_that_begins_after_the_run_is_refused_and_nothing_is_written()
    {
        string wave = Path.Combine(folder, "w.fst");
        BufferedCommandResult result = await AccelGenProcess.RunAsync(
            null,
            "simulate",
            "--config",
            "tiny",
            "--layer",
            "linear 4x8 -> 8",
            "--waveform",
            wave,
            "--waveform-window",
            "100000:200000"
        );
        Assert.That(result.ExitCode, Is.EqualTo(2), result.StandardError);
        Assert.That(result.StandardError, Does.Contain("the waveform's window begins at cycle 100000; the run has the cycles 0 to "));
        Assert.That(Directory.EnumerateFileSystemEntries(folder), Is.Empty);
    }

    [TestCase("5")]
    [TestCase("9:3")]
    [TestCase("a:b")]
    [CancelAfter(60_000)]
    public async Task A_wrong_window_is_explained(string window)
    {
        BufferedCommandResult result = await AccelGenProcess.RunAsync(
            null,
            "simulate",
            "--config",
            "tiny",
            "--layer",
            "linear 4x8 -> 8",
            "--waveform",
            Path.Combine(folder, "w.fst"),
            "--waveform-window",
            window
        );
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(result.StandardError, Does.Contain($"--waveform-window is '{window}'"));
    }

    // The FST header: block type, length, then start and end time, big-endian.
    private static (ulong Start, ulong End) Times(string path)
    {
        byte[] header = File.ReadAllBytes(path)[..25];
        Assert.That(header[0], Is.Zero);
        return (
            System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(header.AsSpan(9)),
            System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(header.AsSpan(17))
        );
    }
}
