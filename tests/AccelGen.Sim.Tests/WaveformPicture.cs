using System.Globalization;
using System.Text;

namespace AccelGen.Sim.Tests;

/// <summary>Signals over cycles as an SVG picture: levels of single bits, values of wider ones, cuts where nothing is shown.</summary>
internal sealed class WaveformPicture
{
    private const int CycleWidth = 26,
        RowHeight = 26,
        High = 5,
        Low = 20,
        LabelWidth = 108,
        GapWidth = 18,
        Top = 30;

    private readonly List<(string Name, int Digits)> signals = [];
    private readonly List<ulong?[]> samples = [];

    /// <summary>Adds a signal.</summary>
    /// <param name="name">Name.</param>
    /// <param name="digits">Hexadecimal digits of its value; 0 for a level.</param>
    public void Signal(string name, int digits = 0) => signals.Add((name, digits));

    /// <summary>Adds a cycle.</summary>
    /// <param name="values">A value per signal, null where it means nothing.</param>
    public void Sample(params ulong?[] values) => samples.Add(values);

    /// <summary>Cycles so far.</summary>
    public int Cycles => samples.Count;

    /// <summary>Value of a signal in a cycle.</summary>
    public ulong? this[string name, int cycle] => samples[cycle][signals.FindIndex(s => s.Name == name)];

    /// <summary>First cycle from one on in which a signal has a value.</summary>
    public int Find(string name, ulong value, int from = 0) =>
        Enumerable.Range(from, samples.Count - from).First(c => this[name, c] == value);

    /// <summary>The picture.</summary>
    /// <param name="title">Title.</param>
    /// <param name="windows">Cycles shown, [From, To), in order; counted from the first of them.</param>
    public string Render(string title, params IReadOnlyList<(int From, int To)> windows)
    {
        int width = LabelWidth + (windows.Sum(w => w.To - w.From) * CycleWidth) + ((windows.Count - 1) * GapWidth) + 8,
            height = Top + (signals.Count * RowHeight) + 8;
        var svg = new StringBuilder();
        svg.Append(
            CultureInfo.InvariantCulture,
            $"""
            <svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="monospace" font-size="11">
            <title>{title}</title>
            <rect width="100%" height="100%" fill="white"/>

            """
        );
        int x = LabelWidth;
        foreach ((int from, int to) in windows)
        {
            for (int c = from; c < to; c++)
            {
                int at = x + ((c - from) * CycleWidth);
                svg.Append(
                    CultureInfo.InvariantCulture,
                    $"<path d=\"M{at} {Top - 8}V{height - 4}\" stroke=\"#ddd\"/><text x=\"{at + (CycleWidth / 2)}\" "
                        + $"y=\"{Top - 14}\" fill=\"#777\" font-size=\"9\" text-anchor=\"middle\">{c - windows[0].From}</text>\n"
                );
            }

            x += ((to - from) * CycleWidth) + GapWidth;
        }

        for (int s = 0; s < signals.Count; s++)
        {
            int y = Top + (s * RowHeight);
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<text x=\"{LabelWidth - 8}\" y=\"{y + 16}\" text-anchor=\"end\">{signals[s].Name}</text>\n"
            );
            x = LabelWidth;
            foreach ((int from, int to) in windows)
            {
                svg.Append(signals[s].Digits == 0 ? Level(s, from, to, x, y) : Values(s, from, to, x, y));
                x += ((to - from) * CycleWidth) + GapWidth;
            }
        }

        return svg.Append("</svg>\n").ToString();
    }

    private string Level(int signal, int from, int to, int x, int y)
    {
        var path = new StringBuilder();
        for (int c = from; c < to; c++)
        {
            int level = y + (samples[c][signal] is > 0 ? High : Low);
            path.Append(CultureInfo.InvariantCulture, $"{(c == from ? $"M{x} {level}" : $"V{level}")}H{x + ((c - from + 1) * CycleWidth)}");
        }

        return $"<path d=\"{path}\" fill=\"none\" stroke=\"#134\" stroke-width=\"1.5\"/>\n";
    }

    // A box from one change to the next.
    private string Values(int signal, int from, int to, int x, int y)
    {
        var boxes = new StringBuilder();
        for (int c = from; c < to; )
        {
            int end = c;
            while (end < to && samples[end][signal] == samples[c][signal])
                end++;
            int left = x + ((c - from) * CycleWidth),
                right = x + ((end - from) * CycleWidth),
                middle = y + ((High + Low) / 2);
            if (samples[c][signal] is ulong value)
            {
                boxes.Append(
                    CultureInfo.InvariantCulture,
                    $"<path d=\"M{left} {middle}L{left + 3} {y + High}H{right - 3}L{right} {middle}L{right - 3} "
                        + $"{y + Low}H{left + 3}Z\" fill=\"#eef4fa\" stroke=\"#134\"/>"
                );
                string text = value.ToString($"x{signals[signal].Digits}", CultureInfo.InvariantCulture);
                if (text.Length * 7 <= right - left - 4)
                    boxes.Append(
                        CultureInfo.InvariantCulture,
                        $"<text x=\"{(left + right) / 2}\" y=\"{y + 16}\" text-anchor=\"middle\">{text}</text>"
                    );
                boxes.Append('\n');
            }
            else
            {
                boxes.Append(CultureInfo.InvariantCulture, $"<path d=\"M{left} {middle}H{right}\" stroke=\"#999\"/>\n");
            }

            c = end;
        }

        return boxes.ToString();
    }
}
