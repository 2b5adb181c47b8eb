using CertAuthority.Proofs;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Auditing;

/// <summary>How an audit does not match its last checkpoint, its tree or its entries.</summary>
internal static class AuditFaults
{
    // As many as are hashed in about 10 ms.
    private const int Piece = 2048;

    /// <summary>Whether a tree is of the log of a checkpoint; the tree of a log that has just begun may not be there yet.</summary>
    public static bool IsOf(StoredTree? tree, Checkpoint last) => tree is null ? last.Size == 0 : tree.Origin == last.Origin;

    /// <summary>Compares the tree over the audit with the last checkpoint.</summary>
    /// <returns>How they differ, in words; null if they do not.</returns>
    public static string? OfTree(Snapshot snapshot, CheckpointFile file)
    {
        if (!file.Exists)
            return $"{file.Path} is missing, although checkpoints were signed";
        if (file.Read() is not { } last)
            return $"{file.Path} is not a checkpoint that {AuditKey.FileName} signed";
        var tree = snapshot.StoredTree();
        if (!IsOf(tree, last))
            return $"the last checkpoint is of the log {last.Origin}, and the database has {tree?.Origin ?? "none"}";
        if (tree is null || last.Size == 0)
            return null;
        if (tree.Size < last.Size || snapshot.LastAudit() < tree.LastEntry)
            return $"entries of the audit are missing: there were {Math.Max(tree.Size, last.Size)}";
        try
        {
            return new Tree(tree.Size, snapshot.Tile).RootOf(last.Size).AsSpan().SequenceEqual(last.Root)
                ? null
                : $"the audit does not begin with the {last.Size} entries of its last checkpoint";
        }
        catch (MissingTileException missing)
        {
            return $"the tree over the audit is damaged: {missing.Message}";
        }
    }

    /// <summary>
    /// Finds entries that were removed from the middle, or put before the first one. It counts all of them, once in each run.
    /// </summary>
    public static string? OfCount(Snapshot snapshot)
    {
        if (snapshot.StoredTree() is not { Size: > 0 } tree)
            return null;
        // Behind the tree, numbers may be missing that an earlier version lost; so only what the tree has is counted.
        var expected = tree.Size - snapshot.AuditArchive().Leaves;
        return snapshot.CountAuditIn(tree) is var count && count == expected ? null
            : count < expected ? $"entries of the audit are missing: there are {count} of {expected}"
            : $"there are entries of the audit that were never logged: {count}, of {expected}";
    }

    /// <summary>Compares each entry with its leaf in the tree. It hashes every entry: about 5 seconds for a million of them.</summary>
    /// <returns>The first difference, in words; null if there is none.</returns>
    public static string? OfEntries(Snapshot snapshot)
    {
        if (snapshot.StoredTree() is not { Size: > 0 } tree)
            return null;
        var (archive, tile, hashes) = (snapshot.AuditArchive(), default(TileId), (byte[]?)null);
        for (var (after, index) = (archive.Through, archive.Leaves); index < tree.Size;)
        {
            var entries = snapshot.StoredAudit(after, Piece).FindAll(entry => entry.Seq <= tree.LastEntry);
            if (entries is [])
                return $"entries of the audit are missing after entry {after}";
            foreach (var entry in entries)
            {
                var at = new TileId(0, index / TileId.Width);
                if (hashes is null || at != tile)
                    (tile, hashes) = (at, snapshot.Tile(at) ?? []);
                var leaf = (int)(index++ % TileId.Width) * TreeHash.Length;
                if (leaf + TreeHash.Length > hashes.Length
                    || !hashes.AsSpan(leaf, TreeHash.Length).SequenceEqual(TreeHash.OfLeaf(entry.Json)))
                    return $"entry {entry.Seq} of the audit is not the one in the tree";
            }
            after = entries[^1].Seq;
        }
        return null;
    }
}
