using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using CliWrap;
using CliWrap.Buffered;
using NUnit.Framework;
using SkiaSharp;

namespace AccelGen.Report.Tests;

/// <summary>The page of a network's paths, as a browser shows it.</summary>
public sealed partial class PathPageTests
{
    private const string LongName = "channels 6/8, blocks -4";

    // Measures what a browser made of the page and leaves it in the document.
    private const string Probe = """
        <pre id="probe"></pre><script>
        window.addEventListener("load", () => {
          const images = [...document.images], charts = [...document.querySelectorAll("svg")];
          const outside = charts.flatMap(s => [...s.querySelectorAll("text")].filter(t => {
            const b = t.getBoundingClientRect(), r = s.getBoundingClientRect();
            return b.left < r.left - 1 || b.right > r.right + 1 || b.top < r.top - 1 || b.bottom > r.bottom + 1;
          }).map(t => t.textContent));
          document.getElementById("probe").textContent = JSON.stringify({
            images: images.length, loaded: images.filter(i => i.complete && i.naturalWidth > 0).length,
            charts: charts.length, drawn: charts.filter(s => s.getBoundingClientRect().height > 50 && s.querySelectorAll("*").length > 10).length,
            outside, sideways: document.documentElement.scrollWidth - window.innerWidth,
            fetched: performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith("data:")),
            rows: document.querySelectorAll(".scroll tr").length, text: document.body.innerText });
        });
        </script></body>
        """;

    [TestCase(1100)]
    [TestCase(600)]
    [CancelAfter(120_000)]
    public async Task A_browser_shows_every_picture_and_chart_and_nothing_reaches_beyond_its_frame(int width)
    {
        JsonElement seen = await OpenAsync(PathPage.Render(Report()), width);
        Assert.Multiple(() =>
        {
            Assert.That(seen.GetProperty("images").GetInt32(), Is.EqualTo(2 * 5), "two images, each with its mask and three results");
            Assert.That(seen.GetProperty("loaded").GetInt32(), Is.EqualTo(2 * 5));
            Assert.That(seen.GetProperty("charts").GetInt32(), Is.EqualTo(2));
            Assert.That(seen.GetProperty("drawn").GetInt32(), Is.EqualTo(2));
            Assert.That(seen.GetProperty("outside").EnumerateArray().Select(t => t.GetString()), Is.Empty, "texts that are cut off");
            Assert.That(seen.GetProperty("sideways").GetInt32(), Is.LessThanOrEqualTo(0), "pixels to scroll sideways");
            Assert.That(seen.GetProperty("fetched").GetArrayLength(), Is.Zero, "the page needs nothing beside it");
            Assert.That(seen.GetProperty("rows").GetInt32(), Is.EqualTo(1 + 4));
        });
    }

    [Test]
    [CancelAfter(120_000)]
    public async Task Names_are_shown_as_they_are_whatever_they_hold()
    {
        const string Hostile = "<b>half</b> & \"more\" {{ 1 }}";
        PathReport report = Report();
        JsonElement seen = await OpenAsync(
            PathPage.Render(
                report with
                {
                    Network = Hostile,
                    Paths = [.. report.Paths.Select((p, i) => i == 1 ? p with { Name = Hostile } : p)],
                    Points = [Hostile],
                }
            ),
            1100
        );
        Assert.That(Regex.Count(seen.GetProperty("text").GetString()!, Regex.Escape(Hostile)), Is.GreaterThanOrEqualTo(2));
    }

    [Test]
    public void Without_accuracy_or_images_the_page_has_its_table_alone()
    {
        PathReport report = Report();
        string page = PathPage.Render(
            report with
            {
                Paths = [.. report.Paths.Select(p => p with { Accuracy = null })],
                Shown = [],
                Points = [],
            }
        );
        Assert.That(page, Does.Not.Contain("<svg"));
        Assert.That(page, Does.Not.Contain("<img"));
        Assert.That(page, Does.Contain("89,000"));
    }

