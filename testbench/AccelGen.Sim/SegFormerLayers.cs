using AccelGen.Files;
using AccelGen.Network.Architectures;

namespace AccelGen.Sim;

/// <summary>Convolution, linear and matrix-product layers of SegFormer, with shapes computed from the architecture (arXiv
/// 2105.15203).</summary>
public static class SegFormerLayers
{
    /// <summary>Names of the layer sets.</summary>
    public static IReadOnlyList<string> Sets { get; } = [.. SegFormer.Variants.Select(v => v.Name)];

    /// <summary>All layers of a set for a square image.</summary>
    /// <param name="set">A name of <see cref="Sets"/>.</param>
    /// <param name="size">Image rows and columns, a multiple of 32.</param>
    /// <exception cref="InputException">There is no such set.</exception>
    public static IReadOnlyList<LayerSpec> Layers(string set, int size = 512)
    {
        SegFormerVariant variant = SegFormer.Variant(set);
        (IReadOnlyList<int> dims, IReadOnlyList<int> depths, int decoder) = (variant.Channels, variant.Depths, variant.DecoderChannels);
        (IReadOnlyList<int> heads, IReadOnlyList<int> reductions) = (SegFormer.Heads, SegFormer.Reductions);
        var layers = new List<LayerSpec>();
        void Add(string name, string text) => layers.Add(LayerSpec.Parse(text, name));
        for (int stage = 0; stage < 4; stage++)
        {
            int stride = stage == 0 ? 4 : 2,
                before = size / (stage == 0 ? 1 : 2 << stage),
                side = size / (4 << stage);
            int c = dims[stage],
                tokens = side * side,
                keys = tokens / (reductions[stage] * reductions[stage]);
            Add(
                $"stage{stage + 1}.patch_embed",
                $"conv {before}x{before}x{(stage == 0 ? 3 : dims[stage - 1])} k{(stage == 0 ? 7 : 3)} s{stride} -> {c}"
            );
            for (int block = 0; block < depths[stage]; block++)
            {
                string at = $"stage{stage + 1}.block{block}";
                Add($"{at}.attention.q", $"linear {tokens}x{c} -> {c}");
                if (reductions[stage] > 1)
                    Add($"{at}.attention.sr", $"conv {side}x{side}x{c} k{reductions[stage]} s{reductions[stage]} p0 -> {c}");
                Add($"{at}.attention.kv", $"linear {keys}x{c} -> {2 * c}");
                Add($"{at}.attention.qk", $"matmul {heads[stage]}x{tokens}x{c / heads[stage]}x{keys}");
                Add($"{at}.attention.av", $"matmul {heads[stage]}x{tokens}x{keys}x{c / heads[stage]}");
                Add($"{at}.attention.proj", $"linear {tokens}x{c} -> {c}");
                Add($"{at}.mlp.fc1", $"linear {tokens}x{c} -> {4 * c}");
                Add($"{at}.mlp.dwconv", $"conv {side}x{side}x{4 * c} k3 g{4 * c} -> {4 * c}");
                Add($"{at}.mlp.fc2", $"linear {tokens}x{4 * c} -> {c}");
            }
        }

        for (int stage = 3; stage >= 0; stage--)
            Add($"decoder.linear_c{stage + 1}", $"linear {size / (4 << stage) * (size / (4 << stage))}x{dims[stage]} -> {decoder}");
        Add("decoder.linear_fuse", $"conv {size / 4}x{size / 4}x{4 * decoder} k1 -> {decoder}");
        Add("decoder.linear_pred", $"conv {size / 4}x{size / 4}x{decoder} k1 -> 150");
        return layers;
    }
}
