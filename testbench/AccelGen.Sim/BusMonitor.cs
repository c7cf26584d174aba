using System.Numerics;
using AccelGen.Config;

namespace AccelGen.Sim;

/// <summary>
/// Watches the AXI4 master from outside and writes down whatever breaks a rule of the bus. It knows the ports and the
/// protocol, nothing of the design, and shares nothing with the assertions in the RTL or with <see cref="MemoryBus"/>.
/// </summary>
internal sealed unsafe class BusMonitor
{
    private readonly VerilatedModel model;
    private readonly AcceleratorConfig config;
    private readonly int beatBytes;
    private readonly bool wideAddress;
    private readonly List<string> broken = [];
    private readonly Queue<int> readLengths = new(),
        writeLengths = new(),
        endedBursts = new();
    private (bool Valid, ulong Address, byte Length) ar,
        aw;
    private (bool Valid, byte[] Data, ulong Strobes, bool Last) w;
    private int readBeats,
        writeBeats,
        unanswered;
    private long cycle;

    public BusMonitor(VerilatedModel model, AcceleratorConfig config)
    {
        this.model = model;
        this.config = config;
        beatBytes = config.Derived.BeatBytes;
        wideAddress = config.Axi.AddressBits > 32;
        w = (false, new byte[beatBytes], 0, false);
    }

    /// <summary>What broke a rule; empty when nothing did.</summary>
    public IReadOnlyList<string> Broken => broken;

    /// <summary>Where reads may go, [From, To).</summary>
    public (long From, long To) Readable { get; set; }

    /// <summary>Where writes may go, [From, To).</summary>
    public IReadOnlyList<(long From, long To)> Writable { get; set; } = [];

    /// <summary>Bursts seen, reads and writes.</summary>
    public long Bursts { get; private set; }

    /// <summary>Beats of the last burst that wrote nothing at all.</summary>
    public long EmptyBeats { get; private set; }

    /// <summary>Forgets open bursts: the design is reset.</summary>
    public void Reset()
    {
        readLengths.Clear();
        writeLengths.Clear();
        endedBursts.Clear();
        ar.Valid = aw.Valid = w.Valid = false;
        readBeats = writeBeats = unanswered = 0;
    }

    /// <summary>Looks at the ports as the coming clock edge samples them.</summary>
    public void Observe()
    {
        cycle++;
        bool running = model.Bit(Port.Running) != 0;
        Address("AR", Port.ArValid, Port.ArReady, Port.ArAddr, Port.ArLen, ref ar, running, readLengths, config.Axi.OutstandingReads);
        Address("AW", Port.AwValid, Port.AwReady, Port.AwAddr, Port.AwLen, ref aw, running, writeLengths, config.Axi.OutstandingWrites);
        Data(running);
        MatchWrites();
        if (model.Bit(Port.RValid) != 0 && model.Bit(Port.RReady) != 0)
            ReadBeat();
        if (model.Bit(Port.BValid) != 0 && model.Bit(Port.BReady) != 0 && --unanswered < 0)
            Say("a response was taken that no burst is owed");
        if (!running && model.Bit(Port.RReady) != 0)
            Say("RREADY while idle");
    }

    private void Address(
        string channel,
        Port validPort,
        Port readyPort,
        Port addressPort,
        Port lengthPort,
        ref (bool Valid, ulong Address, byte Length) waiting,
        bool running,
        Queue<int> lengths,
        int most
    )
    {
        bool valid = model.Bit(validPort) != 0;
        ulong address = wideAddress ? model.Long(addressPort) : model.Word(addressPort);
        byte length = model.Bit(lengthPort);
        if (waiting.Valid && (!valid || address != waiting.Address || length != waiting.Length))
            Say(
                $"{channel} changed while it waited: {waiting.Address:X}+{waiting.Length} to "
                    + $"{(valid ? $"{address:X}+{length}" : "nothing")}"
            );
        waiting = (valid && model.Bit(readyPort) == 0, address, length);
        if (!valid)
            return;
        if (!running)
            Say($"{channel} asks for {address:X} while idle");
        if (model.Bit(readyPort) == 0)
            return;
        long bytes = (length + 1L) * beatBytes;
        bool read = channel == "AR";
        Bursts++;
        if (address % (ulong)beatBytes != 0)
            Say($"{channel} {address:X} is no multiple of a beat");
        if (((long)address & 4095) + bytes > 4096)
            Say($"{channel} {address:X} of {bytes} bytes crosses 4 KiB");
        if (length + 1 > config.Axi.MaxBurstBeats)
            Say($"{channel} asks for {length + 1} beats");
        bool allowed = read
            ? (long)address >= Readable.From && (long)address + bytes <= Readable.To
            : Writable.Any(r => (long)address >= r.From && (long)address + bytes <= r.To);
        if (!allowed)
            Say($"{channel} {address:X} of {bytes} bytes is outside of what the program may use");
        lengths.Enqueue(length + 1);
        if (read)
        {
            if (lengths.Count > most)
                Say($"{lengths.Count} reads are open");
        }
        else if (++unanswered > most)
        {
            Say($"{unanswered} writes are open");
        }
    }

    private void Data(bool running)
    {
        bool valid = model.Bit(Port.WValid) != 0,
            last = model.Bit(Port.WLast) != 0;
        byte* data = model.Pointer(Port.WData);
        ulong strobes = 0;
        for (int i = 0; i < (beatBytes + 7) / 8; i++)
            strobes |= (ulong)model.Pointer(Port.WStrb)[i] << (8 * i);
        var now = new ReadOnlySpan<byte>(data, beatBytes);
        if (w.Valid && (!valid || last != w.Last || strobes != w.Strobes || !now.SequenceEqual(w.Data)))
            Say("W changed while it waited");
        bool taken = valid && model.Bit(Port.WReady) != 0;
        now.CopyTo(w.Data);
        w = (valid && !taken, w.Data, strobes, last);
        if (valid && !running)
            Say("W offers data while idle");
        if (!taken)
            return;
        writeBeats++;
        EmptyBeats += strobes == 0 ? 1 : 0;
        if (strobes != 0 && BitOperations.PopCount(strobes) != beatBytes)
            Say($"strobes {strobes:X} write part of a beat");
        if (!last)
            return;
        // The address may come with the data or after them; it is counted when both are there.
        endedBursts.Enqueue(writeBeats);
        writeBeats = 0;
    }

    private void MatchWrites()
    {
        while (endedBursts.TryPeek(out int beats) && writeLengths.TryPeek(out int asked))
        {
            endedBursts.Dequeue();
            writeLengths.Dequeue();
            if (beats != asked)
                Say($"a write burst of {asked} beats had {beats}");
        }
    }

    private void ReadBeat()
    {
        readBeats++;
        if (readLengths.Count == 0)
        {
            Say("a beat was taken that no burst asked for");
            return;
        }

        if (model.Bit(Port.RLast) == 0)
            return;
        int asked = readLengths.Dequeue();
        if (asked != readBeats)
            Say($"a read burst of {asked} beats had {readBeats}");
        readBeats = 0;
    }

    private void Say(string what)
    {
        if (broken.Count < 20)
            broken.Add($"cycle {cycle}: {what}");
    }
}
