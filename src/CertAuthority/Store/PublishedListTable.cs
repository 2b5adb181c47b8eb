namespace CertAuthority.Store;

/// <summary>The last revocation list, as the daemon that leads stores it for those that follow.</summary>
/// <param name="Version">Its version.</param>
/// <param name="Made">When it was made, in whole seconds.</param>
/// <param name="Bytes">The complete file.</param>
/// <param name="Manifest">The signed manifest that names it; empty if it could not be signed.</param>
/// <param name="UserCa">The file <c>user_ca.pub</c> of the same moment.</param>
/// <param name="HostCa">The file <c>host_ca.pub</c> of the same moment.</param>
internal sealed record StoredList(ulong Version, DateTimeOffset Made, byte[] Bytes, byte[] Manifest, byte[] UserCa, byte[] HostCa);

/// <summary>The table with the last revocation list. Without daemons that follow, it stays as it is.</summary>
internal static class PublishedListTable
{
    /// <summary>Returns the version of the stored list; 0 if there is none.</summary>
    public static ulong StoredListVersion(this Snapshot snapshot) =>
        (ulong)snapshot.QueryFirst("SELECT version FROM published_list", row => row.GetInt64(0));

    /// <summary>Returns the stored list; null if there is none.</summary>
    public static StoredList? StoredList(this Snapshot snapshot) => snapshot.QueryFirst(
        "SELECT version, made, list, manifest, user_ca, host_ca FROM published_list",
        row => new StoredList(
            (ulong)row.Long("version"), row.Time("made"), row.Bytes("list"), row.Bytes("manifest"), row.Bytes("user_ca"),
            row.Bytes("host_ca")));

    /// <summary>Stores a list in place of whatever is there: only the daemon that leads makes lists.</summary>
    public static void StoreList(this Transaction transaction, StoredList list) => transaction.Execute(
        """
        INSERT INTO published_list (one, version, made, list, manifest, user_ca, host_ca) VALUES (1, $1, $2, $3, $4, $5, $6)
        ON CONFLICT (one) DO UPDATE SET version = excluded.version, made = excluded.made, list = excluded.list,
            manifest = excluded.manifest, user_ca = excluded.user_ca, host_ca = excluded.host_ca
        """, (long)list.Version, list.Made, list.Bytes, list.Manifest, list.UserCa, list.HostCa);
}
