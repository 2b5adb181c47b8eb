using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>A certificate as login and status show it.</summary>
internal static class StatusText
{
    /// <summary>A fact a line; what is not known, or empty, is left out.</summary>
    public static IEnumerable<string> Lines(CertificateInfo certificate, DateTimeOffset now)
    {
        yield return $"user: {certificate.User}";
        if (certificate.Roles is not [])
            yield return $"roles: {string.Join(", ", certificate.Roles)}";
        yield return $"logins: {Logins(certificate)}";
        var limit = certificate.LimitedBy.Length == 0 ? "" : $", limited by {certificate.LimitedBy}";
        yield return $"valid until: {Wording.Time(certificate.ValidBefore)} (valid for {Wording.Left(certificate.ValidBefore - now)}{limit})";
        if (certificate.Requests is not [])
            yield return $"requests: {string.Join(", ", certificate.Requests)}";
        yield return $"serial: {certificate.Serial}";
    }

    /// <summary>One that stands beside it, on one line.</summary>
    public static string Beside(CertificateInfo certificate) =>
        $"beside it, {certificate.Name}: {Logins(certificate)}, until {Wording.Time(certificate.ValidBefore)} (serial {certificate.Serial})";

    private static string Logins(CertificateInfo certificate) =>
        string.Join(", ", certificate.Principals.Select(Login))
            + (CriticalOption.Describe(certificate.CriticalOptions) is { } conditions ? $"; {conditions}" : "");

    private static string Login(string principal) => principal.Contains('@') ? principal : $"{principal} (all hosts)";
}
