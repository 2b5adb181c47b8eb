using System.Collections.Immutable;

namespace CertAuthority.Access;

/// <summary>What a user wants to file.</summary>
/// <param name="Id">The id the request will have.</param>
/// <param name="Now">The instant of filing; whole seconds.</param>
/// <param name="User">Who asks.</param>
/// <param name="CreatorUid">Who is at the keyboard.</param>
/// <param name="RoleNames">The roles asked for, or <c>*</c> for all that may be asked for and are not held. Beside resources: the only roles by which these are asked for; none for all that reach them.</param>
/// <param name="Reason">Why.</param>
/// <param name="SuggestedReviewers">Who is told.</param>
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
    /// <summary>How many requests of this user were filed within the last minute, and within the last day; none where the bound does not hold for whoever files.</summary>
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

/// <summary>A request that could be filed.</summary>
/// <param name="Request">It.</param>
/// <param name="ReasonRequired">What it lacks: null, or why it must have a reason.</param>
/// <param name="ReasonPrompts">How the requester's roles ask for one; may be empty.</param>
public sealed record RequestDraft(AccessRequest Request, Refusal? ReasonRequired, ImmutableArray<string> ReasonPrompts);

/// <summary>Who may ask for which role or node, and what a request looks like when it is filed.</summary>
public static class Requesting
{
    /// <summary>How many names a request may suggest as reviewers.</summary>
    public const int MaxSuggestedReviewers = 100;

    /// <summary>How many nodes a request may name.</summary>
    public const int MaxResources = 300;

    /// <summary>How many reviews a threshold can want.</summary>
    public const int MaxReviews = 100;

    /// <summary>
    /// Whether a user whose <b>assigned</b> roles are these may ask for a role: some allow names it and no deny does.
    /// Roles gained by a request never count, or one approval could fetch the next. A role that may not be asked for is not
    /// asked for by way of a node either.
    /// </summary>
    public static bool MayRequest(IEnumerable<Role> assigned, string roleName, RequestKind kind)
    {
        var allowed = false;
        foreach (var role in assigned)
        {
            if (role.Deny.LetsRequest(roleName, RequestKind.Roles) || role.Deny.LetsRequest(roleName, kind))
                return false;
            allowed |= role.Allow.LetsRequest(roleName, kind);
        }
        return allowed;
    }

    /// <summary>The names of the existing roles that the user may ask for, by their names or by way of nodes; sorted, none that is locked.</summary>
    public static ImmutableArray<string> Requestable(
        User user, IReadOnlyDictionary<string, Role> roles, DateTimeOffset now, LocksInForce locks, RequestKind kind = RequestKind.Roles)
    {
        var assigned = Assigned(user, roles, now);
        return [.. roles.Values.Where(role => !role.IsOver(now) && MayRequest(assigned, role.Name, kind) && locks.On(LockKind.Role, role.Name) is null).Select(role => role.Name).Order(StringComparer.Ordinal)];
    }

    /// <summary>What a login of the user's does that says nothing about requests: what the strictest of their roles says, where there is something to ask for.</summary>
    public static RequestAccess AccessOf(User user, IReadOnlyDictionary<string, Role> roles, DateTimeOffset now)
    {
        var access = Assigned(user, roles, now).Select(role => role.Options.RequestAccess).DefaultIfEmpty().Max();
        // A lock is told when the request is filed; it does not make a login one that needs no request.
        return access == RequestAccess.Optional || Requestable(user, roles, now, LocksInForce.None).All(user.Roles.Contains) ? RequestAccess.Optional : access;
    }

    /// <summary>The roles assigned to a user that exist, as they count now.</summary>
    public static IReadOnlyList<Role> Assigned(User user, IReadOnlyDictionary<string, Role> roles, DateTimeOffset now) =>
        [.. user.Roles.Where(roles.ContainsKey).Select(name => roles[name].At(now))];

    /// <summary>The request as it is filed, pending, or why it may not be.</summary>
    public static Outcome<AccessRequest> File(RequestQuestion question)
    {
        if (!Draft(question).Holds(out var draft, out var refusal))
            return refusal;
        return draft.ReasonRequired is { } missing ? missing : draft.Request;
    }

