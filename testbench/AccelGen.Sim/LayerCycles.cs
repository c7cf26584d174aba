using AccelGen.Compiler;
using AccelGen.Cycles;
using AccelGen.Isa;

namespace AccelGen.Sim;

/// <summary>Cycles of the layers of a program, each from the end of the layer before. A layer ends with its last store.</summary>
internal static class LayerCycles
{
    /// <summary>Cycles per layer.</summary>
    /// <param name="program">Program.</param>
    /// <param name="commands">Timing of its commands.</param>
    public static long[] Of(CompiledProgram program, IReadOnlyList<CommandTiming> commands)
    {
        long[] cycles = new long[program.Layers.Count];
        long end = 0;
        for (int i = 0; i < cycles.Length; i++)
        {
            long before = end;
            // Layers that alternate with others end with the one that reads them.
            for (int c = program.Layers[i].FirstCommand; c < program.Layers[i].EndCommand; c++)
            {
                if (program.Commands[c].Definition.Queue == Queue.Store)
                    end = Math.Max(end, commands[c].Done);
            }

            cycles[i] = end - before;
        }

        return cycles;
    }
}
