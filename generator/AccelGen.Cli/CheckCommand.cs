using System.CommandLine;
using AccelGen.Config;
using AccelGen.Emit;
using AccelGen.Isa;
using AccelGen.Sim;
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
                var problems = new List<string>(LayoutChecks.CheckAll());
                SynthesisFrontEnd? front = null;
                string folder = Path.Combine(Path.GetTempPath(), $"accelgen-check-{Environment.ProcessId}");
                try
                {
                    IReadOnlyList<EmittedFile> emitted = RtlEmitter.EmitAll(loaded);
                    OutputFolder.Write(folder, emitted);
                    await ModelBuild.VerilatorVersionAsync(cancellation).ConfigureAwait(false);
                    string[] files = [.. emitted.Select(f => f.Path).Where(p => p.EndsWith(".sv", StringComparison.Ordinal))];
                    foreach (string module in RtlEmitter.Modules)
                    {
                        BufferedCommandResult lint = await CliWrap
                            .Cli.Wrap("verilator")
                            .WithArguments([
                                "--lint-only",
                                "-Wall",
                                "--assert",
                                "flow/lint.vlt",
                                "-F",
                                "flow/files.f",
                                "--top-module",
                                module,
                            ])
                            .WithWorkingDirectory(folder)
                            .WithValidation(CommandResultValidation.None)
                            .ExecuteBufferedAsync(cancellation)
                            .ConfigureAwait(false);
                        Console.WriteLine($"lint {module}: {(lint.ExitCode == 0 ? "clean" : "failed")}");
                        if (lint.ExitCode != 0)
                            problems.Add($"lint of {module}:{Environment.NewLine}{lint.StandardError}");
                    }

                    front = await SynthesisFrontEnd.FindAsync(cancellation).ConfigureAwait(false);
                    string? refused = front is null
                        ? null
                        : await front.ReadAsync(folder, files, RtlEmitter.TopModule, cancellation).ConfigureAwait(false);
                    string read = front is null
                        ? $"NOT CHECKED: there is no Yosys with read_slang; {SynthesisFrontEnd.Cure}"
                        : $"{(refused is null ? "read" : "refused")} by {front.Version}";
                    Console.WriteLine($"synthesis front end: {read}");
                    if (refused is not null)
                        problems.Add($"synthesis front end: {refused}");
                }
                finally
                {
                    if (Directory.Exists(folder))
                        Directory.Delete(folder, recursive: true);
                }

                foreach (string problem in problems)
                    Console.Error.WriteLine($"error: {problem}");
                Cli.WriteJson(
                    result.GetValue(json),
                    new
                    {
                        config = loaded.Name,
                        configHash = loaded.Hash.Hex,
                        modules = RtlEmitter.Modules,
                        synthesisFrontEnd = new
                        {
                            read = front is not null,
                            version = front?.Version,
                            cure = front is null ? SynthesisFrontEnd.Cure : null,
                        },
                        problems,
                    }
                );
                return problems.Count == 0 ? ExitCode.Success : ExitCode.Mismatch;
            }
        );
        return command;
    }
}
