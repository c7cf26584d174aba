using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using AccelGen.Config;
using AccelGen.Isa;
using AccelGen.Tests.Shared;
using CliWrap;
using CliWrap.Buffered;
using NUnit.Framework;
using Command = AccelGen.Isa.Command;

namespace AccelGen.Emit.Tests;

/// <summary>The generated C header, compiled by a C compiler, against the managed codec and the ISA table.</summary>
public sealed class CHeaderTests
{
    private static int Seed => Setting.Seed(77);

    [Test]
    [CancelAfter(60_000)]
    public async Task Commands_coded_in_C_are_those_of_the_codec_and_come_back()
    {
        var random = new Random(Seed);
        var program = new StringBuilder("#include <stdio.h>\n#include \"acc_isa.h\"\nint main(void) {\n");
        var expected = new List<string>();
        for (int round = 0; round < 5; round++)
        {
            foreach (CommandDefinition definition in IsaDefinition.Commands)
            {
                var command = new Command(definition);
                program.Append("  { acc_command_t c = {{0}}; acc_set(&c, ACC_Opcode, ACC_OP_").Append(definition.Name).Append(");\n");
                var fields = Header
                    .Fields.Select(f => (Macro: $"ACC_{f.Name}", Field: f))
                    .Concat(definition.Fields.Select(f => (Macro: $"ACC_{definition.Name}_{f.Name}", Field: f)))
                    .Where(f => f.Field.Name != "Opcode" && !f.Field.Name.StartsWith("Reserved", StringComparison.Ordinal))
                    .ToList();
                // In any order and over other values: a field must leave its neighbours alone.
                foreach ((string macro, Field field) in fields.Concat(fields).OrderBy(_ => random.Next()))
                {
                    long value = random.NextInt64(field.Min, field.Max == long.MaxValue ? field.Max : field.Max + 1);
                    command[field] = value;
                    program.Append(CultureInfo.InvariantCulture, $"    acc_set(&c, {macro}, (uint64_t)INT64_C({value}));\n");
                }

                program.Append("    for (int i = 0; i < 8; i++) printf(\"%016llx\", (unsigned long long)c.word[i]);\n");
                var line = new StringBuilder();
                byte[] bytes = new byte[IsaDefinition.CommandBytes];
                command.Encode(bytes);
                for (int i = 0; i < 8; i++)
                    line.Append(CultureInfo.InvariantCulture, $"{BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(8 * i)):x16}");
                foreach ((string macro, Field field) in fields)
                {
                    program.Append(CultureInfo.InvariantCulture, $"    printf(\" %llx\", (unsigned long long)acc_get(&c, {macro}));\n");
                    ulong mask = field.Width == 64 ? ulong.MaxValue : (1UL << field.Width) - 1;
                    line.Append(CultureInfo.InvariantCulture, $" {(ulong)command[field] & mask:x}");
                }

                program.Append("    printf(\"\\n\"); }\n");
                expected.Add(line.ToString());
            }
        }

        foreach (Register register in IsaDefinition.Registers)
        {
            program.Append(CultureInfo.InvariantCulture, $"  printf(\"%x\\n\", (unsigned)ACC_REG_{register.Name});\n");
            expected.Add(register.Offset.ToString("x", CultureInfo.InvariantCulture));
        }

        program.Append("  return 0;\n}\n");
        string folder = Directory.CreateTempSubdirectory("accelgen-header").FullName;
        try
        {
            EmittedFile header = RtlEmitter
                .EmitAll(ConfigLoader.Load("tiny"))
                .Single(f => f.Path.EndsWith("acc_isa.h", StringComparison.Ordinal));
            await File.WriteAllTextAsync(Path.Combine(folder, "acc_isa.h"), header.Text);
            await File.WriteAllTextAsync(Path.Combine(folder, "main.c"), program.ToString());
            await Cli.Wrap("gcc")
                .WithArguments(["-std=c11", "-Wall", "-Wextra", "-Werror", "main.c", "-o", "main"])
                .WithWorkingDirectory(folder)
                .ExecuteBufferedAsync();
            BufferedCommandResult run = await Cli.Wrap(Path.Combine(folder, "main")).ExecuteBufferedAsync();
            Assert.That(run.StandardOutput.Split('\n', StringSplitOptions.RemoveEmptyEntries), Is.EqualTo(expected), $"seed {Seed}");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestCase("c", "c99")]
    [TestCase("c", "c11")]
    [TestCase("c", "c17")]
    [TestCase("c", "c2x")]
    [TestCase("c++", "c++98")]
    [TestCase("c++", "c++11")]
    [TestCase("c++", "c++17")]
    [TestCase("c++", "c++20")]
    [CancelAfter(60_000)]
    public async Task The_header_compiles_in_every_standard_without_a_warning(string language, string standard)
    {
        string header = RtlEmitter.EmitAll(ConfigLoader.Load("base")).Single(f => f.Path == "sw/acc_isa.h").Text;
        const string Use = """

            int main(void) {
              acc_command_t c;
              acc_set(&c, ACC_Opcode, ACC_OP_LOAD);
              return ACC_CONFIG_HASH != 0 && acc_get(&c, ACC_Opcode) == ACC_OP_LOAD ? 0 : 1;
            }
            """;
        BufferedCommandResult result = await Cli.Wrap("g++")
            .WithArguments(["-x", language, $"-std={standard}", "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", "-"])
            .WithStandardInputPipe(PipeSource.FromString(header + Use + "\n"))
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync();
        Assert.That(result.ExitCode, Is.Zero, result.StandardError);
    }
}
