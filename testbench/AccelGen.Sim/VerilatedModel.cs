using System.Runtime.InteropServices;

namespace AccelGen.Sim;

/// <summary>A verilated model in this process; ports are reached through pointers, which end with the model.</summary>
internal sealed unsafe class VerilatedModel : IDisposable
{
    private readonly nint library;
    private readonly delegate* unmanaged[SuppressGCTransition]<nint, void> clock;
    private readonly delegate* unmanaged<nint, void> settle;
    private readonly delegate* unmanaged<nint, int> failed;
    private readonly nint[] ports = new nint[Port.All.Count];
    private readonly ModelHandle handle;

    public VerilatedModel(string path)
    {
        try
        {
            // The library stays loaded: other handles of this process may use it.
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
        handle = new ModelHandle(library);
        fixed (nint* p = ports)
            ((delegate* unmanaged<nint, nint*, void>)NativeLibrary.GetExport(library, "acc_ports"))(Native, p);
        GC.KeepAlive(handle);
    }

    /// <summary>The model is gone: every member but this and <see cref="Dispose"/> throws.</summary>
    public bool IsDisposed => handle.IsClosed;

    /// <summary>An assertion of the RTL has failed.</summary>
    public bool Failed
    {
        get
        {
            bool has = failed(Native) != 0;
            GC.KeepAlive(handle);
            return has;
        }
    }

    // For one call, with the handle kept alive until its end. Counting references would cost two locked instructions a cycle.
    private nint Native
    {
        get
        {
            ObjectDisposedException.ThrowIf(handle.IsClosed, this);
            return handle.DangerousGetHandle();
        }
    }

    /// <summary>Bytes of a port, least significant first; they are there until the model is disposed.</summary>
    public byte* Pointer(Port port)
    {
        ObjectDisposedException.ThrowIf(handle.IsClosed, this);
        return (byte*)ports[port.Index];
    }

    /// <summary>A port of 1 to 8 bits.</summary>
    public ref byte Bit(Port port) => ref *Pointer(port);

    /// <summary>A port of 9 to 16 bits.</summary>
    public ref ushort Half(Port port) => ref *(ushort*)Pointer(port);

    /// <summary>A port of 17 to 32 bits.</summary>
    public ref uint Word(Port port) => ref *(uint*)Pointer(port);

    /// <summary>A port of 33 to 64 bits.</summary>
    public ref ulong Long(Port port) => ref *(ulong*)Pointer(port);

    /// <summary>One clock cycle: the inputs are sampled at the rising edge.</summary>
    public void Clock()
    {
        clock(Native);
        GC.KeepAlive(handle);
    }

    /// <summary>Combinational settling without a clock edge.</summary>
    public void Settle()
    {
        settle(Native);
        GC.KeepAlive(handle);
    }

    /// <summary>The model was built with waveforms.</summary>
    public bool CanTrace => ((delegate* unmanaged<int>)NativeLibrary.GetExport(library, "acc_can_trace"))() != 0;

    /// <summary>Closes the waveform.</summary>
    public void CloseWaveform()
    {
        ((delegate* unmanaged<nint, void>)NativeLibrary.GetExport(library, "acc_trace_close"))(Native);
        GC.KeepAlive(handle);
    }

    /// <summary>Opens an FST waveform; false when the model was built without.</summary>
    public bool OpenWaveform(string path)
    {
        nint name = Marshal.StringToCoTaskMemUTF8(path);
        try
        {
            return ((delegate* unmanaged<nint, nint, int>)NativeLibrary.GetExport(library, "acc_trace"))(Native, name) == 0;
        }
        finally
        {
            Marshal.FreeCoTaskMem(name);
            GC.KeepAlive(handle);
        }
    }

    /// <summary>Ends the model and closes an open waveform.</summary>
    public void Dispose() => handle.Dispose();

    /// <summary>The native model; it is destroyed once, at the latest when nothing refers to it.</summary>
    private sealed class ModelHandle : SafeHandle
    {
        private readonly delegate* unmanaged<nint, void> destroy;

        public ModelHandle(nint library)
            : base(0, ownsHandle: true)
        {
            destroy = (delegate* unmanaged<nint, void>)NativeLibrary.GetExport(library, "acc_destroy");
            SetHandle(((delegate* unmanaged<nint>)NativeLibrary.GetExport(library, "acc_create"))());
        }

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            destroy(handle);
            return true;
        }
    }
}
