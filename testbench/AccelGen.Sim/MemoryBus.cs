using System.Numerics;
using System.Runtime.CompilerServices;
using AccelGen.Config;
using AccelGen.Cycles;

namespace AccelGen.Sim;

/// <summary>When a slave accepts the address of a write, as AXI leaves it to choose.</summary>
public enum AddressAcceptance
{
    /// <summary>Whether or not there are data.</summary>
    Freely,

    /// <summary>Only together with a beat of data: AWREADY waits for WVALID.</summary>
    WithData,

    /// <summary>Only when all data of the burst have been accepted.</summary>
    AfterData,
}

/// <summary>What a memory does beyond its timing, within the rules of the bus; for tests.</summary>
/// <param name="StallSeed">When set, every channel stalls at random beyond the timing, and responses come late or in bursts.</param>
/// <param name="ReadErrorAt">Read beat (counted from the start of the run) answered with an error, or -1.</param>
/// <param name="WriteErrorAt">Write burst (counted likewise) answered with an error, or -1.</param>
/// <param name="Decode">The error is DECERR instead of SLVERR.</param>
/// <param name="Acceptance">When write addresses are accepted.</param>
public sealed record MemoryFaults(
    int? StallSeed = null,
    long ReadErrorAt = -1,
    long WriteErrorAt = -1,
    bool Decode = false,
    AddressAcceptance Acceptance = AddressAcceptance.Freely
);

/// <summary>
/// The memory behind the AXI port: answers read and write bursts in order with the timing of <see cref="MemoryTiming"/>. It
/// stays alive between programs: what a program leaves open is answered later, whatever runs then.
/// </summary>
internal sealed unsafe class MemoryBus
{
    private readonly int beatBytes;
    private readonly bool wideAddress;
    private readonly byte* arValid,
        arReady,
        arAddr,
        arLen,
        rValid,
        rReady,
        rData,
        rResp,
        rLast,
        awValid,
        awReady,
        awAddr,
        awLen,
        wValid,
        wReady,
        wData,
        wStrb,
        wLast,
        bValid,
        bReady,
        bResp;
    private readonly ulong allStrobes;
    private readonly Queue<(long Address, int Beats, long Ready)> reads = new();
    private readonly Queue<(long Address, int Beats)> writes = new();
    private readonly Queue<(byte[] Data, ulong Strobes, bool Last)> early = new(); // data whose address has not come
    private readonly Queue<long> responses = new();
    private byte* memory;
    private long memoryBytes;
    private MemoryTiming timing = new();
    private MemoryFaults faults = new();
    private Random? random;
    private long readAddress,
        nextRead = long.MinValue / 2,
        readCount,
        writeAddress,
        nextWrite = long.MinValue / 2,
        burstCount;
    private int readLeft,
        writeLeft,
        earlyBursts;
    private bool offered,
        answering;

    public MemoryBus(VerilatedModel model, AcceleratorConfig config)
    {
        beatBytes = config.Derived.BeatBytes;
        wideAddress = config.Axi.AddressBits > 32;
        allStrobes = beatBytes == 64 ? ulong.MaxValue : (1UL << beatBytes) - 1;
        arValid = model.Pointer(Port.ArValid);
        arReady = model.Pointer(Port.ArReady);
        arAddr = model.Pointer(Port.ArAddr);
        arLen = model.Pointer(Port.ArLen);
        rValid = model.Pointer(Port.RValid);
        rReady = model.Pointer(Port.RReady);
        rData = model.Pointer(Port.RData);
        rResp = model.Pointer(Port.RResp);
        rLast = model.Pointer(Port.RLast);
        awValid = model.Pointer(Port.AwValid);
        awReady = model.Pointer(Port.AwReady);
        awAddr = model.Pointer(Port.AwAddr);
        awLen = model.Pointer(Port.AwLen);
        wValid = model.Pointer(Port.WValid);
        wReady = model.Pointer(Port.WReady);
        wData = model.Pointer(Port.WData);
        wStrb = model.Pointer(Port.WStrb);
        wLast = model.Pointer(Port.WLast);
        bValid = model.Pointer(Port.BValid);
        bReady = model.Pointer(Port.BReady);
        bResp = model.Pointer(Port.BResp);
    }

