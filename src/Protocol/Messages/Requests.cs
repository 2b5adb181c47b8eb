namespace CertAuthority.Protocol;

/// <summary>Files a request as the caller's user.</summary>
/// <param name="Roles">
/// The roles asked for. Beside resources: the only roles by which these are asked for; null for all that reach them.
/// </param>
/// <param name="User">As which of the caller's users; null where there is only one.</param>
/// <param name="Reason">Why.</param>
/// <param name="Reviewers">Users who are told.</param>
/// <param name="SessionTtl">The longest certificate under it, as a duration.</param>
/// <param name="RequestTtl">How long it waits for an answer, as a duration.</param>
/// <param name="MaxDuration">How long the access lasts, as a duration.</param>
/// <param name="AssumeStartTime">When the access begins: a time of RFC 3339.</param>
/// <param name="Resources">The nodes asked for by name, each <c>node/NAME</c>, at most 300; null in a request for roles.</param>
public sealed record CreateRequest(
    string[]? Roles = null,
    string? User = null,
    string Reason = "",
    string[]? Reviewers = null,
    string? SessionTtl = null,
    string? RequestTtl = null,
    string? MaxDuration = null,
    string? AssumeStartTime = null,
    string[]? Resources = null);

/// <summary>What would be filed.</summary>
/// <param name="Spec">As it would be.</param>
/// <param name="ReasonPrompts">How the requester's roles ask for the reason.</param>
/// <param name="ReasonRequired">Why it cannot be filed without a reason; null where it can, or has one.</param>
public sealed record RequestPlan(RequestSpec Spec, string[] ReasonPrompts, string? ReasonRequired = null);

/// <summary>Requests that the caller may see, newest first.</summary>
/// <param name="User">As which of the caller's users.</param>
/// <param name="Show">
/// <c>mine</c>, or null: their own. <c>reviewable</c>: those that wait for a review of theirs. <c>suggested</c>: those that name them as a
/// reviewer and that they may review.
/// </param>
/// <param name="Limit">At most so many, from 1. A page has no more than 1000.</param>
/// <param name="After">Behind this place: the <c>next</c> of the page before.</param>
public sealed record ListMyRequests(string? User = null, string? Show = null, int? Limit = null, string? After = null);

/// <summary>Says what the caller's user thinks of a request of somebody else's.</summary>
/// <param name="Id">Its id, or a unique prefix.</param>
/// <param name="Decision"><c>approve</c> or <c>deny</c>.</param>
/// <param name="User">As which of the caller's users.</param>
/// <param name="Reason">Shown to the requester and to other reviewers.</param>
/// <param name="Roles">With <c>approve</c>: some of the roles asked for; null for all.</param>
/// <param name="AssumeStartTime">With <c>approve</c>: when the access begins, at the earliest: a time of RFC 3339.</param>
public sealed record ReviewRequest(
    string Id, string Decision, string? User = null, string Reason = "", string[]? Roles = null, string? AssumeStartTime = null);

/// <summary>One request that the caller may see: their own, or one that they may review or have reviewed.</summary>
/// <param name="Id">Its id, or a unique prefix.</param>
/// <param name="User">As which of the caller's users.</param>
/// <param name="After">With <paramref name="Wait"/>: answer once the revision is beyond this one.</param>
/// <param name="Wait">How long to hold the answer back, a duration up to 25s; then it comes as it is.</param>
public sealed record GetMyRequest(string Id, string? User = null, long? After = null, string? Wait = null);

/// <summary>Withdraws or gives up a request of the caller's own.</summary>
/// <param name="Id">Its id, or a unique prefix.</param>
/// <param name="User">As which of the caller's users.</param>
public sealed record EndMyRequest(string Id, string? User = null);

/// <summary>Everybody's requests; what is null does not matter.</summary>
/// <param name="State">In one of these states, words with commas between: <c>pending,approved</c>.</param>
/// <param name="User">Of the user of this name.</param>
/// <param name="Role">That ask for, or were granted, this role.</param>
/// <param name="Since">Filed since: a time of RFC 3339, or a duration before now.</param>
/// <param name="Sort"><c>created</c>, <c>user</c> or <c>state</c>; within a user or state newest first. Null for <c>created</c>.</param>
/// <param name="Limit">At most so many, from 1. A page has no more than 1000.</param>
/// <param name="After">Behind this place: the <c>next</c> of the list before, with the same sort.</param>
public sealed record ListRequests(
    string? State = null, string? User = null, string? Role = null, string? Since = null, string? Sort = null, int? Limit = null,
    string? After = null);

/// <summary>Any request, for an administrator.</summary>
/// <param name="Id">Its id, or a unique prefix.</param>
public sealed record GetRequest(string Id);

