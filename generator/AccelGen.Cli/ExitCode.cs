namespace AccelGen.Cli;

/// <summary>Exit codes of every command; the README lists them.</summary>
internal static class ExitCode
{
    /// <summary>All is well.</summary>
    public const int Success = 0;

    /// <summary>RTL and models differ, or a check failed.</summary>
    public const int Mismatch = 1;

    /// <summary>The input is wrong: configuration, layer, file, option or usage.</summary>
    public const int BadInput = 2;

    /// <summary>A tool is missing or failed, or the disk or folder cannot be written.</summary>
    public const int Environment = 3;

    /// <summary>The design hangs, fails an assertion or reports an error.</summary>
    public const int Simulation = 4;

    /// <summary>A fault of this program.</summary>
    public const int Internal = 70;

    /// <summary>Interrupted by the user.</summary>
    public const int Cancelled = 130;
}
