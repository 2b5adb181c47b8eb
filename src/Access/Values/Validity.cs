namespace CertAuthority.Access.Values;

/// <summary>The period in which a certificate is valid, and the rule that set its end.</summary>
/// <param name="After">The first instant of validity: a minute before issue, because the clocks of hosts differ.</param>
/// <param name="Before">The first instant at which the certificate is no longer valid.</param>
/// <param name="LimitedBy">
/// The deciding rule, for people: <c>role dba</c>, <c>request 1a2b…</c>, <c>the requested ttl</c>, <c>the site's maximum</c>.
/// </param>
public sealed record Validity(DateTimeOffset After, DateTimeOffset Before, string LimitedBy)
{
    /// <summary>How far the validity begins before the issue of a certificate.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(60);
}
