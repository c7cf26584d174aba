using System.Globalization;

namespace AccelGen.Tests.Shared;

/// <summary>Environment variables by which a run of the tests is repeated or made longer; failures print them.</summary>
internal static class Setting
{
    /// <summary>Variable of the seed of what is drawn.</summary>
    public const string SeedVariable = "ACCELGEN_SEED";

    /// <summary>Variable of how many are drawn.</summary>
    public const string IterationsVariable = "ACCELGEN_ITER";

    /// <summary>The seed that the user set, or the test's own.</summary>
    /// <param name="own">Seed of the test.</param>
    public static int Seed(int own) => Number(SeedVariable) ?? own;

    /// <summary>How many are drawn: as the user set, or what the test usually draws.</summary>
    /// <param name="usual">Usual number.</param>
    public static int Iterations(int usual) => Number(IterationsVariable) ?? usual;

    /// <summary>A whole number in a variable, or null where there is none.</summary>
    /// <param name="variable">Name of the variable.</param>
    public static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.Integer, CultureInfo.InvariantCulture, out int n)
            ? n
            : null;
}
