using System.Globalization;
using System.Text.Json;
using AccelGen.Files;
using AccelGen.Sim;

namespace AccelGen.Synth;

/// <summary>A module as cells of a library; modules within it stay as they are.</summary>
/// <param name="Cells">Cells and how often; modules and memories within it are not among them.</param>
/// <param name="Netlist">Verilog.</param>
/// <param name="Seconds">Time it took.</param>
public sealed record MappedModule(IReadOnlyDictionary<string, int> Cells, string Netlist, double Seconds);

/// <summary>Maps modules to the cells of a library with Yosys.</summary>
/// <param name="yosys">Yosys; its own mapper is ABC.</param>
/// <param name="liberty">Library.</param>
/// <param name="periodNs">Clock period in ns that the mapper aims at.</param>
public sealed class TechnologyMapper(Tool yosys, Liberty liberty, double periodNs)
{
    private const string LibraryFile = "cells.lib",
        DesignFile = "design.il",
        ConstraintFile = "drive.constr",
        CellsFile = "cells.json",
        NetlistFile = "netlist.v";

    // Load of an output, in the library's unit: about that of a few gates.
    private const string Load = "0.05";

    /// <summary>What a module is mapped with, beside its text: part of the key under which the result is kept.</summary>
    public string Recipe => $"{yosys.Version}\n{liberty.Hash}\n{Script("top", [])}\n{Constraint}";

    private string Constraint => liberty.Driver is { } driver ? $"set_driving_cell {driver.Name}\nset_load {Load}\n" : string.Empty;

    /// <summary>Maps a module.</summary>
    /// <param name="folder">Empty folder to work in.</param>
    /// <param name="module">Module.</param>
    /// <param name="design">The design that it belongs to: ports of what is within it are needed.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="InputException">The library lacks something that the module needs.</exception>
    /// <exception cref="ToolException">Yosys failed.</exception>
    public async Task<MappedModule> MapAsync(string folder, DesignModule module, RtlilDesign design, CancellationToken cancellation)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        await File.WriteAllTextAsync(Path.Combine(folder, LibraryFile), liberty.Text, cancellation).ConfigureAwait(false);
        await File.WriteAllTextAsync(Path.Combine(folder, ConstraintFile), Constraint, cancellation).ConfigureAwait(false);
        DesignModule[] children = [.. design.Modules.Where(m => module.Children.ContainsKey(m.Name))];
        await File.WriteAllTextAsync(
                Path.Combine(folder, DesignFile),
                $"autoidx 1000000\n{design.Stubs}{string.Concat(children.Select(c => c.Text))}{module.Text}",
                cancellation
            )
            .ConfigureAwait(false);
        string script = Script(module.Name, [.. children.Select(c => c.Name)]);
        try
        {
            await yosys.RunAsync(folder, ["-q", "-p", script], $"synthesis of {module.Name}", cancellation).ConfigureAwait(false);
        }
        catch (ToolException e) when (e.Message.Contains("cannot be legalized", StringComparison.Ordinal))
        {
            throw Poor(module, $"no flip-flop with what {module.Name} needs ({e.Message.Split("cannot be legalized: ", 2)[1].Trim()})");
        }

        using JsonDocument stat = JsonDocument.Parse(
            await File.ReadAllTextAsync(Path.Combine(folder, CellsFile), cancellation).ConfigureAwait(false)
        );
        var cells = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (
            JsonProperty cell in stat
                .RootElement.GetProperty("modules")
                .GetProperty($"\\{module.Name}")
                .GetProperty("num_cells_by_type")
                .EnumerateObject()
        )
        {
            if (!module.Children.ContainsKey(cell.Name))
                cells[cell.Name] = cell.Value.GetInt32();
        }

        string[] foreign = [.. cells.Keys.Where(c => !liberty.Cells.ContainsKey(c))];
        if (foreign.Length > 0)
            throw Poor(module, $"nothing for {string.Join(", ", foreign)}");
        return new MappedModule(
            cells,
            await File.ReadAllTextAsync(Path.Combine(folder, NetlistFile), cancellation).ConfigureAwait(false),
            clock.Elapsed.TotalSeconds
        );
    }

    private InputException Poor(DesignModule module, string lacks) =>
        new(
            FaultCodes.PoorLibrary,
            $"synthesis of {module.Name}",
            $"library {liberty.Name} has {lacks}",
            "take one with gates and with flip-flops that have an asynchronous reset"
        );

    // Yosys' own script runs ABC once per enable of a register; here it runs once per module.
    private string Script(string top, IReadOnlyList<string> children)
    {
        string constrained = liberty.Driver is null
            ? string.Empty
            : string.Create(CultureInfo.InvariantCulture, $" -D {periodNs * 1000:F0} -constr {ConstraintFile}");
        string[] steps =
        [
            $"read_rtlil {DesignFile}",
            $"read_liberty -lib -ignore_miss_func -ignore_miss_dir {LibraryFile}",
            .. children.Select(c => $"blackbox {c}"),
            $"synth -run begin:fine -top {top}",
            "opt -fast -full",
            "memory_map",
            "opt -undriven -fine",
            "techmap",
            "opt -fast",
            $"dfflibmap -liberty {LibraryFile}",
            "opt -fast",
            $"abc -liberty {LibraryFile}{constrained}",
            "splitnets",
            "opt_clean -purge",
            // Registers by the nets that they drive: paths are read by people.
            "rename -wire",
            $"tee -q -o {CellsFile} stat -json",
            $"write_verilog -noattr {NetlistFile}",
        ];
        return string.Join("; ", steps);
    }
}
