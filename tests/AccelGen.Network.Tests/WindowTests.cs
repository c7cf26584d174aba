using AccelGen.Network.Float;
using AccelGen.Network.Quantized;
using NUnit.Framework;

namespace AccelGen.Network.Tests;

/// <summary>The one formula of output size.</summary>
public sealed class WindowTests
{
    [TestCase(7, 3, 2, 1, 0, 0, 3, 3, TestName = "Windows_that_fit_exactly_are_as_many_by_ceiling")]
    [TestCase(8, 3, 2, 1, 0, 0, 3, 4, TestName = "A_window_that_only_begins_in_the_image_counts_by_ceiling_alone")]
    [TestCase(5, 2, 3, 1, 0, 1, 2, 2, TestName = "A_window_that_would_begin_in_the_padding_counts_neither_way")]
    [TestCase(9, 3, 1, 4, 0, 0, 1, 1, TestName = "Dilated_taps_reach_further")]
    [TestCase(2, 3, 2, 1, 0, 0, 0, 0, TestName = "A_kernel_larger_than_the_image_has_no_window")]
    [TestCase(10, 1, 1, 1, -3, -2, 5, 5, TestName = "Negative_padding_cuts_off")]
    public void Size_of_the_result(int size, int kernel, int stride, int dilation, int before, int after, int floor, int ceiling)
    {
        var window = new Window((kernel, 1), (stride, 1), (dilation, 1), (before, 0, after, 0));
        Assert.That(window.Over((size, 6)), Is.EqualTo(new Size(floor, 6)));
        Assert.That(window.Over((size, 6), ceiling: true), Is.EqualTo(new Size(ceiling, 6)));
        if (floor > 0)
            Assert.That(window.Ceiling((size, 6)).Over((size, 6)), Is.EqualTo(new Size(ceiling, 6)), "with the padding that ceiling needs");
    }

    [Test]
    public void Padding_that_no_window_reaches_is_trimmed()
    {
        var window = new Window((3, 3), (2, 2), (1, 1, 1, 1));
        Assert.That(window.Trimmed((8, 7), window.Over((8, 7))).Padding, Is.EqualTo(new Padding(1, 1, 0, 1)));
    }

    [Test]
    public void Sizes_read_as_pairs_in_messages() =>
        Assert.That($"{new Size(3, 5)} {new Padding(1, 2, 3, 4)}", Is.EqualTo($"{(3, 5)} {(1, 2, 3, 4)}"));

    // Rows and columns come from the input: those of the result are gone once its pixels are channels.
    [Test]
    public void A_resize_stored_with_pixels_and_channels_exchanged_has_one_size_in_floats_and_integers()
    {
        const int Rows = 2,
            Columns = 3,
            Channels = 2;
        TensorShape from = new(1, Rows, Columns, Channels),
            plain = new(1, 2 * Rows, 2 * Columns, Channels),
            exchanged = new(1, 1, Channels, plain.Height * plain.Width);
        var resize = new FloatResize("r", 0, 1)
        {
            Up = (2, 2),
            Down = (1, 1),
            Taps = (1, 1),
            FirstRow = [0, 0],
            FirstColumn = [0, 0],
            RowWeights = [1, 1],
            ColumnWeights = [1, 1],
            TransposeOutput = true,
        };
        var integers = new ResizeLayer("r", 0, 1, -128, 127)
        {
            Up = resize.Up,
            Down = resize.Down,
            Taps = resize.Taps,
            FirstRow = resize.FirstRow,
            FirstColumn = resize.FirstColumn,
            Weights = [1, 1, 1, 1],
            Scales = [.. Enumerable.Repeat(FixedPointScale.FromReal(1), 4)],
            TransposeOutput = true,
        };
        Assert.That(resize.Computed(from, exchanged), Is.EqualTo(plain));
        Assert.That(integers.Computed(from, exchanged), Is.EqualTo(plain));

        float[] x = [.. Enumerable.Range(0, (int)from.Elements).Select(i => (float)i)];
        float[] rows = Run(resize with { TransposeOutput = false }, plain),
            columns = Run(resize, exchanged);
        for (int i = 0; i < rows.Length; i++)
            Assert.That(columns[(i % Channels * plain.Height * plain.Width) + (i / Channels)], Is.EqualTo(rows[i]), $"element {i}");

        float[] Run(FloatResize layer, TensorShape to) =>
            FloatExecutor.Run(
                new FloatNetwork("n", [new FloatTensor(0, "x", from), new FloatTensor(1, "y", to)], [layer], [], [0], [1]),
                new Dictionary<int, float[]> { [0] = x }
            )[1];
    }
}
