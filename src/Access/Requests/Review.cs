using System.Collections.Immutable;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;

namespace CertAuthority.Access.Requests;

/// <summary>One vote on a request. It never changes; whether it counts is determined each time.</summary>
/// <param name="AuthorId">The reviewer, by immutable id.</param>
/// <param name="AuthorName">Their name when they voted.</param>
/// <param name="AuthorUids">
/// The uids of the reviewer's person: the one that called, the one it had logged in as, and those that owned the user.
/// </param>
/// <param name="Decision">For or against.</param>
/// <param name="Roles">The roles that they would grant: some of the requested ones, sorted; empty for a denial.</param>
/// <param name="Reason">The reason, in their words; may be empty.</param>
/// <param name="At">When they voted.</param>
/// <param name="AssumeFrom">The earliest start of the access, if the reviewer sets one.</param>
/// <param name="AtMost">How long the access lasts at most from its start, if the reviewer sets a limit.</param>
public sealed record Review(
    Guid AuthorId,
    string AuthorName,
    ImmutableArray<Uid> AuthorUids,
    ReviewDecision Decision,
    ImmutableArray<string> Roles,
    string Reason,
    DateTimeOffset At,
    DateTimeOffset? AssumeFrom = null,
    TimeSpan? AtMost = null)
{
    /// <summary>The users that were the same person as the author when they voted, whatever accounts they get later.</summary>
    public ImmutableArray<Guid> AuthorUsers { get; init; } = [];
}
