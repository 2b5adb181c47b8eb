namespace CertAuthority.Access;

/// <summary>What the daemon has written to a host, and how its last attempt went.</summary>
/// <param name="KrlVersion">The version of the revocation list that it has; 0 for none.</param>
/// <param name="Synced">When it got that; null for never.</param>
/// <param name="Failure">Why the last attempt failed; null where it did not.</param>
/// <param name="Failed">When.</param>
/// <param name="IsToldStale">Whether others were told that it is stale.</param>
public sealed record NodeSync(ulong KrlVersion, DateTimeOffset? Synced, string? Failure = null, DateTimeOffset? Failed = null, bool IsToldStale = false)
{
    /// <summary>One that nothing was tried with.</summary>
    public static readonly NodeSync Untried = new(0, null);

    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    /// <summary>Whether it has gone without for too long. One that never got a list is stale from the first failure on.</summary>
    /// <param name="now">The instant of the question.</param>
    /// <param name="limit">How long it may.</param>
    public bool IsStale(DateTimeOffset now, TimeSpan limit) => Synced is { } last ? now - last > limit : Failure is not null;

    /// <summary>How long to wait after so many failures in a row, from the first on: 1 s, 2 s, 4 s, … a minute: who is back must not go without for long.</summary>
    /// <param name="failures">At least 1.</param>
    public static TimeSpan Pause(int failures) => Backoff.After(failures, LongestPause);
}
