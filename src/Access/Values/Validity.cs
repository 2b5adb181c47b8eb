namespace CertAuthority.Access.Values;

/// <summary>From when until when a certificate is valid, and which rule set the end.</summary>
/// <param name="After">The first instant; a minute before issue, since hosts' clocks differ.</param>
/// <param name="Before">The first instant at which it is not valid any more.</param>
/// <param name="LimitedBy">
/// The deciding rule, for people: <c>role dba</c>, <c>request 1a2b…</c>, <c>the requested ttl</c>, <c>the site's maximum</c>.
/// </param>
public sealed record Validity(DateTimeOffset After, DateTimeOffset Before, string LimitedBy)
{
    /// <summary>How far a certificate reaches back.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(60);
}
