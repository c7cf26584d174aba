using System.CommandLine;
using AccelGen.Cli.Results;
using AccelGen.Synth;
using Spectre.Console;

namespace AccelGen.Cli;

/// <summary><c>accelgen doctor</c>: what is installed, which versions, what to do.</summary>
internal static class DoctorCommand
{
    private static readonly (string Tool, string Argument, bool Required, string Purpose, string Cure)[] Needed =
    [
        ("verilator", "--version", true, "simulation and lint", "apt-get install verilator"),
        ("g++", "--version", true, "compiles the model", "apt-get install g++"),
        ("make", "--version", true, "compiles the model", "apt-get install make"),
    ];

    public static Command Create()
    {
        OutputOption json = Cli.JsonOption();
        var command = new Command("doctor", "Reports the tools that AccelGen needs.") { json };
        command.SetAction(
            async (result, cancellation) =>
            {
                var table = new Table().AddColumns("tool", "state", "for", "what to do");
                var found = new List<ToolState>();
                bool complete = true;
                foreach ((string tool, string argument, bool required, string purpose, string cure) in Needed)
                {
                    string? version = await Tool.VersionAsync(tool, [argument], cancellation).ConfigureAwait(false);
                    complete &= version is not null || !required;
                    table.AddRow(
                        tool,
                        Printable.Cell(version ?? (required ? "missing" : "missing (optional)")),
                        purpose,
                        version is null ? cure : ""
                    );
                    found.Add(new ToolState(tool, version, required));
                }

                SynthesisFrontEnd? front = await SynthesisFrontEnd.FindAsync(cancellation).ConfigureAwait(false);
                table.AddRow(
                    "yosys",
                    Printable.Cell(front?.Version ?? "missing (optional)"),
                    "'check' reads the design with read_slang",
                    front is null ? SynthesisFrontEnd.Cure : ""
                );
                found.Add(new ToolState("yosys", front?.Version, false));
                foreach ((string tool, string[] asked, string purpose, string cure) in Synthesizer.Needed)
                {
                    string? version = await Tool.VersionAsync(tool, asked, cancellation).ConfigureAwait(false);
                    table.AddRow(tool, Printable.Cell(version ?? "missing (optional)"), purpose, version is null ? cure : "");
                    found.Add(new ToolState(tool, version, false));
                }

                table.AddRow("dotnet", Environment.Version.ToString(), "AccelGen itself", "");
                Cli.Output().Write(table);
                Cli.WriteJson(result.GetValue(json), new DoctorResult(found, complete));
                return complete ? ExitCode.Success : ExitCode.Environment;
            }
        );
        return command;
    }
}
