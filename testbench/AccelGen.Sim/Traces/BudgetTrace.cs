using System.Globalization;
using AccelGen.Cycles;
using AccelGen.Files;

namespace AccelGen.Sim.Traces;

/// <summary>What a frame has to get along with.</summary>
/// <param name="Budget">Cycles that it may take.</param>
/// <param name="Timing">Memory as it is during the frame.</param>
public readonly record struct FrameDemand(uint Budget, MemoryTiming Timing);

/// <summary>A sequence of frames: from a CSV file, or drawn.</summary>
public static class BudgetTrace
{
    /// <summary>Ample budgets with times of tight ones.</summary>
    public const string Bursts = "bursts";

    /// <summary>A budget that falls and rises.</summary>
    public const string Ramp = "ramp";

    /// <summary>One budget, and a memory that another tenant uses at times.</summary>
    public const string Contention = "contention";

    /// <summary>Slowest memory of a trace, in cycles per beat and to the first beat; as the options of the command line.</summary>
    public const int MostInterval = 1000,
        MostLatency = 100_000;

    /// <summary>Most frames of a trace: what each way of choosing made of each frame is kept for the report.</summary>
    public const int MostFrames = 100_000;

    private const string BudgetColumn = "budget",
        IntervalColumn = "interval",
        LatencyColumn = "latency";
    private const int MostProblems = 20;

    /// <summary>Kinds that <see cref="Generate"/> draws.</summary>
    public static IReadOnlyList<string> Kinds { get; } = [Bursts, Ramp, Contention];

    /// <summary>Reads a trace.</summary>
    /// <param name="file">CSV: a frame per line, columns budget, interval, latency; the first line may name them.</param>
    /// <param name="nominal">Memory of a frame that names none.</param>
    /// <exception cref="InputException">The file is wrong; every problem is named with its line.</exception>
    public static IReadOnlyList<FrameDemand> Load(string file, MemoryTiming nominal)
    {
        if (!Directory.Exists(file) && !File.Exists(file))
            throw new InputException(FaultCodes.NoSuchFile, file, "there is no such file of budgets");
        return Parse(InputFile.ReadText(file), file, nominal);
    }

