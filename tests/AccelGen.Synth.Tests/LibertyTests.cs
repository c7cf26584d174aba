using AccelGen.Files;
using NUnit.Framework;

namespace AccelGen.Synth.Tests;

/// <summary>What synthesis takes from a cell library.</summary>
public sealed class LibertyTests
{
    private const string Small = """
        /* a comment { */
        library (small) {
          time_unit : "1ns";
          capacitive_load_unit (1, pf);
          cell (INV) { area : 4.5; pin (A) { direction : input; } pin (Y) { direction : output; function : "!A"; } }
          cell (BUF) { area : 6; pin (A) { direction : input; } pin (Y) { direction : output; function : "(A)"; } }
          cell ("DFF") {
            area : 20
            ff (IQ, IQN) { next_state : "D"; clocked_on : "CK"; }
          }
          cell (LAT) { area : 15; latch (IQ, IQN) { data_in : "D"; } }
          cell (RAM) { area : 9000; memory () { type : ram; } }
        }
        """;

    [Test]
    public void Cells_have_area_and_kind_and_a_missing_semicolon_is_forgiven()
    {
        Liberty library = Liberty.Parse("small.lib", Small);
        Assert.That(library.Name, Is.EqualTo("small"));
        Assert.That(
            library.Cells.Values.Select(c => (c.Name, c.AreaUm2, c.Kind)),
            Is.EquivalentTo(
                new[]
                {
                    ("INV", 4.5, CellKind.Combinational),
                    ("BUF", 6, CellKind.Buffer),
                    ("DFF", 20, CellKind.FlipFlop),
                    ("LAT", 15, CellKind.Latch),
                    ("RAM", 9000, CellKind.Memory),
                }
            )
        );
        Assert.That(library.Driver!.Name, Is.EqualTo("BUF"));
        Assert.That(library.Obstacles("small.lib"), Is.Empty);
    }

    [TestCase("", "line 1: not a Liberty file: is empty", TestName = "An empty file")]
    [TestCase("module m; endmodule", "'module' is not followed by (...)", TestName = "Another format")]
    [TestCase("cell (A) { }", "begins with 'cell', not with library (...)", TestName = "Another group")]
    [TestCase("library (a) { }", "library a has no cells", TestName = "A library without cells")]
    [TestCase(
        "library (a) {\n  cell (b) { area : 1;\n",
        "line 3: not a Liberty file: ends within cell (b) of line 2",
        TestName = "A file cut short"
    )]
    [TestCase("library (a) { cell (b) { area : big; } }", "cell b: area is 'big'", TestName = "An area that is no number")]
    [TestCase("library (a) { cell (b) { area : -1; } }", "it must be a number of at least 0", TestName = "A negative area")]
    [TestCase("library (a) { /* ", "ends within a comment", TestName = "A comment without end")]
    [TestCase("library (a) { x : \"y", "ends within a quoted text", TestName = "A text without end")]
    [TestCase("library (a) { x y }", "'x' is followed by 'y'", TestName = "Neither attribute nor group")]
    public void A_file_that_is_no_library_is_refused_by_name_and_place(string text, string problem) =>
        Assert.That(
            () => Liberty.Parse("cells.lib", text),
            Throws.TypeOf<InputException>().With.Message.StartsWith("cells.lib: ").And.Message.Contains(problem)
        );

    [Test]
    public void A_library_without_flip_flops_or_areas_says_so()
    {
        Liberty gates = Liberty.Parse("gates.lib", "library (gates) { cell (NAND) { } }");
        Assert.That(
            gates.Obstacles("gates.lib").Select(f => f.ToString()),
            Is.EqualTo(
                new[]
                {
                    "gates.lib: library gates has no flip-flops; name the file of the sequential cells too",
                    "gates.lib: no cell of library gates has an area; name a library with areas",
                }
            )
        );
    }

    [Test]
    public void Every_cut_of_a_library_is_refused_or_read_without_another_fault()
    {
        for (int length = 0; length < Small.Length; length++)
        {
            string cut = Small[..length];
            Assert.That(() => Liberty.Parse("cut.lib", cut), Throws.TypeOf<InputException>(), $"the first {length} characters");
        }
    }
}
