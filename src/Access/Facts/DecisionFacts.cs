using System.Collections.Immutable;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Reviews;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Facts;

/// <summary>
/// What people need to know about a pending request before they decide it. The facts come from the decisions of the policy and decide
/// nothing themselves.
/// </summary>
/// <param name="Opens">The logins that an approval would open in addition to those that the requester has already, sorted.</param>
/// <param name="OpensNothing">Why an approval would open nothing; null if it opens something.</param>
/// <param name="Period">When the access would begin and end if the request were approved now; null if it cannot be approved.</param>
/// <param name="Risks">What a reviewer should look at twice, in the order of <see cref="RiskKind"/>.</param>
/// <param name="CanApprove">The names of the users who can still approve it, sorted; some of those that the question lists.</param>
/// <param name="WhyNotYou">Why the viewer cannot approve it; null if they can, or if there is no viewer.</param>
/// <param name="History">The earlier requests of the requester for the same roles.</param>
/// <param name="Descriptions">The descriptions of the requested roles, by name; roles without one are left out.</param>
public sealed record DecisionFacts(
    ImmutableArray<Opening> Opens,
    string? OpensNothing,
    AccessPeriod? Period,
    ImmutableArray<Risk> Risks,
    ImmutableArray<string> CanApprove,
    string? WhyNotYou,
    History History,
    ImmutableSortedDictionary<string, string> Descriptions)
{
    /// <summary>Collects the facts of a pending request.</summary>
    public static DecisionFacts Of(FactsQuestion question)
    {
        var (request, roles, now) = (question.Request, question.Roles, question.Now);
        var approved = Approved(question.AfterVotes(), force: question.Administrator is not null);
        var opened = approved.Holds(out var access, out var refusal) ? Opened.By(access, question) : new Opened([], [], refusal.Message);
        return new DecisionFacts(
            opened.Openings,
            opened.WhyNothing,
            access is null ? null : new AccessPeriod(question.Begins(access), access.AccessUntil, access.Terms.LimitedBy),
            [.. Risk.Of(question, access, opened)],
            RequestUse.FirstChanged(request, roles) is not null
                ? []
                : [
                    .. question.Reviewers.Where(reviewer => Reviewing.IsAwaited(Review(question, reviewer), now))
                        .Select(reviewer => reviewer.User.Name).Order(StringComparer.Ordinal)],
            WhyNot(question),
            History.Of(question.Earlier, now),
            request.Roles.Select(asked => roles.GetValueOrDefault(asked.Name)).OfType<Role>().Where(role => role.Description.Length > 0)
                .ToImmutableSortedDictionary(role => role.Name, role => role.Description, StringComparer.Ordinal));
    }

    // Root may approve any request, so the result depends on the request alone.
    private static Outcome<AccessRequest> Approved(FactsQuestion question, bool force) =>
        question.Granted is { IsDefault: false, IsEmpty: true }
            ? new Refusal("the approvals have no role in common")
            : Approve(question, new Answerer(new UnixIdentity(0, null), IsRoot: true), force);

    private static Outcome<AccessRequest> Approve(FactsQuestion question, Answerer by, bool force) =>
        Resolving.Approve(
            question.Request, question.Requester, by, question.People, question.Roles, new RequestResolution("", question.Now, ""),
            question.Limits, question.Locks, question.Granted, force, question.Limit);

    private static string? WhyNot(FactsQuestion question)
    {
        Refusal? refusal = null;
        if (question.Administrator is { } administrator)
            Approve(question.AfterVotes(), administrator, force: false).Holds(out _, out refusal);
        else if (question.Reviewer is { } reviewer)
            Reviewing.Decide(Review(question, reviewer)).Holds(out _, out refusal);
        return refusal?.Message;
    }

    private static ReviewQuestion Review(FactsQuestion question, Voter by) =>
        new(
            question.Request, question.Requester, by, question.Votes,
            new Review(
                by.User.Id, by.User.Name, [], ReviewDecision.Approve, question.Granted.IsDefault ? [] : question.Granted, "", question.Now,
                AtMost: question.AtMost),
            question.Roles, question.Limits)
        {
            Locks = question.Locks,
            People = question.People,
        };
}

/// <summary>When an access begins and ends.</summary>
/// <param name="From">The first instant at which it can be used.</param>
/// <param name="Until">The first instant at which it grants nothing more.</param>
/// <param name="LimitedBy">The rule that limits it.</param>
public sealed record AccessPeriod(DateTimeOffset From, DateTimeOffset Until, string LimitedBy);
