namespace AccelGen.Cli.Tests;

/// <summary>The command line in this process: what a process of its own would print and return, in a tenth of the time.</summary>
internal static class InProcess
{
    /// <summary>What a command line did.</summary>
    internal sealed record Result(int ExitCode, string Output, string Error);

    /// <summary>Runs a command line.</summary>
    public static async Task<Result> RunAsync(params string[] arguments)
    {
        (TextWriter output, TextWriter error) = (Console.Out, Console.Error);
        using StringWriter printed = new(),
            said = new();
        try
        {
            Console.SetOut(new PrintableWriter(printed, "standard output"));
            Console.SetError(new PrintableWriter(said, "standard error"));
            int code = await CommandLine.RunAsync(arguments);
            return new Result(code, printed.ToString(), said.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }
    }

    /// <summary>Runs an action that prints an error.</summary>
    public static Result Capture(Func<int> action)
    {
        TextWriter error = Console.Error;
        using var said = new StringWriter();
        try
        {
            Console.SetError(new PrintableWriter(said, "standard error"));
            return new Result(action(), string.Empty, said.ToString());
        }
        finally
        {
            Console.SetError(error);
        }
    }
}
