namespace AccelGen.Files;

/// <summary>
/// A mistake of the user: a file, field or option that cannot be used. Says every problem that was found, one line each: what, its
/// place, its value, what is legal and what to do. A fault of the program is another exception, also where it comes from parsing.
/// </summary>
public sealed class InputException : Exception
{
    /// <summary>One problem, or several in lines.</summary>
    /// <param name="message">Problem.</param>
    public InputException(string message)
        : this(message.Split(Environment.NewLine)) { }

    /// <summary>Problems.</summary>
    /// <param name="problems">One line each.</param>
    public InputException(IEnumerable<string> problems)
        : this([.. problems], null) { }

    private InputException(string[] problems, Exception? inner)
        : base(string.Join(Environment.NewLine, problems), inner) => Problems = problems;

    /// <summary>Every problem.</summary>
    public IReadOnlyList<string> Problems { get; }

    /// <summary>The same problems at a place, such as a file.</summary>
    /// <param name="place">Text in front of each.</param>
    public InputException At(string place) => new([.. Problems.Select(p => $"{place}: {p}")], this);
}
