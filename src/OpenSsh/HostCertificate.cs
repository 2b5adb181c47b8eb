using System.Buffers;

namespace CertAuthority.OpenSsh;

/// <summary>
/// A host certificate of this CA. Its principals are the names that people type for the host, made of <c>a-z 0-9 . : - _</c>: lower-case
/// names, as clients compare them, and addresses. ssh connects to names with an underscore, so they are allowed. Patterns are not, because
/// <c>*</c> would vouch for every host. It has no options, because clients do not know any for hosts.
/// </summary>
public sealed class HostCertificate : CertificateContent
{
    private static readonly SearchValues<char> PrincipalCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789.:-_");

    /// <inheritdoc/>
    public override CertificateType Type => CertificateType.Host;

    private protected override bool IsPrincipal(string text) =>
        text.Length > 0 && text[0] != '-' && !text.AsSpan().ContainsAnyExcept(PrincipalCharacters);
}
