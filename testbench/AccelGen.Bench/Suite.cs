using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using AccelGen.Compiler;
using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Emit;
using AccelGen.Network.Quantized;
using AccelGen.Sim;
using CliWrap;
using CliWrap.Buffered;

namespace AccelGen.Bench;

/// <summary>All benchmarks; each figure is a median, comparisons alternate within one run.</summary>
internal static class Suite
{
    private const int Rounds = 3,
        Alternations = 4;

    private sealed record Figure(string Name, double Value, string Unit, string? Asked = null);

    /// <summary>Measures and writes the report as Markdown and JSON.</summary>
    public static async Task<int> RunAsync(string markdown, string json)
    {
        string work = Directory.CreateTempSubdirectory("accelgen-bench").FullName;
        try
        {
            var figures = new List<Figure>();
            Generation(work, figures);
            await BuildsAsync(work, figures).ConfigureAwait(false);
            Models(figures);
            await GoldenAsync(figures).ConfigureAwait(false);
            Large(work, figures);
            await ThroughputAsync(work, figures).ConfigureAwait(false);
            Dictionary<string, string> machine = await MachineAsync().ConfigureAwait(false);
            Write(markdown, Markdown(figures, machine));
            Write(
                json,
                JsonSerializer.Serialize(
                    new { machine, figures },
                    new JsonSerializerOptions { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase }
                ) + "\n"
            );
            Console.Write(Markdown(figures, machine));
            return 0;
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private static void Generation(string work, List<Figure> figures)
    {
        Progress("generation");
        double[] seconds =
        [
            .. Enumerable
                .Range(0, 5)
                .Select(i => Time(() => OutputFolder.Write(Path.Combine(work, $"rtl{i}"), RtlEmitter.EmitAll(ConfigLoader.Load("wide"))))),
        ];
        figures.Add(new Figure("generate wide, in a running process, first time", seconds[0], "s", "< 1"));
        figures.Add(new Figure("generate wide, in a running process, median", Median(seconds), "s"));
    }

    private static async Task BuildsAsync(string work, List<Figure> figures)
    {
        foreach ((string preset, string asked) in new[] { ("tiny", "< 15"), ("base", ""), ("wide", "< 90") })
        {
            Progress($"model build of {preset}");
            var build = new ModelBuild(Path.Combine(work, "models"));
            AcceleratorConfig config = ConfigLoader.Load(preset);
            figures.Add(
                new Figure(
                    $"model build of {preset}, empty cache",
                    (await build.BuildAsync(config).ConfigureAwait(false)).Seconds,
                    "s",
                    asked.Length > 0 ? asked : null
                )
            );
            BuiltModel second = await build.BuildAsync(config).ConfigureAwait(false);
            if (!second.FromCache)
                throw new InvalidOperationException($"the second build of {preset} compiled again");
            figures.Add(new Figure($"model build of {preset}, second time (compiles nothing)", second.Seconds, "s"));
        }
    }

    private static void Models(List<Figure> figures)
    {
        AcceleratorConfig config = ConfigLoader.Load("base");
        var timing = new MemoryTiming();
        Progress("compiler and cycle model");
        var programs = new List<CompiledProgram>();
        double compile = Time(() =>
        {
            foreach (LayerSpec layer in SegFormerLayers.Layers("segformer-b0"))
                programs.Add(new NetworkCompiler(config, timing).Compile(layer.Build(1).Network));
        });
        figures.Add(new Figure("compile all layers of SegFormer-B0 for base, random weights made included", compile, "s"));
        double predict = Median([
            .. Enumerable
                .Range(0, 7)
                .Select(_ =>
                    Time(() =>
                    {
                        foreach (CompiledProgram program in programs)
                            new CycleModel(config, timing).Predict(
                                program.Commands,
                                program.ProgramAddress,
                                program.Row(ExecutionPath.Whole)
                            );
                    })
                ),
        ]);
        figures.Add(new Figure("cycle model, all layers of SegFormer-B0 on base", predict * 1000, "ms", "< 100"));
    }

    // A child on one core has one thread for both.
    private static async Task GoldenAsync(List<Figure> figures)
    {
        Progress("golden model beside ONNX Runtime");
        string[] command = [Environment.ProcessPath!, typeof(Suite).Assembly.Location, "golden", "segformer-b0", "15"];
        BufferedCommandResult result = await Cli.Wrap("taskset").WithArguments(["-c", "0", .. Arguments(command)]).ExecuteBufferedAsync();
        (string Name, double Golden, double Theirs)[] layers =
        [
            .. result
                .StandardOutput.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(l => l.Split(' '))
                .Select(p => (p[0], Number(p[1]) * Number(p[3]), Number(p[1]) * Number(p[4]))),
        ];
        double golden = layers.Sum(l => l.Golden);
        figures.Add(
            new Figure("golden model, convolutions, linear layers and matrix products of SegFormer-B0, one thread", golden * 1000, "ms")
        );
        figures.Add(
            new Figure("its speed over ONNX Runtime's int8 kernels, all these layers", layers.Sum(l => l.Theirs) / golden, "", ">= 0.5")
        );
        (string name, double ratio) = layers.Select(l => (l.Name, l.Theirs / l.Golden)).MinBy(l => l.Item2);
        figures.Add(new Figure($"the same, the layer where it is lowest ({name})", ratio, ""));
        figures.Add(
            new Figure(
                "the same, share of the layers at 0.5 or above",
                layers.Count(l => l.Theirs / l.Golden >= 0.5) / (double)layers.Length,
                ""
            )
        );

        static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
    }

    private static void Large(string work, List<Figure> figures)
    {
        Progress("large file");
        foreach ((string step, double seconds, long bytes) in LargeModel.Steps(work))
        {
            figures.Add(new Figure(step, seconds, "s"));
            figures.Add(new Figure("the same, peak memory", bytes / 1e6, "MB"));
        }
    }

    // C# and C++ take turns, each pinned to the same core.
    private static async Task ThroughputAsync(string work, List<Figure> figures)
    {
        string shared = (await new ModelBuild().BuildAsync(ConfigLoader.Load("wide")).ConfigureAwait(false)).Library;
        string run = Path.Combine(work, "run.bin"),
            main = Path.Combine(work, "bench_main"),
            source = Path.Combine(work, NativeSource.BenchName);
        Throughput.Dump("wide", run);
        foreach (EmittedFile file in NativeSource.Bench)
            await File.WriteAllTextAsync(Path.Combine(work, file.Path), file.Text).ConfigureAwait(false);
        await Cli.Wrap("g++")
            .WithArguments([
                "-std=c++17",
                "-O3",
                "-march=native",
                source,
                shared,
                $"-Wl,-rpath,{Path.GetDirectoryName(shared)}",
                "-o",
                main,
            ])
            .ExecuteBufferedAsync();
        var managed = new List<double>();
        var native = new List<double>();
        (long Cycles, string Hash) first = default;
        for (int i = 0; i < Alternations; i++)
        {
            Progress($"simulation on wide, round {i + 1} of {Alternations}");
            foreach (
                (List<double> times, string[] command) in new[]
                {
                    (managed, new[] { Environment.ProcessPath!, typeof(Suite).Assembly.Location, "drive", "wide", $"{Rounds}" }),
                    (native, [main, run, $"{Rounds}"]),
                }
            )
            {
                (double[] seconds, long cycles, string hash) = await PinnedAsync(command).ConfigureAwait(false);
                times.AddRange(seconds);
                if (first != default && first != (cycles, hash))
                    throw new InvalidOperationException(
                        $"{command[0]} ends after {cycles} cycles with memory {hash}; the run before after {first.Cycles} with {first.Hash}"
                    );
                first = (cycles, hash);
            }
        }

        figures.Add(
            new Figure(
                $"co-simulation of {Throughput.Layer} (SegFormer-B0) on wide, C# harness, one core",
                Throughput.Macs / Median(managed) / 1e9,
                "10^9 MAC/s",
                ">= 1, aim 2"
            )
        );
        figures.Add(new Figure("the same, driven by a C++ main", Throughput.Macs / Median(native) / 1e9, "10^9 MAC/s"));
        figures.Add(new Figure("C# time over C++ time, medians of alternating runs", Median(managed) / Median(native), "", "<= 1.1"));
        figures.Add(new Figure("cycles of the run, both the same", first.Cycles, ""));
    }

    private static async Task<(double[] Seconds, long Cycles, string Hash)> PinnedAsync(string[] command)
    {
        BufferedCommandResult result = await Cli.Wrap("taskset").WithArguments(["-c", "0", .. Arguments(command)]).ExecuteBufferedAsync();
        string[] lines = result.StandardOutput.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        double[] seconds = [.. lines[..^1].Select(l => double.Parse(l.Split(' ')[0], CultureInfo.InvariantCulture))];
        return (seconds, long.Parse(lines[0].Split(' ')[1], CultureInfo.InvariantCulture), lines[^1]);
    }

    // An apphost is its own program; a "dotnet" host takes the assembly.
    private static string[] Arguments(string[] command) =>
        Path.GetFileNameWithoutExtension(command[0]) == "accelgen-bench" ? [command[0], .. command[2..]] : command;

    private static async Task<Dictionary<string, string>> MachineAsync()
    {
        string processor = File.ReadLines("/proc/cpuinfo")
            .First(l => l.StartsWith("model name", StringComparison.Ordinal))
            .Split(':')[1]
            .Trim();
        string system = File.ReadLines("/etc/os-release").First(l => l.StartsWith("PRETTY_NAME", StringComparison.Ordinal)).Split('"')[1];
        BufferedCommandResult compiler = await Cli.Wrap("g++").WithArguments("--version").ExecuteBufferedAsync();
        return new Dictionary<string, string>
        {
            ["processor"] = $"{processor}, {Environment.ProcessorCount} cores",
            ["system"] = $"{system}, {RuntimeInformation.ProcessArchitecture}",
            ["verilator"] = await ModelBuild.VerilatorVersionAsync().ConfigureAwait(false),
            ["compiler"] = compiler.StandardOutput.Split('\n')[0],
            ["dotnet"] = Environment.Version.ToString(),
        };
    }

    private static string Markdown(List<Figure> figures, Dictionary<string, string> machine)
    {
        var text = new StringBuilder("# Benchmarks\n\nWritten by `scripts/bench.sh`.\n\n");
        foreach ((string key, string value) in machine)
            text.Append(CultureInfo.InvariantCulture, $"- {key}: {value}\n");
        text.Append("\n| figure | measured | asked |\n|---|---|---|\n");
        foreach (Figure f in figures)
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {f.Name} | {f.Value.ToString(f.Value >= 1000 ? "N0" : "G3", CultureInfo.InvariantCulture)} {f.Unit} | {f.Asked} |\n"
            );
        return text.ToString();
    }

    private static void Write(string path, string text)
    {
        string temporary = path + ".tmp";
        File.WriteAllText(temporary, text);
        File.Move(temporary, path, overwrite: true);
    }

    private static double Time(Action action)
    {
        long started = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static double Median(IReadOnlyList<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }

    private static void Progress(string what)
    {
        if (!Console.IsErrorRedirected)
            Console.Error.WriteLine(what);
    }
}
