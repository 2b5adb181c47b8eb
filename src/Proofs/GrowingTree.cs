namespace CertAuthority.Proofs;

/// <summary>Adds leaves to a tree, and knows which tiles that changes.</summary>
public sealed class GrowingTree
{
    // The last tile of each level while it is not full.
    private readonly List<List<byte>> edge = [];
    private readonly Dictionary<TileId, byte[]> changed = [];
    private readonly Func<TileId, byte[]?> tile;

    /// <param name="size">The number of leaves before.</param>
    /// <param name="tile">Returns the hashes of a tile as they are before; null if there is no such tile.</param>
    /// <exception cref="MissingTileException">A tile is not there.</exception>
    public GrowingTree(long size, Func<TileId, byte[]?> tile)
    {
        (Size, this.tile) = (size, tile);
        for (var level = 0; size >> (TileId.Height * level) > 0; level++)
        {
            var at = Last(level);
            var width = at.WidthIn(size) * TreeHash.Length;
            var hashes = width == 0 ? [] : tile(at) ?? [];
            edge.Add(hashes.Length >= width ? [.. hashes.AsSpan(0, width)] : throw new MissingTileException(at));
        }
    }

    /// <summary>The number of leaves.</summary>
    public long Size { get; private set; }

    /// <summary>Adds a leaf.</summary>
    public void Add(ReadOnlySpan<byte> leafHash)
    {
        Add(0, leafHash);
        Size++;
    }

    /// <summary>Returns the tiles that are new or have more hashes, whole.</summary>
    public IReadOnlyDictionary<TileId, byte[]> Changed()
    {
        for (var level = 0; level < edge.Count; level++)
            if (edge[level].Count > 0)
                changed[Last(level)] = [.. edge[level]];
        return changed;
    }

    /// <summary>Forgets the tiles that are full, for whoever has used them. The root of the tree does not need them.</summary>
    public void Forget() => changed.Clear();

    /// <summary>Returns the tree as it is now.</summary>
    public Tree Grown()
    {
        var now = Changed();
        return new Tree(Size, at => now.TryGetValue(at, out var hashes) ? hashes : tile(at));
    }

    private TileId Last(int level) => new(level, (Size >> (TileId.Height * level)) / TileId.Width);

    private void Add(int level, ReadOnlySpan<byte> hash)
    {
        if (level == edge.Count)
            edge.Add([]);
        edge[level].AddRange(hash);
        if (edge[level].Count < TileId.Width * TreeHash.Length)
            return;
        byte[] full = [.. edge[level]];
        changed[Last(level)] = full;
        edge[level].Clear();
        Add(level + 1, TreeHash.Above(full));
    }
}
