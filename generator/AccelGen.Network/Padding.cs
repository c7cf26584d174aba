namespace AccelGen.Network;

/// <summary>Rows and columns around an image; negative ones cut off.</summary>
/// <param name="Top">Rows above.</param>
/// <param name="Left">Columns to the left.</param>
/// <param name="Bottom">Rows below.</param>
/// <param name="Right">Columns to the right.</param>
public readonly record struct Padding(int Top, int Left, int Bottom, int Right)
{
    /// <summary>A padding written as four numbers, in the order of ONNX.</summary>
    public static implicit operator Padding((int Top, int Left, int Bottom, int Right) sides) =>
        new(sides.Top, sides.Left, sides.Bottom, sides.Right);

    /// <summary>The padding as four numbers.</summary>
    public static implicit operator (int Top, int Left, int Bottom, int Right)(Padding padding) =>
        (padding.Top, padding.Left, padding.Bottom, padding.Right);

    /// <summary>As messages have it: "(top, left, bottom, right)".</summary>
    public override string ToString() => $"({Top}, {Left}, {Bottom}, {Right})";
}
