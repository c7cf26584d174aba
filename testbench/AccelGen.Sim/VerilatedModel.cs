using System.Runtime.InteropServices;

namespace AccelGen.Sim;

/// <summary>Ports of the top module, in the order of the native shim.</summary>
internal enum Port
{
    Clock,
    Reset,
    SAwValid,
    SAwReady,
    SAwAddr,
    SWValid,
    SWReady,
    SWData,
    SWStrb,
    SBValid,
    SBReady,
    SBResp,
    SArValid,
    SArReady,
    SArAddr,
    SRValid,
    SRReady,
    SRData,
    SRResp,
    ArValid,
    ArReady,
    ArAddr,
    ArLen,
    RValid,
    RReady,
    RData,
    RResp,
    RLast,
    AwValid,
    AwReady,
    AwAddr,
    AwLen,
    WValid,
    WReady,
    WData,
    WStrb,
    WLast,
    BValid,
    BReady,
    BResp,
    Interrupt,
    Running,
    Trace,
    Count,
}

/// <summary>A verilated model in this process; ports are reached through pointers.</summary>
internal sealed unsafe class VerilatedModel : IDisposable
{
    private readonly nint library;
    private readonly delegate* unmanaged[SuppressGCTransition]<nint, void> clock;
    private readonly delegate* unmanaged<nint, void> settle;
    private readonly delegate* unmanaged<nint, int> failed;
    private readonly delegate* unmanaged<nint, void> destroy;
    private readonly nint[] ports = new nint[(int)Port.Count];
    private nint handle;

    public VerilatedModel(string path)
    {
        try
        {
            library = NativeLibrary.Load(path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new ToolException(
                $"the simulation model {path} cannot be loaded ({e.Message.Split('\n')[0]}); remove its folder to have it built again"
            );
        }

        clock = (delegate* unmanaged[SuppressGCTransition]<nint, void>)NativeLibrary.GetExport(library, "acc_clock");
        settle = (delegate* unmanaged<nint, void>)NativeLibrary.GetExport(library, "acc_settle");
        failed = (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(library, "acc_failed");
        destroy = (delegate* unmanaged<nint, void>)NativeLibrary.GetExport(library, "acc_destroy");
        handle = ((delegate* unmanaged<nint>)NativeLibrary.GetExport(library, "acc_create"))();
        fixed (nint* p = ports)
            ((delegate* unmanaged<nint, nint*, void>)NativeLibrary.GetExport(library, "acc_ports"))(handle, p);
    }

    /// <summary>An assertion of the RTL has failed.</summary>
    public bool Failed => failed(handle) != 0;

    public byte* Pointer(Port port) => (byte*)ports[(int)port];

    public ref byte Bit(Port port) => ref *(byte*)ports[(int)port];

    public ref ushort Half(Port port) => ref *(ushort*)ports[(int)port];

    public ref uint Word(Port port) => ref *(uint*)ports[(int)port];

    public ref ulong Long(Port port) => ref *(ulong*)ports[(int)port];

    public void Clock() => clock(handle);

    public void Settle() => settle(handle);

    /// <summary>The model was built with waveforms.</summary>
    public bool CanTrace => ((delegate* unmanaged<int>)NativeLibrary.GetExport(library, "acc_can_trace"))() != 0;

    /// <summary>Closes the waveform.</summary>
    public void CloseWaveform() => ((delegate* unmanaged<nint, void>)NativeLibrary.GetExport(library, "acc_trace_close"))(handle);

    /// <summary>Opens an FST waveform; false when the model was built without.</summary>
    public bool OpenWaveform(string path)
    {
        nint name = Marshal.StringToCoTaskMemUTF8(path);
        try
        {
            return ((delegate* unmanaged<nint, nint, int>)NativeLibrary.GetExport(library, "acc_trace"))(handle, name) == 0;
        }
        finally
        {
            Marshal.FreeCoTaskMem(name);
        }
    }

    public void Dispose()
    {
        if (handle == 0)
            return;
        destroy(handle);
        handle = 0;
        // The library stays loaded: other handles of this process may use it.
    }
}
