using System.Runtime.CompilerServices;
using System.Text;
using AccelGen.Config;

namespace AccelGen.Sim;

/// <summary>Which side drives a port of the top module.</summary>
internal enum PortDirection
{
    /// <summary>The simulator does.</summary>
    Input,

    /// <summary>The design does.</summary>
    Output,
}

/// <summary>
/// A port of the top module. The static fields are the one list of them, in the order of the module; what the C++ sources
/// know of the ports is rendered from it.
/// </summary>
internal sealed class Port
{
    private static readonly List<Port> Table = [];

    private readonly Func<AcceleratorConfig, int> width;

    private Port(string identifier, string name, PortDirection direction, Func<AcceleratorConfig, int> width)
    {
        (Identifier, Name, Direction, this.width) = (identifier, name, direction, width);
        Index = Table.Count;
        Table.Add(this);
    }

    /// <summary>Name in the sources of the simulator: that of the field.</summary>
    public string Identifier { get; }

    /// <summary>Name in the RTL.</summary>
    public string Name { get; }

    /// <summary>Who drives it.</summary>
    public PortDirection Direction { get; }

    /// <summary>Place in <see cref="All"/>, and among the pointers of a model.</summary>
    public int Index { get; }

    /// <summary>Width in bits.</summary>
    /// <param name="config">Configuration of the design.</param>
    public int Width(AcceleratorConfig config) => width(config);

    /// <inheritdoc/>
    public override string ToString() => Name;

    // Clock and reset, active low.
    public static readonly Port Clock = In("clk_i");
    public static readonly Port Reset = In("rst_ni");

    // AXI4-Lite slave: registers.
    public static readonly Port SAwValid = In("s_awvalid_i");
    public static readonly Port SAwReady = Out("s_awready_o");
    public static readonly Port SAwAddr = In("s_awaddr_i", 16);
    public static readonly Port SWValid = In("s_wvalid_i");
    public static readonly Port SWReady = Out("s_wready_o");
    public static readonly Port SWData = In("s_wdata_i", 32);
    public static readonly Port SWStrb = In("s_wstrb_i", 4);
    public static readonly Port SBValid = Out("s_bvalid_o");
    public static readonly Port SBReady = In("s_bready_i");
    public static readonly Port SBResp = Out("s_bresp_o", 2);
    public static readonly Port SArValid = In("s_arvalid_i");
    public static readonly Port SArReady = Out("s_arready_o");
    public static readonly Port SArAddr = In("s_araddr_i", 16);
    public static readonly Port SRValid = Out("s_rvalid_o");
    public static readonly Port SRReady = In("s_rready_i");
    public static readonly Port SRData = Out("s_rdata_o", 32);
    public static readonly Port SRResp = Out("s_rresp_o", 2);

    // AXI4 master: memory.
    public static readonly Port ArId = Out("m_arid_o", c => c.Axi.IdBits);
    public static readonly Port ArProt = Out("m_arprot_o", 3);
    public static readonly Port ArCache = Out("m_arcache_o", 4);
    public static readonly Port ArValid = Out("m_arvalid_o");
    public static readonly Port ArReady = In("m_arready_i");
    public static readonly Port ArAddr = Out("m_araddr_o", c => c.Axi.AddressBits);
    public static readonly Port ArLen = Out("m_arlen_o", 8);
    public static readonly Port ArSize = Out("m_arsize_o", 3);
    public static readonly Port ArBurst = Out("m_arburst_o", 2);
    public static readonly Port RValid = In("m_rvalid_i");
    public static readonly Port RReady = Out("m_rready_o");
    public static readonly Port RData = In("m_rdata_i", c => 8 * c.Derived.BeatBytes);
    public static readonly Port RResp = In("m_rresp_i", 2);
    public static readonly Port RLast = In("m_rlast_i");
    public static readonly Port AwId = Out("m_awid_o", c => c.Axi.IdBits);
    public static readonly Port AwProt = Out("m_awprot_o", 3);
    public static readonly Port AwCache = Out("m_awcache_o", 4);
    public static readonly Port AwValid = Out("m_awvalid_o");
    public static readonly Port AwReady = In("m_awready_i");
    public static readonly Port AwAddr = Out("m_awaddr_o", c => c.Axi.AddressBits);
    public static readonly Port AwLen = Out("m_awlen_o", 8);
    public static readonly Port AwSize = Out("m_awsize_o", 3);
    public static readonly Port AwBurst = Out("m_awburst_o", 2);
    public static readonly Port WValid = Out("m_wvalid_o");
    public static readonly Port WReady = In("m_wready_i");
    public static readonly Port WData = Out("m_wdata_o", c => 8 * c.Derived.BeatBytes);
    public static readonly Port WStrb = Out("m_wstrb_o", c => c.Derived.BeatBytes);
    public static readonly Port WLast = Out("m_wlast_o");
    public static readonly Port BValid = In("m_bvalid_i");
    public static readonly Port BReady = Out("m_bready_o");
    public static readonly Port BResp = In("m_bresp_i", 2);

    // Interrupt, and what a run is watched by.
    public static readonly Port Interrupt = Out("interrupt_o");
    public static readonly Port Running = Out("running_o");
    public static readonly Port Trace = Out("trace_o", 9);

    /// <summary>All ports, in the order of the module.</summary>
    public static IReadOnlyList<Port> All => Table;

    /// <summary>The list as C preprocessor text: ACC_PORTS(X) calls X with identifier and RTL name of every port.</summary>
    public static string Header()
    {
        var text = new StringBuilder("// Ports of the top module in the order of the host's table, which this is rendered from.\n");
        text.Append("#define ACC_PORTS(X)");
        foreach (Port port in All)
            text.Append($" \\\n  X({port.Identifier}, {port.Name})");
        return text.Append('\n').ToString();
    }

    private static Port In(string name, int width = 1, [CallerMemberName] string identifier = "") =>
        new(identifier, name, PortDirection.Input, _ => width);

    private static Port In(string name, Func<AcceleratorConfig, int> width, [CallerMemberName] string identifier = "") =>
        new(identifier, name, PortDirection.Input, width);

    private static Port Out(string name, int width = 1, [CallerMemberName] string identifier = "") =>
        new(identifier, name, PortDirection.Output, _ => width);

    private static Port Out(string name, Func<AcceleratorConfig, int> width, [CallerMemberName] string identifier = "") =>
        new(identifier, name, PortDirection.Output, width);
}
