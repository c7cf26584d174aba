using System.Text.Json;
using CliWrap.Buffered;
using NUnit.Framework;

namespace AccelGen.Cli.Tests;

/// <summary><c>accelgen check</c> with and without a synthesis front end.</summary>
public sealed class CheckTests
{
    [Test]
    [CancelAfter(300_000)]
    public async Task The_synthesis_front_end_reads_the_RTL_of_tiny()
    {
        string json = Path.Combine(Path.GetTempPath(), $"accelgen-check-test-{Environment.ProcessId}.json");
        try
        {
            BufferedCommandResult result = await AccelGenProcess.RunAsync(null, "check", "--config", "tiny", "--json", json);
            Assert.That(result.ExitCode, Is.Zero, result.StandardError);
            using JsonDocument report = JsonDocument.Parse(await File.ReadAllTextAsync(json));
            JsonElement front = report.RootElement.GetProperty("synthesisFrontEnd");
            if (!front.GetProperty("read").GetBoolean())
                Assert.Ignore($"no Yosys with read_slang: {front.GetProperty("cure").GetString()}");
            Assert.That(result.StandardOutput, Does.Contain("synthesis front end: read by Yosys"));
        }
        finally
        {
            File.Delete(json);
        }
    }

    [Test]
    [CancelAfter(120_000)]
    public async Task Without_a_front_end_the_check_says_so_with_the_cure()
    {
        BufferedCommandResult result = await AccelGenProcess.RunAsync(new() { ["ACCELGEN_YOSYS"] = "none" }, "check", "--config", "tiny");
        Assert.That(result.ExitCode, Is.Zero, result.StandardError);
        Assert.That(result.StandardOutput, Does.Contain("NOT CHECKED").And.Contain("scripts/check"));
    }

    [Test]
    [CancelAfter(120_000)]
    public async Task A_named_program_that_is_no_front_end_is_refused()
    {
        BufferedCommandResult result = await AccelGenProcess.RunAsync(new() { ["ACCELGEN_YOSYS"] = "true" }, "check", "--config", "tiny");
        Assert.That(result.ExitCode, Is.EqualTo(3));
        Assert.That(result.StandardError, Does.Contain("ACCELGEN_YOSYS is true, which is not a Yosys with read_slang"));
    }
}
