namespace AccelGen.Tests.Shared;

/// <summary>An operator or pattern that random networks are made of.</summary>
/// <param name="Name">Name, unique.</param>
/// <param name="Weight">How often it is drawn, against the others.</param>
/// <param name="Add">Adds nodes to a draft by what is drawn; false, and nothing of use, where nothing there fits it.</param>
/// <param name="Opset">Oldest operator set that has it.</param>
/// <param name="Refused">Refused as yet, always or most of the time: only some networks draw from these, or hardly any would run.</param>
internal sealed record OperatorDraw(string Name, int Weight, Func<ModelDraft, Draw, bool> Add, int Opset = 9, bool Refused = false);

/// <summary>Everything that random networks are made of: a new operator is one entry in the list of its group.</summary>
internal static partial class OperatorDraws
{
    private static readonly OperatorDraw[] Entries = [.. Windows, .. Elementwise, .. Movements, .. Products, .. Rows, .. Pieces];
    private static readonly Dictionary<string, OperatorDraw> ByName = Entries.ToDictionary(e => e.Name);

    /// <summary>All entries.</summary>
    public static IReadOnlyList<OperatorDraw> All => Entries;

    /// <summary>An entry by its name, or null.</summary>
    public static OperatorDraw? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>Chooses an entry by weight.</summary>
    /// <param name="random">Source.</param>
    /// <param name="refused">Also among those that are refused as yet.</param>
    public static OperatorDraw Choose(Random random, bool refused)
    {
        IEnumerable<OperatorDraw> entries = Entries.Where(e => refused || !e.Refused);
        int at = random.Next(entries.Sum(e => e.Weight));
        return entries.First(e => (at -= e.Weight) < 0);
    }

    private static long[] L(params long[] list) => list;

    private static long[] With(long[] dims, int axis, long size)
    {
        long[] result = [.. dims];
        result[axis] = size;
        return result;
    }

    private static long Product(IEnumerable<long> sizes) => sizes.Aggregate(1L, (p, d) => p * d);
}
