using CertAuthority.OpenSsh;

namespace CertAuthority.Store;

/// <summary>A user CA key that signs here, or did.</summary>
/// <param name="Id">The ID by which certificates and lost serials refer to it; from 1.</param>
/// <param name="Key">The public half of the key.</param>
/// <param name="Revoked">
/// Since when the revocation list contains the key itself, and so everything that it ever signed; null if it does not.
/// </param>
internal sealed record UserCaKey(long Id, PublicKey Key, DateTimeOffset? Revoked);

/// <summary>
/// The table of user CA keys. A certificate belongs to the key that signed it, even if another key signs now: hosts may still trust both.
/// </summary>
internal static class UserCaKeyTable
{
    /// <summary>Returns all keys that ever signed, oldest first.</summary>
    public static List<UserCaKey> UserCaKeys(this Snapshot snapshot) =>
        snapshot.Query(
            "SELECT id, key, revoked FROM user_ca_keys ORDER BY id",
            row => new UserCaKey(row.Long("id"), PublicKey.Parse(row.Bytes("key")), row.IsNull("revoked") ? null : row.Time("revoked")));

    /// <summary>Returns a key's row, and creates it if it does not exist.</summary>
    public static UserCaKey UserCaKey(this Transaction transaction, PublicKey key, DateTimeOffset now)
    {
        transaction.Execute("INSERT INTO user_ca_keys (key, since) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING", key.ToBlob(), now);
        return transaction.UserCaKeys().Single(known => known.Key == key);
    }

    /// <summary>Puts a key on the revocation list permanently.</summary>
    public static void RevokeUserCaKey(this Transaction transaction, UserCaKey key, DateTimeOffset now) =>
        transaction.Execute("UPDATE user_ca_keys SET revoked = $1 WHERE id = $2 AND revoked IS NULL", now, key.Id);
}
