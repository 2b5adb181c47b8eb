using CertAuthority.Access.Values;

namespace CertAuthority.Access.Nodes;

/// <summary>Why the daemon could not write to a host, as far as the reason matters.</summary>
public enum SyncTrouble
{
    /// <summary>Any other reason: the host is unreachable, or its disk is full.</summary>
    Other,

    /// <summary>
    /// The host's sshd refuses connections from the daemon's address for a while, because other people failed to log in from there
    /// (<c>PerSourcePenalties</c>).
    /// </summary>
    Penalty,

    /// <summary>The host has another daemon's revocation list: see <see cref="ListOrigin"/>.</summary>
    Contested,

    /// <summary>The host presents a host key that differs from the one on record, or none is on record.</summary>
    HostKey,

    /// <summary>ssh cannot use the address of the node.</summary>
    Address,
}

/// <summary>The state of the daemon's writes to a host, and the result of its last attempt.</summary>
/// <param name="KrlVersion">The version of the revocation list on the host; 0 for none.</param>
/// <param name="Synced">When the daemon wrote that list; null for never.</param>
/// <param name="Failure">Why the last attempt failed; null if it did not.</param>
/// <param name="Failed">When the last attempt failed.</param>
/// <param name="IsToldStale">Whether receivers were notified that the host is stale.</param>
public sealed record NodeSync(
    ulong KrlVersion, DateTimeOffset? Synced, string? Failure = null, DateTimeOffset? Failed = null, bool IsToldStale = false)
{
    /// <summary>A host to which no attempt was made.</summary>
    public static readonly NodeSync Untried = new(0, null);

    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestPauseOfPenalty = TimeSpan.FromSeconds(5);

    /// <summary>The kind of failure in <see cref="Failure"/>.</summary>
    public SyncTrouble Trouble { get; init; }

    /// <summary>Whether receivers were notified that another daemon's list is on the host.</summary>
    public bool IsToldContested { get; init; }

    /// <summary>
    /// Whether the host's sshd exempts any address from its penalties; null if it has no penalties, or if this is not known.
    /// </summary>
    public bool? IsExempt { get; init; }

    /// <summary>Whether the daemon left a manifest on the host.</summary>
    public bool HasManifest { get; init; }

    /// <summary>The number of entries of the audit in the checkpoint that the daemon left on the host; null for none.</summary>
    public long? Witnessed { get; init; }

    /// <summary>
    /// What somebody had changed on the host when the daemon last found something changed; null for nothing since an administrator last
    /// had everything written.
    /// </summary>
    public string? Altered { get; init; }

    /// <summary>When the daemon found that.</summary>
    public DateTimeOffset? AlteredAt { get; init; }

    /// <summary>Whether another daemon's list is on the host.</summary>
    public bool IsContested => Failure is not null && Trouble == SyncTrouble.Contested;

    /// <summary>Whether the host has had no list for too long. A host that never got a list is stale from the first failure on.</summary>
    /// <param name="now">The instant of the check.</param>
    /// <param name="limit">The longest time allowed.</param>
    public bool IsStale(DateTimeOffset now, TimeSpan limit) => Synced is { } last ? now - last > limit : Failure is not null;

    /// <summary>
    /// Returns how long to wait after this many failures in a row: 1 s, 2 s, 4 s, … up to a minute, so that a host that is back gets a list
    /// soon.
    /// </summary>
    /// <param name="failures">The number of failures in a row; at least 1.</param>
    /// <param name="trouble">
    /// The last failure. After a penalty the wait is at most 5 s: a penalty ends within seconds, and somebody who keeps provoking penalties
    /// must not cause long waits.
    /// </param>
    public static TimeSpan Pause(int failures, SyncTrouble trouble = SyncTrouble.Other) =>
        Backoff.After(failures, trouble == SyncTrouble.Penalty ? LongestPauseOfPenalty : LongestPause);
}
