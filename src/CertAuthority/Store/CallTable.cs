using CertAuthority.Access.Users;

namespace CertAuthority.Store;

/// <summary>A call that filed a request.</summary>
/// <param name="Uid">The uid of the caller.</param>
/// <param name="Key">The key that the caller gave it.</param>
/// <param name="Digest">The SHA-256 hash of the message.</param>
/// <param name="Request">The request.</param>
internal sealed record RecordedCall(Uid Uid, string Key, byte[] Digest, Guid Request);

/// <summary>
/// The table of calls whose answers can be lost, so that the same call on another daemon, or after a restart, gets the answer of the first.
/// </summary>
internal static class CallTable
{
    // Whoever repeats a call does so at once.
    private static readonly TimeSpan Kept = TimeSpan.FromHours(1);

    /// <summary>Returns the call of a caller with a key; null if there was none lately.</summary>
    public static RecordedCall? FindCall(this Snapshot snapshot, Uid uid, string key) => snapshot.QueryFirst(
        "SELECT uid, key, digest, request FROM calls WHERE uid = $1 AND key = $2",
        row => new RecordedCall(row.Uid("uid"), row.String("key"), row.Bytes("digest"), Guid.Parse(row.String("request"))),
        uid.Stored, key);

    /// <summary>Records a call, and forgets those that nobody repeats any more.</summary>
    public static void InsertCall(this Transaction transaction, RecordedCall call, DateTimeOffset now)
    {
        transaction.Execute("DELETE FROM calls WHERE at < $1", now - Kept);
        transaction.Execute(
            "INSERT INTO calls (uid, key, digest, request, at) VALUES ($1, $2, $3, $4, $5)",
            call.Uid.Stored, call.Key, call.Digest, call.Request, now);
    }
}
