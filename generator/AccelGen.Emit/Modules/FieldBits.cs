using System.Globalization;
using AccelGen.Isa;
using Scriban;
using Scriban.Parsing;
using Scriban.Runtime;

namespace AccelGen.Emit.Modules;

/// <summary>Where a field lies in its command, as the templates write it.</summary>
/// <param name="Field">Field of the ISA table.</param>
internal sealed record FieldBits(Field Field)
{
    /// <summary>Least significant bit.</summary>
    public int Lsb => Field.Lsb;

    /// <summary>Width in bits.</summary>
    public int Width => Field.Width;

    /// <summary>As a constant select: "19:12", of a field of one bit "12".</summary>
    public string Range => Width == 1 ? Lsb.ToString(CultureInfo.InvariantCulture) : new BitRange(Lsb, Width).Range;

    /// <summary>As an indexed part select: "12 +: 8".</summary>
    public string Part => new BitRange(Lsb, Width).Part;
}

/// <summary>Values by the names of the ISA table; to ask for a name that it does not have is an error of the template.</summary>
/// <typeparam name="T">Type of a value.</typeparam>
internal sealed class Named<T> : ScriptObject
    where T : notnull
{
    private readonly string owner;

    /// <summary>A table of values.</summary>
    /// <param name="owner">What has them, for the error.</param>
    /// <param name="values">Names and values.</param>
    public Named(string owner, IEnumerable<(string Name, T Value)> values)
    {
        this.owner = owner;
        foreach ((string name, T value) in values)
            SetValue(name, value, readOnly: true);
    }

    /// <inheritdoc/>
    /// <exception cref="TemplateException">There is no such name.</exception>
    public override bool TryGetValue(TemplateContext? context, SourceSpan span, string member, out object? value) =>
        base.TryGetValue(context, span, member, out value)
            ? true
            : throw new TemplateException($"{span.ToStringSimple()}: {owner} has no {member}");
}

/// <summary>Fields and registers of the ISA table for the templates.</summary>
internal static class IsaNames
{
    /// <summary>Fields of the header that every command has.</summary>
    public static Named<FieldBits> Header { get; } = Fields("the header of a command", Isa.Header.Fields);

    /// <summary>Byte offsets of the registers, four hexadecimal digits.</summary>
    public static Named<string> Registers { get; } =
        new("the register map", IsaDefinition.Registers.Select(r => (r.Name, r.Offset.ToString("X4", CultureInfo.InvariantCulture))));

    /// <summary>Fields of a command beyond its header.</summary>
    /// <param name="command">The command.</param>
    public static Named<FieldBits> Of(CommandDefinition command) => Fields(command.Name, command.Fields);

    private static Named<FieldBits> Fields(string owner, IEnumerable<Field> fields) =>
        new(owner, fields.Select(f => (f.Name, new FieldBits(f))));
}
