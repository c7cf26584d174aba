using AccelGen.Config;
using AccelGen.Isa;

namespace AccelGen.Compiler;

/// <summary>
/// Limits the commands of one attention head by the dynamic register that counts the channels of all heads: where the path
/// keeps the head they run whole, else not at all.
/// </summary>
/// <param name="config">Configuration; a head has whole vectors of it.</param>
/// <param name="register">Dynamic register.</param>
/// <param name="headChannels">Channels of a head, as the register counts them.</param>
/// <param name="head">Number of the head.</param>
internal sealed class HeadExtent(AcceleratorConfig config, int register, int headChannels, int head)
{
    // A head's place in the register, by the unit of an axis: vectors or lane tiles.
    private readonly int[] perHead = [headChannels / config.Array.VectorWidth, headChannels / config.Array.Lanes];

    /// <summary>Puts the limit on an axis of each command that has none of its own.</summary>
    /// <param name="commands">All commands of the head.</param>
    /// <exception cref="InvalidOperationException">Both extents of a command are longer than a head: the compiler made none such.</exception>
    public void Limit(IEnumerable<Command> commands)
    {
        foreach (Command command in commands.Where(c => c["ACount"] > 0 && c["BCount"] > 0))
        {
            // A limit on the reduction of a COMPUTE sets the lanes of the last vector too: only of channels these are all.
            (char Axis, int Unit)[] axes = command.Definition.Name == "COMPUTE" && command["Diagonal"] == 0 ? [('B', 1), ('A', 0)] : [('A', 0), ('B', 0), ('B', 1)];
            (char axis, int unit) = axes.FirstOrDefault(a => command[$"{a.Axis}Dynamic"] == 0 && command[$"{a.Axis}Base"] + command[$"{a.Axis}Count"] <= perHead[a.Unit]);
            if (axis == default)
                throw new InvalidOperationException($"{command} has no extent within head {head}");
            command[$"{axis}Dynamic"] = 1;
            command[$"{axis}Register"] = register;
            command[$"{axis}Unit"] = unit;
            command[$"{axis}Base"] += head * perHead[unit];
        }
    }
}
