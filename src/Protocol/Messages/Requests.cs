namespace CertAuthority.Protocol;

/// <summary>Files a request as the caller's user.</summary>
/// <param name="Roles">
/// The requested roles. Together with resources: the only roles through which these are requested; null for all roles that reach them.
/// </param>
/// <param name="User">Which of the caller's users to act as; null if there is only one.</param>
/// <param name="Reason">The reason.</param>
/// <param name="Reviewers">The names of users to notify.</param>
/// <param name="SessionTtl">The longest certificate under the request, as a duration.</param>
/// <param name="RequestTtl">How long the request waits for an answer, as a duration.</param>
/// <param name="MaxDuration">How long the access lasts, as a duration.</param>
/// <param name="AssumeStartTime">When the access begins: a time of RFC 3339.</param>
/// <param name="Resources">The nodes requested by name, each <c>node/NAME</c>, at most 300; null in a request for roles.</param>
/// <param name="Force">Whether to file it even if a pending request of the user asks for the same.</param>
/// <param name="IdempotencyKey">
/// A random text, in the header <see cref="Route.KeyHeader"/>: the same call with the same key is one request. Null for none.
/// </param>
public sealed record CreateRequest(
    string[]? Roles = null,
    string? User = null,
    string Reason = "",
    string[]? Reviewers = null,
    string? SessionTtl = null,
    string? RequestTtl = null,
    string? MaxDuration = null,
    string? AssumeStartTime = null,
    string[]? Resources = null,
    bool Force = false,
    string? IdempotencyKey = null);

/// <summary>The request that would be filed.</summary>
/// <param name="Spec">The content of the request.</param>
/// <param name="ReasonPrompts">The texts by which the requester's roles ask for the reason.</param>
/// <param name="ReasonRequired">Why it cannot be filed without a reason; null if it can, or has one.</param>
/// <param name="Facts">What its reviewers would see of it.</param>
public sealed record RequestPlan(RequestSpec Spec, string[] ReasonPrompts, string? ReasonRequired = null, RequestFacts? Facts = null);

/// <summary>Lists requests that the caller may see, newest first.</summary>
/// <param name="User">Which of the caller's users to act as.</param>
/// <param name="Show">
/// <c>mine</c>, or null: their own requests. <c>reviewable</c>: requests that wait for their review. <c>reviewed</c>: requests that they
/// have reviewed. <c>suggested</c>: requests that name them as a reviewer and that they may review or have reviewed.
/// </param>
/// <param name="Limit">The largest number of requests, at least 1. A page contains at most 1000.</param>
/// <param name="After">Only requests after this position: the <c>next</c> of the previous page.</param>
/// <param name="State">Only requests in one of these states, separated by commas: <c>pending,approved</c>.</param>
/// <param name="Role">Only requests that ask for this role, or were granted it.</param>
/// <param name="Since">Only requests filed since then: a time of RFC 3339, or a duration before now.</param>
/// <param name="Node">Only requests that name this node, or ask for roles of which one reaches it today.</param>
/// <param name="Requester">Only requests of the user with this name.</param>
/// <param name="CountReviewable">Whether to count the requests that wait for their review, whatever the list shows.</param>
public sealed record ListMyRequests(
    string? User = null, string? Show = null, int? Limit = null, string? After = null, string? State = null, string? Role = null,
    string? Since = null, string? Node = null, string? Requester = null, bool CountReviewable = false);

/// <summary>Reviews another user's request as the caller's user.</summary>
/// <param name="Id">The ID of the request, or a unique prefix.</param>
/// <param name="Decision"><c>approve</c> or <c>deny</c>.</param>
/// <param name="User">Which of the caller's users to act as.</param>
/// <param name="Reason">The reason, shown to the requester and to other reviewers.</param>
/// <param name="Roles">With <c>approve</c>: some of the requested roles; null for all.</param>
/// <param name="AssumeStartTime">With <c>approve</c>: the earliest start of the access, a time of RFC 3339.</param>
/// <param name="MaxDuration">With <c>approve</c>: how long the access lasts at most from its start, as a duration.</param>
public sealed record ReviewRequest(
    string Id, string Decision, string? User = null, string Reason = "", string[]? Roles = null, string? AssumeStartTime = null,
    string? MaxDuration = null);

