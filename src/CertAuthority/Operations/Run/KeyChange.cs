using CertAuthority.OpenSsh;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Decides which user CA key signs from this start on. Hosts may still trust the previous key, and a list of serials revokes only
/// certificates on record. So a key never replaces another one by itself: an administrator must order it, and then nothing that the other
/// key signed opens anything any more.
/// </summary>
internal static class KeyChange
{
    /// <summary>Returns the key's row, and creates it if this is the first key.</summary>
    /// <param name="transaction">The first transaction of a start.</param>
    /// <param name="key">The public half of the present key.</param>
    /// <param name="published">The revocation list in place; a key on it stays revoked, even if the database no longer knows that.</param>
    /// <param name="isRestored">
    /// Whether the database is older than what happened, so that there may be certificates that it does not know.
    /// </param>
    /// <param name="now">The current time.</param>
    /// <exception cref="CaKeyException">The key is revoked, or certificates of another key may be alive.</exception>
    public static UserCaKey Expect(Transaction transaction, PublicKey key, Krl? published, bool isRestored, DateTimeOffset now)
    {
        foreach (var revoked in published?.RevokedKeys ?? [])
            transaction.RevokeUserCaKey(transaction.UserCaKey(revoked, now), now);
        var known = transaction.UserCaKeys();
        if (known.Find(one => one.Key == key) is { Revoked: { } since })
            throw new CaKeyException(
                $"user_ca, {Fingerprint.Compute(key)}, is on the revocation list since {since:yyyy-MM-ddTHH:mm:ssZ}, so hosts refuse whatever it signs; remove user_ca and user_ca.pub to have a new key made, and start with --new-ca");
        var others = Others(known, key);
        if (others is [_, ..] && LiveOf(transaction, key, now) is var alive
            && (alive.Count > 0 || (isRestored && known.TrueForAll(one => one.Key != key))))
        {
            var signers = others.FindAll(other => alive.Exists(certificate => certificate.CaKeyId == other.Id)) is [_, ..] some
                ? some
                : others;
            throw new CaKeyException(
                $"user_ca is {Fingerprint.Compute(key)}, and {Alive(alive.Count)} signed by {string.Join(" and ", signers.Select(signer => Fingerprint.Compute(signer.Key)))}; restore that key, or revoke it with all that it signed: certauthority --new-ca");
        }
        return transaction.UserCaKey(key, now);
    }

    /// <summary>Makes a key the only one: revokes every other key, with everything that it signed.</summary>
    /// <param name="transaction">The first transaction of a start.</param>
    /// <param name="key">The public half of the present key.</param>
    /// <param name="now">The current time.</param>
    /// <returns>The other keys, and how many of their certificates were alive.</returns>
    public static (IReadOnlyList<UserCaKey> Replaced, int Revoked) Run(Transaction transaction, PublicKey key, DateTimeOffset now)
    {
        var others = Others(transaction.UserCaKeys(), key);
        var reason = $"user_ca is now {Fingerprint.Compute(key)}";
        var revoked = Revocations.Revoke(transaction, Caller.Daemon, others.Count == 0 ? [] : LiveOf(transaction, key, now), reason, now);
        foreach (var other in others)
        {
            transaction.RevokeUserCaKey(other, now);
            transaction.Audit(
                Caller.Daemon.Did("ca.revoked", now) with { Resource = $"user_ca/{Fingerprint.Compute(other.Key)}", Reason = reason });
        }
        return (others, revoked.Length);
    }

    private static List<UserCaKey> Others(List<UserCaKey> known, PublicKey key) =>
        known.FindAll(one => one.Key != key && one.Revoked is null);

    // Certificates with an unknown signer may come from another key.
    private static List<RecordedCertificate> LiveOf(Transaction transaction, PublicKey key, DateTimeOffset now)
    {
        var own = transaction.UserCaKeys().Find(one => one.Key == key)?.Id;
        return transaction.LiveCertificates(now).FindAll(certificate => certificate.CaKeyId != own);
    }

    private static string Alive(int count) => count switch
    {
        0 => "certificates that are still valid may have been",
        1 => "a certificate that is still valid was",
        _ => $"{count} certificates that are still valid were",
    };
}
