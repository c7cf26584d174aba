using System.CommandLine;
using AccelGen.Cli;

var root = new RootCommand("AccelGen: generates int8 vector accelerators, simulates them and compares them with exact models.");
root.Subcommands.Add(GenerateCommand.Create());
root.Subcommands.Add(CheckCommand.Create());
root.Subcommands.Add(ConfigCommand.Create());
root.Subcommands.Add(SimulateCommand.Create());
root.Subcommands.Add(ImportCommand.Create());
root.Subcommands.Add(QuantizeCommand.Create());
root.Subcommands.Add(ExplainCommand.Create());
root.Subcommands.Add(ExportCommand.Create());
root.Subcommands.Add(RunCommand.Create());
root.Subcommands.Add(DoctorCommand.Create());
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false }).ConfigureAwait(false);
