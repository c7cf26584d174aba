using System.Globalization;
using System.Text;
using AccelGen.Config;
using AccelGen.Isa;
using Scriban.Runtime;

namespace AccelGen.Emit;

/// <summary>The table of a host as a C header, beside the header of the commands.</summary>
public static class HostTableHeader
{
    private const double Millionths = 1e6;

    /// <summary>Renders the header.</summary>
    /// <param name="config">Configuration that the paths are for.</param>
    /// <param name="metric">Name of the accuracy, or null: none was measured.</param>
    /// <param name="table">Table.</param>
    /// <exception cref="TemplateException">The template is wrong.</exception>
    public static string Render(AcceleratorConfig config, string? metric, HostTable table) =>
        RtlEmitter.Render(
            "templates/sw/acc_paths.h.sbn",
            new ScriptObject
            {
                ["name"] = config.Name,
                ["hash"] = config.Hash.Hex,
                ["metric"] = metric ?? "accuracy",
                ["registers"] = PathRow.Registers,
                ["entries"] = new ScriptArray(
                    table.Entries.Select(e => new ScriptObject
                    {
                        ["cycles"] = Number(e.Cycles),
                        ["accuracy"] = e.Accuracy is { } known
                            ? ((long)Math.Round(known * Millionths)).ToString(CultureInfo.InvariantCulture)
                            : "ACC_ACCURACY_UNKNOWN",
                        ["row"] = e.Row,
                        ["keep_low"] = Word((uint)e.Words.Keep),
                        ["keep_high"] = Word((uint)(e.Words.Keep >> 32)),
                        ["variant"] = e.Words.Variant,
                        ["extents"] = string.Join(", ", e.Words.Extents.Select(Word)),
                        ["name"] = Literal(e.Name),
                    })
                ),
            }
        );

    private static string Word(uint value) => string.Create(CultureInfo.InvariantCulture, $"0x{value:X8}u");

    // C++98 has no literals of 64 bits.
    private static string Number(long value) =>
        value <= uint.MaxValue
            ? string.Create(CultureInfo.InvariantCulture, $"{value}u")
            : $"((uint64_t){Word((uint)(value >> 32))} << 32) | {Word((uint)value)}";

    /// <summary>
    /// A text as a C string. Bytes that are no plain character of C are octal with all three digits, which end where they end
    /// whatever follows; a question mark may begin a trigraph.
    /// </summary>
    internal static string Literal(string text)
    {
        var literal = new StringBuilder("\"");
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            if (b is >= 0x20 and < 0x7F and not ((byte)'"' or (byte)'\\' or (byte)'?'))
                literal.Append((char)b);
            else
                literal.Append('\\').Append(Convert.ToString(b, 8).PadLeft(3, '0'));
        }

        return literal.Append('"').ToString();
    }
}