    /// <summary>Data moved in the last driven cycle.</summary>
    public bool Moved { get; private set; }

    /// <summary>Bursts that have not been answered whole.</summary>
    public int Open => reads.Count + (readLeft > 0 ? 1 : 0) + writes.Count + (writeLeft > 0 ? 1 : 0) + responses.Count + earlyBursts;

    /// <summary>Address of the beat that <see cref="MemoryFaults.ReadErrorAt"/> named; -1 before it came.</summary>
    public long ReadErrorAddress { get; private set; }

    /// <summary>Address of the burst that <see cref="MemoryFaults.WriteErrorAt"/> named; -1 before it was answered.</summary>
    public long WriteErrorAddress { get; private set; }

    /// <summary>The memory's bytes.</summary>
    /// <param name="bytes">First byte, pinned.</param>
    /// <param name="count">Size.</param>
    public void Attach(byte* bytes, long count)
    {
        memory = bytes;
        memoryBytes = count;
    }

    /// <summary>Sets timing and misbehaviour; beats and bursts count from here.</summary>
    /// <param name="timing">Timing.</param>
    /// <param name="faults">Misbehaviour.</param>
    public void Behave(MemoryTiming timing, MemoryFaults faults)
    {
        this.timing = timing;
        this.faults = faults;
        random = faults.StallSeed is int seed ? new Random(seed) : null;
        readCount = burstCount = 0;
        ReadErrorAddress = WriteErrorAddress = -1;
    }

    /// <summary>Forgets every open burst, as a memory does that is reset together with the design.</summary>
    public void Reset()
    {
        reads.Clear();
        writes.Clear();
        early.Clear();
        responses.Clear();
        started.Clear();
        readLeft = writeLeft = earlyBursts = 0;
        offered = answering = false;
        *rValid = *bValid = *arReady = *awReady = *wReady = 0;
    }

    // Addresses of the bursts whose responses are due, in order.
    private readonly Queue<long> started = new();

    private bool Stall() => random is not null && random.Next(4) == 0;

    /// <summary>Sets the inputs for the coming clock edge and takes note of what that edge transfers.</summary>
    /// <param name="now">Cycle.</param>
    public void Drive(long now)
    {
        Moved = false;
        DriveRead(now);
        bool data =
            nextWrite <= now && !Stall() && (faults.Acceptance != AddressAcceptance.AfterData || earlyBursts == 0 || writes.Count > 0);
        bool address =
            !Stall()
            && faults.Acceptance switch
            {
                AddressAcceptance.WithData => *wValid != 0 && data,
                AddressAcceptance.AfterData => earlyBursts > 0,
                _ => true,
            };
        // Who takes an address only with data takes the first beat of a burst only with its address.
        data &= faults.Acceptance != AddressAcceptance.WithData || writeLeft > 0 || writes.Count > 0 || (address && *awValid != 0);
        *awReady = address ? (byte)1 : (byte)0;
        if (address && *awValid != 0)
            AcceptAddress(now);
        *wReady = data ? (byte)1 : (byte)0;
        if (data && *wValid != 0)
            AcceptData(now);
        DriveResponse(now);
    }

