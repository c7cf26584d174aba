using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using AccelGen.Files;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Config.Tests;

/// <summary>The codes of mistakes: one table for all that users can do wrong.</summary>
public sealed partial class FaultCodeTests
{
    private static readonly (string Title, char Group)[] Groups =
    [
        ("Configurations", '1'),
        ("Files and options", '2'),
        ("Networks and their import", '3'),
        ("Quantisation", '4'),
        ("What does not fit a configuration", '5'),
        ("Images, paths and budgets", '6'),
        ("Synthesis", '7'),
    ];

    private static (Type Table, string Name, string Code)[] Codes { get; } =
    [
        .. new[] { typeof(ConfigCodes), typeof(FaultCodes) }.SelectMany(t =>
            t.GetFields(BindingFlags.Public | BindingFlags.Static)
                .Where(f => f.IsLiteral)
                .Select(f => (t, f.Name, (string)f.GetRawConstantValue()!))
        ),
    ];

    private static Dictionary<string, FaultKind> Kinds { get; } =
        ConfigCodes.All.Concat(FaultCodes.All).ToDictionary(k => k.Key, k => k.Value);

    [Test]
    public void Every_code_is_there_once_and_says_what_it_means()
    {
        Assert.That(Codes.Select(c => c.Code), Is.Unique);
        Assert.That(Codes.Select(c => c.Code), Is.EquivalentTo(Kinds.Keys));
        Assert.That(Codes.Select(c => c.Code), Has.All.Matches("^AG[1-7][0-9]{3}$"));
        Assert.That(Kinds.Values, Has.All.Matches<FaultKind>(k => k is { Says.Length: > 0, Cure.Length: > 0 }));
        Assert.That(Kinds.Values.Select(k => k.Says), Is.Unique);
    }

    [Test]
    public void Every_code_is_used_and_no_mistake_is_without_one()
    {
        string[] sources =
        [
            .. new[] { "generator", "golden", "testbench" }
                .SelectMany(f => Directory.EnumerateFiles(Path.Combine(Repository.Root, f), "*.cs", SearchOption.AllDirectories))
                .Where(f => Path.GetFileName(f) is not ("FaultCodes.cs" or "ConfigDiagnostic.cs"))
                .Select(File.ReadAllText),
        ];
        HashSet<string> used = [.. sources.SelectMany(s => Named().Matches(s)).Select(m => m.Value)];
        Assert.That(Codes.Select(c => $"{c.Table.Name}.{c.Name}"), Is.EquivalentTo(used));
        Assert.That(sources.SelectMany(s => Uncoded().Matches(s)).Select(m => m.Value), Is.Empty, "the first argument is a code");
    }

    [Test]
    public void The_page_of_errors_has_every_code()
    {
        var text = new StringBuilder();
        text.Append("# Errors\n\nWhat was done wrong is said in a line each, every mistake at once:\n\n");
        text.Append("```\nerror: CODE place: what is wrong there; what is legal, or what to do\n```\n\n");
        text.Append(
            "The place is a file, a node or layer in it, a field or an option. The exit code is 2. A code stays what it means; the words "
                + "of a line may\nchange. In the sources a code is a constant of `FaultCodes` or `ConfigCodes`.\n\n"
        );
        text.Append(
            CultureInfo.InvariantCulture,
            $"A test writes this page: `{Repository.Update}=1 dotnet test tests/AccelGen.Config.Tests --filter "
                + $"{nameof(The_page_of_errors_has_every_code)}`.\n"
        );
        foreach ((string title, char group) in Groups)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"\n## {title}\n\n| code | name | what is meant ... | what helps |\n|---|---|---|---|\n"
            );
            foreach ((_, string name, string code) in Codes.Where(c => c.Code[2] == group).OrderBy(c => c.Code, StringComparer.Ordinal))
                text.Append(CultureInfo.InvariantCulture, $"| {code} | {name} | {Kinds[code].Says} | {Kinds[code].Cure} |\n");
        }

        Repository.Compare("docs/errors.md", text.ToString(), "AccelGen.Config.Tests");
    }

    [GeneratedRegex(@"\b(FaultCodes|ConfigCodes)\.(?!All\b)[A-Z]\w+")]
    private static partial Regex Named();

    [GeneratedRegex(@"new (Fault|InputException|ImportException)\(\s*\$?""[^""]*""")]
    private static partial Regex Uncoded();
}
