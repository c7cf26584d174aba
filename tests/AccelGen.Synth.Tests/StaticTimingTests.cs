using NUnit.Framework;

namespace AccelGen.Synth.Tests;

/// <summary>What is read out of a timing report.</summary>
public sealed class StaticTimingTests
{
    [Test]
    public void The_longest_path_counts_the_setup_and_leaves_the_reset_out()
    {
        const string Report = """
            Startpoint: rst_ni (input port clocked by clk)
            Endpoint: a_q\DFFSR (recovery check against rising-edge clock clk)
            Path Group: **async_default**
            Path Type: max

                Delay      Time   Description
               9.0000    9.0000 ^ rst_ni (in)
                         9.0000   data arrival time

            Startpoint: a_q[3]\DFFSR (rising edge-triggered flip-flop clocked by clk)
            Endpoint: u_row/b_q[0]\DFFSR (rising edge-triggered flip-flop clocked by clk)
            Path Group: clk
            Path Type: max

                Delay      Time   Description
            -------------------------------------------------------------
               0.0000    0.0000   clock clk (rise edge)
               0.0000    0.0000 ^ a_q[3]\DFFSR/CLK (DFFSR)
               0.2367    0.2367 v a_q[3]\DFFSR/Q (DFFSR)
               0.5000    0.7367 ^ _1_/Y (INVX1)
               0.0000    0.7367 ^ u_row/b_q[0]\DFFSR/D (DFFSR)
                         0.7367   data arrival time

            1000.0000 1000.0000   clock clk (rise edge)
              -0.2449  999.7551   library setup time
                       999.7551   data required time
            """;
        CriticalPath path = StaticTiming.Parse(Report)!;
        Assert.That(path.Nanoseconds, Is.EqualTo(0.7367 + 0.2449).Within(1e-9));
        Assert.That((path.From, path.To), Is.EqualTo(("a_q[3]", "u_row/b_q[0]")));
    }

    [Test]
    public void A_module_without_paths_has_none() => Assert.That(StaticTiming.Parse("No paths found.\n"), Is.Null);
}
