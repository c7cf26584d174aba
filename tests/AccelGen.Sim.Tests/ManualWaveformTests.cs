using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Network.Quantized;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>The waveforms of docs/integration.md, which are what the block does.</summary>
public sealed class ManualWaveformTests
{
    private const string Folder = "docs/waveforms";
    private const int Seed = 12;

    private static readonly MemoryTiming Timing = new(ReadLatency: 8, ReadInterval: 1, WriteLatency: 6, WriteInterval: 1);

    [TestCase("run")]
    [TestCase("read-error")]
    [TestCase("write-error")]
    [TestCase("abort")]
    [CancelAfter(300_000)]
    public async Task The_waveforms_of_the_manual_are_those_of_the_block(string name) =>
        Repository.Compare($"{Folder}/{name}.svg", await Draw(name), "AccelGen.Sim.Tests");

    private static async Task<string> Draw(string name)
    {
        AcceleratorConfig config = ConfigLoader.Load("tiny");
        using var simulator = new Simulator(config, (await new ModelBuild().BuildAsync(config)).Library);
        (QuantizedNetwork network, Dictionary<int, sbyte[]> inputs) = RandomQuantizedGraphs.Build(Seed, config.Array.VectorWidth);
        CompiledProgram program = new NetworkCompiler(config, Timing, 1).Compile(network);
        simulator.LoadMemory(program.MemoryBytes, program.Image);
        foreach ((int tensor, sbyte[] values) in inputs)
            program.WriteInput(tensor, values, simulator.Memory);
        simulator.WriteRegister("ProgramLow", (uint)program.ProgramAddress);
        simulator.WriteRegister("ProgramHashLow", (uint)config.Hash.Value);
        simulator.WriteRegister("ProgramHashHigh", (uint)(config.Hash.Value >> 32));
        simulator.WriteRegister("InterruptEnable", 3);
        simulator.WritePath(0, program.Row(ExecutionPath.Whole));
        simulator.Behave(
            Timing,
            new MemoryFaults(ReadErrorAt: name == "read-error" ? 40 : -1, WriteErrorAt: name == "write-error" ? 1 : -1)
        );

        WaveformPicture picture = Record(simulator.Model, simulator);
        simulator.Step();
        simulator.WriteRegister("Control", 1);
        long start = simulator.Cycle;
        bool aborted = false;
        for (int after = 0; after < 6; )
        {
            // In the middle of a burst of stores.
            if (name == "abort" && !aborted && picture["WVALID", picture.Cycles - 1] == 1 && picture["WLAST", picture.Cycles - 1] == 0)
            {
                simulator.WriteRegister("Control", 4);
                aborted = true;
            }

            simulator.Step();
            after += simulator.Running ? 0 : 1;
            Assert.That(simulator.Cycle - start, Is.LessThan(100_000));
        }

        Assert.That(simulator.AssertionFailed, Is.False);
        int begin = picture.Find("S_AWVALID", 1),
            end = picture.Find("RUNNING", 0, picture.Find("RUNNING", 1));
        int halt = name switch
        {
            "read-error" => picture.Find("RRESP", 2),
            "write-error" => picture.Find("BRESP", 2),
            "abort" => picture.Find("S_AWVALID", 1, begin + 5),
            _ => begin,
        };
        return name == "run"
            ? picture.Render("A program from the write of Control to its interrupt", (begin - 1, begin + 24), (end - 12, end + 4))
            : picture.Render(
                name == "abort" ? "An abort while a burst is written" : $"An error response to a {name.Split('-')[0]}",
                (halt - 5, halt + 26),
                (end - 3, end + 4)
            );
    }

    private static WaveformPicture Record(VerilatedModel model, Simulator simulator)
    {
        var picture = new WaveformPicture();
        foreach (
            (string signal, int digits) in new[]
            {
                ("S_AWVALID", 0),
                ("S_AWADDR", 4),
                ("S_WVALID", 0),
                ("S_WDATA", 1),
                ("S_BVALID", 0),
                ("RUNNING", 0),
                ("ARVALID", 0),
                ("ARREADY", 0),
                ("ARADDR", 4),
                ("ARLEN", 2),
                ("RVALID", 0),
                ("RREADY", 0),
                ("RRESP", 1),
                ("RLAST", 0),
                ("AWVALID", 0),
                ("AWREADY", 0),
                ("AWLEN", 2),
                ("WVALID", 0),
                ("WREADY", 0),
                ("WSTRB", 2),
                ("WLAST", 0),
                ("BVALID", 0),
                ("BREADY", 0),
                ("BRESP", 1),
                ("INTERRUPT", 0),
            }
        )
            picture.Signal(signal, digits);
        simulator.BeforeEdge = () =>
        {
            ulong Bit(Port port) => model.Bit(port);
            ulong? When(Port valid, ulong value) => Bit(valid) != 0 ? value : null;
            picture.Sample(
                Bit(Port.SAwValid),
                When(Port.SAwValid, model.Half(Port.SAwAddr)),
                Bit(Port.SWValid),
                When(Port.SWValid, model.Word(Port.SWData)),
                Bit(Port.SBValid),
                Bit(Port.Running),
                Bit(Port.ArValid),
                Bit(Port.ArReady),
                When(Port.ArValid, model.Word(Port.ArAddr)),
                When(Port.ArValid, Bit(Port.ArLen)),
                Bit(Port.RValid),
                Bit(Port.RReady),
                When(Port.RValid, Bit(Port.RResp)),
                Bit(Port.RLast) & Bit(Port.RValid),
                Bit(Port.AwValid),
                Bit(Port.AwReady),
                When(Port.AwValid, Bit(Port.AwLen)),
                Bit(Port.WValid),
                Bit(Port.WReady),
                When(Port.WValid, Bit(Port.WStrb)),
                Bit(Port.WLast) & Bit(Port.WValid),
                Bit(Port.BValid),
                Bit(Port.BReady),
                When(Port.BValid, Bit(Port.BResp)),
                Bit(Port.Interrupt)
            );
        };
        return picture;
    }
}
