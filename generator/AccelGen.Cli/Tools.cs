using CliWrap;
using CliWrap.Buffered;

namespace AccelGen.Cli;

/// <summary>External tools: whether they are there and what they say.</summary>
internal static class Tools
{
    /// <summary>First line of a tool's version output, or null when it is not there or does not run.</summary>
    public static async Task<string?> VersionAsync(string tool, string[] arguments, CancellationToken cancellation)
    {
        try
        {
            BufferedCommandResult result = await CliWrap
                .Cli.Wrap(tool)
                .WithArguments(arguments)
                .WithValidation(CommandResultValidation.None)
                .ExecuteBufferedAsync(cancellation)
                .ConfigureAwait(false);
            return result.ExitCode == 0 ? (result.StandardOutput + result.StandardError).Split('\n')[0].Trim() : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
