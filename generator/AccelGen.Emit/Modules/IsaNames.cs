using System.Globalization;
using AccelGen.Isa;

namespace AccelGen.Emit.Modules;

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
