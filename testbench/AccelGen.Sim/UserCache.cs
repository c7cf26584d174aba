using System.Security.Cryptography;
using System.Text;
using AccelGen.Files;

namespace AccelGen.Sim;

/// <summary>The folder in which what took long to find out is kept: of the user, or the one that ACCELGEN_CACHE names.</summary>
public static class UserCache
{
    private const string Variable = "ACCELGEN_CACHE";

    /// <summary>Folder of the cache.</summary>
    public static string Folder =>
        Named
        ?? Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create),
            "accelgen"
        );

    /// <summary>Folder of the simulation models: a folder that is named holds them itself.</summary>
    public static string Models => Named ?? Path.Combine(Folder, "models");

    private static string? Named => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } set ? Path.GetFullPath(set) : null;

    /// <summary>Name under which something is kept: a hash of all that it depends on.</summary>
    /// <param name="parts">Texts, in order.</param>
    public static string Key(IEnumerable<string> parts) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', parts))))[..32];

    /// <summary>Makes a folder of the cache and does what needs it.</summary>
    /// <param name="folder">Folder; it is created.</param>
    /// <param name="kept">What is kept there, for the message.</param>
    /// <param name="use">What is done with it.</param>
    /// <exception cref="IOException">It cannot be read or written; the message says what to do.</exception>
    public static void Prepare(string folder, string kept, Action use)
    {
        try
        {
            Directory.CreateDirectory(folder);
            use();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"{kept} cannot be kept in {folder}: {OutputFile.Reason(e)}; set {Variable} to a folder that can be written",
                e
            );
        }
    }
}
