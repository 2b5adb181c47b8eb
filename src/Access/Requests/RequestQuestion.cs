using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Requests;

/// <summary>A request that a user wants to file.</summary>
/// <param name="Id">The ID that the request will have.</param>
/// <param name="Now">The instant of filing; whole seconds.</param>
/// <param name="User">The requester.</param>
/// <param name="CreatorUid">The uid that files the request.</param>
/// <param name="RoleNames">
/// The requested roles, or <c>*</c> for all that the user may request and does not hold. Together with resources: the only roles through
/// which these are requested; empty for all roles that reach them.
/// </param>
/// <param name="Reason">The reason.</param>
/// <param name="SuggestedReviewers">The names of users to notify; they gain no right.</param>
/// <param name="Roles">Every role that exists.</param>
/// <param name="PendingRequests">The requests of this user that are pending already.</param>
/// <param name="Limits">The limits of the site.</param>
/// <param name="CreatorLoginUid">The uid under which they originally logged in, if known.</param>
public sealed record RequestQuestion(
    Guid Id,
    DateTimeOffset Now,
    User User,
    Uid CreatorUid,
    ImmutableArray<string> RoleNames,
    string Reason,
    ImmutableArray<string> SuggestedReviewers,
    IReadOnlyDictionary<string, Role> Roles,
    IReadOnlyCollection<AccessRequest> PendingRequests,
    SiteLimits Limits,
    Uid? CreatorLoginUid = null)
{
    /// <summary>How many names a request may suggest as reviewers.</summary>
    public const int MaxSuggestedReviewers = 100;

    /// <summary>How many nodes a request may name.</summary>
    public const int MaxResources = 300;

    /// <summary>
    /// How many requests of this user were filed within the last minute, and within the last day; zero if the limit does not apply to the
    /// caller.
    /// </summary>
    public (int Minute, int Day) Filed { get; init; }

    /// <summary>Whether to file the request even if one of the pending ones asks for the same.</summary>
    public bool Force { get; init; }

    /// <summary>What is locked now.</summary>
    public required LocksInForce Locks { get; init; }

    /// <summary>The requested nodes, each <c>node/NAME</c>; empty in a request for roles.</summary>
    public ImmutableArray<string> Resources { get; init; } = [];

    /// <summary>The kind of request.</summary>
    public RequestKind Kind => Resources.IsEmpty ? RequestKind.Roles : RequestKind.Resources;

    /// <summary>Every node that exists.</summary>
    public NodeSet Nodes { get; init; } = [];

    /// <summary>The times that the requester asks for.</summary>
    public AccessWishes Wishes { get; init; } = AccessWishes.None;

    /// <summary>The uids that own the user.</summary>
    public ImmutableArray<Uid> UserUids { get; init; } = [];

    /// <summary>The users that are the same person as the user, including the user itself.</summary>
    public ImmutableArray<Guid> PersonsUsers { get; init; } = [];
}
