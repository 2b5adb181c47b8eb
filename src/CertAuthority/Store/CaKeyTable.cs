using CertAuthority.Keys;
using CertAuthority.OpenSsh;
using CertAuthority.Signing;

namespace CertAuthority.Store;

/// <summary>A CA key that signs here or is trusted, or once did or was.</summary>
/// <param name="Id">The ID by which certificates and lost serials refer to it; from 1.</param>
/// <param name="Purpose">The certificates that it signs.</param>
/// <param name="Key">The public half of the key.</param>
/// <param name="Revoked">
/// Since when the key must sign nothing again; null if it may. The revocation list contains each such user CA key, and so everything that
/// it ever signed.
/// </param>
internal sealed record RecordedCaKey(long Id, CaPurpose Purpose, PublicKey Key, DateTimeOffset? Revoked);

/// <summary>
/// The table of CA keys. A certificate belongs to the key that signed it, even if another key signs now: hosts may still trust both.
/// </summary>
internal static class CaKeyTable
{
    /// <summary>Returns all keys of one purpose, oldest first.</summary>
    public static List<RecordedCaKey> CaKeys(this Snapshot snapshot, CaPurpose purpose) =>
        snapshot.Query(
            "SELECT id, key, revoked FROM ca_keys WHERE purpose = $1 ORDER BY id",
            row => new RecordedCaKey(
                row.Long("id"), purpose, PublicKey.Parse(row.Bytes("key")), row.IsNull("revoked") ? null : row.Time("revoked")),
            purpose.Name());

    /// <summary>Returns a key's row, and creates it if it does not exist.</summary>
    /// <exception cref="CaKeyException">The key signs certificates of another purpose, or did.</exception>
    public static RecordedCaKey CaKey(this Transaction transaction, CaPurpose purpose, PublicKey key, DateTimeOffset now)
    {
        transaction.Execute(
            "INSERT INTO ca_keys (purpose, key, since) VALUES ($1, $2, $3) ON CONFLICT (key) DO NOTHING", purpose.Name(), key.ToBlob(), now);
        return transaction.CaKeys(purpose).Find(known => known.Key == key)
            ?? throw new CaKeyException(
                $"{purpose.FileName()} is {Fingerprint.Compute(key)}, which is on record as a key for other certificates, so that what it signs would open more than it says; restore the right one");
    }

    /// <summary>
    /// Has keys of one purpose sign nothing again. User CA keys are on the revocation list from then on, and hosts count as trusting them
    /// until they are seen not to.
    /// </summary>
    /// <param name="transaction">The transaction.</param>
    /// <param name="purpose">What they sign.</param>
    /// <param name="keys">The keys.</param>
    /// <param name="inPlace">The key that takes their place; it need not be on record.</param>
    /// <param name="now">The current time.</param>
    public static void RevokeCaKeys(
        this Transaction transaction, CaPurpose purpose, IReadOnlyCollection<RecordedCaKey> keys, PublicKey inPlace, DateTimeOffset now)
    {
        var revoked = keys.Where(key => key.Revoked is null).ToList();
        foreach (var key in revoked)
            transaction.Execute("UPDATE ca_keys SET revoked = $1 WHERE id = $2 AND revoked IS NULL", now, key.Id);
        if (revoked.Count > 0 && purpose == CaPurpose.User)
            transaction.AssumeTrust(
                purpose, revoked.Select(key => key.Id), transaction.CaKeys(purpose).Find(known => known.Key == inPlace)?.Id ?? 0, now);
    }
}