    /// <summary>The same, also where nothing but a reason is missing yet.</summary>
    public static Outcome<RequestDraft> Draft(RequestQuestion question)
    {
        if (Names.ReasonFault(question.Reason) is { } fault)
            return fault;
        if (question.SuggestedReviewers.Length > MaxSuggestedReviewers)
            return new Refusal($"at most {MaxSuggestedReviewers} reviewers can be suggested", Kind: RefusalKind.Invalid);
        if (question.SuggestedReviewers.FirstOrDefault(name => !Names.IsName(name)) is { } odd)
            return new Refusal($"\"{odd}\" cannot be the name of a reviewer", $"user names have the form {Names.Form}", RefusalKind.Invalid);
        if (question.PendingRequests >= question.Limits.PendingRequestsPerUser)
            return new Refusal($"{question.PendingRequests} of your requests are pending already; that is the limit", "tsh request ls shows them; tsh request cancel ID withdraws one", RefusalKind.Limited);

        if (question.Filed.Minute >= question.Limits.RequestsPerMinute)
            return new Refusal($"{question.Filed.Minute} requests of yours were filed within a minute; that is the limit", "try again in a minute", RefusalKind.Limited);
        if (question.Filed.Day >= question.Limits.RequestsPerDay)
            return new Refusal($"{question.Filed.Day} requests of yours were filed within a day; that is the limit", "an administrator can file one for you: tctl requests create USER --roles=ROLE", RefusalKind.Limited);

        var assigned = Assigned(question.User, question.Roles, question.Now);
        if (question.Locks.On(question.User, [.. question.User.Roles, .. question.RoleNames.Where(name => MayRequest(assigned, name, question.Kind))]) is { } locked)
            return locked.Refusal;
        if (!Asked.Of(question).Holds(out var asked, out var refusal))
            return refusal;

        var roles = asked.Roles.Select(name => question.Roles[name]).ToList();
        if (!AccessWindow.File(question.Now, roles, assigned, question.Wishes, question.Limits, question.Kind).Holds(out var window, out refusal))
            return refusal;
        var askedBy = assigned.Where(role => asked.Roles.Any(name => role.Allow.LetsRequest(name, question.Kind))).OrderBy(role => role.Name, StringComparer.Ordinal).ToList();
        var request = new AccessRequest(
            question.Id,
            Revision: 1,
            question.User.Id,
            question.User.Name,
            question.CreatorUid,
            [.. roles.Select(role => role.Pin())],
            GrantedRoles: [],
            RequestState.Pending,
            question.Now,
            window.PendingUntil,
            window.AccessUntil,
            question.Reason,
            [.. (question.SuggestedReviewers.IsEmpty ? assigned.SelectMany(role => role.Allow.Asking.SuggestedReviewers) : question.SuggestedReviewers).Distinct(StringComparer.Ordinal)],
            Resolution: null,
            question.CreatorLoginUid)
        {
            Resources = asked.Resources,
            Terms = window.Terms,
            Thresholds = [.. askedBy.Select(role => new ThresholdSet(role.Pin(), role.Allow.Asking.RequireAll, role.Allow.Asking.Thresholds is { IsEmpty: false } some ? some : [ReviewThreshold.One]))],
            Annotations = Annotations(askedBy),
            RequesterUids = [.. question.UserUids.Append(question.CreatorUid).Concat(question.CreatorLoginUid is { } login ? [login] : []).Distinct()],
            RequesterUsers = question.PersonsUsers,
        };
        var (why, prompts) = Reason(asked.Roles, question.Kind, assigned);
        return new RequestDraft(request, string.IsNullOrWhiteSpace(question.Reason) ? why : null, prompts);
    }

    /// <summary>Why a request for roles must have a reason, or null; and how the requester's roles ask for it.</summary>
    /// <param name="names">The roles asked for.</param>
    /// <param name="kind">How they are asked for.</param>
    /// <param name="assigned">The roles of the requester.</param>
    public static (Refusal? Required, ImmutableArray<string> Prompts) Reason(IReadOnlyCollection<string> names, RequestKind kind, IReadOnlyList<Role> assigned)
    {
        var (prompts, subjects) = (new List<string>(), new List<string>());
        foreach (var role in assigned.OrderBy(role => role.Name, StringComparer.Ordinal))
        {
            if (role.Options.RequestAccess == RequestAccess.Reason)
                (subjects, prompts) = ([.. subjects, $"whoever holds role \"{role.Name}\""], [.. prompts, role.Options.RequestPrompt]);
            if (role.Allow.Asking.ReasonRequired && names.FirstOrDefault(name => role.Allow.LetsRequest(name, kind)) is { } asked)
                (subjects, prompts) = ([.. subjects, $"whoever asks for role \"{asked}\""], [.. prompts, role.Allow.Asking.ReasonPrompt]);
        }
        prompts = [.. prompts.Where(prompt => prompt.Length > 0).Distinct(StringComparer.Ordinal)];
        return (subjects is [var subject, ..]
            ? new Refusal($"{subject} gives a reason", string.Join("; ", prompts.Prepend("say it with --reason (at a login, --request-reason)")), RefusalKind.Invalid)
            : null, [.. prompts]);
    }

    // What several roles say about one thing adds up.
    private static ImmutableSortedDictionary<string, ImmutableArray<string>> Annotations(IEnumerable<Role> askedBy) =>
        askedBy.SelectMany(role => role.Allow.Asking.Annotations).GroupBy(one => one.Key, StringComparer.Ordinal)
            .ToImmutableSortedDictionary(of => of.Key, of => of.SelectMany(one => one.Value).Distinct(StringComparer.Ordinal).ToImmutableArray(), StringComparer.Ordinal);
}
