using AccelGen.Config;
using AccelGen.Files;
using Microsoft.Extensions.Logging;
using NUnit.Framework;

namespace AccelGen.Synth.Tests;

/// <summary>Synthesis with the tools and the library of the distribution; scripts/test.sh installs them.</summary>
[NonParallelizable]
public sealed class SynthesizerTests
{
    private string cache = string.Empty;
    private string? before;

    [SetUp]
    public void UseACacheOfItsOwn()
    {
        before = Environment.GetEnvironmentVariable("ACCELGEN_CACHE");
        cache = Directory.CreateTempSubdirectory("accelgen-synth-test").FullName;
        Environment.SetEnvironmentVariable("ACCELGEN_CACHE", cache);
    }

    [TearDown]
    public void RemoveIt()
    {
        Environment.SetEnvironmentVariable("ACCELGEN_CACHE", before);
        Directory.Delete(cache, recursive: true);
    }

    [Test]
    [CancelAfter(300_000)]
    public async Task A_module_has_the_area_of_its_cells_and_a_path_and_is_found_again_without_a_tool(CancellationToken cancellation)
    {
        var log = new Lines();
        Liberty osu = Liberty.Load(Liberty.Osu180);
        var synthesizer = new Synthesizer(osu, 5, log);
        SynthesizedDesign design = await synthesizer.RunAsync(ConfigLoader.Load("tiny"), "acc_semaphores", cancellation);
        SynthesizedModule module = design.Modules.Single();
        Assert.That(module.AreaUm2, Is.EqualTo(module.Cells.Sum(c => c.Value * osu.Cells[c.Key].AreaUm2)).And.GreaterThan(1000));
        Assert.That(
            module.FlipFlops,
            Is.EqualTo(module.Cells.Where(c => c.Key.StartsWith("DFF", StringComparison.Ordinal)).Sum(c => c.Value))
        );
        Assert.That(module.FlipFlops, Is.GreaterThan(0));
        Assert.That(module.Path!.Nanoseconds, Is.InRange(0.3, 20));
        Assert.That(log.All, Has.Some.EqualTo("mapping acc_semaphores").And.Some.EqualTo("timing acc_semaphores"));
        log.All.Clear();
        SynthesizedModule again = (await synthesizer.RunAsync(ConfigLoader.Load("tiny"), "acc_semaphores", cancellation)).Modules.Single();
        Assert.That((again.AreaUm2, again.Path, again.Seconds), Is.EqualTo((module.AreaUm2, module.Path, module.Seconds)));
        Assert.That(log.All, Has.None.Contains("mapping").And.None.Contains("timing"));
        // A result that was cut short is found out again.
        foreach (string file in Directory.GetFiles(Path.Combine(cache, "synthesis")))
            File.WriteAllText(file, File.ReadAllText(file)[..50]);
        again = (await synthesizer.RunAsync(ConfigLoader.Load("tiny"), "acc_semaphores", cancellation)).Modules.Single();
        Assert.That((again.AreaUm2, again.Path), Is.EqualTo((module.AreaUm2, module.Path)));
        Assert.That(log.All, Has.Some.EqualTo("mapping acc_semaphores"));
    }

    [Test]
    [CancelAfter(300_000)]
    public void A_module_that_there_is_not_is_refused_with_those_that_there_are(CancellationToken cancellation) =>
        Assert.That(
            async () =>
                await new Synthesizer(Liberty.Load(Liberty.Osu180), 5, new Lines()).RunAsync(
                    ConfigLoader.Load("tiny"),
                    "acc_nothing",
                    cancellation
                ),
            Throws.TypeOf<InputException>().With.Message.Contains("--module acc_nothing").And.Message.Contains("acc_semaphores")
        );

    [Test]
    [CancelAfter(300_000)]
    public void A_library_that_lacks_a_cell_of_the_design_is_refused_by_name(CancellationToken cancellation)
    {
        // Without set and reset.
        const string Poor = """
            library (poor) {
              cell (INV) { area : 1; pin (A) { direction : input; } pin (Y) { direction : output; function : "!A"; } }
              cell (NAND) { area : 2; pin (A) { direction : input; } pin (B) { direction : input; } pin (Y) { direction : output; function : "!(A&B)"; } }
              cell (DFF) { area : 5; ff (IQ, IQN) { next_state : "D"; clocked_on : "C"; } pin (C) { direction : input; } pin (D) { direction : input; } pin (Q) { direction : output; function : "IQ"; } }
            }
            """;
        Assert.That(
            async () =>
                await new Synthesizer(Liberty.Parse("poor.lib", Poor), 5, new Lines()).RunAsync(
                    ConfigLoader.Load("tiny"),
                    "acc_semaphores",
                    cancellation
                ),
            Throws
                .TypeOf<InputException>()
                .With.Message.Contains("library poor has no flip-flop with what acc_semaphores needs (dffs with async")
        );
    }

    private sealed class Lines : ILogger
    {
        public List<string> All { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => All.Add(formatter(state, exception));
    }
}
