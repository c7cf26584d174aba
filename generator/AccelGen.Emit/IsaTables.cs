using System.Globalization;
using AccelGen.Emit.Modules;
using AccelGen.Isa;
using Scriban.Runtime;

namespace AccelGen.Emit;

/// <summary>The ISA table as templates list it: commands, enumerations, registers, counters.</summary>
internal static class IsaTables
{
    /// <summary>The tables by name.</summary>
    public static ScriptObject ToScript() =>
        new()
        {
            ["isa_version"] = IsaDefinition.Version,
            ["path_base"] = IsaDefinition.PathTableBase.ToString("X", CultureInfo.InvariantCulture),
            ["path_row_bytes"] = IsaDefinition.PathRowBytes.ToString("X", CultureInfo.InvariantCulture),
            ["path_variant"] = IsaDefinition.PathVariantOffset.ToString("X2", CultureInfo.InvariantCulture),
            ["path_withdrawn"] = IsaDefinition.PathWithdrawnOffset.ToString("X2", CultureInfo.InvariantCulture),
            ["path_extents"] = IsaDefinition.PathExtentOffset.ToString("X2", CultureInfo.InvariantCulture),
            ["decision_base"] = IsaDefinition.DecisionBase.ToString("X3", CultureInfo.InvariantCulture),
            ["decision_fields"] = Fields(IsaDefinition.DecisionFields),
            ["categories"] = new ScriptArray(IsaDefinition.CycleCategories),
            ["commands"] = new ScriptArray(
                IsaDefinition.Commands.Select(k => new ScriptObject
                {
                    ["name"] = k.Name,
                    ["camel"] = k.Name[0] + k.Name[1..].ToLowerInvariant(),
                    ["opcode"] = k.Opcode,
                    ["queue"] = k.Queue?.ToString() ?? "command processor",
                    ["doc"] = k.Doc,
                    ["fields"] = Fields(k.Fields),
                })
            ),
            ["header"] = Fields(Header.Fields),
            ["extent_fields"] = Fields(IsaDefinition.ExtentFields),
            ["entry_bytes"] = ParameterEntry.Bytes,
            ["entries"] = new ScriptArray(
                ParameterEntry.All.Select(e => new ScriptObject
                {
                    ["name"] = e.Name,
                    ["doc"] = e.Doc,
                    ["fields"] = Fields(e.Fields),
                })
            ),
            ["enums"] = new ScriptArray(
                IsaDefinition.Enums.Select(e => new ScriptObject
                {
                    ["name"] = e.Name,
                    ["width"] = e.Width,
                    ["bits"] = BitRange.Of(e.Width),
                    ["doc"] = e.Doc,
                    ["values"] = new ScriptArray(
                        e.Values.Select(v => new ScriptObject
                        {
                            ["name"] = v.Name,
                            ["value"] = v.Value,
                            ["doc"] = v.Doc,
                        })
                    ),
                })
            ),
            ["registers"] = new ScriptArray(
                IsaDefinition.Registers.Select(r => new ScriptObject
                {
                    ["name"] = r.Name,
                    ["offset"] = r.Offset.ToString("X3", CultureInfo.InvariantCulture),
                    ["access"] = r.Access switch
                    {
                        Access.ReadOnly => "RO",
                        Access.ReadWrite => "RW",
                        Access.WriteOneToClear => "W1C",
                        _ => "WO",
                    },
                    ["reset"] = r.Reset.ToString("X8", CultureInfo.InvariantCulture),
                    ["doc"] = r.Doc,
                })
            ),
            ["counters"] = new ScriptArray(
                IsaDefinition.Counters.Select(k => new ScriptObject
                {
                    ["name"] = k.Name,
                    ["index"] = k.Index,
                    ["offset"] = (IsaDefinition.CounterBase + (8 * k.Index)).ToString("X3", CultureInfo.InvariantCulture),
                    ["doc"] = k.Doc,
                })
            ),
        };

    private static ScriptArray Fields(IEnumerable<Field> fields) =>
        new(
            fields.Select(f => new ScriptObject
            {
                ["name"] = f.Name,
                ["lsb"] = f.Lsb,
                ["msb"] = f.Msb,
                ["width"] = f.Width,
                ["signed"] = f.Signed,
                ["reserved"] = f.Name.StartsWith("Reserved", StringComparison.Ordinal),
                ["doc"] = f.Doc,
            })
        );
}