/// <summary>Approves.</summary>
/// <param name="Id">The request's id, or a unique prefix.</param>
/// <param name="Reason">Shown to the requester.</param>
/// <param name="Roles">Roles to grant instead of those asked for; null for those.</param>
/// <param name="Force">Approve although a role changed since it was asked for.</param>
public sealed record ApproveRequest(string Id, string Reason = "", string[]? Roles = null, bool Force = false);

/// <summary>Denies, or takes an approval back.</summary>
/// <param name="Id">The request's id, or a unique prefix.</param>
/// <param name="Reason">Shown to the requester.</param>
public sealed record DenyRequest(string Id, string Reason = "");

/// <summary>Files a request for a user, by an administrator, who counts as requester too.</summary>
/// <param name="User">For whom.</param>
/// <param name="Roles">The roles asked for; as in <see cref="CreateRequest"/>.</param>
/// <param name="Reason">Why.</param>
/// <param name="Reviewers">Users who are told.</param>
/// <param name="Resources">The nodes asked for, each <c>node/NAME</c>.</param>
public sealed record CreateRequestFor(
    string User, string[]? Roles = null, string Reason = "", string[]? Reviewers = null, string[]? Resources = null);

/// <summary>Removes a request from the list; the audit keeps it.</summary>
/// <param name="Id">The request's id, or a unique prefix.</param>
/// <param name="Force">Also one that is pending or approved: it is ended first.</param>
public sealed record RemoveRequest(string Id, bool Force = false);

/// <summary>Asks what a user can ask for.</summary>
/// <param name="Name">The user.</param>
public sealed record GetCapabilities(string Name);

/// <summary>What a user can ask for.</summary>
/// <param name="RequestableRoles">Sorted.</param>
public sealed record Capabilities(string[] RequestableRoles);

/// <summary>Asks what the caller can ask for.</summary>
/// <param name="User">As which user; null leaves the choice to the daemon.</param>
public sealed record GetMyCapabilities(string? User = null);

/// <summary>What the caller can ask for.</summary>
/// <param name="Users">Every user that the caller can be, sorted.</param>
/// <param name="RequestableRoles">What <paramref name="User"/> can request, sorted.</param>
/// <param name="User">As which user; null where the caller owns several and must choose.</param>
public sealed record MyCapabilities(string[] Users, string[] RequestableRoles, string? User = null);

/// <summary>Searches for what the caller can ask for by its name: nodes that the <c>search_as_roles</c> of their roles reach.</summary>
/// <param name="Kind">What is searched for: <c>node</c>.</param>
/// <param name="Labels">Only those with all of these labels, <c>key=value</c> with commas between.</param>
/// <param name="Search">
/// Only those with each of these words, blanks between, somewhere in the name or the labels; upper and lower case are one.
/// </param>
/// <param name="Limit">At most so many, from 1; null for all.</param>
/// <param name="User">As which of the caller's users.</param>
public sealed record SearchResources(
    string Kind = ResourceKinds.Node, string? Labels = null, string? Search = null, int? Limit = null, string? User = null);

/// <summary>What can be asked for by its name.</summary>
/// <param name="Resources">Sorted by name.</param>
/// <param name="More">How many were found beyond the limit.</param>
public sealed record ResourcesFound(ResourceFound[] Resources, int More);

/// <summary>Something that can be asked for by its name.</summary>
/// <param name="Resource"><c>node/db1</c>.</param>
/// <param name="Labels">Its labels.</param>
/// <param name="Roles">The roles by which it would be asked for. Sorted.</param>
public sealed record ResourceFound(string Resource, Dictionary<string, string> Labels, string[] Roles);

/// <summary>A request as everybody sees it.</summary>
/// <param name="Kind"><c>access_request</c>.</param>
/// <param name="Version"><c>v3</c>.</param>
/// <param name="Metadata">Its name is the id.</param>
/// <param name="Spec">What it asks and where it stands.</param>
public sealed record RequestResource(string Kind, string Version, RequestMetadata Metadata, RequestSpec Spec);

/// <summary>The name and the revision of a request.</summary>
/// <param name="Name">The id, a UUID.</param>
/// <param name="Revision">Counts changes, from 1; <c>after</c> of a wait.</param>
public sealed record RequestMetadata(string Name, long Revision);

/// <summary>What a request asks and where it stands.</summary>
public sealed record RequestSpec
{
    /// <summary>The requester.</summary>
    public required string User { get; init; }

    /// <summary>What was asked for.</summary>
    public required string[] Roles { get; init; }

    /// <summary>What was granted; empty until approved.</summary>
    public required string[] GrantedRoles { get; init; }

    /// <summary><c>PENDING</c>, <c>APPROVED</c>, <c>DENIED</c>, <c>CANCELLED</c> or <c>EXPIRED</c>.</summary>
    public required string State { get; init; }

