using System.Collections.Immutable;
using System.Data.Common;
using System.Security.Cryptography;
using System.Text.Json;
using CertAuthority.Access.Users;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>A call that filed a request or logged in.</summary>
/// <param name="Uid">The uid of the caller.</param>
/// <param name="Key">The key that the caller gave it.</param>
/// <param name="Digest">The SHA-256 hash of the message.</param>
internal sealed record RecordedCall(Uid Uid, string Key, byte[] Digest)
{
    /// <summary>The request; null for a login.</summary>
    public Guid? Request { get; init; }

    /// <summary>The number of the login session, and the serials of the certificates; empty for a request.</summary>
    public ImmutableArray<ulong> Serials { get; init; } = [];

    /// <summary>Returns the hash of a message.</summary>
    public static byte[] DigestOf<T>(T message) where T : notnull =>
        SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(message, ProtocolJson.Strict.Of<T>()));
}

/// <summary>
/// The table of calls whose answers can be lost, so that the same call on another daemon, or after a restart, gets the answer of the first.
/// </summary>
internal static class CallTable
{
    // Whoever repeats a call does so at once.
    private static readonly TimeSpan Kept = TimeSpan.FromHours(1);

    /// <summary>Asks for the call of a caller with a key; there is none if there was none lately.</summary>
    public static Question<RecordedCall> CallWith(Uid uid, string key) => new(
        "SELECT uid, key, digest, request, serials FROM calls WHERE uid = $1 AND key = $2", Row, uid.Stored, key);

    /// <summary>Records a call, and forgets those that nobody repeats any more.</summary>
    public static void InsertCall(this Transaction transaction, RecordedCall call, DateTimeOffset now)
    {
        transaction.Add("DELETE FROM calls WHERE at < $1", now - Kept);
        transaction.Add(
            "INSERT INTO calls (uid, key, digest, request, serials, at) VALUES ($1, $2, $3, $4, $5, $6)",
            call.Uid.Stored, call.Key, call.Digest, call.Request, call.Serials.IsEmpty ? null : string.Join(' ', call.Serials), now);
    }

    private static RecordedCall Row(DbDataReader row) => new(row.Uid("uid"), row.String("key"), row.Bytes("digest"))
    {
        Request = row.Text("request") is { } request ? Guid.ParseExact(request, "D") : null,
        Serials = row.Text("serials") is { } serials ? [.. serials.Split(' ').Select(ulong.Parse)] : [],
    };
}