    private void DriveRead(long now)
    {
        bool ready = !Stall();
        *arReady = ready ? (byte)1 : (byte)0;
        if (ready && *arValid != 0)
        {
            long address = wideAddress ? (long)*(ulong*)arAddr : *(uint*)arAddr;
            reads.Enqueue((address, *arLen + 1, now + timing.ReadLatency));
        }

        // Read data: offered until taken.
        if (!offered)
        {
            *rValid = 0;
            if (readLeft == 0 && reads.TryPeek(out var head) && head.Ready <= now && nextRead <= now && !Stall())
            {
                reads.Dequeue();
                readAddress = head.Address;
                readLeft = head.Beats;
                Offer();
            }
            else if (readLeft > 0 && nextRead <= now && !Stall())
            {
                Offer();
            }
        }

        if (offered && *rReady != 0)
        {
            offered = false;
            readLeft--;
            readCount++;
            readAddress += beatBytes;
            nextRead = now + timing.ReadInterval;
            Moved = true;
        }
    }

    private void AcceptAddress(long now)
    {
        long address = wideAddress ? (long)*(ulong*)awAddr : *(uint*)awAddr;
        writes.Enqueue((address, *awLen + 1));
        started.Enqueue(address);
        // Data that came before their address.
        while (early.Count > 0 && (writeLeft > 0 || writes.Count > 0))
        {
            (byte[] bytes, ulong strobes, bool last) = early.Dequeue();
            earlyBursts -= last ? 1 : 0;
            fixed (byte* p = bytes)
                Write(now, p, strobes, last);
        }
    }

    private void AcceptData(long now)
    {
        ulong strobes = beatBytes switch
        {
            8 => *wStrb,
            16 => *(ushort*)wStrb,
            32 => *(uint*)wStrb,
            _ => *(ulong*)wStrb,
        };
        if (writeLeft > 0 || writes.Count > 0)
        {
            Write(now, wData, strobes, *wLast != 0);
        }
        else
        {
            early.Enqueue((new Span<byte>(wData, beatBytes).ToArray(), strobes, *wLast != 0));
            earlyBursts += *wLast != 0 ? 1 : 0;
        }

        nextWrite = now + timing.WriteInterval;
        Moved = true;
    }

    private void Write(long now, byte* data, ulong strobes, bool last)
    {
        if (writeLeft == 0)
            (writeAddress, writeLeft) = writes.Dequeue();
        if (writeAddress + beatBytes <= memoryBytes)
        {
            if (strobes == allStrobes)
                Buffer.MemoryCopy(data, memory + writeAddress, beatBytes, beatBytes);
            else
                for (ulong left = strobes; left != 0; left &= left - 1)
                    memory[writeAddress + BitOperations.TrailingZeroCount(left)] = data[BitOperations.TrailingZeroCount(left)];
        }

        writeAddress += beatBytes;
        writeLeft--;
        if (writeLeft == 0 != last)
            throw new SimulationException($"cycle {now}: WLAST does not mark the last beat of the burst");
        if (writeLeft == 0)
            responses.Enqueue(now + timing.WriteLatency + (random?.Next(3) == 0 ? random.Next(40) : 0));
    }

    private void DriveResponse(long now)
    {
        // A response that is offered stays.
        answering |= responses.TryPeek(out long due) && due <= now;
        *bValid = answering ? (byte)1 : (byte)0;
        *bResp = burstCount == faults.WriteErrorAt ? Error : (byte)0;
        if (!answering || *bReady == 0)
            return;
        if (burstCount == faults.WriteErrorAt)
            WriteErrorAddress = started.Peek();
        started.Dequeue();
        responses.Dequeue();
        answering = false;
        burstCount++;
    }

    private byte Error => faults.Decode ? (byte)3 : (byte)2;

    private void Offer()
    {
        offered = true;
        *rValid = 1;
        *rLast = readLeft == 1 ? (byte)1 : (byte)0;
        *rResp = readCount == faults.ReadErrorAt ? Error : (byte)0;
        if (readCount == faults.ReadErrorAt)
            ReadErrorAddress = readAddress;
        if (readAddress + beatBytes <= memoryBytes)
            Buffer.MemoryCopy(memory + readAddress, rData, beatBytes, beatBytes);
        else
            Unsafe.InitBlock(rData, 0, (uint)beatBytes);
    }
}
