using System.Collections.Immutable;
using CertAuthority.Access.Roles;

namespace CertAuthority.Access.Requests;

/// <summary>One vote on a request. It is never changed; whether it counts is asked each time.</summary>
/// <param name="AuthorId">The reviewer, by immutable id.</param>
/// <param name="AuthorName">Their name when they voted.</param>
/// <param name="AuthorUids">The uids that were theirs: the one that called, the one it had logged in as, those that owned the user.</param>
/// <param name="Decision">For or against.</param>
/// <param name="Roles">What they would grant: some of the roles asked for, sorted; empty when they deny.</param>
/// <param name="Reason">In their words; may be empty.</param>
/// <param name="At">When.</param>
/// <param name="AssumeFrom">Before when the access does not begin, if they say so.</param>
public sealed record Review(
    Guid AuthorId,
    string AuthorName,
    ImmutableArray<uint> AuthorUids,
    ReviewDecision Decision,
    ImmutableArray<string> Roles,
    string Reason,
    DateTimeOffset At,
    DateTimeOffset? AssumeFrom = null)
{
    /// <summary>The users that were one person with the author when they voted, whatever accounts they are given later.</summary>
    public ImmutableArray<Guid> AuthorUsers { get; init; } = [];
}