    /// <summary>When it was filed.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>When it is too late for an answer.</summary>
    public required DateTimeOffset Expires { get; init; }

    /// <summary>When the access ends; pending and with its clock at approval, the latest that this can be.</summary>
    public required DateTimeOffset AccessExpires { get; init; }

    /// <summary>How long the access lasts, as a duration.</summary>
    public required string AccessLasts { get; init; }

    /// <summary>The rule that decided how long.</summary>
    public required string AccessLimitedBy { get; init; }

    /// <summary>From when it counts: <c>creation</c> or <c>approval</c>.</summary>
    public required string Clock { get; init; }

    /// <summary>Where something is shorter than was asked for: a sentence each.</summary>
    public required string[] Shortened { get; init; }

    /// <summary>The requester's words.</summary>
    public required string RequestReason { get; init; }

    /// <summary>The answerer's words.</summary>
    public required string ResolveReason { get; init; }

    /// <summary>Who was told.</summary>
    public required string[] SuggestedReviewers { get; init; }

    /// <summary>Who answered; null while nobody has.</summary>
    public string? ResolvedBy { get; init; }

    /// <summary>The longest certificate under it, where the requester said so.</summary>
    public string? SessionTtl { get; init; }

    /// <summary>When the access begins, where not at once.</summary>
    public DateTimeOffset? AssumeStartTime { get; init; }

    /// <summary>What reviewers said, in the order in which they said it.</summary>
    public RequestReview[]? Reviews { get; init; }

    /// <summary>While it is pending: what reviewers' approval still lacks, a sentence each.</summary>
    public string[]? Missing { get; init; }

    /// <summary>What reviews are counted by: every set must be met.</summary>
    public RequestThresholds[]? Thresholds { get; init; }

    /// <summary>What the roles that let the requester ask say about the request.</summary>
    public Dictionary<string, string[]>? SystemAnnotations { get; init; }

    /// <summary>The only nodes that it is for, each <c>node/NAME</c>; null in a request for roles.</summary>
    public string[]? Resources { get; init; }

    /// <summary>
    /// While it is pending or approved: what its roles demand of every session, <c>restore: runs only /usr/bin/restore</c> each; null for
    /// nothing.
    /// </summary>
    public string[]? Conditions { get; init; }

    /// <summary>
    /// In the answer to filing it and in a dry run: a sentence about each person who was named as a reviewer and cannot review it; null for
    /// none.
    /// </summary>
    public string[]? Warnings { get; init; }

    /// <summary>
    /// What an administrator approved it in spite of, a sentence each: thresholds that the votes had not reached, a role that changed
    /// since. Null for nothing.
    /// </summary>
    public string[]? Overridden { get; init; }
}

/// <summary>What a reviewer said.</summary>
/// <param name="Author">The user.</param>
/// <param name="ProposedState"><c>APPROVED</c> or <c>DENIED</c>.</param>
/// <param name="Roles">What they would grant; empty with a denial.</param>
/// <param name="Reason">Their words.</param>
/// <param name="Created">When.</param>
/// <param name="AssumeStartTime">When the access begins at the earliest, if they say so.</param>
/// <param name="Counts">While the request is pending: whether it counts. It does not while its author may not review the request.</param>
public sealed record RequestReview(
    string Author, string ProposedState, string[] Roles, string Reason, DateTimeOffset Created, DateTimeOffset? AssumeStartTime = null,
    bool? Counts = null);

/// <summary>The thresholds that one role of the requester puts before a request.</summary>
/// <param name="Role">That role.</param>
/// <param name="Require"><c>any</c> or <c>all</c> of them must be met.</param>
/// <param name="Thresholds">At least one.</param>
public sealed record RequestThresholds(string Role, string Require, RequestThreshold[] Thresholds);

/// <summary>How many reviews of one sort decide.</summary>
/// <param name="Name">For people; may be empty.</param>
/// <param name="Approve">So many approvals meet it; 0 for never.</param>
/// <param name="Deny">So many denials deny the request; 0 for never.</param>
/// <param name="Filter">Which reviews count; null for all.</param>
public sealed record RequestThreshold(string Name, int Approve, int Deny, string? Filter = null);

/// <summary>Several requests.</summary>
/// <param name="Requests">In the order asked for.</param>
/// <param name="Next">Behind which place there are more; null where there are none.</param>
public sealed record RequestList(RequestResource[] Requests, string? Next = null);

/// <summary>A request after a change, and what the change ended.</summary>
/// <param name="Request">The request as it stands now.</param>
/// <param name="Revoked">The serials of the certificates that were revoked with it.</param>
/// <param name="Warnings">What deserves a second look.</param>
public sealed record RequestResolved(RequestResource Request, string[] Revoked, string[] Warnings);
