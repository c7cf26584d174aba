using AccelGen.Tests.Shared;
using CliWrap.Buffered;
using NUnit.Framework;

namespace AccelGen.Cli.Tests;

/// <summary>A user's mistake gets a clear message and an exit code, never a stack trace.</summary>
public sealed class BadInputTests
{
    [Test]
    [CancelAfter(60_000)]
    public async Task Three_faults_of_a_configuration_are_reported_at_once()
    {
        BufferedCommandResult result = await AccelGenProcess.RunAsync(
            null,
            "config",
            "validate",
            "base",
            "--set",
            "array.pes=99",
            "--set",
            "axi.dataBits=100",
            "--set",
            "buffers.accumulatorEntries=2"
        );
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(
            result.StandardError,
            Does.Contain("array.pes").And.Contain("axi.dataBits").And.Contain("buffers.accumulatorEntries").And.Not.Contain("   at ")
        );
    }

    [TestCase("conv 8x8 k3 -> 3", "takes 3 sizes")]
    [TestCase("conv 8x8x8 k9999 -> 3", "legal are 1 to 2047")]
    [TestCase("conv 8x8x8 k3 -> 3, keep 9", "legal are 1 to 8")]
    [TestCase("pool 8x8x8", "write 'conv")]
    [CancelAfter(60_000)]
    public async Task A_wrong_layer_is_explained(string layer, string expected)
    {
        BufferedCommandResult result = await AccelGenProcess.RunAsync(null, "simulate", "--config", "tiny", "--layer", layer);
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(result.StandardError, Does.Contain(expected).And.Not.Contain("   at "));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task A_layer_that_does_not_fit_is_refused_with_the_cure()
    {
        BufferedCommandResult result = await AccelGenProcess.RunAsync(
            null,
            "simulate",
            "--config",
            "tiny",
            "--layer",
            "conv 8x8x4096 k3 -> 8"
        );
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(result.StandardError, Does.Contain("raise buffers.inputKibibytes"));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task A_missing_Verilator_is_named_with_what_to_install()
    {
        BufferedCommandResult result = await AccelGenProcess.RunAsync(
            new Dictionary<string, string?> { ["PATH"] = Path.GetDirectoryName(Environment.ProcessPath) },
            "simulate",
            "--config",
            "tiny",
            "--layer",
            "linear 4x8 -> 8"
        );
        Assert.That(result.ExitCode, Is.EqualTo(3));
        Assert.That(
            result.StandardError,
            Does.Contain("verilator is not on the path").And.Contain("apt-get install").And.Not.Contain("   at ")
        );
    }

    [Test]
    [CancelAfter(120_000)]
    public async Task Generate_replaces_what_it_wrote_and_nothing_else()
    {
        string root = Directory.CreateTempSubdirectory("accelgen-generate").FullName,
            folder = Path.Combine(root, "rtl"),
            mine = Path.Combine(folder, "my.json");
        try
        {
            Assert.That((await InProcess.RunAsync("generate", "--config", "base", "--out", folder)).ExitCode, Is.Zero);
            Assert.That(
                (await InProcess.RunAsync("generate", "--config", "tiny", "--out", folder)).ExitCode,
                Is.Zero,
                "another configuration in its place"
            );
            await File.WriteAllTextAsync(mine, AccelGen.Config.ConfigLoader.PresetText("tiny"));
            InProcess.Result refused = await InProcess.RunAsync("generate", "--config", mine, "--out", folder);
            Assert.That(refused.ExitCode, Is.EqualTo(2));
            Assert.That(refused.Error, Does.Contain("would delete it: my.json; move it away"));
            Assert.That(File.Exists(mine));
            File.Delete(mine);
            string list = Path.Combine(folder, "flow", "files.f"),
                elsewhere = Path.Combine(root, "list");
            File.Move(list, elsewhere);
            File.CreateSymbolicLink(list, elsewhere);
            Assert.That(
                (await InProcess.RunAsync("generate", "--config", "tiny", "--out", folder)).Error,
                Does.Contain("flow/files.f"),
                "a link is not what it wrote"
            );
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    [TestCase("/proc/x")]
    [TestCase("/dev/null")]
    [CancelAfter(60_000)]
    public async Task A_model_cache_that_cannot_be_used_names_its_variable(string cache)
    {
        BufferedCommandResult result = await AccelGenProcess.RunAsync(
            new Dictionary<string, string?> { ["ACCELGEN_CACHE"] = cache },
            "simulate",
            "--config",
            "tiny",
            "--layer",
            "linear 4x8 -> 8"
        );
        Assert.That(result.ExitCode, Is.EqualTo(3));
        Assert.That(result.StandardError, Does.Contain(cache).And.Contain("set ACCELGEN_CACHE to a folder that can be written"));
    }

    [TestCase("simulate", "--config", "tiny", "--layers-from", "/dev/zero", TestName = "A_device_that_never_ends_is_no_list_of_layers")]
    [TestCase("config", "show", "/dev/zero", TestName = "A_device_that_never_ends_is_no_configuration")]
    [TestCase("import", "/dev/zero", TestName = "A_device_that_never_ends_is_no_network")]
    [TestCase("import", "", TestName = "An_empty_name_is_no_network")]
    [CancelAfter(60_000)]
    public async Task What_never_ends_or_is_not_there_is_refused(params string[] arguments)
    {
        InProcess.Result result = await InProcess.RunAsync(arguments);
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(result.Error, Does.StartWith("error: "));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task An_output_folder_that_cannot_be_written_is_reported_and_nothing_is_left()
    {
        // A folder below a file cannot be made, whoever the user is.
        string file = Path.GetTempFileName();
        try
        {
            BufferedCommandResult result = await AccelGenProcess.RunAsync(
                null,
                "generate",
                "--config",
                "tiny",
                "--out",
                Path.Combine(file, "rtl")
            );
            Assert.That(result.ExitCode, Is.EqualTo(3));
            Assert.That(result.StandardError, Does.StartWith("error: ").And.Not.Contain("   at "));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task A_json_target_that_cannot_be_written_is_reported()
    {
        BufferedCommandResult result = await AccelGenProcess.RunAsync(null, "config", "show", "tiny", "--json", "/dev/null/x.json");
        Assert.That(result.ExitCode, Is.EqualTo(3));
        Assert.That(result.StandardError, Does.StartWith("error: "));
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Generation_does_not_replace_a_folder_that_is_not_its_own()
    {
        string folder = Directory.CreateTempSubdirectory("accelgen-cli").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "thesis.txt"), "precious");
            BufferedCommandResult result = await AccelGenProcess.RunAsync(null, "generate", "--config", "tiny", "--out", folder);
            Assert.That(result.ExitCode, Is.EqualTo(2));
            Assert.That(File.Exists(Path.Combine(folder, "thesis.txt")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task An_unusable_network_file_is_explained()
    {
        string folder = Directory.CreateTempSubdirectory("accelgen-cli").FullName;
        try
        {
            string path = Path.Combine(folder, "net.onnx");
            BufferedCommandResult missing = await AccelGenProcess.RunAsync(null, "import", path);
            Assert.That((missing.ExitCode, missing.StandardError), Is.EqualTo((2, $"error: AG2001 {path}: there is no such file\n")));

            byte[] model = RandomNetworks.Residual(1).Model;
            await File.WriteAllBytesAsync(path, model[..(model.Length / 3)]);
            BufferedCommandResult truncated = await AccelGenProcess.RunAsync(null, "import", path);
            Assert.That(truncated.ExitCode, Is.EqualTo(2));
            Assert.That(
                truncated.StandardError,
                Does.StartWith($"error: AG3001 {path}: not a readable ONNX file").And.Not.Contain("   at ")
            );

            var unsupported = new OnnxModelWriter();
            unsupported
                .Input("image", OnnxModelWriter.Float, 1, 1, 4, 4)
                .Node("Det", ["image"], "s", name: "a")
                .Node("Einsum", ["image"], "g", name: "b")
                .Node("Add", ["s", "g"], "y");
            await File.WriteAllBytesAsync(path, unsupported.Build("y", OnnxModelWriter.Float, 1, 1, 4, 4));
            BufferedCommandResult refused = await AccelGenProcess.RunAsync(null, "run", path, "--images", folder, "--calibrate", folder);
            Assert.That(refused.ExitCode, Is.EqualTo(2));
            Assert.That(refused.StandardError, Does.Contain("holds no images").Or.Contain("node a (Det)"));
            BufferedCommandResult both = await AccelGenProcess.RunAsync(null, "import", path);
            Assert.That(both.StandardError, Does.Contain("node a (Det)").And.Contain("node b (Einsum)"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
