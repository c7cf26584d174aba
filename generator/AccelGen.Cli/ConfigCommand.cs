using System.CommandLine;
using AccelGen.Cli.Results;
using AccelGen.Config;
using AccelGen.Files;
using AccelGen.Network.Dynamic;
using Spectre.Console;

namespace AccelGen.Cli;

/// <summary><c>accelgen config</c>: show, validate, schema, list.</summary>
internal static class ConfigCommand
{
    private const string OfConfigurations = "configurations",
        OfPaths = "paths",
        OfResults = "results";

    public static Command Create()
    {
        var command = new Command("config", "Shows and checks configurations.");
        command.Subcommands.Add(Show());
        command.Subcommands.Add(Validate());
        Option<string> of = new("--of")
        {
            Description = $"Files that the schema is of: {OfConfigurations}, {OfPaths} or {OfResults}.",
            DefaultValueFactory = _ => OfConfigurations,
        };
        var schema = new Command("schema", "Prints the JSON schema of configuration files, of path files, or of what --json writes.")
        {
            of,
        };
        schema.SetAction(result =>
        {
            Console.Write(
                result.GetValue(of) switch
                {
                    OfConfigurations => ConfigSchema.Text,
                    OfPaths => PathSchema.Text,
                    OfResults => ResultSchema.Text,
                    var other => throw new InputException(
                        FaultCodes.IllegalOption,
                        string.Empty,
                        $"--of is '{other}'",
                        $"legal are {OfConfigurations}, {OfPaths} and {OfResults}"
                    ),
                }
            );
            return ExitCode.Success;
        });
        command.Subcommands.Add(schema);
        var list = new Command("list", "Lists the presets.");
        list.SetAction(_ =>
        {
            var table = new Table().AddColumns("preset", "vector width", "lanes", "PEs", "peak MACs/cycle", "hash");
            foreach (string preset in ConfigLoader.Presets)
            {
                AcceleratorConfig c = ConfigLoader.Load(preset);
                table.AddRow(
                    preset,
                    $"{c.Array.VectorWidth}",
                    $"{c.Array.Lanes}",
                    $"{c.Array.Pes}",
                    $"{c.Derived.PeakMacsPerCycle}",
                    c.Hash.Hex
                );
            }

            Cli.Output().Write(table);
            return ExitCode.Success;
        });
        command.Subcommands.Add(list);
        return command;
    }

    private static Command Show()
    {
        Argument<string> config = new("config") { Description = "Preset or JSON file." };
        Option<string[]> set = Cli.SetOption();
        OutputOption json = Cli.JsonOption();
        var command = new Command("show", "Prints a configuration with what follows from it.") { config, set, json };
        command.SetAction(
            (result, _) =>
            {
                AcceleratorConfig c = Cli.Load(result.GetValue(config)!, result.GetValue(set)!);
                var value = new ShownConfig(c.Name, c.Hash.Hex, c.Array, c.Buffers, c.Axi, c.Control, c.Units, c.Derived);
                Console.WriteLine(System.Text.Json.JsonSerializer.Serialize(value, Cli.Json));
                Cli.WriteJson(result.GetValue(json), value);
                return Task.FromResult(ExitCode.Success);
            }
        );
        return command;
    }

    private static Command Validate()
    {
        Argument<string> config = new("config") { Description = "Preset or JSON file." };
        Option<string[]> set = Cli.SetOption();
        OutputOption json = Cli.JsonOption();
        var command = new Command("validate", "Reports every problem of a configuration.") { config, set, json };
        command.SetAction(
            (result, _) =>
            {
                AcceleratorConfig c = Cli.Load(result.GetValue(config)!, result.GetValue(set)!);
                Console.WriteLine($"{c.Name} is valid, hash {c.Hash.Hex}");
                Cli.WriteJson(result.GetValue(json), new ValidatedConfig(c.Name, c.Hash.Hex, true));
                return Task.FromResult(ExitCode.Success);
            }
        );
        return command;
    }
}
