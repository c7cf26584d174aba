namespace AccelGen.Compiler;

/// <summary>A block of memory that is needed from one step of a program to another.</summary>
/// <param name="Name">Name for reports.</param>
/// <param name="Bytes">Size.</param>
/// <param name="First">First step in which it is written; -1 before the program.</param>
/// <param name="Last">Last step in which it is read or written; <see cref="int.MaxValue"/> after the program.</param>
public sealed record MemoryBlock(string Name, long Bytes, int First, int Last);

/// <summary>Where each block lies.</summary>
/// <param name="Blocks">The blocks.</param>
/// <param name="Addresses">Byte address of each block, a multiple of the page.</param>
/// <param name="End">First address beyond all blocks.</param>
public sealed record MemoryPlan(IReadOnlyList<MemoryBlock> Blocks, IReadOnlyList<long> Addresses, long End)
{
    /// <summary>Places blocks so that those needed at the same time do not overlap: largest first, each at the lowest free
    /// address.</summary>
    /// <param name="blocks">Blocks.</param>
    /// <param name="start">Lowest address, a multiple of <paramref name="page"/>.</param>
    /// <param name="page">Alignment in bytes.</param>
    public static MemoryPlan Place(IReadOnlyList<MemoryBlock> blocks, long start, long page)
    {
        long[] addresses = new long[blocks.Count];
        var placed = new List<int>();
        long end = start;
        foreach (int i in Enumerable.Range(0, blocks.Count).OrderByDescending(i => blocks[i].Bytes).ThenBy(i => i))
        {
            long address = start;
            foreach (int other in placed.Where(p => Together(blocks[p], blocks[i])).OrderBy(p => addresses[p]))
            {
                if (address + blocks[i].Bytes <= addresses[other])
                    break;
                address = Math.Max(address, Align(addresses[other] + blocks[other].Bytes));
            }

            addresses[i] = address;
            placed.Add(i);
            end = Math.Max(end, Align(address + blocks[i].Bytes));
        }

        return new MemoryPlan(blocks, addresses, end);

        long Align(long a) => (a + page - 1) / page * page;
    }

    /// <summary>Pairs of blocks that are needed at the same time and overlap; empty when the plan is sound.</summary>
    public IReadOnlyList<string> Conflicts()
    {
        var conflicts = new List<string>();
        for (int i = 0; i < Blocks.Count; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (
                    Together(Blocks[i], Blocks[j])
                    && Addresses[i] < Addresses[j] + Blocks[j].Bytes
                    && Addresses[j] < Addresses[i] + Blocks[i].Bytes
                )
                    conflicts.Add(
                        $"{Blocks[i].Name} and {Blocks[j].Name} are both needed in step "
                            + $"{Math.Max(Blocks[i].First, Blocks[j].First)} and overlap at address {Math.Max(Addresses[i], Addresses[j])}"
                    );
            }
        }

        return conflicts;
    }

    private static bool Together(MemoryBlock a, MemoryBlock b) => a.First <= b.Last && b.First <= a.Last;
}
