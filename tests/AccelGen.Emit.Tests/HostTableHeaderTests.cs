using System.Globalization;
using System.Text;
using AccelGen.Config;
using AccelGen.Isa;
using AccelGen.Tests.Shared;
using CliWrap;
using CliWrap.Buffered;
using NUnit.Framework;

namespace AccelGen.Emit.Tests;

/// <summary>The table of a host as a C header, compiled by C and C++ compilers, against the table.</summary>
public sealed class HostTableHeaderTests
{
    private static readonly AcceleratorConfig Config = ConfigLoader.Load("tiny");
    private static int Seed => Setting.Seed(31);

    [Test]
    public void A_table_has_the_paths_that_no_other_one_excels_the_cheapest_first()
    {
        HostTable table = HostTable.Create([
            Candidate("whole", 900, 0.7),
            Candidate("worse", 700, 0.4),
            Candidate("half", 500, 0.6),
            Candidate("like half", 500, 0.6),
            Candidate("poor", 500, 0.3),
            Candidate("least", 100, 0.1),
        ]);
        Assert.That(
            table.Entries.Select(e => (e.Name, e.Row, e.Cycles)),
            Is.EqualTo(new[] { ("least", 0, 100L), ("half", 1, 500L), ("whole", 2, 900L) })
        );
        Assert.Multiple(() =>
        {
            Assert.That(table.Best(99), Is.Null);
            Assert.That(table.Best(100)?.Name, Is.EqualTo("least"));
            Assert.That(table.Best(899)?.Name, Is.EqualTo("half"));
            Assert.That(table.Best(900)?.Name, Is.EqualTo("whole"));
            Assert.That(table.Best(900, slack: 0.001)?.Name, Is.EqualTo("half"));
        });
    }

