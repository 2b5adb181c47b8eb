using CertAuthority.OpenSsh;

namespace CertAuthority.Store;

/// <summary>A key of a user CA that signs here, or did.</summary>
/// <param name="Id">What certificates and lost serials name it by; from 1.</param>
/// <param name="Key">Its public half.</param>
/// <param name="Revoked">Since when it is on the revocation list itself, with all that it ever signed; null while it is not.</param>
internal sealed record UserCaKey(long Id, PublicKey Key, DateTimeOffset? Revoked);

/// <summary>
/// The keys of user CAs. A certificate belongs to the one that signed it, also when another one signs now: hosts may still trust both.
/// </summary>
internal static class UserCaKeyTable
{
    /// <summary>All that ever signed, the oldest first.</summary>
    public static List<UserCaKey> UserCaKeys(this Snapshot snapshot) =>
        snapshot.Query(
            "SELECT id, key, revoked FROM user_ca_keys ORDER BY id",
            row => new UserCaKey(row.Long("id"), PublicKey.Parse(row.Bytes("key")), row.IsNull("revoked") ? null : row.Time("revoked")));

    /// <summary>A key's row, made when it is not there.</summary>
    public static UserCaKey UserCaKey(this Transaction transaction, PublicKey key, DateTimeOffset now)
    {
        transaction.Execute("INSERT INTO user_ca_keys (key, since) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING", key.ToBlob(), now);
        return transaction.UserCaKeys().Single(known => known.Key == key);
    }

    /// <summary>Puts a key on the revocation list for good.</summary>
    public static void RevokeUserCaKey(this Transaction transaction, UserCaKey key, DateTimeOffset now) =>
        transaction.Execute("UPDATE user_ca_keys SET revoked = $1 WHERE id = $2 AND revoked IS NULL", now, key.Id);
}
