using System.Collections.Immutable;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Requests;

/// <summary>The state of a request. <see cref="Expired"/> is computed from the clock and never stored.</summary>
public enum RequestState
{
    /// <summary>Waits for an answer.</summary>
    Pending,

    /// <summary>It may be used until its access ends.</summary>
    Approved,

    /// <summary>Final: denied, or its approval was withdrawn.</summary>
    Denied,

    /// <summary>Final: withdrawn by the requester.</summary>
    Cancelled,

    /// <summary>Final: nobody answered in time, or the access has ended.</summary>
    Expired,
}

/// <summary>A node as a request records it: one that is removed and created again under the same name is another node.</summary>
public sealed record PinnedNode(Guid Id, string Name)
{
    private const string Prefix = "node/";

    /// <summary>Returns the name in <c>node/NAME</c>; null if the text has another form.</summary>
    public static string? NameIn(string resource) =>
        resource.StartsWith(Prefix, StringComparison.Ordinal) && Names.IsNodeName(resource[Prefix.Length..])
            ? resource[Prefix.Length..]
            : null;

    /// <summary><c>node/db1</c>.</summary>
    public override string ToString() => Prefix + Name;
}

/// <summary>A user's request to hold roles for a limited time.</summary>
public sealed record AccessRequest
{
    /// <summary>A UUID; people may give any unique prefix of it.</summary>
    public required Guid Id { get; init; }

    /// <summary>Counts changes, from 1; every change is a compare-and-swap on this number.</summary>
    public required long Revision { get; init; }

    /// <summary>The requester, by immutable id.</summary>
    public required Guid UserId { get; init; }

    /// <summary>The requester's name at the time of filing.</summary>
    public required string UserName { get; init; }

    /// <summary>The uid that filed the request: it may be the same person as the requester, who must not answer it.</summary>
    public required Uid CreatorUid { get; init; }

    /// <summary>The requested roles: sorted by name, each once. Never changes.</summary>
    public required ImmutableArray<PinnedRole> Roles { get; init; }

    /// <summary>The granted roles; empty until the request is approved.</summary>
    public required ImmutableArray<PinnedRole> GrantedRoles { get; init; }

    /// <summary>The state as recorded; <see cref="StateAt(DateTimeOffset)"/> adds the clock.</summary>
    public required RequestState StoredState { get; init; }

    /// <summary>When the request was filed; like all times here, in whole seconds.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>The first instant at which the request can no longer be answered.</summary>
    public required DateTimeOffset PendingUntil { get; init; }

    /// <summary>
    /// The first instant at which the request grants nothing more. While the clock waits for the approval, the latest possible value of
    /// this instant.
    /// </summary>
    public required DateTimeOffset AccessUntil { get; init; }

    /// <summary>The reason for the request, in the requester's words.</summary>
    public required string Reason { get; init; }

    /// <summary>The users to notify; they gain no right.</summary>
    public required ImmutableArray<string> SuggestedReviewers { get; init; }

    /// <summary>The answer; null if there is none yet.</summary>
    public required RequestResolution? Resolution { get; init; }

    /// <summary>The uid under which the creator originally logged in, if known; it counts as the same person.</summary>
    public Uid? CreatorLoginUid { get; init; }

    /// <summary>How long it grants access, and which rule limits it.</summary>
    public required AccessTerms Terms { get; init; }

    /// <summary>
    /// The thresholds for counting reviews, one set for each role of the requester that allows the request; fixed at filing. If there are
    /// none, reviews decide nothing.
    /// </summary>
    public ImmutableArray<ThresholdSet> Thresholds { get; init; } = [];

    /// <summary>The annotations that the roles that allow the request add to it.</summary>
    public ImmutableSortedDictionary<string, ImmutableArray<string>> Annotations { get; init; } = RequestRules.None.Annotations;

    /// <summary>
    /// The uids of the requester's person when the request was filed: the creator's, the one they had logged in as, and those that owned
    /// the user.
    /// </summary>
    public ImmutableArray<Uid> RequesterUids { get; init; } = [];

    /// <summary>
    /// The users that were the same person as the requester when the request was filed, whatever accounts they get later.
    /// </summary>
    public ImmutableArray<Guid> RequesterUsers { get; init; } = [];

    /// <summary>The reviews, in the order in which they were made.</summary>
    public ImmutableArray<Review> Reviews { get; init; } = [];

    /// <summary>The nodes requested by name, sorted; empty in a request for roles. Never changes, and limits all granted roles.</summary>
    public ImmutableArray<PinnedNode> Resources { get; init; } = [];

    /// <summary>
    /// The objections that an administrator overrode by approving, one sentence each: thresholds that the votes had not reached, a role
    /// that had changed. They remain if the approval is withdrawn.
    /// </summary>
    public ImmutableArray<string> Overridden { get; init; } = [];

    /// <summary>The kind of request.</summary>
    public RequestKind Kind => Resources.IsEmpty ? RequestKind.Roles : RequestKind.Resources;

    /// <summary>The IDs of the only nodes where its roles count; null for every node that they reach.</summary>
    internal ImmutableHashSet<Guid>? OnlyOn => Kind == RequestKind.Roles ? null : [.. Resources.Select(node => node.Id)];

    /// <summary>Returns the state at an instant.</summary>
    public RequestState StateAt(DateTimeOffset now) => StateAt(StoredState, PendingUntil, AccessUntil, now);

    /// <summary>Returns the state of a request at an instant, from the state and the ends that are recorded.</summary>
    public static RequestState StateAt(RequestState stored, DateTimeOffset pendingUntil, DateTimeOffset accessUntil, DateTimeOffset now) =>
        stored switch
        {
            RequestState.Pending when now >= pendingUntil => RequestState.Expired,
            RequestState.Approved when now >= accessUntil => RequestState.Expired,
            _ => stored,
        };
}

/// <summary>The last answer to a request.</summary>
/// <param name="By">The account that answered, as the audit shows it.</param>
/// <param name="At">When it was answered.</param>
/// <param name="Reason">The reason, in the answerer's words; may be empty.</param>
public sealed record RequestResolution(string By, DateTimeOffset At, string Reason);
