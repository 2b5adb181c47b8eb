using CertAuthority.Proofs;

namespace CertAuthority.Store;

/// <summary>How far the tree over the audit goes.</summary>
/// <param name="Origin">The name of the log; another one begins where entries were lost.</param>
/// <param name="Size">The number of entries in the tree.</param>
/// <param name="LastEntry">The number of the last entry in the tree; larger than the size if numbers are missing.</param>
/// <param name="Note">The last checkpoint that was signed; null for none.</param>
/// <param name="Signature">Its signature for <c>ssh-keygen -Y verify</c>; null for none.</param>
internal sealed record StoredTree(string Origin, long Size, long LastEntry, string? Note = null, string? Signature = null);

/// <summary>The tables of the tree over the audit.</summary>
internal static class TreeTables
{
    /// <summary>Returns how far the tree goes; null before the first entry is in it.</summary>
    public static StoredTree? StoredTree(this Snapshot snapshot) => snapshot.QueryFirst(
        "SELECT origin, size, last_entry, note, signature FROM audit_tree",
        row => new StoredTree(
            row.String("origin"), row.Long("size"), row.Long("last_entry"), row.Text("note"), row.Text("signature")));

    /// <summary>Returns the hashes of a tile; null if there is no such tile.</summary>
    public static byte[]? Tile(this Snapshot snapshot, TileId tile) => snapshot.QueryFirst(
        "SELECT hashes FROM audit_tiles WHERE level = $1 AND number = $2", row => row.Bytes("hashes"), tile.Level, tile.Number);

    /// <summary>Returns the number of the entry at a place of the tree, which is not archived.</summary>
    public static long NumberAt(this Snapshot snapshot, StoredTree tree, long index) => snapshot.AuditArchive() is var archive
        && IsWithoutGaps(tree, archive)
        ? archive.Through + 1 + index - archive.Leaves
        // Somebody removed entries from the database of an earlier version.
        : snapshot.QueryFirst(
            "SELECT id FROM audit WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2", row => row.GetInt64(0), archive.Through,
            index - archive.Leaves);

    /// <summary>Returns the place in the tree of the entry with a number, which is not archived.</summary>
    public static long PlaceOf(this Snapshot snapshot, StoredTree tree, long number) => snapshot.AuditArchive() is var archive
        && IsWithoutGaps(tree, archive)
        ? archive.Leaves + number - archive.Through - 1
        : archive.Leaves + snapshot.QueryFirst(
            "SELECT count(*) FROM audit WHERE id > $1 AND id < $2", row => row.GetInt64(0), archive.Through, number);

    /// <summary>
    /// Counts the entries that are in a tree and are not archived. It reads a whole index: about 30 ms for a million of them. An entry
    /// whose number is that of an entry that was removed counts too, so that it is noticed.
    /// </summary>
    public static long CountAuditIn(this Snapshot snapshot, StoredTree tree)
    {
        var archive = snapshot.AuditArchive();
        // Few, each of them: what the tree does not have yet, and what is about to be removed.
        var later = snapshot.QueryFirst("SELECT count(*) FROM audit WHERE id > $1", row => row.GetInt64(0), tree.LastEntry);
        var archived = snapshot.QueryFirst(
            "SELECT count(*) FROM audit WHERE id > $1 AND id <= $2", row => row.GetInt64(0), archive.Removed, archive.Through);
        return snapshot.QueryFirst("SELECT count(*) FROM audit", row => row.GetInt64(0)) - later - archived;
    }

    private static bool IsWithoutGaps(StoredTree tree, AuditArchive archive) =>
        tree.Size - archive.Leaves == tree.LastEntry - archive.Through;

    /// <summary>Returns the number of the entry that records the issuing of a certificate; null if there is none.</summary>
    public static long? IssuingOf(this Snapshot snapshot, RecordedCertificate certificate) => snapshot.QueryFirst(
        "SELECT id FROM audit WHERE time = $1 AND event = 'certificate.issued' AND json_extract(entry, '$.serial') = $2",
        row => (long?)row.GetInt64(0), certificate.Issued, certificate.Serial.ToString());

    /// <summary>Records how far the tree goes now, and the tiles that changed.</summary>
    public static void PutTree(this Transaction transaction, StoredTree tree, IEnumerable<KeyValuePair<TileId, byte[]>> changed)
    {
        foreach (var (tile, hashes) in changed)
            transaction.Write(
                """
                INSERT INTO audit_tiles (level, number, hashes) VALUES ($1, $2, $3)
                ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes
                """, tile.Level, tile.Number, hashes);
        transaction.Write(
            """
            INSERT INTO audit_tree (one, origin, size, last_entry, note, signature) VALUES (1, $1, $2, $3, $4, $5)
            ON CONFLICT (one) DO UPDATE SET origin = excluded.origin, size = excluded.size, last_entry = excluded.last_entry,
                note = excluded.note, signature = excluded.signature
            """, tree.Origin, tree.Size, tree.LastEntry, tree.Note,
            tree.Signature);
    }

    /// <summary>Begins an empty tree; the entries that exist and are not archived become its first leaves.</summary>
    public static void BeginTree(this Transaction transaction, string origin)
    {
        transaction.Write("DELETE FROM audit_tiles");
        transaction.PutTree(new StoredTree(origin, 0, transaction.AuditArchive().Through), []);
        transaction.BeginLogAfterArchive();
    }
}
