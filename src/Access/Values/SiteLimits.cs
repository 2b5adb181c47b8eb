namespace CertAuthority.Access.Values;

/// <summary>Limits that no role, and no administrator who answers a request, can exceed.</summary>
/// <param name="Certificate">The longest lifetime of a certificate.</param>
/// <param name="PendingRequest">The longest time that a request may wait for an answer.</param>
/// <param name="PendingRequestsPerUser">How many requests of one user may be pending at a time.</param>
/// <param name="LiveCertificatesPerUser">
/// How many logins of one user may have a live certificate at a time. The number is limited because each certificate may have to be added
/// to the revocation list.
/// </param>
/// <param name="LoginsPerMinute">How often one uid may try to log in within a minute.</param>
public sealed record SiteLimits(
    TimeSpan Certificate, TimeSpan PendingRequest, int PendingRequestsPerUser, int LiveCertificatesPerUser, int LoginsPerMinute)
{
    /// <summary>30 hours, 7 days, 25, 50, 10.</summary>
    public static readonly SiteLimits Default = new(TimeSpan.FromHours(30), TimeSpan.FromDays(7), 25, 50, 10);

    /// <summary>How many requests of one user may be filed within a minute.</summary>
    public int RequestsPerMinute { get; init; } = 30;

    /// <summary>How many requests of one user may be filed within a day: each stays on record, and each notifies people.</summary>
    public int RequestsPerDay { get; init; } = 300;

    /// <summary>The longest access under a request.</summary>
    public TimeSpan Access { get; init; } = TimeSpan.FromDays(14);

    /// <summary>How far in the future an access may begin.</summary>
    public TimeSpan AssumeAhead { get; init; } = TimeSpan.FromDays(7);
}
