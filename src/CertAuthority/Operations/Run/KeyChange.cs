using CertAuthority.OpenSsh;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Which user CA key signs from this start on. Hosts may go on trusting the one before it, and a list of serials takes back only what is on
/// record. So a key never takes another's place by itself: somebody says so, and then nothing that the other signed opens anything any
/// more.
/// </summary>
internal static class KeyChange
{
    /// <summary>The key's row, made where it is the first.</summary>
    /// <param name="transaction">The first of a start.</param>
    /// <param name="key">The public half of the key that is there.</param>
    /// <param name="published">
    /// The revocation list in place; a key that it names stays revoked, whatever the database has forgotten.
    /// </param>
    /// <param name="isRestored">
    /// Whether the database is older than what was done, so that certificates may be out of which it does not know.
    /// </param>
    /// <param name="now">The instant.</param>
    /// <exception cref="CaKeyException">The key is revoked, or certificates of another may be alive.</exception>
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

    /// <summary>Makes a key the only one: every other is revoked, with all that it signed.</summary>
    /// <param name="transaction">The first of a start.</param>
    /// <param name="key">The public half of the key that is there.</param>
    /// <param name="now">The instant.</param>
    /// <returns>The others, and how many certificates of theirs were alive.</returns>
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

    // Of those of which it is not known who signed them, another key may have.
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
