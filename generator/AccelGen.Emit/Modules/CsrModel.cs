using System.Globalization;
using AccelGen.Config;
using AccelGen.Isa;

namespace AccelGen.Emit.Modules;

/// <summary>Model of acc_csr: registers, path table and counter window.</summary>
/// <param name="config">Configuration.</param>
internal sealed class CsrModel(AcceleratorConfig config)
{
    // Addresses of the record of choices agree above these bits.
    private const int DecisionPageShift = 7;

    /// <summary>Rows of the path table.</summary>
    public int Paths => config.Control.Paths;

    /// <summary>Last row of the path table.</summary>
    public int LastPath => Paths - 1;

    /// <summary>A bit for every row of the path table.</summary>
    public BitRange PathFlags => BitRange.Of(Paths);

    /// <summary>Number of a row of the path table.</summary>
    public BitRange PathIndex => BitRange.Index(Paths);

    /// <summary>Version of the command format.</summary>
    public int IsaVersion => IsaDefinition.Version;

    /// <summary>Byte offset of the counters, hexadecimal.</summary>
    public string CounterBase => IsaDefinition.CounterBase.ToString("X4", CultureInfo.InvariantCulture);

    /// <summary>Upper nine bits of the byte offsets of the record of choices, hexadecimal.</summary>
    public string DecisionPage => (IsaDefinition.DecisionBase >> DecisionPageShift).ToString("X3", CultureInfo.InvariantCulture);

    /// <summary>Byte offsets of the registers, hexadecimal.</summary>
    public Named<string> Registers => IsaNames.Registers;
}
