using AccelGen.Config;
using AccelGen.Network.Quantized;

namespace AccelGen.Compiler;

/// <summary>
/// Where a tensor lies in memory: for each batch, planes of VectorWidth channels; in a plane, rows of whole words; in a
/// row, vectors at the vector pitch. Channels beyond the last and columns beyond the last are padding of any value.
/// </summary>
/// <param name="Address">Byte address, a multiple of 4096.</param>
/// <param name="Shape">Shape of the tensor as it lies in memory.</param>
/// <param name="RowWords">Words of a row; from one row to the next are <see cref="TensorLayout.RowPitchWords"/>.</param>
/// <param name="PlaneBytes">Bytes from one plane to the next.</param>
/// <param name="BatchBytes">Bytes from one batch to the next.</param>
public sealed record TensorLayout(long Address, TensorShape Shape, int RowWords, long PlaneBytes, long BatchBytes)
{
    private readonly int rowPitch;

    /// <summary>Words from the start of a row to that of the next: those of a row, unless rows are picked out of others.</summary>
    public int RowPitchWords
    {
        get => rowPitch == 0 ? RowWords : rowPitch;
        init => rowPitch = value;
    }

    /// <summary>Bytes of the whole tensor.</summary>
    public long Bytes => BatchBytes * Shape.Batch;

    /// <summary>Lays a tensor out at an address.</summary>
    public static TensorLayout Create(AcceleratorConfig config, TensorShape shape, long address)
    {
        int perWord = config.Derived.VectorsPerWord;
        int rowWords = (shape.Width + perWord - 1) / perWord;
        long plane = (long)shape.Height * rowWords * config.Derived.WordBytes;
        int planes = (shape.Channels + config.Array.VectorWidth - 1) / config.Array.VectorWidth;
        return new TensorLayout(address, shape, rowWords, plane, plane * planes);
    }

    /// <summary>Byte offset of an element from the start of memory.</summary>
    public long Offset(AcceleratorConfig config, int batch, int row, int column, int channel)
    {
        int c0 = config.Array.VectorWidth;
        return Address
            + (batch * BatchBytes)
            + (channel / c0 * PlaneBytes)
            + ((long)row * RowPitchWords * config.Derived.WordBytes)
            + ((long)column * config.Derived.VectorPitchBytes)
            + (channel % c0);
    }

    /// <summary>Writes NHWC elements into memory.</summary>
    public void Pack(AcceleratorConfig config, ReadOnlySpan<sbyte> nhwc, Span<byte> memory)
    {
        int c0 = config.Array.VectorWidth,
            index = 0;
        for (int b = 0; b < Shape.Batch; b++)
        {
            for (int y = 0; y < Shape.Height; y++)
            {
                for (int x = 0; x < Shape.Width; x++)
                {
                    for (int c = 0; c < Shape.Channels; c += c0)
                    {
                        int count = Math.Min(c0, Shape.Channels - c);
                        System
                            .Runtime.InteropServices.MemoryMarshal.AsBytes(nhwc.Slice(index + c, count))
                            .CopyTo(memory[(int)Offset(config, b, y, x, c)..]);
                    }

                    index += Shape.Channels;
                }
            }
        }
    }

    /// <summary>Reads the tensor back as NHWC elements.</summary>
    public sbyte[] Unpack(AcceleratorConfig config, ReadOnlySpan<byte> memory)
    {
        int c0 = config.Array.VectorWidth,
            index = 0;
        var nhwc = new sbyte[Shape.Elements];
        for (int b = 0; b < Shape.Batch; b++)
        {
            for (int y = 0; y < Shape.Height; y++)
            {
                for (int x = 0; x < Shape.Width; x++)
                {
                    for (int c = 0; c < Shape.Channels; c += c0)
                    {
                        int count = Math.Min(c0, Shape.Channels - c);
                        memory
                            .Slice((int)Offset(config, b, y, x, c), count)
                            .CopyTo(System.Runtime.InteropServices.MemoryMarshal.AsBytes(nhwc.AsSpan(index + c, count)));
                    }

                    index += Shape.Channels;
                }
            }
        }

        return nhwc;
    }
}
