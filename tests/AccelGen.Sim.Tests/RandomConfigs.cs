using AccelGen.Config;

namespace AccelGen.Sim.Tests;

/// <summary>Configurations that tests draw from.</summary>
internal static class RandomConfigs
{
    /// <summary>Few and small ones whose simulation models all random tests share: each takes a build.</summary>
    public static IReadOnlyList<(string Preset, string[] Overrides)> Built { get; } =
    [
        ("tiny", []),
        (
            "tiny",
            [
                "array.vectorWidth=12",
                "array.lanes=6",
                "array.pes=3",
                "buffers.inputKibibytes=8",
                "buffers.weightKibibytes=4",
                "axi.outstandingReads=2",
            ]
        ),
        (
            "tiny",
            [
                "array.vectorWidth=20",
                "array.lanes=10",
                "array.pes=5",
                "axi.dataBits=128",
                "buffers.inputKibibytes=8",
                "buffers.weightKibibytes=16",
                "axi.addressBits=40",
            ]
        ),
        (
            "tiny",
            [
                "array.vectorWidth=4",
                "array.lanes=4",
                "array.pes=1",
                "buffers.inputKibibytes=4",
                "axi.maxBurstBeats=1",
                "control.commandBlock=8",
            ]
        ),
        (
            "tiny",
            [
                "array.vectorWidth=16",
                "array.lanes=8",
                "array.pes=6",
                "axi.dataBits=64",
                "buffers.inputKibibytes=8",
                "buffers.weightKibibytes=16",
                "axi.outstandingWrites=1",
            ]
        ),
        (
            "tiny",
            [
                "array.vectorWidth=8",
                "array.lanes=8",
                "array.pes=4",
                "axi.dataBits=256",
                "buffers.inputKibibytes=16",
                "buffers.outputKibibytes=4",
                "buffers.residualKibibytes=4",
                "buffers.weightKibibytes=8",
                "array.accumulatorBits=28",
            ]
        ),
        ("small", ["array.pes=7", "control.queueDepth=2"]),
        ("small", ["array.vectorWidth=32", "array.lanes=8", "axi.dataBits=512", "array.pes=3"]),
        (
            "tiny",
            [
                "units.rowOperators=false",
                "units.quotient=false",
                "units.multiply=false",
                "units.rowTaps=false",
                "units.resize=false",
                "units.transpose=false",
                "units.activationTable=false",
            ]
        ),
    ];

    /// <summary>Any legal configuration: sizes of array and buffers, bus, queues, units.</summary>
    public static AcceleratorConfig Legal(Random random)
    {
        while (true)
        {
            int Of(params ReadOnlySpan<int> choices) => choices[random.Next(choices.Length)];
            bool Unit() => random.Next(8) != 0;
            int width = Of(4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64),
                lanes = random.Next(3) == 0 ? width : width / Of(1, 2, 3, 4);
            var config = new AcceleratorConfig
            {
                Name = "random",
                Array = new ArrayConfig(width, lanes, random.Next(1, 17), random.Next(24, 33)),
                Buffers = new BufferConfig(
                    Of(1, 2, 4, 8, 16, 64, 192),
                    Of(1, 2, 4, 16),
                    Of(1, 2, 4, 16),
                    Of(1, 2, 4, 16, 128),
                    random.Next(4, 130),
                    random.Next(2, 130)
                ),
                Axi = new AxiConfig(
                    Of(64, 128, 256, 512),
                    random.Next(32, 41),
                    random.Next(1, 17),
                    random.Next(1, 17),
                    random.Next(1, 65),
                    IdBits: 4,
                    Id: random.Next(16),
                    Prot: random.Next(8),
                    Cache: random.Next(16)
                ),
                Control = new ControlConfig(random.Next(2, 17), Of(8, 16, 32, 64, 128), random.Next(1, 17), random.Next(1, 17)),
                Units = new UnitsConfig(Unit(), Unit(), Unit(), Unit(), Unit(), Unit(), Unit(), Unit(), Unit()),
            };
            if (ConfigRules.Validate(config).IsEmpty)
                return config;
        }
    }
}
