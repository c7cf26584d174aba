using AccelGen.Config;
using AccelGen.Isa;

namespace AccelGen.Compiler;

/// <summary>Cuts a list of commands into blocks; the first command of a block loads the next one.</summary>
internal sealed class ProgramBuilder(AcceleratorConfig config)
{
    /// <summary>The program, padded to whole blocks, and the new position of every command given.</summary>
    public (List<Command> Commands, int[] Positions) Build(IReadOnlyList<Command> commands, long address)
    {
        int block = config.Control.CommandBlock;
        var result = new List<Command>();
        int[] positions = new int[commands.Count];
        int total = commands.Count + 1;
        for (int i = 0; i < total; i++)
        {
            if (result.Count % block == 0 && total - i > block)
            {
                result.Add(
                    Command.Fetch(
                        address + ((result.Count + block) * (long)IsaDefinition.CommandBytes),
                        block * config.Derived.BeatsPerCommand
                    )
                );
            }

            if (i < commands.Count)
                positions[i] = result.Count;
            result.Add(i < commands.Count ? commands[i] : new Command(IsaDefinition.End));
        }

        while (result.Count % block != 0)
            result.Add(new Command(IsaDefinition.Nop));
        return (result, positions);
    }
}
