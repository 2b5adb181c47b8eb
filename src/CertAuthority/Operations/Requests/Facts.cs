using System.Collections.Immutable;
using CertAuthority.Access.Facts;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Reviews;
using CertAuthority.Access.Users;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>What a caller wants to know about a request.</summary>
/// <param name="By">The caller; null for a notice, which nobody in particular reads.</param>
/// <param name="User">The user that the caller acts as; null for an administrator.</param>
/// <param name="Granted">The roles that the approval would grant; default for the requested ones.</param>
/// <param name="AtMost">How long the approval would let the access last at most; null for as long as the request says.</param>
/// <param name="AllHosts">Whether every host is named.</param>
internal sealed record FactsWish(
    Caller? By, User? User, ImmutableArray<string> Granted = default, TimeSpan? AtMost = null, bool AllHosts = false)
{
    /// <summary>The facts as a notice contains them.</summary>
    public static readonly FactsWish Notice = new(null, null);

    /// <summary>Reads the roles of a call, separated by commas.</summary>
    public static ImmutableArray<string> Roles(string? text) =>
        text is null ? default : [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
}

/// <summary>Collects the facts about a pending request. It reads no more users and requests than the request concerns.</summary>
internal static class Facts
{
    // A role that everybody holds may allow reviews.
    private const int MostCandidates = 1000;

    private const int MostReviewers = 10;

    private const int MostHosts = 4;

    private const int MostLabels = 20;

    /// <summary>Returns the facts about a request; null once it is decided.</summary>
    /// <param name="ca">The authority; its limits apply.</param>
    /// <param name="persons">Tells which users are the same person; it holds the database.</param>
    /// <param name="request">The request; it need not be filed yet.</param>
    /// <param name="wish">What the caller wants to know.</param>
    /// <param name="now">The present instant.</param>
    public static RequestFacts? Of(Authority ca, Persons persons, AccessRequest request, FactsWish wish, DateTimeOffset now)
    {
        if (request.StateAt(now) != RequestState.Pending)
            return null;
        var (snapshot, policy) = (persons.Snapshot, persons.Snapshot.Policy());
        var (state, roles) = (ReviewState.Load(persons, request, now), policy.Roles);
        var candidates = Candidates(snapshot, request, []);
        IEnumerable<Alias> viewer = [.. wish.User is { } acting ? (Alias[])[Alias.User(acting.Id)] : [], .. wish.By?.Aliases ?? []];
        var people = persons.Behind(request, viewer).And([viewer]);
        return Show(
            DecisionFacts.Of(new FactsQuestion(request, state.Requester, roles, policy.EveryNode, ca.Limits, now)
            {
                Locks = policy.LocksAt(now),
                People = people,
                Votes = state.Votes,
                Reviewers = [.. candidates.Select(user => Voter.From(user, roles, now))],
                Reviewer = wish.User is { } user ? Voter.From(user, roles, now) : null,
                Administrator = wish.User is null ? wish.By?.Answerer : null,
                Granted = wish.Granted,
                AtMost = wish.AtMost,
                Earlier = [
                    .. request.Roles.SelectMany(
                        role => snapshot.EarlierRequests(request, role.Name, now - History.Longest, now))],
                PrivilegedLogins = ca.PrivilegedLogins,
            }),
            wish.AllHosts);
    }

    /// <summary>
    /// Returns the facts about a request that was just filed or reviewed. They concern every host that it opens, so they are collected
    /// outside of the transaction.
    /// </summary>
    public static RequestFacts? AfterCommit(Authority ca, AccountUids accounts, AccessRequest request, DateTimeOffset now) =>
        ca.Database.Read(snapshot => Of(ca, new Persons(snapshot, accounts), request, FactsWish.Notice, now));

    /// <summary>Returns the users who may be able to review a request, and those who are named: at most 1000.</summary>
    public static List<User> Candidates(Snapshot snapshot, AccessRequest request, IEnumerable<string> named)
    {
        var (roles, users) = Reviewing.Candidates(request, snapshot.Policy().Roles);
        return snapshot.UsersWith(roles, [.. users, .. named], MostCandidates);
    }

    private static RequestFacts Show(DecisionFacts facts, bool allHosts) => new()
    {
        Opens = [.. facts.Opens.Select(opening => Show(opening, allHosts))],
        OpensNothing = facts.OpensNothing,
        Period = facts.Period is { } period ? new RequestPeriod(period.From, period.Until, period.LimitedBy) : null,
        Risks = [.. facts.Risks.Select(risk => new RequestRisk(Word(risk.Kind), risk.What))],
        CanApprove = [.. facts.CanApprove.Take(MostReviewers)],
        MoreCanApprove = Math.Max(0, facts.CanApprove.Length - MostReviewers),
        WhyNotYou = facts.WhyNotYou,
        History = new RequestHistory(
            facts.History.Filed, facts.History.Granted, [.. facts.History.Open.Select(id => id.ToString())], facts.History.LastGranted),
        Descriptions = facts.Descriptions.ToDictionary(),
    };

    private static RequestOpening Show(Opening opening, bool allHosts) => new(
        opening.Login, opening.IsEverywhere, opening.Nodes.Length, Labels(opening.Nodes),
        opening.IsEverywhere || (opening.Nodes.Length > MostHosts && !allHosts) ? null : [.. opening.Nodes.Select(node => node.Name)],
        opening.Conditions);

    private static Dictionary<string, int> Labels(ImmutableArray<Node> nodes) =>
        nodes.SelectMany(node => node.Labels.Select(label => $"{label.Key}={label.Value}")).CountBy(label => label)
            .OrderByDescending(label => label.Value).ThenBy(label => label.Key, StringComparer.Ordinal).Take(MostLabels).ToDictionary();

    private static string Word(RiskKind kind) => kind switch
    {
        RiskKind.Root => RiskKinds.Root,
        RiskKind.AllHosts => RiskKinds.AllHosts,
        RiskKind.DaemonHost => RiskKinds.DaemonHost,
        RiskKind.Forwarding => RiskKinds.Forwarding,
        RiskKind.ForcedCommand => RiskKinds.ForcedCommand,
        _ => RiskKinds.FirstTime,
    };
}
