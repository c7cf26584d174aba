using System.CommandLine;
using AccelGen.Emit;

namespace AccelGen.Cli;

/// <summary><c>accelgen generate</c>: RTL and its companions for one configuration.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        Option<string> config = Cli.ConfigOption();
        Option<string[]> set = Cli.SetOption();
        OutputOption output = new("--out") { Description = "Folder to create or replace.", Required = true, IsFolder = true };
        OutputOption json = Cli.JsonOption();
        var command = new Command("generate", "Writes SystemVerilog, C header, reference manual and file list.") { config, set, output, json };
        command.SetAction((result, _) =>
        {
            var loaded = Cli.Load(result.GetValue(config)!, result.GetValue(set)!);
            IReadOnlyList<EmittedFile> files = RtlEmitter.EmitAll(loaded);
            string folder = result.GetValue(output)!;
            if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any() && !File.Exists(Path.Combine(folder, "flow", "files.f")))
                throw new FormatException($"{folder} exists and does not look like generated output (no flow/files.f): choose another folder");
            OutputFolder.Write(folder, files);
            Console.WriteLine($"{files.Count} files for {loaded.Name} ({loaded.Hash.Hex}) in {folder}");
            Cli.WriteJson(result.GetValue(json), new { config = loaded.Name, configHash = loaded.Hash.Hex, folder, files = files.Select(f => f.Path) });
            return Task.FromResult(ExitCode.Success);
        });
        return command;
    }
}
