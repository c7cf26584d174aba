namespace AccelGen.Network;

/// <summary>Rows and columns: of a kernel, a stride, an image.</summary>
/// <param name="Rows">Rows.</param>
/// <param name="Columns">Columns.</param>
public readonly record struct Size(int Rows, int Columns)
{
    /// <summary>One row and one column.</summary>
    public static Size One => new(1, 1);

    /// <summary>A size written as a pair.</summary>
    public static implicit operator Size((int Rows, int Columns) pair) => new(pair.Rows, pair.Columns);

    /// <summary>The size as a pair.</summary>
    public static implicit operator (int Rows, int Columns)(Size size) => (size.Rows, size.Columns);

    /// <summary>As messages have it: "(rows, columns)".</summary>
    public override string ToString() => $"({Rows}, {Columns})";
}
