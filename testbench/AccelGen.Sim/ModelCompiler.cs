using CliWrap;
using CliWrap.Buffered;

namespace AccelGen.Sim;

/// <summary>
/// Verilator and the C++ compiler, step by step. Verilator's own makefile compiles its runtime with every model and the
/// model's files one by one, each of which reads the same headers: three quarters of the time of a small model. Here the
/// runtime is compiled once, and the files that are run often and those that are not are one unit each.
/// </summary>
/// <param name="folder">Folder to work in; its path has plain characters only.</param>
/// <param name="waveform">With support for waveforms.</param>
/// <param name="quick">The compiler spends half the time and the model runs slower: for many short simulations.</param>
internal sealed class ModelCompiler(string folder, bool waveform, bool quick)
{
    private const string Objects = "obj",
        Makefile = "Vacc_top_classes.mk";

    private const int Jobs = 2;

    // Files of more than this are compiled as two units, at the same time.
    private const long LargeUnit = 1_500_000;

    /// <summary>What goes into a model beside its sources: how it is verilated and compiled.</summary>
    /// <param name="waveform">As of the class.</param>
    /// <param name="quick">As of the class.</param>
    /// <param name="randomState">Registers and memories hold random values before the reset.</param>
    public static IReadOnlyList<string> Options(bool waveform, bool quick, bool randomState) =>
        [
            .. VerilatorOptions(waveform, randomState),
            .. CompilerOptions("ROOT", waveform),
            .. Level(quick),
            randomState ? "-DACC_RANDOM_STATE" : string.Empty,
        ];

    /// <summary>Options that Verilator's runtime is compiled with.</summary>
    /// <param name="waveform">As of the class.</param>
    public static IReadOnlyList<string> RuntimeOptions(bool waveform) => [.. CompilerOptions("ROOT", waveform), "-O2"];

    /// <summary>Translates the sources to C++.</summary>
    /// <param name="sources">SystemVerilog files, packages first.</param>
    /// <param name="randomState">As of <see cref="Options"/>.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="ToolException">Verilator is missing or refuses the sources.</exception>
    public Task VerilateAsync(IEnumerable<string> sources, bool randomState, CancellationToken cancellation) =>
        RunAsync("verilator", [.. VerilatorOptions(waveform, randomState), .. sources], cancellation);

    /// <summary>Compiles Verilator's runtime to one object file.</summary>
    /// <param name="name">Its name in the work folder.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="ToolException">The compiler is missing or failed.</exception>
    public async Task CompileRuntimeAsync(string name, CancellationToken cancellation)
    {
        string root = await RootAsync(cancellation).ConfigureAwait(false);
        string[] files = [.. Listed("GLOBAL_FAST").Concat(Listed("GLOBAL_SLOW"))];
        await Parallel
            .ForEachAsync(
                files,
                new ParallelOptions { MaxDegreeOfParallelism = Jobs, CancellationToken = cancellation },
                async (file, stop) =>
                    await UnitAsync(root, file, [$"{root}/include/{file}.cpp"], ["-O2"], $"{Objects}/{file}.o", [], stop)
                        .ConfigureAwait(false)
            )
            .ConfigureAwait(false);
        await RunAsync("g++", ["-r", "-nostdlib", "-o", name, .. files.Select(f => $"{Objects}/{f}.o")], cancellation)
            .ConfigureAwait(false);
    }

    /// <summary>Compiles the model and links it with the runtime.</summary>
    /// <param name="shim">C++ file with the interface to the model, in the work folder.</param>
    /// <param name="runtime">Object file of the runtime.</param>
    /// <param name="library">Shared library, in the work folder.</param>
    /// <param name="randomState">As of <see cref="Options"/>.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="ToolException">The compiler failed.</exception>
    public async Task CompileAsync(string shim, string runtime, string library, bool randomState, CancellationToken cancellation)
    {
        string root = await RootAsync(cancellation).ConfigureAwait(false);
        string[] define = randomState ? ["-DACC_RANDOM_STATE"] : [];
        string[] often = [.. Listed("CLASSES_FAST").Concat(Listed("SUPPORT_FAST"))],
            rarely = [.. Listed("CLASSES_SLOW").Concat(Listed("SUPPORT_SLOW"))];
        string[] level = Level(quick);
        List<string>[] units = Divided(often);
        // The interface is called in every cycle.
        var compiled = units
            .Select(
                (files, i) =>
                    (
                        Name: $"often{i}",
                        Files: files.Select(f => $"{f}.cpp").Concat(i == 0 ? [Path.Combine(folder, shim)] : []),
                        Level: level
                    )
            )
            .Append((Name: "rarely", Files: rarely.Select(f => $"{f}.cpp"), Level: new[] { "-O0" }))
            .ToArray();
        await Parallel
            .ForEachAsync(
                compiled,
                new ParallelOptions { MaxDegreeOfParallelism = Jobs, CancellationToken = cancellation },
                async (unit, stop) =>
                    await UnitAsync(root, unit.Name, unit.Files, unit.Level, $"{Objects}/{unit.Name}.o", define, stop).ConfigureAwait(false)
            )
            .ConfigureAwait(false);
        await RunAsync(
                "g++",
                [
                    "-shared",
                    "-o",
                    library,
                    .. compiled.Select(u => $"{Objects}/{u.Name}.o"),
                    runtime,
                    "-pthread",
                    "-latomic",
                    .. waveform ? new[] { "-lz" } : [],
                ],
                cancellation
            )
            .ConfigureAwait(false);
    }

