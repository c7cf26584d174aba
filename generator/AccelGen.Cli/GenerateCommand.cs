using System.CommandLine;
using AccelGen.Cli.Results;
using AccelGen.Config;
using AccelGen.Emit;

namespace AccelGen.Cli;

/// <summary><c>accelgen generate</c>: RTL and its companions for one configuration.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        Option<string> config = Cli.ConfigOption();
        Option<string[]> set = Cli.SetOption();
        OutputOption output = new("--out")
        {
            Description = "Folder to create, or to replace where it holds generated files alone.",
            Required = true,
            IsFolder = true,
        };
        OutputOption json = Cli.JsonOption();
        var command = new Command("generate", "Writes SystemVerilog, C header, reference manual and file list.")
        {
            config,
            set,
            output,
            json,
        };
        command.SetAction(
            (result, _) =>
            {
                var loaded = Cli.Load(result.GetValue(config)!, result.GetValue(set)!);
                IReadOnlyList<EmittedFile> files = RtlEmitter.EmitAll(loaded);
                string folder = result.GetValue(output)!;
                Cli.RequireOwn(
                    "generate",
                    folder,
                    OutputFolder.Foreign(folder, files.Concat(RtlEmitter.EmitAll(ConfigLoader.Load("base"))).Select(f => f.Path))
                );
                OutputFolder.Write(folder, files);
                Console.WriteLine($"{files.Count} files for {loaded.Name} ({loaded.Hash.Hex}) in {folder}");
                Cli.WriteJson(
                    result.GetValue(json),
                    new GenerateResult(loaded.Name, loaded.Hash.Hex, folder, [.. files.Select(f => f.Path)])
                );
                return Task.FromResult(ExitCode.Success);
            }
        );
        return command;
    }
}
