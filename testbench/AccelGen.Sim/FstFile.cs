using System.Buffers.Binary;

namespace AccelGen.Sim;

/// <summary>
/// Waveforms in the FST format: a sequence of blocks of a type byte and a length. The writer in the model reports no errors.
/// </summary>
internal static class FstFile
{
    // A block that the writer has not finished.
    private const byte Unfinished = 255;

    /// <summary>Whether all blocks of a file are finished and the last one ends where the file does.</summary>
    /// <param name="path">File.</param>
    public static bool IsWhole(string path)
    {
        if (!File.Exists(path))
            return false;
        using FileStream file = File.OpenRead(path);
        Span<byte> head = stackalloc byte[9];
        while (file.Position < file.Length)
        {
            if (file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) < head.Length || head[0] == Unfinished)
                return false;
            // The length counts itself, not the type.
            ulong bytes = BinaryPrimitives.ReadUInt64BigEndian(head[1..]);
            if (bytes < 8 || bytes - 8 > (ulong)(file.Length - file.Position))
                return false;
            file.Position += (long)bytes - 8;
        }

        return file.Length > 0;
    }
}
