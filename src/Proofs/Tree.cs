using System.Numerics;

namespace CertAuthority.Proofs;

/// <summary>A tile is missing, or has fewer hashes than the tree needs.</summary>
public sealed class MissingTileException(TileId tile)
    : Exception($"tile {tile.Number} of level {tile.Level} is missing or too short");

/// <summary>
/// A Merkle tree that is read from its tiles: its root, and proofs about it. It reads few tiles, however large the tree is.
/// </summary>
/// <param name="size">The number of leaves.</param>
/// <param name="tile">Returns the hashes of a tile, one after the other; null if there is no such tile.</param>
public sealed class Tree(long size, Func<TileId, byte[]?> tile)
{
    private readonly Dictionary<TileId, byte[]> read = [];

    /// <summary>The number of leaves.</summary>
    public long Size => size;

    /// <summary>Returns the root.</summary>
    /// <exception cref="MissingTileException">A tile is not there.</exception>
    public byte[] Root() => RootOf(size);

    /// <summary>Returns the root that the tree had when it was smaller.</summary>
    /// <exception cref="MissingTileException">A tile is not there.</exception>
    public byte[] RootOf(long earlier) => earlier == 0 ? TreeHash.OfNothing : Over(0, Within(earlier));

    /// <summary>Returns the hash of a leaf.</summary>
    /// <exception cref="MissingTileException">A tile is not there.</exception>
    public byte[] Leaf(long index) => Over(Within(index), index + 1);

    /// <summary>Proves that a leaf is in the tree: RFC 6962, section 2.1.1.</summary>
    /// <exception cref="MissingTileException">A tile is not there.</exception>
    public byte[][] Inclusion(long index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)index, (ulong)size, nameof(index));
        var (begin, end, path) = (0L, size, new List<byte[]>());
        while (end - begin > 1)
        {
            var middle = begin + TreeHash.LeftOf(end - begin);
            path.Add(index < middle ? Over(middle, end) : Over(begin, middle));
            (begin, end) = index < middle ? (begin, middle) : (middle, end);
        }
        path.Reverse();
        return [.. path];
    }

    /// <summary>Proves that the tree begins with all leaves that it had when it was smaller: RFC 6962, section 2.1.2.</summary>
    /// <exception cref="MissingTileException">A tile is not there.</exception>
    public byte[][] Consistency(long earlier)
    {
        var (begin, end, whole, path) = (0L, size, true, new List<byte[]>());
        if (Within(earlier) == 0)
            return [];
        while (earlier < end)
        {
            var middle = begin + TreeHash.LeftOf(end - begin);
            path.Add(earlier <= middle ? Over(middle, end) : Over(begin, middle));
            (begin, end, whole) = earlier <= middle ? (begin, middle, whole) : (middle, end, false);
        }
        // Whoever checks it has the hash of a smaller tree that is one whole subtree.
        if (!whole)
            path.Add(Over(begin, end));
        path.Reverse();
        return [.. path];
    }

    private long Within(long number) =>
        number >= 0 && number <= size ? number : throw new ArgumentOutOfRangeException(nameof(number), number, "outside of the tree");

    /// <summary>Returns the hash over the leaves from one to before another.</summary>
    private byte[] Over(long begin, long end)
    {
        var length = end - begin;
        if (BitOperations.IsPow2(length) && begin % length == 0)
            return Complete(BitOperations.Log2((ulong)length), begin / length);
        var middle = begin + TreeHash.LeftOf(length);
        return TreeHash.OfNode(Over(begin, middle), Over(middle, end));
    }

    /// <summary>Returns the hash of a subtree of which all leaves are there.</summary>
    private byte[] Complete(int height, long number)
    {
        var (level, above) = Math.DivRem(height, TileId.Height);
        var first = number << above;
        var at = new TileId(level, first / TileId.Width);
        var (offset, length) = ((int)(first % TileId.Width) * TreeHash.Length, TreeHash.Length << above);
        if (!read.TryGetValue(at, out var hashes))
            read[at] = hashes = tile(at) ?? throw new MissingTileException(at);
        return offset + length <= hashes.Length
            ? TreeHash.Above(hashes.AsSpan(offset, length))
            : throw new MissingTileException(at);
    }
}
