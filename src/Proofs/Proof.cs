namespace CertAuthority.Proofs;

/// <summary>Checks proofs. It needs only hashes and sizes, and believes nobody.</summary>
public static class Proof
{
    /// <summary>Returns whether a leaf is in a tree: RFC 9162, section 2.1.3.2.</summary>
    /// <param name="leafHash">The hash of the leaf.</param>
    /// <param name="index">The place of the leaf, from 0.</param>
    /// <param name="size">The size of the tree.</param>
    /// <param name="path">The proof.</param>
    /// <param name="root">The root of the tree.</param>
    public static bool Includes(byte[] leafHash, long index, long size, IReadOnlyList<byte[]> path, byte[] root)
    {
        if (index < 0 || index >= size || path.Any(one => one.Length != TreeHash.Length))
            return false;
        var (at, last, hash) = (index, size - 1, leafHash);
        foreach (var beside in path)
        {
            if (last == 0)
                return false;
            if (at % 2 == 1 || at == last)
            {
                hash = TreeHash.OfNode(beside, hash);
                for (; at % 2 == 0 && at != 0; at /= 2)
                    last /= 2;
            }
            else
                hash = TreeHash.OfNode(hash, beside);
            (at, last) = (at / 2, last / 2);
        }
        return last == 0 && hash.AsSpan().SequenceEqual(root);
    }

    /// <summary>Returns whether a tree begins with all leaves of a smaller one: RFC 9162, section 2.1.4.2.</summary>
    /// <param name="earlier">The size of the smaller tree.</param>
    /// <param name="earlierRoot">The root of the smaller tree.</param>
    /// <param name="size">The size of the tree.</param>
    /// <param name="root">The root of the tree.</param>
    /// <param name="path">The proof.</param>
    public static bool Extends(long earlier, byte[] earlierRoot, long size, byte[] root, IReadOnlyList<byte[]> path)
    {
        if (earlier < 0 || earlier > size || path.Any(one => one.Length != TreeHash.Length))
            return false;
        if (earlier == size)
            return path.Count == 0 && earlierRoot.AsSpan().SequenceEqual(root);
        if (earlier == 0)
            return path.Count == 0 && earlierRoot.AsSpan().SequenceEqual(TreeHash.OfNothing);
        // The proof begins with the hash of the smaller tree if that is one whole subtree.
        IReadOnlyList<byte[]> hashes = (earlier & (earlier - 1)) == 0 ? [earlierRoot, .. path] : path;
        if (hashes.Count == 0)
            return false;
        var (at, last) = (earlier - 1, size - 1);
        for (; at % 2 == 1; at /= 2)
            last /= 2;
        var (before, after) = (hashes[0], hashes[0]);
        foreach (var beside in hashes.Skip(1))
        {
            if (last == 0)
                return false;
            if (at % 2 == 1 || at == last)
            {
                before = TreeHash.OfNode(beside, before);
                after = TreeHash.OfNode(beside, after);
                for (; at % 2 == 0 && at != 0; at /= 2)
                    last /= 2;
            }
            else
                after = TreeHash.OfNode(after, beside);
            (at, last) = (at / 2, last / 2);
        }
        return last == 0 && before.AsSpan().SequenceEqual(earlierRoot) && after.AsSpan().SequenceEqual(root);
    }
}
