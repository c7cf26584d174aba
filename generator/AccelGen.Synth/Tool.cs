using System.ComponentModel;
using AccelGen.Sim;
using CliWrap;
using CliWrap.Buffered;

namespace AccelGen.Synth;

/// <summary>A program that synthesis needs.</summary>
/// <param name="Program">How it is started.</param>
/// <param name="Version">Version line.</param>
public sealed record Tool(string Program, string Version)
{
    private const int LastLines = 15;

    /// <summary>Finds a program on the path.</summary>
    /// <param name="program">Program.</param>
    /// <param name="arguments">What makes it tell its version.</param>
    /// <param name="cure">What to do where it is missing.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="ToolException">It is missing or does not run.</exception>
    public static async Task<Tool> FindAsync(string program, string[] arguments, string cure, CancellationToken cancellation)
    {
        BufferedCommandResult result =
            await TriedAsync(program, arguments, cancellation).ConfigureAwait(false)
            ?? throw new ToolException($"{program} is missing: {cure}");
        return FirstLine(result) is { } version
            ? new Tool(program, version)
            : throw new ToolException($"{program} does not run (exit code {result.ExitCode}): {cure}");
    }

    /// <summary>First line of a program's version output, or null when it is not there or does not run.</summary>
    /// <param name="program">Program.</param>
    /// <param name="arguments">What makes it tell its version.</param>
    /// <param name="cancellation">Stops it.</param>
    public static async Task<string?> VersionAsync(string program, string[] arguments, CancellationToken cancellation) =>
        await TriedAsync(program, arguments, cancellation).ConfigureAwait(false) is { } result ? FirstLine(result) : null;

    /// <summary>Runs it to its end.</summary>
    /// <param name="folder">Folder to work in.</param>
    /// <param name="arguments">Arguments.</param>
    /// <param name="what">What it does, for a message.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>What it printed.</returns>
    /// <exception cref="ToolException">It failed; its last lines are in the message.</exception>
    public async Task<string> RunAsync(string folder, IReadOnlyList<string> arguments, string what, CancellationToken cancellation)
    {
        BufferedCommandResult result = await Cli.Wrap(Program)
            .WithArguments(arguments)
            .WithWorkingDirectory(folder)
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(cancellation)
            .ConfigureAwait(false);
        if (result.ExitCode == 0)
            return result.StandardOutput;
        IEnumerable<string> last = (result.StandardOutput + result.StandardError).TrimEnd().Split('\n').TakeLast(LastLines);
        throw new ToolException(
            $"{what}: {Version} ended with exit code {result.ExitCode}:{Environment.NewLine}{string.Join(Environment.NewLine, last)}"
        );
    }

    // What a program did, or null where there is none.
    private static async Task<BufferedCommandResult?> TriedAsync(string program, string[] arguments, CancellationToken cancellation)
    {
        try
        {
            return await Cli.Wrap(program)
                .WithArguments(arguments)
                .WithValidation(CommandResultValidation.None)
                .ExecuteBufferedAsync(cancellation)
                .ConfigureAwait(false);
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    private static string? FirstLine(BufferedCommandResult result) =>
        result.ExitCode == 0 ? (result.StandardOutput + result.StandardError).Split('\n')[0].Trim() : null;
}
