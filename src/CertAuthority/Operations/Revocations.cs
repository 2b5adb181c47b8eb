using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Taking certificates back.</summary>
internal static class Revocations
{
    /// <summary>Marks certificates revoked, each with its entry in the audit. Hosts hear of it with the next list.</summary>
    /// <returns>Their serials.</returns>
    public static string[] Revoke(Transaction transaction, Caller by, IReadOnlyCollection<RecordedCertificate> certificates, DateTimeOffset now)
    {
        foreach (var certificate in certificates)
        {
            transaction.MarkRevoked(certificate, now);
            transaction.Audit(by.Did("certificate.revoked", now) with
            {
                User = certificate.UserName,
                Serial = certificate.Serial.ToString(),
                Requests = [.. certificate.Requests],
            });
        }
        return [.. certificates.Select(certificate => certificate.Serial.ToString())];
    }
}
