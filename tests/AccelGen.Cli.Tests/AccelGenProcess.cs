using CliWrap;
using CliWrap.Buffered;

namespace AccelGen.Cli.Tests;

/// <summary>The command line as a process of its own.</summary>
internal static class AccelGenProcess
{
    /// <summary>Program that runs <see cref="Library"/>.</summary>
    public static string Dotnet => Environment.ProcessPath is { } p && Path.GetFileNameWithoutExtension(p) == "dotnet" ? p : "dotnet";

    /// <summary>The command line's assembly.</summary>
    public static string Library => Path.Combine(AppContext.BaseDirectory, "accelgen.dll");

    /// <summary>Runs it to its end.</summary>
    public static async Task<BufferedCommandResult> RunAsync(Dictionary<string, string?>? environment, params string[] arguments) =>
        await CliWrap
            .Cli.Wrap(Dotnet)
            .WithArguments([Library, .. arguments])
            .WithEnvironmentVariables(environment ?? [])
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync();
}
