using System.Collections.Immutable;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Requests;

/// <summary>Where a request stands. <see cref="Expired"/> is computed from the clock and never stored.</summary>
public enum RequestState
{
    /// <summary>Waits for an answer.</summary>
    Pending,

    /// <summary>May be used until its access ends.</summary>
    Approved,

    /// <summary>Final: refused, or taken back after an approval.</summary>
    Denied,

    /// <summary>Final: withdrawn by the requester.</summary>
    Cancelled,

    /// <summary>Final: nobody answered in time, or the access is over.</summary>
    Expired,
}

/// <summary>A node as a request remembers it: one that is removed and created again under the name is another.</summary>
public sealed record PinnedNode(Guid Id, string Name)
{
    private const string Prefix = "node/";

    /// <summary>The name in <c>node/NAME</c>; null where the text has another form.</summary>
    public static string? NameIn(string resource) =>
        resource.StartsWith(Prefix, StringComparison.Ordinal) && Names.IsNodeName(resource[Prefix.Length..])
            ? resource[Prefix.Length..]
            : null;

    /// <summary><c>node/db1</c>.</summary>
    public override string ToString() => Prefix + Name;
}

/// <summary>A user's request to hold roles for a while.</summary>
public sealed record AccessRequest
{
    /// <summary>A UUID; any unique prefix of it is accepted from people.</summary>
    public required Guid Id { get; init; }

    /// <summary>Counts changes, from 1; changes are compare-and-swap on it.</summary>
    public required long Revision { get; init; }

    /// <summary>The requester, by immutable id.</summary>
    public required Guid UserId { get; init; }

    /// <summary>The requester's name when asking.</summary>
    public required string UserName { get; init; }

    /// <summary>The uid that filed it: whoever files a request may be the one person who must not answer it.</summary>
    public required uint CreatorUid { get; init; }

    /// <summary>What was asked for: sorted by name, each once. Never changes.</summary>
    public required ImmutableArray<PinnedRole> Roles { get; init; }

    /// <summary>What was granted; empty until approved.</summary>
    public required ImmutableArray<PinnedRole> GrantedRoles { get; init; }

    /// <summary>The state as recorded; <see cref="StateAt"/> adds the clock.</summary>
    public required RequestState StoredState { get; init; }

    /// <summary>When it was filed; whole seconds, as all times here.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>The first instant at which it is too late for an answer.</summary>
    public required DateTimeOffset PendingUntil { get; init; }

    /// <summary>
    /// The first instant at which it grants nothing more; while the clock waits for the approval, the latest that this can be.
    /// </summary>
    public required DateTimeOffset AccessUntil { get; init; }

    /// <summary>Why it was asked for, in the requester's words.</summary>
    public required string Reason { get; init; }

    /// <summary>Who is told; they gain no right.</summary>
    public required ImmutableArray<string> SuggestedReviewers { get; init; }

    /// <summary>The answer, null while there is none.</summary>
    public required RequestResolution? Resolution { get; init; }

    /// <summary>As whom the creator once logged in, where that is known; they count as the same person.</summary>
    public uint? CreatorLoginUid { get; init; }

    /// <summary>How long it grants access, and why no longer.</summary>
    public required AccessTerms Terms { get; init; }

    /// <summary>
    /// What reviewers' answers are counted by, one set for each role of the requester that let them ask; fixed when it was filed. Without
    /// any, reviews decide nothing.
    /// </summary>
    public ImmutableArray<ThresholdSet> Thresholds { get; init; } = [];

    /// <summary>What the roles that let the requester ask say about the request.</summary>
    public ImmutableSortedDictionary<string, ImmutableArray<string>> Annotations { get; init; } = RequestRules.None.Annotations;

    /// <summary>
    /// The uids that were the requester when it was filed: the creator's, the one they had logged in as, those that owned the user.
    /// </summary>
    public ImmutableArray<uint> RequesterUids { get; init; } = [];

    /// <summary>The users that were one person with the requester when it was filed, whatever accounts they are given later.</summary>
    public ImmutableArray<Guid> RequesterUsers { get; init; } = [];

    /// <summary>What reviewers said, in the order in which they said it.</summary>
    public ImmutableArray<Review> Reviews { get; init; } = [];

    /// <summary>
    /// The nodes asked for by name, sorted; empty in a request for roles. Never changes, and bounds whatever roles are granted.
    /// </summary>
    public ImmutableArray<PinnedNode> Resources { get; init; } = [];

    /// <summary>
    /// What an administrator approved it in spite of, a sentence each: thresholds that the votes had not reached, a role that changed
    /// since. It stays when the approval is taken back.
    /// </summary>
    public ImmutableArray<string> Overridden { get; init; } = [];

    /// <summary>What it asks for.</summary>
    public RequestKind Kind => Resources.IsEmpty ? RequestKind.Roles : RequestKind.Resources;

    /// <summary>The ids of the only nodes where its roles count; null for wherever they reach.</summary>
    internal ImmutableHashSet<Guid>? OnlyOn => Kind == RequestKind.Roles ? null : [.. Resources.Select(node => node.Id)];

    /// <summary>The state at an instant.</summary>
    public RequestState StateAt(DateTimeOffset now) => StoredState switch
    {
        RequestState.Pending when now >= PendingUntil => RequestState.Expired,
        RequestState.Approved when now >= AccessUntil => RequestState.Expired,
        var stored => stored,
    };
}

/// <summary>Who last answered a request, when, and why.</summary>
/// <param name="By">The account that answered, as the audit shows it.</param>
/// <param name="At">When.</param>
/// <param name="Reason">In the answerer's words; may be empty.</param>
public sealed record RequestResolution(string By, DateTimeOffset At, string Reason);
