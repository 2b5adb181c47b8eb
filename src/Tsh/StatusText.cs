using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>Shows a certificate in the output of login and status.</summary>
internal static class StatusText
{
    /// <summary>Returns one line for each fact; an unknown or empty one is left out.</summary>
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

    /// <summary>Returns one line for a further certificate of the same login.</summary>
    public static string Beside(CertificateInfo certificate) =>
        $"beside it, {certificate.Name}: {Logins(certificate)}, until {Wording.Time(certificate.ValidBefore)} (serial {certificate.Serial})";

    private static string Logins(CertificateInfo certificate) =>
        string.Join(", ", certificate.Principals.Select(Login))
            + (CriticalOption.Describe(certificate.CriticalOptions) is { } conditions ? $"; {conditions}" : "");

    private static string Login(string principal) => JumpHost.IsPrincipal(principal)
        ? $"the way through {principal[(JumpHost.Login.Length + 1)..]}"
        : principal.Split("@=") is [var login, var token] ? $"{login} (hosts of {token[..token.LastIndexOf('.')]})"
        : principal.Contains('@') ? principal : $"{principal} (all hosts)";
}
