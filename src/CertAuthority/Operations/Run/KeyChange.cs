using CertAuthority.Access.Values;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Decides whether a start may go on with the user CA keys that are there. Hosts may still trust a key that is gone, and a list of serials
/// revokes only certificates on record. So a key never disappears by itself: an administrator must order it, and then nothing that it
/// signed opens anything any more.
/// </summary>
internal static class KeyChange
{
    /// <summary>Refuses a start with keys that would lock people out, or that hosts no longer believe.</summary>
    /// <param name="transaction">The first transaction of a start.</param>
    /// <param name="keys">The present user CA keys.</param>
    /// <param name="published">The revocation list in place; a key on it stays revoked, even if the database no longer knows that.</param>
    /// <param name="isRestored">
    /// Whether the database is older than what happened, so that there may be certificates that it does not know.
    /// </param>
    /// <param name="now">The current time.</param>
    /// <exception cref="CaKeyException">
    /// One of the keys is revoked, or certificates of a key that is none of them may be alive.
    /// </exception>
    public static void Expect(Transaction transaction, CaKeys keys, Krl? published, bool isRestored, DateTimeOffset now)
    {
        var key = keys.Signing.PublicKey;
        transaction.RevokeCaKeys(
            CaPurpose.User, [.. (published?.RevokedKeys ?? []).Select(revoked => transaction.CaKey(CaPurpose.User, revoked, now))], key,
            now);
        var known = transaction.CaKeys(CaPurpose.User);
        if (known.Find(one => one.Key == key) is { Revoked: { } since })
            throw new CaKeyException(
                $"user_ca, {Fingerprint.Compute(key)}, is on the revocation list since {Instants.Show(since)}, so hosts refuse whatever it signs; remove user_ca and user_ca.pub to have a new key made, and start with --new-ca");
        if (known.Find(one => one.Revoked is not null && keys.Trusts(one.Key)) is { } worthless)
            throw new CaKeyException(
                $"{keys.Purpose.TrustedFileName()} has {Fingerprint.Compute(worthless.Key)}, which is on the revocation list since {Instants.Show(worthless.Revoked!.Value)}; remove its line");
        var others = Others(known, keys);
        if (others is [_, ..] && LiveOfOthers(transaction, keys, now) is var alive
            && (alive.Count > 0 || (isRestored && known.TrueForAll(one => one.Key != key))))
        {
            var signers = others.FindAll(other => alive.Exists(certificate => certificate.CaKeyId == other.Id)) is [_, ..] some
                ? some
                : others;
            throw new CaKeyException(
                $"user_ca is {Fingerprint.Compute(key)}, and {Alive(alive.Count)} signed by {string.Join(" and ", signers.Select(signer => Fingerprint.Compute(signer.Key)))}; restore that key, or revoke it with all that it signed: certauthority --new-ca");
        }
    }

    /// <summary>Refuses a start with a host CA key that somebody else may have.</summary>
    /// <exception cref="CaKeyException">It was replaced for that reason.</exception>
    public static void ExpectUncompromised(Snapshot snapshot, CaKeys keys)
    {
        if (snapshot.CaKeys(keys.Purpose).Find(one => one.Revoked is not null && keys.Trusts(one.Key)) is { Revoked: { } since } worthless)
            throw new CaKeyException(
                $"{(worthless.Key == keys.Signing.PublicKey ? keys.Purpose.FileName() : keys.Purpose.TrustedFileName())} has {Fingerprint.Compute(worthless.Key)}, which was replaced at {Instants.Show(since)} because somebody else may have it; restore the right key, or remove this one with its .pub to have a new one made");
    }

    /// <summary>Makes the present keys the only ones: revokes every other key, with everything that it signed.</summary>
    /// <param name="transaction">The first transaction of a start.</param>
    /// <param name="keys">The present user CA keys.</param>
    /// <param name="now">The current time.</param>
    /// <returns>The other keys, and how many of their certificates were alive.</returns>
    public static (IReadOnlyList<RecordedCaKey> Replaced, int Revoked) Run(Transaction transaction, CaKeys keys, DateTimeOffset now)
    {
        var others = Others(transaction.CaKeys(CaPurpose.User), keys);
        var reason = $"user_ca is now {Fingerprint.Compute(keys.Signing.PublicKey)}";
        var revoked = Revocations.Revoke(
            transaction, Caller.Daemon, others.Count == 0 ? [] : LiveOfOthers(transaction, keys, now), reason, now);
        transaction.RevokeCaKeys(CaPurpose.User, others, keys.Signing.PublicKey, now);
        foreach (var other in others)
            transaction.Audit(
                Caller.Daemon.Did(AuditEvents.CaRevoked, now) with
                {
                    Resource = $"user_ca/{Fingerprint.Compute(other.Key)}",
                    Reason = reason,
                });
        return (others, revoked.Length);
    }

    private static List<RecordedCaKey> Others(List<RecordedCaKey> known, CaKeys keys) =>
        known.FindAll(one => one.Revoked is null && !keys.Trusts(one.Key));

    // Certificates with an unknown signer may come from another key.
    private static List<RecordedCertificate> LiveOfOthers(Transaction transaction, CaKeys keys, DateTimeOffset now)
    {
        var own = transaction.CaKeys(CaPurpose.User).FindAll(one => keys.Trusts(one.Key)).Select(one => one.Id).ToHashSet();
        return transaction.LiveCertificates(now).FindAll(certificate => !own.Contains(certificate.CaKeyId));
    }

    private static string Alive(int count) => count switch
    {
        0 => "certificates that are still valid may have been",
        1 => "a certificate that is still valid was",
        _ => $"{count} certificates that are still valid were",
    };
}
