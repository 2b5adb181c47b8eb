using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Revokes certificates.</summary>
internal static class Revocations
{
    // A transaction revokes them in about 20 ms, in which nobody can log in.
    private const int Together = 500;

    /// <summary>
    /// Revokes the certificates that are live and meant now, a number of them in each transaction. Repeating the call after an error
    /// revokes the rest.
    /// </summary>
    public static async Task<CertificatesRevoked> RevokeNamed(Authority ca, Administrator by, RevokeCertificates ask)
    {
        if (ask is { Serials: null or [], User: null, Request: null, Role: null, All: false })
            throw Problems.Invalid("say which certificates: serials, all of a user, a request or a role, or all");
        var now = ca.Now();
        var revoked = new List<string>();
        foreach (var some in ca.Database.Read(snapshot => Named(snapshot, ask, now)).Chunk(Together))
            revoked.AddRange(await ca.Database.Commit(
                transaction => Revoke(
                    transaction, by.Caller,
                    [.. some.Select(transaction.FindCertificate).OfType<RecordedCertificate>().Where(one => one.Revoked is null)],
                    ask.Reason, now),
                takesAway: true));
        if (revoked.Count > 0)
            await ca.Krl.Publish();
        return new CertificatesRevoked([.. revoked]);
    }

    /// <summary>
    /// Revokes a user's own certificates. Certificates that are already revoked or expired are skipped, so repeating the call is not an
    /// error.
    /// </summary>
    public static async Task<CertificatesRevoked> RevokeMine(Authority ca, Caller by, RevokeMyCertificates ask)
    {
        if (ask is { Serials: null or [], All: false })
            throw Problems.Invalid("say which certificates: serials, or all");
        var now = ca.Now();
        var revoked = await ca.Database.Commit(transaction =>
        {
            var user = transaction.ActingUser(by, ask.User);
            var serials = (ask.Serials ?? []).Select(
                text => ulong.TryParse(text, out var serial) && serial <= long.MaxValue
                    && transaction.FindCertificate(serial, user) is not null
                ? serial
                : throw Problems.NotFound($"you have no certificate with the serial \"{text}\"", NextStep.List.Certificate)).ToHashSet();
            return Revoke(
                transaction, by,
                [.. transaction.LiveCertificates(user.Id, now).Where(certificate => ask.All || serials.Contains(certificate.Serial))], "",
                now);
        }, takesAway: true);
        if (revoked.Length > 0)
            await ca.Krl.Publish();
        return new CertificatesRevoked(revoked);
    }

    /// <summary>Marks certificates as revoked, each with its entry in the audit. Hosts get the revocation with the next list.</summary>
    /// <returns>The serials of the certificates.</returns>
    public static string[] Revoke(
        Transaction transaction, Caller by, IReadOnlyCollection<RecordedCertificate> certificates, string reason, DateTimeOffset now)
    {
        foreach (var certificate in certificates)
        {
            transaction.MarkRevoked(certificate, now);
            transaction.Audit(by.Did(AuditEvents.CertificateRevoked, now) with
            {
                User = certificate.UserName,
                Serial = certificate.Serial.ToString(),
                Requests = [.. certificate.Requests],
                Reason = reason.Length > 0 ? reason : null,
            });
        }
        return [.. certificates.Select(certificate => certificate.Serial.ToString())];
    }

    /// <summary>Returns the serials of the live certificates that are meant, in ascending order.</summary>
    private static List<ulong> Named(Snapshot snapshot, RevokeCertificates ask, DateTimeOffset now)
    {
        if (Access.Values.Names.ReasonFault(ask.Reason) is { } fault)
            throw Problems.Refused(fault);
        var named = (ask.Serials ?? []).Select(
            text => ulong.TryParse(text, out var serial) && serial <= long.MaxValue && snapshot.FindCertificate(serial) is { } one
            ? one
            : throw Problems.NotFound($"there is no certificate with the serial \"{text}\"", NextStep.List.Certificate)).ToList();
        if (ask.User is { } name)
            named.AddRange(snapshot.LiveCertificates(
                (snapshot.FindUser(name)
                    ?? throw Problems.NotFound(
                        $"there is no user \"{name}\"", NextStep.List.User, name, snapshot.Users().Select(user => user.Name))).Id, now));
        if (ask.Request is { } prefix)
            named.AddRange(snapshot.LiveCertificates(snapshot.FindRequest(prefix, null), now));
        if (ask.All || ask.Role is not null)
            named.AddRange(snapshot.LiveCertificates(now).Where(
                one => ask.All || one.Roles.Any(role => role.Name == ask.Role)));
        return [.. named.Where(one => one.Revoked is null && one.ValidBefore > now).Select(one => one.Serial).Distinct().Order()];
    }
}
