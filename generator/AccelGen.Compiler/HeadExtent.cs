using AccelGen.Config;
using AccelGen.Isa;

namespace AccelGen.Compiler;

/// <summary>
/// Limits commands of one attention head by the dynamic register that counts the channels of all heads: where the path
/// keeps the head they run whole, else not at all.
/// </summary>
/// <param name="config">Configuration; a head has whole vectors of it.</param>
/// <param name="register">Dynamic register.</param>
/// <param name="headChannels">Channels of a head, as the register counts them.</param>
/// <param name="head">Number of the head.</param>
internal sealed class HeadExtent(AcceleratorConfig config, int register, int headChannels, int head)
{
    // A head's place in the register, by the unit of an axis: vectors or lane tiles.
    private int PerHead(ExtentUnit unit) => headChannels / (unit == ExtentUnit.Vectors ? config.Array.VectorWidth : config.Array.Lanes);

    /// <summary>A command of the head with the limit on an axis that has none of its own; itself where it does nothing.</summary>
    /// <param name="command">Command.</param>
    /// <exception cref="InvalidOperationException">Both extents are longer than a head: the compiler made none such.</exception>
    public Command Limited(Command command)
    {
        if (command[Header.A.Count] == 0 || command[Header.B.Count] == 0)
            return command;
        // A limit on the reduction of a COMPUTE sets the lanes of the last vector too: only of channels these are all.
        (Axis Axis, ExtentUnit Unit)[] extents =
            command.Is(ComputeCommand.Definition) && !command[ComputeCommand.Diagonal]
                ? [(Header.B, ExtentUnit.LaneTiles), (Header.A, ExtentUnit.Vectors)]
                : [(Header.A, ExtentUnit.Vectors), (Header.B, ExtentUnit.Vectors), (Header.B, ExtentUnit.LaneTiles)];
        (Axis? axis, ExtentUnit unit) = extents.FirstOrDefault(e =>
            !command[e.Axis.Dynamic] && command[e.Axis.Base] + command[e.Axis.Count] <= PerHead(e.Unit)
        );
        if (axis is null)
            throw new InvalidOperationException($"{command} has no extent within head {head}");
        Command limited = command.Copy();
        limited[axis.Dynamic] = true;
        limited[axis.Register] = register;
        limited.Set(axis.Unit, unit);
        limited[axis.Base] += head * PerHead(unit);
        return limited;
    }
}
