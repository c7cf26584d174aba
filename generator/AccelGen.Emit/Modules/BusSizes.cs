using System.Numerics;
using AccelGen.Config;

namespace AccelGen.Emit.Modules;

/// <summary>Vectors and limits of the AXI4 master.</summary>
/// <param name="config">Configuration.</param>
internal sealed class BusSizes(AcceleratorConfig config)
{
    // Length of a burst, AxLEN.
    private const int LengthBits = 8;

    // Beside the data of a beat: whether it is written, and whether it is the last of its burst.
    private const int DataFlags = 2;

    /// <summary>A byte address.</summary>
    public BitRange Address => BitRange.Of(config.Axi.AddressBits);

    /// <summary>Data of a beat.</summary>
    public BitRange Data => BitRange.Of(8 * BeatBytes);

    /// <summary>Byte strobes of a beat.</summary>
    public BitRange Strobes => BitRange.Of(BeatBytes);

    /// <summary>An identifier.</summary>
    public BitRange Id => BitRange.Of(config.Axi.IdBits);

    /// <summary>Bytes of a beat, a power of two.</summary>
    public int BeatBytes => config.Derived.BeatBytes;

    /// <summary>Binary logarithm of the bytes of a beat: AxSIZE.</summary>
    public int BeatShift => BitOperations.Log2((uint)BeatBytes);

    /// <summary>Bits of an address that are zero at the begin of a beat.</summary>
    public BitRange WithinBeat => BitRange.Of(BeatShift);

    /// <summary>Most beats of a burst.</summary>
    public int MaxBurst => config.Axi.MaxBurstBeats;

    /// <summary>Address and length of a burst.</summary>
    public BitRange Burst => BitRange.Of(Address.Width + LengthBits);

    /// <summary>The same below its valid bit.</summary>
    public BitRange ValidBurst => BitRange.Of(Burst.Width + 1);

    /// <summary>Data, write and last of a beat that is written.</summary>
    public BitRange WriteBeat => BitRange.Of(Data.Width + DataFlags);

    /// <summary>The same below its valid bit.</summary>
    public BitRange ValidWriteBeat => BitRange.Of(WriteBeat.Width + 1);
}
