using System.Collections.Immutable;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Requests;

/// <summary>A request that could be filed.</summary>
/// <param name="Request">The request.</param>
/// <param name="ReasonRequired">Why the request must have a reason that it lacks; null if it lacks none.</param>
/// <param name="ReasonPrompts">The texts by which the requester's roles ask for a reason; may be empty.</param>
/// <param name="Duplicate">Why it should not be filed: a pending request asks for the same. Null if none does, or if forced.</param>
public sealed record RequestDraft(
    AccessRequest Request, Refusal? ReasonRequired, ImmutableArray<string> ReasonPrompts, Refusal? Duplicate);

/// <summary>Decides the content of a request when it is filed, or why it may not be filed.</summary>
public static class Requesting
{
    /// <summary>Returns the request as it is filed, pending, or why it may not be.</summary>
    public static Outcome<AccessRequest> File(RequestQuestion question)
    {
        if (!Draft(question).Holds(out var draft, out var refusal))
            return refusal;
        return (draft.ReasonRequired ?? draft.Duplicate) is { } why ? why : draft.Request;
    }

    /// <summary>As above, but also returns a request that lacks nothing but a reason, or that is filed already.</summary>
    public static Outcome<RequestDraft> Draft(RequestQuestion question)
    {
        if (Names.ReasonFault(question.Reason) is { } fault)
            return fault;
        if (question.SuggestedReviewers.Length > RequestQuestion.MaxSuggestedReviewers)
            return new Refusal($"at most {RequestQuestion.MaxSuggestedReviewers} reviewers can be suggested", Kind: RefusalKind.Invalid);
        if (question.SuggestedReviewers.FirstOrDefault(name => !Names.IsName(name)) is { } odd)
            return new Refusal(
                $"\"{odd}\" cannot be the name of a reviewer", $"user names have the form {Names.Form}", RefusalKind.Invalid);
        if (question.PendingRequests.Count >= question.Limits.PendingRequestsPerUser)
            return new Refusal(
                $"{question.PendingRequests.Count} of your requests are pending already; that is the limit", Kind: RefusalKind.Limited)
            {
                Remedy = new Remedy.CancelRequest()
            };

        if (question.Filed.Minute >= question.Limits.RequestsPerMinute)
            return new Refusal(
                $"{question.Filed.Minute} requests of yours were filed within a minute; that is the limit", "try again in a minute",
                RefusalKind.Limited);
        if (question.Filed.Day >= question.Limits.RequestsPerDay)
            return new Refusal(
                $"{question.Filed.Day} requests of yours were filed within a day; that is the limit", Kind: RefusalKind.Limited)
            {
                Remedy = new Remedy.FileRequest(question.User.Name)
            };

        var assigned = question.User.AssignedAt(question.Now, question.Roles);
        if (question.Locks.On(
            question.User,
            [.. question.User.Roles,
                .. question.RoleNames.Where(name => RequestRights.MayRequest(assigned, name, question.Kind))]) is { } locked)
            return locked.Refusal;
        if (!RequestedAccess.From(question).Holds(out var asked, out var refusal))
            return refusal;

        var roles = asked.Roles.Select(name => question.Roles[name]).ToList();
        if (!AccessWindow.File(question.Now, roles, assigned, question.Wishes, question.Limits, question.Kind)
            .Holds(out var window, out refusal))
            return refusal;
        var askedBy = assigned.Where(role => asked.Roles.Any(name => role.Allow.LetsRequest(name, question.Kind)))
            .OrderBy(role => role.Name, StringComparer.Ordinal).ToList();
        var request = new AccessRequest
        {
            Id = question.Id,
            Revision = 1,
            UserId = question.User.Id,
            UserName = question.User.Name,
            CreatorUid = question.CreatorUid,
            Roles = [.. roles.Select(role => role.Pin())],
            GrantedRoles = [],
            StoredState = RequestState.Pending,
            Created = question.Now,
            PendingUntil = window.PendingUntil,
            AccessUntil = window.AccessUntil,
            Reason = question.Reason,
            SuggestedReviewers = [
                .. (question.SuggestedReviewers.IsEmpty
                    ? assigned.SelectMany(role => role.Allow.Asking.SuggestedReviewers)
                    : question.SuggestedReviewers).Distinct(StringComparer.Ordinal)],
            Resolution = null,
            CreatorLoginUid = question.CreatorLoginUid,
            Resources = asked.Resources,
            Terms = window.Terms,
            Thresholds = [
                .. askedBy.Select(
                    role => new ThresholdSet(
                        role.Pin(), role.Allow.Asking.RequireAll,
                        role.Allow.Asking.Thresholds is { IsEmpty: false } some ? some : [ReviewThreshold.One]))],
            Annotations = Annotations(askedBy),
            RequesterUids = [
                .. question.UserUids.Append(question.CreatorUid).Concat(question.CreatorLoginUid is { } login ? [login] : []).Distinct()],
            RequesterUsers = question.PersonsUsers,
        };
        var (why, prompts) = Reason(asked.Roles, question.Kind, assigned);
        return new RequestDraft(request, string.IsNullOrWhiteSpace(question.Reason) ? why : null, prompts, Duplicate(question, request));
    }

    /// <summary>
    /// Returns why a request for roles must have a reason, or null; and the texts by which the requester's roles ask for it.
    /// </summary>
    /// <param name="names">The requested roles.</param>
    /// <param name="kind">The kind of request.</param>
    /// <param name="assigned">The assigned roles of the requester.</param>
    public static (Refusal? Required, ImmutableArray<string> Prompts) Reason(
        IReadOnlyCollection<string> names, RequestKind kind, IReadOnlyList<Role> assigned)
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
            ? new Refusal($"{subject} gives a reason", Kind: RefusalKind.Invalid) { Remedy = new Remedy.GiveReason([.. prompts]) }
            : null, [.. prompts]);
    }

    // Times and reasons do not matter: whoever approves the one would be asked to approve the other.
    private static Refusal? Duplicate(RequestQuestion question, AccessRequest request) =>
        question.Force ? null
        : question.PendingRequests.FirstOrDefault(
            pending => pending.Roles.Select(role => role.Name).SequenceEqual(request.Roles.Select(role => role.Name))
                && pending.Resources.SequenceEqual(request.Resources)
                // One that no reviewer can approve any more does not stand in the way.
                && RequestUse.FirstChanged(pending, question.Roles) is null) is { } same
            ? new Refusal($"request {same.Id} asks for the same and is pending", Kind: RefusalKind.Conflict)
            {
                Remedy = new Remedy.WaitForSame(same.Id),
            }
            : null;

    // If several roles have values for the same annotation, all values count.
    private static ImmutableSortedDictionary<string, ImmutableArray<string>> Annotations(IEnumerable<Role> askedBy) =>
        askedBy.SelectMany(role => role.Allow.Asking.Annotations).GroupBy(one => one.Key, StringComparer.Ordinal)
            .ToImmutableSortedDictionary(
                of => of.Key, of => of.SelectMany(one => one.Value).Distinct(StringComparer.Ordinal).ToImmutableArray(),
                StringComparer.Ordinal);
}