    [TestCase("gcc", "c99")]
    [TestCase("gcc", "c17")]
    [TestCase("g++", "c++98")]
    [TestCase("g++", "c++20")]
    [CancelAfter(60_000)]
    public async Task The_lookup_and_the_words_in_C_are_those_of_the_table(string compiler, string standard)
    {
        var random = new Random(Seed);
        var program = new StringBuilder();
        var headers = new List<HostTable>();
        string[] names = ["whole", "a \"b\" \\ c", "trigraph ??/ and ??=", "digits\n1", "größer", "%s"];
        headers.Add(HostTable.Create([Candidate("one", 5, null)]));
        for (int t = 0; t < 3; t++)
        {
            headers.Add(
                HostTable.Create([
                    .. Enumerable
                        .Range(0, 6)
                        .Select(i => new HostCandidate(
                            names[i],
                            t == 2 ? random.NextInt64(1L << 40) : random.Next(1000),
                            i == 0 ? 2 : random.NextDouble(),
                            t == 0 ? null : random.NextDouble(),
                            new PathRow(
                                (ulong)random.NextInt64(long.MinValue, long.MaxValue),
                                [.. Enumerable.Range(0, PathRow.Registers).Select(_ => (uint)random.NextInt64(1L << 32))]
                            )
                            {
                                Variant = random.Next(256),
                            }
                        )),
                ])
            );
        }

        string isa = RtlEmitter.EmitAll(Config).Single(f => f.Path == "sw/acc_isa.h").Text;
        foreach (HostTable table in headers)
        {
            var expected = new List<string>();
            program
                .Clear()
                .Append(
                    "#include \"acc_isa.h\"\n#include \"acc_paths.h\"\n#include <stdio.h>\nint main(void) {\n  "
                        + "unsigned i, k; const acc_path_t *p;\n"
                );
            program.Append(
                "  for (i = 0; i < ACC_PATHS; i++) { p = &acc_paths[i]; printf(\"%llx %ld %u %x %x %u \", (unsigned "
                    + "long long)p->cycles, (long)p->accuracy, (unsigned)p->row, (unsigned)p->keep_low, "
                    + "(unsigned)p->keep_high, (unsigned)p->variant);\n"
            );
            program.Append(
                "    for (k = 0; k < 16; k++) printf(\"%x \", (unsigned)p->extents[k]);\n    for (k = 0; p->name[k]; "
                    + "k++) printf(\"%02x\", (unsigned)(unsigned char)p->name[k]);\n    printf(\"\\n\"); }\n"
            );
            foreach (HostPath e in table.Entries)
            {
                long accuracy = e.Accuracy is { } known ? (long)Math.Round(known * 1e6) : -1;
                expected.Add(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{e.Cycles:x} {accuracy} {e.Row} {(uint)e.Words.Keep:x} {(uint)(e.Words.Keep >> 32):x} {e.Words.Variant} "
                            + $"{string.Concat(e.Words.Extents.Select(x => $"{x:x} "))}"
                            + $"{Convert.ToHexStringLower(Encoding.UTF8.GetBytes(e.Name))}"
                    )
                );
            }

            foreach (
                long budget in table.Entries.SelectMany(e => new[] { e.Cycles - 1, e.Cycles, e.Cycles + 1 }).Append(0).Append(long.MaxValue)
            )
            {
                program.Append(
                    CultureInfo.InvariantCulture,
                    $"  p = acc_path_for(((uint64_t)0x{budget >> 32:x}u << 32) | 0x{budget & uint.MaxValue:x}u); "
                        + $"printf(\"%d\\n\", p ? (int)p->row : -1);\n"
                );
                expected.Add((table.Best(budget)?.Row ?? -1).ToString(CultureInfo.InvariantCulture));
            }

            program.Append("  return ACC_PATHS_CONFIG_HASH == ACC_CONFIG_HASH ? 0 : 1;\n}\n");
            string[] lines = await RunAsync(compiler, standard, isa, HostTableHeader.Render(Config, "mIoU", table), program.ToString());
            Assert.That(lines, Is.EqualTo(expected), $"seed {Seed}");
        }
    }

    [Test]
    [CancelAfter(60_000)]
    public async Task Headers_of_two_configurations_do_not_compile_together()
    {
        string header = HostTableHeader.Render(Config, null, HostTable.Create([Candidate("one", 5, null)]));
        string other = RtlEmitter.EmitAll(ConfigLoader.Load("base")).Single(f => f.Path == "sw/acc_isa.h").Text;
        BufferedCommandResult alone = await CompileAsync(header),
            both = await CompileAsync(other + header);
        Assert.That(alone.ExitCode, Is.Zero, alone.StandardError);
        Assert.That(both.ExitCode, Is.Not.Zero);
        Assert.That(both.StandardError, Does.Contain("belong to two configurations"));

        static async Task<BufferedCommandResult> CompileAsync(string text) =>
            await Cli.Wrap("gcc")
                .WithArguments(["-x", "c", "-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", "-"])
                .WithStandardInputPipe(PipeSource.FromString(text))
                .WithValidation(CommandResultValidation.None)
                .ExecuteBufferedAsync();
    }

    private static HostCandidate Candidate(string name, long cycles, double? accuracy) =>
        new(name, cycles, accuracy ?? 1, accuracy, new PathRow(1, new uint[PathRow.Registers]));

    private static async Task<string[]> RunAsync(string compiler, string standard, string isa, string paths, string program)
    {
        string folder = Directory.CreateTempSubdirectory("accelgen-paths-header").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "acc_isa.h"), isa);
            await File.WriteAllTextAsync(Path.Combine(folder, "acc_paths.h"), paths);
            string source = compiler == "gcc" ? "main.c" : "main.cpp";
            await File.WriteAllTextAsync(Path.Combine(folder, source), program);
            BufferedCommandResult built = await Cli.Wrap(compiler)
                .WithArguments([$"-std={standard}", "-Wall", "-Wextra", "-pedantic", "-Werror", "-Wno-long-long", source, "-o", "main"])
                .WithWorkingDirectory(folder)
                .WithValidation(CommandResultValidation.None)
                .ExecuteBufferedAsync();
            Assert.That(built.ExitCode, Is.Zero, built.StandardError);
            return (await Cli.Wrap(Path.Combine(folder, "main")).ExecuteBufferedAsync()).StandardOutput.Split(
                '\n',
                StringSplitOptions.RemoveEmptyEntries
            );
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
