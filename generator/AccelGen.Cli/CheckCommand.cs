using System.CommandLine;
using AccelGen.Cli.Results;
using AccelGen.Config;
using AccelGen.Emit;
using AccelGen.Isa;
using AccelGen.Sim;
using AccelGen.Synth;
using CliWrap;
using CliWrap.Buffered;
using Command = System.CommandLine.Command;

namespace AccelGen.Cli;

/// <summary><c>accelgen check</c>: ISA table, lint of every module as top, and the open synthesis front end.</summary>
internal static class CheckCommand
{
    public static Command Create()
    {
        Option<string> config = Cli.ConfigOption();
        Option<string[]> set = Cli.SetOption();
        OutputOption json = Cli.JsonOption();
        var command = new Command(
            "check",
            "Lints the RTL module by module and reads it with the synthesis front end where that is installed."
        )
        {
            config,
            set,
            json,
        };
        command.SetAction(
            async (result, cancellation) =>
            {
                AcceleratorConfig loaded = Cli.Load(result.GetValue(config)!, result.GetValue(set)!);
                CheckResult found = await CheckAsync(loaded, cancellation).ConfigureAwait(false);
                foreach (string problem in found.Problems)
                    Console.Error.WriteLine($"error: {problem}");
                Cli.WriteJson(result.GetValue(json), found);
                return found.Problems.Count == 0 ? ExitCode.Success : ExitCode.Mismatch;
            }
        );
        return command;
    }

    private static async Task<CheckResult> CheckAsync(AcceleratorConfig config, CancellationToken cancellation)
    {
        var problems = new List<string>(LayoutChecks.CheckAll());
        string folder = Path.Combine(Path.GetTempPath(), $"accelgen-check-{Environment.ProcessId}");
        try
        {
            IReadOnlyList<EmittedFile> emitted = RtlEmitter.EmitAll(config);
            OutputFolder.Write(folder, emitted);
            await ModelBuild.VerilatorVersionAsync(cancellation).ConfigureAwait(false);
            foreach (string module in RtlEmitter.Modules)
            {
                if (await LintAsync(folder, module, cancellation).ConfigureAwait(false) is { } complaint)
                    problems.Add(complaint);
            }

            string[] files = [.. emitted.Select(f => f.Path).Where(p => p.EndsWith(".sv", StringComparison.Ordinal))];
            (FrontEndReading front, string? refused) = await ReadAsync(folder, files, cancellation).ConfigureAwait(false);
            if (refused is not null)
                problems.Add($"synthesis front end: {refused}");
            return new CheckResult(config.Name, config.Hash.Hex, RtlEmitter.Modules, front, problems);
        }
        finally
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
        }
    }

    // What is wrong with a module as the top, or null.
    private static async Task<string?> LintAsync(string folder, string module, CancellationToken cancellation)
    {
        BufferedCommandResult lint = await CliWrap
            .Cli.Wrap("verilator")
            .WithArguments(["--lint-only", "-Wall", "--assert", "flow/lint.vlt", "-F", "flow/files.f", "--top-module", module])
            .WithWorkingDirectory(folder)
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(cancellation)
            .ConfigureAwait(false);
        Console.WriteLine($"lint {module}: {(lint.ExitCode == 0 ? "clean" : "failed")}");
        return lint.ExitCode == 0 ? null : $"lint of {module}:{Environment.NewLine}{lint.StandardError}";
    }

    // The design in the synthesis front end, and why that refuses it, or null.
    private static async Task<(FrontEndReading Front, string? Refused)> ReadAsync(
        string folder,
        string[] files,
        CancellationToken cancellation
    )
    {
        SynthesisFrontEnd? front = await SynthesisFrontEnd.FindAsync(cancellation).ConfigureAwait(false);
        string? refused = front is null
            ? null
            : await front.ReadAsync(folder, files, RtlEmitter.TopModule, cancellation).ConfigureAwait(false);
        string read = front is null
            ? $"NOT CHECKED: there is no Yosys with read_slang; {SynthesisFrontEnd.Cure}"
            : $"{(refused is null ? "read" : "refused")} by {front.Version}";
        Console.WriteLine($"synthesis front end: {read}");
        return (new FrontEndReading(front is not null, front?.Version, front is null ? SynthesisFrontEnd.Cure : null), refused);
    }
}
