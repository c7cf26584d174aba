using AccelGen.Config;
using AccelGen.Cycles;
using AccelGen.Isa;
using AccelGen.Network.Quantized;
using NUnit.Framework;

namespace AccelGen.Compiler.Tests;

/// <summary>What cannot run says what it needs, what there is, and what gives more of it.</summary>
public sealed class RefusalTests
{
    private static readonly AcceleratorConfig Tiny = ConfigLoader.Load("tiny");

    [Test]
    public void A_window_larger_than_the_input_buffer_names_the_buffer_and_both_sizes() =>
        Refused(Pool((40, 40, 8), (40, 40), (40, 40)), "layer pool", "half of an input buffer", "40 rows", "raise buffers.inputKibibytes");

    [Test]
    public void More_tiles_than_a_layer_may_have_name_their_number_and_what_makes_them_larger() =>
        Refused(
            Conv((4, 4, 4), (3, 3), 1, (1, 1), (4000, 4000, 4000, 4000)),
            "layer conv",
            "tiles of the largest size where 262,144 are the most",
            "raise array.pes or buffers.accumulatorEntries"
        );

    [Test]
    public void An_image_far_larger_than_the_buffers_is_cut_until_it_fits()
    {
        CompiledProgram program = new NetworkCompiler(Tiny, new MemoryTiming()).Compile(Conv((4400, 4, 4), (3, 3), 4, (1, 1)));
        Assert.That(program.Layers[0].Tiling!.Rows, Is.LessThan(16));
    }

    [Test]
    public void A_dilation_beyond_its_command_field_names_field_value_and_range() =>
        Refused(
            ConfigLoader.Load("tiny", ["buffers.inputKibibytes=64"]),
            Conv((1200, 1, 4), (2, 1), 1, (1100, 1)),
            "layer conv",
            "1,100",
            "COMPUTE.DilationRows",
            "0 to 1,023"
        );

    [Test]
    public void A_stride_beyond_its_command_field_names_field_value_and_range() =>
        Refused(Conv((1600, 1, 4), (1, 1), 600, (1, 1)), "layer conv", "600", "COMPUTE.StrideRows", "0 to 511");

    [Test]
    public void A_tensor_beyond_the_memory_names_its_bytes() =>
        Refused(Conv((60000, 60000, 4), (1, 1), 1, (1, 1)), "tensor input", "bytes of memory", "are the most");

    [Test]
    public void More_channels_than_extents_count_name_field_value_and_range()
    {
        const int Outputs = 4 * 4097;
        QuantizedNetwork network = Conv((1, 1, 1), (1, 1), 1, (1, 1));
        Refused(
            network with
            {
                Tensors = [network.Tensors[0], network.Tensors[1] with { Shape = new TensorShape(1, 1, 1, Outputs) }],
                Layers =
                [
                    (ConvLayer)network.Layers[0] with
                    {
                        Weights = new sbyte[Outputs],
                        Bias = new int[Outputs],
                        Scales = new FixedPointScale[Outputs],
                    },
                ],
            },
            "layer conv",
            "4,096",
            "BBase",
            "0 to 4,095; make the layer smaller, or the array larger"
        );
    }

    [Test]
    public void Strides_do_not_count_where_there_is_one_step()
    {
        QuantizedNetwork network = Pool((1, 70, 8), (1, 70), (1, 3000));
        CompiledProgram program = new NetworkCompiler(Tiny, new MemoryTiming()).Compile(network);
        Assert.That(
            program.Commands.Where(c => c.Is(ComputeCommand.Definition)).Select(c => c[ComputeCommand.StrideColumns]),
            Is.All.EqualTo(1)
        );
    }

    [Test]
    public void Pixels_cut_off_at_one_side_and_added_at_the_other_are_no_tokens()
    {
        // 4 x 6 pixels become 6 x 4: as many, but others.
        QuantizedNetwork network = Conv((4, 6, 4), (1, 1), 1, (1, 1), (0, 0, 2, -2));
        CompiledProgram program = new NetworkCompiler(Tiny, new MemoryTiming()).Compile(network);
        Assert.That(
            program.Commands.Where(c => c.Is(ComputeCommand.Definition)).Select(c => c[ComputeCommand.ImageRows]),
            Is.All.EqualTo(4)
        );
    }

    private static void Refused(QuantizedNetwork network, params string[] parts) => Refused(Tiny, network, parts);

    private static void Refused(AcceleratorConfig config, QuantizedNetwork network, params string[] parts)
    {
        CompileException refusal = Assert.Throws<CompileException>(() => new NetworkCompiler(config, new MemoryTiming()).Compile(network));
        foreach (string part in parts)
            Assert.That(refusal.Message, Does.Contain(part));
    }

    private static QuantizedNetwork Pool((int H, int W, int C) image, (int Rows, int Columns) kernel, (int Rows, int Columns) stride) =>
        Network(
            new TensorShape(1, image.H, image.W, image.C),
            new TensorShape(1, ((image.H - kernel.Rows) / stride.Rows) + 1, ((image.W - kernel.Columns) / stride.Columns) + 1, image.C),
            new AveragePoolLayer("pool", 0, 1, -128, 127)
            {
                Kernel = kernel,
                Stride = stride,
                Scale = FixedPointScale.FromReal(0.01),
            }
        );

    private static QuantizedNetwork Conv(
        (int H, int W, int C) image,
        (int Rows, int Columns) kernel,
        int stride,
        (int Rows, int Columns) dilation,
        (int Top, int Left, int Bottom, int Right) padding = default
    ) =>
        Network(
            new TensorShape(1, image.H, image.W, image.C),
            new TensorShape(
                1,
                Steps(image.H + padding.Top + padding.Bottom, kernel.Rows, dilation.Rows, stride),
                Steps(image.W + padding.Left + padding.Right, kernel.Columns, dilation.Columns, stride),
                4
            ),
            new ConvLayer("conv", 0, 1, -128, 127)
            {
                Weights = new sbyte[4 * kernel.Rows * kernel.Columns * image.C],
                Bias = new int[4],
                Scales = [.. Enumerable.Repeat(FixedPointScale.FromReal(0.01), 4)],
                Kernel = kernel,
                Stride = (stride, stride),
                Dilation = dilation,
                Padding = padding,
            }
        );

    private static int Steps(int extent, int kernel, int dilation, int stride) => ((extent - ((kernel - 1) * dilation) - 1) / stride) + 1;

    private static QuantizedNetwork Network(TensorShape input, TensorShape output, QuantizedLayer layer) =>
        new("one", [new(0, "input", input, 0.1, 0), new(1, "output", output, 0.1, 0)], [layer], [], [0], [1]);
}
