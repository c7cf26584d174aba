using System.CommandLine;
using NUnit.Framework;

namespace AccelGen.Cli.Tests;

/// <summary>Help of every command, whatever it requires.</summary>
public sealed class HelpTests
{
    private static IEnumerable<string[]> Commands() =>
        All(CommandLine.Create(), []).SelectMany(words => new[] { "--help", "-h", "-?" }.Select(help => (string[])[.. words, help]));

    [TestCaseSource(nameof(Commands))]
    public async Task Every_command_shows_its_help(params string[] words)
    {
        InProcess.Result result = await InProcess.RunAsync(words);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.Output, Does.Contain("Usage:"));
        Assert.That(result.Error, Is.Empty);
    }

    private static IEnumerable<string[]> All(Command command, string[] words) =>
        command.Subcommands.SelectMany(c => All(c, [.. words, c.Name])).Prepend(words);
}
