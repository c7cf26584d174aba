using System.ComponentModel;
using AccelGen.Sim;
using CliWrap;
using CliWrap.Buffered;

namespace AccelGen.Synth;

/// <summary>A program that synthesis needs.</summary>
/// <param name="Program">How it is started.</param>
/// <param name="Version">Version line.</param>
/// <param name="Leading">Arguments in front of all others.</param>
public sealed record Tool(string Program, string Version, IReadOnlyList<string> Leading)
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
        try
        {
            BufferedCommandResult result = await Cli.Wrap(program)
                .WithArguments(arguments)
                .WithValidation(CommandResultValidation.None)
                .ExecuteBufferedAsync(cancellation)
                .ConfigureAwait(false);
            if (result.ExitCode == 0)
                return new Tool(program, (result.StandardOutput + result.StandardError).Split('\n')[0].Trim(), []);
            throw new ToolException($"{program} does not run (exit code {result.ExitCode}): {cure}");
        }
        catch (Win32Exception)
        {
            throw new ToolException($"{program} is missing: {cure}");
        }
    }

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
            .WithArguments([.. Leading, .. arguments])
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
}
