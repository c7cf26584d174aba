using AccelGen.Network.Quantized;

namespace AccelGen.Network.Float.Operators;

/// <summary>The places of a second operand some of whose axes are repeated.</summary>
internal static class BroadcastRuns
{
    /// <summary>Runs of elements with the place of their second operand, which is one element where the channels are repeated.</summary>
    /// <param name="shape">Shape of the first operand.</param>
    /// <param name="broadcast">Axes of the second that are repeated.</param>
    /// <param name="run">Called with the place of each run, its length, the place of the second operand, and the length of that.</param>
    public static void Each(TensorShape shape, Broadcast broadcast, Action<int, int, int, int> run)
    {
        int area = shape.Height * shape.Width,
            channels = shape.Channels;
        if (broadcast == Broadcast.None)
        {
            run(0, (int)shape.Elements, 0, (int)shape.Elements);
            return;
        }

        for (int pixel = 0; pixel < shape.Batch * area; pixel++)
            run(
                pixel * channels,
                channels,
                broadcast == Broadcast.Channels ? pixel : pixel / area * channels,
                broadcast == Broadcast.Channels ? 1 : channels
            );
    }
}
