namespace AccelGen.Isa;

/// <summary>Checks of the ISA table: overlaps, gaps, duplicate names and values, misplaced registers.</summary>
public static class LayoutChecks
{
    /// <summary>All problems of the project's own table; empty when it is sound.</summary>
    public static IReadOnlyList<string> CheckAll()
    {
        var problems = new List<string>();
        problems.AddRange(CheckFields("header", Header.Fields, 0, IsaDefinition.HeaderBits));
        foreach (CommandDefinition command in IsaDefinition.Commands)
            problems.AddRange(CheckFields(command.Name, command.Fields, IsaDefinition.HeaderBits, IsaDefinition.CommandBits));
        problems.AddRange(CheckFields("path extent", IsaDefinition.ExtentFields, 0, 32));
        foreach (ParameterEntry entry in ParameterEntry.All)
            problems.AddRange(CheckFields(entry.Name, entry.Fields, 0, ParameterEntry.Bits));
        problems.AddRange(Duplicates("opcode", IsaDefinition.Commands.Select(c => ((long)c.Opcode, c.Name))));
        foreach (EnumDefinition e in IsaDefinition.Enums)
        {
            problems.AddRange(Duplicates(e.Name, e.Values.Select(v => ((long)v.Value, v.Name))));
            problems.AddRange(
                e.Values.Where(v => v.Value < 0 || v.Value >= 1 << e.Width)
                    .Select(v => $"{e.Name}.{v.Name}: {v.Value} does not fit {e.Width} bits")
            );
        }

        problems.AddRange(Duplicates("register offset", IsaDefinition.Registers.Select(r => ((long)r.Offset, r.Name))));
        problems.AddRange(
            IsaDefinition
                .Registers.Where(r => r.Offset % 4 != 0 || r.Offset >= IsaDefinition.CounterBase)
                .Select(r => $"register {r.Name}: offset 0x{r.Offset:X} is not a multiple of 4 below 0x{IsaDefinition.CounterBase:X}")
        );
        if (IsaDefinition.CounterBase + (8 * IsaDefinition.Counters.Count) > IsaDefinition.PathTableBase)
            problems.Add("the counters reach into the path table");
        if (IsaDefinition.Counters.Count > IsaDefinition.CounterSlots)
            problems.Add($"{IsaDefinition.Counters.Count} counters; the index of acc_counters tells {IsaDefinition.CounterSlots} apart");
        return problems;
    }

    /// <summary>Problems of one list of fields that must cover <paramref name="from"/> to <paramref name="to"/> - 1.</summary>
    public static IReadOnlyList<string> CheckFields(string owner, IReadOnlyList<Field> fields, int from, int to)
    {
        var problems = new List<string>();
        int next = from;
        foreach (Field field in fields.OrderBy(f => f.Lsb))
        {
            if (field.Width is < 1 or > 64)
                problems.Add($"{owner}.{field.Name}: width {field.Width} is not 1 to 64");
            if (field.Lsb < next)
                problems.Add($"{owner}.{field.Name}: bit {field.Lsb} overlaps the field before it, which ends at {next - 1}");
            else if (field.Lsb > next)
                problems.Add($"{owner}.{field.Name}: bits {next} to {field.Lsb - 1} before it belong to no field");
            next = Math.Max(next, field.Msb + 1);
        }

        if (next != to)
            problems.Add($"{owner}: the fields end at bit {next - 1}, not {to - 1}");
        problems.AddRange(
            fields.GroupBy(f => f.Name).Where(g => g.Count() > 1).Select(g => $"{owner}.{g.Key}: the name is used {g.Count()} times")
        );
        return problems;
    }

    private static IEnumerable<string> Duplicates(string what, IEnumerable<(long Value, string Name)> items) =>
        items
            .GroupBy(i => i.Value)
            .Where(g => g.Count() > 1)
            .Select(g => $"{what} {g.Key} is shared by {string.Join(", ", g.Select(i => i.Name))}");
}
