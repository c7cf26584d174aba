using NUnit.Framework;

namespace AccelGen.Tests.Shared;

/// <summary>Models and images that are not part of the repository.</summary>
internal static class ThirdPartyModels
{
    /// <summary>Path of a model or image folder; the test is skipped, visibly, where it is absent.</summary>
    public static string Require(string relative)
    {
        string? folder = Environment.GetEnvironmentVariable("ACCELGEN_MODELS");
        for (string? at = AppContext.BaseDirectory; folder is null && at is not null; at = Path.GetDirectoryName(at))
        {
            string beside = Path.Combine(at, "shared", "models");
            if (Directory.Exists(beside))
                folder = beside;
        }

        string path = Path.Combine(folder ?? string.Empty, relative);
        if (folder is null || !Path.Exists(path))
            Assert.Ignore($"needs {relative}: set ACCELGEN_MODELS to a folder that holds it");
        return path;
    }
}