/// <summary>Asks for one request that the caller may see: their own, or one that they may review or have reviewed.</summary>
/// <param name="Id">The ID of the request, or a unique prefix.</param>
/// <param name="User">Which of the caller's users to act as.</param>
/// <param name="After">With <paramref name="Wait"/>: wait until the revision is greater than this one.</param>
/// <param name="Wait">How long to wait, a duration up to 25s; then the current state is returned.</param>
/// <param name="Facts">Whether to include the facts about the request, if it is pending.</param>
/// <param name="AllHosts">With <paramref name="Facts"/>: whether to name every host that the request opens.</param>
/// <param name="Roles">
/// With <paramref name="Facts"/>: some of the requested roles, separated by commas, as if only these were granted.
/// </param>
/// <param name="MaxDuration">With <paramref name="Facts"/>: a duration, as if the access were limited to it.</param>
public sealed record GetMyRequest(
    string Id, string? User = null, long? After = null, string? Wait = null, bool Facts = false, bool AllHosts = false,
    string? Roles = null, string? MaxDuration = null);

/// <summary>Withdraws or gives up a request of the caller.</summary>
/// <param name="Id">The ID of the request, or a unique prefix.</param>
/// <param name="User">Which of the caller's users to act as.</param>
public sealed record EndMyRequest(string Id, string? User = null);

/// <summary>Lists the requests of all users; a null filter matches everything.</summary>
/// <param name="State">Only requests in one of these states, separated by commas: <c>pending,approved</c>.</param>
/// <param name="User">Only requests of the user with this name.</param>
/// <param name="Role">Only requests that ask for this role, or were granted it.</param>
/// <param name="Since">Only requests filed since then: a time of RFC 3339, or a duration before now.</param>
/// <param name="Node">Only requests that name this node, or ask for roles of which one reaches it today.</param>
/// <param name="Sort"><c>created</c>, <c>user</c> or <c>state</c>; within a user or state newest first. Null for <c>created</c>.</param>
/// <param name="Limit">The largest number of requests, at least 1. A page contains at most 1000.</param>
/// <param name="After">Only requests after this position: the <c>next</c> of the previous page, with the same sort.</param>
public sealed record ListRequests(
    string? State = null, string? User = null, string? Role = null, string? Since = null, string? Node = null, string? Sort = null,
    int? Limit = null, string? After = null);

/// <summary>Asks for any request, as an administrator.</summary>
/// <param name="Id">The ID of the request, or a unique prefix.</param>
/// <param name="Facts">Whether to include the facts about the request, if it is pending.</param>
/// <param name="AllHosts">With <paramref name="Facts"/>: whether to name every host that the request opens.</param>
/// <param name="Roles">With <paramref name="Facts"/>: roles, separated by commas, as if these were granted instead.</param>
/// <param name="MaxDuration">With <paramref name="Facts"/>: a duration, as if the access were limited to it.</param>
public sealed record GetRequest(
    string Id, bool Facts = false, bool AllHosts = false, string? Roles = null, string? MaxDuration = null);

/// <summary>Approves a request.</summary>
/// <param name="Id">The ID of the request, or a unique prefix.</param>
/// <param name="Reason">The reason, shown to the requester.</param>
/// <param name="Roles">The roles to grant instead of the requested ones; null for the requested ones.</param>
/// <param name="Force">Whether to approve even if a role has changed since the request was filed.</param>
/// <param name="MaxDuration">How long the access lasts at most from its start, as a duration.</param>
public sealed record ApproveRequest(
    string Id, string Reason = "", string[]? Roles = null, bool Force = false, string? MaxDuration = null);

/// <summary>Denies a request, or withdraws an approval.</summary>
/// <param name="Id">The ID of the request, or a unique prefix.</param>
/// <param name="Reason">The reason, shown to the requester.</param>
public sealed record DenyRequest(string Id, string Reason = "");

/// <summary>Files a request for a user. The administrator who files it counts as a requester too.</summary>
/// <param name="User">The name of the user.</param>
/// <param name="Roles">The requested roles; as in <see cref="CreateRequest"/>.</param>
/// <param name="Reason">The reason.</param>
/// <param name="Reviewers">The names of users to notify.</param>
/// <param name="Resources">The requested nodes, each <c>node/NAME</c>.</param>
/// <param name="Force">Whether to file it even if a pending request of the user asks for the same.</param>
/// <param name="IdempotencyKey">As in <see cref="CreateRequest"/>.</param>
public sealed record CreateRequestFor(
    string User, string[]? Roles = null, string Reason = "", string[]? Reviewers = null, string[]? Resources = null, bool Force = false,
    string? IdempotencyKey = null);

/// <summary>Removes a request from the list; the audit keeps it.</summary>
/// <param name="Id">The ID of the request, or a unique prefix.</param>
/// <param name="Force">Whether to remove also a pending or approved request, which is ended first.</param>
public sealed record RemoveRequest(string Id, bool Force = false);

