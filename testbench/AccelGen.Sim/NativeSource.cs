using AccelGen.Emit;

namespace AccelGen.Sim;

/// <summary>The C++ sources of the test bench, with the list of ports that they include.</summary>
public static class NativeSource
{
    /// <summary>Name of the file with the C interface to a model.</summary>
    public const string ShimName = "shim.cpp";

    /// <summary>Name of the file with the program that drives a model without the host.</summary>
    public const string BenchName = "bench_main.cpp";

    // Included by both.
    private const string PortsName = "acc_ports.h";

    /// <summary>The C interface to a model, compiled into its library.</summary>
    public static IReadOnlyList<EmittedFile> Shim { get; } = WithPorts(ShimName);

    /// <summary>The program that drives a model from C++, for comparison.</summary>
    public static IReadOnlyList<EmittedFile> Bench { get; } = WithPorts(BenchName);

    private static EmittedFile[] WithPorts(string name)
    {
        using Stream stream = typeof(NativeSource).Assembly.GetManifestResourceStream($"native/{name}")!;
        using var reader = new StreamReader(stream);
        return [new EmittedFile(PortsName, Port.Header()), new EmittedFile(name, reader.ReadToEnd())];
    }
}