    [Test]
    public void Classes_that_follow_each_other_have_colours_that_differ()
    {
        string[] colours =
        [
            .. Swatch()
                .Matches(PathPage.Render(Report() with { Classes = [.. Enumerable.Range(0, 20).Select(c => $"class {c}")] }))
                .Select(m => m.Groups[1].Value),
        ];
        Assert.That(colours, Has.Length.GreaterThanOrEqualTo(20));
        Assert.That(colours[..20], Is.Unique);
    }

    private static PathReport Report()
    {
        byte[] classes = [.. Enumerable.Range(0, 64).Select(i => (byte)(i % 3))];
        var mask = new Segmentation(8, 8, classes);
        ReportedPath Path(string name, long cycles, double accuracy, bool pareto, long? rtl) =>
            new(
                name,
                cycles,
                rtl,
                rtl is null ? null : 0,
                cycles * 1000,
                accuracy,
                pareto,
                [new ClassShare("linear, 1x1 conv", cycles / 3, cycles / 4), new ClassShare("softmax", 0, cycles / 5)]
            );
        return new PathReport
        {
            Network = "net",
            Configuration = "base (0123456789abcdef)",
            Command = "accelgen paths net.onnx",
            Metric = "mIoU",
            Images = 40,
            FloatAccuracy = 0.75,
            Classes = ["sky", "road", "other"],
            Paths =
            [
                Path("whole", 100_000, 0.74, true, 100_000),
                Path("half", 89_000, 0.70, true, null),
                Path(LongName, 72_000, 0.5, true, 72_000),
                Path("worse", 90_000, 0.4, false, null),
            ],
            Points = ["whole", "half", LongName],
            Shown =
            [
                .. new[] { "a.png", "b.png" }.Select(n => new ReportedImage(
                    n,
                    Picture(),
                    "image/png",
                    mask,
                    [("whole", mask), ("half", mask), (LongName, mask)]
                )),
            ],
        };
    }

    private static byte[] Picture()
    {
        using var bitmap = new SKBitmap(8, 8);
        bitmap.Erase(SKColors.SteelBlue);
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    // Opens a page in a browser without a window and returns what the probe measured.
    private static async Task<JsonElement> OpenAsync(string page, int width)
    {
        string folder = Directory.CreateTempSubdirectory("accelgen-page").FullName;
        try
        {
            string file = Path.Combine(folder, "page.html");
            await File.WriteAllTextAsync(file, page.Replace("</body>", Probe, StringComparison.Ordinal));
            BufferedCommandResult result = await Cli.Wrap(Browser())
                .WithArguments([
                    "--headless",
                    "--no-sandbox",
                    "--disable-gpu",
                    $"--user-data-dir={Path.Combine(folder, "profile")}",
                    $"--window-size={width},1200",
                    "--virtual-time-budget=5000",
                    "--dump-dom",
                    $"file://{file}",
                ])
                .WithValidation(CommandResultValidation.None)
                .ExecuteBufferedAsync(Encoding.UTF8);
            Match probe = Measured().Match(result.StandardOutput);
            Assert.That(probe.Success, Is.True, $"the browser did not run the page's script:{Environment.NewLine}{result.StandardError}");
            return JsonDocument.Parse(WebUtility.HtmlDecode(probe.Groups[1].Value)).RootElement;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Browser()
    {
        string[] places = (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator);
        return new[] { "chromium", "chromium-browser", "google-chrome" }
                .SelectMany(n => places.Select(p => Path.Combine(p, n)))
                .FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException("no browser was found; scripts/test.sh installs chromium");
    }

    [GeneratedRegex("<pre id=\"probe\">(.+?)</pre>", RegexOptions.Singleline)]
    private static partial Regex Measured();

    [GeneratedRegex("background:(#[0-9a-f]{6})")]
    private static partial Regex Swatch();
}
