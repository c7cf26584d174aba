using AccelGen.Network.Quantized;
using NUnit.Framework;
using static AccelGen.Golden.Tests.Oracle;

namespace AccelGen.Golden.Tests;

/// <summary>The sums of products by every set of vector instructions that this processor has, against plain loops.</summary>
public sealed class InstructionSetTests
{
    [TestCaseSource(typeof(InstructionSetCases), nameof(InstructionSetCases.All))]
    public void Convolution_sums_equal_plain_loops_with_these_instructions(string instructions)
    {
        using IDisposable limited = InstructionSetCases.Limit(instructions);
        for (int round = 0; round < 120; round++)
        {
            var random = new Random(Seed + round);
            // Depthwise, grouped and whole convolutions; channels about the widths of vectors, and depths that are no multiple of four.
            int kind = random.Next(3),
                groups = kind == 0 ? random.Next(1, 140)
                : kind == 1 ? random.Next(2, 4)
                : 1;
            int inputs = kind == 0 ? 1 : random.Next(1, 40),
                outputs = kind == 0 ? 1 : random.Next(1, 40);
            (int kr, int kc, int s, int d) = (random.Next(1, 4), random.Next(1, 4), random.Next(1, 3), random.Next(1, 3));
            (int t, int l, int b, int r) = (random.Next(3), random.Next(3), random.Next(3), random.Next(3));
            var from = new TensorShape(1, random.Next(((kr - 1) * d) + 1, 12), random.Next(((kc - 1) * d) + 1, 12), groups * inputs);
            var to = new TensorShape(
                1,
                ((from.Height + t + b - ((kr - 1) * d) - 1) / s) + 1,
                ((from.Width + l + r - ((kc - 1) * d) - 1) / s) + 1,
                groups * outputs
            );
            // Extreme values, so that sums of few products leave 16 bits.
            sbyte[] weights = Extreme(random, groups * outputs * inputs * kr * kc),
                x = Extreme(random, (int)from.Elements);
            int zero = random.Next(3) == 0 ? -128 : random.Next(-128, 128);
            var conv = new ConvLayer("c", 0, 1, -128, 127)
            {
                Weights = weights,
                Bias = new int[to.Channels],
                Scales = [.. Enumerable.Repeat(new FixedPointScale(1, 1), to.Channels)],
                Kernel = (kr, kc),
                Stride = (s, s),
                Dilation = (d, d),
                Padding = (t, l, b, r),
                Groups = groups,
            };
            int? keep = groups == 1 && random.Next(2) == 0 ? random.Next(1, inputs + 1) : null;
            int[] wanted = new int[to.Elements];
            for (int i = 0; i < wanted.Length; i++)
            {
                int k = i % to.Channels,
                    ox = i / to.Channels % to.Width,
                    oy = i / to.Channels / to.Width;
                for (int tap = 0; tap < kr * kc; tap++)
                {
                    (int y, int column) = ((oy * s) - t + (tap / kc * d), (ox * s) - l + (tap % kc * d));
                    for (int c = 0; c < (keep ?? inputs) && y >= 0 && y < from.Height && column >= 0 && column < from.Width; c++)
                        wanted[i] +=
                            (x[from.Index(0, y, column, (k / outputs * inputs) + c)] - zero)
                            * weights[(((k * kr * kc) + tap) * inputs) + c];
                }
            }

            Assert.That(
                MatrixOperators.Convolution(conv, new Operand(from, zero, x), to, keep),
                Is.EqualTo(wanted),
                $"seed {Seed + round}: {from} -> {to}, kernel {conv.Kernel}, groups {groups}, keep {keep}"
            );
        }
    }

    [TestCaseSource(typeof(InstructionSetCases), nameof(InstructionSetCases.All))]
    public void Matrix_product_sums_equal_plain_loops_with_these_instructions(string instructions)
    {
        using IDisposable limited = InstructionSetCases.Limit(instructions);
        for (int round = 0; round < 60; round++)
        {
            var random = new Random(Seed + round);
            int b = random.Next(1, 3),
                m = random.Next(1, 70),
                k = random.Next(1, 150),
                n = random.Next(1, 50),
                zx = random.Next(-128, 128),
                zr = random.Next(2) * random.Next(-128, 128);
            sbyte[] x = Extreme(random, b * m * k),
                right = Extreme(random, b * n * k);
            int[] wanted = new int[b * m * n];
            for (int i = 0; i < wanted.Length; i++)
            {
                for (int c = 0; c < k; c++)
                    wanted[i] += (x[(i / n * k) + c] - zx) * (right[(((i / (n * m) * n) + (i % n)) * k) + c] - zr);
            }

            int[] mine = MatrixOperators.MatMul(
                new Operand(new TensorShape(b, 1, m, k), zx, x),
                new Operand(new TensorShape(b, 1, n, k), zr, right),
                new TensorShape(b, 1, m, n)
            );
            Assert.That(mine, Is.EqualTo(wanted), $"seed {Seed + round}: {b}x{m}x{k}x{n}");
        }
    }

    [Test]
    public void Every_instruction_set_of_the_processor_is_in_use_unless_it_is_taken_away()
    {
        Assert.That(Instructions.Used, Is.EqualTo(Instructions.Supported));
        using (InstructionSetCases.Limit(nameof(InstructionSets.None)))
            Assert.That(Instructions.Use(InstructionSets.Avx2) || Instructions.Use(InstructionSets.Avx512), Is.False);
        Assert.That(Instructions.Use(Instructions.Supported), Is.True);
    }

    private static sbyte[] Extreme(Random random, int count) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(_ =>
                    random.Next(3) switch
                    {
                        0 => (sbyte)-128,
                        1 => (sbyte)127,
                        _ => (sbyte)random.Next(-128, 128),
                    }
                ),
        ];
}

/// <summary>Sets of vector instructions that a test takes turns with: those of this processor.</summary>
internal static class InstructionSetCases
{
    /// <summary>Their names; none at all is always among them.</summary>
    public static IEnumerable<string> All { get; } =
    [
        .. new[]
        {
            InstructionSets.None,
            InstructionSets.Avx2,
            InstructionSets.Avx2 | InstructionSets.AvxVnni,
            InstructionSets.Avx2 | InstructionSets.Avx512,
            InstructionSets.Avx2 | InstructionSets.AvxVnni | InstructionSets.Avx512,
        }
            .Select(s => s & Instructions.Supported)
            .Distinct()
            .Select(s => s.ToString()),
    ];

    /// <summary>Uses only these until disposed.</summary>
    public static IDisposable Limit(string instructions)
    {
        Instructions.Used = Enum.Parse<InstructionSets>(instructions);
        return new Everything();
    }

    private sealed class Everything : IDisposable
    {
        public void Dispose() => Instructions.Used = Instructions.Supported;
    }
}
