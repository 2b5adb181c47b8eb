using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Requests;

/// <summary>What a user wants to file.</summary>
/// <param name="Id">The id the request will have.</param>
/// <param name="Now">The instant of filing; whole seconds.</param>
/// <param name="User">Who asks.</param>
/// <param name="CreatorUid">Who is at the keyboard.</param>
/// <param name="RoleNames">
/// The roles asked for, or <c>*</c> for all that may be asked for and are not held. Beside resources: the only roles by which these are
/// asked for; none for all that reach them.
/// </param>
/// <param name="Reason">Why.</param>
/// <param name="SuggestedReviewers">The names of users to notify; they gain no right.</param>
/// <param name="Roles">Every role that exists.</param>
/// <param name="PendingRequests">How many requests of this user wait already.</param>
/// <param name="Limits">The bounds of the site.</param>
/// <param name="CreatorLoginUid">As whom they once logged in, where that is known.</param>
public sealed record RequestQuestion(
    Guid Id,
    DateTimeOffset Now,
    User User,
    uint CreatorUid,
    ImmutableArray<string> RoleNames,
    string Reason,
    ImmutableArray<string> SuggestedReviewers,
    IReadOnlyDictionary<string, Role> Roles,
    int PendingRequests,
    SiteLimits Limits,
    uint? CreatorLoginUid = null)
{
    /// <summary>How many names a request may suggest as reviewers.</summary>
    public const int MaxSuggestedReviewers = 100;

    /// <summary>How many nodes a request may name.</summary>
    public const int MaxResources = 300;

    /// <summary>
    /// How many requests of this user were filed within the last minute, and within the last day; none where the bound does not hold for
    /// whoever files.
    /// </summary>
    public (int Minute, int Day) Filed { get; init; }

    /// <summary>What is locked now.</summary>
    public required LocksInForce Locks { get; init; }

    /// <summary>The nodes asked for, each <c>node/NAME</c>; empty in a request for roles.</summary>
    public ImmutableArray<string> Resources { get; init; } = [];

    /// <summary>What kind of request it would be.</summary>
    public RequestKind Kind => Resources.IsEmpty ? RequestKind.Roles : RequestKind.Resources;

    /// <summary>Every node that exists.</summary>
    public IReadOnlyCollection<Node> Nodes { get; init; } = [];

    /// <summary>What the requester says about times.</summary>
    public AccessWishes Wishes { get; init; } = AccessWishes.None;

    /// <summary>The uids that own the user.</summary>
    public ImmutableArray<uint> UserUids { get; init; } = [];

    /// <summary>The users that are one person with the user, itself included.</summary>
    public ImmutableArray<Guid> PersonsUsers { get; init; } = [];
}
