using NUnit.Framework;

namespace AccelGen.Synth.Tests;

/// <summary>Copies of modules become one again.</summary>
public sealed class RtlilDesignTests
{
    private const string Copies = """
        # Generated
        autoidx 9
        attribute \top 1
        module \top
          wire input 1 \clk_i
          cell \unit$top.u_a \u_a
            connect \clk_i \clk_i
          end
          cell \unit$top.u_b \u_b
            connect \clk_i \clk_i
          end
          cell \unit$top.u_c \u_c
            connect \clk_i \clk_i
          end
        end
        attribute \src "unit.sv:1.1"
        module \unit$top.u_a
          wire input 1 \clk_i
          wire width 8 $12
          cell $add $13
            connect \A $12
          end
          cell \ram \u_ram
            parameter \Width 64
            parameter \Depth 32
            parameter \SegWidth 16
            connect \clk_i \clk_i
          end
        end
        attribute \src "unit.sv:1.1"
        module \unit$top.u_b
          wire input 1 \clk_i
          wire width 8 $77
          cell $add $99
            connect \A $77
          end
          cell \ram \u_ram
            parameter \Width 64
            parameter \Depth 32
            parameter \SegWidth 16
            connect \clk_i \clk_i
          end
        end
        attribute \src "unit.sv:1.1"
        module \unit$top.u_c
          wire input 1 \clk_i
          wire width 16 $77
          cell $sub $99
            connect \A $77
          end
        end
        attribute \blackbox 1
        module \ram
          wire input 1 \clk_i
        end

        """;

    [Test]
    public void Equal_copies_are_one_module_with_their_number_of_instances_and_others_have_names_of_their_own()
    {
        var design = RtlilDesign.Parse(Copies, "top", ["ram"]);
        Assert.That(
            design.Modules.Select(m => (m.Name, m.Instances)),
            Is.EqualTo(new[] { ("unit", 2), ("unit_2", 1), ("top", 1) }),
            "those within others first"
        );
        Assert.That(design["top"].Children, Is.EquivalentTo(new Dictionary<string, int> { ["unit"] = 2, ["unit_2"] = 1 }));
        Assert.That(
            design["top"].Text,
            Does.Contain("cell \\unit \\u_a").And.Contain("cell \\unit \\u_b").And.Contain("cell \\unit_2 \\u_c")
        );
        Assert.That(design["unit_2"].Text, Does.Contain("module \\unit_2\n").And.Contain("cell $sub"));
        Assert.That(design.Stubs, Does.Contain("module \\ram\n"));
    }

    [Test]
    public void Memories_are_counted_by_shape_through_all_instances() =>
        Assert.That(RtlilDesign.Parse(Copies, "top", ["ram"]).Memories, Is.EqualTo(new[] { new DesignMemory("ram", 64, 32, 16, 2) }));

    [Test]
    public void Modules_that_differ_in_an_operator_alone_are_two()
    {
        var design = RtlilDesign.Parse(Copies.Replace("width 16 $77", "width 8 $77", StringComparison.Ordinal), "top", ["ram"]);
        Assert.That(design.Modules.Select(m => m.Name), Does.Contain("unit_2"));
    }
}