/// <summary>Asks what a user can request.</summary>
/// <param name="Name">The name of the user.</param>
public sealed record GetCapabilities(string Name);

/// <summary>What a user can request.</summary>
/// <param name="RequestableRoles">The names of the roles, sorted.</param>
public sealed record Capabilities(string[] RequestableRoles);

/// <summary>Asks what the caller can request.</summary>
/// <param name="User">Which of the caller's users to act as; null leaves the choice to the daemon.</param>
public sealed record GetMyCapabilities(string? User = null);

/// <summary>What the caller can request.</summary>
/// <param name="Users">Every user that the caller can act as, sorted.</param>
/// <param name="RequestableRoles">What <paramref name="User"/> can request, sorted.</param>
/// <param name="User">The user that the answer is for; null if the caller owns several and must choose.</param>
/// <param name="Descriptions">The descriptions of these roles, by name; roles without one are left out. Null for none.</param>
public sealed record MyCapabilities(
    string[] Users, string[] RequestableRoles, string? User = null, Dictionary<string, string>? Descriptions = null);

/// <summary>
/// Searches for resources that the caller can request by name: nodes that the <c>search_as_roles</c> of their roles reach.
/// </summary>
/// <param name="Kind">The kind of resource: <c>node</c>.</param>
/// <param name="Labels">Only those with all of these labels, <c>key=value</c> separated by commas.</param>
/// <param name="Search">
/// Only those that contain each of these words, separated by blanks, in the name or the labels; case does not matter.
/// </param>
/// <param name="Limit">The largest number of results, at least 1; null for all.</param>
/// <param name="User">Which of the caller's users to act as.</param>
public sealed record SearchResources(
    string Kind = ResourceKinds.Node, string? Labels = null, string? Search = null, int? Limit = null, string? User = null);

/// <summary>The resources that can be requested by name.</summary>
/// <param name="Resources">The resources, sorted by name.</param>
/// <param name="More">How many were found beyond the limit.</param>
public sealed record ResourcesFound(ResourceFound[] Resources, int More);

/// <summary>A resource that can be requested by name.</summary>
/// <param name="Resource"><c>node/db1</c>.</param>
/// <param name="Labels">Its labels.</param>
/// <param name="Roles">The roles through which it would be requested, sorted.</param>
public sealed record ResourceFound(string Resource, Dictionary<string, string> Labels, string[] Roles);

/// <summary>A request as messages show it.</summary>
/// <param name="Kind"><c>access_request</c>.</param>
/// <param name="Version"><c>v3</c>.</param>
/// <param name="Metadata">The metadata; its name is the ID.</param>
/// <param name="Spec">What the request asks for, and its state.</param>
public sealed record RequestResource(string Kind, string Version, RequestMetadata Metadata, RequestSpec Spec)
{
    /// <summary>What people need to know before they decide it; null unless asked for, and once it is decided.</summary>
    public RequestFacts? Facts { get; init; }
}

/// <summary>The name and the revision of a request.</summary>
/// <param name="Name">The ID, a UUID.</param>
/// <param name="Revision">Counts changes, from 1; use it as <c>after</c> to wait for the next one.</param>
public sealed record RequestMetadata(string Name, long Revision);

/// <summary>What a request asks for, and its state.</summary>
public sealed record RequestSpec
{
    /// <summary>The requester.</summary>
    public required string User { get; init; }

    /// <summary>The requested roles.</summary>
    public required string[] Roles { get; init; }

    /// <summary>The granted roles; empty until approved.</summary>
    public required string[] GrantedRoles { get; init; }

    /// <summary><c>PENDING</c>, <c>APPROVED</c>, <c>DENIED</c>, <c>CANCELLED</c> or <c>EXPIRED</c>.</summary>
    public required string State { get; init; }

    /// <summary>When it was filed.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>The first instant at which it can no longer be answered.</summary>
    public required DateTimeOffset Expires { get; init; }

    /// <summary>When the access ends. While the request is pending with its clock at approval, the latest possible end.</summary>
    public required DateTimeOffset AccessExpires { get; init; }

    /// <summary>How long the access lasts, as a duration.</summary>
    public required string AccessLasts { get; init; }

    /// <summary>The rule that sets the duration.</summary>
    public required string AccessLimitedBy { get; init; }

    /// <summary>The instant from which the duration is counted: <c>creation</c> or <c>approval</c>.</summary>
    public required string Clock { get; init; }

    /// <summary>What is shorter than requested, one sentence each.</summary>
    public required string[] Shortened { get; init; }

    /// <summary>The reason, in the requester's words.</summary>
    public required string RequestReason { get; init; }