    // Measured on base: without partial redundancy elimination as fast, and a sixth less to compile; -O1 takes half the time
    // and gives a third of the speed.
    private static string[] Level(bool quick) => quick ? ["-O1"] : ["-O2", "-fno-tree-pre"];

    // One file or, of many bytes, two of about the same.
    private List<string>[] Divided(string[] files)
    {
        var sized = files
            .Select(f => (File: f, Bytes: new FileInfo(Path.Combine(folder, Objects, $"{f}.cpp")).Length))
            .OrderByDescending(f => f.Bytes)
            .ToList();
        if (sized.Sum(f => f.Bytes) <= LargeUnit)
            return
            [
                [.. files],
            ];
        List<string>[] units =
        [
            [],
            [],
        ];
        long[] bytes = [0, 0];
        foreach ((string file, long size) in sized)
        {
            int smaller = bytes[0] <= bytes[1] ? 0 : 1;
            units[smaller].Add(file);
            bytes[smaller] += size;
        }

        return [.. units.Where(u => u.Count > 0)];
    }

    private Task UnitAsync(
        string root,
        string name,
        IEnumerable<string> files,
        string[] level,
        string output,
        string[] define,
        CancellationToken cancellation
    )
    {
        string unit = Path.Combine(folder, Objects, $"{name}.cc");
        File.WriteAllLines(unit, files.Select(f => $"#include \"{f}\""));
        return RunAsync(
            "g++",
            [.. CompilerOptions(root, waveform), .. level, .. define, "-I", Objects, "-c", unit, "-o", output],
            cancellation
        );
    }

    // Files that Verilator's list for makefiles names, by the variable that holds them.
    private IEnumerable<string> Listed(string variable)
    {
        bool inside = false;
        foreach (string line in File.ReadLines(Path.Combine(folder, Objects, Makefile)).Select(l => l.Trim().TrimEnd('\\').Trim()))
        {
            if (line.EndsWith("+=", StringComparison.Ordinal))
                inside = line[..^2].Trim() == $"VM_{variable}";
            else if (inside && line.Length > 0 && !line.StartsWith('#'))
                yield return line;
            else
                inside = false;
        }
    }

    private async Task<string> RootAsync(CancellationToken cancellation)
    {
        BufferedCommandResult result = await Cli.Wrap("verilator")
            .WithArguments(["--getenv", "VERILATOR_ROOT"])
            .ExecuteBufferedAsync(cancellation)
            .ConfigureAwait(false);
        return result.StandardOutput.Trim();
    }

    private static IReadOnlyList<string> VerilatorOptions(bool waveform, bool randomState) =>
        [
            "--cc",
            "--exe",
            "--top-module",
            Emit.RtlEmitter.TopModule,
            "--prefix",
            "Vacc_top",
            "--Mdir",
            Objects,
            "--assert",
            "-O3",
            "--x-assign",
            randomState ? "unique" : "fast",
            "--x-initial",
            randomState ? "unique" : "fast",
            "--unroll-count",
            "1",
            "-Wno-fatal",
            "-Wno-lint",
            "-Wno-style",
            .. waveform ? new[] { "--trace-fst" } : [],
        ];

    private static IReadOnlyList<string> CompilerOptions(string root, bool waveform)
    {
        int trace = waveform ? 1 : 0;
        return
        [
            "-march=native",
            "-fPIC",
            "-std=gnu++17",
            "-faligned-new",
            "-fcf-protection=none",
            "-w",
            "-I",
            $"{root}/include",
            "-I",
            $"{root}/include/vltstd",
            "-DVERILATOR=1",
            "-DVM_COVERAGE=0",
            "-DVM_SC=0",
            $"-DVM_TRACE={trace}",
            $"-DVM_TRACE_FST={trace}",
            "-DVM_TRACE_VCD=0",
        ];
    }

    private async Task RunAsync(string tool, IReadOnlyList<string> arguments, CancellationToken cancellation)
    {
        try
        {
            BufferedCommandResult result = await Cli.Wrap(tool)
                .WithArguments(arguments)
                .WithWorkingDirectory(folder)
                .WithValidation(CommandResultValidation.None)
                .ExecuteBufferedAsync(cancellation)
                .ConfigureAwait(false);
            if (result.ExitCode != 0)
            {
                IEnumerable<string> last = (result.StandardError + result.StandardOutput).Split('\n').TakeLast(30);
                throw new ToolException(
                    $"{tool} failed with exit code {result.ExitCode}:{Environment.NewLine}{string.Join(Environment.NewLine, last)}"
                );
            }
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw new ToolException(
                $"{tool} is not on the path; install it (Debian, Ubuntu: apt-get install verilator g++) or run scripts/run.sh, which does"
            );
        }
    }
}
