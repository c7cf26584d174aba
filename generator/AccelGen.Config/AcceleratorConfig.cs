using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace AccelGen.Config;

/// <summary>Everything that distinguishes one generated accelerator from another.</summary>
/// <remarks>
/// The attributes on the sections below are the only statement of each field's legal values: the loader,
/// the rules and the JSON schema all read them through <see cref="ConfigField"/>.
/// </remarks>
public sealed record AcceleratorConfig
{
    private Beside beside;

    /// <summary>Name of the configuration; not part of its hash.</summary>
    [Description("Name of the configuration, used for output folders; not part of the configuration hash.")]
    [RegularExpression("^[A-Za-z][A-Za-z0-9_-]{0,31}$")]
    public required string Name { get; init; }

    /// <summary>The multiply-accumulate array.</summary>
    [Description("The multiply-accumulate array.")]
    public required ArrayConfig Array { get; init; }

    /// <summary>On-chip memories.</summary>
    [Description("On-chip memories.")]
    public required BufferConfig Buffers { get; init; }

    /// <summary>The memory port.</summary>
    [Description("The memory port.")]
    public required AxiConfig Axi { get; init; }

    /// <summary>Command fetch, queues and path registers.</summary>
    [Description("Command fetch, queues and path registers.")]
    public required ControlConfig Control { get; init; }

    /// <summary>Optional functional units.</summary>
    [Description("Optional functional units.")]
    public required UnitsConfig Units { get; init; }

    /// <summary>The sizes that follow from the configured ones; meaningful for a valid configuration only.</summary>
    public DerivedConfig Derived => Own.Derived;

    /// <summary>Identifies everything but the name; the hardware reports it and programs carry it.</summary>
    public ConfigHash Hash => Own.Hash;

    private Computed Own
    {
        get
        {
            // `with` copies this reference as well: what was computed from the original would be stale in the copy.
            if (beside.Value is { } known && ReferenceEquals(known.Owner, this))
                return known;
            return (beside.Value = new Computed(this));
        }
    }

    private sealed class Computed(AcceleratorConfig owner)
    {
        private readonly Lazy<DerivedConfig> derived = new(() => new DerivedConfig(owner));
        private readonly Lazy<ConfigHash> hash = new(() => ConfigHash.Of(owner));

        public AcceleratorConfig Owner => owner;

        public DerivedConfig Derived => derived.Value;

        public ConfigHash Hash => hash.Value;
    }

    // Not part of what is configured: any two are equal, so that records compare, and copy, every section and nothing else.
    private struct Beside : IEquatable<Beside>
    {
        public Computed? Value;

        public readonly bool Equals(Beside other) => true;

        public override readonly bool Equals(object? obj) => obj is Beside;

        public override readonly int GetHashCode() => 0;
    }
}

/// <summary>The multiply-accumulate array: each PE does VectorWidth × Lanes multiplications per cycle.</summary>
public sealed record ArrayConfig(
    [property: Description("Input channels in one vector (C0)."), Range(4, 64)] int VectorWidth,
    [property: Description("Output channels computed at once (K0); must divide vectorWidth."), Range(4, 64)] int Lanes,
    [property: Description("Processing elements, each working on its own output pixels."), Range(1, 64)] int Pes,
    [property: Description("Width of one accumulator in bits."), Range(24, 32)] int AccumulatorBits
);

/// <summary>Sizes of the on-chip memories.</summary>
public sealed record BufferConfig(
    [property: Description("Input buffer of each PE in KiB."), Range(1, 4096)] int InputKibibytes,
    [property: Description("Output buffer of each PE in KiB."), Range(1, 4096)] int OutputKibibytes,
    [property: Description("Residual buffer of each PE in KiB."), Range(1, 4096)] int ResidualKibibytes,
    [property: Description("Weight buffer shared by all PEs in KiB."), Range(1, 65536)] int WeightKibibytes,
    [property: Description("Output pixels accumulated by each PE at a time."), Range(4, 1024)] int AccumulatorEntries,
    [property: Description("Channel tiles of bias and scale held on chip."), Range(2, 1024)] int ParameterEntries
);

/// <summary>The AXI memory port.</summary>
public sealed record AxiConfig(
    [property: Description("Width of the data channels in bits."), AllowedValues(64, 128, 256, 512)] int DataBits,
    [property: Description("Width of an address in bits."), Range(32, 40), DefaultValue(32)] int AddressBits,
    [property: Description("Read bursts in flight."), Range(1, 64)] int OutstandingReads,
    [property: Description("Write bursts in flight."), Range(1, 64)] int OutstandingWrites,
    [property: Description("Longest burst in beats; a burst may not exceed 4096 bytes."), Range(1, 256)] int MaxBurstBeats,
    [property: Description("Width of AWID and ARID in bits."), Range(1, 16), DefaultValue(4)] int IdBits,
    [property: Description("Value of AWID and ARID: all bursts are of one thread, in order."), Range(0, 65535), DefaultValue(0)] int Id,
    [property:
        Description("Value of AWPROT and ARPROT: bit 0 privileged, bit 1 non-secure, bit 2 instruction."),
        Range(0, 7),
        DefaultValue(0)
    ]
        int Prot,
    [property: Description("Value of AWCACHE and ARCACHE; 3 is normal, non-cacheable, bufferable memory."), Range(0, 15), DefaultValue(3)]
        int Cache
);

/// <summary>Command fetch and dispatch.</summary>
public sealed record ControlConfig(
    [property: Description("Commands waiting at each unit."), Range(2, 32)] int QueueDepth,
    [property: Description("Commands in one program block."), AllowedValues(8, 16, 32, 64, 128, 256)] int CommandBlock,
    [property: Description("Rows of the path table: execution paths between which one register write selects."), Range(1, 32)] int Paths,
    [property: Description("Dynamic registers that commands can read."), Range(1, 16)] int DynamicRegisters
);

/// <summary>Functional units that can be left out.</summary>
public sealed record UnitsConfig(
    [property: Description("Depthwise convolution, pooling and elementwise operators.")] bool LaneWise,
    [property: Description("Addition of a residual at the output.")] bool Residual,
    [property: Description("Product of two tensors; needs residual."), DefaultValue(true)] bool Multiply,
    [property: Description("Activations by a table of 256 entries."), DefaultValue(true)] bool ActivationTable,
    [property: Description("Softmax, layer normalisation and arg max."), DefaultValue(true)] bool RowOperators,
    [property: Description("Quotient of two matrix products (linear attention)."), DefaultValue(true)] bool Quotient,
    [property: Description("Resampling: taps outside the image read its nearest pixel; needs laneWise."), DefaultValue(true)] bool Resize,
    [property: Description("Stores with pixels and channels exchanged."), DefaultValue(true)] bool Transpose,
    [property:
        Description("Several taps per cycle of a kernel row that is depthwise, averaged or resampled; needs laneWise."),
        DefaultValue(true)
    ]
        bool RowTaps
);
