using AccelGen.Files;

namespace AccelGen.Onnx;

/// <summary>What an index of a value runs over.</summary>
internal enum TensorAxis
{
    /// <summary>Nothing: the value is repeated.</summary>
    None,

    /// <summary>Channels of a tensor, heads included: channel c of head h is h * Channels + c.</summary>
    Channels,

    /// <summary>Pixels of a tensor, row by row.</summary>
    Pixels,
}

/// <summary>An index of a value: so many steps of a stride along an axis of a tensor.</summary>
internal readonly record struct Atom(int Size, TensorAxis Axis, int Stride);

/// <summary>
/// A value of the graph as a part of a tensor: each of its dimensions is a list of atoms, the outermost first. Reshapes
/// split and merge atoms, transposes and slices rearrange them; nothing is copied until a layer needs another arrangement.
/// </summary>
/// <param name="Tensor">Tensor.</param>
/// <param name="Dims">Atoms of each dimension; none where its size is 1.</param>
/// <param name="Channel">Channel of the first element.</param>
/// <param name="Pixel">Pixel of the first element.</param>
internal sealed record View(int Tensor, Atom[][] Dims, int Channel = 0, int Pixel = 0)
{
    public int Rank => Dims.Length;

    public long[] Sizes => [.. Dims.Select(d => (long)Product(d))];

    public static int Product(IEnumerable<Atom> atoms) => atoms.Aggregate(1, (p, a) => p * a.Size);

    /// <summary>Both select the same elements in the same order.</summary>
    public bool Same(View other) => Key == other.Key;

    /// <summary>A text that is the same for views of the same elements in the same order.</summary>
    public string Key =>
        $"{Tensor}:{Channel}:{Pixel}:"
        + string.Join('|', Dims.Select(d => string.Join(',', Merge(d).Select(a => $"{a.Size}{a.Axis}{a.Stride}"))));

    public View Permute(int[] order) => this with { Dims = [.. order.Select(i => Dims[i])] };

    /// <summary>The same elements in the same order under other sizes.</summary>
    /// <exception cref="InputException">A size of the result mixes rows, columns or channels.</exception>
    public View Reshape(long[] sizes)
    {
        var open = new LinkedList<Atom>(Merge(Dims.SelectMany(d => d)));
        var dims = new Atom[sizes.Length][];
        for (int i = 0; i < sizes.Length; i++)
        {
            var atoms = new List<Atom>();
            for (int need = (int)sizes[i]; need > 1; )
            {
                Atom a = open.First!.Value;
                open.RemoveFirst();
                if (need % a.Size == 0)
                {
                    atoms.Add(a);
                    need /= a.Size;
                }
                else if (a.Size % need == 0)
                {
                    int rest = a.Size / need;
                    atoms.Add(new Atom(need, a.Axis, a.Stride * rest));
                    open.AddFirst(a with { Size = rest });
                    need = 1;
                }
                else
                {
                    throw new InputException(
                        FaultCodes.Arrangement,
                        string.Empty,
                        $"the reshape of [{string.Join(", ", Sizes)}] to [{string.Join(", ", sizes)}] divides an axis of "
                            + $"{a.Size} {(a.Axis == TensorAxis.Channels ? "channels" : "pixels")} into parts of {need}",
                        "reshapes that split and join whole axes are supported"
                    );
                }
            }

            dims[i] = Merge(atoms);
        }

        return this with
        {
            Dims = dims,
        };
    }

    /// <summary>Every <paramref name="step"/>-th index of a dimension.</summary>
    /// <exception cref="InputException">The range cuts across the parts of the dimension.</exception>
    public View Slice(int dim, int start, int step, int count)
    {
        Atom[] atoms = Merge(Dims[dim]);
        if (start == 0 && step == 1 && count == Product(atoms))
            return this;
        int channel = Channel,
            pixel = Pixel;
        var kept = new List<Atom>();
        for (int i = 0; i < atoms.Length; i++)
        {
            Atom a = atoms[i];
            int inner = Product(atoms[(i + 1)..]),
                last = start + ((count - 1) * step);
            if (inner > 1 && start / inner == last / inner)
            {
                Move(a, start / inner);
                start %= inner;
                continue;
            }

            if (inner > 1)
            {
                if (step != 1 || start % inner != 0 || count % inner != 0)
                    throw new InputException(
                        FaultCodes.Arrangement,
                        string.Empty,
                        $"takes {count} from {start} on of [{string.Join(", ", Sizes)}], which cuts across an axis made of "
                            + $"{string.Join(" x ", atoms.Select(x => x.Size))}",
                        "slices of whole parts are supported"
                    );
                Move(a, start / inner);
                kept.Add(a with { Size = count / inner });
                kept.AddRange(atoms[(i + 1)..]);
                break;
            }

            Move(a, start);
            kept.Add(a with { Size = count, Stride = a.Stride * step });
        }

        return this with
        {
            Dims = [.. Dims.Select((d, i) => i == dim ? Merge(kept) : d)],
            Channel = channel,
            Pixel = pixel,
        };

        void Move(Atom a, int by)
        {
            if (a.Axis == TensorAxis.Channels)
                channel += a.Stride * by;
            else if (a.Axis == TensorAxis.Pixels)
                pixel += a.Stride * by;
        }
    }

    /// <summary>Repeats dimensions of size 1, and puts dimensions in front, until the sizes are those given.</summary>
    public View Expand(long[] sizes) =>
        this with
        {
            Dims =
            [
                .. sizes.Select(
                    (n, i) =>
                        i - (sizes.Length - Rank) is var at && at >= 0 && (Dims[at].Length > 0 || n == 1) ? Dims[at]
                        : n == 1 ? []
                        : new Atom[] { new((int)n, TensorAxis.None, 0) }
                ),
            ],
        };

    /// <summary>Joins neighbours that run on in one stride, and drops atoms of one element.</summary>
    public static Atom[] Merge(IEnumerable<Atom> atoms)
    {
        var merged = new List<Atom>();
        foreach (Atom a in atoms.Where(a => a.Size > 1))
        {
            if (merged.Count > 0 && merged[^1] is var p && p.Axis == a.Axis && p.Stride == a.Stride * a.Size)
                merged[^1] = new Atom(p.Size * a.Size, a.Axis, a.Stride);
            else
                merged.Add(a);
        }

        return [.. merged];
    }
}

/// <summary>Which dimensions of a view become heads, rows, columns and channels of a tensor, each outermost first.</summary>
internal sealed record Layout(int[] Batch, int[] Rows, int[] Columns, int[] Channels)
{
    /// <summary>An image [1, C, H, W].</summary>
    public static Layout Image { get; } = new([], [2], [3], [1]);
}