    /// <summary>The reason, in the answerer's words.</summary>
    public required string ResolveReason { get; init; }

    /// <summary>The users who were notified.</summary>
    public required string[] SuggestedReviewers { get; init; }

    /// <summary>The account that answered; null if nobody has.</summary>
    public string? ResolvedBy { get; init; }

    /// <summary>The longest certificate under the request, if the requester set one.</summary>
    public string? SessionTtl { get; init; }

    /// <summary>When the access begins; null for at once.</summary>
    public DateTimeOffset? AssumeStartTime { get; init; }

    /// <summary>The reviews, in the order in which they were made.</summary>
    public RequestReview[]? Reviews { get; init; }

    /// <summary>While it is pending: the approvals that are still missing, one sentence each.</summary>
    public string[]? Missing { get; init; }

    /// <summary>
    /// While it is pending: the approvals so far, one sentence for each set of thresholds that is not met: <c>1 of 2 approvals</c>. If no
    /// vote helps, the sentence says who can answer instead.
    /// </summary>
    public string[]? Needs { get; init; }

    /// <summary>The thresholds for counting reviews; every set must be met.</summary>
    public RequestThresholds[]? Thresholds { get; init; }

    /// <summary>The annotations that the roles that allow the request add to it.</summary>
    public Dictionary<string, string[]>? SystemAnnotations { get; init; }

    /// <summary>The only nodes that it is for, each <c>node/NAME</c>; null in a request for roles.</summary>
    public string[]? Resources { get; init; }

    /// <summary>
    /// While it is pending or approved: the conditions of its roles for every session, <c>restore: runs only /usr/bin/restore</c> each;
    /// null for none.
    /// </summary>
    public string[]? Conditions { get; init; }

    /// <summary>
    /// In the answer to filing it and in a dry run: one sentence about each suggested reviewer who cannot review it; null for none.
    /// </summary>
    public string[]? Warnings { get; init; }

    /// <summary>
    /// The objections that an administrator overrode by approving, one sentence each: thresholds that the votes had not reached, a role
    /// that had changed. Null if there were none.
    /// </summary>
    public string[]? Overridden { get; init; }
}

/// <summary>A review of a request.</summary>
/// <param name="Author">The user who reviewed.</param>
/// <param name="ProposedState"><c>APPROVED</c> or <c>DENIED</c>.</param>
/// <param name="Roles">The roles that they would grant; empty for a denial.</param>
/// <param name="Reason">The reason, in their words.</param>
/// <param name="Created">When they reviewed.</param>
/// <param name="AssumeStartTime">The earliest start of the access, if they set one.</param>
/// <param name="Counts">
/// Whether the review counts, while the request is pending. It does not count while its author may not review the request.
/// </param>
/// <param name="MaxDuration">How long the access lasts at most from its start, if they set a limit: a duration.</param>
public sealed record RequestReview(
    string Author, string ProposedState, string[] Roles, string Reason, DateTimeOffset Created, DateTimeOffset? AssumeStartTime = null,
    bool? Counts = null, string? MaxDuration = null);

/// <summary>The thresholds that one role of the requester sets for a request.</summary>
/// <param name="Role">The name of the role.</param>
/// <param name="Require"><c>any</c> or <c>all</c> of them must be met.</param>
/// <param name="Thresholds">The thresholds; at least one.</param>
public sealed record RequestThresholds(string Role, string Require, RequestThreshold[] Thresholds);

/// <summary>How many reviews of one kind decide a request.</summary>
/// <param name="Name">A name for people; may be empty.</param>
/// <param name="Approve">The number of approvals that meets the threshold; 0 for never.</param>
/// <param name="Deny">The number of denials that denies the request; 0 for never.</param>
/// <param name="Filter">Which reviews count; null for all.</param>
public sealed record RequestThreshold(string Name, int Approve, int Deny, string? Filter = null);

/// <summary>A list of requests.</summary>
/// <param name="Requests">The requests, in the requested order.</param>
/// <param name="Next">The position after which there are more requests; null if there are none.</param>
/// <param name="Reviewable">How many requests wait for the caller's review; null if the call does not ask.</param>
public sealed record RequestList(RequestResource[] Requests, string? Next = null, int? Reviewable = null);

/// <summary>A request after a change, and the effects of the change.</summary>
/// <param name="Request">The request as it is now.</param>
/// <param name="Revoked">The serials of the certificates that were revoked with it.</param>
/// <param name="Warnings">Warnings for the administrator or user.</param>
public sealed record RequestResolved(RequestResource Request, string[] Revoked, string[] Warnings);
