using AccelGen.Config;
using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Sim.Tests;

/// <summary>
/// Programs one after the other on a bus that lives on and misbehaves within its rules: stalls, addresses that wait for data,
/// late responses, errors, aborts and resets at any cycle. After each the next program must run as if nothing had been.
/// </summary>
public sealed class BusTests
{
    private static readonly (string Preset, string[] Overrides)[] Configs =
    [
        ("tiny", []),
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
        ("small", ["array.vectorWidth=32", "array.lanes=8", "axi.dataBits=512", "array.pes=3"]),
        ("tiny", ["axi.maxBurstBeats=3"]),
        ("base", []),
    ];

    private static int Seed => Setting.Seed(4711);

    private static int Programs => Setting.Iterations(80);

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    [TestCase(4)]
    [TestCase(5)]
    [CancelAfter(300_000)]
    public Task Programs_on_a_misbehaving_bus_end_as_they_should(int number) => Run(number, Programs);

    [TestCase(0)]
    [TestCase(5)]
    [TestCase(6)]
    [Category("Deep")]
    [CancelAfter(3_000_000)]
    public Task Many_programs_on_a_misbehaving_bus_end_as_they_should(int number) => Run(number, number == 6 ? 60 : 2000);

    private static async Task Run(int number, int programs)
    {
        AcceleratorConfig config = ConfigLoader.Load(Configs[number].Preset, Configs[number].Overrides);
        BuiltModel built = await new ModelBuild().BuildAsync(config);
        using var rig = new BusRig(config, built.Library);
        for (int i = 0; i < programs; i++)
            rig.Next((Seed * 100_003) + (number * 10_007) + i);
        TestContext.Out.WriteLine($"{config.Name} {string.Join(' ', Configs[number].Overrides)}, seed {Seed}: {rig.Summary}");
        // The counts show that the drawing reaches what it is for.
        Assert.That(
            new[] { rig.Exact, rig.ReadErrors, rig.WriteErrors, rig.Aborts, rig.Timeouts, rig.Resets, rig.Stalled },
            Has.All.Positive
        );
    }
}
