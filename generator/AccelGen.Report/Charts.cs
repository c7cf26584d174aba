using System.Globalization;
using System.Text.RegularExpressions;
using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Series;

namespace AccelGen.Report;

/// <summary>Charts as SVG elements for a page.</summary>
internal static partial class Charts
{
    private const string Font = "system-ui, sans-serif";

    // Whose fonts a page is shown in is not known: margins and legends do not rely on the widths of texts.
    private const double LeftMargin = 190,
        SideMargin = 60,
        BottomMargin = 52,
        TitleDistance = 14;
    private const double NameWidth = 0.16,
        NameHeight = 0.05; // of the plot, for names at points
    private const byte Waiting = 0x70;
    private static readonly OxyColor Dominated = OxyColor.FromRgb(0x9a, 0xa5, 0xb1),
        Best = OxyColor.FromRgb(0x1f, 0x6f, 0xb2),
        Proven = OxyColor.FromRgb(0xd9, 0x6b, 0x0b);

    // Colours of classes of layers, dark where the array works and light where it stands still.
    private static readonly OxyColor[] Layers =
    [
        OxyColor.FromRgb(0x1f, 0x6f, 0xb2),
        OxyColor.FromRgb(0x2a, 0x9d, 0x8f),
        OxyColor.FromRgb(0xe9, 0xa8, 0x20),
        OxyColor.FromRgb(0xc4, 0x4e, 0x52),
        OxyColor.FromRgb(0x81, 0x72, 0xb3),
        OxyColor.FromRgb(0x93, 0x78, 0x60),
        OxyColor.FromRgb(0xda, 0x8b, 0xc3),
        OxyColor.FromRgb(0x55, 0x8b, 0x2f),
    ];

    /// <summary>Accuracy over cycles: each path a point, those of the Pareto set joined, those that ran through the RTL ringed.</summary>
    public static string Pareto(PathReport report)
    {
        ReportedPath[] known = [.. report.Paths.Where(p => p.Accuracy is not null)];
        PlotModel plot = Plot();
        plot.Axes.Add(Axis(AxisPosition.Bottom, "cycles of a frame"));
        plot.Axes.Add(Axis(AxisPosition.Left, $"{report.Metric}, percent"));
        var line = new LineSeries { Color = Best, StrokeThickness = 1.5 };
        line.Points.AddRange(known.Where(p => p.IsPareto).OrderBy(p => p.Cycles).Select(Point));
        plot.Series.Add(line);
        plot.Series.Add(Points(known.Where(p => !p.IsPareto), Dominated, 3.5));
        plot.Series.Add(Points(known.Where(p => p.IsPareto), Best, 4));
        plot.Series.Add(
            new ScatterSeries
            {
                MarkerType = MarkerType.Circle,
                MarkerSize = 7,
                MarkerFill = OxyColors.Transparent,
                MarkerStroke = Proven,
                MarkerStrokeThickness = 2,
                ItemsSource = known.Where(p => p.CyclesRtl is not null).Select(p => Scatter(p)).ToArray(),
            }
        );
        double width = known.Max(p => p.Cycles) - known.Min(p => p.Cycles),
            height = known.Max(p => p.Accuracy!.Value) - known.Min(p => p.Accuracy!.Value);
        var named = new List<ReportedPath>();
        foreach (ReportedPath path in known.Where(p => p.IsPareto).OrderByDescending(p => p.Cycles))
        {
            // Names that would lie upon each other are left to the table.
            if (
                named.Any(n =>
                    Math.Abs(n.Cycles - path.Cycles) < width * NameWidth
                    && Math.Abs(n.Accuracy!.Value - path.Accuracy!.Value) < height * NameHeight
                )
            )
                continue;
            named.Add(path);
            DataPoint at = Point(path);
            plot.Annotations.Add(
                new TextAnnotation
                {
                    Text = path.Name,
                    TextPosition = at,
                    Stroke = OxyColors.Transparent,
                    FontSize = 10,
                    TextHorizontalAlignment = HorizontalAlignment.Right,
                    TextVerticalAlignment = VerticalAlignment.Bottom,
                    Offset = new ScreenVector(-6, -4),
                }
            );
        }

        if (report.FloatAccuracy is double accuracy)
            plot.Annotations.Add(
                new LineAnnotation
                {
                    Type = LineAnnotationType.Horizontal,
                    Y = accuracy * 100,
                    Color = Dominated,
                    LineStyle = LineStyle.Dash,
                    Text = "float network, whole",
                    FontSize = 10,
                    TextHorizontalAlignment = HorizontalAlignment.Left,
                    TextLinePosition = 0.02,
                }
            );
        return Svg(plot, 860, 440, $"{report.Metric} over cycles of {known.Length} paths");

        static ScatterSeries Points(IEnumerable<ReportedPath> paths, OxyColor colour, double size) =>
            new()
            {
                MarkerType = MarkerType.Circle,
                MarkerSize = size,
                MarkerFill = colour,
                ItemsSource = paths.Select(Scatter).ToArray(),
            };
        static DataPoint Point(ReportedPath p) => new(p.Cycles, p.Accuracy!.Value * 100);
        static ScatterPoint Scatter(ReportedPath p) => new(p.Cycles, p.Accuracy!.Value * 100);
    }

