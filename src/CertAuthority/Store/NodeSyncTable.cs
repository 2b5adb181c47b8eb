using System.Data.Common;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Values;

namespace CertAuthority.Store;

/// <summary>The tables of what the daemon has written to hosts, and of the certificates that it uses for that.</summary>
internal static class NodeSyncTable
{
    private const string Columns =
        "node_id, krl_version, synced, failure, failed, told_stale, trouble, told_contested, exempt, has_manifest, witnessed, altered, altered_at";

    public static void InsertSyncCertificate(
        this Transaction transaction, ulong serial, DateTimeOffset issued, Validity validity, long caKeyId, byte[] toBeSigned) =>
        transaction.Execute(
            "INSERT INTO sync_certificates (serial, issued, valid_after, valid_before, ca, to_be_signed) VALUES ($1, $2, $3, $4, $5, $6)",
            (long)serial, issued, validity.After, validity.Before, caKeyId, toBeSigned);

    /// <summary>
    /// Returns the state of every node to which a write was tried, by its ID. A row that cannot be read is left out: the next list that is
    /// written to the host replaces it.
    /// </summary>
    public static Dictionary<Guid, NodeSync> NodeSyncs(this Snapshot snapshot) =>
        snapshot.QueryReadable($"SELECT {Columns} FROM node_syncs", row => (Id: row.Id("node_id"), Sync: Row(row)))
            .ToDictionary(one => one.Id, one => one.Sync);

    /// <summary>Returns the state of a node; null if no write to it was tried, or if its row cannot be read.</summary>
    public static NodeSync? NodeSync(this Snapshot snapshot, Node node) =>
        snapshot.QueryFirstReadable($"SELECT {Columns} FROM node_syncs WHERE node_id = $1", Row, node.Id);

    /// <summary>Records that the host now has the list. It does nothing for a node that was removed meanwhile.</summary>
    public static void SetSynced(this Transaction transaction, Node node, ulong krlVersion, DateTimeOffset now) =>
        transaction.Execute(
            """
            INSERT INTO node_syncs (node_id, krl_version, synced) SELECT id, $2, $3 FROM nodes WHERE id = $1
            ON CONFLICT (node_id) DO UPDATE SET krl_version = excluded.krl_version, synced = excluded.synced,
                failure = NULL, failed = NULL, trouble = NULL
            """, node.Id, (long)krlVersion, now);

    /// <summary>Records that a write failed; the host still has what it had before.</summary>
    public static void SetSyncFailed(
        this Transaction transaction, Node node, string why, DateTimeOffset now, SyncTrouble trouble = SyncTrouble.Other) =>
        transaction.Execute(
            """
            INSERT INTO node_syncs (node_id, krl_version, failure, failed, trouble) SELECT id, 0, $2, $3, $4 FROM nodes WHERE id = $1
            ON CONFLICT (node_id) DO UPDATE SET failure = excluded.failure, failed = excluded.failed, trouble = excluded.trouble
            """, node.Id, why, now, trouble.ToString());

    /// <summary>Records what the daemon left on the host besides the list. It does nothing for a node without a row.</summary>
    /// <param name="transaction">The transaction.</param>
    /// <param name="node">The host.</param>
    /// <param name="hasManifest">Whether a manifest.</param>
    /// <param name="witnessed">The size of the audit in the checkpoint; null if none was left, and the one before stays.</param>
    public static void SetLeft(this Transaction transaction, Node node, bool hasManifest, long? witnessed) =>
        transaction.Execute(
            "UPDATE node_syncs SET has_manifest = $2, witnessed = coalesce($3, witnessed) WHERE node_id = $1", node.Id, hasManifest, witnessed);

    /// <summary>Records what somebody changed on the host; null for nothing.</summary>
    public static void SetAltered(this Transaction transaction, Node node, string? how, DateTimeOffset? when) =>
        transaction.Execute("UPDATE node_syncs SET altered = $2, altered_at = $3 WHERE node_id = $1", node.Id, how, when);

    /// <summary>
    /// Records whether the host's sshd exempts anybody from its penalties; null if it has no penalties, or if that is unknown. It does
    /// nothing for a node without a row.
    /// </summary>
    public static void SetExempt(this Transaction transaction, Node node, bool? isExempt) =>
        transaction.Execute("UPDATE node_syncs SET exempt = $2 WHERE node_id = $1", node.Id, isExempt);

    public static void SetToldContested(this Transaction transaction, Node node, bool isTold) =>
        transaction.Execute("UPDATE node_syncs SET told_contested = $2 WHERE node_id = $1", node.Id, isTold);

    public static void SetToldStale(this Transaction transaction, Node node, bool isTold) =>
        transaction.Execute("UPDATE node_syncs SET told_stale = $2 WHERE node_id = $1", node.Id, isTold);

    private static NodeSync Row(DbDataReader row) => new(
        (ulong)row.Long("krl_version"), row.IsNull("synced") ? null : row.Time("synced"), row.Text("failure"),
        row.IsNull("failed") ? null : row.Time("failed"), row.Flag("told_stale"))
    {
        Trouble = row.Text("trouble") is { } trouble ? Enum.Parse<SyncTrouble>(trouble) : SyncTrouble.Other,
        IsToldContested = row.Flag("told_contested"),
        IsExempt = row.IsNull("exempt") ? null : row.Flag("exempt"),
        HasManifest = row.Flag("has_manifest"),
        Witnessed = row.IsNull("witnessed") ? null : row.Long("witnessed"),
        Altered = row.Text("altered"),
        AlteredAt = row.IsNull("altered_at") ? null : row.Time("altered_at"),
    };
}
