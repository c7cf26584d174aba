using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using AccelGen.Files;
using AccelGen.Sim;

namespace AccelGen.Cli;

/// <summary>All commands, and what becomes of whatever goes wrong in one: one message and an exit code.</summary>
internal static class CommandLine
{
    private const string Verbose = "--verbose";

    /// <summary>Defines the commands.</summary>
    public static RootCommand Create()
    {
        var root = new RootCommand("AccelGen: generates int8 vector accelerators, simulates them and compares them with exact models.")
        {
            new Option<bool>(Verbose) { Description = "Adds the stack trace to an error, for a report.", Recursive = true },
        };
        foreach (
            Command command in new[]
            {
                GenerateCommand.Create(),
                CheckCommand.Create(),
                SynthCommand.Create(),
                ConfigCommand.Create(),
                SimulateCommand.Create(),
                ImportCommand.Create(),
                QuantizeCommand.Create(),
                ExplainCommand.Create(),
                ExportCommand.Create(),
                RunCommand.Create(),
                EvaluateCommand.Create(),
                PathsCommand.Create(),
                ServeTraceCommand.Create(),
                ScenesCommand.Create(),
                DoctorCommand.Create(),
            }
        )
        {
            root.Subcommands.Add(command);
        }

        return root;
    }

    /// <summary>Runs a command line.</summary>
    /// <param name="arguments">Its words.</param>
    /// <returns>The exit code, of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        try
        {
            // A word that begins with @ is a name like any other.
            ParseResult parsed = Create().Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
            if (parsed.Action is ParseErrorAction wrong)
                return await RefuseAsync(parsed, wrong).ConfigureAwait(false);
            // Not where the help is asked for.
            if (parsed.Action == parsed.CommandResult.Command.Action)
                CheckOutputs(parsed);
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false }).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            return Report(e, arguments.Contains(Verbose));
        }
    }

    /// <summary>Prints a line to the standard error, where there is one.</summary>
    public static void PrintError(string line)
    {
        try
        {
            Console.Error.WriteLine(line);
        }
        catch (IOException)
        {
            // Closed or full: there is nowhere left to say so, and the exit code stands.
        }
    }

    // A mistake as users read it; docs/errors.md has a line for each code.
    private static string Coded(Fault fault) => $"{fault.Code} {fault}";

    private static async Task<int> RefuseAsync(ParseResult parsed, ParseErrorAction action)
    {
        action.ShowHelp = false;
        // The library's own messages with its guesses at what was meant, in the form of all errors.
        using var said = new StringWriter();
        await parsed
            .InvokeAsync(
                new InvocationConfiguration
                {
                    EnableDefaultExceptionHandler = false,
                    Output = said,
                    Error = said,
                }
            )
            .ConfigureAwait(false);
        foreach (string line in said.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            PrintError($"error: {Coded(new Fault(FaultCodes.Usage, Printable.Line(line)))}");
        string command = string.Join(' ', Commands(parsed.CommandResult).Reverse());
        PrintError($"error: {command} --help lists what it takes");
        return ExitCode.BadInput;

        static IEnumerable<string> Commands(SymbolResult? result)
        {
            for (; result is CommandResult c; result = result.Parent)
                yield return c.Command is RootCommand ? "accelgen" : c.Command.Name;
        }
    }

    // Outputs are checked before anything runs: a long run must not end in a path that cannot be written.
    private static void CheckOutputs(ParseResult parsed)
    {
        OutputOption[] outputs =
        [
            .. parsed.CommandResult.Command.Options.OfType<OutputOption>().Where(o => parsed.GetValue(o) is not null),
        ];
        string[] named =
        [
            .. parsed
                .CommandResult.Command.Options.Where(o => o is not OutputOption)
                .Select(o => parsed.GetResult(o) as SymbolResult)
                .Concat(parsed.CommandResult.Command.Arguments.Select(a => parsed.GetResult(a)))
                .OfType<SymbolResult>()
                .SelectMany(r => r.Tokens)
                .Select(t => t.Value)
                .Where(v => v.Length > 0),
        ];
        string[] inputs = [.. named.Where(File.Exists).Select(OutputFile.Followed)];
        // Images, masks and labels are read from folders, some of them from the folders within.
        string[] folders = [.. named.Where(Directory.Exists).Select(f => OutputFile.Followed(f).TrimEnd('/') + "/")];
        var taken = new Dictionary<string, string>();
        foreach (OutputOption option in outputs)
        {
            string path = parsed.GetValue(option)!;
            if (path.Length == 0)
                throw new InputException(
                    FaultCodes.EmptyName,
                    string.Empty,
                    $"{option.Name} is empty",
                    $"name a {(option.IsFolder ? "folder" : "file")}"
                );
            if (!option.IsFolder)
                OutputFile.Check(path);
            string place = OutputFile.Followed(path);
            if (inputs.Contains(place) && !place.StartsWith("/dev/", StringComparison.Ordinal))
                throw new InputException(
                    FaultCodes.OutputIsInput,
                    string.Empty,
                    $"{option.Name} {path} is a file that the command reads, the model itself for instance",
                    "name another file"
                );
            if (
                !option.IsFolder
                && File.Exists(place)
                && OutputFile.IsPlain(place)
                && folders.FirstOrDefault(f => place.StartsWith(f, StringComparison.Ordinal)) is { } folder
            )
                throw new InputException(
                    FaultCodes.OutputIsInput,
                    string.Empty,
                    $"{option.Name} {path} is a file in a folder that the command reads, {folder.TrimEnd('/')}",
                    "name another file"
                );
            if (!taken.TryAdd(place, option.Name) && !place.StartsWith("/dev/", StringComparison.Ordinal))
                throw new InputException(
                    FaultCodes.OutputTwice,
                    string.Empty,
                    $"{option.Name} {path} is what {taken[place]} names",
                    "name another file"
                );
        }
    }

    /// <summary>Prints what went wrong and gives its exit code: the last guard of the program.</summary>
    /// <param name="fault">Exception that no command handled.</param>
    /// <param name="verbose">Adds the trace.</param>
    internal static int Report(Exception fault, bool verbose)
    {
        while (fault is AggregateException { InnerExceptions: [var inner, ..] })
            fault = inner;
        (int code, IEnumerable<string> messages) = fault switch
        {
            OperationCanceledException => (ExitCode.Cancelled, ["interrupted; nothing was left half-written"]),
            InputException e => (ExitCode.BadInput, e.Faults.Select(Coded)),
            FileNotFoundException or DirectoryNotFoundException => (
                ExitCode.BadInput,
                [Coded(new Fault(FaultCodes.NoSuchFile, fault.Message))]
            ),
            ToolException or IOException or UnauthorizedAccessException => (ExitCode.Environment, [fault.Message]),
            OutOfMemoryException => (
                ExitCode.Environment,
                ["there is not enough memory for this; make the input smaller, or run it on a machine with more"]
            ),
            SimulationException => (ExitCode.Simulation, [fault.Message]),
            _ => (
                ExitCode.Internal,
                (IEnumerable<string>)
                    [
                        $"fault of this program ({fault.GetType().Name}: {Printable.Line(fault.Message)}); please "
                            + $"report it with the command line and its files; {Verbose} adds where it happened",
                    ]
            ),
        };
        foreach (string message in messages)
            PrintError($"error: {message}");
        if (verbose)
            PrintError(fault.ToString());
        return code;
    }
}