    /// <summary>Cycles of some paths by class of layer, stacked: those of the array, then those in which it stands still.</summary>
    public static string Bars(IReadOnlyList<ReportedPath> paths)
    {
        PlotModel plot = Plot();
        plot.PlotMargins = new OxyThickness(LeftMargin, double.NaN, double.NaN, BottomMargin);
        var names = new CategoryAxis
        {
            Position = AxisPosition.Left,
            Font = Font,
            GapWidth = 0.4,
            StartPosition = 1,
            EndPosition = 0,
        };
        names.Labels.AddRange(paths.Select(p => p.Name));
        plot.Axes.Add(names);
        LinearAxis cycles = Axis(AxisPosition.Bottom, "cycles of a frame");
        cycles.Minimum = 0;
        plot.Axes.Add(cycles);
        string[] classes = ClassesOf(paths);
        for (int c = 0; c < classes.Length; c++)
        {
            OxyColor colour = Layers[c % Layers.Length];
            plot.Series.Add(Bar(colour, paths.Select(p => p.Classes.FirstOrDefault(k => k.Name == classes[c])?.Array ?? 0)));
            plot.Series.Add(
                Bar(
                    OxyColor.FromAColor(Waiting, colour),
                    paths.Select(p => p.Classes.FirstOrDefault(k => k.Name == classes[c])?.Exposed ?? 0)
                )
            );
        }

        return Svg(plot, 860, 80 + (46 * paths.Count), $"cycles of {paths.Count} paths by class of layer");

        static BarSeries Bar(OxyColor colour, IEnumerable<long> values) =>
            new()
            {
                IsStacked = true,
                FillColor = colour,
                ItemsSource = values.Select(v => new BarItem(v)).ToArray(),
            };
    }

    /// <summary>Classes of layers with their colours in <see cref="Bars"/>: where the array works, and where it waits.</summary>
    public static IEnumerable<(string Name, string Array, string Waiting)> Legend(IReadOnlyList<ReportedPath> paths) =>
        ClassesOf(paths)
            .Select(
                (name, c) =>
                    Layers[c % Layers.Length] is var k
                        ? (
                            name,
                            $"rgb({k.R},{k.G},{k.B})",
                            string.Create(CultureInfo.InvariantCulture, $"rgba({k.R},{k.G},{k.B},{Waiting / 255.0:F2})")
                        )
                        : default
            );

    private static string[] ClassesOf(IReadOnlyList<ReportedPath> paths) =>
        [.. paths.SelectMany(p => p.Classes).Select(c => c.Name).Distinct()];

    private static PlotModel Plot() =>
        new()
        {
            DefaultFont = Font,
            DefaultFontSize = 12,
            PlotMargins = new OxyThickness(SideMargin, double.NaN, double.NaN, BottomMargin),
            PlotAreaBorderColor = OxyColors.LightGray,
            Culture = CultureInfo.InvariantCulture,
        };

    private static LinearAxis Axis(AxisPosition position, string title) =>
        new()
        {
            Position = position,
            Title = title,
            Font = Font,
            AxisTitleDistance = TitleDistance,
            MajorGridlineStyle = LineStyle.Solid,
            MajorGridlineColor = OxyColor.FromRgb(0xe8, 0xec, 0xf0),
            StringFormat = position == AxisPosition.Bottom ? "#,0" : "0.#",
            MinimumPadding = 0.08,
            MaximumPadding = 0.06,
            TicklineColor = OxyColors.LightGray,
        };

    // As wide as the page allows, and named for those who do not see it.
    private static string Svg(PlotModel plot, int width, int height, string label)
    {
        using var stream = new MemoryStream();
        new SvgExporter
        {
            Width = width,
            Height = height,
            IsDocument = false,
            UseVerticalTextAlignmentWorkaround = true,
        }.Export(plot, stream);
        string text = System.Text.Encoding.UTF8.GetString(stream.ToArray()).TrimStart('\uFEFF');
        return OpeningTag()
            .Replace(
                text,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{label}\">"
                ),
                1
            );
    }

    [GeneratedRegex("<svg[^>]*>")]
    private static partial Regex OpeningTag();
}
