using System.Collections.Immutable;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>The entries of the audit that a caller wants; null or empty matches everything.</summary>
/// <param name="User">The user concerned.</param>
/// <param name="Request">The ID of the request concerned.</param>
/// <param name="Since">The first instant.</param>
/// <param name="Until">The first instant that is too late.</param>
internal sealed record AuditWish(
    string? User = null, string? Request = null, DateTimeOffset? Since = null, DateTimeOffset? Until = null)
{
    /// <summary>Patterns of kinds of events, of which one must match.</summary>
    public ImmutableArray<NamePattern> Events { get; init; } = [];

    /// <summary>The account of the caller.</summary>
    public string? Account { get; init; }

    /// <summary>Whether the oldest entry comes first.</summary>
    public bool OldestFirst { get; init; }

    /// <summary>
    /// Whether entries are read and then skipped, because no index finds those that match. Oldest first, the time is such a condition too,
    /// because entries may go back in time, and there is no end yet.
    /// </summary>
    public bool Skips => !Events.IsEmpty || Account is not null || (OldestFirst && (Since is not null || Until is not null));

    /// <summary>Whether an entry that was read matches the conditions for which there is no index.</summary>
    public bool Lets(AuditEntry entry) =>
        (Events.IsEmpty || Events.Any(pattern => pattern.Matches(entry.Event)))
        && (Account is null || entry.Account == Account)
        && (Since is null || entry.Time >= Since)
        && (Until is null || entry.Time < Until);
}

/// <summary>A piece of the audit that was read in one order.</summary>
/// <param name="Entries">The entries that match, each with its number.</param>
/// <param name="Position">
/// The number of an entry: everything from where the piece began to there, in this order, is in the piece or does not match.
/// </param>
/// <param name="HasMore">Whether there are entries beyond the position.</param>
internal sealed record AuditPiece(List<AuditEntry> Entries, long Position, bool HasMore);
