using System.Runtime.Intrinsics.X86;

namespace AccelGen.Golden;

/// <summary>Vector instructions that the golden model has code for. Without any it computes the same in plain vectors of .NET.</summary>
[Flags]
internal enum InstructionSets
{
    /// <summary>Vectors of .NET, whatever they are made of.</summary>
    None = 0,

    /// <summary>AVX2: 256 bits.</summary>
    Avx2 = 1,

    /// <summary>AVX-VNNI: sums of four products of bytes, 256 bits.</summary>
    AvxVnni = 2,

    /// <summary>AVX-512 F and BW: 512 bits.</summary>
    Avx512 = 4,
}

/// <summary>Which vector instructions the golden model uses.</summary>
internal static class Instructions
{
    /// <summary>Those of this processor.</summary>
    public static InstructionSets Supported { get; } =
        (Avx2.IsSupported ? InstructionSets.Avx2 : 0)
        | (AvxVnni.IsSupported ? InstructionSets.AvxVnni : 0)
        | (Avx512BW.IsSupported ? InstructionSets.Avx512 : 0);

    /// <summary>Those in use: all that there are, unless a test takes some away.</summary>
    public static InstructionSets Used { get; set; } = Supported;

    /// <summary>Whether instructions are in use.</summary>
    public static bool Use(InstructionSets sets) => (Used & Supported & sets) == sets;
}
