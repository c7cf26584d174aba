using NUnit.Framework;

namespace AccelGen.Tests.Shared;

/// <summary>The repository that the tests run in, and what is recorded there.</summary>
internal static class Repository
{
    /// <summary>Environment variable that writes what is recorded anew, set to 1.</summary>
    public const string Update = "ACCELGEN_UPDATE_DOCS";

    /// <summary>Its folder.</summary>
    public static string Root { get; } = Find();

    /// <summary>Compares a text with a recorded one, or records it.</summary>
    /// <param name="file">File in the repository, with forward slashes.</param>
    /// <param name="text">Text as it is now.</param>
    /// <param name="project">Test project, for the message.</param>
    public static void Compare(string file, string text, string project)
    {
        string path = Path.Combine(Root, file);
        if (Environment.GetEnvironmentVariable(Update) == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
        }

        string recorded = File.Exists(path) ? File.ReadAllText(path) : string.Empty;
        Assert.That(
            text,
            Is.EqualTo(recorded),
            $"{file} is not what the sources give; where the difference is wanted, write it anew with {Update}=1 dotnet test "
                + $"tests/{project} --filter {TestContext.CurrentContext.Test.MethodName}"
        );
    }

    private static string Find()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "AccelGen.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("the tests run outside the repository");
    }
}
