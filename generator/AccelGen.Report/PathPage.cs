using System.Globalization;
using System.Net;
using Scriban;
using Scriban.Runtime;

namespace AccelGen.Report;

/// <summary>A report as one page that needs nothing beside it.</summary>
public static class PathPage
{
    private const string TemplateName = "templates/report/paths.html.sbn";

    /// <summary>Renders the page.</summary>
    /// <param name="report">What it tells.</param>
    /// <returns>HTML.</returns>
    public static string Render(PathReport report)
    {
        using Stream stream =
            typeof(PathPage).Assembly.GetManifestResourceStream(TemplateName)
            ?? throw new InvalidOperationException($"{TemplateName} is not part of this build");
        using var reader = new StreamReader(stream);
        Template template = Template.Parse(reader.ReadToEnd(), TemplateName);
        if (template.HasErrors)
            throw new InvalidOperationException(string.Join(Environment.NewLine, template.Messages));
        var context = new TemplateContext
        {
            StrictVariables = true,
            LoopLimit = 0,
            MemberRenamer = m => m.Name,
            NewLine = "\n",
        };
        context.PushCulture(CultureInfo.InvariantCulture);
        context.PushGlobal(Model(report));
        return template.Render(context);
    }

    private static ScriptObject Model(PathReport report)
    {
        ReportedPath[] points = [.. report.Points.Select(n => report.Paths.First(p => p.Name == n))];
        long whole = report.Paths.Max(p => p.Cycles),
            macs = report.Paths.Max(p => p.Macs);
        return new ScriptObject
        {
            ["network"] = Text(report.Network),
            ["configuration"] = Text(report.Configuration),
            ["command"] = Text(report.Command),
            ["metric"] = Text(report.Metric),
            ["images"] = report.Images,
            ["float_accuracy"] = report.FloatAccuracy is double f ? Percent(f) : null,
            ["pareto"] = report.Paths.Any(p => p.Accuracy is not null) ? Charts.Pareto(report) : null,
            ["bars"] = points.Length > 0 ? Charts.Bars(points) : null,
            ["legend"] = new ScriptArray(
                Charts
                    .Legend(points)
                    .Select(l => new ScriptObject
                    {
                        ["name"] = Text(l.Name),
                        ["array"] = l.Array,
                        ["waiting"] = l.Waiting,
                    })
            ),
            ["proven"] = report.Paths.Count(p => p.CyclesRtl is not null),
            ["mismatches"] = report.Paths.Sum(p => p.Mismatches ?? 0),
            ["differing"] = report.Paths.Count(p => p.CyclesRtl is long rtl && rtl != p.Cycles),
            ["paths"] = new ScriptArray(
                report.Paths.Select(p => new ScriptObject
                {
                    ["name"] = Text(p.Name),
                    ["cycles"] = Number(p.Cycles),
                    ["saved"] = Percent(1 - ((double)p.Cycles / whole)),
                    ["macs_saved"] = macs == 0 ? string.Empty : Percent(1 - ((double)p.Macs / macs)),
                    ["accuracy"] = p.Accuracy is double a ? Percent(a) : string.Empty,
                    ["rtl"] = p.CyclesRtl is long rtl ? Number(rtl) : string.Empty,
                    ["mismatches"] = p.Mismatches is long m ? Number(m) : string.Empty,
                    ["is_pareto"] = p.IsPareto,
                })
            ),
            ["points"] = new ScriptArray(
                points.Select(p => new ScriptObject
                {
                    ["name"] = Text(p.Name),
                    ["cycles"] = Number(p.Cycles),
                    ["accuracy"] = p.Accuracy is double a ? Percent(a) : string.Empty,
                })
            ),
            ["shown"] = new ScriptArray(
                report.Shown.Select(i => new ScriptObject
                {
                    ["name"] = Text(i.Name),
                    ["source"] = Uri(i.MediaType, i.File),
                    ["truth"] = i.Truth is null ? null : Uri("image/png", Palette.Png(i.Truth)),
                    ["results"] = new ScriptArray(i.Results.Select(r => Uri("image/png", Palette.Png(r.Result)))),
                })
            ),
            ["classes"] = new ScriptArray(
                report.Classes.Select((name, c) => new ScriptObject { ["name"] = Text(name), ["colour"] = Palette.Css(c) })
            ),
        };
    }

    private static string Uri(string type, byte[] bytes) => $"data:{type};base64,{Convert.ToBase64String(bytes)}";

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Percent(double share) => (share * 100).ToString("0.0", CultureInfo.InvariantCulture) + " %";
}
