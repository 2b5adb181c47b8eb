using CertAuthority.Access.Values;

namespace CertAuthority.Access.Nodes;

/// <summary>Why a host could not be written to, as far as that makes a difference.</summary>
public enum SyncTrouble
{
    /// <summary>Anything else: it is gone, or its disk is full.</summary>
    Other,

    /// <summary>
    /// Its sshd refuses connections from the daemon's address for a while, because others failed to log in from there
    /// (<c>PerSourcePenalties</c>).
    /// </summary>
    Penalty,

    /// <summary>Another daemon's revocation list is there: see <see cref="ListOrigin"/>.</summary>
    Contested,

    /// <summary>It shows another host key than the one on record, or none is on record.</summary>
    HostKey,

    /// <summary>ssh cannot use the address of the node.</summary>
    Address,
}

/// <summary>What the daemon has written to a host, and how its last attempt went.</summary>
/// <param name="KrlVersion">The version of the revocation list that it has; 0 for none.</param>
/// <param name="Synced">When it got that; null for never.</param>
/// <param name="Failure">Why the last attempt failed; null where it did not.</param>
/// <param name="Failed">When.</param>
/// <param name="IsToldStale">Whether others were told that it is stale.</param>
public sealed record NodeSync(
    ulong KrlVersion, DateTimeOffset? Synced, string? Failure = null, DateTimeOffset? Failed = null, bool IsToldStale = false)
{
    /// <summary>One that nothing was tried with.</summary>
    public static readonly NodeSync Untried = new(0, null);

    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestPauseOfPenalty = TimeSpan.FromSeconds(5);

    /// <summary>What kind of failure <see cref="Failure"/> tells of.</summary>
    public SyncTrouble Trouble { get; init; }

    /// <summary>Whether receivers were told that another daemon's list is on the host.</summary>
    public bool IsToldContested { get; init; }

    /// <summary>Whether its sshd exempts somebody from its penalties; null where it has none, or where that is not known.</summary>
    public bool? IsExempt { get; init; }

    /// <summary>Whether another daemon's list is on the host.</summary>
    public bool IsContested => Failure is not null && Trouble == SyncTrouble.Contested;

    /// <summary>Whether it has gone without for too long. One that never got a list is stale from the first failure on.</summary>
    /// <param name="now">The instant of the question.</param>
    /// <param name="limit">How long it may.</param>
    public bool IsStale(DateTimeOffset now, TimeSpan limit) => Synced is { } last ? now - last > limit : Failure is not null;

    /// <summary>
    /// How long to wait after so many failures in a row, from the first on: 1 s, 2 s, 4 s, … a minute: who is back must not go without for
    /// long.
    /// </summary>
    /// <param name="failures">At least 1.</param>
    /// <param name="trouble">
    /// What the last one was. A penalty ends within seconds, and somebody who provokes one after the other must not find a long pause: at
    /// most 5 s.
    /// </param>
    public static TimeSpan Pause(int failures, SyncTrouble trouble = SyncTrouble.Other) =>
        Backoff.After(failures, trouble == SyncTrouble.Penalty ? LongestPauseOfPenalty : LongestPause);
}