    /// <summary>Reads a trace from a text.</summary>
    /// <param name="text">CSV.</param>
    /// <param name="file">Name of its file, for messages.</param>
    /// <param name="nominal">Memory of a frame that names none.</param>
    /// <exception cref="InputException">The text is wrong; every problem is named with its line.</exception>
    public static IReadOnlyList<FrameDemand> Parse(string text, string file, MemoryTiming nominal)
    {
        var problems = new List<Fault>();
        var frames = new List<FrameDemand>();
        string[] columns = [BudgetColumn, IntervalColumn, LatencyColumn],
            legal = columns;
        string[] lines = text.ReplaceLineEndings("\n").Split('\n');
        bool begun = false;
        for (int l = 0; l < lines.Length; l++)
        {
            if (string.IsNullOrWhiteSpace(lines[l]))
                continue;
            string[] cells = lines[l].Split(',', StringSplitOptions.TrimEntries);
            bool names = !begun && cells.Any(c => c.Length > 0 && char.IsAsciiLetter(c[0]));
            begun = true;
            if (names)
            {
                if (cells.Except(legal).Any() || cells.Distinct().Count() < cells.Length || !cells.Contains(BudgetColumn))
                    throw new InputException(
                        FaultCodes.Trace,
                        $"{file}: line {l + 1}",
                        $"columns are '{Short(lines[l])}'",
                        $"legal are {string.Join(", ", legal)}, each once, {BudgetColumn} among them"
                    );
                columns = cells;
                continue;
            }

            if (cells.Length > columns.Length)
            {
                problems.Add(
                    new Fault(
                        FaultCodes.Trace,
                        $"{file}: line {l + 1}",
                        $"has {cells.Length} columns",
                        $"the columns are {string.Join(", ", columns)}"
                    )
                );
                continue;
            }

            int here = l + 1;
            long? budget = Number(BudgetColumn, uint.MaxValue, null),
                interval = Number(IntervalColumn, MostInterval, nominal.ReadInterval),
                latency = Number(LatencyColumn, MostLatency, nominal.ReadLatency);
            if (budget is { } b && interval is { } i && latency is { } t)
            {
                // A contended memory is slow for writes too, as --memory-interval makes it.
                bool same = i == nominal.ReadInterval && t == nominal.ReadLatency;
                frames.Add(
                    new FrameDemand(
                        (uint)b,
                        same ? nominal : nominal with { ReadInterval = (int)i, WriteInterval = (int)i, ReadLatency = (int)t }
                    )
                );
            }

            long? Number(string column, long most, long? otherwise)
            {
                int at = Array.IndexOf(columns, column);
                string cell = at >= 0 && at < cells.Length ? cells[at] : string.Empty;
                if (cell.Length == 0 && otherwise is not null)
                    return otherwise;
                if (long.TryParse(cell, NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value >= 1 && value <= most)
                    return value;
                problems.Add(
                    new Fault(
                        FaultCodes.Trace,
                        $"{file}: line {here}",
                        $"{column} is '{Short(cell)}'",
                        $"legal is a whole number from 1 to {most}"
                    )
                );
                return null;
            }
        }

        if (problems.Count == 0 && (frames.Count is 0 or > MostFrames))
            problems.Add(
                frames.Count == 0
                    ? new Fault(FaultCodes.Trace, file, "has no frames", "write the budget of each in cycles, one per line")
                    : new Fault(FaultCodes.Trace, file, $"has {frames.Count} frames", $"legal are 1 to {MostFrames}: take a part of them")
            );
        if (problems.Count > MostProblems)
            problems =
            [
                .. problems.Take(MostProblems),
                new Fault(FaultCodes.Trace, file, $"and {problems.Count - MostProblems} further problems"),
            ];
        return problems.Count == 0 ? frames : throw new InputException(problems);
    }

    private static string Short(string cell) => cell.Length > 40 ? $"{cell[..40]}..." : cell;

    /// <summary>Writes a trace, as a file that <see cref="Load"/> reads.</summary>
    public static string Write(IReadOnlyList<FrameDemand> frames) =>
        string.Create(CultureInfo.InvariantCulture, $"{BudgetColumn},{IntervalColumn},{LatencyColumn}\n")
        + string.Concat(
            frames.Select(f => string.Create(CultureInfo.InvariantCulture, $"{f.Budget},{f.Timing.ReadInterval},{f.Timing.ReadLatency}\n"))
        );

    /// <summary>Draws a trace.</summary>
    /// <param name="kind">One of <see cref="Kinds"/>.</param>
    /// <param name="frames">Frames.</param>
    /// <param name="seed">Seed.</param>
    /// <param name="range">Cycles of the cheapest and of the dearest path on a memory.</param>
    /// <param name="nominal">Memory where nobody else uses it.</param>
    /// <exception cref="InputException">There is no such kind.</exception>
    public static IReadOnlyList<FrameDemand> Generate(
        string kind,
        int frames,
        int seed,
        Func<MemoryTiming, (long Least, long Most)> range,
        MemoryTiming nominal
    )
    {
        var random = new Random(seed);
        bool busy = false;
        MemoryTiming slow = nominal with { ReadInterval = nominal.ReadInterval * 2, WriteInterval = nominal.WriteInterval * 2 };
        (long least, long most) = range(nominal);
        return kind switch
        {
            Bursts => Draw(() => Alone(Busy() ? Between(least, (least + most) / 2.0) : Between(most, 1.2 * most))),
            Ramp => Draw(Falling()),
            Contention => Draw(Shared()),
            _ => throw new InputException(
                FaultCodes.IllegalOption,
                string.Empty,
                $"'{kind}' is no kind of trace",
                $"legal are {string.Join(", ", Kinds)}"
            ),
        };

        double Between(double low, double high) => low + (random.NextDouble() * (high - low));

        // Busy times last some six frames, quiet ones some twelve.
        bool Busy() => busy = random.NextDouble() < (busy ? 5.0 / 6 : 1.0 / 12);

        // Down in some fifty frames and up again, a little unsteady, never below what the cheapest path needs.
        Func<FrameDemand> Falling()
        {
            int frame = 0;
            int half = Math.Clamp(frames / 10, 2, 50);
            return () =>
            {
                int at = frame++ % (2 * half);
                double height = Math.Abs(half - at) / (double)half;
                return Alone(Math.Max(least, (least + (height * ((1.1 * most) - least))) * Between(0.98, 1.02)));
            };
        }

        // The dearest path fits while nobody else uses the memory, and when somebody does, one half way to the cheapest.
        Func<FrameDemand> Shared()
        {
            (long leastSlow, long mostSlow) = range(slow);
            uint budget = Cycles(Math.Max(1.02 * most, (leastSlow + mostSlow) / 2.0));
            return () => new FrameDemand(budget, Busy() ? slow : nominal);
        }

        FrameDemand[] Draw(Func<FrameDemand> next) => [.. Enumerable.Range(0, frames).Select(_ => next())];

        FrameDemand Alone(double budget) => new(Cycles(budget), nominal);

        static uint Cycles(double budget) => (uint)Math.Clamp(Math.Ceiling(budget), 1, uint.MaxValue);
    }
}
