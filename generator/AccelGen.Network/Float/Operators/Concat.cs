namespace AccelGen.Network.Float.Operators;

/// <summary>Tensors side by side along the channels.</summary>
internal sealed class Concat : FloatOperator<FloatConcat>
{
    /// <inheritdoc/>
    protected override float[] Execute(FloatConcat layer, FloatCall call)
    {
        var y = new float[call.To.Elements];
        for (int i = 0, at = 0; i < layer.Inputs.Count; i++)
        {
            float[] values = call.Operands[i];
            int channels = call.Shapes[i].Channels;
            for (int p = 0; p < values.Length / channels; p++)
                values.AsSpan(p * channels, channels).CopyTo(y.AsSpan((p * call.To.Channels) + at));
            at += channels;
        }

        return y;
    }
}
