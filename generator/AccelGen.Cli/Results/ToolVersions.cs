namespace AccelGen.Cli.Results;

/// <summary>What a simulation ran with.</summary>
/// <param name="Accelgen">Version of this program.</param>
/// <param name="Verilator">Version line of Verilator.</param>
/// <param name="Dotnet">Version of the runtime.</param>
internal sealed record ToolVersions(string? Accelgen, string Verilator, string Dotnet)
{
    /// <summary>This program with a Verilator.</summary>
    public static ToolVersions With(string verilator) =>
        new(typeof(ToolVersions).Assembly.GetName().Version?.ToString(3), verilator, Environment.Version.ToString());
}
