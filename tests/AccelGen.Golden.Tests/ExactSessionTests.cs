using AccelGen.Tests.Shared;
using NUnit.Framework;

namespace AccelGen.Golden.Tests;

/// <summary>No comparison reaches the kernels of ONNX Runtime whose sums depend on the processor.</summary>
public sealed class ExactSessionTests
{
    private const int Int8 = OnnxModelWriter.Int8,
        UInt8 = OnnxModelWriter.UInt8;

    [TestCase(UInt8, Int8)]
    [TestCase(Int8, Int8)]
    [TestCase(Int8, UInt8)]
    public void Integer_products_with_a_signed_operand_are_refused_optimised_or_not(int left, int right)
    {
        foreach (string op in new[] { "MatMulInteger", "ConvInteger", "QLinearMatMul", "QLinearConv", "QGemm" })
        {
            byte[] model = new OnnxModelWriter(op, ["a", "b"], "y")
                .Input("a", left, 2, 3)
                .Initializer("b", right, new byte[12], 3, 4)
                .Build("y", OnnxModelWriter.Int32);
            Refused(model, optimise: true, left == Int8 ? "a is int8" : "b is int8", op);
            Refused(model, optimise: false, left == Int8 ? "a is int8" : "b is int8", op);
        }
    }

    [TestCase("Conv")]
    [TestCase("MatMul")]
    [TestCase("Gemm")]
    public void Float_products_with_a_signed_operand_are_refused_if_the_runtime_may_join_them_with_the_quantisation(string op)
    {
        byte[] model = Pairs(op, Int8, 0);
        Refused(model, optimise: true, "w is int8", op);
        if (op == "MatMul")
            ExactSession.Open(model, optimise: false).Dispose();
    }

    [Test]
    public void A_signed_type_is_seen_wherever_a_file_has_one()
    {
        OnnxModelWriter Product() =>
            new OnnxModelWriter("MatMul", ["a", "b"], "c").Input("a", OnnxModelWriter.Float, 2, 3).Input("b", OnnxModelWriter.Float, 3, 4);
        Refused(Product().Build("y", Int8), optimise: true, "y is int8", "MatMul");
        Refused(Product().Initializer("zero", Int8, [0]).Build("c"), optimise: true, "zero is int8", "MatMul");
        byte[] typed = Product().Node("QuantizeLinear", ["c", "s"], "y").Int("output_dtype", Int8).Build("y", UInt8);
        Refused(typed, optimise: true, "result of QuantizeLinear", "MatMul");
    }

    [Test]
    public void Unsigned_products_and_signed_bytes_without_a_product_are_opened()
    {
        ExactSession.Open(Pairs("MatMul", UInt8, 128)).Dispose();
        byte[] pool = new OnnxModelWriter("MaxPool", ["x"], "y").Ints("kernel_shape", 2, 2).Input("x", Int8, 1, 1, 4, 4).Build("y", Int8);
        ExactSession.Open(pool).Dispose();
    }

    // A kernel that adds pairs of these products in 16 bits loses half of every pair.
    [Test]
    public void Sums_of_the_largest_bytes_are_exact()
    {
        const int Depth = 128;
        byte[] model = new OnnxModelWriter("MatMulInteger", ["a", "b", "za", "zb"], "y")
            .Input("a", UInt8, 1, Depth)
            .Initializer("za", UInt8, [0])
            .Initializer("zb", UInt8, [128])
            .Initializer("b", UInt8, [.. Enumerable.Repeat<byte>(255, Depth * 8)], Depth, 8)
            .Build("y", OnnxModelWriter.Int32);
        int[] sums = Oracle.Run<int>(model, ("a", Oracle.Tensor([.. Enumerable.Repeat<byte>(255, Depth)], 1, Depth)));
        Assert.That(sums, Is.EqualTo(Enumerable.Repeat(Depth * 255 * 127, 8)));
    }

    private static void Refused(byte[] model, bool optimise, string tensor, string op) =>
        Assert.That(
            () => ExactSession.Open(model, optimise),
            Throws.ArgumentException.With.Message.Contains(tensor).And.Message.Contains($"has {op}"),
            op
        );

    // A product of a quantised activation by constant weights.
    private static byte[] Pairs(string op, int type, byte zero) =>
        new OnnxModelWriter { OpsetVersion = 13 }
            .Input("x", OnnxModelWriter.Float, 2, 3)
            .Initializer("s", [0.05f])
            .Initializer("z", UInt8, [120])
            .Node("QuantizeLinear", ["x", "s", "z"], "xq")
            .Node("DequantizeLinear", ["xq", "s", "z"], "xr")
            .Initializer("w", type, [.. Enumerable.Repeat(zero, 12)], 3, 4)
            .Initializer("wz", type, [zero])
            .Node("DequantizeLinear", ["w", "s", "wz"], "wr")
            .Node(op, ["xr", "wr"], "c")
            .Node("QuantizeLinear", ["c", "s", "z"], "cq")
            .Node("DequantizeLinear", ["cq", "s", "z"], "y")
            .Build("y");
}
